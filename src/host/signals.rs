//! Signals of the host: TERM is an input, those of terminals and limits change nothing. SHELL.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::SyncSender;

use signal_hook::consts::{SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use super::clients::FromClients;
use super::turn::Input;

/// Lets nothing but TERM and KILL end this process. With handlers, not by ignoring: what is ignored stays ignored in
/// every program that is started.
pub(super) fn stand_firm() -> io::Result<()> {
    let unheard = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGXFSZ] {
        signal_hook::flag::register(signal, Arc::clone(&unheard))?;
    }
    Ok(())
}

/// Turns TERM into an input.
pub(super) fn hear_term(to_host: SyncSender<FromClients>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for _ in signals.forever() {
            if to_host.send(FromClients::Input(Input::Terminate)).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}
