//! Whether those who approved still may, at the moment their approval is to be used. SHELL: asks the system.

use crate::clock;
use crate::id::StepId;
use crate::session::approve::signature;
use crate::session::event::SignedBy;

use super::super::glance::{self, RestsOn};
use super::super::peer::{self, Account};
use super::{Surroundings, signers};

/// The approvals of a step whose givers may not approve any more: the record of each, and why. `Err`: that cannot be
/// found out now; a sentence.
pub(super) fn approvals(around: &Surroundings, step: &StepId) -> Result<Vec<(u64, String)>, String> {
    let mut lapsed = Vec::new();
    for live in glance::approvals_of(&around.glance, step) {
        let why = match &live.rests_on {
            RestsOn::Account(person) => {
                let Some(uid) = person.uid else { continue };
                let account = peer::account(uid);
                let why = around.circle.bars(uid, &account);
                match (&account, why) {
                    (Account::Silent(_), Some(why)) => {
                        return Err(format!("whether {} may still approve is not known: {why}", person.name));
                    }
                    (_, why) => why,
                }
            }
            RestsOn::Key(text, signed) => key_is_not_allowed(around, text, signed)
                .map(|why| format!("the key of {} does not count any more: {why}", signed.principal)),
        };
        lapsed.extend(why.map(|why| (live.n, why)));
    }
    Ok(lapsed)
}

fn key_is_not_allowed(around: &Surroundings, text: &str, signed: &SignedBy) -> Option<String> {
    let signers = signers::read(around.circle.owner(), around.signers.as_deref(), &around.home);
    signers.and_then(|signers| signature::check_against(text, signed, &signers, clock::utc())).err()
}
