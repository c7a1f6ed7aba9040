//! A host among crowds, among programs of other versions, and under every signal, in each state that a walk can be in.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use onbelay::client::{IfNoHost, Stay, Talk, Wish};
use onbelay::session::Command;
use onbelay::wire::messages::{PROTOCOL, Reply, Role};
use onbelay::wire::{ToHost, frame};
use rustix::process::{Resource, Signal, getrlimit, kill_process, setrlimit};

use crate::support::{Home, Pid, Session, has_ended, kill, until};

const WALK: &str = "onbelay: 1\ntitle: T\nsteps:\n  - { id: a, title: A, run: echo ran >>effects }\n";

/// The most memory a host may take, MiB.
const MOST: u64 = 64;

fn note(text: &str) -> Command {
    Command::Note { text: text.to_owned() }
}

/// Of a process, from its `/proc/PID/status`.
fn status(pid: Pid, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Everything that the host says until it ends the connection.
fn until_the_end(stream: &mut UnixStream) -> String {
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut bytes = Vec::new();
    if let Err(e) = stream.read_to_end(&mut bytes) {
        assert_ne!(e.kind(), std::io::ErrorKind::WouldBlock, "the host does not end the connection");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn s7_a_thousand_silent_connections_and_half_a_frame_keep_nobody_from_acting() {
    const CROWD: usize = 1000;
    let all = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, rustix::process::Rlimit { current: all.maximum, ..all }).unwrap();
    let home = Home::new();
    let session = home.start(WALK);
    let wish = Wish { role: Role::Drive, if_no_host: IfNoHost::Never, stay: Stay::No };
    let mut inside = Talk::open(&session.dir(), wish).unwrap();
    let mut act = |text: &str| {
        let begun = Instant::now();
        assert!(matches!(inside.act(note(text)).unwrap(), Reply::Recorded { .. }), "{text}");
        begun.elapsed()
    };
    let connect = || UnixStream::connect(session.dir().join("socket")).unwrap();
    // One who was let in, and is in the middle of a word.
    let mut half = connect();
    let hello = ToHost::Hello { protocol: PROTOCOL, onbelay: "0".to_owned(), role: Role::Drive };
    let request = frame::encode(&ToHost::Request { id: 7, command: Box::new(note("half")) }).unwrap();
    half.write_all(&[&frame::encode(&hello).unwrap(), &request[..request.len() / 2]].concat()).unwrap();
    let mut crowd: Vec<UnixStream> = (0..CROWD).map(|_| connect()).collect();
    let took = act("a thousand are silent");
    let host = session.host();
    println!(
        "S7: beside {CROWD} silent connections a client is answered in {took:?}; the host has {} threads",
        status(host, "Threads")
    );
    // Each hears why it is let go, and not one is forgotten.
    let (mut full, mut silent) = (0, 0);
    for stream in &mut crowd {
        let said = until_the_end(stream);
        full += usize::from(said.contains("64 clients are here already"));
        silent += usize::from(said.contains("no greeting within 5 s"));
    }
    assert_eq!(full + silent, CROWD, "{full} were told that it is full, {silent} that they are silent");
    assert!(full > 0 && silent >= 60, "{full} had no place, {silent} had one");
    // Their ends are still open; somebody new comes in, talks and acts.
    session.act(&["note", "a newcomer"]).expect(0);
    session.act(&["run", "a"]).expect(0);
    assert!(!until_the_end(&mut half).contains("\"reply\""), "half a request is none");
    act("after half a frame");
    let most = status(host, "VmHWM") >> 10;
    println!(
        "S7: {full} were told that it is full, {silent} that they said nothing; most memory of the host: {most} MiB"
    );
    assert!(most <= MOST, "{most} MiB");
    assert_eq!(session.host(), host, "the very host");
    assert_eq!(session.records("noted").len(), 3);
    drop(crowd);
    session.verifies();
}

/// What a host of another version says to whoever greets it: for versions that know that they differ, or what it always says.
/// And the exit status of what meets it: a host's own word is a host's that cannot serve, 3; what we find out is a wrong call, 2.
fn greetings(protocol: u32, version: &str) -> [(String, i32); 2] {
    let goodbye = format!(
        "{{\"from_host\":\"goodbye\",\"why\":\"this session's host is onbelay {version} (protocol {protocol}), you are onbelay {} (protocol {PROTOCOL}): use the same version\"}}",
        env!("CARGO_PKG_VERSION")
    );
    let welcome = format!(
        "{{\"from_host\":\"welcome\",\"protocol\":{protocol},\"onbelay\":\"{version}\",\"of_another_time\":[1]}}"
    );
    [(goodbye, 3), (welcome, 2)]
}

#[test]
fn s8_who_meets_a_newer_or_an_older_host_is_told_both_versions_and_changes_nothing() {
    let home = Home::new();
    let session = home.start(WALK);
    session.kill_host();
    let journal = session.dir().join("journal.jsonl");
    let before = std::fs::read(&journal).unwrap();
    // A host of another version holds the log as ours do, and listens.
    let log = File::options().read(true).write(true).open(&journal).unwrap();
    log.try_lock().unwrap();
    let socket = session.dir().join("socket");
    for (protocol, version) in [(PROTOCOL + 1, "99.0.0"), (PROTOCOL - 1, "0.0.1")] {
        for (greeting, code) in greetings(protocol, version) {
            let _ = std::fs::remove_file(&socket);
            let listener = UnixListener::bind(&socket).unwrap();
            let say = greeting.clone();
            let ways: [&[&str]; 5] = [
                &["do", &session.id, "note", "x"],
                &["do", &session.id, "run", "a"],
                &["attach", &session.id, "--plain"],
                &["attach", &session.id, "--plain", "--watch"],
                &["attach", &session.id, "--plain", "--witness"],
            ];
            let times = ways.len();
            let other = std::thread::spawn(move || {
                for _ in 0..times {
                    let (mut stream, _) = listener.accept().unwrap();
                    let mut hello = [0; 4];
                    stream.read_exact(&mut hello).unwrap();
                    let mut bytes = u32::try_from(say.len()).unwrap().to_be_bytes().to_vec();
                    bytes.extend_from_slice(say.as_bytes());
                    stream.write_all(&bytes).unwrap();
                }
            });
            for words in ways {
                let ran = home.call(words).expect(code).clean();
                let said = ran.said().replace('\n', " ");
                for part in [version, env!("CARGO_PKG_VERSION"), "use the same version"] {
                    assert!(said.contains(part), "{words:?}, {greeting}: {part:?} is not in {said}");
                }
                for protocol in [protocol, PROTOCOL] {
                    assert!(
                        said.contains(&format!("(protocol {protocol})")),
                        "{words:?}, {greeting}: {said}"
                    );
                }
            }
            other.join().unwrap();
            // Whoever only reads is not in its way.
            session.call("status", &[]).expect(0);
            session.call("log", &[]).expect(0);
            assert_eq!(std::fs::read(&journal).unwrap(), before, "{greeting}");
        }
    }
    assert_eq!(home.read("effects"), "");
    // It goes, and ours goes on where it was.
    drop(log);
    session.act(&["run", "a"]).expect(0);
    session.verifies();
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    CheckAsked,
    QuestionPut,
    ApprovalWaited,
    StepRunning,
}

/// A walk that can be brought there.
fn walk(state: State) -> String {
    let step = match state {
        State::Idle | State::StepRunning => {
            "{ id: runs, title: Runs, run: 'echo begun >>begun; read -r _ <gate; echo ran >>effects' }"
        }
        State::CheckAsked | State::QuestionPut => {
            "{ id: wipe, title: Wipe, destructive: All of it., requires: slow, run: echo gone >>effects }"
        }
        State::ApprovalWaited => {
            "{ id: seen, title: Seen, destructive: All of it., witness: { proof: here }, confirm: shop, run: echo seen >>effects }"
        }
    };
    format!(
        "onbelay: 1\ntitle: States\nchecks:\n  slow: {{ title: It takes a while, run: 'echo asked >>asked; test -e go || read -r word <gate' }}\nsteps:\n  - {step}\n"
    )
}

/// A walk in lines that has been told these, and waits for more.
fn lines(home: &Home, id: &str, told: &str) -> Child {
    let mut child =
        home.command(&["attach", id, "--plain"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(told.as_bytes()).unwrap();
    child
}

/// Brings the walk into that state; whoever waits in it is handed over.
fn bring(home: &Home, session: &Session<'_>, state: State) -> Option<Child> {
    match state {
        State::Idle => None,
        State::CheckAsked => {
            let asks =
                home.command(&["do", &session.id, "run", "wipe", "--confirm", "wipe"]).spawn().unwrap();
            until("it is asked", || (home.read("asked") == "asked\n").then_some(()));
            Some(asks)
        }
        State::QuestionPut => {
            home.write("go", "");
            let asks = lines(home, &session.id, "run wipe\n");
            session.wait_for("question_put");
            Some(asks)
        }
        State::ApprovalWaited => {
            let asks = lines(home, &session.id, "run seen\n");
            session.wait_for("approval_asked");
            Some(asks)
        }
        State::StepRunning => {
            session.act(&["run", "runs", "--no-wait"]).expect(0);
            until("it runs", || (home.read("begun") == "begun\n").then_some(()));
            None
        }
    }
}

/// Goes on from there to the end of what was under way; what it leaves behind.
fn go_on(home: &Home, session: &Session<'_>, state: State) -> &'static str {
    match state {
        State::Idle => "",
        State::CheckAsked | State::QuestionPut => {
            home.write("go", "");
            session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
            "gone\n"
        }
        State::ApprovalWaited => {
            let mut again = lines(home, &session.id, "run\napprove\nkim\napprove\nrun\nshop\nquit\n");
            drop(again.stdin.take());
            again.wait().unwrap();
            "seen\n"
        }
        State::StepRunning => {
            std::fs::write(home.path("gate"), "go\n").unwrap();
            session.wait_for_where("step_settled", |record| record["step"] == "runs" && record["ok"] == true);
            "ran\n"
        }
    }
}

#[test]
fn s11_every_signal_in_every_state_leaves_no_half_record_and_the_next_host_goes_on() {
    let mut count = 0;
    for state in
        [State::Idle, State::CheckAsked, State::QuestionPut, State::ApprovalWaited, State::StepRunning]
    {
        let home = Home::new();
        rustix::fs::mkfifoat(rustix::fs::CWD, home.path("gate"), rustix::fs::Mode::RWXU).unwrap();
        let session = home.start(&walk(state));
        let mut waits = bring(&home, &session, state);
        let host = session.host();
        let before = session.journal();
        for ignored in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::PIPE] {
            kill_process(host, ignored).unwrap();
            session.act(&["note", "still here"]).expect(0);
            assert_eq!(session.records("host_started").len(), 1, "{state:?}: {ignored:?}");
            count += 1;
        }
        assert_eq!(session.journal().len(), before.len() + 4, "{state:?}: nothing but the notes");
        // Who waits would bring the host back at once, which is another case.
        if let Some(waits) = waits.as_mut() {
            kill(Pid::from_child(waits));
            waits.wait().unwrap();
        }
        kill_process(host, Signal::TERM).unwrap();
        has_ended(host);
        count += 1;
        let text = std::fs::read_to_string(session.dir().join("journal.jsonl")).unwrap();
        assert!(text.ends_with('\n'), "{state:?}: half a record: {text}");
        assert_eq!(
            session.records("step_started").len(),
            usize::from(state == State::StepRunning),
            "{state:?}"
        );
        assert!(session.records("work_ended").is_empty(), "{state:?}");
        assert_eq!(home.read("effects"), "", "{state:?}");
        session.verifies();
        session.act(&["note", "the next host"]).expect(0);
        assert_eq!(session.records("host_started").len(), 2, "{state:?}");
        let effects = go_on(&home, &session, state);
        assert_eq!(home.read("effects"), effects, "{state:?}");
        session.verifies();
    }
    println!("S11: {count} signals in 5 states, no half record");
}
