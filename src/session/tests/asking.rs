//! What an asking holds of the start that it is about, part for part, and that no part changes unseen.

use std::collections::BTreeMap;

use super::approval::kim;
use crate::id::Digest;
use crate::runbook::Value;
use crate::session::approve::subject::found_otherwise;
use crate::session::approve::{Evidence, ItemCommand, LONGEST, Subject, asking, changes, subject};
use crate::session::bench::{Bench, sam};
use crate::session::event::How;
use crate::session::state::Ground;
use crate::session::{Work, gate};

const WIPE: &str = "
checks:
  backup: { title: Backup holds, run: 'true' }
  copy: { title: A copy, attest: Where? }
steps:
  - { id: wipe, title: Wipe, destructive: Everything, witness: true, requires: [backup, copy], run: 'rm -r vm' }
";

fn texts(values: &[(&str, &str)]) -> BTreeMap<crate::id::ValueName, Value> {
    values.iter().map(|(name, text)| ((*name).into(), Value::Text((*text).to_owned()))).collect()
}

fn of(bench: &Bench, place: usize, work: Work) -> Subject {
    subject(&bench.session, place, work, false, bench.now).unwrap()
}

#[test]
fn it_counts_the_starts_of_its_step() {
    let mut bench = Bench::new("steps:\n  - { id: a, title: A, run: x }\n");
    assert_eq!((of(&bench, 0, Work::Run).attempt, of(&bench, 0, Work::Run).after), (1, 0));
    bench.walk("a");
    bench.walk("a");
    assert_eq!((of(&bench, 0, Work::Run).attempt, of(&bench, 0, Work::Run).after), (3, 2));
}

#[test]
fn its_directory_is_whole() {
    let bench = Bench::new(
        "steps:
  - { id: a, title: A, run: x }
  - { id: b, title: B, run: x, dir: sub/of }
  - { id: c, title: C, run: x, dir: /srv/here }
",
    );
    let dirs = [0, 1, 2].map(|place| of(&bench, place, Work::Run).dir);
    assert_eq!(dirs, ["/", "/sub/of", "/srv/here"]);
}

#[test]
fn it_names_every_secret_that_the_script_gets_once() {
    let bench = Bench::new(
        "params:
  a: { about: A, secret: true }
  b: { about: B, secret: true }
  c: { about: C, secret: true }
steps:
  - { id: go, title: Go, witness: true, env: { FROM: 'x${b}${a}' }, run: 'echo \"$a\"' }
",
    );
    assert_eq!(of(&bench, 0, Work::Run).secrets, ["a", "b"].map(crate::id::ValueName::from));
}

#[test]
fn a_persons_part_stands_in_words_with_the_values_it_names() {
    let mut values = texts(&[("what", "the plug"), ("name", "web-7"), ("lost", "its disk"), ("other", "x")]);
    values.insert("all".into(), Value::List(vec!["a".to_owned(), "b".to_owned()]));
    let bench = Bench::with_values(
        "params:
  what: { about: W }
  name: { about: N }
  lost: { about: L }
  other: { about: O }
  all: { about: A, list: true }
steps:
  - id: go
    title: Go
    destructive: 'Of ${lost}'
    confirm: 'drop ${name}'
    witness: true
    about: Pull ${what}, then see to ${all}.
    undo: Put ${what} back.
",
        values,
    );
    let forward = of(&bench, 0, Work::Run);
    assert_eq!(forward.how, How::Person);
    assert!(forward.words.starts_with("Pull the plug, then see to "), "{}", forward.words);
    let named: Vec<(&str, &str)> =
        forward.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected = [("all", "a\nb"), ("lost", "its disk"), ("name", "web-7"), ("what", "the plug")];
    assert_eq!(named, expected, "and no other");
    let back = of(&bench, 0, Work::Undo);
    assert_eq!(back.words, "Put the plug back.");
    assert!(back.values.contains_key("what") && !back.values.contains_key("all"), "{:?}", back.values);
}

#[test]
fn a_value_that_nobody_knows_keeps_a_script_from_being_asked_for_and_from_running() {
    let mut bench = Bench::new(
        "steps:
  - { id: cap, title: Cap, optional: true, run: 'dir1=x; echo $dir1', capture: dir1, undo: 'rm -r ${dir1}' }
  - { id: use, title: Use, witness: true, run: 'rm -r $dir1/*' }
",
    );
    bench.skip("cap").unwrap();
    let missing = |bench: &Bench, place, work| gate::value_never_captured(&bench.session, place, work);
    assert_eq!(missing(&bench, 1, Work::Run).unwrap(), "`dir1` has no value: 1 Cap has yet to capture it");
    assert_eq!(missing(&bench, 0, Work::Run), None, "it is about to be captured");
    assert!(missing(&bench, 0, Work::Undo).is_some(), "but not to be taken back without");
    assert_eq!(missing(&bench, 1, Work::Undo), None, "it has no undo");
    let asked = |by_hand| subject(&bench.session, 1, Work::Run, by_hand, bench.now);
    assert!(asked(false).unwrap_err().contains("has no value"));
    assert_eq!(asked(true).unwrap().how, How::ByHand, "a person may find it otherwise");
    let mut bench = Bench::new(
        "steps:
  - { id: cap, title: Cap, run: 'echo x', capture: dir1 }
  - { id: use, title: Use, run: 'rm -r $dir1/*' }
",
    );
    bench.run("cap").unwrap();
    bench.exits_saying("here");
    assert_eq!(missing(&bench, 1, Work::Run), None);
    bench.walk("use");
}

#[test]
fn what_is_just_short_enough_is_asked() {
    let bytes = |length: usize| {
        let value = "x".repeat(length);
        let bench = Bench::with_values(
            "params:\n  v: { about: V }\nsteps:\n  - { id: go, title: Go, witness: true, run: 'echo \"$v\"' }\n",
            texts(&[("v", &value)]),
        );
        let asked = asking(&bench.session, 0, Work::Run, false, &sam(), bench.now);
        asked.map(|asked| serde_json::to_vec(&asked).unwrap().len())
    };
    let around = bytes(0).unwrap();
    assert_eq!(bytes(LONGEST - around), Ok(LONGEST));
    assert!(bytes(LONGEST - around + 1).unwrap_err().contains(&(LONGEST + 1).to_string()));
}

type Change = fn(&mut Subject);

#[test]
fn no_part_changes_unseen() {
    let mut bench = Bench::new(WIPE);
    bench.check("backup").unwrap();
    bench.attest("copy", true).unwrap();
    let mut then = of(&bench, 0, Work::Run);
    then.values =
        [("kept", "1"), ("gone", "2")].map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    then.environment = [("LANG".to_owned(), Digest::new("a"))].into();
    assert_eq!(changes(&then, &then), [""; 0]);
    let cases: [(Change, &str); 40] = [
        (|it| it.session = "other".into(), "the session"),
        (|it| it.runbook = Digest::new("b"), "the runbook"),
        (|it| it.step = "other".into(), "the step"),
        (|it| it.name.push('x'), "the step"),
        (|it| it.work = Work::Undo, "whether it is done or undone"),
        (|it| it.how = How::ByHand, "who carries it out"),
        (|it| it.attempt += 1, "the attempt"),
        (|it| it.after += 1, "the attempt"),
        (|it| it.operator = sam(), "the operator"),
        (|it| it.machine.push('x'), "the machine"),
        (|it| it.user = kim(), "the account that commands run as"),
        (|it| it.user.name.push('x'), "the account that commands run as"),
        (|it| it.user.uid = Some(7), "the account that commands run as"),
        (|it| it.dir.push('x'), "the directory"),
        (|it| it.umask = 0, "the file mode creation mask"),
        (|it| it.loses.push('x'), "what is lost"),
        (|it| it.confirm = None, "the text to be typed"),
        (|it| it.witness.count = 2, "who may approve"),
        (|it| it.argv.push("x".to_owned()), "the script"),
        (|it| it.interactive = true, "whether it has a terminal"),
        (|it| it.words.push('x'), "what is to be done"),
        (|it| it.secrets.push("x".into()), "the secrets"),
        (|it| it.list.push("x".to_owned()), "the list"),
        (|it| it.items.push(ItemCommand { item: "x".to_owned(), command: None }), "the items"),
        (|it| drop(it.values.insert("kept".to_owned(), "x".to_owned())), "the value `kept`"),
        (|it| drop(it.values.insert("new".to_owned(), "x".to_owned())), "the value `new`"),
        (|it| drop(it.values.remove("gone")), "the value `gone`"),
        (|it| drop(it.environment.remove("LANG")), "the environment variable `LANG`"),
        (
            |it| drop(it.environment.insert("LANG".into(), Digest::new("b"))),
            "the environment variable `LANG`",
        ),
        (|it| drop(it.environment.insert("TZ".into(), Digest::new("b"))), "the environment variable `TZ`"),
        (|it| it.evidence.truncate(1), "the checks it requires"),
        (|it| it.evidence.swap(0, 1), "the checks it requires"),
        (|it| it.evidence[0].title.push('x'), "the answer to `backup`"),
        (|it| it.evidence[0].automatic = false, "the answer to `backup`"),
        (|it| it.evidence[0].records.push(9), "the answer to `backup`"),
        (|it| it.evidence[1].title.push('x'), "the answer to `copy`"),
        (|it| it.evidence[1].automatic = true, "the answer to `copy`"),
        (|it| it.evidence[1].records.push(9), "the answer to `copy`"),
        (|it| it.evidence[1].records[0] += 1, "the answer to `copy`"),
        (|it| it.command = None, "the command"),
    ];
    for (change, what) in cases {
        let mut now = then.clone();
        change(&mut now);
        assert_ne!(now, then, "{what}");
        assert_eq!(changes(&then, &now), [what]);
    }
    // An automatic check may be asked again, and what it is asked for may be asked again.
    let again: [Change; 3] =
        [|it| it.evidence[0].records[0] += 1, |it| it.evidence[0].words.push('x'), |it| it.asked += 1];
    for change in again {
        let mut now = then.clone();
        change(&mut now);
        assert_eq!(changes(&then, &now), [""; 0]);
    }
}

#[test]
fn what_a_check_found_otherwise_is_named() {
    let evidence = |check: &str, words: &str| Evidence {
        check: check.into(),
        automatic: true,
        title: String::new(),
        words: words.to_owned(),
        at: None,
        records: vec![1],
    };
    let bench = Bench::new(WIPE);
    let then = Subject { evidence: vec![evidence("a", "1"), evidence("b", "1")], ..of(&bench, 0, Work::Run) };
    let now = Subject {
        evidence: vec![evidence("a", "1"), evidence("b", "2"), evidence("c", "3")],
        ..then.clone()
    };
    assert_eq!(found_otherwise(&then, &now), ["what `b` found"], "one that is new was not found otherwise");
}

#[test]
fn the_ground_is_that_of_the_last_host() {
    let bench = Bench::new(WIPE);
    let ground = Ground::now(&bench.session);
    assert_eq!((ground.machine.as_str(), ground.user.name.as_str()), ("here", "dana"));
    assert_eq!(Ground::of(&of(&bench, 0, Work::Run)), ground);
}
