//! Every lie that the records of approvals can tell, held against the book of approvals alone: the walk's own audit finds
//! many of them too, and what it has found is not said twice, so only here is each seen to be found by itself.

use super::*;
use crate::journal::verify::approvals::Book;
use crate::runbook::Proof;
use crate::session::approve::Subject;
use crate::session::event::How;

const LIST: &str = "steps:
  - { id: each, title: Each, for_each: { disk: [a, b] }, run: 'look at \"$disk\"' }
";

const EACH: &str = "steps:
  - { id: each, title: Each, destructive: All, witness: true, for_each: { disk: [a, b] }, run: 'wipe \"$disk\"' }
";

/// What the book says of these records, chained as they stand; each with the record it is said of.
fn said_of(entries: &[Entry]) -> Vec<(u64, String)> {
    let mut book = Book::opened(&entries[0], None);
    let mut before = no_link();
    for entry in entries {
        book.take(entry, &before);
        let line = line(entry, &before);
        before = link_to(&line[..line.len() - 1]);
    }
    let mut verified = Verified::default();
    book.finish(&mut verified);
    verified.findings.into_iter().map(|finding| (finding.record.unwrap(), finding.what)).collect()
}

/// Doctors one record, makes the rest fit, and expects the book to say exactly this: a record and a part of what is said.
#[track_caller]
fn lie(honest: &[Entry], n: u64, doctor: impl FnOnce(&mut Event), due: &[(u64, &str)]) {
    let mut forged = honest.to_vec();
    doctor(&mut at(&mut forged, n).event);
    fit(&mut forged, 1, 2);
    is_said(&forged, due);
}

#[track_caller]
fn is_said(forged: &[Entry], due: &[(u64, &str)]) {
    let said = said_of(forged);
    assert_eq!(said.len(), due.len(), "{said:#?}");
    for ((n, what), (due, part)) in said.iter().zip(due) {
        assert!(n == due && what.contains(part), "not {part:?} of record {due}: {said:#?}");
    }
}

fn subject(event: &mut Event) -> &mut Subject {
    match event {
        Event::ApprovalAsked { subject } => subject,
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_an_honest_walk_nothing_is_said() {
    for witness in [KEY, ACCOUNT, HERE] {
        assert_eq!(said_of(&walked_with(witness).bench.entries), [], "{witness}");
        assert_eq!(said_of(&twice(witness).bench.entries), [], "{witness}");
    }
    let mut list = Walk::of(LIST);
    list.bench.run("each").unwrap();
    list.bench.exits(0);
    list.bench.exits(0);
    assert!(numbers(&list.bench.entries, |event| matches!(event, Event::ItemStarted { .. })).len() == 2);
    assert_eq!(said_of(&list.bench.entries), []);
}

#[test]
fn an_asking_that_stands_elsewhere_or_belongs_to_another_session_is_found() {
    let honest = walked_with(ACCOUNT).bench.entries;
    let (asked, yes, started) = (askings(&honest)[0], yeses(&honest)[0], starts(&honest)[0]);
    let unsound = format!("rests on the approval in record {yes}, which does not hold");
    let elsewhere = |doctor: fn(&mut Subject), what: &str| {
        lie(&honest, asked, |event| doctor(subject(event)), &[(asked, what), (started, &unsound)]);
    };
    elsewhere(|subject| subject.head.n -= 1, "stands elsewhere");
    elsewhere(|subject| subject.session = "20990101-000000-x".into(), "belongs to session 20990101-000000-x");
    elsewhere(|subject| subject.runbook = no_link(), "another runbook");
    elsewhere(|subject| subject.at = Timestamp::from_millis(0), "says it was asked at");
    let mut forged = honest.clone();
    subject(&mut at(&mut forged, asked).event).asked += 1;
    let said = said_of(&forged);
    assert!(said[0].0 == asked && said[0].1.contains("stands elsewhere"), "{said:#?}");
}

#[test]
fn an_approval_of_nothing_or_of_another_step_is_found_and_so_is_the_start_on_it() {
    let honest = walked_with(ACCOUNT).bench.entries;
    let (asked, yes, started) = (askings(&honest)[0], yeses(&honest)[0], starts(&honest)[0]);
    let rests = format!("it rests on record {yes}, which approves nothing of wipe");
    let nobody = (started, "nobody approved it, and 1 must");
    let refers = |to: u64| {
        move |event: &mut Event| match event {
            Event::Approved { asked, .. } => *asked = to,
            other => panic!("{other:?}"),
        }
    };
    let mut forged = honest.clone();
    refers(1)(&mut at(&mut forged, yes).event);
    let nothing = "it approves what record 1 asks, which asks for nothing";
    let said = said_of(&forged);
    assert!(said[0] == (yes, format!("record {yes}: {nothing}")), "{said:#?}");
    let of_start: Vec<&String> = said.iter().filter(|one| one.0 == started).map(|one| &one.1).collect();
    assert!(of_start[0].contains(&rests) && of_start[1].contains(nobody.1), "{said:#?}");

    let other = |event: &mut Event| match event {
        Event::Approved { step, .. } => *step = "bury".into(),
        other => panic!("{other:?}"),
    };
    let it = format!("it approves bury, and record {asked} asks about wipe");
    lie(&honest, yes, other, &[(yes, &it), (started, &rests), nobody]);
}

#[test]
fn a_start_that_rests_on_what_is_no_approval_of_it_is_found() {
    let honest = walked_with(ACCOUNT).bench.entries;
    let (yes, started) = (yeses(&honest), starts(&honest));
    let rest_on = |records: Vec<u64>| {
        move |event: &mut Event| match event {
            Event::StepStarted { approvals, .. } => *approvals = records,
            other => panic!("{other:?}"),
        }
    };
    // Of a step that nobody asked about.
    let drill = numbers(&honest, |event| matches!(event, Event::StepStarted { .. }))[0];
    lie(
        &honest,
        drill,
        rest_on(vec![1]),
        &[(drill, "it rests on record 1, which approves nothing of drill")],
    );
    // Of the step before; its own is not used up then, and is not missed.
    let of_other = format!("it rests on record {}, which approves nothing of bury", yes[0]);
    let due = [(started[1], of_other.as_str()), (started[1], "nobody approved it, and 1 must")];
    lie(&honest, started[1], rest_on(vec![yes[0]]), &due);
    let named_none = format!("it names no approval, and record {} asked for one", askings(&honest)[1]);
    lie(&honest, started[1], rest_on(Vec::new()), &[(started[1], &named_none)]);

    // The second start of a step, on the approval that the first used up and on its own: one and the same person.
    let honest = twice(ACCOUNT).bench.entries;
    let (asked, yes, started) = (askings(&honest), yeses(&honest), starts(&honest));
    let mut forged = honest.clone();
    subject(&mut at(&mut forged, asked[1]).event).witness.count = 2;
    rest_on(vec![yes[0], yes[1]])(&mut at(&mut forged, started[1]).event);
    fit(&mut forged, 1, 2);
    is_said(
        &forged,
        &[
            (
                started[1],
                &format!(
                    "the approval in record {} was used up by the start in record {}",
                    yes[0], started[0]
                ),
            ),
            (
                started[1],
                &format!("what record {} asked was approved, and record {} asked anew", asked[0], asked[1]),
            ),
            (started[1], "one person approved it, and 2 must"),
        ],
    );
    // On none, though one was asked for since the last start.
    let named_none = format!("it names no approval, and record {} asked for one", asked[1]);
    lie(&honest, started[1], rest_on(Vec::new()), &[(started[1], &named_none)]);
    // One that takes back rests on no approval of the way forward.
    let mut forged = honest.clone();
    if let Event::StepStarted { approvals, work, .. } = &mut at(&mut forged, started[1]).event {
        approvals.clear();
        *work = Work::Undo;
    }
    fit(&mut forged, 1, 2);
    is_said(&forged, &[]);
}

#[test]
fn whoever_approves_against_the_rule_is_found() {
    let honest = walked_with(ACCOUNT).bench.entries;
    let (asked, yes, started) = (askings(&honest)[0], yeses(&honest)[0], starts(&honest)[0]);
    let unsound = format!("rests on the approval in record {yes}, which does not hold");
    let ruled = |honest: &[Entry], doctor: fn(&mut Subject), what: &str| {
        lie(honest, asked, |event| doctor(subject(event)), &[(yes, what), (started, &unsound)]);
    };
    ruled(&honest, |subject| subject.witness.of = vec!["kim".to_owned()], "sam approved, and only kim may");
    ruled(
        &honest,
        |subject| subject.witness.proof = Proof::Key,
        "sam approved in another way than was asked",
    );
    ruled(&honest, |subject| subject.operator = sam(), "sam approved, and is the operator");
    let named = |event: &mut Event| subject(event).witness.of = vec!["kim".to_owned(), "sam".to_owned()];
    lie(&honest, asked, named, &[]);
    let here = walked_with(HERE).bench.entries;
    assert_eq!((askings(&here)[0], yeses(&here)[0], starts(&here)[0]), (asked, yes, started));
    ruled(
        &here,
        |subject| subject.operator = sam(),
        "Kim was typed from another account than the operator's",
    );
}

#[test]
fn what_starts_is_what_was_approved_in_each_of_its_parts() {
    let honest = walked_with(ACCOUNT).bench.entries;
    let started = starts(&honest)[0];
    let begins = |doctor: fn(&mut Event), what: &str| lie(&honest, started, doctor, &[(started, what)]);
    begins(
        |event| {
            if let Event::StepStarted { work, .. } = event {
                *work = Work::Undo;
            }
        },
        "the way it is carried out of 2 Wipe the old disk is not what was approved",
    );
    begins(
        |event| {
            if let Event::StepStarted { how, .. } = event {
                *how = How::ByHand;
            }
        },
        "the way it is carried out of 2 Wipe the old disk is not what was approved",
    );
    begins(
        |event| {
            if let Event::StepStarted { command, .. } = event {
                *command = Some(no_link());
            }
        },
        "the command of 2 Wipe the old disk is not what was approved",
    );
    begins(
        |event| {
            if let Event::StepStarted { items, .. } = event {
                items.push("one".to_owned());
            }
        },
        "the items of 2 Wipe the old disk is not what was approved",
    );
    begins(
        |event| {
            if let Event::StepStarted { list, .. } = event {
                list.push("one".to_owned());
            }
        },
        "the items of 2 Wipe the old disk is not what was approved",
    );
}

#[test]
fn a_signature_vouches_for_nothing_where_its_asking_or_its_time_does_not_hold() {
    let honest = walked_with(KEY).bench.entries;
    let (asked, yes, started) = (askings(&honest)[0], yeses(&honest)[0], starts(&honest)[0]);
    // The signature holds, and came too late.
    let mut late = honest.clone();
    let quarter = u64::try_from(Duration::from_mins(15).as_millis()).unwrap();
    at(&mut late, yes).up += quarter;
    let seen = verified(KEY, &late, None);
    assert_eq!((seen.approvals[0].holds, seen.approvals[0].signed_up_to), (false, None));
    // The signature holds, and what comes before what was asked is another log.
    let mut changed = honest.clone();
    at(&mut changed, asked - 1).up += 1;
    let seen = verified(KEY, &changed, None);
    assert_eq!((seen.approvals[0].holds, seen.approvals[0].signed_up_to), (false, None));
    found_at(&seen, asked, "the log was changed before it");
    assert!(seen.findings.iter().any(|one| one.record == Some(started)), "{:#?}", seen.findings);
}

#[test]
fn what_runs_for_each_item_is_what_was_approved_for_it() {
    let mut walk = Walk::of(EACH);
    walk.ask("each");
    walk.approve("each", &sam(), None);
    walk.bench.run_typed("each", "each").unwrap();
    walk.bench.exits(0);
    walk.bench.exits(0);
    let honest = walk.bench.entries;
    let items = numbers(&honest, |event| matches!(event, Event::ItemStarted { .. }));
    assert_eq!((items.len(), said_of(&honest)), (2, Vec::new()));
    for n in items {
        let another = |event: &mut Event| {
            if let Event::ItemStarted { item, .. } = event {
                item.push('x');
            }
        };
        lie(&honest, n, another, &[(n, "is not what was approved")]);
        let other_command = |event: &mut Event| {
            if let Event::ItemStarted { command, .. } = event {
                *command = Some(no_link());
            }
        };
        lie(&honest, n, other_command, &[(n, "is not what was approved")]);
    }
}
