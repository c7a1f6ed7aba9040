//! Signals as something to wait for. SHELL.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{
    SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGXFSZ,
};

/// Wakes the loop at signals, and remembers whether somebody asked for the end.
pub(super) struct Bell {
    pub(super) wire: UnixStream,
    stop: Arc<AtomicBool>,
}

impl Bell {
    /// From here on every signal is taken.
    pub(super) fn hang() -> io::Result<Self> {
        let (wire, far) = UnixStream::pair()?;
        wire.set_nonblocking(true)?;
        let stop = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGTERM, Arc::clone(&stop))?;
        for signal in [SIGTERM, SIGCHLD] {
            signal_hook::low_level::pipe::register(signal, far.try_clone()?)?;
        }
        // Taken and forgotten rather than ignored: what is ignored here would be ignored in the command too. SIGPIPE is
        // ignored by the standard library, which sets it right in what it starts.
        let forgotten = Arc::new(AtomicBool::new(false));
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGXFSZ]
        {
            signal_hook::flag::register(signal, Arc::clone(&forgotten))?;
        }
        Ok(Self { wire, stop })
    }

    /// Was the end asked for?
    pub(super) fn stop_asked(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Stops its ringing; did it ring?
    pub(super) fn silence(&self) -> bool {
        let mut rings = [0; 64];
        let mut rang = false;
        while matches!((&self.wire).read(&mut rings), Ok(1..)) {
            rang = true;
        }
        rang
    }
}
