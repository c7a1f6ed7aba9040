//! What earlier walks took, read once and on a thread of its own: no line waits for a slow disk. SHELL.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::history;
use crate::session::Session;
use crate::session::estimate::Past;

/// Most of it is read by then.
const MOMENT: Duration = Duration::from_millis(200);

/// Being read, or known.
#[derive(Clone, Debug, Default)]
pub(super) struct Earlier(Arc<OnceLock<Past>>);

impl Earlier {
    /// Begins to read.
    pub(super) fn read(dir: &Path, session: &Session) -> Self {
        let (dir, session) = (dir.to_owned(), session.clone());
        Self::by(move || history::of(&dir, &session))
    }

    fn by(read: impl FnOnce() -> Past + Send + 'static) -> Self {
        let earlier = Self::default();
        let place = Arc::clone(&earlier.0);
        // It is only a help: without a thread there is none.
        let _ = std::thread::Builder::new().name("history".to_owned()).spawn(move || place.set(read()));
        earlier
    }

    /// What is known by now; at the very beginning it is waited for a moment.
    pub(super) fn known(&self) -> Past {
        let began = Instant::now();
        while self.0.get().is_none() && began.elapsed() < MOMENT {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.0.get().cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_disk_keeps_nobody_waiting() {
        let (go_on, waits) = std::sync::mpsc::channel::<()>();
        let earlier = Earlier::by(move || {
            let _ = waits.recv();
            Past::default()
        });
        assert_eq!(earlier.known(), Past::default());
        assert!(earlier.0.get().is_none(), "it was not waited for");
        drop(go_on);
    }
}
