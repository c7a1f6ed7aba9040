//! What the screen knows, and the one function that changes it. PURE: no clock, no terminal, no socket.

use std::collections::{BTreeMap, HashMap, VecDeque};

use ratatui::crossterm::event::{KeyEvent, KeyEventKind, MouseEvent};

use crate::id::{CheckId, StepId, ValueName};
use crate::session::estimate::Past;
use crate::session::event::Work;
use crate::session::state::Progress;
use crate::session::{Command, Entry, HowFar, Person, Session, summary, view};
use crate::time::Timestamp;
use crate::wire::messages::{LogHealth, OutputFile, Present, Role, Stream, Terminal, Welcome};
use crate::wire::{FromHost, ToHost};

use super::bell::{self, Bell};
use super::follow::{self, Following};
use super::mode::{Mode, Page, Screen, Shown, Typing};
use super::mouse::{self, Mouse};
use super::needs::Need;
use super::output::find::Find;
use super::output::saving::{self, Saving};
use super::output::{Output, list};
use super::places::Places;
use super::terminal_pane::Pane;
use super::theme::Theme;
use super::view::{MIN_HEIGHT, MIN_WIDTH, Seen};
use super::{act, approval, footing, news, press};

/// Older records are dropped from memory beyond this many; the journal keeps them.
pub(super) const MOST_LINES: usize = 20_000;

/// Everything a screen is drawn from, but the time.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a wish of the person's own, and none rules another out"
)]
pub struct App {
    /// The walk, up to the last record heard.
    pub session: Session,
    /// Who the host takes this client for.
    pub you: Person,
    /// May this screen act?
    pub role: Role,
    /// Who is here.
    pub people: Vec<Present>,
    /// How the journal fares.
    pub health: LogHealth,
    /// Secrets that the host does not know.
    pub secrets_missing: Vec<ValueName>,
    /// Records as people read them, oldest first.
    pub log: VecDeque<LogLine>,
    /// Is there somebody to talk to?
    pub link: Link,
    /// What fills the window.
    pub screen: Screen,
    /// What lies on top of it.
    pub mode: Mode,
    /// Place of the step that keys speak of.
    pub selected: usize,
    /// The selection goes along with the walk.
    pub along: bool,
    /// First row shown of what is said about the step.
    pub detail_scroll: usize,
    /// How many records below the window are not shown.
    pub log_scroll: usize,
    /// The output that is shown.
    pub output: Option<Output>,
    /// The terminals of interactive commands that run.
    pub terminals: Vec<Terminal>,
    /// The terminal of the output that is shown, as a picture.
    pub pane: Option<Pane>,
    /// Typing was left by a key just now; the same key once more is for the command.
    pub(super) left_terminal: Option<Box<Typing>>,
    /// A terminal had the keys until something took them away: since when no key was pressed (milliseconds since boot).
    pub(super) hush: Option<u64>,
    /// The one beside it, where there are two.
    pub beside: Option<Output>,
    /// Two outputs are shown, where there are two.
    pub split: bool,
    /// What is looked for in it.
    pub find: Option<Find>,
    /// An output on its way into a file.
    pub saving: Option<Saving>,
    /// What the host was told to tell the growth of.
    pub(super) watched: Vec<OutputFile>,
    /// Which of the step's outputs, if one was picked; else the newest.
    pub output_choice: Option<usize>,
    /// Long lines of output are wrapped.
    pub wrap: bool,
    /// Values are shown where they are used; else their names.
    pub values: bool,
    /// Rows of long texts that the last picture had.
    pub memo: super::view::memo::Memo,
    /// What came of the last key; until the next one.
    pub notice: Option<Notice>,
    /// The last note that somebody wrote; until a key after it was shown.
    pub noted: Option<String>,
    /// How it stands to the operator's screen.
    pub following: Following,
    /// Columns and rows of the window.
    pub size: (u16, u16),
    /// What the last picture had room for.
    pub seen: Seen,
    /// What the terminal can show.
    pub theme: Theme,
    /// How far the checks are that are being asked, each with its item.
    pub far: BTreeMap<(CheckId, Option<String>), HowFar>,
    /// Which step a start would be meant for.
    pub footing: footing::Footing,
    /// When what takes the keys now could first be seen.
    pub shown: Shown,
    /// What steps and checks took in earlier walks; empty until it is known.
    pub past: Past,
    /// The terminal's bell.
    pub bell: Bell,
    /// How often something else came to take the keys, or the window another size.
    pub faces: u64,
    /// The line to give to somebody who is to join as a witness.
    pub join: String,
    /// Where it was, and the words that were left.
    pub places: Places,
    /// What [`Verb::NextNeed`](super::keys::Verb::NextNeed) showed last, until another key.
    pub needed: Option<Need>,
    /// How it stands with the mouse.
    pub mouse: Mouse,
    /// The time as the last key or picture told it (milliseconds since boot).
    pub up: u64,
    pub(super) asked: Option<Asked>,
    pub(super) pending: HashMap<u64, Pending>,
    pub(super) refusal_shown: u64,
    next_id: u64,
}

/// A record as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its number.
    pub n: u64,
    /// When.
    pub at: Timestamp,
    /// Who, cleaned.
    pub by: String,
    /// What, cleaned.
    pub text: String,
}

/// Is there somebody to talk to?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Yes.
    Up,
    /// Not now; it is being tried.
    Lost(String),
    /// Not until this account, whose session it is, attaches; it is waited for.
    Waiting(String),
    /// No, and it is not tried any more.
    Gone(String),
}

/// What came of a key, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The sentence, cleaned.
    pub text: String,
    /// It is a no, or a failure.
    pub bad: bool,
    /// It says that an approval of the step at this place is void.
    pub void_of: Option<usize>,
}

/// A start that this screen asked for, and for which a question may come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) step: StepId,
    pub(super) work: Work,
    pub(super) by_hand: bool,
}

/// What a number that was sent to the host stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    /// An action, in words.
    Request(String),
    /// A part of an output.
    Output,
    /// A part of an output that is saved.
    Save,
    /// A place in an output.
    Find,
    /// Older records.
    Log,
    /// The terminal whose output this is.
    Take(OutputFile),
    /// Something typed into a terminal.
    Type,
    /// A part of an output, for the picture of its terminal.
    Terminal,
}

/// What reaches the screen from outside.
#[derive(Debug)]
pub enum Msg {
    /// A key, and when it was read (milliseconds since boot).
    Key {
        /// Which.
        key: KeyEvent,
        /// When.
        at: u64,
    },
    /// The mouse did something, and when it was read (milliseconds since boot).
    Mouse {
        /// What.
        event: MouseEvent,
        /// When.
        at: u64,
    },
    /// A paste.
    Paste(String),
    /// The window has this many columns and rows.
    Resize(u16, u16),
    /// The host speaks.
    Host(Box<FromHost>),
    /// The connection is lost and being made again.
    Lost(String),
    /// The connection comes back when this account attaches.
    Waiting(String),
    /// The connection is over.
    Gone(String),
    /// This is what steps and checks took in earlier walks.
    History(Past),
    /// What came of a step of saving.
    Saved(saving::Word),
    /// A picture is on the screen since `at` (milliseconds since boot).
    Drawn {
        /// When.
        at: u64,
        /// What it had room for.
        seen: Seen,
    },
}

/// What the shell does for the screen.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Say this to the host.
    Send(ToHost),
    /// Throw away what was typed and not read yet.
    DiscardInput,
    /// Take the mouse, or leave it to the terminal.
    Mouse(bool),
    /// Ring the terminal's bell.
    Bell,
    /// Do this to the file that an output is saved into; what came of it comes as [`Msg::Saved`].
    Save(saving::Step),
    /// Give this to the terminal, for its clipboard.
    Clipboard(String),
    /// Go to the background, as `Ctrl-Z` asks.
    Suspend,
    /// Go on in lines, on the same connection.
    Lines,
    /// Leave.
    Quit,
}

impl App {
    /// A screen for a client that was welcomed.
    #[must_use]
    pub fn new(welcome: Welcome, role: Role, theme: Theme, size: (u16, u16)) -> Self {
        let following = Following::new(role, &welcome.session.operator, welcome.gaze);
        let mut app = Self {
            session: welcome.session,
            you: welcome.you,
            role,
            people: welcome.people,
            health: welcome.log,
            secrets_missing: welcome.secrets_missing,
            log: VecDeque::new(),
            link: Link::Up,
            screen: Screen::Walk,
            mode: Mode::Plain,
            selected: 0,
            along: true,
            detail_scroll: 0,
            log_scroll: 0,
            output: None,
            terminals: welcome.terminals,
            pane: None,
            left_terminal: None,
            hush: None,
            beside: None,
            split: false,
            find: None,
            saving: None,
            watched: Vec::new(),
            output_choice: None,
            wrap: false,
            values: false,
            memo: super::view::memo::Memo::default(),
            notice: None,
            noted: None,
            following,
            far: BTreeMap::new(),
            size,
            seen: Seen::default(),
            theme,
            footing: footing::Footing::default(),
            shown: Shown::default(),
            past: Past::default(),
            bell: Bell::default(),
            faces: 0,
            join: String::new(),
            places: Places::default(),
            needed: None,
            mouse: Mouse::default(),
            up: 0,
            asked: None,
            pending: HashMap::new(),
            refusal_shown: 0,
            next_id: 1,
        };
        app.remember(&welcome.recent);
        app.selected = app.current();
        app.up = app.session.head_at.up;
        let end = app.session.id.as_str().rsplit('-').next().unwrap_or_default();
        app.join = format!("onbelay attach --witness {end}");
        // What must be asked for, for that, is asked for with the first message.
        let _ = follow::keep_up(&mut app);
        app
    }

    /// Numbers for the host begin here: those below were used by another face.
    pub fn ids_from(&mut self, first: u64) {
        self.next_id = self.next_id.max(first);
    }

    /// The first number that was not used.
    #[must_use]
    pub fn ids_end(&self) -> u64 {
        self.next_id
    }

    /// Is something under way that a clock should be shown for?
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.session.steps.iter().any(|s| s.request.is_some() || matches!(s.progress, Progress::Running(_)))
            || self.session.checks.iter().any(|c| c.asking.is_some())
    }

    /// The step that the walk is at: one that needs a person's word first, else the first that is not behind us.
    #[must_use]
    pub fn current(&self) -> usize {
        let lost = self.session.steps.iter().position(|s| s.progress == Progress::Interrupted);
        lost.or_else(|| view::order(&self.session).first_open)
            .unwrap_or_else(|| self.session.steps.len().saturating_sub(1))
    }

    /// The page of keys that counts now.
    #[must_use]
    pub fn page(&self) -> Page {
        match self.mode.page(self.screen) {
            Page::Output if self.find.is_some() || self.saving.is_some() => Page::Found,
            page => page,
        }
    }

    /// The outputs that are shown.
    pub(super) fn panes(&mut self) -> impl Iterator<Item = &mut Output> {
        self.output.iter_mut().chain(&mut self.beside)
    }

    /// The id of the step at `place`; the empty id where there is none.
    #[must_use]
    pub fn step_id(&self, place: usize) -> StepId {
        self.session.runbook.steps.get(place).map_or_else(|| StepId::new(""), |step| step.id.clone())
    }

    /// Is the window too small to act in?
    #[must_use]
    pub fn too_small(&self) -> bool {
        self.size.0 < MIN_WIDTH || self.size.1 < MIN_HEIGHT
    }

    /// The outputs of the selected step, every attempt's, oldest first, with what people call them.
    #[must_use]
    pub fn outputs(&self) -> Vec<(OutputFile, String)> {
        list::of_step(self).into_iter().map(|one| (one.of, one.label)).collect()
    }

    /// Which of [`App::outputs`] is shown.
    #[must_use]
    pub fn output_index(&self, outputs: &[(OutputFile, String)]) -> Option<usize> {
        if outputs.is_empty() {
            return None;
        }
        if let Some(choice) = self.output_choice {
            return Some(choice.min(outputs.len() - 1));
        }
        // The newest item; of two streams the first, unless only the second says something in the end.
        let newest = outputs.iter().enumerate().rev().find(|(_, (of, _))| of.stream == Stream::Output);
        let running = match &self.session.steps[self.selected].progress {
            Progress::Running(running) => outputs.iter().position(|(of, _)| {
                of.stream == Stream::Output
                    && of.item == Some(running.next_item)
                    && of.attempt == running.attempt
            }),
            _ => None,
        };
        running.or(newest.map(|(index, _)| index))
    }

    pub(super) fn say(&mut self, text: impl AsRef<str>) {
        self.notice =
            Some(Notice { text: super::view::shape::plain(text.as_ref()), bad: false, void_of: None });
    }

    pub(super) fn refuse(&mut self, text: impl AsRef<str>) {
        self.notice =
            Some(Notice { text: super::view::shape::plain(text.as_ref()), bad: true, void_of: None });
    }

    pub(super) fn new_id(&mut self, pending: Pending) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.pending.insert(id, pending);
        id
    }

    pub(super) fn request(&mut self, command: Command, words: impl Into<String>) -> Action {
        let id = self.new_id(Pending::Request(words.into()));
        Action::Send(ToHost::Request { id, command: Box::new(command) })
    }

    pub(super) fn remember(&mut self, entries: &[Entry]) {
        for entry in entries {
            if self.log.back().is_some_and(|last| last.n >= entry.n) {
                continue;
            }
            let line = self.line(entry);
            self.log.push_back(line);
            if self.log_scroll > 0 {
                self.log_scroll += 1;
            }
        }
        while self.log.len() > MOST_LINES {
            self.log.pop_front();
        }
    }

    pub(super) fn line(&self, entry: &Entry) -> LogLine {
        LogLine {
            n: entry.n,
            at: entry.at,
            by: super::view::shape::plain(summary::who(entry)),
            text: super::view::shape::unstack(summary::sentence(entry, &self.session).into()),
        }
    }

    /// Something else takes the keys: it was on no picture yet.
    fn reface(&mut self) {
        self.shown = Shown::default();
        self.faces += 1;
    }

    /// Selects another step, and looks at it from its top.
    pub(super) fn select(&mut self, place: usize) {
        let place = place.min(self.session.steps.len().saturating_sub(1));
        if place != self.selected {
            self.selected = place;
            self.detail_scroll = 0;
            self.output_choice = None;
            self.find = None;
        }
    }
}

/// Takes a message in. What must be done in the world comes back, in order.
pub fn update(app: &mut App, msg: Msg) -> Vec<Action> {
    let face = app.mode.face(app.screen);
    let mut actions = match msg {
        Msg::Key { key, at } if key.kind == KeyEventKind::Press => press::press(app, key, at),
        Msg::Key { .. } => Vec::new(),
        Msg::Mouse { event, at } => {
            bell::pressed(app, at);
            mouse::hear(app, event, at)
        }
        Msg::Paste(text) => act::paste(app, &text),
        Msg::Resize(width, height) => {
            app.size = (width, height);
            // Nobody has seen yet what a key would answer in a window of this size.
            app.reface();
            Vec::new()
        }
        Msg::Host(message) => {
            let stood = footing::stands(app);
            let actions = news::hear(app, *message);
            if footing::stands(app) != stood {
                footing::moved(app);
            }
            actions
        }
        Msg::Lost(why) => news::lost(app, Link::Lost(super::view::shape::plain(&why))),
        Msg::Waiting(owner) => news::lost(app, Link::Waiting(super::view::shape::plain(&owner))),
        Msg::Gone(why) => news::lost(app, Link::Gone(super::view::shape::plain(&why))),
        Msg::History(past) => {
            app.past = past;
            app.past.count_items(&app.session);
            Vec::new()
        }
        Msg::Saved(word) => act::output::saved(app, word),
        Msg::Drawn { at, seen } => {
            approval::drawn(app, at, &seen);
            let rings = bell::drawn(app, at, &seen.late);
            app.seen = seen;
            app.up = at;
            app.shown.mark(at);
            footing::drawn(app, at);
            rings.into_iter().collect()
        }
    };
    if app.mode.face(app.screen) != face {
        app.reface();
    }
    actions.extend(follow::keep_up(app));
    actions.extend(news::watch_output(app));
    actions.extend(act::terminal::watch(app));
    if app.link != Link::Up {
        news::keep_to_ourselves(app, &mut actions);
    }
    actions
}
