//! What a later host finds of a runner that an earlier one started: barred, at work, ended, gone.

use std::sync::mpsc;

use onbelay::process::claim::Start;
use onbelay::process::look;
use onbelay::session::recover::Found;

use super::*;

#[test]
fn orders_that_are_cut_start_nothing() {
    let attempt = bash("echo ran");
    let orders = serde_json::to_vec(&attempt.spec).unwrap();
    for cut in [0, 1, orders.len() / 2, orders.len() - 1] {
        let mut command = Command::new(RUNNER);
        let mut child = command
            .arg("runner")
            .arg(attempt.path())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&orders[..cut]).unwrap();
        assert!(!child.wait().unwrap().success());
    }
    assert_eq!(std::fs::read_dir(attempt.path()).unwrap().count(), 0);
}

#[test]
fn a_start_that_was_barred_never_happens() {
    let attempt = bash("echo ran");
    assert_eq!(look(attempt.path(), false), Found::NoStart);
    assert!(!attempt.spawn().wait().unwrap().success());
    assert_eq!(attempt.output(), b"");
    assert_eq!(look(attempt.path(), false), Found::NoStart);
}

#[test]
fn a_runner_and_a_host_that_bars_it_agree() {
    for _ in 0..20 {
        let attempt = bash("echo ran");
        let mut runner = attempt.spawn();
        let found = look(attempt.path(), false);
        runner.wait().unwrap();
        let ran = attempt.output() == b"ran\n";
        assert_eq!(ran, found != Found::NoStart, "{found:?}");
    }
}

#[test]
fn r1_a_later_host_finds_the_true_outcome() {
    let attempt = with_dir(bash("echo ready; read -r _ <\"$dir/fifo\"; exit 3"));
    let fifo = attempt.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    let mut runner = attempt.spawn();
    attempt.until_it_says("ready");
    assert_eq!(look(attempt.path(), false), Found::Alive);
    let adopted = Runner::adopt(attempt.path());
    let watch = std::thread::Builder::new().name("adopted".to_owned()).spawn(move || adopted.wait()).unwrap();
    sleeps("adopted");
    std::fs::write(&fifo, "go\n").unwrap();
    let found = watch.join().unwrap();
    assert!(
        matches!(&found, Found::Ended(ended) if ended.outcome == Outcome::Exited { code: 3 }),
        "{found:?}"
    );
    runner.wait().unwrap();
    assert_eq!(look(attempt.path(), false), found);
}

#[test]
fn a_later_host_can_stop_it() {
    let attempt = bash("echo ready; sleep 600");
    let mut runner = attempt.spawn();
    attempt.until_it_says("ready");
    let adopted = Runner::adopt(attempt.path());
    adopted.stopper().stop().unwrap();
    assert!(matches!(adopted.wait(), Found::Ended(ended) if ended.outcome == Outcome::Stopped));
    runner.wait().unwrap();
}

#[test]
fn a_command_outlives_its_runner_and_is_watched_to_its_end() {
    for noted in [true, false] {
        let mut attempt = bash("echo ready; read -r _ <\"$fifo\"; echo last");
        let fifo = attempt.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
        attempt.spec.env.push((Bytes::from("fifo"), Bytes::from(&fifo)));
        let mut runner = attempt.spawn();
        let command = attempt.command();
        attempt.until_it_says("ready");
        send(runner.id(), Signal::KILL);
        runner.wait().unwrap();
        if !noted {
            std::fs::remove_file(attempt.path().join("command.json")).unwrap();
        }
        assert_eq!(look(attempt.path(), false), Found::Alive);
        let (tell, told) = mpsc::channel();
        let adopted = Runner::adopt(attempt.path());
        let watch = std::thread::Builder::new().name("adopted".to_owned());
        watch.spawn(move || tell.send(adopted.wait())).unwrap();
        sleeps("adopted");
        assert!(told.try_recv().is_err(), "it is still running, and watched");
        std::fs::write(&fifo, "go\n").unwrap();
        let found = told.recv().unwrap();
        assert!(matches!(&found, Found::Gone(why) if why.contains(&command.pid.to_string())), "{found:?}");
        assert_eq!(attempt.text(), "ready\nlast\n");
        assert!(matches!(look(attempt.path(), false), Found::Gone(_)));
    }
}

#[test]
fn a_command_without_runner_can_be_stopped() {
    let attempt = bash("sleep 600 & echo ready; wait");
    let mut runner = attempt.spawn();
    let command = attempt.command();
    attempt.until_it_says("ready");
    end(runner.id());
    runner.wait().unwrap();
    let adopted = Runner::adopt(attempt.path());
    adopted.stopper().stop().unwrap();
    assert!(matches!(adopted.wait(), Found::Gone(why) if why.contains("was stopped")));
    until("all of the group is gone", || kernel::members(command.pid).is_empty());
}

#[test]
fn a_start_record_names_its_runner() {
    let attempt = bash("echo ready; sleep 600");
    let mut runner = attempt.spawn();
    attempt.until_it_says("ready");
    let Some(Start::Claimed { runner: named, .. }) = claim::read_start(attempt.path()).unwrap() else {
        panic!("no start record");
    };
    assert_eq!(Some(named), kernel::stat(runner.id()).map(|stat| stat.id));
    // A process that got the number later is somebody else.
    assert!(!Identity { started: named.started + 1, ..named }.is_alive());
    let stat = kernel::stat(runner.id()).unwrap();
    assert_eq!((stat.session, stat.group), (runner.id(), runner.id()), "a session of its own");
    send(runner.id(), Signal::TERM);
    runner.wait().unwrap();
}
