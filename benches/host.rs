//! Prints what a host costs: from starting it to its first word, a request's way there and back, a step that runs `true`,
//! an idle session, and what one client that never reads does to another.
//! Run: `cargo bench --bench host`. No test is timed; these are for people to read.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use onbelay::client::{self, IfNoHost, SessionPlace, Stay, Talk, Wish};
use onbelay::runbook::digest;
use onbelay::session::{Command, Event, Opened, Person};
use onbelay::wire::messages::{PROTOCOL, Role};
use onbelay::wire::start::{Given, NewSession};
use onbelay::wire::{ToHost, frame};

const TIMES: usize = 100;

fn main() {
    let home =
        tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory on the disk that is measured");
    let mut ready = Vec::new();
    let mut greeted = Vec::new();
    for n in 0..20 {
        let began = Instant::now();
        let place = start(home.path(), &format!("start-{n}"));
        ready.push(began.elapsed());
        let mut talk = talk(&place);
        greeted.push(began.elapsed());
        end(&mut talk);
    }
    show("a new session, until its host is ready", ready);
    show("  … and the first welcome is there", greeted);

    let place = start(home.path(), "walk");
    let mut talk = talk(&place);
    show("a note, until its reply", (0..TIMES).map(|_| note(&mut talk)).collect());

    let plain =
        (0..TIMES).map(|_| timed(|| drop(std::process::Command::new("sh").args(["-c", "true"]).status())));
    let plain = show("`sh -c true`, bare", plain.collect());
    let step =
        show("a step that runs `true`, from request to done", (0..TIMES).map(|_| step(&mut talk)).collect());
    println!("  so a step costs {:.2?} more (at most 15 ms)", step.saturating_sub(plain));

    let pid = talk.session.host.as_ref().map_or(0, |host| host.pid);
    let before = ticks(pid);
    std::thread::sleep(Duration::from_secs(5));
    println!("an idle session, 5 s: {} ticks of 10 ms, {} kB resident", ticks(pid) - before, resident(pid));

    let mut stalled = UnixStream::connect(place.dir.join("socket")).expect("connects");
    let hello = ToHost::Hello { protocol: PROTOCOL, onbelay: "0".to_owned(), role: Role::Watch };
    stalled.write_all(&frame::encode(&hello).expect("a frame")).expect("greets");
    show("a note beside a client that never reads (F-S2)", (0..TIMES).map(|_| note(&mut talk)).collect());
    end(&mut talk);
}

fn start(home: &Path, title: &str) -> SessionPlace {
    let source =
        format!("onbelay: 1\ntitle: {title}\nsteps:\n  - {{ id: a, title: A, run: 'true', shell: sh }}\n");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let new = NewSession {
        home: home.join("sessions"),
        opened: Opened {
            format: 1,
            onbelay: env!("CARGO_PKG_VERSION").to_owned(),
            title: title.to_owned(),
            path: "bench.yaml".to_owned(),
            sha256: digest::of_bytes(source.as_bytes()),
            values: BTreeMap::new(),
            secrets: Vec::new(),
            dir: "/".to_owned(),
            machine: "here".to_owned(),
            umask: 0o22,
            operator: Person::tool(),
            share: None,
            signers: None,
        },
        source,
        given: Given { environment: BTreeMap::from([("PATH".to_owned(), path)]), ..Given::default() },
        another: true,
    };
    client::create_with(Path::new(env!("CARGO_BIN_EXE_onbelay")), new).expect("starts")
}

fn talk(place: &SessionPlace) -> Talk {
    Talk::open(&place.dir, Wish { role: Role::Act, if_no_host: IfNoHost::Never, stay: Stay::No })
        .expect("connects")
}

fn note(talk: &mut Talk) -> Duration {
    timed(|| drop(talk.act(Command::Note { text: "a note".to_owned() }).expect("noted")))
}

fn step(talk: &mut Talk) -> Duration {
    timed(|| {
        let run = Command::Run { step: "a".into(), typed: None, will_ask: false, by_hand: false };
        talk.act(run).expect("runs");
        let settled = talk.follow_until(|_, entry| {
            matches!(entry?.event, Event::StepSettled { ok: true, .. }).then_some(())
        });
        settled.expect("done");
    })
}

fn end(talk: &mut Talk) {
    talk.act(Command::Abort { why: "measured".to_owned() }).expect("ends");
}

fn timed(what: impl FnOnce()) -> Duration {
    let began = Instant::now();
    what();
    began.elapsed()
}

/// Prints the median and the 99th of a hundred; gives the median.
fn show(what: &str, mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    println!("{what}: p50 {:.2?}, p99 {:.2?}", took[took.len() / 2], took[took.len() * 99 / 100]);
    took[took.len() / 2]
}

/// Processor time of a process, in ticks.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

/// Resident memory of a process, kB.
fn resident(pid: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").to_owned()
}
