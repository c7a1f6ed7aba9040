//! Who is here, in which role, and how that is known. PURE. It must not know where that is shown.

use crate::runbook::Proof;
use crate::session::approve::name_of;
use crate::session::event::Proven;
use crate::session::state::Approval;
use crate::session::{Person, Session};
use crate::wire::messages::{Present, Role};

use super::view::shape::plain;

/// Somebody who is here, once however many screens they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Here {
    /// The account's name, cleaned.
    pub name: String,
    /// What they are here for.
    pub role: &'static str,
    /// How they are known; empty for the operator.
    pub known: String,
    /// The same in a few letters.
    pub short: String,
}

/// Everyone who is here, the operator first, whether they have a screen open or not.
#[must_use]
pub fn here(session: &Session, present: &[Present]) -> Vec<Here> {
    let operator = &session.operator;
    let drives = |p: &Present| p.person.same_account(operator) && p.role == Role::Drive;
    let away = !present.iter().any(drives);
    let role = if away { "operator, away" } else { "operator" };
    let mut all =
        vec![Here { name: plain(&operator.name), role, known: String::new(), short: String::new() }];
    // Of one account's screens the one that can do most counts.
    let mut seen: Vec<&Present> = Vec::new();
    for p in present.iter().filter(|p| p.role != Role::Act && !drives(p)) {
        match seen.iter_mut().find(|known| known.person == p.person) {
            Some(known) if known.role == Role::Watch => *known = p,
            Some(_) => {}
            None => seen.push(p),
        }
    }
    all.extend(seen.into_iter().map(|p| Here {
        name: plain(&p.person.name),
        role: match p.role {
            Role::Witness => "witness",
            Role::Watch => "watching",
            Role::Drive | Role::Act => "attached",
        },
        known: known(&p.person, operator),
        short: short(&p.person, operator),
    }));
    all
}

/// How a person is known, by the kernel's word, beside the operator.
#[must_use]
pub fn known(person: &Person, operator: &Person) -> String {
    if person.same_account(operator) {
        "same account as the operator".to_owned()
    } else if person.may_be(operator) {
        format!("logged in as {}", plain(&operator.name))
    } else if person.uid == Some(0) {
        "root".to_owned()
    } else {
        "another account".to_owned()
    }
}

/// [`known`], in a few letters.
fn short(person: &Person, operator: &Person) -> String {
    if person.same_account(operator) {
        "same acct".to_owned()
    } else if person.may_be(operator) {
        format!("as {}", plain(&operator.name))
    } else if person.uid == Some(0) {
        "root".to_owned()
    } else {
        "acct".to_owned()
    }
}

/// How whoever approved is known, in a few words.
#[must_use]
pub fn proof(approval: &Approval) -> String {
    match &approval.proof {
        Proven::Account if approval.by.uid == Some(0) => "root".to_owned(),
        Proven::Account => "another account".to_owned(),
        Proven::Key(signed) => format!("signed with {}", plain(&signed.fingerprint)),
        Proven::Here { .. } => "a name typed here, unproven".to_owned(),
    }
}

/// `sam` or `sam and kim`, of approvals.
#[must_use]
pub fn names(approvals: &[&Approval]) -> String {
    let names: Vec<String> = approvals.iter().map(|approval| plain(name_of(approval))).collect();
    names.join(" and ")
}

/// Who can approve a step, in a sentence.
#[must_use]
pub fn who_can(session: &Session, place: usize) -> String {
    let Some(rule) = &session.runbook.steps[place].witness else { return String::new() };
    let operator = plain(&session.operator.name);
    let of = rule.of.iter().map(|name| plain(name)).collect::<Vec<_>>().join(" or ");
    let who = if of.is_empty() { "anybody".to_owned() } else { of };
    let how = match rule.proof {
        Proof::Account => format!("on another account than {operator}'s"),
        Proof::Key => "with an SSH key that is allowed to sign".to_owned(),
        Proof::Here => "who stands beside you: they type their name here, which proves nothing".to_owned(),
    };
    let count =
        if rule.count == 1 { String::new() } else { format!("; {} different people must", rule.count) };
    format!("{who} {how}{count}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, uid: u32, login: Option<u32>) -> Person {
        Person { name: name.to_owned(), uid: Some(uid), login }
    }

    #[test]
    fn how_somebody_is_known_is_said_as_it_is() {
        let dana = person("dana", 1000, Some(1000));
        assert_eq!(known(&person("sam", 1001, Some(1001)), &dana), "another account");
        assert_eq!(known(&person("sam", 1001, None), &dana), "another account");
        assert_eq!(known(&person("sam", 1001, Some(1000)), &dana), "logged in as dana");
        assert_eq!(known(&dana, &dana), "same account as the operator");
        assert_eq!(known(&person("root", 0, None), &dana), "root");
        assert_eq!(known(&person("root", 0, Some(1000)), &dana), "logged in as dana");
    }
}
