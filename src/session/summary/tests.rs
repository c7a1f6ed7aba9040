//! The lines of whole walks.

use super::*;
use crate::session::bench::{Bench, dana, name_of, sam};
use crate::session::event::SignedBy;
use crate::session::{Command, Person, Verdict};

fn lines(bench: &Bench) -> Vec<String> {
    bench.entries.iter().map(|entry| sentence(entry, &bench.session)).collect()
}

#[test]
fn a_walk_reads_as_people_would_tell_it() {
    let mut bench = Bench::new(
        "checks:\n  backup: { title: The backup is whole, run: 'true' }\nsteps:\n  - { id: wipe, title: Wipe, destructive: true, requires: [backup], run: 'wipe it' }\n",
    );
    bench.answers.insert("backup".to_owned(), Verdict::Fails);
    bench.run_typed("wipe", "wipe").unwrap();
    bench.answers.clear();
    bench.run_typed("wipe", "wipe").unwrap();
    bench.exits(0);
    bench.act_as(&sam(), &Command::Note { text: "west still has \u{1b}[2J one".to_owned() }).unwrap();
    assert_eq!(
        lines(&bench),
        [
            "opened the session: Test",
            "watches over the session (process 7)",
            "wants to start 1 Wipe",
            "asks backup",
            "backup does not hold: looked",
            "tried 1 Wipe · refused: backup",
            "wants to start 1 Wipe",
            "asks backup",
            "backup holds: looked",
            "started 1 Wipe · typed \"wipe\"",
            "1: exit 0 after 0:00",
            "1 Wipe is done",
            "note: \"west still has ␛[2J one\"",
        ]
    );
}

/// An approval by a key that somebody else brings.
fn signed() -> Proven {
    let [principal, fingerprint, signature, signers, line] =
        ["pat@example.org", "SHA256:x", "", "", ""].map(str::to_owned);
    Proven::Key(Box::new(SignedBy {
        principal,
        fingerprint,
        signature,
        signers,
        line,
        also: Vec::new(),
        unknown: None,
    }))
}

#[test]
fn who_signed_said_yes_and_taking_a_step_back_is_told_as_that() {
    let mut bench = Bench::new(
        "steps:\n  - { id: zap, title: Zap, destructive: true, witness: { proof: key }, run: 'zap', undo: 'back' }\n",
    );
    let yes = |bench: &mut Bench| {
        let subject = &bench.session.steps[0].approval.as_ref().unwrap().subject;
        let (step, asked, text) = (subject.step.clone(), subject.asked, subject.text_digest());
        bench.record(&dana(), Event::Approved { step, asked, text, proof: signed(), attached: false });
        bench.session.head
    };
    bench.run("zap").unwrap();
    yes(&mut bench);
    bench.run_typed("zap", "zap").unwrap();
    bench.exits(0);
    bench.undo("zap").unwrap();
    let approved = yes(&mut bench);
    let why = "sam left before the start".to_owned();
    bench.record(
        &Person::tool(),
        Event::ApprovalsVoided { step: "zap".into(), approvals: vec![approved], why },
    );
    let no = Command::Refuse { step: "zap".into(), why: "keep it".to_owned() };
    bench.act_as(&sam(), &no).unwrap();
    // The same whether the round is still open or long gone.
    for over in [false, true] {
        if over {
            bench.undo("zap").unwrap();
            yes(&mut bench);
            let typed = Some("zap".to_owned());
            bench.act(&Command::Undo { step: "zap".into(), typed, will_ask: false }).unwrap();
            assert!(bench.session.steps[0].approval.is_none(), "used up");
        }
        let told: Vec<String> = bench
            .entries
            .iter()
            .filter(|entry| name_of(&entry.event).starts_with("approv"))
            .map(|entry| format!("{}: {}", who(entry), sentence(entry, &bench.session)))
            .collect();
        assert_eq!(
            told[..6],
            [
                "dana: asks a second person to approve: 1 Zap",
                "pat@example.org: approved 1 Zap, by signature (brought by dana, key SHA256:x)",
                "dana: asks a second person to approve: taking 1 Zap back",
                "pat@example.org: approved taking 1 Zap back, by signature (brought by dana, key SHA256:x)",
                "onbelay: void: sam left before the start (the approval of taking 1 Zap back)",
                "sam: REFUSED taking 1 Zap back: \"keep it\"",
            ]
        );
    }
}
