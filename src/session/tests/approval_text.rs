//! The text of an approval: its form is fixed for ever, and it leaves nothing out.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::Value;

use crate::id::Digest;
use crate::runbook::{Proof, WitnessRule};
use crate::session::approve::{Evidence, Head, ItemCommand, RefusedBefore, Subject};
use crate::session::event::{How, Person, Work};
use crate::time::Timestamp;

fn digest(n: u8) -> Digest {
    Digest::new(format!("{n:02x}").repeat(32))
}

pub(super) fn sample() -> Subject {
    let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
    Subject {
        session: "20261120-151012-retire-the-old-vm-k3f9".into(),
        asked: 41,
        at: Timestamp::from_millis(1_795_187_413_201),
        expires: Timestamp::from_millis(1_795_188_313_201),
        head: Head { n: 40, sha256: digest(1) },
        runbook: digest(2),
        step: "terminate".into(),
        name: "7 Terminate the old machines".to_owned(),
        work: Work::Run,
        how: How::Script,
        attempt: 2,
        after: 9,
        operator: Person { name: "dana".to_owned(), uid: Some(1000), login: Some(1000) },
        machine: "shop".to_owned(),
        user: Person { name: "root".to_owned(), uid: Some(0), login: Some(1000) },
        dir: "/srv/retire".to_owned(),
        umask: 0o022,
        loses: "Every disk of the old machines".to_owned(),
        confirm: Some("web-7".to_owned()),
        witness: WitnessRule { proof: Proof::Key, of: texts(&["sam@corp.example", "kim, of ops"]), count: 2 },
        argv: texts(&["sh", "-euc", "echo \"$region\"\n\trm -r \"/srv/$n\"\nprintf 'a\u{202e}b'"]),
        command: Some(digest(3)),
        interactive: false,
        words: String::new(),
        values: BTreeMap::from([
            ("n".to_owned(), "web-7".to_owned()),
            ("note".to_owned(), " two\nlines ".to_owned()),
            ("region".to_owned(), "us-east-1".to_owned()),
        ]),
        secrets: vec!["token".into()],
        environment: BTreeMap::from([("LANG".to_owned(), digest(4)), ("PATH".to_owned(), digest(5))]),
        items: ["web-7", "web-8"]
            .map(|item| ItemCommand { item: item.to_owned(), command: Some(digest(6)) })
            .to_vec(),
        list: texts(&["web-6", "web-7", "web-8"]),
        evidence: vec![
            Evidence {
                check: "backup".into(),
                automatic: true,
                title: "The backup holds every file".to_owned(),
                words: "4,120 of 4,120 files".to_owned(),
                at: Some(Timestamp::from_millis(1_795_187_400_000)),
                records: vec![31],
            },
            Evidence {
                check: "copy".into(),
                automatic: false,
                title: "A copy is elsewhere".to_owned(),
                words: "kim says yes: “NAS”".to_owned(),
                at: Some(Timestamp::from_millis(1_795_187_300_000)),
                records: (1..20).collect(),
            },
        ],
        asker: Some(Person { name: "kim".to_owned(), uid: Some(1002), login: None }),
        replaces: Some("what sam approved of record 30: that was by hand".to_owned()),
        refusals: vec![
            RefusedBefore {
                record: 22,
                at: Timestamp::from_millis(1_795_187_100_000),
                by: Person { name: "lee".to_owned(), uid: Some(1003), login: Some(1003) },
                why: "west is not drained:\nlook at (3)".to_owned(),
            },
            RefusedBefore {
                record: 26,
                at: Timestamp::from_millis(1_795_187_200_000),
                by: Person { name: "a (b".to_owned(), uid: None, login: None },
                why: String::new(),
            },
        ],
    }
}

fn by_a_person() -> Subject {
    Subject {
        how: How::Person,
        argv: Vec::new(),
        command: None,
        words: "Pull the plug.\nThen say so.".to_owned(),
        loses: String::new(),
        confirm: None,
        witness: WitnessRule { proof: Proof::Account, of: Vec::new(), count: 1 },
        items: Vec::new(),
        list: Vec::new(),
        secrets: Vec::new(),
        asker: None,
        replaces: None,
        refusals: Vec::new(),
        ..sample()
    }
}

#[test]
fn its_form_is_fixed_for_ever() {
    insta::assert_snapshot!("approval_text_script", sample().text());
    insta::assert_snapshot!("approval_text_person", by_a_person().text());
}

#[test]
fn a_step_without_words_still_says_that_a_person_does_it() {
    let silent = Subject { words: String::new(), ..by_a_person() };
    assert!(silent.text().ends_with("\nto be done:\n  | \n"), "{}", silent.text());
    assert!(!sample().text().contains("to be done:"));
}

#[test]
fn records_are_numbered_up_to_twelve_and_counted_beyond() {
    let with = |count: u64| {
        let mut subject = sample();
        subject.evidence[1].records = (1..=count).collect();
        subject.text()
    };
    assert!(with(12).contains(", record 1 2 3 4 5 6 7 8 9 10 11 12: kim"));
    assert!(with(13).contains(", 13 records sha256 "));
}

#[test]
fn what_would_not_show_stands_in_quotes() {
    for (value, shown) in [
        ("plain", "value:       n=plain\n"),
        ("a\u{202e}b", "value:       \"n=a\\u{202e}b\"\n"),
        ("a\u{200b}", "value:       \"n=a\\u{200b}\"\n"),
        ("a\u{1b}b", "value:       \"n=a\\u{1b}b\"\n"),
        ("a\tb\n", "value:       \"n=a\\tb\\n\"\n"),
        ("a ", "value:       \"n=a \"\n"),
    ] {
        let subject = Subject { values: [("n".to_owned(), value.to_owned())].into(), ..sample() };
        assert!(subject.text().contains(shown), "{value:?}\n{}", subject.text());
    }
}

/// Every single value in it, as a pointer.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| leaves(value, &format!("{at}/{key}"), found));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(n, value)| leaves(value, &format!("{at}/{n}"), found));
        }
        _ => {}
    }
    if !at.is_empty() {
        found.push(at.to_owned());
    }
}

/// One change to one part.
fn mutate(whole: &mut Value, at: &str, how: u8, letter: char) {
    let Some(value) = whole.pointer_mut(at) else { return };
    let spot = |length: usize| usize::from(how) * 7 % (length + 1);
    match value {
        Value::String(text) => {
            let mut letters: Vec<char> = text.chars().collect();
            let place = spot(letters.len());
            match how % 4 {
                0 => letters.insert(place, letter),
                1 if place < letters.len() => letters[place] = letter,
                2 if place < letters.len() => drop(letters.remove(place)),
                _ => letters.push(letter),
            }
            *text = letters.into_iter().collect();
        }
        Value::Number(number) => *value = (number.as_u64().unwrap_or(0) + 1 + u64::from(how % 3)).into(),
        Value::Bool(so) => *so = !*so,
        Value::Array(list) => match (list.is_empty(), how % 3) {
            (true, _) => {}
            (_, 0) => drop(list.remove(spot(list.len() - 1))),
            (_, 1) => list.push(list[spot(list.len() - 1)].clone()),
            _ => list.rotate_left(1),
        },
        Value::Object(map) => {
            if let Some(key) = map.keys().nth(spot(map.len())).cloned()
                && let Some(inner) = map.remove(&key)
                && how.is_multiple_of(2)
            {
                map.insert(format!("{key}{letter}"), inner);
            }
        }
        Value::Null => {}
    }
}

#[test]
fn f_a1_a1_ten_thousand_changes_of_what_is_bound_change_the_text() {
    let letters =
        prop::sample::select(vec!['a', '0', '-', '"', '\\', ' ', '\n', ',', '(', '|', '=', '\u{202e}', 'u']);
    let (mut tried, mut changed) = (0_u32, 0_u32);
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let texts = [sample(), by_a_person()].map(|subject| {
        let value = serde_json::to_value(&subject).unwrap();
        let mut all = Vec::new();
        leaves(&value, "", &mut all);
        (subject.text(), subject, value, all)
    });
    while changed < 10_000 {
        tried += 1;
        assert!(tried < 40_000, "only {changed} of {tried} changed anything");
        let (which, place, how, letter) =
            (any::<bool>(), any::<prop::sample::Index>(), any::<u8>(), &letters)
                .new_tree(&mut runner)
                .unwrap()
                .current();
        let (text, subject, value, all) = &texts[usize::from(which)];
        let mut other = value.clone();
        mutate(&mut other, &all[place.index(all.len())], how, letter);
        let Ok(other) = serde_json::from_value::<Subject>(other) else { continue };
        if other == *subject {
            continue;
        }
        changed += 1;
        assert_ne!(other.text(), *text, "{other:?}");
        assert_ne!(other.text_digest(), subject.text_digest());
    }
    println!("F-A1: {changed} changes of what is bound, of {tried} tried; 0 leave the text as it was");
}

#[test]
fn what_looks_alike_is_told_apart() {
    let with = |change: &dyn Fn(&mut Subject)| {
        let mut subject = by_a_person();
        change(&mut subject);
        subject.text()
    };
    let confirm = |text: Option<&str>| with(&|it| it.confirm = text.map(str::to_owned));
    let all = [confirm(None), confirm(Some("")), confirm(Some("-")), confirm(Some("\"-\""))];
    let loses = |text: &str| with(&|it| text.clone_into(&mut it.loses));
    let more = [loses("-"), loses("\"-\""), loses("\"")];
    let of =
        |names: &[&str]| with(&|it| it.witness.of = names.iter().map(|name| (*name).to_owned()).collect());
    let rules = [of(&["anyone"]), of(&["a", "b"]), of(&["a, b"]), of(&["\"a", "b\""]), of(&[""])];
    let user = |name: &str, uid| with(&|it| it.user = Person { name: name.to_owned(), uid, login: None });
    let people = [user("x", Some(5)), user("x (uid 5)", None), user("x", None), user("\"x\"", None)];
    let words = |text: &str| with(&|it| text.clone_into(&mut it.words));
    let said = [words("a\nb"), words("a\n  | b"), words("a\\nb"), words("a\n"), words("a")];
    let by_asker =
        |name: &str| with(&|it| it.asker = Some(Person { name: name.to_owned(), uid: Some(5), login: None }));
    let refused = |name: &str, why: &str| {
        with(&|it| {
            let by = Person { name: name.to_owned(), uid: Some(5), login: None };
            it.refusals = vec![RefusedBefore { record: 7, at: it.at, by, why: why.to_owned() }];
        })
    };
    let asked = [by_asker("x"), by_asker("\"x\""), by_asker("x (uid 5)"), by_asker("")];
    let noes = [
        refused("x", "no"),
        refused("x (uid 5): no", ""),
        refused("x", "(uid 5): no"),
        refused("x", "no\nrefused: no"),
        with(&|it| it.replaces = Some("-".to_owned())),
        with(&|it| it.replaces = Some(String::new())),
    ];
    let every: Vec<String> =
        all.into_iter().chain(asked).chain(noes).chain(more).chain(rules).chain(people).chain(said).collect();
    let distinct: std::collections::BTreeSet<&String> = every.iter().collect();
    assert_eq!(distinct.len(), every.len());
}
