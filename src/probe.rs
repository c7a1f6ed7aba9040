//! How checks find their answers: one file per probe. SHELL.
//! It must not know the journal, the wire or any screen.

mod apart;
pub mod covers;
mod devices;
mod different;
mod elapsed;
mod fresh;
mod identity;
pub mod look;
mod mounts;
mod not_in_use;
mod persistent;
mod place;
pub mod progress;
mod run;
mod space;
mod turns;
mod unchanged_since;
mod whereabouts;

pub use apart::main;
pub use turns::Turns;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::id::ValueName;
use crate::process::kernel;
use crate::session::next::{Ask, ReadyProbe};
use crate::session::{Answer, HowFar, Verdict};
use crate::time::{Moment, in_words};

/// The shortest pause between two tries: `every: 0s` must not keep a processor busy.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// What a probe needs of the world.
#[derive(Clone, Copy)]
pub struct ProbeWorld<'a> {
    /// The directory the session was started in; relative directories count from it.
    pub base_dir: &'a Path,
    /// What commands get of the starter's environment.
    pub environment: &'a BTreeMap<String, OsString>,
    /// Every secret that is known.
    pub secrets: &'a BTreeMap<ValueName, String>,
    /// The present, by the host's clocks.
    pub now: &'a (dyn Fn() -> Moment + Sync),
}

/// Ends an asking from another thread. Clones are one and the same.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<OwnedFd>);

impl Cancel {
    /// A fresh one, not cancelled.
    pub fn new() -> io::Result<Self> {
        let flags = rustix::event::EventfdFlags::CLOEXEC | rustix::event::EventfdFlags::NONBLOCK;
        Ok(Self(Arc::new(rustix::event::eventfd(0, flags)?)))
    }

    /// Ends the asking, for good: its command is ended, its [`ask`] returns `None`.
    pub fn cancel(&self) {
        // Fails only when the counter is full, and then it was cancelled before.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }

    /// Waits at most this long; true when cancelled.
    #[must_use]
    pub fn wait(&self, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if kernel::readable(&[self], Some(left)).contains(&true) {
                return true;
            }
            if left.is_zero() {
                return false;
            }
        }
    }
}

impl AsFd for Cancel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What is heard of an asking before its end.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// A try did not settle it.
    Unsettled(&'a Answer),
    /// A built-in probe is this far.
    HowFar(&'a HowFar),
}

/// Finds the answer of one item of a check, trying again as its `wait` says; blocks, for a thread of its own.
/// `None`: cancelled, and nothing of it runs any more.
pub fn ask(
    ask: &Ask,
    world: &ProbeWorld<'_>,
    cancel: &Cancel,
    on_news: &mut dyn FnMut(News<'_>),
) -> Option<Answer> {
    let first = Instant::now();
    let mut held_since = None;
    for tries in 1.. {
        let began = Instant::now();
        let mut answer = one_try(ask, world, cancel, on_news)?;
        answer.tries = tries;
        let Some(wait) = ask.wait.filter(|_| !matches!(ask.probe, ReadyProbe::Known(_))) else {
            return Some(answer);
        };
        let holds = answer.verdict == Verdict::Holds;
        held_since = held_since.filter(|_| holds).or_else(|| holds.then_some(began));
        let held = held_since.map(|since| since.elapsed());
        if held.is_some_and(|held| wait.steady.is_none_or(|steady| held >= steady)) {
            return Some(answer);
        }
        let left = wait.up_to.saturating_sub(first.elapsed());
        if left.is_zero() {
            return Some(given_up(answer, held, wait));
        }
        on_news(News::Unsettled(&answer));
        if cancel.wait(wait.every.max(SHORTEST_PAUSE).min(left)) {
            return None;
        }
    }
    None
}

/// The last try's answer, when there is no time for another one.
fn given_up(answer: Answer, held: Option<Duration>, wait: crate::runbook::Wait) -> Answer {
    let (Some(held), Some(steady)) = (held, wait.steady) else { return answer };
    let detail = format!(
        "held for {} of the {} it must, when {} were over",
        in_words(held),
        in_words(steady),
        in_words(wait.up_to)
    );
    Answer { verdict: Verdict::Fails, detail, ..answer }
}

fn one_try(
    ask: &Ask,
    world: &ProbeWorld<'_>,
    cancel: &Cancel,
    on_news: &mut dyn FnMut(News<'_>),
) -> Option<Answer> {
    match &ask.probe {
        ReadyProbe::Known(answer) => Some((**answer).clone()),
        ReadyProbe::ElapsedAt { since, done, at_least } => {
            Some(elapsed::answer(since, *done, *at_least, (world.now)()))
        }
        ReadyProbe::Look(look) => {
            apart::answer(look, ask.timeout, world, cancel, &mut |stage| on_news(News::HowFar(stage)))
        }
        ReadyProbe::Run { call, expect } => run::answer(call, expect, ask.timeout, world, cancel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::Wait;
    use crate::runbook::values::ScriptCall;

    /// Asks a check whose script is this, with this wait; the number of tries that did not settle it is told.
    fn asked(script: &str, wait: Option<Wait>, cancel: &Cancel) -> (Option<Answer>, usize) {
        let dir = tempfile::tempdir().unwrap();
        let environment = BTreeMap::from([("PATH".to_owned(), std::env::var_os("PATH").unwrap())]);
        let (secrets, now) = (BTreeMap::new(), || crate::clock::moment(0));
        let world =
            ProbeWorld { base_dir: dir.path(), environment: &environment, secrets: &secrets, now: &now };
        let call = ScriptCall {
            argv: ["sh", "-eu", "-c", script].map(str::to_owned).to_vec(),
            env: BTreeMap::new(),
            dir: None,
            secrets: vec![],
            secret_env: BTreeMap::new(),
        };
        let probe = ReadyProbe::Run { call, expect: crate::runbook::Expect::default() };
        let wanted = Ask { check: "c".into(), item: None, probe, timeout: None, jobs: 8, wait };
        let mut unsettled = 0;
        let answer = ask(&wanted, &world, cancel, &mut |_| unsettled += 1);
        (answer, unsettled)
    }

    fn wait(up_to: u64, every: u64, steady: Option<u64>) -> Wait {
        let ms = Duration::from_millis;
        Wait { up_to: ms(up_to), every: ms(every), steady: steady.map(ms) }
    }

    const THIRD_TIME: &str = "echo x >>count; [ $(wc -l <count) -ge 3 ]";

    #[test]
    fn it_is_tried_until_it_holds() {
        let (answer, unsettled) = asked(THIRD_TIME, Some(wait(60_000, 1, None)), &Cancel::new().unwrap());
        let answer = answer.unwrap();
        assert_eq!((answer.verdict, answer.tries, unsettled), (Verdict::Holds, 3, 2));
    }

    #[test]
    fn without_wait_one_try_is_the_answer() {
        let (answer, unsettled) = asked(THIRD_TIME, None, &Cancel::new().unwrap());
        assert_eq!((answer.unwrap().tries, unsettled), (1, 0));
    }

    #[test]
    fn an_error_is_tried_again_too_and_the_last_answer_stands() {
        let (answer, unsettled) = asked("exit 7", Some(wait(250, 1, None)), &Cancel::new().unwrap());
        let answer = answer.unwrap();
        assert_eq!(answer.verdict, Verdict::Error);
        assert!(answer.tries >= 2 && unsettled + 1 == answer.tries as usize, "{answer:?}");
    }

    #[test]
    fn steady_means_at_every_try() {
        // Fails once in the middle: what held before does not count.
        let flaps = "echo x >>count; [ $(wc -l <count) -ne 2 ]";
        let (answer, _) = asked(flaps, Some(wait(60_000, 100, Some(250))), &Cancel::new().unwrap());
        let answer = answer.unwrap();
        assert_eq!(answer.verdict, Verdict::Holds);
        assert!(answer.tries >= 5, "{answer:?}");
        let (answer, _) = asked("true", Some(wait(150, 100, Some(60_000))), &Cancel::new().unwrap());
        let answer = answer.unwrap();
        assert_eq!(answer.verdict, Verdict::Fails);
        assert!(answer.detail.contains("of the 1 min it must"), "{}", answer.detail);
    }

    #[test]
    fn a_cancelled_asking_has_no_answer() {
        let cancel = Cancel::new().unwrap();
        assert!(!cancel.wait(Duration::ZERO));
        cancel.clone().cancel();
        cancel.cancel();
        assert!(cancel.wait(Duration::from_mins(10)));
        assert_eq!(asked("sleep 600", None, &cancel).0, None);
        assert_eq!(asked("exit 1", Some(wait(600_000, 600_000, None)), &cancel).0, None);
    }
}
