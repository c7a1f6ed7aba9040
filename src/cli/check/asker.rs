//! The threads that ask every check of a runbook once. SHELL.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cli::exit::Failure;
use crate::cli::far::Far;
use crate::cli::out::say;
use crate::clock;
use crate::id::{CheckId, ValueName};
use crate::probe::{self, Cancel, News, ProbeWorld, Turns};
use crate::session::next::Ask;
use crate::session::{Answer, HowFar};
use crate::wire::start::NewSession;

/// Threads that ask.
const THREADS: usize = 32;

/// How often Ctrl-C is looked for.
const LOOK: Duration = Duration::from_millis(100);

/// What probes need, owned.
struct World {
    base_dir: OsString,
    environment: BTreeMap<String, OsString>,
    secrets: BTreeMap<ValueName, String>,
}

/// The threads that ask.
pub(super) struct Asker {
    news: Receiver<Told>,
    cancel: Cancel,
    interrupted: Arc<AtomicBool>,
    count: usize,
}

/// What the threads tell.
enum Told {
    Far(CheckId, Option<String>, HowFar),
    Answer(Box<Ask>, Option<Answer>),
}

impl Asker {
    pub(super) fn start(asks: Vec<Ask>, new: &NewSession) -> Result<Self, Failure> {
        let cancel = Cancel::new().map_err(|e| Failure::machine(format!("cannot ask the checks: {e}")))?;
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))
                .map_err(|e| Failure::machine(format!("cannot listen for Ctrl-C: {e}")))?;
        }
        let world = Arc::new(World {
            base_dir: new.opened.dir.clone().into(),
            environment: new.given.environment.clone(),
            secrets: new.given.secrets.clone(),
        });
        let count = asks.len();
        let mut turns = Turns::default();
        asks.into_iter().enumerate().for_each(|(number, ask)| turns.wait(number, Box::new(ask)));
        let queue = Arc::new((Mutex::new(turns), Condvar::new()));
        let (sender, news) = channel();
        for _ in 0..THREADS.min(count) {
            let (queue, world, cancel, sender) =
                (Arc::clone(&queue), Arc::clone(&world), cancel.clone(), sender.clone());
            std::thread::Builder::new()
                .name("check".to_owned())
                .spawn(move || work(&queue, &world, &cancel, &sender))
                .map_err(|e| Failure::machine(format!("cannot start a thread: {e}")))?;
        }
        Ok(Self { news, cancel, interrupted, count })
    }

    /// Waits for every answer.
    pub(super) fn collect(
        self,
        mut take: impl FnMut(CheckId, Option<String>, Answer) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut left = self.count;
        let mut spoken = Far::default();
        while left > 0 {
            match self.news.recv_timeout(LOOK) {
                Ok(Told::Answer(ask, answer)) => {
                    if let Some(answer) = answer {
                        take(ask.check, ask.item, answer)?;
                    }
                    left -= 1;
                }
                Ok(Told::Far(check, item, far)) => {
                    if let Some(line) = spoken.looked(&check, item.as_deref(), &far, Instant::now()) {
                        say(line);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::machine("a check ended without an answer; nothing was changed"));
                }
            }
            if self.interrupted.load(Ordering::SeqCst) {
                self.cancel.cancel();
                // Each asking ends its command before it lets go of the channel.
                while self.news.recv().is_ok() {}
                return Err(Failure::interrupted("interrupted; no step was started"));
            }
        }
        Ok(())
    }
}

/// Asks one after another until nothing waits.
fn work(queue: &(Mutex<Turns<usize>>, Condvar), world: &World, cancel: &Cancel, sender: &Sender<Told>) {
    let (queue, changed) = queue;
    let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let mut held = lock();
        let (number, ask) = loop {
            if let Some(next) = held.begin_next() {
                break next;
            }
            if held.none_waits() {
                return;
            }
            held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
        };
        drop(held);
        let answer = find(&ask, world, cancel, sender);
        lock().over(&number);
        changed.notify_all();
        if sender.send(Told::Answer(ask, answer)).is_err() {
            return;
        }
    }
}

fn find(ask: &Ask, world: &World, cancel: &Cancel, sender: &Sender<Told>) -> Option<Answer> {
    let now = || clock::moment(0);
    let world = ProbeWorld {
        base_dir: Path::new(&world.base_dir),
        environment: &world.environment,
        secrets: &world.secrets,
        now: &now,
    };
    probe::ask(ask, &world, cancel, &mut |news| {
        if let News::HowFar(far) = news {
            // Nobody listens only after an interruption.
            let _ = sender.send(Told::Far(ask.check.clone(), ask.item.clone(), far.clone()));
        }
    })
}
