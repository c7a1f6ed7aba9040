//! Says so while a write of the log hangs: the loop itself waits for it, and could tell only afterwards. SHELL.
//!
//! A disk that takes a minute looks, to whoever asked, like a host that is dead. Commands run on, screens stay alive, and
//! nothing is started meanwhile; what is missing is the word.

use std::convert::Infallible;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::clients::Lines;
use crate::wire::FromHost;
use crate::wire::messages::LogHealth;

/// A write that takes longer than this is worth a warning.
const SLOW: Duration = Duration::from_secs(1);

/// The write under way, seen by the loop and by the thread that watches it.
#[derive(Clone, Default)]
pub(super) struct UnderWay(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    began: Option<Instant>,
    /// The thread sleeps until a write begins: while nothing is written it costs nothing.
    asleep: bool,
}

impl UnderWay {
    /// A write begins.
    pub(super) fn begin(&self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.began = Some(Instant::now());
        if std::mem::take(&mut state.asleep) {
            self.0.woken.notify_one();
        }
    }

    /// It is over, well or not: the loop tells of that itself.
    pub(super) fn end(&self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).began = None;
    }

    /// Tells of each that is under way for too long, for ever. It is still under way while it is told: what the loop says
    /// afterwards comes after it.
    fn tell_of_each(&self, tell: impl Fn(Duration)) -> Infallible {
        let mut told = None;
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = state.began.map(|began| (began, SLOW.saturating_sub(began.elapsed())));
            state = match left {
                Some((began, Duration::ZERO)) if told != Some(began) => {
                    tell(began.elapsed());
                    told = Some(began);
                    state
                }
                // One that was told of is looked at again now and then, until it is over.
                Some((_, left)) => {
                    let wait = if left.is_zero() { SLOW } else { left };
                    self.0.woken.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    state.asleep = true;
                    self.0.woken.wait(state).unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }
}

/// Tells everyone of each write that takes too long, while it does. Without a thread for it, it is told afterwards.
pub(super) fn watch(under_way: UnderWay, lines: Lines) {
    let _ = std::thread::Builder::new().name("overdue".to_owned()).spawn(move || {
        under_way.tell_of_each(|took| {
            let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            lines.tell_beside_the_loop(&FromHost::Health { log: LogHealth::Slow { took } });
        })
    });
}
