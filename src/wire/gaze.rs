//! Where a screen looks and what lies on top of it, so that another can show the same. PURE.

use serde::{Deserialize, Serialize};

use super::messages::OutputFile;
use crate::id::{StepId, ValueName};
use crate::session::Requirement;
use crate::session::command::CheckItem;
use crate::session::event::Work;

/// The most that a host passes on of what lies on top of a screen, bytes of JSON.
pub const MOST_ON_TOP: usize = 16 << 10;

/// The most of what is being typed that is told, characters; the end of it.
pub const MOST_TYPED: usize = 400;

/// Where a screen looks, so that another can look at the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gaze {
    /// The step that is selected.
    pub step: StepId,
    /// What fills the window.
    pub sight: Sight,
    /// What lies on top of it, in a few words (`the question before 5`); absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// What lies on top of it, so that another screen can draw the same; absent: nothing, or nothing that is shown elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top: Option<Box<Top>>,
}

/// What fills a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "sight")]
pub enum Sight {
    /// The step.
    Step {
        /// First row shown of what is said about it.
        scroll: u32,
    },
    /// One of its outputs.
    Output {
        /// Which.
        of: OutputFile,
        /// Byte at the top of the window; absent: its end is followed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        top: Option<u64>,
    },
    /// The journal.
    Log {
        /// Number of the last record shown; absent: the newest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<u64>,
    },
}

/// What lies on top of a screen and takes its keys. The walk itself is not in it: who draws it has that already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "top")]
pub enum Top {
    /// The question before something is started that asks for a text to be typed.
    Question {
        /// The step's place in the walk.
        step: usize,
        /// Forward or back.
        work: Work,
        /// A person does what the script would.
        by_hand: bool,
        /// The text to be typed.
        text: String,
        /// What has been typed.
        typed: String,
        /// What was wrong with the last try.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// First row shown of what does not fit.
        scroll: u32,
    },
    /// A line to be typed.
    Prompt {
        /// What for.
        ask: Ask,
        /// What has been typed; of a secret nothing.
        typed: String,
        /// What was wrong with the last try.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// One of several checks to be picked.
    Choose {
        /// What for.
        purpose: Purpose,
        /// What there is.
        checks: Vec<CheckItem>,
        /// The row the keys speak of.
        cursor: u32,
    },
    /// A refusal.
    Refused {
        /// What was asked, in the words of the command line.
        action: String,
        /// One sentence.
        sentence: String,
        /// What is not met.
        unmet: Vec<Requirement>,
        /// First row shown.
        scroll: u32,
    },
    /// All keys.
    Help {
        /// First row shown.
        scroll: u32,
    },
    /// What the runbook is about.
    About {
        /// First row shown.
        scroll: u32,
    },
}

impl Top {
    /// What of it others may see: of a secret nothing that was typed; `None`: it is nobody else's, as what somebody looks
    /// for, or takes to their own files.
    #[must_use]
    pub fn for_others(mut self) -> Option<Self> {
        if let Self::Prompt { ask, typed, .. } = &mut self {
            match ask {
                Ask::FindText | Ask::GoTo | Ask::SaveTo(_) | Ask::Sure(Sure::Copy(_)) => return None,
                Ask::Secret(_) => typed.clear(),
                _ => {}
            }
        }
        Some(self)
    }
}

impl Ask {
    /// The place of the step it speaks of.
    #[must_use]
    pub fn step(&self) -> Option<usize> {
        match self {
            Self::Skip(place)
            | Self::Fail(place)
            | Self::Done(place)
            | Self::Value(place)
            | Self::Refuse(place)
            | Self::Resolve { step: place, .. }
            | Self::Sure(
                Sure::RunAgain(place)
                | Sure::ByHand(place)
                | Sure::Undo(place)
                | Sure::Stop(place)
                | Sure::Refuse { step: place, .. },
            ) => Some(*place),
            Self::Note
            | Self::Hold
            | Self::Release
            | Self::Attest(_)
            | Self::Judge { .. }
            | Self::Handover
            | Self::Abort
            | Self::Secret(_)
            | Self::FindText
            | Self::GoTo
            | Self::SaveTo(_)
            | Self::Sure(Sure::Finish | Sure::Handover(_) | Sure::Leave | Sure::Copy(_)) => None,
        }
    }
}

/// What a typed line is for. Steps by their place in the walk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// A note for the record.
    Note,
    /// Why nothing may start.
    Hold,
    /// Why other people's holds are over.
    Release,
    /// Why a step is passed by.
    Skip(usize),
    /// Why a person's step ends badly.
    Fail(usize),
    /// Words about a person's step that is done.
    Done(usize),
    /// The value that a person's step captures.
    Value(usize),
    /// What was seen of a step whose outcome is not known.
    Resolve {
        /// Which.
        step: usize,
        /// It finished.
        done: bool,
    },
    /// The words of an answer. Yes or no comes after them, so that no letter of a sentence is taken for it.
    Attest(CheckItem),
    /// Is it yes or no?
    Judge {
        /// Which check, which item.
        check: CheckItem,
        /// What was said.
        words: String,
    },
    /// Why what was asked is not approved.
    Refuse(usize),
    /// Who is the operator from now.
    Handover,
    /// Why the walk is given up.
    Abort,
    /// A secret that the host does not know.
    Secret(ValueName),
    /// A text that is to be found in an output.
    FindText,
    /// A place in an output.
    GoTo,
    /// The file that this output is to be saved into.
    SaveTo(OutputFile),
    /// A plain yes to something that is not typed in full.
    Sure(Sure),
}

/// What a plain yes is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sure {
    /// Run again what has been done, or run after all what was skipped.
    RunAgain(usize),
    /// A person does what the script would.
    ByHand(usize),
    /// Take a step back.
    Undo(usize),
    /// End a running step.
    Stop(usize),
    /// Refuse what was asked, for everybody.
    Refuse {
        /// Which.
        step: usize,
        /// Why.
        words: String,
    },
    /// Close the session.
    Finish,
    /// That person is the operator from now.
    Handover(String),
    /// Leave, which voids what one approved.
    Leave,
    /// Give this to the terminal, for its clipboard. What lies in it is told to nobody.
    Copy(Clip),
}

/// What is to be copied: as it was when it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clip {
    /// How many lines it has.
    pub lines: usize,
    /// The text, cleaned.
    pub text: String,
}

/// What picking a check leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// It is asked.
    Check,
    /// A person answers it.
    Attest,
}
