//! The lines of whole walks.

use super::*;
use crate::session::bench::{Bench, sam};
use crate::session::{Command, Verdict};

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
