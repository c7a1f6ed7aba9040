//! Records that change a check: asked, answered, dropped, attested. PURE.

use std::collections::BTreeMap;

use crate::session::event::{Answer, AskMode, Verdict};
use crate::session::state::{Asking, Given};
use crate::session::{Entry, Event, Session};

use super::Legal;

impl Session {
    pub(super) fn check_event(&mut self, entry: &Entry) -> Legal {
        let at = self.moment(entry);
        let (Event::CheckAsked { check: id, .. }
        | Event::CheckAnswered { check: id, .. }
        | Event::CheckDropped { check: id }
        | Event::Attested { check: id, .. }) = &entry.event
        else {
            return Ok(());
        };
        let place = self.check_at(id.as_str()).ok_or_else(|| format!("the runbook has no check {id}"))?;
        let has_items = self.state.runbook.checks[place].for_each.is_some();
        let automatic = self.state.runbook.checks[place].is_automatic();
        let check = &mut self.state.checks[place];
        match &entry.event {
            Event::CheckAsked { items, mode, .. } => {
                if check.asking.is_some() || !automatic {
                    return Err(format!("{id} cannot be asked now"));
                }
                let open = if has_items { items.clone() } else { vec![String::new()] };
                if !open.is_empty() {
                    check.asking = Some(Asking { n: entry.n, open, mode: *mode, since: at });
                }
                Ok(())
            }
            Event::CheckAnswered { item, answer, .. } => {
                let key = item.clone().unwrap_or_default();
                let Some(asking) = &mut check.asking else {
                    return Err(format!("nobody asked {id}"));
                };
                let Some(open) = asking.open.iter().position(|open| *open == key) else {
                    return Err(format!("nobody asked {id} for `{key}`"));
                };
                asking.open.swap_remove(open);
                let given = Given {
                    n: entry.n,
                    asked_n: asking.n,
                    answer: (**answer).clone(),
                    by: None,
                    once: asking.mode == AskMode::Once,
                    of_older_host: false,
                };
                if asking.open.is_empty() {
                    check.asking = None;
                }
                check.answers.insert(key, given);
                Ok(())
            }
            Event::Attested { item, yes, words, .. } => {
                if automatic || words.trim().is_empty() {
                    return Err(format!("{id} is not answered like this"));
                }
                let verdict = if *yes { Verdict::Holds } else { Verdict::Fails };
                let detail = format!("“{words}”");
                let answer =
                    Answer { verdict, detail, began: at, took: 0, tries: 1, evidence: BTreeMap::default() };
                let given = Given {
                    n: entry.n,
                    asked_n: entry.n,
                    answer,
                    by: Some(entry.by.clone()),
                    once: false,
                    of_older_host: false,
                };
                check.answers.insert(item.clone().unwrap_or_default(), given);
                Ok(())
            }
            _ => {
                check.asking = None;
                Ok(())
            }
        }
    }
}
