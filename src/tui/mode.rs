//! What the screen is busy with: one screen below, and at most one thing on top of it. PURE.

use ratatui_textarea::TextArea;

use crate::id::CheckId;
use crate::session::Requirement;
use crate::session::command::CheckItem;
use crate::session::event::Work;

pub use crate::wire::gaze::{Ask, Clip, Purpose, Sure};
use crate::wire::messages::OutputFile;

use super::approval::Reading;
use super::palette::Palette;
use super::places::Place;

/// What fills the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screen {
    /// The steps, the selected one, the newest records.
    #[default]
    Walk,
    /// The steps alone, where there is no room beside them.
    Steps,
    /// The selected step's output.
    Output,
    /// The journal.
    Log,
}

/// What lies on top of the screen and takes the keys.
#[derive(Clone, Debug, Default)]
pub enum Mode {
    /// Nothing: keys go to the screen.
    #[default]
    Plain,
    /// The question before something is started that asks for a text to be typed.
    Question(Box<Question>),
    /// A line to be typed.
    Prompt(Box<Prompt>),
    /// One of several checks to be picked.
    Choose(Choose),
    /// A refusal, with everything that is not met.
    Refused(Refused),
    /// What a second person is asked to approve.
    Approval(Box<Reading>),
    /// How somebody joins.
    Join {
        /// First row shown.
        scroll: usize,
    },
    /// All keys.
    Help {
        /// First row shown.
        scroll: usize,
    },
    /// What the runbook is about.
    About {
        /// First row shown.
        scroll: usize,
    },
    /// All actions, with the reasons against those that cannot be done now.
    Actions(Box<Palette>),
    /// A step or a record to be found.
    Search(Box<Search>),
    /// The keys go to the terminal of an interactive step.
    Terminal(Box<Typing>),
}

/// The places where keys mean something: one table of keys each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Page {
    /// [`Screen::Walk`]
    Walk,
    /// [`Screen::Steps`]
    Steps,
    /// [`Screen::Output`]
    Output,
    /// [`Screen::Log`]
    Log,
    /// [`Mode::Question`]
    Question,
    /// [`Mode::Prompt`], where text is typed.
    Prompt,
    /// [`Mode::Approval`]
    Approval,
    /// [`Mode::Approval`], where the last word is typed.
    Approving,
    /// [`Mode::Prompt`], where yes or no comes first.
    Answer,
    /// [`Mode::Choose`]
    Choose,
    /// [`Mode::Refused`]
    Refused,
    /// [`Mode::Help`], [`Mode::About`] and [`Mode::Join`]
    Help,
    /// [`Mode::Actions`]
    Actions,
    /// [`Mode::Search`]
    Search,
    /// [`Mode::Terminal`]: every key but one goes to the command.
    Terminal,
    /// [`Mode::Terminal`], where the keys go nowhere.
    Untaken,
    /// [`Mode::Terminal`], where a paste is asked about.
    Pasting,
    /// [`Screen::Output`], while a text is looked for in it, or while it is saved.
    Found,
}

impl Page {
    /// Every page, for tests and the list of all keys.
    pub const ALL: [Self; 18] = [
        Self::Walk,
        Self::Steps,
        Self::Output,
        Self::Log,
        Self::Question,
        Self::Prompt,
        Self::Approval,
        Self::Approving,
        Self::Answer,
        Self::Choose,
        Self::Refused,
        Self::Help,
        Self::Actions,
        Self::Search,
        Self::Terminal,
        Self::Untaken,
        Self::Pasting,
        Self::Found,
    ];
}

impl Mode {
    /// Does it ask for a yes, or come up by itself? A key that was typed before it could be seen never counts here.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        match self {
            Self::Question(_) | Self::Refused(_) | Self::Approval(_) | Self::Choose(_) => true,
            Self::Prompt(prompt) => !prompt.takes_paste(),
            Self::Terminal(typing) => matches!(typing.stand, Stand::Pasting(_) | Stand::Off(_)),
            _ => false,
        }
    }

    /// What is asked, and on which page: where that changes, what is there now was not on the screen yet.
    #[must_use]
    pub fn face(&self, screen: Screen) -> (Page, Option<Ask>) {
        let ask = match self {
            Self::Prompt(prompt) => Some(prompt.ask.clone()),
            _ => None,
        };
        (self.page(screen), ask)
    }

    /// Which table of keys counts.
    #[must_use]
    pub fn page(&self, screen: Screen) -> Page {
        match self {
            Self::Plain => match screen {
                Screen::Walk => Page::Walk,
                Screen::Steps => Page::Steps,
                Screen::Output => Page::Output,
                Screen::Log => Page::Log,
            },
            Self::Question(_) => Page::Question,
            Self::Prompt(prompt) if matches!(prompt.ask, Ask::Judge { .. }) => Page::Answer,
            Self::Prompt(_) => Page::Prompt,
            Self::Choose(_) => Page::Choose,
            Self::Refused(_) => Page::Refused,
            Self::Approval(reading) if reading.last.is_some() => Page::Approving,
            Self::Approval(_) => Page::Approval,
            Self::Help { .. } | Self::About { .. } | Self::Join { .. } => Page::Help,
            Self::Actions(_) => Page::Actions,
            Self::Search(_) => Page::Search,
            Self::Terminal(typing) => match typing.stand {
                Stand::Asking | Stand::Typing => Page::Terminal,
                Stand::Off(_) => Page::Untaken,
                Stand::Pasting(_) => Page::Pasting,
            },
        }
    }
}

/// When something that takes keys came up. A key counts only if it was typed after people could see what it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown(Option<u64>);

impl Shown {
    /// It has been drawn at `at` (milliseconds since boot); only the first time counts.
    pub fn mark(&mut self, at: u64) {
        self.0.get_or_insert(at);
    }

    /// May a key typed at `at` (milliseconds since boot) count?
    #[must_use]
    pub fn allows(self, at: u64) -> bool {
        self.0.is_some_and(|shown| shown <= at)
    }
}

/// The question before a start that is confirmed by typing.
#[derive(Clone, Debug)]
pub struct Question {
    /// The step's place.
    pub step: usize,
    /// Forward or back.
    pub work: Work,
    /// A person does what the script would.
    pub by_hand: bool,
    /// The text to be typed, exactly.
    pub text: String,
    /// What has been typed.
    pub field: TextArea<'static>,
    /// What was wrong with the last try.
    pub note: Option<String>,
    /// First row shown of what does not fit.
    pub scroll: usize,
}

/// A line to be typed, and what for.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What for.
    pub ask: Ask,
    /// What has been typed.
    pub field: TextArea<'static>,
    /// What was wrong with the last try.
    pub note: Option<String>,
    /// First row shown of what does not fit.
    pub scroll: usize,
}

/// One of several checks to be picked.
#[derive(Clone, Debug)]
pub struct Choose {
    /// What for.
    pub purpose: Purpose,
    /// What there is.
    pub checks: Vec<CheckItem>,
    /// The row the keys speak of.
    pub cursor: usize,
}

/// A refusal.
#[derive(Clone, Debug)]
pub struct Refused {
    /// What was asked, in the words of the command line.
    pub action: String,
    /// One sentence.
    pub sentence: String,
    /// Everything that is not met.
    pub unmet: Vec<Requirement>,
    /// Number of the record that says so; 0: none does, and `None`: nobody told.
    pub n: Option<u64>,
    /// First row shown.
    pub scroll: usize,
}

/// A step to be found, or on the page of the log a record.
#[derive(Clone, Debug)]
pub struct Search {
    /// What has been typed.
    pub field: TextArea<'static>,
    /// Where the screen was before.
    pub from: Place,
    /// What fits: places of steps, or numbers of records, in order.
    pub found: Vec<u64>,
    /// Which of them is shown.
    pub at: usize,
}

impl Search {
    /// Nothing typed yet.
    #[must_use]
    pub fn new(from: Place) -> Self {
        Self { field: field(), from, found: Vec::new(), at: 0 }
    }

    /// The one that is shown.
    #[must_use]
    pub fn shown(&self) -> Option<u64> {
        self.found.get(self.at).copied()
    }
}

impl Prompt {
    /// Nothing typed yet.
    #[must_use]
    pub fn new(ask: Ask) -> Self {
        let mut field = field();
        if matches!(ask, Ask::Secret(_)) {
            field.set_mask_char('•');
        }
        Self { ask, field, note: None, scroll: 0 }
    }

    /// Would an answer be a plain yes, which no paste may give?
    #[must_use]
    pub fn takes_paste(&self) -> bool {
        !matches!(self.ask, Ask::Sure(_) | Ask::Judge { .. })
    }
}

/// A terminal that has the keys.
#[derive(Clone, Debug)]
pub struct Typing {
    /// Which: by the output it writes.
    pub of: OutputFile,
    /// The step's place.
    pub step: usize,
    /// Where the keys go.
    pub stand: Stand,
    /// Messages with keys that were not answered yet.
    pub unanswered: u32,
    /// The size that the host was told of, columns and rows.
    pub told: Option<(u16, u16)>,
}

impl Typing {
    /// Asked for, and not granted yet.
    #[must_use]
    pub fn new(of: OutputFile, step: usize) -> Self {
        Self { of, step, stand: Stand::Asking, unanswered: 0, told: None }
    }
}

/// Where the keys go while a terminal has them.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Stand {
    /// Nowhere yet: the host is asked for the terminal.
    #[default]
    Asking,
    /// To the command.
    Typing,
    /// To the question whether this is to be pasted.
    Pasting(String),
    /// Nowhere any more; why.
    Off(String),
}

/// Without what was pasted: that is nobody's business.
impl std::fmt::Debug for Stand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Asking => f.write_str("Asking"),
            Self::Typing => f.write_str("Typing"),
            Self::Pasting(text) => write!(f, "Pasting({} bytes)", text.len()),
            Self::Off(why) => write!(f, "Off({why:?})"),
        }
    }
}

/// An empty field for one line.
#[must_use]
pub fn field() -> TextArea<'static> {
    let mut field = TextArea::default();
    field.set_cursor_line_style(ratatui::style::Style::new());
    field.set_wrap_mode(ratatui_textarea::WrapMode::Glyph);
    field
}

/// What has been typed into a field.
#[must_use]
pub fn typed(field: &TextArea<'_>) -> String {
    field.lines().join(" ")
}

/// The check and item of a [`CheckItem`], for its view.
#[must_use]
pub fn check_name(check: &CheckItem) -> String {
    let id: &CheckId = &check.check;
    check.item.as_ref().map_or_else(|| id.to_string(), |item| format!("{id}@{item}"))
}
