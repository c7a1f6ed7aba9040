//! Named points of a step's life at which a test may end or halt this process. SHELL; empty unless the feature
//! `failpoints` is on, which no release has. Knows nothing of what goes on around a point.
//!
//! `ONBELAY_FAILPOINT` holds `NAME=ACTION`, several separated by `;`. A name may be followed by `#N`: from the Nth
//! passing only. Actions:
//! `kill` ends the process as SIGKILL does · `stop:FILE` writes its process id to FILE, whole or not at all, and
//! halts the process (SIGSTOP) until somebody continues or kills it · `mark:FILE` only writes FILE · `ms:N` is a length
//! of time, in place of one that nobody wants to sit out · `word:TEXT` is a word, in place of the kernel's ·
//! `panic` breaks the thread that passes, as a fault of ours would.
//!
//! The points, in the order in which a step passes them. In the host: `intent-unwritten` (about to write the record
//! of a start), `intent-unsynced` (it is written, and may be lost with the power), `intent-written` (it is durable,
//! nothing is started), `runner-spawned`, `outcome-seen` (the outcome file was read, nothing is recorded),
//! `outcome-unsynced` (how the work ended is written, and may be lost), `outcome-recorded` (it is durable),
//! `step-settled` (so is the step's new state). In the runner: `runner-up` (before its start record), `start-recorded`
//! (before the command), `command-started`, `command-ended` (before the outcome file), `outcome-file-unsynced` (it is
//! written under another name), `outcome-file-unnamed` (its text is durable), `outcome-name-unsynced` (it has its name),
//! `outcome-left` (the name is durable, too). In a host that takes a session over: `host-announced` (its own record is
//! durable, nothing was looked at), `starts-looked-at` (every open start was looked at, nothing of that is recorded).
//! In the process of a probe: `probe-read` (something was read, more is to be). Lengths: `probe-silence`, `boot-began`
//! (how long after the kernel's own start this boot is said to have begun). Words: `boot-id`, `logout-root` (below
//! which directory is looked what a logout ends).
//!
//! In a screen: `screen-taken` (the terminal is ours, nothing was drawn), `message-taken` (its loop takes something in),
//! `picture-begun` (in the middle of drawing), `picture-out` (the thread that writes has one), `key-heard` (the thread that
//! hears keys has one), `terminal-given-back` (in what a panic calls first).
//!
//! The writer of the journal does not know what records mean: whoever hands them over says what they are ([`during`]),
//! and the point inside the writer is named after that.

use std::time::Duration;

/// Passes the point `name`: nothing, unless a test asked for something there.
#[inline]
pub fn pass(name: &str) {
    #[cfg(feature = "failpoints")]
    armed::pass(name);
    #[cfg(not(feature = "failpoints"))]
    let _ = name;
}

/// Does something that passes the point `NAME-unsynced`, if anybody is to know it apart from others of its kind.
#[inline]
pub fn during<T>(name: Option<&'static str>, act: impl FnOnce() -> T) -> T {
    #[cfg(feature = "failpoints")]
    return armed::during(name, act);
    #[cfg(not(feature = "failpoints"))]
    {
        let _ = name;
        act()
    }
}

/// Passes the point of what is being done ([`during`]).
#[inline]
pub fn pass_unsynced() {
    #[cfg(feature = "failpoints")]
    armed::pass_unsynced();
}

/// A word that a test gives in place of the kernel's.
#[inline]
#[must_use]
pub fn word(name: &str) -> Option<String> {
    #[cfg(feature = "failpoints")]
    return armed::word(name);
    #[cfg(not(feature = "failpoints"))]
    {
        let _ = name;
        None
    }
}

/// A length of time: the usual one, unless a test asked for a shorter one.
#[inline]
#[must_use]
pub fn length(name: &str, usual: Duration) -> Duration {
    #[cfg(feature = "failpoints")]
    return armed::length(name).unwrap_or(usual);
    #[cfg(not(feature = "failpoints"))]
    {
        let _ = name;
        usual
    }
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::cell::Cell;
    use std::collections::HashMap;
    use std::path::Path;
    use std::sync::{LazyLock, Mutex, PoisonError};
    use std::time::Duration;

    use rustix::process::{Signal, getpid, kill_process};

    /// What a test asked for at one point.
    #[derive(Debug, PartialEq, Eq)]
    enum Action {
        Kill,
        Stop(String),
        Mark(String),
        Length(Duration),
        Panic,
        Word(String),
    }

    /// The action, and how many more times the point is passed before it is due.
    struct Armed {
        action: Action,
        wait: u32,
    }

    static ARMED: LazyLock<Mutex<HashMap<String, Armed>>> =
        LazyLock::new(|| Mutex::new(parse(&std::env::var("ONBELAY_FAILPOINT").unwrap_or_default())));

    fn parse(text: &str) -> HashMap<String, Armed> {
        text.split(';')
            .filter_map(|entry| {
                let (point, action) = entry.split_once('=')?;
                let (name, nth) = point.split_once('#').unwrap_or((point, "1"));
                let action = match action.split_once(':') {
                    None if action == "kill" => Action::Kill,
                    None if action == "panic" => Action::Panic,
                    Some(("stop", file)) => Action::Stop(file.to_owned()),
                    Some(("mark", file)) => Action::Mark(file.to_owned()),
                    Some(("word", word)) => Action::Word(word.to_owned()),
                    Some(("ms", millis)) => Action::Length(Duration::from_millis(millis.parse().ok()?)),
                    _ => return None,
                };
                let wait = nth.parse::<u32>().ok()?.checked_sub(1)?;
                Some((name.trim().to_owned(), Armed { action, wait }))
            })
            .collect()
    }

    pub(super) fn pass(name: &str) {
        let due = {
            let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
            match armed.get_mut(name) {
                Some(point) if point.wait > 0 => {
                    point.wait -= 1;
                    None
                }
                Some(_) => armed.remove(name).map(|point| point.action),
                None => None,
            }
        };
        match due {
            Some(Action::Kill) => signal(Signal::KILL),
            Some(Action::Stop(file)) => {
                mark(Path::new(&file));
                signal(Signal::STOP);
            }
            Some(Action::Mark(file)) => mark(Path::new(&file)),
            Some(Action::Panic) => panic!("a test asked for it at {name}"),
            None | Some(Action::Length(_) | Action::Word(_)) => {}
        }
    }

    thread_local! {
        static DOING: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    pub(super) fn during<T>(name: Option<&'static str>, act: impl FnOnce() -> T) -> T {
        let before = DOING.replace(name);
        let done = act();
        DOING.set(before);
        done
    }

    pub(super) fn pass_unsynced() {
        if let Some(name) = DOING.get() {
            pass(&format!("{name}-unsynced"));
        }
    }

    pub(super) fn word(name: &str) -> Option<String> {
        let armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
        match &armed.get(name)?.action {
            Action::Word(word) => Some(word.clone()),
            _ => None,
        }
    }

    pub(super) fn length(name: &str) -> Option<Duration> {
        let armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
        match armed.get(name)?.action {
            Action::Length(length) => Some(length),
            _ => None,
        }
    }

    fn signal(signal: Signal) {
        // A test that asked for the impossible fails by itself.
        let _ = kill_process(getpid(), signal);
    }

    fn mark(file: &Path) {
        let draft = file.with_extension("draft");
        if std::fs::write(&draft, getpid().as_raw_nonzero().to_string()).is_ok() {
            let _ = std::fs::rename(&draft, file);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::{Action, Duration, parse};

        #[test]
        fn reads_points_actions_and_counts() {
            let armed = parse("a=kill;b#3=stop:/x/y;c=mark:/z;d=dance;e#0=kill;;f;g=ms:250;h=panic;i=word:w");
            assert_eq!(armed["a"].action, Action::Kill);
            assert_eq!((&armed["b"].action, armed["b"].wait), (&Action::Stop("/x/y".to_owned()), 2));
            assert_eq!(armed["c"].action, Action::Mark("/z".to_owned()));
            assert_eq!(armed["g"].action, Action::Length(Duration::from_millis(250)));
            assert_eq!(armed["h"].action, Action::Panic);
            assert_eq!(armed["i"].action, Action::Word("w".to_owned()));
            assert_eq!(armed.len(), 6);
        }
    }
}
