//! Signals to a host that stands in the middle of a write (S11): the record is there, and its sync has not returned. What
//! is not TERM changes nothing. TERM is heard once that is over: what follows is what the table says of a host that ends, or, where
//! the command was on its way by then, of one that goes on. `hosts` has the signals to a host that rests.

use rustix::process::{Signal, kill_process};

use crate::support::{Home, Pid, Session, has_ended, kill, until};

use super::cells::{self, Work};
use super::table::{self, After, Row, Victim};

/// None of these ends a host.
const IGNORED: [Signal; 4] = [Signal::HUP, Signal::INT, Signal::QUIT, Signal::PIPE];

/// Points in a write, and the record that is being written.
const POINTS: [(&str, &str); 2] = [("intent-unsynced", "step_started"), ("outcome-unsynced", "work_ended")];

/// One signal to one host that stands there.
fn cell(row: &Row, record: &str, signal: Signal) {
    let place = format!("{}, {signal:?}", row.point);
    let mut home = Home::new();
    let mut standing = cells::standing(&mut home, Work::Run, row);
    let session = Session::new(&home, standing.session.clone());
    let host = standing.host;
    until("the host is halted", || cells::is_halted(host).then_some(()));
    let journal = || std::fs::read_to_string(session.dir().join("journal.jsonl")).unwrap();
    let written = journal();
    assert_eq!(session.records(record).len(), 1, "{place}: written, and under way");
    if signal == Signal::TERM {
        // Who waits would bring up the next host at once, and it is this one's doing that is looked at.
        kill(Pid::from_child(&standing.client));
        standing.client.wait().unwrap();
    }
    // It comes to all threads at once with what lets them go on.
    kill_process(host, signal).unwrap();
    assert_eq!(journal(), written, "{place}: nothing happens while it is halted");
    kill_process(host, Signal::CONT).unwrap();
    if signal == Signal::TERM {
        has_ended(host);
        assert_eq!(session.records("host_started").len(), 1, "{place}");
    } else {
        assert!(standing.client.wait().unwrap().success(), "{place}: who waited hears of the end");
        session.act(&["note", "the very host"]).expect(0);
        assert_eq!(session.host(), host, "{place}");
    }
    let text = journal();
    assert!(text.starts_with(&written) && text.ends_with('\n'), "{place}: half a record: {text}");
    session.verifies();
    session.act(&["note", "back"]).expect(0);
    assert_eq!(session.records("host_started").len(), 1 + usize::from(signal == Signal::TERM), "{place}");
    let mut may: Vec<After> = vec![row.after(Victim::Client).unwrap()];
    if signal == Signal::TERM {
        may.push(row.after(Victim::Host).unwrap());
    }
    follows(&home, &session, &may, &place);
}

/// One of these, as the table says.
fn follows(home: &Home, session: &Session<'_>, may: &[After], place: &str) {
    let step = until(&format!("{place}: the step comes to rest"), || {
        Some(session.step("wipe")).filter(|step| step != "running")
    });
    let after =
        may.iter().find(|after| after.step == step).unwrap_or_else(|| panic!("{place}: it is {step}"));
    let effects = Work::Run.effects(home);
    assert!(after.effects.contains(&effects), "{place}: {step}, and {effects} effects");
    assert_eq!(session.records("step_started").len(), 1, "{place}");
    assert_eq!(session.records("work_ended").len(), after.ended, "{place}: an outcome is recorded once");
    session.verifies();
    cells::goes_on(session, Work::Run, after, place);
    assert_eq!(Work::Run.effects(home), 1, "{place}: done once");
}

#[test]
fn s11_every_signal_in_the_middle_of_a_write_leaves_it_whole_and_the_work_done_once() {
    let mut count = 0;
    for (point, record) in POINTS {
        for row in table::rows(point) {
            for signal in IGNORED.into_iter().chain([Signal::TERM]) {
                cell(row, record, signal);
                count += 1;
            }
        }
    }
    println!("S11: {count} signals in the middle of a write, {} places, each record whole", POINTS.len());
}
