//! A journal of version 1, one record of every kind, as it was written once. The file is never edited: what reads it
//! and writes it back alike reads every journal of that version.

mod approvals;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::super::record;
use super::{bytes_of, dana, entry, log_of};
use crate::journal::reader::Tail;
use crate::runbook::Value;
use crate::session::event::{
    Answer, AskMode, Ended, Event, How, LeftProcess, Opened, Outcome, Said, Verdict, Work,
};
use crate::session::{Entry, Kind, Requirement};
use crate::time::{Moment, Timestamp};

fn golden(file: &str) -> std::io::Result<Vec<u8>> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file))
}

#[test]
fn a_journal_of_version_1_is_read_and_written_as_ever() {
    same_as_ever("journal-v1.jsonl", &all(events()));
}

#[test]
fn a_journal_with_approvals_is_read_and_written_as_ever() {
    same_as_ever("journal-v1-approvals.jsonl", &all(approvals::events()));
}

#[test]
fn a_journal_with_terminals_is_read_and_written_as_ever() {
    same_as_ever("journal-v1-terminals.jsonl", &all(terminals()));
}

fn terminals() -> Vec<Event> {
    let taken = |item: Option<&str>| {
        let item = item.map(str::to_owned);
        Event::TerminalTaken { step: "rescue".into(), attempt: 3, item }
    };
    let opened = events().swap_remove(0);
    vec![opened, taken(None), taken(Some("web-7"))]
}

#[track_caller]
fn same_as_ever(file: &str, expected: &[Entry]) {
    // A new file for a new version is made by hand from what this prints.
    let bytes = golden(file).unwrap_or_else(|error| {
        print!("{}", String::from_utf8(bytes_of(expected)).unwrap());
        panic!("{error}")
    });
    let log = log_of(&bytes);
    assert_eq!(log.tail, Tail::Whole);
    for (found, expected) in log.entries.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(log.entries.len(), expected.len());
    assert_eq!(String::from_utf8(bytes_of(expected)).unwrap(), String::from_utf8(bytes).unwrap());
}

/// What was signed once must be what `verify` writes again, for good.
#[test]
fn the_text_of_an_approval_is_written_as_ever() {
    let text = approvals::subject().text();
    let golden = golden("approval-v1.txt").unwrap_or_else(|error| {
        print!("{text}");
        panic!("{error}")
    });
    assert_eq!(text, String::from_utf8(golden).unwrap());
}

#[test]
fn it_holds_every_kind_of_record() {
    let names: std::collections::BTreeSet<String> = all(events())
        .iter()
        .chain(&all(approvals::events()))
        .chain(&all(terminals()))
        .map(|entry| serde_json::to_value(&entry.event).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    // What serde expects instead of an unknown kind is the list of all kinds.
    let unknown = serde_json::from_str::<Event>("{\"event\":\"?\"}").unwrap_err().to_string();
    let (_, known) = unknown.split_once("expected one of ").unwrap();
    for kind in known.split(", ").map(|quoted| quoted.split('`').nth(1).unwrap()) {
        assert!(
            names.contains(kind),
            "the golden journal has no record of kind {kind}; add a new golden file with one"
        );
    }
}

fn ended(outcome: Outcome) -> Ended {
    Ended {
        outcome,
        took: 8_640,
        output_bytes: 6,
        output_sha256: Some(record::link_to(b"hello\n")),
        captured: Some("C042".to_owned()),
        not_captured: None,
        wanted_terminal: false,
        left: vec![LeftProcess { pid: 99, name: "sleep".to_owned() }],
    }
}

fn all(events: Vec<Event>) -> Vec<Entry> {
    let mut tool = entry(0, Event::Finished);
    tool.by = crate::session::Person::tool();
    (1..)
        .zip(events)
        .map(
            |(n, event)| {
                if n % 5 == 0 { Entry { by: tool.by.clone(), ..entry(n, event) } } else { entry(n, event) }
            },
        )
        .collect()
}

#[expect(clippy::too_many_lines, reason = "one record of every kind")]
fn events() -> Vec<Event> {
    let moment = Moment { at: Timestamp::from_millis(1_795_187_413_201), up: 1_234, boot: 1 };
    let mut list = vec![
        Event::SessionOpened(Box::new(Opened {
            format: 1,
            onbelay: "0.1.0".to_owned(),
            title: "Retire the old machine".to_owned(),
            path: "/srv/retire.yaml".to_owned(),
            sha256: record::link_to(b"onbelay: 1\n"),
            values: BTreeMap::from([
                ("regions".into(), Value::List(vec!["us-east-1".to_owned(), "us-west-2".to_owned()])),
                ("site".into(), Value::Text("/srv/site".to_owned())),
            ]),
            secrets: vec!["token".into()],
            dir: "/srv".to_owned(),
            machine: "shop".to_owned(),
            umask: 0o022,
            operator: dana(),
            share: None,
            signers: None,
        })),
        Event::HostStarted {
            pid: 4711,
            boot_id: "6d4b".to_owned(),
            boot: 0,
            onbelay: "0.1.0".to_owned(),
            env: BTreeMap::from([("PATH".to_owned(), record::link_to(b"/usr/bin"))]),
            env_changed: vec!["LANG".to_owned()],
            machine: None,
            runs_as: None,
        },
        Event::JournalRepaired { kept_in: "journal.broken-1".to_owned(), bytes: 36 },
        Event::CheckAsked {
            check: "regions".into(),
            items: vec!["us-east-1".to_owned()],
            mode: AskMode::Once,
        },
        Event::CheckAnswered {
            check: "regions".into(),
            item: Some("us-east-1".to_owned()),
            answer: Box::new(Answer {
                verdict: Verdict::Error,
                detail: "timed out".to_owned(),
                began: moment,
                took: 60_000,
                tries: 3,
                evidence: BTreeMap::from([("exit".to_owned(), 124.into()), ("load".to_owned(), 0.5.into())]),
            }),
        },
        Event::CheckAsked { check: "backup".into(), items: Vec::new(), mode: AskMode::Patient },
        Event::CheckDropped { check: "backup".into() },
        Event::Attested {
            check: "copy".into(),
            item: None,
            yes: true,
            words: "NAS in Phoenix, opened by Kim".to_owned(),
        },
        Event::Attested {
            check: "copy".into(),
            item: Some("b".to_owned()),
            yes: false,
            words: "not found".to_owned(),
        },
        Event::Requested {
            step: "terminate".into(),
            work: Work::Run,
            by_hand: true,
            typed: Some("i-0abc".to_owned()),
            will_ask: true,
            said: Some(Said { say: Some("so be it".to_owned()), value: Some("C042".to_owned()) }),
        },
        Event::QuestionPut { step: "terminate".into() },
        Event::RequestDropped { step: "terminate".into(), why: "withdrawn".to_owned() },
        Event::Refused {
            action: "run terminate".to_owned(),
            step: Some("terminate".into()),
            why: "“Terminate” stays shut".to_owned(),
            unmet: [Kind::Order, Kind::Step, Kind::Check, Kind::Hold, Kind::Witness, Kind::Confirm]
                .map(|kind| Requirement {
                    kind,
                    id: "backup".to_owned(),
                    met: false,
                    why: "312 of 4,120 files are missing".to_owned(),
                    fix: "widen it".to_owned(),
                })
                .to_vec(),
        },
        Event::StepStarted {
            step: "terminate".into(),
            attempt: 1,
            work: Work::Run,
            how: How::Script,
            items: vec!["web-7".to_owned()],
            list: vec!["web-6".to_owned(), "web-7".to_owned()],
            command: Some(record::link_to(b"rm")),
            typed: Some("i-0abc".to_owned()),
            rests_on: vec![5, 8],
            retry: 2,
            approvals: Vec::new(),
        },
        Event::ItemStarted {
            step: "terminate".into(),
            attempt: 1,
            item: "web-7".to_owned(),
            index: 0,
            command: Some(record::link_to(b"rm")),
        },
        Event::ItemSettled {
            step: "drain".into(),
            attempt: 1,
            item: "web-7".to_owned(),
            ok: true,
            why: "it ended well".to_owned(),
        },
        Event::ItemsEnded { step: "drain".into(), attempt: 1 },
        Event::RetryPlanned { step: "copy-it".into(), attempt: 2, pause: 5_000 },
        Event::StepSettled {
            step: "copy-it".into(),
            attempt: 2,
            work: Work::Undo,
            ok: false,
            why: "it ended with exit status 1".to_owned(),
        },
        Event::NeverStarted {
            step: "copy-it".into(),
            attempt: 3,
            evidence: "no start record, same boot".to_owned(),
        },
        Event::Interrupted {
            step: "copy-it".into(),
            attempt: 4,
            evidence: "the machine restarted".to_owned(),
        },
        Event::Resolved { step: "copy-it".into(), done: true, what: "looked: it is there".to_owned() },
        Event::StopAsked { step: "copy-it".into() },
        Event::StepSkipped { step: "tell".into(), why: "told them by phone".to_owned() },
        Event::HoldCalled { why: "west still has one running".to_owned() },
        Event::HoldReleased { holds: vec![25], why: Some("it is stopped".to_owned()) },
        Event::Noted {
            text: "a\nb\t\u{1b}[2J \u{2028}\u{202e} “ünï” \u{e0041} \"quoted\" \\".to_owned()
        },
        Event::Finished,
        Event::Aborted { why: "the customer called".to_owned() },
    ];
    for outcome in [
        Outcome::Exited { code: 0 },
        Outcome::Killed { signal: 9 },
        Outcome::TimedOut,
        Outcome::Stopped,
        Outcome::NotStarted { why: "no such directory".to_owned() },
        Outcome::Said { done: true, words: "by hand".to_owned() },
    ] {
        list.push(Event::WorkEnded { step: "terminate".into(), attempt: 1, ended: Box::new(ended(outcome)) });
    }
    list.push(Event::ItemEnded {
        step: "drain".into(),
        attempt: 1,
        item: "web-7".to_owned(),
        ended: Box::new(ended(Outcome::Exited { code: -1 })),
    });
    list
}
