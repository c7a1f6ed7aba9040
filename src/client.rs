//! The client's end of a session: start a host, connect to it, stay connected. SHELL.
//! It must not know journals, processes or screens; whoever connects says where messages go.

mod join;
mod line;
mod link;
mod owner;
mod returning;
mod start;
mod talk;

use std::io::Write as _;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::id::SessionId;
use crate::session::Command;
use crate::wire::frame;
use crate::wire::messages::{Role, Welcome};
use crate::wire::start::Given;
use crate::wire::{FromHost, ToHost};

pub use join::{attach_line, join_line, session_word};
pub use line::Line;
pub use start::{SessionPlace, create, create_with};
pub use talk::{Heard, Talk};

/// Why a session could not be reached or made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No host is at work, and none was to be started.
    #[error("the session in {} has no host at work; `onbelay attach` or any `onbelay do` brings it back", dir.display())]
    NoHost {
        /// The session's directory.
        dir: PathBuf,
    },
    /// The kernel does not let this account near the session.
    #[error(
        "the session in {} is not shared with you: it belongs to {owner}. A session is shared with a group when it is \
         started (`onbelay run --share GROUP`); who was added to the group since has to log in anew",
        dir.display()
    )]
    NotShared {
        /// The session's directory.
        dir: PathBuf,
        /// Whose it is.
        owner: String,
    },
    /// No host is at work, and the session is somebody else's.
    #[error("its host is gone; only {owner} can bring it back: onbelay attach {}", dir.display())]
    OnlyItsOwner {
        /// The session's directory.
        dir: PathBuf,
        /// Whose it is.
        owner: String,
    },
    /// There is something at the socket's place that is no socket of ours.
    #[error("{} is {what}; move it away and try again", path.display())]
    NotOurSocket {
        /// Where.
        path: PathBuf,
        /// What is there.
        what: String,
    },
    /// An open session of the same runbook with the same values is there already.
    #[error(
        "session {id} walks this runbook with the same values and is still open; `--another` starts a second one"
    )]
    Same {
        /// That session.
        id: SessionId,
    },
    /// The call or a file is wrong; nothing was done.
    #[error("{why}")]
    Wrong {
        /// One sentence.
        why: String,
    },
    /// The host could not start, and says why.
    #[error("the session's host could not start: {why}")]
    HostFailed {
        /// One sentence.
        why: String,
    },
    /// Host and client do not speak the same version.
    #[error(
        "this is onbelay {ours} (protocol {}) and the session's host is onbelay {theirs} (protocol {protocol}); \
         use the same version, or end the host (its commands go on) and attach again",
        crate::wire::messages::PROTOCOL
    )]
    Versions {
        /// Version of this program.
        ours: String,
        /// Version of the host's program.
        theirs: String,
        /// The host's protocol.
        protocol: u32,
    },
    /// The host will not serve this client.
    #[error("the session's host says: {why}")]
    Goodbye {
        /// Its sentence.
        why: String,
    },
    /// The connection ended.
    #[error("the connection to the session's host was lost: {why}")]
    Lost {
        /// Why.
        why: String,
    },
    /// The machine failed.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's word.
        source: std::io::Error,
    },
}

impl ClientError {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// What to do where no host is at work.
#[derive(Clone, Debug)]
pub enum IfNoHost {
    /// Say so.
    Never,
    /// Start one.
    Start(HostStart),
}

/// How a host is started.
#[derive(Clone, Debug)]
pub struct HostStart {
    /// The program; `onbelay` itself unless a test says otherwise.
    pub program: PathBuf,
    /// Secrets and environment for its commands.
    pub given: Given,
}

impl HostStart {
    /// A host of this very program, even when its file has been replaced since.
    #[must_use]
    pub fn new(given: Given) -> Self {
        Self { program: PathBuf::from("/proc/self/exe"), given }
    }
}

/// How to connect.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What the client is for.
    pub role: Role,
    /// Where no host is at work.
    pub if_no_host: IfNoHost,
    /// When the host is gone later.
    pub stay: Stay,
}

/// What to do when the host of a connected client is gone.
#[derive(Clone, Copy, Debug)]
pub enum Stay {
    /// That is the end.
    No,
    /// Connect again, starting a host where the wish allows it; where only another account can start one, wait for it as
    /// long as this finds that the session can go on. Else it answers with one sentence: why not.
    Yes(fn(&Path) -> Result<(), String>),
}

/// What arrives for a connected client.
#[derive(Debug)]
pub enum Incoming {
    /// The host speaks. A `Welcome` (ready for use) replaces all that was known: it comes again after the client
    /// lagged, and after it was connected anew.
    Message(Box<FromHost>),
    /// The connection is lost; it is being made again. Requests without a reply may or may not have been taken.
    Lost {
        /// Why.
        why: String,
    },
    /// Follows a `Lost`: no host is at work, and only somebody else can bring one back. It is waited for.
    Waiting {
        /// Whose attach brings it back.
        owner: String,
    },
    /// The connection is over for good; nothing more will come.
    Gone {
        /// Why.
        why: String,
    },
}

/// A connected client. Dropping it ends the connection and changes nothing in the session.
#[derive(Debug)]
pub struct Client {
    /// What the host sent first. Later ones come as [`Incoming::Message`].
    pub welcome: Box<Welcome>,
    shared: Arc<Shared>,
    next_id: AtomicU64,
}

/// What the client and its reading thread share.
#[derive(Debug)]
struct Shared {
    /// The connection now in use; `None` while there is none.
    stream: Mutex<Option<UnixStream>>,
    /// What the client is for; said at each connection.
    role: Mutex<Role>,
    closing: AtomicBool,
}

impl Shared {
    fn set(&self, stream: Option<UnixStream>) {
        *self.stream.lock().unwrap_or_else(PoisonError::into_inner) = stream;
    }

    fn role(&self) -> Role {
        *self.role.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        if let Some(stream) = self.stream.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }
}

/// Connects to the session in `dir`. Everything after the first `Welcome` goes to `deliver`, on a thread of its own,
/// in order; it answers `false` when nobody listens any more. (With an `mpsc` sender:
/// `move |incoming| to_app.send(AppEvent::Host(incoming)).is_ok()`.)
pub fn connect(
    dir: &Path,
    wish: Wish,
    deliver: impl FnMut(Incoming) -> bool + Send + 'static,
) -> Result<Client, ClientError> {
    let linked = link::establish(dir, &wish, wish.role)?;
    let writer = linked.stream.try_clone().map_err(ClientError::io("keep the connection"))?;
    let shared = Arc::new(Shared {
        stream: Mutex::new(Some(writer)),
        role: Mutex::new(wish.role),
        closing: AtomicBool::new(false),
    });
    let welcome = linked.welcome.clone();
    let of_thread = Arc::clone(&shared);
    let dir = dir.to_owned();
    std::thread::Builder::new()
        .name("host-reader".to_owned())
        .spawn(move || returning::read_for_ever(&dir, &wish, linked, &of_thread, deliver))
        .map_err(ClientError::io("start a thread"))?;
    Ok(Client { welcome, shared, next_id: AtomicU64::new(1) })
}

impl Client {
    /// Sends a message.
    pub fn send(&self, message: &ToHost) -> Result<(), ClientError> {
        let bytes = frame::encode(message).map_err(|e| ClientError::Wrong { why: e.to_string() })?;
        let stream = self.shared.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(stream) = stream.as_ref() else {
            return Err(ClientError::Lost { why: "it is being made again".to_owned() });
        };
        if let ToHost::GiveSecret { .. } = message {
            owner::may_have_secrets(stream)?;
        }
        (&*stream).write_all(&bytes).map_err(|e| {
            // Half a message may have gone out: this connection is of no more use.
            let _ = stream.shutdown(Shutdown::Both);
            ClientError::Lost { why: e.to_string() }
        })
    }

    /// Sends a request; its number comes back in `FromHost::Reply`.
    pub fn request(&self, command: Command) -> Result<u64, ClientError> {
        let id = self.new_id();
        self.send(&ToHost::Request { id, command: Box::new(command) })?;
        Ok(id)
    }

    /// Does the host run as this account, so that it may be given secrets?
    #[must_use]
    pub fn is_own(&self) -> bool {
        let stream = self.shared.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.as_ref().is_some_and(|stream| owner::may_have_secrets(stream).is_ok())
    }

    /// From the next connection on the client is for this: the host has given it another part meanwhile.
    pub fn set_role(&self, role: Role) {
        *self.shared.role.lock().unwrap_or_else(PoisonError::into_inner) = role;
    }

    /// Numbers below this one were used by another face of the same client.
    pub fn ids_from(&self, first: u64) {
        self.next_id.fetch_max(first, Ordering::Relaxed);
    }

    /// A number for `ReadOutput` and `ReadLog`, not used before on this connection.
    pub fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.close();
    }
}
