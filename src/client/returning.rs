//! Staying connected over the loss of a host: connecting anew, and waiting for a host that only somebody else can start.
//! SHELL.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::wire::FromHost;

use super::link::{End, Linked, establish, other_owner, read_one};
use super::{ClientError, Incoming, Shared, Stay, Wish};

/// A host that is lost more often than this within [`A_WHILE`] is in trouble.
const MOST_LOSSES: usize = 5;

/// See [`MOST_LOSSES`].
const A_WHILE: Duration = Duration::from_mins(1);

/// Whoever waits tries this often at first: somebody is about to bring the host back.
const SOON: Duration = Duration::from_millis(250);

/// As long as that.
const AT_FIRST: Duration = Duration::from_secs(10);

/// And this often from then on.
const LATER: Duration = Duration::from_secs(2);

/// A look at the session is taken this often at the latest, besides whenever its directory has changed.
const LOOK: Duration = Duration::from_mins(1);

/// A new host gives its socket to the group a moment after it has made it: only a door that stays shut is one.
const MOST_REFUSALS: u32 = 8;

/// Delivers what comes until nobody listens, connecting anew where that is wished.
pub(super) fn read_for_ever(
    dir: &Path,
    wish: &Wish,
    first: Linked,
    shared: &Shared,
    mut deliver: impl FnMut(Incoming) -> bool,
) {
    let mut linked = first;
    let mut recent_losses: Vec<Instant> = Vec::new();
    loop {
        let end = read_one(&mut linked, &mut deliver);
        shared.set(None);
        let why = match end {
            End::Unheard => return,
            _ if shared.is_closing() => return,
            End::Final(why) => {
                deliver(Incoming::Gone { why });
                return;
            }
            End::Broken(why) => why,
        };
        recent_losses.retain(|at| at.elapsed() < A_WHILE);
        recent_losses.push(Instant::now());
        let many = recent_losses.len() > MOST_LOSSES;
        let guest = other_owner(dir).is_some();
        let still_open = match wish.stay {
            // Who can start no host makes nothing worse by waiting for the next one.
            Stay::Yes(still_open) if guest || !many => still_open,
            _ => {
                deliver(Incoming::Gone { why });
                return;
            }
        };
        if !deliver(Incoming::Lost { why }) {
            return;
        }
        if many {
            std::thread::sleep(LATER);
        }
        let again = connect_again(dir, wish, still_open, shared, &mut deliver).and_then(|new| {
            let writer = new.stream.try_clone().map_err(ClientError::io("keep the connection"));
            shared.set(Some(writer.map_err(|e| Over::Gone(e.to_string()))?));
            Ok(new)
        });
        match again {
            Ok(new) => linked = new,
            Err(Over::Unheard) => return,
            Err(Over::Gone(why)) => {
                deliver(Incoming::Gone { why });
                return;
            }
        }
        // Dropped meanwhile: the new connection was not there yet to be shut.
        if shared.is_closing()
            || !deliver(Incoming::Message(Box::new(FromHost::Welcome(linked.welcome.clone()))))
        {
            return;
        }
    }
}

/// Why there is no new connection.
enum Over {
    /// Nobody listens here any more.
    Unheard,
    /// There will be none.
    Gone(String),
}

fn connect_again(
    dir: &Path,
    wish: &Wish,
    still_open: fn(&Path) -> Result<(), String>,
    shared: &Shared,
    deliver: &mut impl FnMut(Incoming) -> bool,
) -> Result<Linked, Over> {
    let since = Instant::now();
    let mut told = false;
    let mut refusals = 0;
    let mut looked: Option<(Instant, Option<Stamp>)> = None;
    loop {
        match establish(dir, wish, shared.role()) {
            Ok(linked) => return Ok(linked),
            Err(ClientError::OnlyItsOwner { owner, .. }) => {
                refusals = 0;
                if !told && !deliver(Incoming::Waiting { owner }) {
                    return Err(Over::Unheard);
                }
                told = true;
                // A host may have come and gone between two tries: whatever it closed stays closed.
                let now = stamp(dir);
                if looked.is_none_or(|(at, then)| then != now || at.elapsed() > LOOK) {
                    looked = Some((Instant::now(), now));
                    still_open(dir).map_err(Over::Gone)?;
                }
            }
            Err(error @ ClientError::NotShared { .. }) => {
                refusals += 1;
                if refusals > MOST_REFUSALS {
                    return Err(Over::Gone(error.to_string()));
                }
            }
            // The host that came is gone again.
            Err(ClientError::Lost { .. }) if told => {}
            Err(error) => return Err(Over::Gone(error.to_string())),
        }
        std::thread::sleep(if since.elapsed() < AT_FIRST { SOON } else { LATER });
        if shared.is_closing() {
            return Err(Over::Unheard);
        }
    }
}

/// What changes in a directory when a host comes or goes: seconds and nanoseconds.
type Stamp = (i64, i64);

fn stamp(dir: &Path) -> Option<Stamp> {
    dir.metadata().ok().map(|found| (found.ctime(), found.ctime_nsec()))
}
