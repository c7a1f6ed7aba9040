//! Prints what a picture costs: 10,000 steps, flooding output, a window of 200 × 60. Nothing here is a test.
//!
//! Run with `cargo bench --bench tui`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use onbelay::clock;
use onbelay::id::{Digest, SessionId};
use onbelay::runbook;
use onbelay::session::Session;
use onbelay::session::event::{Entry, Event, How, Opened, Person, Work};
use onbelay::tui::app::{Action, App, Msg, update};
use onbelay::tui::theme::Theme;
use onbelay::tui::view;
use onbelay::wire::messages::{LogHealth, OutputFile, PROTOCOL, Role, Stream, Welcome};
use onbelay::wire::{FromHost, ToHost};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

const STEPS: usize = 10_000;
const ROUNDS: usize = 500;
const SIZE: (u16, u16) = (200, 60);
const PLAIN: &str = "srv/site/wp-content/uploads/2026/10/banner-0001.jpg\n";
const COLOURED: &str = "\x1b[1;32mtaken\x1b[0m \x1b[38;5;208msrv/site/\x1b[4mwp-content\x1b[24m/uploads/2026/10/banner-0001.jpg\x1b[m \
                        at \x1b[38;2;90;160;250m15:10:13\x1b[0m, and a remark on it that is so long that no window has room for all of \
                        it in one row: \x1b[7m 4,120 of 4,120 \x1b[27m files, every one compared byte by byte, \x1b[3mtwice\x1b[0m\n";

fn main() {
    let started = Instant::now();
    let mut text = "onbelay: 1\ntitle: Ten thousand steps\nsteps:\n".to_owned();
    for n in 0..STEPS {
        if n % 100 == 0 {
            let _ = writeln!(text, "  - phase: Phase {}", n / 100);
        }
        let apart = if n == 0 { ", capture: it" } else { "" };
        let _ = writeln!(
            text,
            "  - {{ id: s{n}, title: Step number {n} of a long night, run: 'echo {n}'{apart} }}"
        );
    }
    let runbook = runbook::read(text.as_bytes(), "bench.yaml").expect("a runbook of the format");
    println!("read and hold to its rules, {STEPS} steps: {:.1} ms", millis(started.elapsed()));
    let mut app = app(runbook);
    picture("first step, its output flooding", &mut app, |app| flood(app, PLAIN));
    let mut down = true;
    picture("a key, its step, its picture", &mut app, |app| {
        let code = if down { KeyCode::End } else { KeyCode::Home };
        down = !down;
        let _ = update(app, Msg::Key { key: KeyEvent::from(code), at: 1 });
    });
    app.selected = STEPS / 2;
    picture("in the middle of the walk", &mut app, |_| {});
    (app.selected, app.output_choice) = (0, None);
    press(&mut app, 'o');
    picture("its output alone, flooding in colours", &mut app, |app| flood(app, COLOURED));
    press(&mut app, 'w');
    picture("the same, long lines wrapped", &mut app, |app| flood(app, COLOURED));
    press(&mut app, '|');
    picture("output and errors side by side, both flooding, wrapped", &mut app, |app| flood(app, COLOURED));
    assert!(app.beside.as_ref().is_some_and(|beside| beside.total > 0), "there are two of them");
}

fn press(app: &mut App, key: char) {
    let _ = update(app, Msg::Key { key: KeyEvent::from(KeyCode::Char(key)), at: 1 });
}

fn picture(what: &str, app: &mut App, mut before: impl FnMut(&mut App)) {
    let mut times = Vec::with_capacity(ROUNDS);
    let mut buffer = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
    for _ in 0..ROUNDS {
        let started = Instant::now();
        before(app);
        buffer.reset();
        let seen = view::draw(app, clock::now(&app.session), &mut buffer);
        let _ = update(app, Msg::Drawn { at: clock::up(), seen });
        times.push(started.elapsed());
    }
    times.sort();
    println!(
        "{what}: p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
        millis(times[ROUNDS / 2]),
        millis(times[ROUNDS * 99 / 100]),
        millis(times[ROUNDS - 1])
    );
}

/// As much of its outputs as a host sends at once, over and over.
fn flood(app: &mut App, line: &str) {
    let total = app.output.as_ref().map_or(0, |output| output.total) + (170 << 20);
    let line = line.repeat(1_000);
    let grew = |stream| FromHost::OutputGrew { of: OutputFile { attempt: 1, item: None, stream }, total };
    let mut messages = vec![grew(Stream::Errors), grew(Stream::Output)];
    while let Some(message) = messages.pop() {
        for action in update(app, Msg::Host(Box::new(message))) {
            if let Action::Send(ToHost::ReadOutput { id, from, len, .. }) = action {
                let data = &line.as_bytes()[..(len as usize).min(line.len())];
                // What is left of the file is there already: one part a picture is what a loop asks for.
                let total = from + data.len() as u64;
                messages.push(FromHost::Output { id, from, total, data: BASE64.encode(data) });
            }
        }
    }
}

fn app(runbook: runbook::Runbook) -> App {
    let me = Person { name: "dana".to_owned(), uid: Some(1000), login: None };
    let entry = |n, event| Entry {
        n,
        at: clock::utc(),
        up: clock::up(),
        session: SessionId::new("bench"),
        by: me.clone(),
        event,
    };
    let opened = Opened {
        format: 1,
        onbelay: "0".to_owned(),
        title: "Ten thousand steps".to_owned(),
        path: "bench.yaml".to_owned(),
        sha256: Digest::new("0"),
        values: BTreeMap::new(),
        secrets: Vec::new(),
        dir: "/".to_owned(),
        machine: "here".to_owned(),
        umask: 0,
        operator: me.clone(),
        share: None,
        signers: None,
    };
    let first = entry(1, Event::SessionOpened(Box::new(opened)));
    let mut session = Session::open(Arc::new(runbook), &first).expect("opens");
    let boot_id = clock::boot_id().to_owned();
    let host = Event::HostStarted {
        pid: 1,
        boot_id,
        boot: 0,
        onbelay: "0".to_owned(),
        env: BTreeMap::new(),
        env_changed: Vec::new(),
        machine: None,
        runs_as: None,
    };
    let started = Event::StepStarted {
        step: "s0".into(),
        attempt: 1,
        work: Work::Run,
        how: How::Script,
        items: Vec::new(),
        list: Vec::new(),
        command: None,
        typed: None,
        rests_on: Vec::new(),
        retry: 0,
        approvals: Vec::new(),
    };
    let entries = [first, entry(2, host), entry(3, started)];
    for entry in &entries[1..] {
        session.apply(entry).expect("follows");
    }
    let welcome = Welcome {
        protocol: PROTOCOL,
        onbelay: "0".to_owned(),
        session,
        recent: entries.to_vec(),
        you: me,
        people: Vec::new(),
        log: LogHealth::Safe,
        secrets_missing: Vec::new(),
        terminals: Vec::new(),
        gaze: None,
    };
    App::new(welcome, Role::Drive, Theme::default(), SIZE)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
