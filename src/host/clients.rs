//! The clients of a host: who is let in, and the thread that reads what each one says. SHELL.
//!
//! Reading parts of outputs and of the log is done on the client's own thread, so that it costs nobody else anything.

mod follow;
mod seats;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io::ErrorKind;
use std::os::fd::AsFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::journal::pages::Pages;
use crate::process::output;
use crate::session::{Circumstances, Person};
use crate::wire::messages::{MAX_TO_HOST, OutputFile, PROTOCOL, Role, Stream};
use crate::wire::{Frames, FromHost, ToHost};

use super::circumstances::{self, Surroundings};
use super::find::Finder;
use super::glance;
use super::line::{Line, encode};
use super::peer::{self, Account, Sender};
use super::turn::{Audience, ClientId, Input};

use follow::Follow;
pub(super) use seats::Seats;
use seats::{Rank, Seat};

/// How long a client may take to say hello.
const HELLO: Duration = Duration::from_secs(5);

/// How long a message may take from its first byte to its last.
const WHOLE_MESSAGE: Duration = Duration::from_secs(10);

/// How long to wait when no connection can be taken (out of descriptors).
const PAUSE: Duration = Duration::from_millis(100);

/// The most outputs that one client follows at once.
const MOST_FOLLOWED: usize = 4;

/// The most records of one `ReadLog`.
const MOST_RECORDS: usize = 1_000;

/// A member who says nothing is held against the group again after this long.
const MEMBERS_AGAIN: Duration = Duration::from_secs(5);

/// One who speaks, not more often than this.
const SPEAKERS_AGAIN: Duration = Duration::from_secs(1);

/// What clients' threads tell the host's loop.
#[derive(Debug)]
pub(super) enum FromClients {
    /// A client said hello; the line to it comes along.
    Joined(ClientId, Person, Role, Arc<Line>),
    /// A request, and who waits until it was seen to.
    Asked(Input, Served),
    /// Anything else.
    Input(Input),
}

/// Held while a request is seen to: its client has nothing else in the inbox meanwhile, so that nobody who has much to
/// say keeps others waiting.
#[derive(Debug)]
pub(super) struct Served {
    _until_dropped: SyncSender<Infallible>,
}

/// Commands that run now, by attempt and item: their outputs may grow.
pub(super) type RunningOutputs = Arc<Mutex<BTreeSet<(u32, Option<u32>)>>>;

/// What every client's thread knows.
#[derive(Clone)]
pub(super) struct Hall {
    /// The session's directory.
    pub(super) dir: PathBuf,
    /// Who may be here, and what is needed to find out about a request.
    pub(super) around: Surroundings,
    /// Where to say what happens.
    pub(super) to_host: SyncSender<FromClients>,
    /// What runs.
    pub(super) running: RunningOutputs,
    /// How many are here.
    pub(super) seats: Arc<Seats>,
    /// The journal, for whoever pages through it: one at a time, so that reading takes nobody else's time.
    pub(super) pages: Arc<Mutex<Pages>>,
}

/// The lines to all clients: the host's loop adds and removes them, and it is all but alone in speaking on them.
#[derive(Clone, Default)]
pub(super) struct Lines {
    lines: Arc<Mutex<BTreeMap<ClientId, Arc<Line>>>>,
    /// Who has had a welcome: nothing comes before that.
    welcome: Arc<Mutex<BTreeSet<ClientId>>>,
}

impl Lines {
    fn all(&self) -> MutexGuard<'_, BTreeMap<ClientId, Arc<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, client: ClientId, line: Arc<Line>) {
        self.all().insert(client, line);
    }

    pub(super) fn remove(&self, client: ClientId) {
        self.welcome.lock().unwrap_or_else(PoisonError::into_inner).remove(&client);
        let line = self.all().remove(&client);
        if let Some(line) = line {
            line.cut();
        }
    }

    /// Sends a message that the host's loop does not know of, while it waits.
    pub(super) fn tell_beside_the_loop(&self, message: &FromHost) {
        let Some(frame) = encode(message) else { return };
        let welcome = self.welcome.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, line) in self.all().iter().filter(|(client, _)| welcome.contains(client)) {
            line.offer(&frame);
        }
    }

    /// Sends a message; never waits.
    pub(super) fn tell(&self, to: Audience, message: FromHost) {
        let lines = self.all();
        match to {
            Audience::One(client) => {
                let Some(line) = lines.get(&client) else { return };
                match message {
                    FromHost::Welcome(_) => {
                        line.put_snapshot(message);
                        drop(lines);
                        self.welcome.lock().unwrap_or_else(PoisonError::into_inner).insert(client);
                    }
                    message => {
                        if let Some(frame) = encode(&message) {
                            line.put(frame);
                        }
                    }
                }
            }
            Audience::All => {
                if lines.is_empty() {
                    return;
                }
                if let Some(frame) = encode(&message) {
                    for line in lines.values() {
                        line.offer(&frame);
                    }
                }
            }
        }
    }

    /// Says goodbye to everyone, and waits a moment until they have it.
    pub(super) fn say_goodbye(&self, why: &str) {
        let lines: Vec<Arc<Line>> = self.all().values().cloned().collect();
        if let Some(frame) = encode(&FromHost::Goodbye { why: why.to_owned() }) {
            for line in &lines {
                line.put(Arc::clone(&frame));
                line.finish();
            }
        }
        let deadline = Instant::now() + Duration::from_millis(500);
        for line in &lines {
            line.wait_closed(deadline);
        }
    }
}

/// Takes clients in, for ever.
pub(super) fn accept_for_ever(listener: &UnixListener, hall: &Hall) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(_) => {
                // Out of descriptors or memory: whoever waits stays in the kernel's queue meanwhile.
                std::thread::sleep(PAUSE);
                continue;
            }
        };
        let seat = match seat_for(&stream, hall) {
            Ok(seat) => seat,
            Err(why) => {
                refuse(&stream, &why);
                continue;
            }
        };
        let client = ClientId(NEXT.fetch_add(1, Ordering::Relaxed));
        let of_client = hall.clone();
        let started = std::thread::Builder::new().name(format!("client-{}", client.0)).spawn(move || {
            let _seat = seat;
            serve(client, stream, &of_client);
        });
        if started.is_err() {
            std::thread::sleep(PAUSE);
        }
    }
}

/// A place for whoever opened a connection; or a sentence.
fn seat_for(stream: &UnixStream, hall: &Hall) -> Result<Seat, String> {
    let uid = peer::opened_by(stream)?;
    let around = &hall.around;
    let first = uid == 0 || uid == around.circle.owner() || glance::operator(&around.glance) == Some(uid);
    hall.seats.take(uid, if first { Rank::First } else { Rank::Guest })
}

/// Says goodbye to somebody who is not let in.
fn refuse(mut stream: &UnixStream, why: &str) {
    use std::io::Write as _;
    if let Some(frame) = encode(&FromHost::Goodbye { why: why.to_owned() }) {
        let _ = stream.set_nonblocking(true);
        let _ = stream.write_all(&frame);
    }
}

/// How long somebody who is sent away may take to hear why.
const FAREWELL: Duration = Duration::from_millis(500);

/// The life of one client, on its own thread.
fn serve(client: ClientId, stream: UnixStream, hall: &Hall) {
    let (uid, mut person) = match let_in(&stream, hall) {
        Ok(found) => found,
        Err(why) => return refuse(&stream, &why),
    };
    let mut reading = Reading::new(uid);
    let role = match reading.hello(&stream) {
        Ok(role) => role,
        Err(Some(why)) => return refuse(&stream, &why),
        Err(None) => return,
    };
    person.login = reading.sender.and_then(|sender| peer::login_of(sender).account());
    let line = Arc::new(Line::new(stream));
    let writer = Arc::clone(&line);
    let to_host = hall.to_host.clone();
    let started = std::thread::Builder::new().name(format!("to-client-{}", client.0)).spawn(move || {
        writer.write_for_ever(|| {
            let _ = to_host.send(FromClients::Input(Input::Drained(client)));
        });
    });
    if started.is_err() {
        return;
    }
    if hall.to_host.send(FromClients::Joined(client, person.clone(), role, Arc::clone(&line))).is_ok() {
        let end = reading.listen(client, &person, &line, hall);
        if let Some(frame) = end.and_then(|why| encode(&FromHost::Goodbye { why })) {
            // Before the host's loop hears of the end, and cuts the line.
            line.put(frame);
            line.finish();
            line.wait_closed(Instant::now() + FAREWELL);
        }
        let _ = hall.to_host.send(FromClients::Input(Input::Left(client)));
    }
    line.cut();
}

/// The account that opened a connection, if it may be here.
fn let_in(stream: &UnixStream, hall: &Hall) -> Result<(u32, Person), String> {
    peer::attest(stream).map_err(|e| format!("the kernel does not say who you are: {e}"))?;
    let uid = peer::opened_by(stream)?;
    Ok((uid, hall.around.circle.admit(uid)?))
}

/// What has come from one client.
struct Reading {
    /// The account that opened the connection.
    uid: u32,
    /// Who sent what came last.
    sender: Option<Sender>,
    frames: Frames,
    partial_since: Option<Instant>,
    /// When it was last asked whether this account may be here.
    admitted: Instant,
}

/// What a read brought.
enum Came {
    /// Bytes.
    Something,
    /// Nothing in the time allowed.
    Nothing,
    /// The end.
    End,
    /// Bytes of somebody whose connection it is not; a sentence.
    Strange(String),
}

impl Reading {
    fn new(uid: u32) -> Self {
        Self {
            uid,
            sender: None,
            frames: Frames::new(MAX_TO_HOST),
            partial_since: None,
            admitted: Instant::now(),
        }
    }

    /// Waits for the greeting. `Err(None)`: nobody is there to be told why not.
    fn hello(&mut self, stream: &UnixStream) -> Result<Role, Option<String>> {
        let deadline = Instant::now() + HELLO;
        loop {
            match self.frames.take::<ToHost>() {
                Ok(Some(ToHost::Hello { protocol: PROTOCOL, role, .. })) => return Ok(role),
                Ok(Some(ToHost::Hello { protocol, onbelay, .. })) => {
                    return Err(Some(format!(
                        "this session's host is onbelay {} (protocol {PROTOCOL}), you are onbelay {onbelay} (protocol \
                         {protocol}): use the same version",
                        env!("CARGO_PKG_VERSION")
                    )));
                }
                Ok(Some(_)) => return Err(Some("the first message must be a greeting".to_owned())),
                Ok(None) => {}
                Err(e) => return Err(Some(e.to_string())),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Some(format!("no greeting within {} s", HELLO.as_secs())));
            }
            match self.read(stream, Some(left)) {
                Came::End => return Err(None),
                Came::Strange(why) => return Err(Some(why)),
                Came::Something | Came::Nothing => {}
            }
        }
    }

    /// One read of at most this long.
    fn read(&mut self, stream: &UnixStream, at_most: Option<Duration>) -> Came {
        let mut buffer = [0; 16 << 10];
        let at_most = at_most.map(|time| time.max(Duration::from_millis(1)));
        if stream.set_read_timeout(at_most).is_err() {
            return Came::End;
        }
        match peer::read(stream, &mut buffer) {
            Ok((0, _)) => Came::End,
            Ok((n, sender)) => {
                if let Some(why) = self.is_strange(sender) {
                    return Came::Strange(why);
                }
                self.sender = sender;
                self.frames.push(&buffer[..n]);
                Came::Something
            }
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                Came::Nothing
            }
            Err(_) => Came::End,
        }
    }

    /// Why bytes of this sender do not belong here.
    fn is_strange(&self, sender: Option<Sender>) -> Option<String> {
        let Some(sender) = sender else { return Some("the kernel does not say who sent this".to_owned()) };
        if sender.uid != self.uid {
            return Some(format!(
                "this connection was opened by {} and is used by {}: each account must attach by itself",
                peer::person(self.uid).name,
                peer::person(sender.uid).name
            ));
        }
        // Whose login would count for it?
        let other = self.frames.is_partial() && self.sender.is_some_and(|before| before.pid != sender.pid);
        other.then(|| "two processes sent one message: each must attach by itself".to_owned())
    }

    /// Hears the client until it is gone or speaks nonsense. A sentence where it is to be told why it ends.
    fn listen(&mut self, client: ClientId, person: &Person, line: &Arc<Line>, hall: &Hall) -> Option<String> {
        let mut follow: Vec<Follow> = Vec::new();
        let mut finder = Finder::default();
        loop {
            loop {
                match self.frames.take::<ToHost>() {
                    Ok(Some(ToHost::Hello { .. })) | Err(_) => return None,
                    Ok(Some(
                        message @ (ToHost::Request { .. }
                        | ToHost::GiveSecret { .. }
                        | ToHost::Look { .. }
                        | ToHost::Type { .. }
                        | ToHost::Window { .. }),
                    )) => {
                        let (person, found) = self.find_out(&message, person, hall)?;
                        let barred = found.barred.is_some();
                        let input = Input::Asked(client, person, message, Box::new(found));
                        serve_one(input, hall)?;
                        if barred && let Some(why) = self.may_not_stay(hall) {
                            return Some(why);
                        }
                    }
                    Ok(Some(ToHost::FollowOutput { of })) => {
                        follow = of.into_iter().map(Follow::new).collect();
                    }
                    Ok(Some(ToHost::FollowOutputs { of })) => {
                        follow = of.into_iter().take(MOST_FOLLOWED).map(Follow::new).collect();
                    }
                    Ok(Some(message @ (ToHost::FindOutput { .. } | ToHost::StopFinding))) => {
                        finder.hear(&message, &hall.dir, line);
                    }
                    Ok(Some(ToHost::ReadOutput { id, of, from, len })) => {
                        if !answer(line, &read_output(hall, id, &of, from, len)) {
                            return None;
                        }
                    }
                    Ok(Some(ToHost::ReadLog { id, before, count })) => {
                        let frame = read_log(hall, id, before, count)?;
                        if !line.put_when_there_is_room(frame) {
                            return None;
                        }
                    }
                    Ok(None) => break,
                }
                if self.admitted.elapsed() >= SPEAKERS_AGAIN
                    && let Some(why) = self.may_not_stay(hall)
                {
                    return Some(why);
                }
            }
            let now = Instant::now();
            let for_members = match self.until_asked_again(hall, now) {
                Some(Duration::ZERO) => match self.may_not_stay(hall) {
                    Some(why) => return Some(why),
                    None => Some(MEMBERS_AGAIN),
                },
                wait => wait,
            };
            self.partial_since =
                if self.frames.is_partial() { self.partial_since.or(Some(now)) } else { None };
            let for_rest =
                self.partial_since.map(|since| (since + WHOLE_MESSAGE).saturating_duration_since(now));
            if for_rest.is_some_and(|left| left.is_zero()) {
                return None;
            }
            let mut for_growth = Vec::new();
            for followed in &mut follow {
                for_growth.extend(followed.look(hall, line, now).ok()?);
            }
            let wait = [for_rest, for_members].into_iter().flatten().chain(for_growth).min();
            if !follow::wait(&mut follow, line.stream().as_fd(), wait) {
                continue;
            }
            match self.read(line.stream(), wait) {
                Came::End => return None,
                Came::Strange(why) => return Some(why),
                Came::Something | Came::Nothing => {}
            }
        }
    }

    /// How long until it is asked again whether this account may be here; `None`: it always may.
    fn until_asked_again(&self, hall: &Hall, now: Instant) -> Option<Duration> {
        let member = self.uid != 0 && self.uid != hall.around.circle.owner();
        member.then(|| (self.admitted + MEMBERS_AGAIN).saturating_duration_since(now))
    }

    /// Why whoever opened this connection may not be here any more. While the system does not say, they may.
    fn may_not_stay(&mut self, hall: &Hall) -> Option<String> {
        self.admitted = Instant::now();
        match peer::account(self.uid) {
            Account::Silent(_) => None,
            account => hall.around.circle.bars(self.uid, &account),
        }
    }

    /// Who sent a message, and what else must be known of it, at this moment. `None`: nobody did.
    fn find_out(&self, message: &ToHost, known_as: &Person, hall: &Hall) -> Option<(Person, Circumstances)> {
        let sender = self.sender?;
        Some(match message {
            ToHost::Request { command, .. } => {
                circumstances::of_request(&hall.around, sender, known_as, command)
            }
            ToHost::GiveSecret { .. } => circumstances::of_message(&hall.around, sender, known_as),
            // Where somebody looks changes nothing; a key counts only from whoever took the terminal, which was a
            // request. Both come many times a second.
            _ => (known_as.clone(), Circumstances::default()),
        })
    }
}

/// Has the host's loop see to a request, and waits until it has. `None`: there is no host any more.
fn serve_one(input: Input, hall: &Hall) -> Option<()> {
    let (served, seen_to) = sync_channel(0);
    hall.to_host.send(FromClients::Asked(input, Served { _until_dropped: served })).ok()?;
    // Nothing is ever sent: it ends.
    let _ = seen_to.recv();
    Some(())
}

/// Sends this client's own answer, waiting for room; `false`: the client is gone.
fn answer(line: &Line, message: &FromHost) -> bool {
    encode(message).is_some_and(|frame| line.put_when_there_is_room(frame))
}

fn read_output(hall: &Hall, id: u64, of: &OutputFile, from: u64, len: u32) -> FromHost {
    let dir = output::attempt_dir(&hall.dir, of.attempt, of.item);
    match output::read_part(&dir, stream_of(of), from, len as usize) {
        Ok(part) => {
            let data = data_encoding::BASE64.encode(&part.bytes);
            FromHost::Output { id, from: part.from, total: part.total, data }
        }
        // An output that cannot be read shows as empty; what it was is in the attempt's record.
        Err(_) => FromHost::Output { id, from, total: 0, data: String::new() },
    }
}

pub(super) fn stream_of(of: &OutputFile) -> output::Stream {
    match of.stream {
        Stream::Output => output::Stream::Output,
        Stream::Errors => output::Stream::Errors,
    }
}

fn read_log(hall: &Hall, id: u64, before: u64, count: u32) -> Option<Arc<[u8]>> {
    // Held until it can be sent: however many ask, one core is busy with it.
    let mut pages = hall.pages.lock().unwrap_or_else(PoisonError::into_inner);
    let entries = pages.before(before, MOST_RECORDS.min(count as usize)).unwrap_or_default();
    encode(&FromHost::Log { id, entries })
}

#[cfg(test)]
mod tests;
