//! Approvals on disk: what is proven of honest ones, and that every lie before a signature is found. Keys and signatures
//! are `ssh-keygen`'s.

mod by_hand;
mod lies;
pub(super) mod walks;

use std::io::{Cursor, Write as _};
use std::process::{Command as Program, Stdio};
use std::time::Duration;

use super::*;
use crate::journal::reader::{Chain, scan_on};
use crate::session::approve::NAMESPACE;
use crate::session::bench::{dana, sam};
use crate::session::decide::decide;
use crate::session::event::{Proven, SignedBy, Work};
use crate::session::{Circumstances, Command};
use crate::time::Timestamp;
use walks::{
    Key, Walk, askings, at, bytes_of, found_at, head_of, laid_down, laid_down_of, numbers, says, starts,
    verified, walked_with, yeses,
};

const KEY: &str = "{ proof: key }";
const ACCOUNT: &str = "true";
const HERE: &str = "{ proof: here }";

#[test]
fn a_signed_approval_is_proven_with_its_key_and_what_it_vouches_for() {
    let walk = walked_with(KEY);
    let entries = &walk.bench.entries;
    let (asked, yes, started) = (askings(entries), yeses(entries), starts(entries));
    let seen = verified(KEY, entries, None);
    assert_eq!(seen.findings, []);
    let one = &seen.approvals[0];
    let key = one.fingerprint.clone().unwrap();
    assert!(key.starts_with("SHA256:"), "{key}");
    says(
        &seen.proven,
        &format!(
            "the start of 2 Wipe the old disk (attempt 2, record {}) was approved by the key {key}, which this log calls sam@example.org (allowed by /elsewhere/signers), in record {}: signature over what record {} asks and the log up to record {}",
            started[0],
            yes[0],
            asked[0],
            asked[0] - 1
        ),
    );
    assert_eq!((one.signed_up_to, one.used_by, one.holds), (Some(asked[0] - 1), Some(started[0]), true));
    assert_eq!(seen.signed_up_to, asked[1] - 1);
    says(&seen.proven, &format!("records 1 to {} are as they were when the key {key} signed", asked[1] - 1));
    let chained =
        format!("records {} to {} are chained only: nobody signed their head", asked[1], entries.len());
    says(&seen.not_proven, &chained);
    says(&seen.not_proven, "no records were cut off at the end");
    says(&seen.not_proven, "--allowed-signers FILE");
    let own = walk.key.as_ref().unwrap();
    let own = Signers { path: "/mine/signers".to_owned(), ..own.signers("") };
    let with_own = verified(KEY, entries, Some(&own));
    assert_eq!(with_own.findings, []);
    says(&with_own.proven, &format!("the key {key}, which /mine/signers calls sam@example.org, in record"));
    assert!(!with_own.not_proven.iter().any(|line| line.contains("--allowed-signers")));
}

#[test]
fn an_account_is_as_good_as_the_log_and_a_typed_name_proves_nothing() {
    let walk = walked_with(ACCOUNT);
    let seen = verified(ACCOUNT, &walk.bench.entries, None);
    assert_eq!(seen.findings, []);
    let yes = yeses(&walk.bench.entries);
    says(
        &seen.proven,
        &format!(
            "was approved by sam, another account by this machine's word (record {}): no signature",
            yes[0]
        ),
    );
    says(&seen.not_proven, "whoever can write this log can write another, approvals included");
    says(&seen.proven, "the start of 1 step that destroys nothing was allowed too");
    assert!(!seen.not_proven.iter().any(|line| line.contains("--allowed-signers")), "{:#?}", seen.not_proven);
    assert_eq!(seen.signed_up_to, 0);

    let here = walked_with(HERE);
    let seen = verified(HERE, &here.bench.entries, None);
    assert_eq!(seen.findings, []);
    assert!(!seen.proven.iter().any(|line| line.contains("Kim")), "{:#?}", seen.proven);
    says(&seen.not_proven, "in the name of Kim");
    says(&seen.not_proven, "it proves nothing about who was there");
}

#[test]
fn an_approval_by_root_is_told_with_what_it_does_not_prove() {
    let root = Person { name: "root".to_owned(), uid: Some(0), login: None };
    let mut walk = Walk::new(ACCOUNT);
    walk.bench.walk("drill");
    walk.through("wipe", &root, None);
    let seen = verified(ACCOUNT, &walk.bench.entries, None);
    assert_eq!(seen.findings, []);
    says(&seen.not_proven, "root can act as anyone");
}

/// What was not signed for, chained anew by somebody who can write the log.
#[test]
fn t2_the_log_rewritten_before_a_signature_is_found_however_much_is_made_to_fit() {
    let walk = walked_with(KEY);
    let honest = &walk.bench.entries;
    let (asked, yes) = (askings(honest), yeses(honest));
    for n in 2..asked[1] {
        let round = usize::from(n >= asked[0]);
        // Only the chain; then the heads that askings name; then the digests of what was approved.
        for made_to_fit in 0..3 {
            let mut forged = honest.clone();
            let entry = at(&mut forged, n);
            entry.at = Timestamp::from_millis(entry.at.millis() + 1);
            if let Event::ApprovalAsked { subject } = &mut entry.event {
                subject.at = entry.at;
                subject.expires = Timestamp::from_millis(subject.expires.millis() + 1);
            }
            fit(&mut forged, n, made_to_fit);
            let seen = verified(KEY, &forged, None);
            let first = seen.findings.iter().filter_map(|finding| finding.record).min();
            let due = if n == asked[0] || made_to_fit > 0 { yes[round] } else { asked[round] };
            let due = if n == asked[0] { yes[0] } else { due };
            assert_eq!(first, Some(due), "record {n}, {made_to_fit}: {:#?}", seen.findings);
            if made_to_fit == 2 {
                found_at(&seen, due, "the signature of sam@example.org does not hold");
            }
        }
    }
    // After the last signature nobody can tell, and it says so.
    let mut forged = honest.clone();
    let after = honest.len() as u64 - 1;
    at(&mut forged, after).up += 1;
    let seen = verified(KEY, &forged, None);
    assert_eq!(seen.findings, []);
    assert!(seen.signed_up_to < after);
}

/// Makes what comes after record `n` fit it: the heads that askings name, from 1 on; the digests of what was approved,
/// from 2 on.
fn fit(entries: &mut [Entry], n: u64, how_much: u32) {
    let from = usize::try_from(n).unwrap() - 1;
    let mut texts = std::collections::BTreeMap::new();
    for place in 0..entries.len() {
        let head = head_of(&entries[..place]);
        match &mut entries[place].event {
            Event::ApprovalAsked { subject } => {
                if how_much > 0 && place > from {
                    subject.head.sha256 = head;
                }
                texts.insert(subject.asked, subject.text_digest());
            }
            Event::Approved { asked, text, .. } if how_much > 1 => *text = texts[asked].clone(),
            _ => {}
        }
    }
}

#[test]
fn without_a_signature_a_log_rewritten_with_care_cannot_be_told_and_verify_says_so() {
    let walk = walked_with(ACCOUNT);
    let mut forged = walk.bench.entries.clone();
    let note = numbers(&forged, |event| matches!(event, Event::Noted { .. }))[0];
    at(&mut forged, note).event = Event::Noted { text: "all of it".to_owned() };
    let careless = verified(ACCOUNT, &forged, None);
    found_at(&careless, askings(&forged)[1], "the log was changed before it");
    fit(&mut forged, note, 2);
    let seen = verified(ACCOUNT, &forged, None);
    assert_eq!(seen.findings, []);
    says(
        &seen.not_proven,
        &format!(
            "records 1 to {} are chained only: nobody signed their head; whoever can write this log can write another",
            forged.len()
        ),
    );
}

#[test]
fn one_changed_byte_before_a_signature_is_found_and_its_record_named() {
    let walk = walked_with(KEY);
    let entries = &walk.bench.entries;
    let signed = *yeses(entries).last().unwrap();
    let bytes = bytes_of(entries);
    let ends: Vec<usize> = memchr::memchr_iter(b'\n', &bytes).map(|at| at + 1).collect();
    let (mut chain, mut from, mut tried) = (Chain::new(), 0, 0);
    // Reading goes from front to back: what comes before the record that is changed is read once.
    for n in 1..=signed {
        let place = usize::try_from(n).unwrap() - 1;
        let (end, upto) = (ends[place], ends[(place + 2).min(ends.len() - 1)]);
        let mut part = bytes[from..upto].to_vec();
        for at in 0..end - from {
            for flip in [0x01, 0x20, 0x80] {
                part[at] ^= flip;
                let scanned = scan_on(chain.clone(), Cursor::new(&part), |_, _| ()).unwrap();
                part[at] ^= flip;
                tried += 1;
                match scanned.tail {
                    Tail::Damaged(fault) => assert_eq!(fault.n, n, "byte {at} ^ {flip}: {fault}"),
                    other => panic!("record {n}, byte {at} ^ {flip}: {other:?}"),
                }
            }
        }
        assert!(chain.take(&bytes[from..end - 1]).is_ok());
        from = end;
    }
    assert!(tried > 20_000, "{tried}");

    let (_home, dir) = laid_down(KEY, entries);
    let path = dir.join(JOURNAL);
    for at in (0..from).step_by(173) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        let n = memchr::memchr_iter(b'\n', &bytes[..at]).count() as u64 + 1;
        assert_eq!(verify(&dir, None).unwrap().findings[0].record, Some(n), "byte {at}");
    }
    fs::write(&path, &bytes).unwrap();
    let path = dir.join(RUNBOOK);
    let honest = fs::read(&path).unwrap();
    for at in 0..honest.len() {
        let mut changed = honest.clone();
        changed[at] ^= [0x01, 0x20, 0x80][at % 3];
        fs::remove_file(&path).unwrap();
        fs::write(&path, &changed).unwrap();
        assert!(!verify(&dir, None).unwrap().is_whole(), "byte {at} of the runbook");
    }
}

fn signed_of(entry: &mut Entry) -> &mut SignedBy {
    match &mut entry.event {
        Event::Approved { proof: Proven::Key(signed), .. } => signed,
        other => panic!("{other:?}"),
    }
}

fn text_asked(entries: &[Entry], n: u64) -> String {
    match &entries[usize::try_from(n).unwrap() - 1].event {
        Event::ApprovalAsked { subject } => subject.text(),
        other => panic!("{other:?}"),
    }
}

type Forged<'a> = Box<dyn Fn(&mut SignedBy) + 'a>;

#[test]
fn t4_t5_no_other_signature_passes() {
    let walk = walked_with(KEY);
    let (honest, key) = (&walk.bench.entries, walk.key.as_ref().unwrap());
    let (asked, yes, started) = (askings(honest)[0], yeses(honest)[0], starts(honest)[0]);
    let stranger = Key::new();
    let text = text_asked(honest, asked);
    let cases: [(&str, Forged<'_>); 7] = [
        ("another namespace", Box::new(|signed| signed.signature = key.sign(&text, "file"))),
        ("another key", Box::new(|signed| signed.signature = stranger.sign(&text, NAMESPACE))),
        ("another text", Box::new(|signed| signed.signature = key.sign(&format!("{text} "), NAMESPACE))),
        ("no signature", Box::new(|signed| signed.signature.clear())),
        ("no line", Box::new(|signed| signed.line.clear())),
        (
            "a key that had run out",
            Box::new(|signed| signed.line = key.line("valid-before=\"20200101\" ").trim_end().to_owned()),
        ),
        ("another name", Box::new(|signed| signed.principal = "kim@example.org".to_owned())),
    ];
    for (name, doctor) in cases {
        let mut forged = honest.clone();
        doctor(signed_of(at(&mut forged, yes)));
        let seen = verified(KEY, &forged, None);
        found_at(&seen, yes, "the signature of");
        assert!(!seen.approvals[0].holds, "{name}");
        assert!(
            !seen.proven.iter().any(|line| line.contains(&format!("record {started})"))),
            "{name}: {:#?}",
            seen.proven
        );
    }
    // Held against a file from elsewhere.
    let at_record = honest[usize::try_from(yes).unwrap() - 1].at;
    let day = |days: i64| {
        Timestamp::from_millis(at_record.millis() + days * 86_400_000).calendar().format("%Y%m%d").to_string()
    };
    let outside = [
        ("a stranger's", stranger.signers("")),
        ("empty", Signers { path: "/elsewhere/signers".to_owned(), text: String::new() }),
        ("run out", key.signers(&format!("valid-before=\"{}\" ", day(-1)))),
        ("not valid yet", key.signers(&format!("valid-after=\"{}\" ", day(2)))),
        ("for files only", key.signers("namespaces=\"file\" ")),
        ("of somebody else", Signers { text: key.line("").replace("sam@", "kim@"), ..key.signers("") }),
    ];
    for (name, signers) in outside {
        let seen = verified(KEY, honest, Some(&signers));
        assert_eq!(seen.findings[0].record, Some(yes), "{name}: {:#?}", seen.findings);
        assert!(seen.findings[0].what.contains("/elsewhere/signers"), "{name}: {:#?}", seen.findings);
        assert_eq!(seen.signed_up_to, 0, "{name}");
    }
    let valid = key.signers(&format!("valid-after=\"{}\",valid-before=\"{}\" ", day(-1), day(2)));
    assert_eq!(verified(KEY, honest, Some(&valid)).findings, []);
}

/// A failed start, and a second one with its own asking and approval.
fn twice(witness: &str) -> Walk {
    let mut walk = Walk::new(witness);
    walk.bench.walk("drill");
    walk.bench.check("backup").unwrap();
    walk.ask("wipe");
    walk.approve("wipe", &sam(), None);
    walk.bench.run_typed("wipe", "wipe").unwrap();
    walk.bench.exits(1);
    walk.through("wipe", &sam(), None);
    walk
}

#[test]
fn an_approval_used_again_is_found() {
    for witness in [KEY, ACCOUNT] {
        let honest = twice(witness).bench.entries;
        assert_eq!(verified(witness, &honest, None).findings, []);
        let (asked, yes, started) = (askings(&honest), yeses(&honest), starts(&honest));
        // As it is, in place of the second.
        let first = at(&mut honest.clone(), yes[0]).event.clone();
        let mut forged = honest.clone();
        at(&mut forged, yes[1]).event = first.clone();
        assert!(!verified(witness, &forged, None).is_whole());
        // Made to refer to the second asking.
        let digest = crate::runbook::digest::of_bytes(text_asked(&honest, asked[1]).as_bytes());
        let mut again = first;
        if let Event::Approved { asked: refers_to, text, .. } = &mut again {
            (*refers_to, *text) = (asked[1], digest);
        }
        let mut forged = honest.clone();
        at(&mut forged, yes[1]).event = again;
        let seen = verified(witness, &forged, None);
        if witness == KEY {
            found_at(&seen, yes[1], "does not hold");
        } else {
            assert_eq!(seen.findings, [], "an account's yes is as good as the log");
        }
        // The second start named the first approval.
        let mut forged = honest.clone();
        if let Event::StepStarted { approvals, .. } = &mut at(&mut forged, started[1]).event {
            *approvals = vec![yes[0]];
        }
        let seen = verified(witness, &forged, None);
        assert!(seen.findings.iter().any(|one| one.record == Some(started[1])), "{:#?}", seen.findings);
    }
}

#[test]
fn an_approval_that_came_too_late_and_one_by_the_operator_are_found() {
    let honest = walked_with(ACCOUNT).bench.entries;
    let (yes, started) = (yeses(&honest)[0], starts(&honest)[0]);
    let mut late = honest.clone();
    let quarter = u64::try_from(Duration::from_mins(15).as_millis()).unwrap();
    for entry in late.iter_mut().filter(|entry| entry.n >= yes) {
        entry.up += quarter;
    }
    let seen = verified(ACCOUNT, &late, None);
    found_at(&seen, yes, "expired");

    let mut own = honest.clone();
    at(&mut own, yes).by = dana();
    let seen = verified(ACCOUNT, &own, None);
    assert!(seen.findings.iter().any(|one| one.record == Some(yes)), "{:#?}", seen.findings);
    let name = format!("record {started})");
    assert!(!seen.proven.iter().any(|line| line.contains(&name)), "{:#?}", seen.proven);

    let mut none = honest.clone();
    if let Event::StepStarted { approvals, .. } = &mut at(&mut none, started).event {
        approvals.clear();
    }
    let seen = verified(ACCOUNT, &none, None);
    assert!(seen.findings.iter().any(|one| one.record == Some(started)), "{:#?}", seen.findings);
}

type Moved = fn(&mut crate::session::approve::Subject);

#[test]
fn what_an_asking_says_of_its_place_must_be_so() {
    let honest = walked_with(ACCOUNT).bench.entries;
    let asked = askings(&honest)[0];
    let cases: [(Moved, &str); 4] = [
        (|subject| subject.head.n -= 1, "stands elsewhere"),
        (|subject| subject.head.sha256 = no_link(), "the log was changed before it"),
        (|subject| subject.runbook = no_link(), "another runbook"),
        (|subject| subject.at = Timestamp::from_millis(0), "says it was asked at"),
    ];
    for (doctor, said) in cases {
        let mut forged = honest.clone();
        if let Event::ApprovalAsked { subject } = &mut at(&mut forged, asked).event {
            doctor(subject);
        }
        let seen = verified(ACCOUNT, &forged, None);
        assert!(seen.findings.iter().any(|one| one.record == Some(asked)), "{said}: {:#?}", seen.findings);
    }
}
