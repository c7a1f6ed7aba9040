//! A screen under test, with a host in the same process behind it and no terminal. PURE.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use crate::id::ValueName;
use crate::runbook::Value;
use crate::session::bench::{Bench, dana, sam};
use crate::session::event::{Group, Verdict};
use crate::session::{Command, Event, Person, Session};
use crate::wire::messages::{LogHealth, OutputFile, PROTOCOL, Present, Reply, Role, Stream, Welcome};
use crate::wire::{FromHost, ToHost};

use super::app::{Action, App, Msg, update};
use super::output::saving;
use super::theme::Theme;
use super::view;

/// The walk of the sketches.
pub(crate) const SHOP: &str = r#"
about: |
  Moves the shop and its customers' data. **Sam watches**; call Kim if the lights go out.
params:
  vm: { about: The old machine }
  regions: { about: Every region, list: true }
checks:
  backup-verified:
    title: The backup holds every file of the live site
    why: What is not in it is lost with the old machine.
    fix: Widen the backup's include list, run it again.
    run: ./compare
  copy-taken:
    title: A second copy exists, off this machine
    attest: Where is the second copy, and who opened it?
  all-regions-checked:
    title: No region still runs the old machine
    for_each: { r: "${regions}" }
    run: ./ask "$r"
  image-written: { title: The image is on the disk, run: ./look }
steps:
  - phase: Prepare
  - id: freeze
    title: Freeze edits
    about: |
      Tell the editors, then close the door:

      1. say so in `#shop`
      2. switch the shop to *read only*
  - id: copy
    title: Take the copy
    run: |
      rsync -a "$vm"/ /mnt/copy/
      echo taken
    expect_within: 12m
    verify: image-written
    undo: rm -r /mnt/copy
  - phase: Cut over
  - id: dns
    title: Point DNS
    capture: { change: 'C[0-9A-Z]+' }
  - phase: Point of no return
  - id: delete
    title: Delete the old virtual machine
    destructive: Deletes ${vm} and everything in it. There is no undo.
    requires: [backup-verified, copy-taken, all-regions-checked]
    confirm: shop-vm
    run: rm -r -- "$vm"
  - id: tell
    title: Tell the customers
    optional: true
    for_each: { list: [north, south] }
    run: ./mail "$list"
"#;

/// A screen and what is behind it.
pub(crate) struct Scene {
    pub(crate) bench: Bench,
    pub(crate) app: App,
    /// Everything the screen said to the host.
    pub(crate) sent: Vec<ToHost>,
    /// It asked to leave.
    pub(crate) left: bool,
    /// How often the bell rang.
    pub(crate) rung: usize,
    /// It asked to go on in lines.
    pub(crate) lines: bool,
    pub(crate) files: HashMap<OutputFile, Vec<u8>>,
    /// What it asked to be done to a file that is saved into.
    pub(crate) saves: Vec<saving::Step>,
    /// What is looked for is not answered.
    pub(crate) hold_finds: bool,
    /// What it gave to the terminal's clipboard.
    pub(crate) copied: Vec<String>,
    me: Person,
    heard: usize,
    entered: u64,
}

impl Scene {
    /// The walk of the sketches, just begun.
    pub(crate) fn shop() -> Self {
        Self::shop_as("")
    }

    /// The same, with these lines more about its hold point.
    fn shop_as(more: &str) -> Self {
        let confirm = "    confirm: shop-vm\n";
        let runbook = SHOP.replace(confirm, &format!("{confirm}{more}"));
        let bench = Bench::titled("Move the shop to a new server", &runbook, Self::values());
        // Sam, on another account, could not be here else.
        Self::of(shared(bench, Some("ops")))
    }

    /// What the walk of the sketches is opened with.
    pub(crate) fn values() -> BTreeMap<ValueName, Value> {
        BTreeMap::from([
            (ValueName::new("vm"), Value::Text("/srv/vm/shop".to_owned())),
            (ValueName::new("regions"), Value::List(vec!["us-east-1".to_owned(), "us-west-2".to_owned()])),
        ])
    }

    /// The operator's screen on a walk.
    pub(crate) fn of(bench: Bench) -> Self {
        let app = App::new(welcome(&bench, &dana()), Role::Drive, Theme::default(), (120, 40));
        let heard = bench.entries.len();
        Self {
            bench,
            app,
            sent: Vec::new(),
            left: false,
            rung: 0,
            lines: false,
            files: HashMap::new(),
            saves: Vec::new(),
            hold_finds: false,
            copied: Vec::new(),
            me: dana(),
            heard,
            entered: 0,
        }
    }

    /// Somebody else's screen on the same walk.
    pub(crate) fn seen_by(mut self, me: &Person, role: Role) -> Self {
        self.app = App::new(welcome(&self.bench, me), role, Theme::default(), self.app.size);
        for present in self.app.people.iter_mut().filter(|present| present.person == *me) {
            present.role = role;
        }
        self.me = me.clone();
        self
    }

    /// The window has this size.
    pub(crate) fn sized(mut self, width: u16, height: u16) -> Self {
        self.give(Msg::Resize(width, height));
        self
    }

    /// Walks up to the hold point.
    pub(crate) fn at_hold_point() -> Self {
        Self::at_hold_point_of(Self::shop())
    }

    fn at_hold_point_of(mut scene: Self) -> Self {
        scene.bench.details.insert("image-written".to_owned(), "4.1 GB, as large as the source".to_owned());
        scene.done("freeze", None);
        scene.later(12);
        scene.bench.run("copy").expect("starts");
        scene.later(520);
        scene.bench.exits(0);
        scene.later(31);
        scene.done("dns", Some("C0FFEE"));
        scene.later(20);
        scene.hear();
        scene
    }

    /// At the hold point, with what keeps it shut.
    pub(crate) fn shut() -> Self {
        Self::shut_of(Self::shop())
    }

    fn shut_of(scene: Self) -> Self {
        let mut scene = Self::at_hold_point_of(scene);
        let bench = &mut scene.bench;
        bench.answers.insert("backup-verified".to_owned(), Verdict::Fails);
        bench.answers.insert("all-regions-checked@us-west-2".to_owned(), Verdict::Fails);
        bench.details.insert(
            "backup-verified".to_owned(),
            "312 of 4,120 files are missing, all under wp-content/themes".to_owned(),
        );
        bench.details.insert("all-regions-checked@us-west-2".to_owned(), "i-0abc12 is running".to_owned());
        bench.details.insert("all-regions-checked@us-east-1".to_owned(), "nothing running".to_owned());
        let check = crate::session::command::CheckItem::parse("copy-taken");
        let words = "NAS in Phoenix, opened by Kim".to_owned();
        bench.act(&Command::Attest { check, yes: true, words }).expect("is taken");
        scene.later(840);
        let _ = scene.bench.act(&Command::Check { checks: Vec::new() });
        scene.later(2);
        scene.hear();
        scene
    }

    /// At the hold point, and everything holds.
    pub(crate) fn open() -> Self {
        Self::open_of(Self::shop())
    }

    fn open_of(scene: Self) -> Self {
        let mut scene = Self::shut_of(scene);
        scene.bench.answers.clear();
        scene
            .bench
            .details
            .insert("backup-verified".to_owned(), "4,120 of 4,120 files, content compared".to_owned());
        scene.bench.details.insert("all-regions-checked@us-west-2".to_owned(), "nothing running".to_owned());
        scene
    }

    /// At the hold point, which asks for a second person in these words of the runbook; all else holds.
    pub(crate) fn witnessed(rule: &str) -> Self {
        let mut scene = Self::open_of(Self::shop_as(&format!("    witness: {rule}\n")));
        let _ = scene.bench.act(&Command::Check { checks: Vec::new() });
        scene.later(2);
        scene.hear();
        scene
    }

    /// The same, and the operator tried it: a second person is asked.
    pub(crate) fn asked(rule: &str) -> Self {
        let mut scene = Self::witnessed(rule);
        let _ = scene.bench.run("delete");
        scene.later(40);
        scene.hear();
        scene
    }

    /// The copy runs and has written `output`.
    pub(crate) fn copying(output: &[u8]) -> Self {
        let mut scene = Self::shop();
        scene.done("freeze", None);
        scene.bench.run("copy").expect("starts");
        let of = OutputFile { attempt: scene.bench.session.attempts, item: None, stream: Stream::Output };
        scene.files.insert(of, output.to_vec());
        scene.hear();
        scene.later(432);
        scene
    }

    pub(crate) fn done(&mut self, step: &str, value: Option<&str>) {
        let said = crate::session::event::Said { say: None, value: value.map(str::to_owned) };
        self.bench.act(&Command::Done { step: step.into(), said }).unwrap_or_else(|no| panic!("{no:?}"));
    }

    pub(crate) fn later(&mut self, seconds: u64) {
        self.bench.later(std::time::Duration::from_secs(seconds));
    }

    /// The screen hears what was recorded since.
    pub(crate) fn hear(&mut self) {
        let entries = self.bench.entries[self.heard..].to_vec();
        self.heard = self.bench.entries.len();
        if !entries.is_empty() {
            self.give(Msg::Host(Box::new(FromHost::Entries { entries })));
        }
    }

    /// A message, and everything that follows from it, the host's answers included.
    pub(crate) fn give(&mut self, msg: Msg) {
        let actions = update(&mut self.app, msg);
        for action in actions {
            match action {
                Action::Send(message) => self.host(message),
                Action::Quit => self.left = true,
                Action::Bell => self.rung += 1,
                Action::Lines => self.lines = true,
                Action::Save(step) => self.saves.push(step),
                Action::Clipboard(text) => self.copied.push(text),
                Action::DiscardInput | Action::Suspend | Action::Mouse(_) => {}
            }
        }
    }

    fn host(&mut self, message: ToHost) {
        self.sent.push(message.clone());
        match message {
            ToHost::Request { id, command } => {
                let before = self.bench.session.head;
                let result = match self.bench.act_as(&self.me.clone(), &command) {
                    Ok(()) => Reply::Recorded { n: before + 1 },
                    Err(refusal) => Reply::Refused { n: self.bench.session.head, refusal },
                };
                self.give(Msg::Host(Box::new(FromHost::Reply { id, result })));
                self.hear();
            }
            ToHost::ReadOutput { id, of, from, len } => {
                let file = self.files.get(&of).cloned().unwrap_or_default();
                let start = usize::try_from(from).expect("small").min(file.len());
                let end = (start + len as usize).min(file.len());
                let data = data_encoding::BASE64.encode(&file[start..end]);
                let total = file.len() as u64;
                self.give(Msg::Host(Box::new(FromHost::Output { id, from, total, data })));
            }
            ToHost::FindOutput { id, of, from, until, backwards, text, fold_case } => {
                let file = self.files.get(&of).cloned().unwrap_or_default();
                let needle = crate::text::find::Needle::new(&text, fold_case).expect("is short");
                let mut all = needle.all(&file).into_iter().map(|place| place.start as u64);
                let at = if backwards {
                    all.rfind(|at| *at < from && until.is_none_or(|until| *at >= until))
                } else {
                    all.find(|at| *at >= from && until.is_none_or(|until| *at < until))
                };
                if !self.hold_finds {
                    let looked = file.len() as u64;
                    self.give(Msg::Host(Box::new(FromHost::Found { id, at, looked, done: true })));
                }
            }
            _ => {}
        }
    }

    /// Draws, as the loop does.
    pub(crate) fn draw(&mut self) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.app.size.0, self.app.size.1));
        let seen = view::draw(&self.app, self.bench.now, &mut buffer);
        self.give(Msg::Drawn { at: self.bench.now.up, seen });
        buffer
    }

    /// Types keys, each after a look at the screen.
    pub(crate) fn keys(&mut self, text: &str) {
        for c in text.chars() {
            self.key(KeyCode::Char(c));
        }
    }

    pub(crate) fn key(&mut self, code: KeyCode) {
        self.draw();
        self.blind(code);
    }

    /// Types a key without having seen the screen.
    pub(crate) fn blind(&mut self, code: KeyCode) {
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        // Whoever means to press Enter twice lets go of it between.
        self.entered += u64::from(code == KeyCode::Enter);
        self.give(Msg::Key { key, at: self.bench.now.up + 1_000 * self.entered });
    }

    /// Types a chord without having seen the screen.
    pub(crate) fn ctrl(&mut self, c: char) {
        let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        self.give(Msg::Key { key, at: self.bench.now.up });
    }

    /// The words on the screen.
    pub(crate) fn text(&mut self) -> String {
        text(&self.draw())
    }

    /// The commands that were asked for.
    pub(crate) fn commands(&self) -> Vec<&Command> {
        self.sent
            .iter()
            .filter_map(|message| match message {
                ToHost::Request { command, .. } => Some(&**command),
                _ => None,
            })
            .collect()
    }
}

/// The same walk, opened to a group, or to nobody but its operator.
pub(crate) fn shared(mut bench: Bench, share: Option<&str>) -> Bench {
    if let Event::SessionOpened(opened) = &mut bench.entries[0].event {
        opened.share = share.map(|name| Group { name: name.to_owned(), gid: 2_000 });
    }
    let runbook = std::sync::Arc::clone(&bench.session.runbook);
    bench.session = Session::open(runbook, &bench.entries[0]).expect("opens");
    for entry in &bench.entries[1..] {
        bench.session.apply(entry).expect("follows");
    }
    bench
}

/// What a host says to `me`. Where a step asks for a second person, sam is here as one.
pub(crate) fn welcome(bench: &Bench, me: &Person) -> Welcome {
    let witnessed = bench.session.runbook.steps.iter().any(|step| step.witness.is_some());
    let role = if witnessed { Role::Witness } else { Role::Watch };
    Welcome {
        protocol: PROTOCOL,
        onbelay: "0.1.0".to_owned(),
        session: bench.session.clone(),
        recent: bench.entries.clone(),
        you: me.clone(),
        people: vec![Present { person: dana(), role: Role::Drive }, Present { person: sam(), role }],
        log: LogHealth::Safe,
        secrets_missing: Vec::new(),
        terminals: Vec::new(),
        gaze: None,
    }
}

/// The rows of a picture.
pub(crate) fn text(buffer: &Buffer) -> String {
    rows(buffer).iter().fold(String::new(), |mut all, row| {
        all.push_str(row.trim_end());
        all.push('\n');
        all
    })
}

fn rows(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width);
    buffer
        .content
        .chunks(width)
        .map(|cells| {
            let mut row = String::new();
            let mut skip = 0;
            for cell in cells {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                skip = view::shape::columns(cell.symbol()).saturating_sub(1);
                row.push_str(cell.symbol());
            }
            row
        })
        .collect()
}

/// The rows of a picture, and below each the styles that are not plain: `^` letters, explained at the end.
pub(crate) fn styled(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let mut names: Vec<String> = Vec::new();
    let mut out = String::new();
    for (row, cells) in rows(buffer).iter().zip(buffer.content.chunks(width)) {
        let _ = writeln!(out, "|{row}|");
        let mut marks = String::new();
        for cell in cells {
            let name = style_name(cell.style());
            marks.push(
                if name.is_empty()
                    || cell.symbol() == " "
                        && !["reversed", "underlined"].iter().any(|mark| name.contains(mark))
                {
                    ' '
                } else {
                    let index = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                        names.push(name);
                        names.len() - 1
                    });
                    char::from(b'a' + u8::try_from(index).expect("few styles"))
                },
            );
        }
        if !marks.trim().is_empty() {
            let _ = writeln!(out, " {}", marks.trim_end());
        }
    }
    for (index, name) in names.iter().enumerate() {
        let _ = writeln!(out, "{}: {name}", char::from(b'a' + u8::try_from(index).expect("few styles")));
    }
    out
}

fn style_name(style: Style) -> String {
    let mut parts = Vec::new();
    if let Some(color) = style.fg.filter(|color| *color != Color::Reset) {
        parts.push(format!("{color:?}").to_lowercase());
    }
    if let Some(color) = style.bg.filter(|color| *color != Color::Reset) {
        parts.push(format!("on {color:?}").to_lowercase());
    }
    for (modifier, name) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::ITALIC, "italic"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
        (Modifier::CROSSED_OUT, "crossed"),
    ] {
        if style.add_modifier.contains(modifier) {
            parts.push(name.to_owned());
        }
    }
    parts.join(" ")
}
