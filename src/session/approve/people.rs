//! Who approved: names, and who could be one and the same. PURE.

use crate::session::event::{Person, Proven};
use crate::session::state::Approval;

/// What to call whoever approved.
#[must_use]
pub fn name_of(approval: &Approval) -> &str {
    match &approval.proof {
        Proven::Account => &approval.by.name,
        Proven::Key(signed) => &signed.principal,
        Proven::Here { name } => name,
    }
}

/// Can these two be one person? Where in doubt, yes: two approvals of one person count once.
#[must_use]
pub fn same_person(a: &Approval, b: &Approval) -> bool {
    if name_of(a).trim().eq_ignore_ascii_case(name_of(b).trim()) {
        return true;
    }
    match (&a.proof, &b.proof) {
        (Proven::Account, Proven::Account) => a.by.may_be(&b.by),
        (Proven::Key(a), Proven::Key(b)) => a.fingerprint == b.fingerprint,
        _ => false,
    }
}

/// What an approval does not prove, in a sentence for every report; `None`: it proves what its kind can.
#[must_use]
pub fn caveat(approval: &Approval, operator: &Person) -> Option<&'static str> {
    match &approval.proof {
        Proven::Here { .. } => {
            Some("typed at the operator's own terminal: it proves nothing about who was there")
        }
        Proven::Account if approval.by.uid == Some(0) => {
            Some("root can act as anyone: it does not prove a second person")
        }
        Proven::Account if operator.uid == Some(0) => {
            Some("the operator is root and can act as any account: it does not prove a second person")
        }
        _ => None,
    }
}
