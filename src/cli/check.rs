//! `onbelay check`: asks every automatic check of a runbook once; starts no step, leaves no session. SHELL.

mod asker;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::clock;
use crate::id::{CheckId, SessionId};
use crate::report::status::{check_mark, check_word};
use crate::runbook::Runbook;
use crate::session::ask::ready;
use crate::session::next::Ask;
use crate::session::view::{self, CheckStatus, ItemView, evidence};
use crate::session::{Answer, AskMode, Entry, Event, Opened, Session};
use crate::text::clean;
use crate::wire::start::NewSession;

use super::args::CheckArgs;
use super::ask::somebody_is_there;
use super::begin::{self, Asking};
use super::exit::{Exit, Failure, Outcome};
use super::out::Out;
use asker::Asker;

/// All that was found.
#[derive(Debug, Serialize)]
struct Found {
    checks: Vec<CheckFound>,
    hold_points: Vec<HoldPoint>,
}

/// One check that was asked.
#[derive(Debug, Serialize)]
struct CheckFound {
    id: String,
    title: String,
    state: CheckStatus,
    detail: String,
    items: Vec<ItemView>,
    /// What each answer rests on, by item; one empty text where there are none.
    evidence: BTreeMap<String, BTreeMap<String, serde_json::Value>>,
    #[serde(skip)]
    fix: String,
}

/// Would it open?
#[derive(Debug, PartialEq, Eq, Serialize)]
struct HoldPoint {
    step: String,
    opens: bool,
    closed_by: Vec<String>,
    open: Vec<String>,
}

/// Asks, and says which hold points would open.
pub fn run(args: &CheckArgs) -> Outcome {
    let asking = if somebody_is_there() { Asking::OnTerminal } else { Asking::Nobody };
    let filled = begin::fill_in(&args.file, &args.params, asking)?;
    let runbook = Arc::new(filled.runbook.clone());
    let new = begin::new_session(&args.file, filled, true)?;
    let mut scratch = Scratch::open(runbook, &new)?;
    let asks = scratch.ask_all()?;
    let answers = Asker::start(asks, &new)?;
    answers.collect(|check, item, answer| scratch.answered(check, item, answer))?;
    let found = scratch.found();

    let mut out = Out::stdout();
    if args.json {
        let json = crate::text::json::pretty(&found)
            .map_err(|e| Failure::machine(format!("cannot write the answers as JSON: {e}")))?;
        out.line(json);
    } else {
        out.text(&text(&found));
    }
    out.finish()?;
    let all_hold = found.checks.iter().all(|check| check.state == CheckStatus::Holds);
    Ok(if all_hold { Exit::Yes } else { Exit::No })
}

/// A session that is never written down: the same rules, no journal.
struct Scratch {
    session: Session,
}

impl Scratch {
    fn open(runbook: Arc<Runbook>, new: &NewSession) -> Result<Self, Failure> {
        let opened: Opened = new.opened.clone();
        let by = opened.operator.clone();
        let first = Entry {
            n: 1,
            at: clock::utc(),
            up: clock::up(),
            session: SessionId::new("check"),
            by,
            event: Event::SessionOpened(Box::new(opened)),
        };
        let session = Session::open(runbook, &first).map_err(|e| Failure::machine(e.to_string()))?;
        Ok(Self { session })
    }

    fn apply(&mut self, event: Event) -> Result<(), Failure> {
        let entry = Entry {
            n: self.session.head + 1,
            at: clock::utc(),
            up: clock::up(),
            session: self.session.id.clone(),
            by: self.session.operator.clone(),
            event,
        };
        self.session.apply(&entry).map_err(|e| Failure::machine(e.to_string()))
    }

    /// Every automatic check whose values are there, one ask an item.
    fn ask_all(&mut self) -> Result<Vec<Ask>, Failure> {
        let mut asks = Vec::new();
        for place in 0..self.session.runbook.checks.len() {
            let model = &self.session.runbook.checks[place];
            if !model.is_automatic() || view::waits_for_capture(&self.session, place).is_some() {
                continue;
            }
            let id = model.id.clone();
            let items = match &model.for_each {
                None => Vec::new(),
                Some(for_each) => match view::items_of(&self.session, for_each) {
                    Ok(items) => items.into_owned(),
                    Err(_) => continue,
                },
            };
            let has_items = model.for_each.is_some();
            self.apply(Event::CheckAsked { check: id, items: items.clone(), mode: AskMode::Once })?;
            let now = clock::now(&self.session);
            if has_items {
                asks.extend(
                    items.iter().map(|item| ready(&self.session, place, Some(item), AskMode::Once, now)),
                );
            } else {
                asks.push(ready(&self.session, place, None, AskMode::Once, now));
            }
        }
        Ok(asks)
    }

    fn answered(&mut self, check: CheckId, item: Option<String>, answer: Answer) -> Result<(), Failure> {
        self.apply(Event::CheckAnswered { check, item, answer: Box::new(answer) })
    }

    fn found(&self) -> Found {
        let session = &self.session;
        let now = clock::now(session);
        let states: Vec<(bool, view::CheckView)> = session
            .runbook
            .checks
            .iter()
            .enumerate()
            .map(|(place, model)| {
                let asked = model.is_automatic() && view::waits_for_capture(session, place).is_none();
                (asked, view::check(session, place, now))
            })
            .collect();
        let checks = session
            .runbook
            .checks
            .iter()
            .zip(&states)
            .filter(|(_, (asked, _))| *asked)
            .map(|(model, (_, view))| CheckFound {
                id: model.id.to_string(),
                title: view::filled(session, &model.title),
                state: view.state,
                detail: view.detail.clone(),
                items: view.items.clone(),
                evidence: evidence_of(session, &model.id),
                fix: view::filled(session, &model.fix),
            })
            .collect();
        let hold_points = session
            .runbook
            .steps
            .iter()
            .filter(|step| step.is_hold_point())
            .map(|step| {
                let mut point = HoldPoint {
                    step: step.id.to_string(),
                    opens: true,
                    closed_by: Vec::new(),
                    open: Vec::new(),
                };
                for id in &step.requires_checks {
                    let Some((asked, view)) = session.check_at(id.as_str()).map(|place| &states[place])
                    else {
                        continue;
                    };
                    if !asked {
                        point.open.push(id.to_string());
                    } else if view.state != CheckStatus::Holds {
                        point.closed_by.push(id.to_string());
                    }
                }
                if step.witness.is_some() {
                    point.open.push("witness".to_owned());
                }
                point.opens = point.closed_by.is_empty();
                point
            })
            .collect();
        Found { checks, hold_points }
    }
}

/// What the answers of a check rest on, by item.
fn evidence_of(session: &Session, check: &CheckId) -> BTreeMap<String, BTreeMap<String, serde_json::Value>> {
    let answers = session.check_at(check.as_str()).map(|place| &session.checks[place].answers);
    let answers = answers.into_iter().flatten();
    answers.map(|(item, given)| (item.clone(), given.answer.evidence.clone())).collect()
}

/// What an answer that does not hold rests on, a line each.
fn listed(check: &CheckFound, item: &str, indent: &str) -> Vec<String> {
    let holds = match check.items.iter().find(|of| of.item == item) {
        Some(of) => of.state,
        None => check.state,
    } == CheckStatus::Holds;
    let Some(evidence) = check.evidence.get(item).filter(|_| !holds) else { return Vec::new() };
    let lists = evidence::shown(evidence).lists;
    lists.iter().flat_map(|(_, lines)| lines).map(|line| format!("{indent}· {}", clean(line))).collect()
}

/// What is found for people.
fn text(found: &Found) -> String {
    let mut lines = Vec::new();
    for check in &found.checks {
        let word = check_word(check.state);
        lines.push(format!("{} {} {word}: {}", check_mark(check.state), check.id, clean(&check.detail)));
        lines.extend(listed(check, "", "    "));
        for item in &check.items {
            lines.push(format!(
                "    {} {}: {}",
                check_mark(item.state),
                clean(&item.item),
                clean(&item.detail)
            ));
            lines.extend(listed(check, &item.item, "        "));
        }
        if check.state != CheckStatus::Holds && !check.fix.trim().is_empty() {
            lines.push(format!("    → {}", clean(check.fix.trim())));
        }
    }
    if !found.hold_points.is_empty() && !lines.is_empty() {
        lines.push(String::new());
    }
    for point in &found.hold_points {
        let open = if point.open.is_empty() {
            String::new()
        } else {
            format!(" (still open in the walk: {})", point.open.join(", "))
        };
        lines.push(if point.opens {
            format!("◆ {} would open{open}", point.step)
        } else {
            format!("◆ {} stays shut: {}{open}", point.step, point.closed_by.join(", "))
        });
    }
    if lines.is_empty() {
        lines.push("no automatic check, and no hold point".to_owned());
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_point_says_what_closes_it() {
        let check = CheckFound {
            id: "backup".into(),
            title: "t".into(),
            state: CheckStatus::Fails,
            detail: "3 files\nare missing".into(),
            items: Vec::new(),
            evidence: BTreeMap::new(),
            fix: "widen it".into(),
        };
        let point = HoldPoint {
            step: "wipe".into(),
            opens: false,
            closed_by: vec!["backup".into()],
            open: vec!["copy".into()],
        };
        let text = text(&Found { checks: vec![check], hold_points: vec![point] });
        assert_eq!(
            text,
            "✗ backup fails: 3 files␊are missing\n    → widen it\n\n◆ wipe stays shut: backup (still open in the walk: copy)\n"
        );
    }
}
