//! Follows what a request leads to, record by record, until its end. PURE.
//! It must not know connections: records and the session they were applied to are handed in.

use std::collections::BTreeSet;

use crate::id::{CheckId, StepId};
use crate::session::command::CheckItem;
use crate::session::event::{How, Work};
use crate::session::state::Phase;
use crate::session::view::{self, CheckStatus};
use crate::session::{Command, Entry, Event, Progress, Requirement, Session};
use crate::time::Moment;

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It is on record, and that is all there is to it.
    Recorded,
    /// The step is done, or undone.
    Well {
        /// In a sentence; may be empty.
        why: String,
    },
    /// A person carries the step out from here.
    WithAPerson,
    /// All is met; the text is to be typed.
    Question,
    /// A rule said no.
    Refused {
        /// Record that says so; 0: none.
        n: u64,
        /// One sentence.
        why: String,
        /// Every unmet requirement.
        unmet: Vec<Requirement>,
    },
    /// The request is void; nothing was carried out.
    Dropped {
        /// Why.
        why: String,
    },
    /// It was carried out and did not end well.
    Badly {
        /// In a sentence.
        why: String,
    },
    /// Every check that was asked has its answer.
    Checked {
        /// Those that were asked.
        checks: Vec<CheckItem>,
        /// Do all hold?
        all_hold: bool,
    },
}

/// What a request waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Record,
    Step(StepId),
    Checks(Vec<CheckItem>),
}

/// A request under way. Feed it every record, and it says when it is over.
#[derive(Clone, Debug)]
pub struct Follow {
    what: What,
    /// Its first record.
    from: u64,
    /// The last thing heard of the step.
    last: Option<End>,
    /// Checks that were asked since.
    asked: BTreeSet<CheckId>,
    /// A person ends their part: what is with a person is waited for, unless it has items.
    ends_a_part: bool,
}

impl Follow {
    /// Follows `command`, whose first record is `from`.
    #[must_use]
    pub fn new(command: &Command, from: u64) -> Self {
        let what = match command {
            Command::Run { step, .. }
            | Command::Undo { step, .. }
            | Command::Done { step, .. }
            | Command::Fail { step, .. }
            | Command::Stop { step }
            | Command::Resolve { step, .. } => What::Step(step.clone()),
            Command::Check { checks } => What::Checks(checks.clone()),
            _ => What::Record,
        };
        let ends_a_part =
            matches!(command, Command::Done { .. } | Command::Fail { .. } | Command::Resolve { .. });
        Self { what, from, last: None, asked: BTreeSet::new(), ends_a_part }
    }

    /// Takes a record in (already applied to `session`). `Some`: the request is over.
    pub fn take(&mut self, session: &Session, entry: &Entry, now: Moment) -> Option<End> {
        if entry.n < self.from {
            return None;
        }
        if let Event::CheckAsked { check, .. } = &entry.event {
            self.asked.insert(check.clone());
        }
        if let What::Step(step) = &self.what
            && let Some(says) = about(&entry.event, step, entry.n)
        {
            self.last = match says {
                Says::GoesOn => None,
                Says::Ended(end) => Some(end),
            };
        }
        self.over(session, now)
    }

    /// Is it over, by where the session stands now? Also asked when the session was replaced whole.
    #[must_use]
    pub fn over(&self, session: &Session, now: Moment) -> Option<End> {
        if session.head < self.from {
            return None;
        }
        match &self.what {
            What::Record => Some(End::Recorded),
            What::Step(id) => self.step_over(session, session.step_at(id.as_str())?),
            What::Checks(named) => self.checks_over(session, named, now),
        }
    }

    fn checks_over(&self, session: &Session, named: &[CheckItem], now: Moment) -> Option<End> {
        let whole = |check: &CheckId| CheckItem { check: check.clone(), item: None };
        let checks: Vec<CheckItem> = if !named.is_empty() {
            named.to_vec()
        } else if !self.asked.is_empty() {
            self.asked.iter().map(whole).collect()
        } else {
            session
                .runbook
                .checks
                .iter()
                .filter(|model| model.is_automatic())
                .map(|model| whole(&model.id))
                .collect()
        };
        let places: Vec<usize> =
            checks.iter().filter_map(|item| session.check_at(item.check.as_str())).collect();
        if places.iter().any(|place| session.checks[*place].asking.is_some()) {
            return None;
        }
        let all_hold = places.iter().zip(&checks).all(|(place, item)| {
            view::check_of(session, *place, item.item.as_deref(), now).state == CheckStatus::Holds
        });
        Some(End::Checked { checks, all_hold })
    }

    fn step_over(&self, session: &Session, place: usize) -> Option<End> {
        let step = &session.steps[place];
        if step.request.is_some() {
            return None;
        }
        if let Progress::Running(running) = &step.progress {
            // Where the tool waits for a person, and nothing else, there is nothing to wait for here.
            let person =
                running.how != How::Script || (running.work == Work::Undo && by_words(session, place));
            let theirs =
                person && running.phase == Phase::Working && (!self.ends_a_part || !running.items.is_empty());
            return theirs.then_some(End::WithAPerson);
        }
        Some(self.last.clone().unwrap_or_else(|| match &step.progress {
            Progress::Done | Progress::Undone => End::Well { why: step.why.clone() },
            Progress::Failed | Progress::Interrupted => End::Badly { why: step.why.clone() },
            _ => End::Dropped { why: "it was not started".to_owned() },
        }))
    }
}

fn by_words(session: &Session, place: usize) -> bool {
    session.runbook.steps[place].run.is_none()
}

/// What a record says about a step's request.
enum Says {
    /// It goes on, or begins anew.
    GoesOn,
    /// It ended like this.
    Ended(End),
}

/// `None`: the record is not about that step's request.
fn about(event: &Event, wanted: &StepId, n: u64) -> Option<Says> {
    let (step, says) = match event {
        Event::Refused { step: Some(step), why, unmet, .. } => {
            (step, Says::Ended(End::Refused { n, why: why.clone(), unmet: unmet.clone() }))
        }
        Event::QuestionPut { step } => (step, Says::Ended(End::Question)),
        Event::RequestDropped { step, why } | Event::NeverStarted { step, evidence: why, .. } => {
            (step, Says::Ended(End::Dropped { why: why.clone() }))
        }
        Event::StepSettled { step, ok: true, why, .. } => (step, Says::Ended(End::Well { why: why.clone() })),
        Event::StepSettled { step, why, .. } | Event::Interrupted { step, evidence: why, .. } => {
            (step, Says::Ended(End::Badly { why: why.clone() }))
        }
        Event::Resolved { step, done: false, .. } => (step, Says::Ended(End::Recorded)),
        Event::StepStarted { step, .. }
        | Event::Requested { step, .. }
        | Event::RetryPlanned { step, .. } => (step, Says::GoesOn),
        _ => return None,
    };
    (step == wanted).then_some(says)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::session::{Answer, Outcome, Person, Verdict};

    const RUNBOOK: &str = "\
onbelay: 1
title: t
checks:
  c: { title: C, for_each: { r: [eu, us] }, run: 'true' }
steps:
  - { id: tool, title: Tool, run: 'true' }
  - { id: person, title: Person }
";

    /// A session fed by hand, and what a request's follower says of each record.
    struct Walk {
        session: Session,
        n: u64,
    }

    impl Walk {
        fn new() -> Self {
            let runbook =
                crate::runbook::read(RUNBOOK.as_bytes(), "t.yaml").unwrap_or_else(|p| panic!("{p:?}"));
            let opened = crate::session::Opened {
                format: 1,
                onbelay: "0".into(),
                title: "t".into(),
                path: "t.yaml".into(),
                sha256: "0".into(),
                values: std::collections::BTreeMap::new(),
                secrets: Vec::new(),
                dir: "/".into(),
                machine: "m".into(),
                umask: 0o22,
                operator: Person { name: "dana".into(), uid: Some(1), login: None },
                share: None,
                signers: None,
            };
            let first = entry(1, Event::SessionOpened(Box::new(opened)));
            Self { session: Session::open(Arc::new(runbook), &first).unwrap(), n: 1 }
        }

        fn feed(&mut self, follow: &mut Follow, event: Event) -> Option<End> {
            self.n += 1;
            let entry = entry(self.n, event);
            self.session.apply(&entry).unwrap();
            follow.take(&self.session, &entry, self.now())
        }

        fn now(&self) -> Moment {
            Moment { at: crate::time::Timestamp::from_millis(0), up: self.n, boot: 0 }
        }
    }

    fn entry(n: u64, event: Event) -> Entry {
        let by = Person { name: "dana".into(), uid: Some(1), login: None };
        let at = crate::time::Timestamp::from_millis(0);
        Entry { n, at, up: n, session: "s".into(), by, event }
    }

    fn requested(step: &str) -> Event {
        Event::Requested {
            step: step.into(),
            work: Work::Run,
            by_hand: false,
            typed: None,
            will_ask: false,
            said: None,
        }
    }

    fn started(step: &str, how: How) -> Event {
        Event::StepStarted {
            step: step.into(),
            attempt: 1,
            work: Work::Run,
            how,
            items: Vec::new(),
            list: Vec::new(),
            command: None,
            typed: None,
            rests_on: Vec::new(),
            retry: 0,
            approvals: Vec::new(),
        }
    }

    fn ended(step: &str) -> Event {
        let ended = crate::session::Ended {
            outcome: Outcome::Exited { code: 0 },
            took: 1,
            output_bytes: 0,
            output_sha256: None,
            captured: None,
            not_captured: None,
            wanted_terminal: false,
            left: Vec::new(),
        };
        Event::WorkEnded { step: step.into(), attempt: 1, ended: Box::new(ended) }
    }

    fn settled(step: &str, ok: bool) -> Event {
        Event::StepSettled { step: step.into(), attempt: 1, work: Work::Run, ok, why: "w".into() }
    }

    fn run(step: &str) -> Command {
        Command::Run { step: step.into(), typed: None, will_ask: false, by_hand: false }
    }

    #[test]
    fn a_script_is_waited_for_until_it_settles() {
        for (ok, end) in [(true, End::Well { why: "w".into() }), (false, End::Badly { why: "w".into() })] {
            let (mut walk, mut follow) = (Walk::new(), Follow::new(&run("tool"), 2));
            assert_eq!(walk.feed(&mut follow, requested("tool")), None);
            assert_eq!(walk.feed(&mut follow, started("tool", How::Script)), None);
            assert_eq!(walk.feed(&mut follow, ended("tool")), None);
            assert_eq!(walk.feed(&mut follow, settled("tool", ok)), Some(end));
        }
    }

    #[test]
    fn what_is_with_a_person_is_not_waited_for_unless_they_end_it() {
        let (mut walk, mut follow) = (Walk::new(), Follow::new(&run("person"), 2));
        assert_eq!(walk.feed(&mut follow, requested("person")), None);
        assert_eq!(walk.feed(&mut follow, started("person", How::Person)), Some(End::WithAPerson));

        let done = Command::Done {
            step: "person".into(),
            said: crate::session::event::Said { say: None, value: None },
        };
        let (mut walk, mut follow) = (Walk::new(), Follow::new(&done, 2));
        assert_eq!(walk.feed(&mut follow, requested("person")), None);
        assert_eq!(walk.feed(&mut follow, started("person", How::Person)), None);
        assert_eq!(walk.feed(&mut follow, ended("person")), None);
        assert_eq!(walk.feed(&mut follow, settled("person", true)), Some(End::Well { why: "w".into() }));
    }

    #[test]
    fn a_refusal_of_another_step_is_not_this_ones_end() {
        let (mut walk, mut follow) = (Walk::new(), Follow::new(&run("tool"), 2));
        let refused = |step: &str| Event::Refused {
            action: format!("run {step}"),
            step: Some(step.into()),
            why: "no".into(),
            unmet: Vec::new(),
        };
        assert_eq!(walk.feed(&mut follow, requested("tool")), None);
        assert_eq!(walk.feed(&mut follow, refused("person")), None);
        let end = End::Refused { n: 4, why: "no".into(), unmet: Vec::new() };
        assert_eq!(walk.feed(&mut follow, refused("tool")), Some(end));
    }

    #[test]
    fn a_session_that_came_anew_tells_the_end_by_its_state() {
        let (mut walk, mut follow) = (Walk::new(), Follow::new(&run("tool"), 2));
        walk.feed(&mut follow, requested("tool"));
        let dropped = Event::RequestDropped { step: "tool".into(), why: "gone".into() };
        let mut unheard = follow.clone();
        assert_eq!(walk.feed(&mut follow, dropped), Some(End::Dropped { why: "gone".into() }));
        unheard.last = None;
        assert!(matches!(unheard.over(&walk.session, walk.now()), Some(End::Dropped { .. })));
    }

    #[test]
    fn one_item_answers_for_itself() {
        let answered = |item: &str, verdict| Event::CheckAnswered {
            check: "c".into(),
            item: Some(item.into()),
            answer: Box::new(Answer {
                verdict,
                detail: "d".into(),
                began: Moment { at: crate::time::Timestamp::from_millis(0), up: 1, boot: 0 },
                took: 0,
                tries: 1,
                evidence: std::collections::BTreeMap::new(),
            }),
        };
        let asked = |items: &[&str]| Event::CheckAsked {
            check: "c".into(),
            items: items.iter().map(|item| (*item).to_owned()).collect(),
            mode: crate::session::AskMode::Patient,
        };
        let mut walk = Walk::new();
        let mut all = Follow::new(&Command::Check { checks: Vec::new() }, 2);
        assert_eq!(walk.feed(&mut all, asked(&["eu", "us"])), None);
        assert_eq!(walk.feed(&mut all, answered("eu", Verdict::Holds)), None);
        let end = walk.feed(&mut all, answered("us", Verdict::Fails));
        assert!(matches!(end, Some(End::Checked { all_hold: false, .. })), "{end:?}");

        let mut one = Follow::new(&Command::Check { checks: vec![CheckItem::parse("c@eu")] }, 5);
        assert_eq!(walk.feed(&mut one, asked(&["eu"])), None);
        let end = walk.feed(&mut one, answered("eu", Verdict::Holds));
        assert!(matches!(end, Some(End::Checked { all_hold: true, .. })), "{end:?}");
    }
}
