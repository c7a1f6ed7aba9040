//! Is everybody on record one and the same throughout? A second person whose name or number means somebody else
//! elsewhere in the log is nobody that can be relied on. PURE.

use std::collections::BTreeMap;

use crate::runbook::Probe;
use crate::session::event::Proven;
use crate::session::{Entry, Event, Person, Session};

use super::Flaw;

/// Every account on record, by its first record, and who spoke as a second person.
#[derive(Debug, Default)]
pub(super) struct People {
    /// By number, then by name.
    accounts: BTreeMap<u32, BTreeMap<String, u64>>,
    seconds: Vec<(u64, u32, String)>,
}

impl People {
    pub(super) fn note(&mut self, session: &Session, entry: &Entry) {
        let named = match &entry.event {
            Event::SessionOpened(opened) => Some(&opened.operator),
            Event::HandedOver { to } => Some(to),
            Event::HostStarted { runs_as, .. } => runs_as.as_ref(),
            _ => None,
        };
        for person in [Some(&entry.by), named].into_iter().flatten() {
            let Some(uid) = person.uid else { continue };
            let of_account = self.accounts.entry(uid).or_default();
            if !of_account.contains_key(&person.name) {
                of_account.insert(person.name.clone(), entry.n);
            }
        }
        if let (Some(uid), true) = (entry.by.uid, is_second_person(session, &entry.event)) {
            self.seconds.push((entry.n, uid, entry.by.name.clone()));
        }
    }

    /// Second people whose account is somebody else's elsewhere.
    pub(super) fn flaws(&self) -> impl Iterator<Item = Flaw> {
        self.seconds.iter().filter_map(|(n, uid, name)| {
            let (other_uid, (other_name, at)) = self
                .accounts
                .iter()
                .flat_map(|(uid, names)| names.iter().map(move |one| (uid, one)))
                .find(|(other, (other_name, _))| (*other == uid) != (*other_name == name))?;
            let what = format!(
                "it is by {name}, account {uid}, and in record {at} {other_name} is account {other_uid}: which of them this was \
                 is not known"
            );
            Some(Flaw { n: *n, what })
        })
    }
}

/// Does it count because of the account that it is by?
fn is_second_person(session: &Session, event: &Event) -> bool {
    match event {
        Event::Approved { proof, .. } => *proof == Proven::Account,
        Event::Attested { check, .. } => {
            let place = session.check_at(check.as_str());
            place.is_some_and(|place| {
                matches!(&session.runbook.checks[place].probe, Probe::Attest { witness: true, .. })
            })
        }
        _ => false,
    }
}

/// Who opened the session is who it is of.
pub(super) fn opener(session: &Session, first: &Entry) -> Option<Flaw> {
    let by: &Person = &first.by;
    let what = crate::session::whose::may(session, &first.event, by).err()?;
    Some(Flaw { n: first.n, what })
}
