//! The host as a real process, reached by real clients over real sockets. Names carry the id of a fault where there is one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use onbelay::client::{
    self, ClientError, Heard, HostStart, IfNoHost, Incoming, SessionPlace, Stay, Talk, Wish,
};
use onbelay::id::ValueName;
use onbelay::journal::reader;
use onbelay::runbook::{Value, digest};
use onbelay::session::{Command, Entry, Event, Opened, Outcome, Person, Progress};
use onbelay::wire::messages::{OutputFile, PROTOCOL, Reply, Role, Stream};
use onbelay::wire::start::{Given, NewSession};
use onbelay::wire::{Frames, FromHost, ToHost, frame};
use rustix::process::{Pid, Signal};

const BINARY: &str = env!("CARGO_BIN_EXE_onbelay");

/// A home for sessions that goes away at the end, and the hosts in it.
struct Home {
    dir: tempfile::TempDir,
    program: PathBuf,
}

impl Home {
    fn new() -> Self {
        let dir =
            tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o700)).tempdir().unwrap();
        Self { dir, program: PathBuf::from(BINARY) }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn new_session(&self, steps: &str) -> NewSession {
        let source = format!("onbelay: 1\ntitle: Test of the host\n{steps}");
        NewSession {
            home: self.file("home"),
            opened: Opened {
                format: 1,
                onbelay: "0.1.0".to_owned(),
                title: "Test of the host".to_owned(),
                path: "test.yaml".to_owned(),
                sha256: digest::of_bytes(source.as_bytes()),
                values: BTreeMap::new(),
                secrets: Vec::new(),
                dir: self.dir.path().to_str().unwrap().to_owned(),
                machine: "here".to_owned(),
                umask: 0o22,
                operator: Person { name: "nobody".to_owned(), uid: Some(u32::MAX), login: None },
                share: None,
                signers: None,
            },
            source,
            given: given(),
            another: false,
        }
    }

    fn start(&self, steps: &str) -> SessionPlace {
        client::create_with(&self.program, self.new_session(steps)).unwrap()
    }

    fn wish(&self, stay: bool) -> Wish {
        let start = HostStart { program: self.program.clone(), given: given() };
        Wish {
            role: Role::Drive,
            if_no_host: IfNoHost::Start(start),
            stay: if stay { Stay::Yes(|_| Ok(())) } else { Stay::No },
        }
    }

    fn talk(&self, place: &SessionPlace) -> Talk {
        Talk::open(&place.dir, self.wish(false)).unwrap()
    }
}

impl Drop for Home {
    /// Ends every host that a test has left.
    fn drop(&mut self) {
        for dir in std::fs::read_dir(self.file("home")).into_iter().flatten().flatten() {
            let never = Wish { role: Role::Act, if_no_host: IfNoHost::Never, stay: Stay::No };
            if let Ok(talk) = Talk::open(&dir.path(), never) {
                signal(host_pid(&talk), Signal::KILL);
            }
        }
    }
}

fn given() -> Given {
    let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin"));
    Given { environment: BTreeMap::from([("PATH".to_owned(), path)]), ..Given::default() }
}

fn run(step: &str) -> Command {
    Command::Run { step: step.into(), typed: None, will_ask: false, by_hand: false }
}

fn note(text: &str) -> Command {
    Command::Note { text: text.to_owned() }
}

fn abort() -> Command {
    Command::Abort { why: "the test is over".to_owned() }
}

fn recorded(reply: &Reply) -> u64 {
    match reply {
        Reply::Recorded { n } => *n,
        other => panic!("{other:?}"),
    }
}

fn host_pid(talk: &Talk) -> Pid {
    Pid::from_raw(i32::try_from(talk.session.host.as_ref().unwrap().pid).unwrap()).unwrap()
}

fn signal(pid: Pid, signal: Signal) {
    rustix::process::kill_process(pid, signal).unwrap();
}

/// Waits until a process is gone.
fn wait_gone(pid: Pid) {
    let Ok(handle) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) else { return };
    let mut poll = [rustix::event::PollFd::new(&handle, rustix::event::PollFlags::IN)];
    let limit = rustix::event::Timespec { tv_sec: 20, tv_nsec: 0 };
    assert_eq!(rustix::event::poll(&mut poll, Some(&limit)).unwrap(), 1, "the host does not end");
}

/// Waits until the step has its new state; a refusal of its start fails the test.
fn done(talk: &mut Talk, step: &str) -> Progress {
    talk.follow_until(|session, entry| {
        if let Some(Event::Refused { why, unmet, .. }) = entry.map(|entry| &entry.event) {
            panic!("{why}: {unmet:?}");
        }
        let progress = session.steps[session.step_at(step).unwrap()].progress.clone();
        (!matches!(progress, Progress::Untouched | Progress::Running(_))).then_some(progress)
    })
    .unwrap()
}

fn running(talk: &mut Talk, step: &str) {
    talk.follow_until(|session, _| {
        matches!(session.steps[session.step_at(step).unwrap()].progress, Progress::Running(_)).then_some(())
    })
    .unwrap();
}

fn entries(place: &SessionPlace) -> Vec<Entry> {
    reader::read(&place.dir).unwrap().entries
}

fn count(entries: &[Entry], what: impl Fn(&Event) -> bool) -> usize {
    entries.iter().filter(|entry| what(&entry.event)).count()
}

const TWO: &str = "steps:\n  - { id: a, title: A, run: 'echo hello; echo oops >&2' }\n  - { id: b, title: B, run: 'exit 3' }\n";

/// A step that says so when it runs (`begun`), then waits until the test opens the other end of `go`.
const GATED: &str =
    "steps:\n  - { id: a, title: A, run: 'echo begun; echo x > begun; cat go; echo ended' }\n";

fn fifo(path: &Path) {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RWXU).unwrap();
}

#[test]
fn a_session_is_walked_from_start_to_abort_and_its_host_leaves() {
    let home = Home::new();
    let place = home.start(TWO);
    let mut talk = home.talk(&place);
    let me = rustix::process::getuid().as_raw();
    assert_eq!(talk.session.operator.uid, Some(me), "the kernel's word, not the starter's");
    assert_eq!(talk.session.id, place.id);
    recorded(&talk.act(note("hello")).unwrap());
    recorded(&talk.act(run("a")).unwrap());
    assert_eq!(done(&mut talk, "a"), Progress::Done);
    recorded(&talk.act(run("b")).unwrap());
    assert_eq!(done(&mut talk, "b"), Progress::Failed);
    let ended = talk.session.steps[1].ended.as_ref().unwrap();
    assert_eq!(ended.outcome, Outcome::Exited { code: 3 });

    let read = ToHost::ReadOutput {
        id: 77,
        of: OutputFile { attempt: 1, item: None, stream: Stream::Output },
        from: 0,
        len: 1_000,
    };
    talk.send(&read).unwrap();
    let data = loop {
        if let Some(Heard::Other(message)) = talk.hear(None).unwrap()
            && let FromHost::Output { id: 77, data, .. } = *message
        {
            break data_encoding::BASE64.decode(data.as_bytes()).unwrap();
        }
    };
    assert_eq!(String::from_utf8(data).unwrap(), "hello\noops\n");

    recorded(&talk.act(abort()).unwrap());
    assert!(matches!(talk.act(run("b")).unwrap(), Reply::Refused { n, .. } if n > 0));
    let pid = host_pid(&talk);
    drop(talk);
    wait_gone(pid);
    assert!(!place.dir.join("socket").exists());
    assert!(matches!(
        Talk::open(&place.dir, Wish { role: Role::Act, if_no_host: IfNoHost::Never, stay: Stay::No }),
        Err(ClientError::NoHost { .. })
    ));
}

#[test]
fn a_runbook_that_is_wrong_leaves_nothing_behind() {
    let home = Home::new();
    let wrong = client::create_with(Path::new(BINARY), home.new_session("steps: 7\n"));
    assert!(matches!(wrong, Err(ClientError::Wrong { .. })), "{wrong:?}");
    assert_eq!(std::fs::read_dir(home.file("home")).map_or(0, Iterator::count), 0);
}

#[test]
fn the_same_walk_twice_is_refused_unless_it_is_meant() {
    let home = Home::new();
    let place = home.start(TWO);
    match client::create_with(Path::new(BINARY), home.new_session(TWO)) {
        Err(ClientError::Same { id }) => assert_eq!(id, place.id),
        other => panic!("{other:?}"),
    }
    let another = NewSession { another: true, ..home.new_session(TWO) };
    assert_ne!(client::create_with(Path::new(BINARY), another).unwrap().id, place.id);
}

#[test]
fn r1_a_killed_host_loses_nothing_and_its_command_runs_once() {
    let home = Home::new();
    fifo(&home.file("begun"));
    fifo(&home.file("go"));
    let place = home.start(GATED);
    let mut talk = Talk::open(&place.dir, home.wish(true)).unwrap();
    recorded(&talk.act(run("a")).unwrap());
    running(&mut talk, "a");
    std::fs::read(home.file("begun")).unwrap();
    signal(host_pid(&talk), Signal::KILL);
    // The client brings a new host up by itself, and gets the whole state again.
    while !matches!(talk.hear(None).unwrap(), Some(Heard::Replaced)) {}
    assert!(matches!(talk.session.steps[0].progress, Progress::Running(_)), "adopted");
    std::fs::write(home.file("go"), "").unwrap();
    assert_eq!(done(&mut talk, "a"), Progress::Done);
    let entries = entries(&place);
    assert_eq!(count(&entries, |e| matches!(e, Event::HostStarted { .. })), 2);
    assert_eq!(count(&entries, |e| matches!(e, Event::StepStarted { .. })), 1);
    assert_eq!(count(&entries, |e| matches!(e, Event::WorkEnded { .. })), 1);
    let output = std::fs::read_to_string(place.dir.join("attempts/1/output")).unwrap();
    assert_eq!(output, "begun\nended\n");
    // The reconnected client can act.
    recorded(&talk.act(note("still here")).unwrap());
}

#[test]
fn a_command_that_ends_while_there_is_no_host_is_recorded_once_by_the_next() {
    let home = Home::new();
    fifo(&home.file("begun"));
    fifo(&home.file("go"));
    let place = home.start(GATED);
    let mut talk = home.talk(&place);
    talk.act(run("a")).unwrap();
    running(&mut talk, "a");
    std::fs::read(home.file("begun")).unwrap();
    let pid = host_pid(&talk);
    signal(pid, Signal::KILL);
    wait_gone(pid);
    std::fs::write(home.file("go"), "").unwrap();
    for _ in 0..2 {
        let mut talk = home.talk(&place);
        assert_eq!(done(&mut talk, "a"), Progress::Done);
        let pid = host_pid(&talk);
        signal(pid, Signal::KILL);
        wait_gone(pid);
    }
    assert_eq!(count(&entries(&place), |e| matches!(e, Event::WorkEnded { .. })), 1);
}

#[test]
fn s11_term_ends_the_host_alone_and_the_other_signals_do_nothing() {
    let home = Home::new();
    fifo(&home.file("begun"));
    fifo(&home.file("go"));
    let place = home.start(GATED);
    let mut talk = Talk::open(&place.dir, home.wish(true)).unwrap();
    talk.act(run("a")).unwrap();
    running(&mut talk, "a");
    std::fs::read(home.file("begun")).unwrap();
    let pid = host_pid(&talk);
    for harmless in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::PIPE] {
        signal(pid, harmless);
    }
    recorded(&talk.act(note("alive")).unwrap());
    let before = entries(&place).len();
    signal(pid, Signal::TERM);
    // A goodbye is final: the client does not bring back what somebody ended on purpose.
    assert!(talk.follow_until(|_, _| None::<()>).unwrap_err().to_string().contains("told to end"));
    wait_gone(pid);
    assert_eq!(entries(&place).len(), before);
    assert!(!place.dir.join("socket").exists());
    let mut talk = home.talk(&place);
    assert!(matches!(talk.session.steps[0].progress, Progress::Running(_)));
    std::fs::write(home.file("go"), "").unwrap();
    assert_eq!(done(&mut talk, "a"), Progress::Done);
}

#[test]
fn r10_clients_that_race_to_bring_a_host_back_all_connect_to_one() {
    let home = Home::new();
    let place = home.start(TWO);
    let first = home.talk(&place);
    let pid = host_pid(&first);
    signal(pid, Signal::KILL);
    wait_gone(pid);
    let pids: BTreeSet<u32> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut talk = home.talk(&place);
                    recorded(&talk.act(note("me too")).unwrap());
                    talk.session.host.as_ref().unwrap().pid
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(pids.len(), 1);
    let entries = entries(&place);
    assert_eq!(count(&entries, |e| matches!(e, Event::HostStarted { .. })), 2);
    assert_eq!(count(&entries, |e| matches!(e, Event::Noted { .. })), 4);
}

fn raw(place: &SessionPlace) -> UnixStream {
    UnixStream::connect(place.dir.join("socket")).unwrap()
}

fn hello(protocol: u32, role: Role) -> Vec<u8> {
    frame::encode(&ToHost::Hello { protocol, onbelay: "9.9.9".to_owned(), role }).unwrap()
}

/// Everything until the host ends the connection.
fn until_the_end(mut stream: UnixStream) -> Vec<FromHost> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut bytes = Vec::new();
    if let Err(e) = stream.read_to_end(&mut bytes) {
        assert_ne!(e.kind(), std::io::ErrorKind::WouldBlock, "the host does not end the connection");
    }
    let mut frames = Frames::new(64 << 20);
    frames.push(&bytes);
    std::iter::from_fn(|| frames.take::<FromHost>().unwrap()).collect()
}

#[test]
fn s7_clients_that_speak_nonsense_are_dropped_and_nobody_else_notices() {
    let home = Home::new();
    let place = home.start(TWO);
    let mut talk = home.talk(&place);
    let request = frame::encode(&ToHost::Request { id: 1, command: Box::new(note("x")) }).unwrap();
    let cases: [(&str, Vec<u8>); 6] = [
        ("garbage", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("a length of 4 GiB", vec![0xff; 64]),
        ("no greeting first", request.clone()),
        ("garbage after the greeting", [hello(PROTOCOL, Role::Drive), b"\0\0\0\x02{}".to_vec()].concat()),
        ("too much after the greeting", [hello(PROTOCOL, Role::Drive), vec![0x7f; 8]].concat()),
        ("two greetings", [hello(PROTOCOL, Role::Drive), hello(PROTOCOL, Role::Drive)].concat()),
    ];
    for (what, bytes) in cases {
        let mut stream = raw(&place);
        stream.write_all(&bytes).unwrap();
        for message in until_the_end(stream) {
            assert!(!matches!(message, FromHost::Reply { .. }), "{what}");
        }
        recorded(&talk.act(note(what)).unwrap());
    }
    // Half a frame, and gone.
    let mut stream = raw(&place);
    stream.write_all(&request[..request.len() / 2]).unwrap();
    drop(stream);
    // A byte at a time is slow, and well.
    let mut stream = raw(&place);
    for byte in [hello(PROTOCOL, Role::Drive), request].concat() {
        stream.write_all(&[byte]).unwrap();
    }
    let mut frames = Frames::new(64 << 20);
    let mut buffer = [0; 4096];
    loop {
        match frames.take::<FromHost>().unwrap() {
            Some(FromHost::Reply { id: 1, result }) => {
                recorded(&result);
                break;
            }
            Some(_) => {}
            None => {
                let n = stream.read(&mut buffer).unwrap();
                assert!(n > 0);
                frames.push(&buffer[..n]);
            }
        }
    }
}

#[test]
fn s8_another_protocol_is_told_both_versions() {
    let home = Home::new();
    let place = home.start(TWO);
    for other in [PROTOCOL + 1, PROTOCOL - 1, 0, u32::MAX] {
        let mut stream = raw(&place);
        stream.write_all(&hello(other, Role::Drive)).unwrap();
        let heard = until_the_end(stream);
        let [FromHost::Goodbye { why }] = &heard[..] else { panic!("{heard:?}") };
        for part in ["9.9.9", env!("CARGO_PKG_VERSION"), "use the same version"] {
            assert!(why.contains(part), "{why}");
        }
        assert!(
            why.contains(&format!("protocol {other})")) && why.contains(&format!("protocol {PROTOCOL})")),
            "{why}"
        );
    }
}

#[test]
fn s9_who_watches_starts_nothing_and_may_call_a_hold() {
    let home = Home::new();
    let place = home.start(TWO);
    let mut talk = Talk::open(&place.dir, Wish { role: Role::Watch, ..home.wish(false) }).unwrap();
    assert!(matches!(talk.act(run("a")).unwrap(), Reply::Refused { n: 0, .. }));
    recorded(&talk.act(Command::Hold { why: "look at this".to_owned() }).unwrap());
    assert_eq!(count(&entries(&place), |e| matches!(e, Event::Requested { .. } | Event::Refused { .. })), 0);
    assert_eq!(count(&entries(&place), |e| matches!(e, Event::HoldCalled { .. })), 1);
}

#[test]
fn s1_a_stalled_client_is_let_go_and_the_others_are_served() {
    let home = Home::new();
    let place = home.start(TWO);
    let mut stalled = raw(&place);
    stalled.write_all(&hello(PROTOCOL, Role::Watch)).unwrap();
    let mut talk = home.talk(&place);
    // Which of the two the host took in first is not said.
    assert!(
        talk.line.client.welcome.people.len() == 2 || talk.hears_people(2),
        "the one that will stall is in"
    );
    let text = "x".repeat(32 << 10);
    for _ in 0..100 {
        recorded(&talk.act(note(&text)).unwrap());
    }
    // It is gone from the list of those who are here, without ever having read.
    assert!(talk.hears_people(1), "the stalled client is let go");
    let heard = until_the_end(stalled);
    assert!(heard.len() < 100, "it was cut off");
}

/// Waits for a message that this many people are here.
trait People {
    fn hears_people(&mut self, number: usize) -> bool;
}

impl People for Talk {
    fn hears_people(&mut self, number: usize) -> bool {
        loop {
            match self.hear(Some(std::time::Instant::now() + Duration::from_secs(30))).unwrap() {
                Some(Heard::Other(message)) => {
                    if matches!(*message, FromHost::People { people } if people.len() == number) {
                        return true;
                    }
                }
                Some(_) => {}
                None => return false,
            }
        }
    }
}

#[test]
fn s7_there_is_room_for_64_clients_and_a_clear_word_for_the_65th() {
    let home = Home::new();
    let place = home.start(TWO);
    let mut talks: Vec<Talk> = (0..64).map(|_| home.talk(&place)).collect();
    match Talk::open(&place.dir, home.wish(false)) {
        Err(ClientError::Goodbye { why }) => assert!(why.contains("64"), "{why}"),
        other => panic!("{other:?}"),
    }
    recorded(&talks[63].act(note("all here")).unwrap());
    // Every one of them hears of it.
    for talk in &mut talks {
        talk.follow_until(|_, entry| matches!(entry?.event, Event::Noted { .. }).then_some(())).unwrap();
    }
}

#[test]
fn s7_a_host_that_is_out_of_descriptors_goes_on_when_some_are_free_again() {
    let mut home = Home::new();
    let few = home.file("few");
    std::fs::write(&few, format!("#!/bin/sh\nulimit -n 32\nexec '{BINARY}' \"$@\"\n")).unwrap();
    std::fs::set_permissions(&few, std::fs::Permissions::from_mode(0o700)).unwrap();
    home.program = few;
    let place = home.start(TWO);
    let mut talk = home.talk(&place);
    let crowd: Vec<UnixStream> = (0..60).map(|_| raw(&place)).collect();
    recorded(&talk.act(note("crowded")).unwrap());
    drop(crowd);
    let mut late = home.talk(&place);
    recorded(&late.act(note("late")).unwrap());
    recorded(&late.act(run("a")).unwrap());
    assert_eq!(done(&mut late, "a"), Progress::Done);
}

#[test]
fn growth_of_an_output_is_told_to_who_follows_it() {
    let home = Home::new();
    fifo(&home.file("begun"));
    fifo(&home.file("go"));
    let place = home.start(GATED);
    let mut talk = home.talk(&place);
    talk.act(run("a")).unwrap();
    running(&mut talk, "a");
    let of = OutputFile { attempt: 1, item: None, stream: Stream::Output };
    talk.send(&ToHost::FollowOutput { of: Some(of) }).unwrap();
    std::fs::read(home.file("begun")).unwrap();
    let grew = |talk: &mut Talk, wanted: u64| loop {
        if let Some(Heard::Other(message)) = talk.hear(None).unwrap()
            && let FromHost::OutputGrew { total, .. } = *message
            && total == wanted
        {
            break;
        }
    };
    grew(&mut talk, 6);
    std::fs::write(home.file("go"), "more\n").unwrap();
    grew(&mut talk, 17);
}

#[test]
fn x_a_secret_stays_in_memory_and_a_new_host_asks_for_it_again() {
    let home = Home::new();
    let steps = "params:\n  pw: { about: Password, secret: true }\nsteps:\n  - { id: a, title: A, run: 'test -n \"$pw\" && echo \"it is $pw\"' }\n";
    let mut new = home.new_session(steps);
    let name: ValueName = "pw".into();
    new.opened.secrets = vec![name.clone()];
    new.given.secrets.insert(name.clone(), "tr0ub4dor&3".to_owned());
    let place = client::create_with(&home.program, new).unwrap();
    let mut talk = home.talk(&place);
    assert!(talk.line.client.welcome.secrets_missing.is_empty());
    recorded(&talk.act(run("a")).unwrap());
    assert_eq!(done(&mut talk, "a"), Progress::Done);
    let pid = host_pid(&talk);
    signal(pid, Signal::KILL);
    wait_gone(pid);

    let mut talk = home.talk(&place);
    assert_eq!(talk.line.client.welcome.secrets_missing, std::slice::from_ref(&name));
    recorded(&talk.act(run("a")).unwrap());
    let why = talk
        .follow_until(|_, entry| match &entry?.event {
            Event::Refused { why, .. } => Some(why.clone()),
            _ => None,
        })
        .unwrap();
    assert!(why.contains("pw"), "{why}");
    talk.send(&ToHost::GiveSecret { name, value: "tr0ub4dor&3".to_owned().into() }).unwrap();
    recorded(&talk.act(run("a")).unwrap());
    let started = |e: &Event| matches!(e, Event::StepStarted { .. });
    talk.follow_until(|_, entry| matches!(entry?.event, Event::StepSettled { ok: true, .. }).then_some(()))
        .unwrap();
    assert_eq!(count(&entries(&place), started), 2);
    for file in walk(&place.dir) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(!bytes.windows(11).any(|part| part == b"tr0ub4dor&3"), "{}", file.display());
    }
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(walk(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn j13_a_command_gets_none_of_the_host_s_descriptors() {
    let home = Home::new();
    let place = home.start("steps:\n  - { id: a, title: A, run: 'ls -l /proc/$$/fd > fds' }\n");
    let mut talk = home.talk(&place);
    talk.act(run("a")).unwrap();
    assert_eq!(done(&mut talk, "a"), Progress::Done);
    let fds = std::fs::read_to_string(home.file("fds")).unwrap();
    let numbers: Vec<&str> =
        fds.lines().filter_map(|line| line.split(" -> ").next()?.split(' ').next_back()).skip(1).collect();
    assert_eq!(numbers, ["0", "1", "2"], "P10: {fds}");
}

#[test]
fn a_session_may_lie_deeper_than_a_socket_address_is_long() {
    let home = Home::new();
    let mut new = home.new_session(TWO);
    new.home = home.file(&"deep".repeat(40)).join("home");
    std::fs::create_dir(new.home.parent().unwrap()).unwrap();
    let place = client::create_with(&home.program, new).unwrap();
    let mut talk = home.talk(&place);
    recorded(&talk.act(note("deep down")).unwrap());
    recorded(&talk.act(abort()).unwrap());
    let pid = host_pid(&talk);
    drop(talk);
    wait_gone(pid);
}

#[test]
fn s5_something_else_in_the_socket_s_place_is_left_alone_and_named() {
    let home = Home::new();
    let place = home.start(TWO);
    let pid = host_pid(&home.talk(&place));
    signal(pid, Signal::KILL);
    wait_gone(pid);
    let socket = place.dir.join("socket");
    std::fs::remove_file(&socket).unwrap();
    std::fs::write(&socket, "mine").unwrap();
    assert!(matches!(Talk::open(&place.dir, home.wish(false)), Err(ClientError::NotOurSocket { .. })));
    assert_eq!(std::fs::read(&socket).unwrap(), b"mine");
}

#[test]
fn a_closure_gets_what_comes_and_learns_of_the_end() {
    let home = Home::new();
    let place = home.start(TWO);
    let (to_app, events) = channel();
    let wish = home.wish(false);
    let client = client::connect(&place.dir, wish, move |incoming| to_app.send(incoming).is_ok()).unwrap();
    let id = client.request(note("x")).unwrap();
    let mut replied = false;
    let pid =
        Pid::from_raw(i32::try_from(client.welcome.session.host.as_ref().unwrap().pid).unwrap()).unwrap();
    for incoming in &events {
        match incoming {
            Incoming::Message(message) => {
                if let FromHost::Reply { id: answered, result } = *message {
                    assert_eq!(answered, id);
                    recorded(&result);
                    replied = true;
                    signal(pid, Signal::KILL);
                }
            }
            Incoming::Lost { why } => panic!("it was not to stay: {why}"),
            Incoming::Waiting { owner } => panic!("nobody waits for {owner}"),
            Incoming::Gone { .. } => break,
        }
    }
    assert!(replied);
    assert!(events.recv().is_err(), "nothing comes after the end");
    assert!(matches!(client.request(note("y")), Err(ClientError::Lost { .. })));
}

#[test]
fn values_reach_a_command_and_its_checks() {
    let home = Home::new();
    let steps = "params:\n  word: { about: A word }\nchecks:\n  ok: { title: Fine, run: 'test \"$word\" = \"a; rm -rf x\"' }\nsteps:\n  - { id: a, title: A, run: 'printf %s \"$word\" > out', requires: ok }\n";
    let mut new = home.new_session(steps);
    new.opened.values.insert("word".into(), Value::Text("a; rm -rf x".to_owned()));
    let place = client::create_with(&home.program, new).unwrap();
    let mut talk = home.talk(&place);
    recorded(&talk.act(run("a")).unwrap());
    assert_eq!(done(&mut talk, "a"), Progress::Done);
    assert_eq!(std::fs::read_to_string(home.file("out")).unwrap(), "a; rm -rf x");
}
