//! How many may be here at once: in all, and of one account. SHELL: counts what other threads give back.
//!
//! A hold must get through however many connections somebody else opens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many clients there may be at once.
const MOST: usize = 64;

/// Of these, kept free for the operator, the session's owner and root.
const KEPT: usize = 16;

/// How many clients anybody else may have at once.
const OF_ONE: usize = 8;

/// The places of one host.
#[derive(Debug, Default)]
pub(in crate::host) struct Seats {
    taken: Mutex<BTreeMap<u32, usize>>,
}

/// Whose place it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// The operator, the session's owner, root.
    First,
    /// Everybody else.
    Guest,
}

/// A place that was counted, until it is given back.
#[derive(Debug)]
pub(super) struct Seat {
    of: Arc<Seats>,
    uid: u32,
}

impl Seats {
    fn taken(&self) -> MutexGuard<'_, BTreeMap<u32, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is somebody here?
    pub(in crate::host) fn any(&self) -> bool {
        !self.taken().is_empty()
    }

    /// A place for this account; or a sentence.
    pub(super) fn take(self: &Arc<Self>, uid: u32, rank: Rank) -> Result<Seat, String> {
        let mut taken = self.taken();
        let all: usize = taken.values().sum();
        let own = taken.entry(uid).or_default();
        let no = match rank {
            _ if all >= MOST => Some(format!("{MOST} clients are here already; close one of them")),
            Rank::Guest if *own >= OF_ONE => Some(format!(
                "you have {OF_ONE} clients here already, the most of one account; close one of them"
            )),
            Rank::Guest if all >= MOST - KEPT => Some(format!(
                "{all} clients are here already, and the last {KEPT} places are kept for the operator; close one of them"
            )),
            _ => None,
        };
        if let Some(why) = no {
            taken.retain(|_, count| *count > 0);
            return Err(why);
        }
        *own += 1;
        drop(taken);
        Ok(Seat { of: Arc::clone(self), uid })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.of.taken();
        if let Some(count) = taken.get_mut(&self.uid) {
            *count -= 1;
        }
        taken.retain(|_, count| *count > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_leave_room_for_the_operator_and_for_each_other() {
        let seats = Arc::new(Seats::default());
        let mut held = Vec::new();
        for _ in 0..OF_ONE {
            held.push(seats.take(1, Rank::Guest).unwrap());
        }
        assert!(seats.take(1, Rank::Guest).unwrap_err().starts_with("you have 8 clients here already"));
        for uid in 2..7 {
            held.extend((0..OF_ONE).map(|_| seats.take(uid, Rank::Guest).unwrap()));
        }
        assert_eq!(held.len(), MOST - KEPT);
        let why = seats.take(7, Rank::Guest).unwrap_err();
        assert!(why.starts_with("48 clients are here already, and the last 16 places are kept"), "{why}");
        held.extend((0..KEPT).map(|_| seats.take(0, Rank::First).unwrap()));
        assert!(seats.take(0, Rank::First).unwrap_err().starts_with("64 clients are here already"));
        held.truncate(1);
        assert!(seats.take(7, Rank::Guest).is_ok());
        assert!(seats.any());
        held.clear();
        assert!(!seats.any(), "who was refused left nothing behind");
    }
}
