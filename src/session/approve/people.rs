//! Who approved: names, who could be one and the same, and who cannot approve this. PURE.

use crate::runbook::{Proof, WitnessRule};
use crate::session::Session;
use crate::session::event::{Person, Proven};
use crate::session::state::Approval;
use crate::text::is_marked;

use super::Subject;

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
        (Proven::Key(a), Proven::Key(b)) if a.fingerprint == b.fingerprint => true,
        _ => names_of(a).any(|a| names_of(b).any(|b| same_name(a, b))),
    }
}

/// Every name that whoever approved is known by.
fn names_of(approval: &Approval) -> impl Iterator<Item = &str> {
    let also = match &approval.proof {
        Proven::Key(signed) => signed.also.as_slice(),
        Proven::Account | Proven::Here { .. } => &[],
    };
    also.iter().map(String::as_str).chain([name_of(approval)])
}

/// Can these two names mean one person? Only letters and digits tell people apart, not their case, and nothing after an
/// `@`, unless nothing stands before it.
#[must_use]
pub fn same_name(a: &str, b: &str) -> bool {
    let plain = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let local = |name: &str| match name.split_once('@').map_or(name, |(local, _)| local) {
        local if local.chars().any(char::is_alphanumeric) => plain(local),
        _ => plain(name),
    };
    local(a) == local(b)
}

/// Why a name that somebody typed cannot stand for a person, in a sentence: nothing to tell it by, or letters that pass
/// for others.
#[must_use]
pub fn unfit_name(name: &str) -> Option<&'static str> {
    let passes_for_others = |c: char| {
        is_marked(c)
            || matches!(c,
                '\u{2100}'..='\u{214f}' | '\u{2460}'..='\u{24ff}' // like letters, and in circles
                | '\u{ff00}'..='\u{ffef}'                         // wide and narrow
                | '\u{1d400}'..='\u{1d7ff}' | '\u{1f100}'..='\u{1f1ff}') // of mathematics, and in boxes
    };
    let mixed = name.chars().any(|c| c.is_ascii_alphabetic())
        && name.chars().any(|c| matches!(c, '\u{370}'..='\u{52f}' | '\u{13a0}'..='\u{13ff}'));
    if !name.chars().any(char::is_alphanumeric) {
        return Some("a name has letters");
    }
    (mixed || name.chars().any(passes_for_others))
        .then_some("that name has characters that look like others; type it in plain letters")
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
        // Also who was the operator before: one key under another name does not make another person.
        Proven::Key(_) => {
            let mut ever = operators.chain(&session.operators);
            ever.any(|operator| names_of(approval).any(|name| same_name(&operator.name, name)))
                .then(|| format!("the key of {name} is the operator's own"))
        }
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
        Proven::Key(signed) if signed.unknown.is_some() => {
            Some("whether the operator holds this key is not known")
        }
        Proven::Account if approval.by.uid == Some(0) => {
            Some("root can act as anyone: it does not prove a second person")
        }
        Proven::Account if approval.by.login == Some(0) => {
            Some("root became that account: it does not prove a second person")
        }
        Proven::Account if operator.uid == Some(0) => {
            Some("the operator is root and can act as any account: it does not prove a second person")
        }
        _ => None,
    }
}

/// What is to be known about an approval besides, in a sentence for those who look closely: for reports and `verify`, not
/// for a warning on every screen. `None`: nothing.
#[must_use]
pub fn remark(approval: &Approval, subject: &Subject) -> Option<&'static str> {
    if approval.proof != Proven::Account || caveat(approval, &subject.operator).is_some() {
        return None;
    }
    if approval.by.login.is_none() || subject.operator.login.is_none() {
        return Some("the kernel does not tell who logged in: `sudo -u` could not be seen");
    }
    (subject.user.uid == Some(0)).then_some(
        "what it runs, it runs as root, which can act as anyone: later records rest on what it did",
    )
}
