//! Does what the walk decided: asks checks, starts commands, ends them. SHELL. What comes of it goes back as input.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use crate::failpoint;
use crate::id::{CheckId, ValueName};
use crate::probe::{self, Cancel, News, ProbeWorld, Turns};
use crate::process::terminal::{self, Keys, Size};
use crate::process::{self, HostSide, Runner, Stopper};
use crate::session::ask::Ask;
use crate::session::event::{Answer, Ended, Outcome, Verdict};
use crate::session::gate::Permit;
use crate::session::recover::{Found, Loose};
use crate::session::state::StartRecord;
use crate::time::Moment;
use crate::wire::messages::{NOT_OPEN, OutputFile};
use crate::wire::start::Given;

use super::clients::{FromClients, RunningOutputs};
use super::turn::{AskTag, Input};

/// What commands and checks of a session share.
pub(super) struct World {
    /// The session's directory.
    pub(super) session_dir: PathBuf,
    /// The directory the session was started in.
    pub(super) base_dir: PathBuf,
    /// File mode creation mask of commands.
    pub(super) umask: u32,
    /// Which boot of the session's life this is.
    pub(super) boot: u32,
    /// Number of the group that may read what commands write.
    pub(super) share: Option<u32>,
    /// Environment and secrets; a secret may be added.
    pub(super) given: Mutex<Given>,
    /// Where to say what came of it.
    pub(super) to_host: SyncSender<FromClients>,
}

impl World {
    fn given(&self) -> Given {
        self.given.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, input: Input) {
        // The loop is gone only when the process is about to be.
        let _ = self.to_host.send(FromClients::Input(input));
    }

    fn now(&self) -> Moment {
        crate::clock::moment(self.boot)
    }
}

/// What is under way.
pub(super) struct Performer {
    world: Arc<World>,
    running: RunningOutputs,
    commands: BTreeMap<(u32, Option<u32>), Arc<Mutex<Slot>>>,
    /// Askings under way.
    asks: BTreeMap<AskTag, Cancel>,
    turns: Turns<AskTag>,
    /// What went wrong at once; the loop takes it from here, for it cannot wait for room in its own inbox.
    own: VecDeque<Input>,
}

/// A command between its start and its end.
#[derive(Default)]
struct Slot {
    stopper: Option<Stopper>,
    /// Its end was asked for before it had started.
    stop_wanted: bool,
    /// What types into its terminal, once that is open.
    keys: Option<Keys>,
    /// The size that its terminal is to have, and was not told yet.
    size_due: Option<Size>,
}

impl Slot {
    fn resize_if_due(&mut self) {
        if let (Some(keys), Some(size)) = (&self.keys, self.size_due)
            && keys.resize(size).is_ok()
        {
            self.size_due = None;
        }
    }
}

impl Performer {
    pub(super) fn new(world: World, running: RunningOutputs) -> Self {
        Self {
            world: Arc::new(world),
            running,
            commands: BTreeMap::new(),
            asks: BTreeMap::new(),
            turns: Turns::default(),
            own: VecDeque::new(),
        }
    }

    /// Keeps a secret in memory.
    pub(super) fn keep(&self, name: ValueName, value: String) {
        self.world.given.lock().unwrap_or_else(PoisonError::into_inner).secrets.insert(name, value);
    }

    /// Notes that a command is about to run, before anyone is told, so that whoever follows its output at once is served.
    pub(super) fn announce(&self, permit: &Permit) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(place_of(permit));
    }

    /// Starts a command, whose start is on record as `of`, and watches it, on a thread of its own.
    pub(super) fn start(&mut self, permit: Box<Permit>, of: StartRecord) {
        let place = place_of(&permit);
        let world = Arc::clone(&self.world);
        self.watch(
            place,
            |why| Ok(Box::new(not_started(why))),
            move |slot| {
                let given = world.given();
                let side = HostSide {
                    program: std::path::Path::new(process::SELF),
                    session_dir: &world.session_dir,
                    base_dir: &world.base_dir,
                    environment: &given.environment,
                    umask: world.umask,
                    secrets: &given.secrets,
                    share: world.share,
                };
                let started = process::start(*permit, of, &side);
                failpoint::pass("runner-spawned");
                match started {
                    Ok(runner) => wait(runner, slot),
                    Err(ended) => Found::Ended(ended),
                }
            },
        );
    }

    /// Watches a command that an earlier host started.
    pub(super) fn adopt(&mut self, loose: &Loose) {
        let place = (loose.attempt, loose.item.as_ref().map(|(index, _)| *index));
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
        let dir = process::attempt_dir(&self.world.session_dir, place.0, place.1);
        self.watch(place, Err, move |slot| wait(Runner::adopt(&dir), slot));
    }

    fn watch(
        &mut self,
        place: (u32, Option<u32>),
        unwatched: impl FnOnce(String) -> Result<Box<Ended>, String>,
        work: impl FnOnce(&Mutex<Slot>) -> Found + Send + 'static,
    ) {
        let slot = Arc::new(Mutex::new(Slot::default()));
        self.commands.insert(place, Arc::clone(&slot));
        let world = Arc::clone(&self.world);
        let thread = std::thread::Builder::new().name(format!("attempt-{}", place.0)).spawn(move || {
            let ended = match catch_unwind(AssertUnwindSafe(|| work(&slot))) {
                Ok(Found::Ended(ended)) => Ok(ended),
                Ok(Found::Gone(evidence)) => Err(evidence),
                Ok(Found::NoStart | Found::Alive) | Err(_) => {
                    Err("its runner could not be watched; what it does is not known".to_owned())
                }
            };
            world.tell(Input::Ended { attempt: place.0, item: place.1, ended });
        });
        if let Err(e) = thread {
            self.commands.remove(&place);
            let why = format!("there is no thread left to watch it: {e}");
            self.own.push_back(Input::Ended { attempt: place.0, item: place.1, ended: unwatched(why) });
        }
    }

    /// A command has ended.
    pub(super) fn ended(&mut self, attempt: u32, item: Option<u32>) {
        self.commands.remove(&(attempt, item));
        // Its runner sees to that, where it was not killed.
        terminal::unmake(&process::attempt_dir(&self.world.session_dir, attempt, item));
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&(attempt, item));
    }

    /// Ends the command of an attempt, now or as soon as it has started.
    pub(super) fn stop(&self, attempt: u32) {
        for slot in self.commands.range((attempt, None)..=(attempt, Some(u32::MAX))).map(|(_, slot)| slot) {
            let stopper = {
                let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
                slot.stop_wanted = true;
                slot.stopper.clone()
            };
            if let Some(stopper) = stopper {
                stop(&stopper);
            }
        }
    }

    /// Hands bytes to the terminal of a command; the sentence says why it does not take them.
    pub(super) fn type_into(&self, of: &OutputFile, bytes: &[u8]) -> Result<(), String> {
        let Some(slot) = self.commands.get(&(of.attempt, of.item)) else {
            return Err("its command has ended, and its terminal with it".to_owned());
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.resize_if_due();
        match &slot.keys {
            Some(keys) => keys.type_into(bytes),
            None => Err(NOT_OPEN.to_owned()),
        }
    }

    /// The terminal of a command has this size from here on, or as soon as it is open.
    pub(super) fn resize(&self, of: &OutputFile, size: Size) {
        if let Some(slot) = self.commands.get(&(of.attempt, of.item)) {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            slot.size_due = Some(size);
            slot.resize_if_due();
        }
    }

    /// Finds an answer, at once or when others have found theirs.
    pub(super) fn ask(&mut self, tag: AskTag, ask: Box<Ask>) {
        self.turns.wait(tag, ask);
        self.ask_waiting();
    }

    /// An answer was found, or given up.
    pub(super) fn answered(&mut self, tag: &AskTag) {
        self.asks.remove(tag);
        self.turns.over(tag);
        self.ask_waiting();
    }

    /// Nobody wants these answers any more.
    pub(super) fn cancel(&mut self, check: &CheckId) {
        self.turns.forget(|tag| tag.check == *check);
        for (tag, cancel) in &self.asks {
            if tag.check == *check {
                cancel.cancel();
            }
        }
    }

    /// Lets go of every asking: the host ends.
    pub(super) fn cancel_all(&mut self) {
        self.turns.forget(|_| true);
        for cancel in self.asks.values() {
            cancel.cancel();
        }
    }

    fn ask_waiting(&mut self) {
        while let Some((tag, ask)) = self.turns.begin_next() {
            self.ask_now(tag, ask);
        }
    }

    fn ask_now(&mut self, tag: AskTag, ask: Box<Ask>) {
        let cancel = match Cancel::new() {
            Ok(cancel) => cancel,
            Err(e) => return self.unanswered(tag, &e.to_string()),
        };
        let (of_thread, world) = (cancel.clone(), Arc::clone(&self.world));
        let of_answer = tag.clone();
        let thread = std::thread::Builder::new().name(format!("ask-{}", tag.check)).spawn(move || {
            let given = world.given();
            let probe_world = ProbeWorld {
                base_dir: &world.base_dir,
                environment: &given.environment,
                secrets: &given.secrets,
                now: &|| world.now(),
            };
            let found = catch_unwind(AssertUnwindSafe(|| {
                probe::ask(&ask, &probe_world, &of_thread, &mut |news| {
                    if let News::HowFar(far) = news {
                        world.tell(Input::Looked(of_answer.clone(), far.clone()));
                    }
                })
            }));
            let answer = found.unwrap_or_else(|_| Some(no_answer("this is a fault of onbelay", world.now())));
            world.tell(Input::Answered(of_answer, answer.map(Box::new)));
        });
        match thread {
            Ok(_) => {
                self.asks.insert(tag, cancel);
            }
            Err(e) => self.unanswered(tag, &e.to_string()),
        }
    }

    /// The machine has no room to ask.
    fn unanswered(&mut self, tag: AskTag, why: &str) {
        let answer = Box::new(no_answer(why, self.world.now()));
        self.own.push_back(Input::Answered(tag, Some(answer)));
    }

    /// What went wrong at once, if anything did.
    pub(super) fn own_input(&mut self) -> Option<Input> {
        self.own.pop_front()
    }

    /// Is no check being asked?
    pub(super) fn asks_nothing(&self) -> bool {
        self.asks.is_empty()
    }
}

fn not_started(why: String) -> Ended {
    Ended {
        outcome: Outcome::NotStarted { why },
        took: 0,
        output_bytes: 0,
        output_sha256: None,
        captured: None,
        not_captured: None,
        wanted_terminal: false,
        left: Vec::new(),
    }
}

fn no_answer(why: &str, began: Moment) -> Answer {
    Answer {
        verdict: Verdict::Error,
        detail: format!("it could not be asked: {why}"),
        began,
        took: 0,
        tries: 0,
        evidence: BTreeMap::new(),
    }
}

fn place_of(permit: &Permit) -> (u32, Option<u32>) {
    (permit.attempt(), permit.item().map(|(index, _)| *index))
}

/// Waits for a command's end, after making it stoppable, and opening the way into its terminal where it has one.
fn wait(runner: Runner, slot: &Mutex<Slot>) -> Found {
    let stopper = runner.stopper();
    let stop_wanted = {
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.stopper = Some(stopper.clone());
        slot.keys =
            Some(runner.dir()).filter(|dir| terminal::is_open(dir)).and_then(|dir| Keys::open(dir).ok());
        slot.resize_if_due();
        slot.stop_wanted
    };
    if stop_wanted {
        stop(&stopper);
    }
    runner.wait()
}

fn stop(stopper: &Stopper) {
    if let Err(e) = stopper.stop() {
        eprintln!("{} a command could not be ended: {e}", crate::clock::utc());
    }
}
