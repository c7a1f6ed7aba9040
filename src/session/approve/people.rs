//! Who approved: names, who could be one and the same, and who cannot approve this. PURE.

use crate::runbook::{Proof, WitnessRule};
use crate::session::Session;
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
    match (&a.proof, &b.proof) {
        (Proven::Account, Proven::Account) => a.by.may_be(&b.by),
        (Proven::Key(a), Proven::Key(b)) => {
            a.fingerprint == b.fingerprint || a.principal.eq_ignore_ascii_case(&b.principal)
        }
        _ => same_name(name_of(a), name_of(b)),
    }
}

/// Can these two names mean one person? Case, spaces and what follows an `@` do not tell people apart.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    let plain = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let (a, b) = (plain(a), plain(b));
    let local = |name: &str| name.split('@').next().unwrap_or_default().trim().to_owned();
    a == b || local(&a) == local(&b)
}

/// Why this approval cannot count, by who gave it and how that is known; `None`: it can.
#[must_use]
pub fn wrong_person(session: &Session, rule: &WitnessRule, approval: &Approval) -> Option<String> {
    let wanted = match (rule.proof, &approval.proof) {
        (Proof::Account, Proven::Account) | (Proof::Key, Proven::Key(_)) | (Proof::Here, _) => None,
        (Proof::Account, _) => Some("it asks for another account at this machine, and takes nothing else"),
        (Proof::Key, _) => Some("it asks for a signature, and takes nothing else"),
    };
    if let Some(wanted) = wanted {
        return Some(wanted.to_owned());
    }
    let name = name_of(approval);
    if matches!(approval.proof, Proven::Here { .. }) && !session.operator.same_account(&approval.by) {
        return Some(format!(
            "the name of {name} was typed from the account of {}, and counts at the operator's terminal only",
            approval.by.name
        ));
    }
    if let Some(how) = is_the_operator(session, approval) {
        return Some(format!("{how}; nobody approves themselves"));
    }
    (!rule.of.is_empty() && !rule.of.iter().any(|of| of == name))
        .then(|| format!("it may be approved by {} only, and not by {name}", rule.of.join(", ")))
}

/// How whoever approved could be the operator, in words.
fn is_the_operator(session: &Session, approval: &Approval) -> Option<String> {
    let name = name_of(approval);
    let mut operators = session.operator_as.iter().chain([&session.operator]);
    match &approval.proof {
        Proven::Account => operators.find(|operator| operator.may_be(&approval.by)).map(|operator| {
            if operator.same_account(&approval.by) {
                "that is the operator's own account".to_owned()
            } else {
                format!("{name} and the operator, {}, share a login", session.operator.name)
            }
        }),
        Proven::Key(_) => operators
            .any(|operator| same_name(&operator.name, name))
            .then(|| format!("the key of {name} is the operator's own")),
        Proven::Here { .. } => operators
            .any(|operator| same_name(&operator.name, name))
            .then(|| "that is the operator".to_owned()),
    }
}

/// The approval that somebody gave to a step before, if they did: who approved a step never starts it.
#[must_use]
pub fn approved_by<'a>(approvers: &'a [Approval], by: &Person) -> Option<&'a Approval> {
    approvers.iter().find(|given| match &given.proof {
        Proven::Account => given.by.may_be(by),
        Proven::Key(_) | Proven::Here { .. } => same_name(name_of(given), &by.name),
    })
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
