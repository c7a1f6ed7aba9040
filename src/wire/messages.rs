//! The messages. A frame is a 4-byte big-endian length and that many bytes of JSON. PURE.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use super::gaze::{Ask, Gaze, Purpose, Sight, Sure, Top};
use crate::id::{CheckId, StepId, ValueName};
use crate::session::{Command, Entry, HowFar, Person, Refusal, Session};

/// Version of this protocol; host and client must agree.
pub const PROTOCOL: u32 = 4;

/// The largest frame a host takes from a client, bytes.
pub const MAX_TO_HOST: usize = 1 << 20;

/// The largest frame a client takes from a host, bytes.
pub const MAX_FROM_HOST: usize = 64 << 20;

/// Why a `Type` was not taken that may be tried again in a moment; any other reason lasts until the terminal is taken.
pub const NOT_OPEN: &str = "its terminal is not open yet";

/// The most bytes of one `Type`.
pub const MAX_TYPED: usize = 16 << 10;

/// From a client. The first is always `Hello`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "to_host", rename_all = "snake_case")]
pub enum ToHost {
    /// Who speaks.
    Hello {
        /// [`PROTOCOL`] of the client.
        protocol: u32,
        /// Version of the program.
        onbelay: String,
        /// What it is for.
        role: Role,
    },
    /// Please do this.
    Request {
        /// The client's number for it; comes back in `Reply`.
        id: u64,
        /// What.
        command: Box<Command>,
    },
    /// Part of an output file.
    ReadOutput {
        /// Comes back with the part.
        id: u64,
        /// Which file.
        of: OutputFile,
        /// First byte.
        from: u64,
        /// At most this many bytes (the host gives no more than 256 KiB at once).
        len: u32,
    },
    /// Tell me when this output grows (replaces what was followed before; `None`: nothing).
    FollowOutput {
        /// Which file.
        of: Option<OutputFile>,
    },
    /// As `FollowOutput`, of several (the host follows no more than four at once).
    FollowOutputs {
        /// Which files.
        of: Vec<OutputFile>,
    },
    /// Where in this output does a text stand? Answered by `Found`, several times until it is done; one at a time: this
    /// one ends the one before.
    FindOutput {
        /// Comes back with every answer.
        id: u64,
        /// Which file.
        of: OutputFile,
        /// Forwards: the first byte looked at. Backwards: the first byte behind what is looked at.
        from: u64,
        /// Forwards: a match begins before this byte; backwards: not before it. Absent: anywhere up to the end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<u64>,
        /// The last place before `from`, instead of the first after it.
        backwards: bool,
        /// What is looked for, word for word; colours in between do not matter.
        text: String,
        /// Small and large letters are the same.
        fold_case: bool,
    },
    /// What `FindOutput` asked for is of no more use.
    StopFinding,
    /// Older records than those sent with `Welcome`.
    ReadLog {
        /// Comes back with them.
        id: u64,
        /// Records before this number.
        before: u64,
        /// At most this many.
        count: u32,
    },
    /// Where this screen looks. The host passes on the operator's, so that others can follow.
    Look {
        /// Where.
        gaze: Gaze,
    },
    /// Bytes for the terminal of an interactive command. Taken only from the client that took it last
    /// ([`Command::TakeTerminal`]), as long as its account is the operator.
    Type {
        /// Comes back in `Typed`.
        id: u64,
        /// Which terminal: by the output it writes.
        of: OutputFile,
        /// What was typed, base64; [`MAX_TYPED`] bytes at most.
        data: String,
    },
    /// The typist's window has this size now; the terminal gets it.
    Window {
        /// Which terminal.
        of: OutputFile,
        /// Width, columns.
        columns: u16,
        /// Height, rows.
        rows: u16,
    },
    /// A secret that the host does not know (after a resume).
    GiveSecret {
        /// Its name.
        name: ValueName,
        /// Its value; kept in the host's memory only.
        value: Hidden,
    },
}

/// A text that is on its way and is told to nobody: no log and no panic's message holds it by way of `{:?}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

/// What a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A screen that may act (as far as its account may).
    Drive,
    /// A screen of the second person: it may approve, refuse, note, call a hold, answer.
    Witness,
    /// A screen that only looks (and may call a hold and leave a note, as everyone may).
    Watch,
    /// One action of a script.
    Act,
}

/// One of the files that hold a command's output.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OutputFile {
    /// The attempt.
    pub attempt: u32,
    /// Index of the item in the attempt, where it has items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
    /// Which of its files.
    pub stream: Stream,
}

/// `output` holds stdout and stderr as they came; where stdout is used, `errors` holds stderr apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// `output`
    Output,
    /// `errors`
    Errors,
}

/// From the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from_host", rename_all = "snake_case")]
pub enum FromHost {
    /// Answer to `Hello`: where the walk stands. Sent again, whole, to a client that lagged.
    Welcome(Box<Welcome>),
    /// The client cannot be served; the sentence says why. The connection ends.
    Goodbye {
        /// One sentence.
        why: String,
    },
    /// Records that became durable, in order.
    Entries {
        /// At least one.
        entries: Vec<Entry>,
    },
    /// Answer to `Request`. What follows from it comes as records.
    Reply {
        /// The client's number.
        id: u64,
        /// What became of it.
        result: Reply,
    },
    /// Answer to `ReadOutput`.
    Output {
        /// The client's number.
        id: u64,
        /// First byte.
        from: u64,
        /// Length of the whole file now, bytes.
        total: u64,
        /// The part, base64.
        data: String,
    },
    /// A followed output grew.
    OutputGrew {
        /// Which.
        of: OutputFile,
        /// Length of the whole file now, bytes.
        total: u64,
    },
    /// Answer to `FindOutput`: several times a second while it is looked for, and once when it is `done`.
    Found {
        /// The client's number.
        id: u64,
        /// First byte of the place; absent: none so far.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<u64>,
        /// Bytes looked through so far.
        looked: u64,
        /// No more answers come.
        done: bool,
    },
    /// Answer to `ReadLog`.
    Log {
        /// The client's number.
        id: u64,
        /// In order.
        entries: Vec<Entry>,
    },
    /// Who is here; sent at every change.
    People {
        /// Everyone attached.
        people: Vec<Present>,
    },
    /// The operator looks here now.
    Looking {
        /// Who.
        person: Person,
        /// Where.
        gaze: Gaze,
    },
    /// How far a check is that is being asked; several times a second.
    Asking {
        /// Which.
        check: CheckId,
        /// The item.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<String>,
        /// How far.
        far: HowFar,
    },
    /// How the journal fares; sent at every change.
    Health {
        /// How.
        log: LogHealth,
    },
    /// Secrets that the host does not know; sent at every change.
    SecretsMissing {
        /// Their names.
        names: Vec<ValueName>,
    },
    /// Answer to `Type`, and to nothing else.
    Typed {
        /// The client's number.
        id: u64,
        /// A sentence where not all of it went to the terminal; absent: it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why_not: Option<String>,
    },
    /// The terminals that are open; sent at every change.
    Terminals {
        /// All of them, in the order of the walk.
        terminals: Vec<Terminal>,
    },
}

/// The terminal of an interactive command that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    /// Where its output is.
    pub of: OutputFile,
    /// The step.
    pub step: StepId,
    /// Width, columns.
    pub columns: u16,
    /// Height, rows.
    pub rows: u16,
    /// Who types into it; absent: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typist: Option<Person>,
}

/// Where the walk stands, for a client that joins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// [`PROTOCOL`] of the host.
    pub protocol: u32,
    /// Version of the program.
    pub onbelay: String,
    /// The walk. `Session::reindex` before use.
    pub session: Session,
    /// The newest records, oldest first.
    pub recent: Vec<Entry>,
    /// Who the host takes this client for.
    pub you: Person,
    /// Who is here.
    pub people: Vec<Present>,
    /// How the journal fares.
    pub log: LogHealth,
    /// Secrets that the host does not know.
    pub secrets_missing: Vec<ValueName>,
    /// Where the operator looks, as far as it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaze: Option<Gaze>,
    /// The terminals that are open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terminals: Vec<Terminal>,
}

/// Somebody attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// Who.
    pub person: Person,
    /// What their client is for.
    pub role: Role,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum Reply {
    /// It is on record; `n` is the first record of it.
    Recorded {
        /// Number of the record.
        n: u64,
    },
    /// A rule said no.
    Refused {
        /// Number of the record that says so; 0 where the call itself is wrong.
        n: u64,
        /// Why.
        refusal: Refusal,
    },
    /// The machine failed: the journal cannot be written.
    Failed {
        /// Where, and what is safe.
        why: String,
    },
}

/// How the journal fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "log")]
pub enum LogHealth {
    /// Every record is on disk.
    Safe,
    /// The last write took this long, milliseconds.
    Slow {
        /// Milliseconds.
        took: u64,
    },
    /// It cannot be written; nothing starts any more.
    Broken {
        /// Where and why.
        why: String,
    },
}
