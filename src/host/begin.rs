//! How a host comes to own a session: it makes a new one, or takes one up that has no host. SHELL.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::rand::GetRandomFlags;

use crate::clock;
use crate::failpoint;
use crate::id::Digest;
use crate::journal::room;
use crate::journal::store::{self, Store, sharing};
use crate::journal::writer::Writer;
use crate::journal::{JournalError, JournalError::InUse};
use crate::process::environment;
use crate::runbook;
use crate::session::event::How;
use crate::session::recover::{self, Loose};
use crate::session::{Entry, Event, Person, Session};
use crate::wire::start::{Given, NewSession, StartHost};

use super::HostError;
use super::overdue::UnderWay;
use super::peer;
use super::socket::SessionDir;
use super::turn::{Append, AppendError, RECENT};

/// A session that this process owns.
pub(super) struct Begun {
    /// Its directory.
    pub(super) path: PathBuf,
    /// The same, open; nobody else starts or ends a host here until it is unlocked.
    pub(super) dir: SessionDir,
    /// Where it stands.
    pub(super) session: Session,
    /// Every record, or the newest.
    pub(super) entries: Vec<Entry>,
    /// Its journal.
    pub(super) journal: Journal,
    /// What must be recorded before anything else.
    pub(super) events: Vec<Event>,
    /// Commands that may still run.
    pub(super) loose: Vec<Loose>,
    /// What its commands get.
    pub(super) given: Given,
    /// Number of the group it is open to.
    pub(super) share: Option<u32>,
}

/// What became of the wish to own a session.
pub(super) enum Beginning {
    /// It is ours.
    Ours(Box<Begun>),
    /// Another host has it: well enough for whoever wants to connect.
    Theirs {
        /// Its directory.
        path: PathBuf,
    },
}

/// Does what the starter asks for.
pub(super) fn begin(start: StartHost) -> Result<Beginning, HostError> {
    if clock::boot_id().is_empty() {
        return Err(HostError::Failed("the kernel's boot id cannot be read; is /proc mounted?".to_owned()));
    }
    match start {
        StartHost::New(new) => begin_new(*new).map(|begun| Beginning::Ours(Box::new(begun))),
        StartHost::Resume { dir, given } => resume(dir, given),
    }
}

fn begin_new(new: NewSession) -> Result<Begun, HostError> {
    let NewSession { home, source, mut opened, given, another } = new;
    let runbook = runbook::read(source.as_bytes(), &opened.path)
        .map_err(|problems| HostError::Wrong(problems.render(false)))?;
    // Who starts a session is its operator: the kernel's word, not the starter's.
    let operator = peer::person(rustix::process::getuid().as_raw());
    // A host is started by its operator, and the kernel hands the login on to it.
    opened.operator = Person { login: peer::own_login(), ..operator };
    // Before anything is made: what cannot be shared leaves nothing behind.
    let shared =
        opened.share.as_ref().map(|group| Ok::<_, JournalError>((sharing::check_home(&home, group)?, group)));
    let shared = shared.transpose()?;
    let store = Store::open(shared.as_ref().map_or(home, |(home, _)| home.path.clone()))?;
    // Two that start the same walk at once must not both find that there is none.
    let home = SessionDir::open_home(store.home())?;
    home.lock()?;
    if !another && let Some(same) = store.same_open(&opened.sha256, &opened.values)? {
        return Err(HostError::Same(same.id));
    }
    if let Some((home, group)) = &shared {
        home.give(group)?;
    }
    let share = opened.share.as_ref().map(|group| group.gid);
    let runbook = Arc::new(runbook);
    let mut tries = 0;
    let (session, entries, writer) = loop {
        let mut random = [0; 4];
        rustix::rand::getrandom(&mut random, GetRandomFlags::empty())
            .map_err(|e| HostError::io("get random bytes")(e.into()))?;
        let now = clock::moment(0);
        let id = store::session_id(&opened.title, now.at, random);
        let events = [
            (opened.operator.clone(), Event::SessionOpened(Box::new(opened.clone()))),
            (Person::tool(), started(None, &given)),
        ];
        let entries: Vec<Entry> = (1..)
            .zip(events)
            .map(|(n, (by, event))| Entry { n, at: now.at, up: now.up, session: id.clone(), by, event })
            .collect();
        let session = store::replay(runbook.clone(), &entries)
            .map_err(|illegal| HostError::Failed(illegal.to_string()))?;
        match store.create(&id, source.as_bytes(), &entries) {
            Ok(writer) => break (session, entries, writer),
            Err(JournalError::Exists(_)) if tries < 3 => tries += 1,
            Err(e) => return Err(e.into()),
        }
    };
    let path = store.dir(&session.id);
    let dir = SessionDir::open(&path)?;
    dir.lock()?;
    let journal = Journal::new(writer, &path);
    let (events, loose) = (Vec::new(), Vec::new());
    Ok(Begun { path, dir, session, entries, journal, events, loose, given, share })
}

fn resume(path: PathBuf, given: Given) -> Result<Beginning, HostError> {
    let dir = SessionDir::open(&path)?;
    dir.lock()?;
    let resumed = match store::resume(&path, RECENT) {
        Ok(resumed) => resumed,
        Err(InUse { .. }) => return Ok(Beginning::Theirs { path }),
        Err(e) => return Err(e.into()),
    };
    let (session, writer) = (resumed.session, resumed.writer);
    let share = resumed.share.map(|group| group.gid);
    let loose = recover::loose(&session, clock::boot_id());
    let mut events = Vec::new();
    if let Some(repair) = resumed.repair {
        events.push(Event::JournalRepaired { kept_in: repair.kept_in, bytes: repair.bytes });
    }
    events.push(started(Some(&session), &given));
    let journal = Journal::new(writer, &path);
    let entries = resumed.recent;
    let begun = Begun { path, dir, session, entries, journal, events, loose, given, share };
    Ok(Beginning::Ours(Box::new(begun)))
}

/// The record that announces this host.
fn started(last: Option<&Session>, given: &Given) -> Event {
    let env = environment::digests(&given.environment);
    let boot_id = clock::boot_id().to_owned();
    let host = last.and_then(|session| session.host.as_ref());
    Event::HostStarted {
        pid: std::process::id(),
        boot: host.map_or(0, |host| clock::boot_after(host.boot, &host.boot_id, &boot_id)),
        boot_id,
        onbelay: env!("CARGO_PKG_VERSION").to_owned(),
        env_changed: last.map_or_else(Vec::new, |session| environment::changed(&session.env, &env)),
        machine: Some(clock::machine()),
        runs_as: Some(peer::person(rustix::process::getuid().as_raw())),
        env,
    }
}

/// The id of a session, by its directory's name.
pub(super) fn id_of(path: &Path) -> crate::id::SessionId {
    crate::id::SessionId::new(path.file_name().unwrap_or_default().to_string_lossy())
}

/// The journal as the turn of a host sees it.
pub(super) struct Journal {
    writer: Writer,
    /// The session's directory.
    dir: PathBuf,
    /// Where others see that a write takes its time.
    under_way: UnderWay,
}

impl Journal {
    fn new(writer: Writer, dir: &Path) -> Self {
        Self { writer, dir: dir.to_owned(), under_way: UnderWay::default() }
    }

    /// Where it can be seen, from other threads, that a write takes its time.
    pub(super) fn under_way(&self) -> UnderWay {
        self.under_way.clone()
    }
}

impl Append for Journal {
    fn append(&mut self, entries: &[Entry]) -> Result<Duration, AppendError> {
        let any = |what: fn(&Event) -> bool| entries.iter().any(|entry| what(&entry.event));
        let starts = any(|event| {
            matches!(event, Event::StepStarted { how: How::Script, .. } | Event::ItemStarted { .. })
        });
        let ends = any(|event| matches!(event, Event::WorkEnded { .. } | Event::ItemEnded { .. }));
        if starts {
            failpoint::pass("intent-unwritten");
        }
        if ends {
            failpoint::pass("outcome-seen");
        }
        let doing = if starts {
            Some("intent")
        } else if ends {
            Some("outcome")
        } else {
            None
        };
        self.under_way.begin();
        let appended = failpoint::during(doing, || self.writer.append(entries));
        let told = self.under_way.end();
        match appended {
            Ok(()) => {}
            Err(e @ JournalError::TooLong { .. }) => return Err(AppendError::NotTaken(e.to_string())),
            Err(e) => return Err(AppendError::Broken(e.to_string())),
        }
        if starts {
            failpoint::pass("intent-written");
        }
        if ends {
            failpoint::pass("outcome-recorded");
        }
        if any(|event| matches!(event, Event::StepSettled { .. })) {
            failpoint::pass("step-settled");
        }
        // Who was told that it is slow must be told when it is over: the loop has to take it for slow too, by whatever hair.
        Ok(told.unwrap_or_else(|| self.writer.last_took()))
    }

    fn head(&self) -> Digest {
        self.writer.head().clone()
    }

    fn room(&self) -> Option<u64> {
        room::free(&self.dir)
    }
}
