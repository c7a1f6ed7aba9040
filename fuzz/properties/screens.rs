//! What must hold of every screen, whatever a runbook's values, a command, a record, another person or a paste holds (F-I2, U1, U2).
//!
//! One input is one hostile text and one hostile output, put wherever something from outside is shown, and looked at on each page, box
//! and line there is: no cell holds a control character, a mark that hides or reorders text, or a tower of marks.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use onbelay::id::{Digest, SessionId, ValueName};
use onbelay::runbook::{Runbook, Value, read};
use onbelay::session::event::{
    Answer, AskMode, Ended, Entry, Event, How, Opened, Outcome, Person, Verdict, Work,
};
use onbelay::session::{HowFar, Session};
use onbelay::time::{Moment, Timestamp};
use onbelay::tui::app::{Action, App, Msg, update};
use onbelay::tui::theme::Theme;
use onbelay::tui::view;
use onbelay::wire::messages::{
    Ask, Gaze, LogHealth, OutputFile, PROTOCOL, Present, Role, Sight, Stream, Top, Welcome,
};
use onbelay::wire::{FromHost, ToHost};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

const RUNBOOK: &str = r##"
onbelay: 1
title: Hostile
params: { x: { about: anything } }
about: "# ${x}\n\n${x} *${x}* `${x}`\n\n- ${x}\n\n> ${x}\n\n| ${x} | b |\n|---|---|\n| c | ${x} |\n"
checks:
  asked: { title: "Is ${x} there", why: "${x}", fix: "do ${x}", run: "true" }
  told: { title: "Said ${x}", attest: "What of ${x}?" }
steps:
  - phase: "Phase ${x}"
  - { id: first, title: "First ${x}", about: "# ${x}\n\n- ${x}\n\n> ${x}", run: 'echo "$x"' }
  - { id: last, title: "Last ${x}", destructive: "Deletes ${x}", requires: [asked, told], run: 'echo "$x"' }
"##;

static WALKED: LazyLock<Arc<Runbook>> =
    LazyLock::new(|| Arc::new(read(RUNBOOK.as_bytes(), "hostile.yaml").expect("a right runbook")));

const OUTPUT: OutputFile = OutputFile { attempt: 1, item: None, stream: Stream::Output };

/// How many pictures one input makes.
pub(crate) const PICTURES: usize = 29;

/// Holds all of it: the first byte says how large the window is, then comes the text, and behind the first byte 255 the output.
pub(crate) fn hold(bytes: &[u8]) {
    let [size, rest @ ..] = bytes else { return };
    let mut parts = rest.splitn(2, |byte| *byte == 0xff);
    let text = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let output = parts.next().unwrap_or(rest);
    let size = (40 + u16::from(*size), 10 + u16::from(size % 37));
    let mut scene = Scene::new(&text, output, size);
    scene.look();
    for keys in [
        "o", "w", "|", "\u{1b}", "G", "e", "\u{1b}", "l", "\u{1b}", ":", "\u{1b}", "?", "\u{1b}", "a",
        "\u{1b}", "A", "\u{1b}", "\r", "\u{1b}",
    ] {
        scene.press(keys);
        scene.look();
    }
    for keys in ["n", "/"] {
        scene.press(keys);
        scene.give(Msg::Paste(text.clone()));
        scene.look();
        scene.press("\r");
        scene.look();
        scene.press("\u{1b}");
    }
    scene.says(FromHost::Health { log: LogHealth::Broken { why: text.clone() } });
    scene.look();
    let over = Some(text.clone());
    let top = Some(Box::new(Top::Prompt { ask: Ask::Note, typed: text.clone(), note: Some(text.clone()) }));
    let gaze = Gaze { step: "first".into(), sight: Sight::Step { scroll: 0 }, over, top };
    scene.says(FromHost::Looking { person: person(&text), gaze });
    scene.press("f");
    scene.look();
    scene.press("\u{1b}");
    scene.give(Msg::Lost(text.clone()));
    scene.look();
    scene.says(FromHost::Goodbye { why: text.clone() });
    scene.look();
    scene.give(Msg::Gone(text));
    scene.look();
    assert!(scene.pictures >= PICTURES, "{} pictures", scene.pictures);
}

fn person(name: &str) -> Person {
    Person { name: name.to_owned(), uid: Some(1001), login: None }
}

struct Scene<'o> {
    app: App,
    now: Moment,
    output: &'o [u8],
    size: (u16, u16),
    pictures: usize,
}

impl<'o> Scene<'o> {
    fn new(text: &str, output: &'o [u8], size: (u16, u16)) -> Self {
        let now = Moment { at: Timestamp::from_millis(1_795_187_413_000), up: 1_000_000, boot: 0 };
        let me = Person { name: "dana".to_owned(), uid: Some(1000), login: None };
        let (session, recent) = walked(text, &me, now);
        let present = |person: &Person| Present { person: person.clone(), role: Role::Drive };
        let welcome = Welcome {
            protocol: PROTOCOL,
            onbelay: text.to_owned(),
            session,
            recent,
            you: me.clone(),
            people: vec![present(&me), present(&person(text))],
            log: LogHealth::Safe,
            secrets_missing: Vec::new(),
            gaze: None,
            terminals: Vec::new(),
        };
        let app = App::new(welcome, Role::Drive, Theme::default(), size);
        let mut scene = Self { app, now, output, size, pictures: 0 };
        scene.says(FromHost::OutputGrew { of: OUTPUT, total: output.len() as u64 });
        let far = HowFar { at: text.to_owned(), ..HowFar::default() };
        scene.says(FromHost::Asking { check: "asked".into(), item: Some(text.to_owned()), far });
        scene
    }

    fn says(&mut self, message: FromHost) {
        self.give(Msg::Host(Box::new(message)));
    }

    /// Takes a message in; what is asked of the output is answered.
    fn give(&mut self, message: Msg) {
        let mut actions = update(&mut self.app, message);
        for _ in 0..20 {
            let asked: Vec<FromHost> = actions.drain(..).filter_map(|action| self.answer(&action)).collect();
            if asked.is_empty() {
                return;
            }
            for message in asked {
                actions.extend(update(&mut self.app, Msg::Host(Box::new(message))));
            }
        }
    }

    fn answer(&self, action: &Action) -> Option<FromHost> {
        let Action::Send(ToHost::ReadOutput { id, from, len, .. }) = *action else { return None };
        let total = self.output.len();
        let start = usize::try_from(from).ok()?.min(total);
        let end = start.saturating_add(usize::try_from(len).ok()?).min(total);
        let data = data_encoding::BASE64.encode(&self.output[start..end]);
        Some(FromHost::Output { id, from, total: total as u64, data })
    }

    fn press(&mut self, keys: &str) {
        for c in keys.chars() {
            let code = match c {
                '\r' => KeyCode::Enter,
                '\u{1b}' => KeyCode::Esc,
                c => KeyCode::Char(c),
            };
            // Long after the last picture: what was there before a key is what the key is for.
            self.now.up += 10_000;
            self.give(Msg::Key { key: KeyEvent::from(code), at: self.now.up });
        }
    }

    fn look(&mut self) {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        let seen = view::draw(&self.app, self.now, &mut buffer);
        self.give(Msg::Drawn { at: self.now.up, seen });
        self.pictures += 1;
        for cell in &buffer.content {
            let symbol = cell.symbol();
            assert!(symbol.chars().count() <= 8, "a tower of marks reached the screen");
            let bad = symbol.chars().find(|c| {
                let ours = ('\u{2400}'..='\u{2421}').contains(c);
                let hides =
                    onbelay::text::is_marked(*c) && !ours && !matches!(c, '\u{a0}' | '\u{fe00}'..='\u{fe0f}');
                c.is_control() || hides
            });
            assert!(bad.is_none(), "{bad:?} reached the screen");
        }
    }
}

/// A walk in which everything was said in these words.
fn walked(text: &str, me: &Person, now: Moment) -> (Session, Vec<Entry>) {
    let said = || if text.trim().is_empty() { "words".to_owned() } else { text.to_owned() };
    let opened = Opened {
        format: 1,
        onbelay: "0".to_owned(),
        title: text.to_owned(),
        path: text.to_owned(),
        sha256: Digest::new("0"),
        values: BTreeMap::from([(ValueName::new("x"), Value::Text(text.to_owned()))]),
        secrets: Vec::new(),
        dir: text.to_owned(),
        machine: text.to_owned(),
        umask: 0,
        operator: me.clone(),
        share: None,
        signers: None,
    };
    let host = Event::HostStarted {
        pid: 1,
        boot_id: "b".to_owned(),
        boot: 0,
        onbelay: text.to_owned(),
        env: BTreeMap::new(),
        env_changed: vec![text.to_owned()],
        machine: Some(text.to_owned()),
        runs_as: None,
    };
    let began = now;
    let answer = Answer {
        verdict: Verdict::Fails,
        detail: text.to_owned(),
        began,
        took: 5,
        tries: 1,
        evidence: BTreeMap::new(),
    };
    let started = Event::StepStarted {
        step: "first".into(),
        attempt: 1,
        work: Work::Run,
        how: How::Script,
        items: Vec::new(),
        list: Vec::new(),
        command: None,
        typed: Some(text.to_owned()),
        rests_on: Vec::new(),
        retry: 0,
        approvals: Vec::new(),
    };
    let ended = Ended {
        outcome: Outcome::NotStarted { why: text.to_owned() },
        took: 5,
        output_bytes: 1,
        output_sha256: None,
        captured: None,
        not_captured: Some(text.to_owned()),
        wanted_terminal: false,
        left: Vec::new(),
    };
    let events = [
        Event::SessionOpened(Box::new(opened)),
        host,
        Event::Noted { text: text.to_owned() },
        Event::CheckAsked { check: "asked".into(), items: Vec::new(), mode: AskMode::Once },
        Event::CheckAnswered { check: "asked".into(), item: None, answer: Box::new(answer) },
        Event::Attested { check: "told".into(), item: None, yes: false, words: said() },
        started,
        Event::WorkEnded { step: "first".into(), attempt: 1, ended: Box::new(ended) },
        Event::StepSettled { step: "first".into(), attempt: 1, work: Work::Run, ok: false, why: said() },
        Event::Refused { action: text.to_owned(), step: None, why: said(), unmet: Vec::new() },
        Event::HoldCalled { why: said() },
    ];
    let mut entries: Vec<Entry> = Vec::new();
    let mut session: Option<Session> = None;
    for (event, n) in events.into_iter().zip(1..) {
        let by = if matches!(event, Event::HoldCalled { .. }) { person(text) } else { me.clone() };
        let entry = Entry { n, at: now.at, up: now.up, session: SessionId::new("s"), by, event };
        match &mut session {
            None => session = Some(Session::open(WALKED.clone(), &entry).expect("opens")),
            Some(session) => session.apply(&entry).expect("follows"),
        }
        entries.push(entry);
    }
    (session.expect("opened"), entries)
}
