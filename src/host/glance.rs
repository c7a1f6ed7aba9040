//! What the threads of clients must know of the walk, as it stood after the last turn. PURE but for who holds it.
//!
//! Clients' threads ask the system before a request reaches the host's loop; the loop alone has the walk.

use std::sync::{Arc, Mutex, PoisonError};

use crate::id::StepId;
use crate::session::event::{Proven, SignedBy};
use crate::session::{Person, Session};

/// The same for every thread.
pub(super) type Shared = Arc<Mutex<Glance>>;

/// As little as is needed.
#[derive(Clone, Debug, Default)]
pub(super) struct Glance {
    /// The operator's account.
    pub(super) operator: Option<u32>,
    /// Approvals that count.
    pub(super) approvals: Vec<Live>,
}

/// An approval that counts, as long as whoever gave it still may.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) step: StepId,
    /// Its record.
    pub(super) n: u64,
    pub(super) rests_on: RestsOn,
}

/// What made it count.
#[derive(Clone, Debug)]
pub(super) enum RestsOn {
    /// Their account, and that it may be here.
    Account(Person),
    /// A key over this text, and that it is allowed.
    Key(String, Box<SignedBy>),
}

impl Glance {
    pub(super) fn of(session: &Session) -> Self {
        let mut approvals = Vec::new();
        for (state, step) in session.steps.iter().zip(&session.runbook.steps) {
            let Some(round) = &state.approval else { continue };
            for given in round.given.iter().filter(|given| given.void.is_none()) {
                let rests_on = match &given.proof {
                    Proven::Account => RestsOn::Account(given.by.clone()),
                    Proven::Key(signed) => RestsOn::Key(round.subject.text(), signed.clone()),
                    Proven::Here { .. } => continue,
                };
                approvals.push(Live { step: step.id.clone(), n: given.n, rests_on });
            }
        }
        Self { operator: session.operator.uid, approvals }
    }
}

/// Those that count for a step now.
pub(super) fn approvals_of(shared: &Shared, step: &StepId) -> Vec<Live> {
    let glance = shared.lock().unwrap_or_else(PoisonError::into_inner);
    glance.approvals.iter().filter(|live| live.step == *step).cloned().collect()
}

/// The operator's account.
pub(super) fn operator(shared: &Shared) -> Option<u32> {
    shared.lock().unwrap_or_else(PoisonError::into_inner).operator
}
