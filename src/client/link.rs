//! One connection: the socket, the greeting, and the thread that reads until it ends. SHELL.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FileType, Mode, OFlags};

use crate::text::clean;
use crate::wire::frame::{self, Frames};
use crate::wire::messages::{MAX_FROM_HOST, PROTOCOL, Role, Welcome};
use crate::wire::{FromHost, ToHost};

use super::{ClientError, IfNoHost, Incoming, Wish, owner, start};

/// How long a host may take to say welcome.
const GREETING: Duration = Duration::from_secs(20);

/// How long a host may take to take in one message.
const SENDING: Duration = Duration::from_secs(10);

/// A connection that was greeted.
pub(super) struct Linked {
    pub(super) stream: UnixStream,
    pub(super) welcome: Box<Welcome>,
    frames: Frames,
}

/// Connects and greets, starting a host where there is none and the wish allows it.
pub(super) fn establish(dir: &Path, wish: &Wish, role: Role) -> Result<Linked, ClientError> {
    let mut last = None;
    // A host may end, or lose its race, between its answer and our connection; twice more is enough.
    for _ in 0..3 {
        match open(dir)? {
            Some((stream, owner)) => match greet(stream, role).and_then(|linked| {
                owner::started_it(dir, owner, &linked.welcome)?;
                Ok(linked)
            }) {
                Err(gone @ ClientError::Lost { .. }) => last = Some(gone),
                other => return other,
            },
            None if let Some(owner) = other_owner(dir) => {
                return Err(ClientError::OnlyItsOwner { dir: dir.to_owned(), owner });
            }
            None => match &wish.if_no_host {
                IfNoHost::Never => return Err(ClientError::NoHost { dir: dir.to_owned() }),
                IfNoHost::Start(how) => {
                    start::resume(dir, how)?;
                }
            },
        }
    }
    Err(last.unwrap_or_else(|| ClientError::NoHost { dir: dir.to_owned() }))
}

/// Whose session it is, as far as the kernel tells, where it is not ours: the owner of its directory, or of the nearest
/// one above it that can be looked at.
pub(super) fn other_owner(dir: &Path) -> Option<String> {
    let found = dir.ancestors().find_map(|above| above.symlink_metadata().ok())?;
    let uid = nix::unistd::Uid::from_raw(found.uid());
    (uid != nix::unistd::geteuid()).then(|| owner::name_of(uid.as_raw()))
}

/// Opens the session's socket, and says to whom the session belongs that is served there; `None`: no host listens.
fn open(dir: &Path) -> Result<Option<(UnixStream, u32)>, ClientError> {
    let path = dir.join("socket");
    let refused = |e: rustix::io::Errno| match other_owner(dir).filter(|_| e == rustix::io::Errno::ACCESS) {
        Some(owner) => ClientError::NotShared { dir: dir.to_owned(), owner },
        None => ClientError::io(format!("open {}", path.display()))(e.into()),
    };
    // Held by descriptor: what was looked at is what is connected to, and the path may be of any length.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let home = rustix::fs::open(dir, flags, Mode::empty()).map(File::from).map_err(refused)?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = match rustix::fs::openat(&home, "socket", flags, Mode::empty()) {
        Ok(handle) => File::from(handle),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(e) => return Err(refused(e)),
    };
    let stat = rustix::fs::fstat(&handle)
        .map_err(|e| ClientError::io(format!("look at {}", path.display()))(e.into()))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Socket => {}
        other => {
            let what = format!("{other:?}").to_lowercase();
            return Err(ClientError::NotOurSocket { path, what: format!("no socket but a {what}") });
        }
    }
    match UnixStream::connect(format!("/proc/self/fd/{}", handle.as_raw_fd())) {
        Ok(stream) => {
            let owner = owner::serves_its_own(dir, &home, &stream)?;
            Ok(Some((stream, owner)))
        }
        Err(e) if matches!(e.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound) => Ok(None),
        Err(e) => match other_owner(dir).filter(|_| e.kind() == ErrorKind::PermissionDenied) {
            Some(owner) => Err(ClientError::NotShared { dir: dir.to_owned(), owner }),
            None => Err(ClientError::io(format!("connect to {}", path.display()))(e)),
        },
    }
}

fn greet(mut stream: UnixStream, role: Role) -> Result<Linked, ClientError> {
    let lost = |e: std::io::Error| ClientError::Lost { why: e.to_string() };
    let hello = ToHost::Hello { protocol: PROTOCOL, onbelay: env!("CARGO_PKG_VERSION").to_owned(), role };
    let hello = frame::encode(&hello).map_err(|e| ClientError::Wrong { why: e.to_string() })?;
    stream.set_write_timeout(Some(SENDING)).map_err(lost)?;
    // A host that has no room says so and closes without reading; what it said is still there to be read.
    let _ = stream.write_all(&hello);
    let deadline = Instant::now() + GREETING;
    let mut frames = Frames::new(MAX_FROM_HOST);
    loop {
        match frames.next_bytes() {
            Ok(Some(json)) => {
                let welcome = read_welcome(json)?;
                stream.set_read_timeout(None).map_err(lost)?;
                return Ok(Linked { stream, welcome, frames });
            }
            Ok(None) => {}
            Err(e) => return Err(ClientError::Goodbye { why: e.to_string() }),
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ClientError::Lost { why: format!("no greeting within {} s", GREETING.as_secs()) });
        }
        stream.set_read_timeout(Some(left)).map_err(lost)?;
        read_some(&mut stream, &mut frames).map_err(|why| ClientError::Lost { why })?;
    }
}

/// The first message: a welcome of our version, or a clear word about what else it is.
fn read_welcome(json: &[u8]) -> Result<Box<Welcome>, ClientError> {
    /// What every version of a greeting holds.
    #[derive(serde::Deserialize)]
    struct AnyVersion {
        protocol: u32,
        onbelay: String,
    }
    let versions = |protocol, theirs| ClientError::Versions {
        ours: env!("CARGO_PKG_VERSION").to_owned(),
        theirs,
        protocol,
    };
    match serde_json::from_slice(json) {
        Ok(FromHost::Welcome(mut welcome)) if welcome.protocol == PROTOCOL => {
            welcome.session.reindex();
            Ok(welcome)
        }
        Ok(FromHost::Welcome(welcome)) => Err(versions(welcome.protocol, welcome.onbelay)),
        Ok(FromHost::Goodbye { why }) => Err(ClientError::Goodbye { why: clean(&why).into_owned() }),
        Ok(_) => Err(ClientError::Goodbye { why: "its first message is no greeting".to_owned() }),
        Err(e) => match serde_json::from_slice::<AnyVersion>(json) {
            Ok(other) if other.protocol != PROTOCOL => Err(versions(other.protocol, other.onbelay)),
            _ => Err(ClientError::Goodbye { why: format!("its greeting was not understood: {e}") }),
        },
    }
}

/// One read; an error is the sentence that says why the connection is over.
fn read_some(stream: &mut UnixStream, frames: &mut Frames) -> Result<(), String> {
    let mut buffer = [0; 16 << 10];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Err("the host ended the connection".to_owned()),
            Ok(n) => {
                frames.push(&buffer[..n]);
                return Ok(());
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e.to_string()),
        }
    }
}

/// How a connection came to its end.
pub(super) enum End {
    /// Nobody listens here any more.
    Unheard,
    /// The host said goodbye, or spoke in tongues: not to be tried again.
    Final(String),
    /// The host is gone.
    Broken(String),
}

/// Delivers what comes over one connection until its end.
pub(super) fn read_one(linked: &mut Linked, deliver: &mut impl FnMut(Incoming) -> bool) -> End {
    loop {
        loop {
            let message = match linked.frames.take::<FromHost>() {
                Ok(Some(FromHost::Goodbye { why })) => return End::Final(why),
                Ok(Some(FromHost::Welcome(mut welcome))) => {
                    welcome.session.reindex();
                    FromHost::Welcome(welcome)
                }
                Ok(Some(message)) => message,
                Ok(None) => break,
                Err(e) => return End::Final(e.to_string()),
            };
            if !deliver(Incoming::Message(Box::new(message))) {
                return End::Unheard;
            }
        }
        if let Err(why) = read_some(&mut linked.stream, &mut linked.frames) {
            return End::Broken(why);
        }
    }
}
