//! Screens: each keeps the walk as its client does, from what it was welcomed with and the records it was told since; now
//! and then one reads nothing for a while, and gets a fresh snapshot afterwards.

use std::sync::Arc;

use onbelay::session::state::State;
use onbelay::session::{Person, Session};
use onbelay::wire::FromHost;
use onbelay::wire::messages::{LogHealth, Present, Role};

/// A client, with all it was told.
#[derive(Debug)]
pub(crate) struct Screen {
    /// Whose it is, by place among the people.
    pub(crate) who: usize,
    pub(crate) role: Role,
    /// It reads nothing: what everybody is told is left out, until it is given a snapshot.
    pub(crate) lags: bool,
    session: Option<Session>,
    log: LogHealth,
    people: Vec<Present>,
    /// Something of the walk came since it was compared.
    news: bool,
}

impl Screen {
    pub(crate) fn new(who: usize, role: Role) -> Self {
        let (session, log, people) = (None, LogHealth::Safe, Vec::new());
        Self { who, role, lags: false, session, log, people, news: false }
    }

    /// A message arrives; what is wrong with it.
    pub(crate) fn hears(&mut self, message: &FromHost) -> Option<String> {
        match message {
            FromHost::Welcome(welcome) => {
                // As it comes over the line: what is never sent is made anew.
                let mut session = welcome.session.clone();
                session.reindex();
                self.session = Some(session);
                (self.log, self.people) = (welcome.log.clone(), welcome.people.clone());
                (self.lags, self.news) = (false, true);
            }
            FromHost::Entries { entries } => {
                self.news = true;
                let Some(session) = &mut self.session else {
                    return Some("records come before a welcome".to_owned());
                };
                return entries.iter().find_map(|entry| session.apply(entry).err()).map(|e| e.to_string());
            }
            FromHost::Health { log } => self.log = log.clone(),
            FromHost::People { people } => self.people.clone_from(people),
            _ => {}
        }
        None
    }

    /// Is this the host's own state?
    pub(crate) fn has(&mut self, session: &Session) -> bool {
        let news = std::mem::take(&mut self.news);
        let Some(mine) = &self.session else { return false };
        mine.head == session.head && (!news || is_same(mine, session))
    }

    pub(crate) fn log(&self) -> &LogHealth {
        &self.log
    }

    /// Does it know who is here?
    pub(crate) fn knows(&self, here: &[(&Person, Role)]) -> bool {
        let told = self.people.iter().map(|present| (&present.person, present.role));
        told.eq(here.iter().copied())
    }
}

/// Are these one state? The runbook, by far the largest part, is looked at only where it is not the same one in memory.
pub(crate) fn is_same(a: &State, b: &State) -> bool {
    // All of it by name, so that a new part of a state is not forgotten here.
    let State {
        id,
        runbook,
        opened,
        opened_at,
        head,
        head_at,
        stage,
        operator,
        operator_as,
        operators,
        steps,
        checks,
        holds,
        values,
        attempts,
        host,
        env,
    } = a;
    (id, head, head_at, stage, operator, attempts)
        == (&b.id, &b.head, &b.head_at, &b.stage, &b.operator, &b.attempts)
        && (steps, checks, holds, host) == (&b.steps, &b.checks, &b.holds, &b.host)
        && (operator_as, operators, values, env) == (&b.operator_as, &b.operators, &b.values, &b.env)
        && (opened, opened_at) == (&b.opened, &b.opened_at)
        && (Arc::ptr_eq(runbook, &b.runbook) || runbook == &b.runbook)
}

/// A message as it goes over the line.
pub(crate) fn over_the_line(message: &FromHost) -> Option<FromHost> {
    serde_json::from_slice(&serde_json::to_vec(message).ok()?).ok()
}
