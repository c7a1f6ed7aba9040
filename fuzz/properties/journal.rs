//! What must hold of the reader of journals, whatever bytes it is given (F-D2, J1, J18).
//!
//! - It never fails and never panics; what it takes is numbered from 1 without gaps, of one session, and ends in the file.
//! - What it took is whole when it is read again; cut anywhere in that, it opens at the last whole record.
//! - Written again, each record is one line that no terminal acts on, and says the same.
//! - Replayed, audited, told as a status and as a report it never panics, and no text of it acts on a terminal.
//! - All of this once more with links that fit, so that what the records say is reached and not only the chain.

use std::sync::{Arc, LazyLock};

use onbelay::journal::reader::{Log, Tail, read_from, scan};
use onbelay::journal::record;
use onbelay::journal::store::replay;
use onbelay::report::{Audience, markdown, report, status};
use onbelay::runbook::{Runbook, read};
use onbelay::session::audit::audit;
use onbelay::session::estimate::Past;
use onbelay::time::{Moment, Timestamp};

const RUNBOOK: &str = r"
onbelay: 1
title: Retire the old machine
params: { site: { about: s }, regions: { about: r, list: true }, token: { about: t, secret: true } }
checks:
  regions: { title: R, for_each: { r: '${regions}' }, run: 'ask $r' }
  backup: { title: B, run: x, wait: { up_to: 1m } }
  copy: { title: C, attest: Where is it? }
steps:
  - { id: first, run: 'echo $site', requires: backup, verify: backup, undo: 'undo it', retry: { times: 2 } }
  - { id: ask, run: x, capture: found }
  - { id: many, for_each: { i: '${regions}' }, run: 'x $i' }
  - { title: By hand, announce: 'Now ${found}' }
  - { id: last, run: 'rm $site', destructive: All of it, requires: [regions, copy], witness: true }
";

static WALKED: LazyLock<Arc<Runbook>> =
    LazyLock::new(|| Arc::new(read(RUNBOOK.as_bytes(), "walked.yaml").expect("a right runbook")));

/// Holds all of it: as the bytes are, and with links that fit.
pub(crate) fn hold(bytes: &[u8]) {
    one(bytes);
    let linked = linked(bytes);
    if linked != bytes {
        one(&linked);
    }
}

/// The same lines, each with the link to the one before.
fn linked(bytes: &[u8]) -> Vec<u8> {
    const OPENS: &[u8] = b",\"prev\":\"";
    let mut out = Vec::with_capacity(bytes.len() + 100);
    let mut prev = record::no_link();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let (body, ends) = line.strip_suffix(b"\n").map_or((line, false), |body| (body, true));
        let end = body.windows(OPENS.len()).rposition(|part| part == OPENS).unwrap_or(body.len());
        let mut new = body[..end].to_vec();
        if end == body.len() && new.last() == Some(&b'}') {
            new.pop();
        }
        new.extend_from_slice(OPENS);
        new.extend_from_slice(prev.as_str().as_bytes());
        new.extend_from_slice(b"\"}");
        prev = record::link_to(&new);
        out.append(&mut new);
        if ends {
            out.push(b'\n');
        }
    }
    out
}

fn one(bytes: &[u8]) {
    let log = read_from(bytes).expect("memory can be read");
    let length = usize::try_from(log.len).expect("it fits");
    assert!(length <= bytes.len());
    for (index, entry) in log.entries.iter().enumerate() {
        assert_eq!(entry.n, index as u64 + 1);
        assert_eq!(entry.session, log.entries[0].session);
    }
    match &log.tail {
        Tail::Whole => assert_eq!(length, bytes.len()),
        Tail::Torn { bytes: torn } => assert_eq!(log.len + torn, bytes.len() as u64),
        Tail::Damaged(fault) => {
            assert!(fault.offset <= bytes.len() as u64);
            tame(&fault.to_string());
        }
        Tail::Newer { why, fault, .. } => {
            tame(why);
            if let Some(fault) = fault {
                tame(&fault.to_string());
            }
        }
    }
    let mut handed = Vec::new();
    let scanned = scan(bytes, |entry| handed.push(entry)).expect("memory can be read");
    assert!(
        handed == log.entries
            && scanned.head == log.head
            && scanned.len == log.len
            && scanned.tail == log.tail
    );

    cut(&bytes[..length], &log);
    written_again(&log);
    told(&log);
}

/// What was taken is whole by itself; cut somewhere in it, it opens at the last whole record before.
fn cut(whole: &[u8], log: &Log) {
    let again = read_from(whole).expect("memory can be read");
    assert!(again.entries == log.entries && again.head == log.head && again.tail == Tail::Whole);
    let at = whole.iter().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)))
        % (whole.len() + 1);
    let part = &whole[..at];
    let before = read_from(part).expect("memory can be read");
    let lines = part.split(|byte| *byte == b'\n').count() - 1;
    assert_eq!(before.entries, log.entries[..lines], "cut at {at}");
    let end = part.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    assert_eq!(before.len, end as u64);
    let torn = Tail::Torn { bytes: (at - end) as u64 };
    assert_eq!(before.tail, if end == at { Tail::Whole } else { torn });
}

fn written_again(log: &Log) {
    let mut prev = record::no_link();
    let mut file = Vec::new();
    for entry in &log.entries {
        let line = record::line(entry, &prev);
        let (last, body) = line.split_last().expect("a line");
        assert!(*last == b'\n' && !body.contains(&b'\n'), "a record is one line");
        tame(std::str::from_utf8(body).expect("a record is text"));
        let read = record::read(body).expect("what was written can be read");
        assert!(read.entry == *entry && read.prev == prev, "{entry:?} says {:?}", read.entry);
        prev = record::link_to(body);
        file.extend_from_slice(&line);
    }
    let again = read_from(&file[..]).expect("memory can be read");
    assert!(again.entries == log.entries && again.tail == Tail::Whole);
}

fn told(log: &Log) {
    let Some(last) = log.entries.last() else { return };
    for flaw in audit(WALKED.clone(), &log.entries).flaws {
        assert!(flaw.n >= 1 && !flaw.what.is_empty());
    }
    // As far as they can follow each other, which is as far as anybody shows them.
    let mut session = None;
    for upto in 1..=log.entries.len() {
        match replay(WALKED.clone(), &log.entries[..upto]) {
            Ok(walked) if upto < 12 || upto == log.entries.len() => session = Some((walked, upto)),
            Ok(_) => {}
            Err(_) => break,
        }
        if upto >= 12 && upto + 1 < log.entries.len() && log.entries.len() > 40 {
            break;
        }
    }
    let Some((session, upto)) = session else { return };
    let now =
        Moment { at: Timestamp::from_millis(1_795_187_413_000), up: last.up.saturating_add(1_000), boot: 0 };
    for audience in [Audience::Team, Audience::Public] {
        let report = report(&session, &log.entries[..upto], now, audience);
        markdown::markdown(&report).lines().for_each(tame);
        serde_json::to_string(&report).expect("a report can be told as JSON");
    }
    serde_json::to_string(&status::status(&session, "open", &Past::default(), now)).expect("a status too");
}

/// Panics where a text would act on a terminal.
fn tame(text: &str) {
    let bad = text
        .chars()
        .find(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
    assert!(bad.is_none(), "{bad:?} is in {text:?}");
}
