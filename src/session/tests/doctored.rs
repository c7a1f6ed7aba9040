//! The audit of approvals: what was written into the records otherwise than a host would have, is found.

use super::approval::{WIPE, kim};
use crate::session::approve::Subject;
use crate::session::audit::audit;
use crate::session::bench::{Bench, dana, sam};
use crate::session::event::{Proven, SignedBy, Verdict};
use crate::session::{Entry, Event, Person};

fn good() -> Bench {
    let mut bench = Bench::approved(WIPE, "wipe");
    bench.run_typed("wipe", "wipe").unwrap();
    bench.exits(0);
    bench.assert_replays();
    bench
}

fn flaws(bench: &Bench) -> Vec<String> {
    let audit = audit(bench.session.runbook.clone(), &bench.entries);
    audit.flaws.into_iter().map(|flaw| flaw.what).collect()
}

fn is_found(bench: &Bench, part: &str) {
    let found = flaws(bench);
    assert!(found.iter().any(|what| what.contains(part)), "{part}: {found:#?}");
}

fn each<'a>(
    bench: &'a mut Bench,
    wanted: impl Fn(&Event) -> bool + 'a,
) -> impl Iterator<Item = &'a mut Entry> {
    bench.entries.iter_mut().filter(move |entry| wanted(&entry.event))
}

/// Another subject, and the approval of that one.
fn asked_otherwise(change: fn(&mut Subject)) -> Bench {
    let mut bench = good();
    let mut digest = None;
    for entry in &mut bench.entries {
        match &mut entry.event {
            Event::ApprovalAsked { subject } => {
                change(subject);
                digest = Some(subject.text_digest());
            }
            Event::Approved { text, .. } => *text = digest.clone().unwrap(),
            _ => {}
        }
    }
    bench
}

#[test]
fn what_was_asked_is_what_would_have_started() {
    type Change = fn(&mut Subject);
    let cases: [(&str, Change); 16] = [
        ("the script", |it| it.argv.last_mut().unwrap().push('x')),
        ("the directory", |it| it.dir.push('x')),
        ("the machine", |it| it.machine.push('x')),
        ("the account that commands run as", |it| it.user = sam()),
        ("the operator", |it| it.operator = kim()),
        ("the attempt", |it| it.attempt += 1),
        ("the file mode creation mask", |it| it.umask = 0),
        ("what is lost", |it| it.loses.clear()),
        ("the text to be typed", |it| it.confirm = None),
        ("who may approve", |it| it.witness.of = vec!["sam".to_owned()]),
        ("the value `x`", |it| drop(it.values.insert("x".to_owned(), "y".to_owned()))),
        ("the environment variable `x`", |it| {
            drop(it.environment.insert("x".to_owned(), crate::id::Digest::new("0")));
        }),
        ("the answers", |it| it.evidence[0].words.push('x')),
        ("the answers", |it| it.evidence[0].records = vec![1]),
        ("its time", |it| it.expires = crate::time::Timestamp::from_millis(it.expires.millis() + 1)),
        ("its place", |it| it.head.n -= 1),
    ];
    for (part, change) in cases {
        is_found(&asked_otherwise(change), part);
    }
    let other_head = asked_otherwise(|it| it.head.sha256 = crate::id::Digest::new("f"));
    assert_eq!(flaws(&other_head), Vec::<String>::new(), "the lines of the log are not known here");
}

#[test]
fn a_start_names_exactly_the_approvals_that_counted() {
    for other in [vec![], vec![1], vec![7, 8, 9]] {
        let mut bench = good();
        for entry in each(&mut bench, |event| matches!(event, Event::StepStarted { .. })) {
            if let Event::StepStarted { approvals, .. } = &mut entry.event {
                approvals.clone_from(&other);
            }
        }
        is_found(&bench, "names other approvals");
    }
}

#[test]
fn an_approval_that_is_none_is_found() {
    let by = |by: Person| {
        let mut bench = good();
        each(&mut bench, |event| matches!(event, Event::Approved { .. })).for_each(|it| it.by = by.clone());
        bench
    };
    is_found(&by(dana()), "the operator's own account");
    is_found(&by(Person { login: Some(1000), ..sam() }), "share a login");
    let proven = |other: Proven| {
        let mut bench = good();
        for entry in each(&mut bench, |event| matches!(event, Event::Approved { .. })) {
            if let Event::Approved { proof, .. } = &mut entry.event {
                *proof = other.clone();
            }
        }
        bench
    };
    is_found(&proven(Proven::Here { name: "kim".to_owned() }), "another account");
    let [principal, fingerprint, signature, signers, line] =
        ["kim", "SHA256:x", "none", "f", "l"].map(str::to_owned);
    let signed =
        SignedBy { principal, fingerprint, signature, signers, line, also: Vec::new(), unknown: None };
    is_found(&proven(Proven::Key(Box::new(signed))), "does not hold");
    let mut gone = good();
    gone.entries.retain(|entry| !matches!(entry.event, Event::Approved { .. }));
    for (n, entry) in (1..).zip(&mut gone.entries) {
        entry.n = n;
    }
    is_found(&gone, "a second person must approve it");
}

#[test]
fn what_a_host_with_a_fault_lets_pass_is_found() {
    let ask = |bench: &mut Bench, by: &Person| {
        let now = bench.now;
        let work = crate::session::Work::Run;
        let subject = crate::session::approve::asking(&bench.session, 0, work, false, by, now).unwrap();
        bench.record(by, Event::ApprovalAsked { subject: Box::new(subject) });
    };
    let mut bench = Bench::approved(WIPE, "wipe");
    bench.refuses(&kim(), "wipe").unwrap();
    ask(&mut bench, &sam());
    is_found(&bench, "sam asked anew about 1 Wipe, which had been refused");

    let mut bench = Bench::new(WIPE);
    bench.answers.insert("backup".into(), Verdict::Fails);
    bench.check("backup").unwrap();
    ask(&mut bench, &dana());
    is_found(&bench, "while its gate was shut");

    let mut bench = Bench::approved(WIPE, "wipe");
    bench.record(&sam(), Event::HandedOver { to: sam() });
    is_found(&bench, "it is by sam, and only the operator, dana, may do that");

    let mut bench = Bench::approved(WIPE, "wipe");
    bench.record(&dana(), Event::HandedOver { to: sam() });
    ask(&mut bench, &sam());
    bench.approves(&kim(), "wipe").unwrap();
    let event = Event::Requested {
        step: "wipe".into(),
        work: crate::session::Work::Run,
        by_hand: false,
        typed: Some("wipe".to_owned()),
        will_ask: false,
        said: None,
    };
    bench.record(&sam(), event);
    bench.settle();
    assert_eq!(bench.log, ["wipe"]);
    is_found(&bench, "sam approved 1 Wipe, and started it");
}

const SECOND: &str = "checks:
  seen: { title: Somebody else looked, attest: Did you look?, witness: true }
steps:
  - { id: wipe, title: Wipe, destructive: All of it., requires: [seen], run: wipe it }
";

fn looked_by(by: &Person) -> Bench {
    let mut bench = Bench::new(SECOND);
    let check = crate::session::command::CheckItem::parse("seen");
    let attest = crate::session::Command::Attest { check, yes: true, words: "I looked".to_owned() };
    bench.act_as(&sam(), &attest).unwrap();
    bench.run_typed("wipe", "wipe").unwrap();
    bench.exits(0);
    bench.assert_replays();
    each(&mut bench, |event| matches!(event, Event::Attested { .. })).for_each(|it| it.by = by.clone());
    bench
}

#[test]
fn a_second_persons_answer_by_the_operator_is_found() {
    is_found(&looked_by(&dana()), "asks for a second person, and dana is the operator");
    is_found(
        &looked_by(&Person { login: Some(1000), ..kim() }),
        "asks for a second person, and kim is the operator",
    );
    is_found(&looked_by(&Person { uid: None, ..sam() }), "sam, who has no account");
    is_found(&looked_by(&Person { name: "dana".to_owned(), ..sam() }), "in record 1 dana is account 1000");
}

#[test]
fn a_second_person_is_one_and_the_same_throughout() {
    let by = |by: Person| {
        let mut bench = good();
        each(&mut bench, |event| matches!(event, Event::Approved { .. })).for_each(|it| it.by = by.clone());
        bench
    };
    is_found(&by(Person { uid: None, ..sam() }), "sam, who has no account");
    is_found(&by(Person::tool()), "it is by onbelay itself, and only a person can say that");
    is_found(
        &by(Person { name: "dana".to_owned(), ..sam() }),
        "it is by dana, account 1001, and in record 1 dana is account 1000",
    );
    // Seen later under another name.
    let mut bench = by(Person { name: "ghost".to_owned(), ..sam() });
    bench.act_as(&sam(), &crate::session::Command::Note { text: "here".to_owned() }).unwrap();
    is_found(&bench, "it is by ghost, account 1001, and in record");
}

type Which = fn(&Event) -> bool;

#[test]
fn each_record_is_by_somebody_who_may() {
    let (tool, stranger) = (Person::tool(), kim());
    let cases: [(Which, &Person, &str); 6] = [
        (|it| matches!(it, Event::CheckAnswered { .. }), &stranger, "only onbelay itself records that"),
        (|it| matches!(it, Event::WorkEnded { .. }), &stranger, "only onbelay itself records that"),
        (|it| matches!(it, Event::StepSettled { .. }), &stranger, "only onbelay itself records that"),
        (|it| matches!(it, Event::HostStarted { .. }), &stranger, "only onbelay itself records that"),
        (|it| matches!(it, Event::Requested { .. }), &stranger, "only the operator, dana, may do that"),
        (|it| matches!(it, Event::SessionOpened(_)), &tool, "only the operator, dana, may do that"),
    ];
    for (which, by, said) in cases {
        let mut bench = good();
        each(&mut bench, which).for_each(|it| it.by = by.clone());
        is_found(&bench, said);
    }
    let more: [(Event, &str); 4] = [
        (Event::StepSkipped { step: "wipe".into(), why: "no".to_owned() }, "only the operator"),
        (Event::Finished, "only the operator"),
        (Event::Aborted { why: "no".to_owned() }, "only the operator"),
        (Event::RequestDropped { step: "wipe".into(), why: "no".to_owned() }, "only the operator"),
    ];
    for (event, said) in more {
        let mut bench = Bench::approved(WIPE, "wipe");
        bench.record(&stranger, event);
        is_found(&bench, said);
    }
    let mut bench = Bench::new(WIPE);
    bench.act(&crate::session::Command::Hold { why: "wait".to_owned() }).unwrap();
    let hold = bench.session.holds[0].n;
    bench.record(&kim(), Event::HoldReleased { holds: vec![hold], why: None });
    is_found(&bench, "kim released the hold of dana, and did not say why");
}

#[test]
fn an_item_that_went_on_elsewhere_than_approved_is_found() {
    let yaml = "steps:
  - { id: wipe, title: Wipe, destructive: All., witness: true, for_each: { it: [a, b] }, run: 'wipe $it' }
";
    let root = Person { name: "root".to_owned(), uid: Some(0), login: None };
    for (runs_as, found) in [(dana(), false), (root, true)] {
        let mut bench = Bench::approved(yaml, "wipe");
        bench.run_typed("wipe", "wipe").unwrap();
        bench.act(&crate::session::Command::Hold { why: "wait".to_owned() }).unwrap();
        bench.exits(0);
        let approved = match &bench.session.steps[0].progress {
            crate::session::Progress::Running(running) => running.approved[1].clone(),
            other => panic!("{other:?}"),
        };
        let event = Event::HostStarted {
            pid: 8,
            boot_id: "boot-a".to_owned(),
            boot: 0,
            onbelay: "0.1.0".to_owned(),
            env: std::collections::BTreeMap::new(),
            env_changed: Vec::new(),
            machine: None,
            runs_as: Some(runs_as),
        };
        bench.record(&Person::tool(), event);
        let holds = bench.session.holds.iter().map(|hold| hold.n).collect();
        bench.record(&dana(), Event::HoldReleased { holds, why: None });
        let (step, item) = ("wipe".into(), "b".to_owned());
        let event = Event::ItemStarted { step, attempt: 1, item, index: 1, command: Some(approved) };
        bench.record(&dana(), event);
        let seen = flaws(&bench);
        let told = seen.iter().any(|what| what.contains("the account that commands run as changed"));
        assert_eq!(told, found, "{seen:#?}");
    }
}
