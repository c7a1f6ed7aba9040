//! What the second person brought to the journal: every kind of record, and every field that was added to older ones.

use std::collections::BTreeMap;

use super::super::{dana, opened};
use crate::id::Digest;
use crate::journal::record::link_to;
use crate::runbook::{Proof, WitnessRule};
use crate::session::Person;
use crate::session::approve::{Evidence, Head, ItemCommand, RefusedBefore, Subject};
use crate::session::event::{Event, Group, How, Proven, SignedBy, Work};
use crate::time::Timestamp;

fn digest(of: &str) -> Digest {
    link_to(of.as_bytes())
}

/// One start with everything that an approval can cover.
pub(super) fn subject() -> Subject {
    Subject {
        session: "20261120-151013-tour-k3f9".into(),
        asked: 3,
        at: Timestamp::from_millis(1_795_187_416_201),
        expires: Timestamp::from_millis(1_795_188_316_201),
        head: Head { n: 2, sha256: digest("the line before") },
        runbook: digest("onbelay: 1\n"),
        step: "terminate".into(),
        name: "5 Terminate".to_owned(),
        work: Work::Run,
        how: How::Script,
        attempt: 2,
        after: 6,
        operator: dana(),
        machine: "shop".to_owned(),
        user: Person { name: "deploy".to_owned(), uid: Some(1002), login: Some(1000) },
        dir: "/srv/a directory".to_owned(),
        umask: 0o022,
        loses: "The old machine,\nand its disk.".to_owned(),
        confirm: Some("i-0abc".to_owned()),
        witness: WitnessRule {
            proof: Proof::Key,
            of: vec!["sam@example.org".to_owned(), "kim@example.org".to_owned()],
            count: 2,
        },
        argv: vec![
            "sh".to_owned(),
            "-euc".to_owned(),
            "terminate \"$region\"\n\techo \u{202e}gone\n".to_owned(),
        ],
        command: Some(digest("terminate us-east-1")),
        interactive: false,
        words: String::new(),
        values: BTreeMap::from([
            ("empty".to_owned(), String::new()),
            ("region".to_owned(), "us-east-1".to_owned()),
            ("two".to_owned(), "a\nb".to_owned()),
        ]),
        secrets: vec!["token".into()],
        environment: BTreeMap::from([("PATH".to_owned(), digest("/usr/bin"))]),
        items: vec![
            ItemCommand { item: "us-east-1".to_owned(), command: Some(digest("terminate us-east-1")) },
            ItemCommand { item: "us-west-2".to_owned(), command: None },
        ],
        list: vec!["eu".to_owned(), "us-east-1".to_owned(), "us-west-2".to_owned()],
        evidence: vec![
            Evidence {
                check: "backup".into(),
                automatic: true,
                title: "The backup is whole".to_owned(),
                words: "4,120 of 4,120 files".to_owned(),
                at: Some(Timestamp::from_millis(1_795_187_413_201)),
                records: (5..19).collect(),
            },
            Evidence {
                check: "copy".into(),
                automatic: false,
                title: "A second copy exists".to_owned(),
                words: "NAS in Phoenix, “opened” by Kim".to_owned(),
                at: None,
                records: vec![8],
            },
        ],
        asker: Some(dana()),
        replaces: Some("what sam approved of record 12: that was by hand".to_owned()),
        refusals: vec![RefusedBefore {
            record: 9,
            at: Timestamp::from_millis(1_795_187_300_201),
            by: Person { name: "sam".to_owned(), uid: Some(1001), login: None },
            why: "west still has one running\n(look)".to_owned(),
        }],
    }
}

pub(super) fn events() -> Vec<Event> {
    let (step, text) = ("terminate".into(), subject().text_digest());
    let approved = |proof, attached| Event::Approved {
        step: "terminate".into(),
        asked: 3,
        text: text.clone(),
        proof,
        attached,
    };
    let mut first = opened(digest("onbelay: 1\n"));
    if let Event::SessionOpened(opened) = &mut first {
        opened.share = Some(Group { name: "ops".to_owned(), gid: 2_000 });
        opened.signers = Some("/etc/onbelay/allowed_signers".to_owned());
    }
    vec![
        first,
        Event::HostStarted {
            pid: 4711,
            boot_id: "6d4b".to_owned(),
            boot: 0,
            onbelay: "0.1.0".to_owned(),
            env: BTreeMap::new(),
            env_changed: Vec::new(),
            machine: Some("shop".to_owned()),
            runs_as: Some(Person { name: "deploy".to_owned(), uid: Some(1002), login: Some(1000) }),
        },
        Event::ApprovalAsked { subject: Box::new(subject()) },
        approved(Proven::Account, true),
        approved(
            Proven::Key(Box::new(SignedBy {
                principal: "sam@example.org".to_owned(),
                fingerprint: "SHA256:uNiVztksCsDhcc0u9e8BrrNMlFLhPnZEqh1nmY3kU7Y".to_owned(),
                signature: "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"
                    .to_owned(),
                signers: "/etc/onbelay/allowed_signers".to_owned(),
                line: "sam@example.org valid-before=\"20271231\" ssh-ed25519 AAAA".to_owned(),
                also: vec!["sam".to_owned()],
                unknown: Some("the home of dana cannot be read".to_owned()),
            })),
            false,
        ),
        approved(Proven::Here { name: "Kim".to_owned() }, false),
        Event::ApprovalRefused {
            step: "terminate".into(),
            asked: 3,
            why: "west still has one running".to_owned(),
        },
        Event::ApprovalsVoided { step, approvals: vec![4, 6], why: "sam left before the start".to_owned() },
        Event::HandedOver { to: Person { name: "lee".to_owned(), uid: Some(1003), login: Some(1003) } },
        Event::StepStarted {
            step: "terminate".into(),
            attempt: 7,
            work: Work::Run,
            how: How::Script,
            items: Vec::new(),
            list: Vec::new(),
            command: Some(digest("terminate us-east-1")),
            typed: None,
            rests_on: vec![5],
            retry: 0,
            approvals: vec![4, 5],
        },
    ]
}
