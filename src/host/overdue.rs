//! Says so while a write of the log hangs: the loop itself waits for it, and could tell only afterwards. SHELL.
//!
//! A disk that takes a minute looks, to whoever asked, like a host that is dead. Commands run on, screens stay alive, and
//! nothing is started meanwhile; what is missing is the word.

use std::convert::Infallible;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::clients::Lines;
use super::turn::SLOW;
use crate::wire::FromHost;
use crate::wire::messages::LogHealth;

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
    write: Option<Write>,
    /// The thread sleeps until a write begins: while nothing is written it costs nothing.
    asleep: bool,
}

/// A write that has begun.
struct Write {
    began: Instant,
    /// It is told of once it has taken this long.
    due: Duration,
}

impl State {
    fn begin(&mut self, now: Instant) {
        self.write = Some(Write { began: now, due: SLOW });
    }

    /// Tells of the write under way where that is due, and again and again while it hangs. How long until it is due;
    /// `None`: nothing is written.
    fn look(&mut self, now: Instant, tell: impl FnOnce(Duration)) -> Option<Duration> {
        let write = self.write.as_mut()?;
        let took = now.saturating_duration_since(write.began);
        if took >= write.due {
            tell(took);
            write.due = took + SLOW;
        }
        Some(write.due.saturating_sub(took))
    }

    /// It is over; how long it took, where it was told of.
    fn end(&mut self, now: Instant) -> Option<Duration> {
        let write = self.write.take()?;
        (write.due > SLOW).then(|| now.saturating_duration_since(write.began))
    }
}

impl UnderWay {
    /// A write begins.
    pub(super) fn begin(&self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.begin(Instant::now());
        if std::mem::take(&mut state.asleep) {
            self.0.woken.notify_one();
        }
    }

    /// It is over, well or not: the loop tells of that itself. Where everyone was told that it is slow, how long it took, no
    /// less than they were told: the loop has to know, for it tells when the log is safe again.
    pub(super) fn end(&self) -> Option<Duration> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.end(Instant::now())
    }

    /// Tells of each that is under way for too long, for ever. It is still under way while it is told: what the loop says
    /// afterwards comes after it.
    fn tell_of_each(&self, tell: impl Fn(Duration)) -> Infallible {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let wait = state.look(Instant::now(), &tell);
            state = if let Some(wait) = wait {
                self.0.woken.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
            } else {
                state.asleep = true;
                self.0.woken.wait(state).unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j17_a_write_that_hangs_is_told_again_each_second_and_the_loop_learns_that_it_was() {
        let began = Instant::now();
        let millis = Duration::from_millis;
        let mut told = Vec::new();
        let mut state = State::default();
        assert_eq!(state.look(began, |took| told.push(took)), None, "nothing is written");
        state.begin(began);
        // When it looks, and how long it then waits.
        for (at, wait) in [(0, 1_000), (999, 1), (1_000, 1_000), (1_400, 600), (2_500, 1_000)] {
            assert_eq!(state.look(began + millis(at), |took| told.push(took)), Some(millis(wait)), "{at}");
        }
        assert_eq!(told, [millis(1_000), millis(2_500)]);
        assert_eq!(state.end(began + millis(2_600)), Some(millis(2_600)));
        assert_eq!(state.look(began + millis(9_000), |took| told.push(took)), None, "it is over");
        assert_eq!(told.len(), 2);
        // Over in the very moment in which it was told: slow for the loop too, which then tells when it is safe again.
        state.begin(began);
        state.look(began + SLOW, |_| ());
        assert!(state.end(began + SLOW).is_some_and(|took| took >= SLOW));
        // And one that nobody was told of is as long as the writer says.
        state.begin(began);
        state.look(began + millis(999), |_| panic!("it is not slow"));
        assert_eq!(state.end(began + SLOW), None);
    }
}
