//! Output without end and clients that stand still: what the others and the machine notice of it (S1, S10, F-S2, F-S3,
//! F-S4). With `ONBELAY_LONG` in the environment ten times 1 GiB goes through, not a quarter of one.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use onbelay::client::{IfNoHost, Stay, Talk, Wish};
use onbelay::session::{Command, Event};
use onbelay::wire::messages::{PROTOCOL, Role};
use onbelay::wire::{ToHost, frame};
use rustix::event::{PollFd, PollFlags, poll};

use crate::support::{Home, Pid, Screen, Session, have, until};

/// The most memory a host or a client may take (F-S3), MiB.
const MOST: u64 = 64;

/// Writes lines, so many MiB of them in pieces of 64 KiB, and notes how many milliseconds the longest write(2) took.
const LONGEST_WRITE: &str = r#"
import os, sys, time
piece = (b"a line of output" + b" of the many" * 4 + b"\n") * 1024
piece = piece[:65536]
longest, left = 0, int(sys.argv[1]) << 20
while left:
    begun = time.monotonic_ns()
    left -= os.write(1, piece[:left])
    longest = max(longest, time.monotonic_ns() - begun)
with open("longest", "w") as note:
    note.write(str(longest / 1e6))
"#;

/// The most memory a process has had, MiB.
fn peak(pid: Pid) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

#[test]
fn s10_f_s3_floods_of_every_kind_take_no_memory_of_host_or_clients() {
    if !have("s10_f_s3", "python3") {
        return;
    }
    let mib = if std::env::var_os("ONBELAY_LONG").is_some() { 10_240 } else { 256 };
    // Many lines; one line that does not end; short lines as fast as they come; one line that is written over and over.
    let kinds = [
        ("lines", format!("python3 longest.py {mib}"), mib << 20),
        ("one-line", format!("head -c {mib}M /dev/zero | tr '\\0' x"), mib << 20),
        ("short", "yes | head -n 1000000 || true".to_owned(), 2_000_000),
        ("over", "yes 'a state of it' | head -n 1000000 | tr '\\n' '\\r' || true".to_owned(), 14_000_000),
    ];
    let mut yaml = "onbelay: 1\ntitle: Flood\nsteps:\n".to_owned();
    for (id, script, _) in &kinds {
        let script = script.replace('\\', "\\\\");
        let _ = writeln!(yaml, "  - {{ id: {id}, title: 'This is {id}', run: \"{script}\" }}");
    }
    yaml += "  - { id: last, title: The last }\n";
    let home = Home::new();
    // The first of them also says how long its longest write took: a command is kept waiting by its file, and by nobody else.
    home.write("longest.py", LONGEST_WRITE);
    let session = home.start(&yaml);
    let mut screen = Screen::open(&home, &["attach", &session.id], (40, 120));
    screen.wait_for("Enter start");
    let mut watcher = Screen::open(&home, &["attach", &session.id, "--watch"], (24, 80));
    watcher.wait_for("following");
    let mut lines = Screen::open(&home, &["attach", &session.id, "--plain"], (24, 80));
    lines.wait_for("Enter does nothing >");
    for (at, (id, _, bytes)) in kinds.iter().enumerate() {
        let begun = Instant::now();
        // However long it takes.
        let mut run = home.command(&["do", &session.id, "run", id]);
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        session.wait_for_where("step_started", |record| record["step"] == *id);
        // Whoever looks follows it; of a step that was quicker than they, the end.
        screen.press_until("o", |text| text.contains("Esc steps") || text.contains("end of it"));
        assert_eq!(run.wait().unwrap().code(), Some(0), "{id}");
        let settled = session.wait_for_where("step_settled", |record| record["step"] == *id);
        assert_eq!(settled["ok"], true, "{id}");
        println!("{id}: {bytes} bytes in {:?}", begun.elapsed());
        if *id == "lines" {
            let longest: f64 = home.read("longest").trim().parse().unwrap();
            println!("{id}: the command's longest write(2) of 64 KiB: {longest:.1} ms (100 ms)");
        }
        let attempt = u32::try_from(at + 1).unwrap();
        let file = session.dir().join(format!("attempts/{attempt}/output"));
        assert_eq!(std::fs::metadata(&file).unwrap().len(), *bytes, "{id}: every byte of it");
        screen.press("gGwGw");
        screen.press_until("\x1b", |text| text.contains("Enter") && !text.contains("Esc steps"));
        let back = Instant::now();
        let mut again = Screen::open(&home, &["attach", &session.id], (40, 120));
        again.wait_for("? keys");
        println!("{id}: attach to its first picture {:?}", back.elapsed());
        again.press("q");
        assert_eq!(again.wait_end(), 0);
    }
    lines.wait_for("step 5 of 5");
    for (who, pid) in [
        ("host", session.host()),
        ("screen", screen.pid()),
        ("watcher", watcher.pid()),
        ("lines", lines.pid()),
    ] {
        let most = peak(pid);
        println!("most memory of {who}: {most} MiB");
        assert!(most <= MOST, "{who} took {most} MiB");
    }
}

/// A connection that says hello and never reads a byte.
fn stands_still(session: &Session<'_>) -> UnixStream {
    let mut stream = UnixStream::connect(session.dir().join("socket")).unwrap();
    let hello = ToHost::Hello { protocol: PROTOCOL, onbelay: "0".to_owned(), role: Role::Watch };
    stream.write_all(&frame::encode(&hello).unwrap()).unwrap();
    stream
}

fn talk(session: &Session<'_>, role: Role) -> Talk {
    let wish = Wish { role, if_no_host: IfNoHost::Never, stay: Stay::No };
    Talk::open(&session.dir(), wish).unwrap()
}

fn worst(times: &[Duration]) -> (Duration, Duration) {
    let mut sorted = times.to_vec();
    sorted.sort();
    (sorted[sorted.len() / 2], *sorted.last().unwrap())
}

#[test]
fn s1_f_s2_a_client_that_stands_still_is_let_go_and_delays_neither_the_host_nor_another_client() {
    let home = Home::new();
    let walk = "onbelay: 1\ntitle: T\nsteps:\n  - { id: a, title: A, run: \"yes | head -c 512M || true\" }\n";
    let session = home.start(walk);
    let stalled = stands_still(&session);
    let (saw, seen) = channel();
    let mut other = talk(&session, Role::Watch);
    let mut actor = talk(&session, Role::Drive);
    let watching = std::thread::spawn(move || {
        // Until the note that says so.
        other.follow_until(|_, entry| match &entry?.event {
            Event::Noted { text, .. } if text == "over" => Some(()),
            Event::Noted { text, .. } => {
                let number: usize = text.split(' ').next()?.parse().ok()?;
                saw.send((number, Instant::now())).unwrap();
                None
            }
            _ => None,
        })
    });
    let let_go = std::thread::spawn(move || {
        let mut ends = [PollFd::new(&stalled, PollFlags::RDHUP)];
        poll(&mut ends, None).unwrap();
        let at = Instant::now();
        // It was in, and stood still: what it had not read is still there.
        let mut unread = [0; 1];
        let peeked = rustix::net::recv(stalled.as_fd(), &mut unread[..], rustix::net::RecvFlags::PEEK);
        assert!(matches!(peeked, Ok((_, 1))), "it never read: {peeked:?}");
        at
    });
    // A step that floods, meanwhile.
    let started = Command::Run { step: "a".into(), typed: None, will_ask: false, by_hand: false };
    actor.act(started).unwrap();
    let (mut sent, mut answered, mut held_up) = (Vec::new(), Vec::new(), None);
    let mut say = |text: String| {
        let at = Instant::now();
        actor.act(Command::Note { text }).unwrap();
        sent.push(at);
        answered.push(at.elapsed());
        sent.len()
    };
    // Far more than the kernel and the queue take for somebody who does not read; then a little at a time, until it is gone.
    let large = "x".repeat(30 << 10);
    let mut number = 0;
    while !let_go.is_finished() {
        let text = if number < 64 { format!("{number} {large}") } else { format!("{number} little") };
        number = say(text);
        // 208 KiB is what the kernel holds at the most: from here on it is the host that waits for it.
        if number == 8 {
            held_up = Some(Instant::now());
        }
        std::thread::park_timeout(Duration::from_millis(1));
        assert!(number < 30_000, "it is never let go");
    }
    let gone = let_go.join().unwrap().duration_since(held_up.expect("it was held up before"));
    say("over".to_owned());
    watching.join().unwrap().unwrap();
    let delays: Vec<Duration> = seen
        .iter()
        .map(|(number, at): (usize, Instant)| at.saturating_duration_since(sent[number]))
        .collect();
    assert_eq!(delays.len(), number, "the other client heard every one");
    let ((loop_usual, loop_worst), (usual, slowest)) = (worst(&answered), worst(&delays));
    println!("F-S2: {number} notes beside a client that stands still and a step that floods");
    println!("an answer of the host: median {loop_usual:?}, slowest {loop_worst:?} (50 ms)");
    println!("until another client has it: median {usual:?}, slowest {slowest:?} (100 ms)");
    println!("let go {gone:?} after it took nothing more (2 s)");
    let host = peak(session.host());
    println!("most memory of the host: {host} MiB");
    assert!(host <= MOST, "{host} MiB");
    // Many times what is held to: this machine may be busy with other things.
    assert!(loop_worst < Duration::from_secs(5) && slowest < Duration::from_secs(5));
    assert!(gone < Duration::from_secs(20), "{gone:?}");
    session.wait_for_where("step_settled", |record| record["step"] == "a");
    session.verifies();
}

#[test]
fn f_s4_an_end_is_known_at_once_whatever_holds_the_outputs() {
    let home = Home::new();
    // What is left behind holds both outputs open, and writes on.
    let walk = "onbelay: 1\ntitle: T\nsteps:\n  - { id: a, title: A, run: '(trap \"\" TERM HUP; sleep 600) & date +%s%N >ended; exit 3' }\n";
    let session = home.start(walk);
    let mut watcher = talk(&session, Role::Watch);
    session.act(&["run", "a", "--no-wait"]).expect(0);
    let heard = watcher
        .follow_until(|_, entry| {
            matches!(entry?.event, Event::StepSettled { .. }).then(std::time::SystemTime::now)
        })
        .unwrap();
    let ended: u64 = until("when it ended", || home.read("ended").trim().parse().ok());
    let took =
        heard.duration_since(std::time::UNIX_EPOCH).unwrap().saturating_sub(Duration::from_nanos(ended));
    println!("F-S4: a client heard of the end {took:?} after the command's last word (100 ms)");
    assert!(took < Duration::from_secs(10), "{took:?}");
    let ended = session.wait_for("work_ended");
    assert_eq!(ended["ended"]["outcome"]["code"], 3);
    assert_eq!(ended["ended"]["left"].as_array().unwrap().len(), 1, "{ended}");
}
