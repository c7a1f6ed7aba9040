//! What a turn takes in and gives out. PURE.

use std::time::Duration;

use crate::id::{CheckId, Digest, ValueName};
use crate::session::ask::Ask;
use crate::session::event::Ended;
use crate::session::gate::Permit;
use crate::session::recover::{Found, Loose};
use crate::session::{Answer, Circumstances, Entry, Event, HowFar, Person};
use crate::wire::messages::{Hidden, OutputFile, Role};
use crate::wire::{FromHost, ToHost};

/// Where records become durable.
pub trait Append {
    /// Makes all of them durable, or none; how long that took.
    fn append(&mut self, entries: &[Entry]) -> Result<Duration, AppendError>;
    /// SHA-256 of the last line.
    fn head(&self) -> Digest;
    /// How many bytes may still be written where the journal lies; `None`: nobody says.
    fn room(&self) -> Option<u64> {
        None
    }
}

/// Why records did not become durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// They are not taken (too long); the journal is as it was and goes on.
    NotTaken(String),
    /// The journal cannot be written; that is final.
    Broken(String),
}

/// A client, for the life of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// One asking of one item of a check; an answer under an older tag is not taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AskTag {
    /// Record that announced the asking.
    pub n: u64,
    /// The check.
    pub check: CheckId,
    /// The item.
    pub item: Option<String>,
}

/// What happens to the host.
#[derive(Debug)]
pub enum Input {
    /// The first: this host took the journal over.
    Began(Vec<Event>),
    /// Commands of the last host were looked for.
    Recovered(Vec<(Loose, Found)>),
    /// A client said hello.
    Joined {
        /// The connection.
        client: ClientId,
        /// Whom the kernel says it is.
        person: Person,
        /// What it is for.
        role: Role,
    },
    /// A client has caught up after it lagged.
    Drained(ClientId),
    /// A client is gone.
    Left(ClientId),
    /// A client asks for something (`Request`, `GiveSecret`, `Look`, `Type`, `Window`): who the kernel says it is now, and what else was
    /// found out about the request.
    Asked(ClientId, Person, ToHost, Box<Circumstances>),
    /// A check found its answer; `None`: it was cancelled.
    Answered(AskTag, Option<Box<Answer>>),
    /// A check that is being asked is this far.
    Looked(AskTag, HowFar),
    /// A command ended.
    Ended {
        /// The attempt.
        attempt: u32,
        /// The item's index.
        item: Option<u32>,
        /// How; or, where that is lost, what is known.
        ended: Result<Box<Ended>, String>,
    },
    /// Time passed.
    Tick,
    /// Leaving was tried, but somebody is about to connect.
    Stay,
    /// The host is told to end; commands go on without it.
    Terminate,
}

/// Who hears a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// One client.
    One(ClientId),
    /// Everyone that is not waiting for a fresh snapshot.
    All,
}

/// What the host must do, in order.
#[derive(Debug)]
pub enum Output {
    /// Send a message.
    Tell(Audience, FromHost),
    /// Find an answer.
    Ask(AskTag, Box<Ask>),
    /// Let go of the askings of a record; their answers are not wanted any more.
    CancelAsks {
        /// The check.
        check: CheckId,
    },
    /// Start a command; its intent is on disk.
    Start(Box<Permit>),
    /// End the command of an attempt.
    Stop {
        /// The attempt.
        attempt: u32,
    },
    /// Hand bytes to the terminal of a command, and tell the client what became of it.
    Type {
        /// Who typed.
        client: ClientId,
        /// The client's number for it.
        id: u64,
        /// Which terminal.
        of: OutputFile,
        /// What was typed.
        bytes: Vec<u8>,
    },
    /// The terminal of a command has this size from here on.
    Window {
        /// Which terminal.
        of: OutputFile,
        /// Columns.
        columns: u16,
        /// Rows.
        rows: u16,
    },
    /// Keep a secret in memory.
    Keep {
        /// Its name.
        name: ValueName,
        /// Its value.
        value: Hidden,
    },
    /// Say goodbye to everyone and end.
    Exit {
        /// A sentence for clients, where the end is no end of the walk.
        why: Option<String>,
    },
}
