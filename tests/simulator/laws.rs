//! What must stay true, held after every event: the journal's bytes, the outputs of the turn, the model and the world side
//! by side.

use std::collections::BTreeMap;

use onbelay::host::turn::{HostState, Output};
use onbelay::id::Digest;
use onbelay::journal::record;
use onbelay::session::{Circumstances, Command, Entry, Event, Person, Session};
use onbelay::wire::FromHost;
use onbelay::wire::messages::{Reply, Role};

use super::disk::Disk;
use super::model::Model;
use super::report::{Law, Report};
use super::rules::Asker;
use super::world::World;

/// A law that a turn broke, and how.
pub(crate) type Complaint = (Law, String);

/// All that is remembered from one event to the next.
pub(crate) struct Laws {
    pub(crate) model: Model,
    /// The journal's bytes, replayed; and how far.
    replayed: Option<Session>,
    at: usize,
    head: Digest,
    /// Known to be on the platter up to here.
    durable: usize,
    /// What somebody was told, or what had an effect: all of it must survive.
    acknowledged: Vec<u8>,
    pub(crate) acknowledged_records: u64,
    /// Who speaks, and from which screen.
    speaker: Option<(Person, u64, Role)>,
    /// On which screen each approval was given.
    given_on: BTreeMap<u64, u64>,
    /// Approvals that must be void by now, and why.
    must_be_void: Vec<(u64, &'static str)>,
}

impl Laws {
    pub(crate) fn new(model: Model) -> Self {
        Self {
            model,
            replayed: None,
            at: 0,
            head: record::no_link(),
            durable: 0,
            acknowledged: Vec::new(),
            acknowledged_records: 0,
            speaker: None,
            given_on: BTreeMap::new(),
            must_be_void: Vec::new(),
        }
    }

    /// A host begins with these records: everything is made anew from them.
    pub(crate) fn rebuild(
        &mut self,
        replayed: Session,
        entries: &[Entry],
        (len, head): (usize, Digest),
    ) -> Vec<Complaint> {
        let mut broken = Vec::new();
        self.model = Model::new(self.model.book.clone(), &entries[0]);
        for entry in &entries[1..] {
            broken.extend(self.model.take(entry).into_iter().map(|what| (Law::TheGate, what)));
        }
        self.model.intents.clear();
        self.replayed = Some(replayed);
        (self.at, self.head) = (len, head);
        self.durable = self.durable.min(len);
        self.given_on.clear();
        self.must_be_void.clear();
        broken
    }

    pub(crate) fn speaks(&mut self, person: &Person, client: u64, role: Role) {
        self.speaker = Some((person.clone(), client, role));
    }

    pub(crate) fn nobody_speaks(&mut self) {
        self.speaker = None;
    }

    /// The right to approve was lost meanwhile: what the host finds out with a start.
    pub(crate) fn lapse(&mut self, command: &Command, found: &Circumstances, role: Role) {
        if matches!(command, Command::Run { .. } | Command::Undo { .. })
            && matches!(role, Role::Drive | Role::Act)
        {
            self.must_be_void
                .extend(found.lapsed.iter().map(|(n, _)| (*n, "its giver may not approve any more")));
        }
    }

    pub(crate) fn left(&mut self, client: u64) {
        let theirs = self.given_on.iter().filter(|(_, screen)| **screen == client).map(|(n, _)| *n);
        self.must_be_void.extend(theirs.map(|n| (n, "its screen was closed")));
    }

    pub(crate) fn expects(&self, command: &Command, asker: &Asker<'_>) -> Result<(), &'static str> {
        self.model.takes(command, asker)
    }

    /// Somebody knows of everything up to here.
    pub(crate) fn acknowledge(&mut self, disk: &Disk) {
        if self.acknowledged.len() < self.at {
            let more = disk.from(self.acknowledged.len());
            let len = self.at - self.acknowledged.len();
            self.acknowledged.extend_from_slice(&more[..len.min(more.len())]);
            self.acknowledged_records = self.replayed.as_ref().map_or(0, |session| session.head);
        }
    }

    /// Is what was acknowledged there, byte for byte?
    pub(crate) fn nothing_is_lost(&self, disk: &Disk, records: usize) -> Option<Complaint> {
        let there = disk.from(0);
        let kept = there.starts_with(&self.acknowledged) && records as u64 >= self.acknowledged_records;
        (!kept).then(|| {
            let what =
                format!("{} records were acknowledged, {records} are there", self.acknowledged_records);
            (Law::NothingAcknowledgedIsLost, what)
        })
    }

    /// Reads what the turn wrote, as another process would, and holds everything against everything.
    pub(crate) fn after_turn(
        &mut self,
        host: &HostState,
        outputs: &[Output],
        was_broken: bool,
        disk: &Disk,
        world: &World,
        report: &mut Report,
    ) -> Vec<Complaint> {
        let mut broken = Vec::new();
        let before = self.at;
        self.read(host.session().head, disk, world, report, &mut broken);
        if self.at != before || host.is_broken() {
            let same = self.replayed.as_ref().is_some_and(|replayed| replayed == host.session());
            if !same {
                broken.push((Law::ReplayIsLive, "the bytes replayed are another state".to_owned()));
            }
        }
        if outputs.iter().any(tells) {
            if !disk.is_durable(self.durable, self.at) {
                broken.push((Law::DurableFirst, "it is told, and not on the disk".to_owned()));
            }
            self.durable = self.at;
        }
        if host.is_broken() {
            let goes_on = |output: &Output| {
                matches!(output, Output::Start(_) | Output::Ask(..)) || (was_broken && is_news(output))
            };
            if outputs.iter().any(goes_on) {
                broken.push((Law::AFailureIsFinal, "the host goes on after a failed append".to_owned()));
            }
        }
        if disk.lock().tried_again > 0 {
            broken.push((Law::AFailureIsFinal, "the file is used again after a failure".to_owned()));
        }
        if !host.is_broken() {
            for (n, why) in std::mem::take(&mut self.must_be_void) {
                let rounds = self.model.steps.iter().filter_map(|step| step.round.as_ref());
                let counts = |round: &super::model::Round| {
                    !round.void && round.given.iter().any(|yes| yes.n == n && !yes.void)
                };
                if rounds.into_iter().any(counts) {
                    broken.push((Law::ApprovalsEnd, format!("approval {n} still counts: {why}")));
                }
            }
        }
        broken
    }

    fn read(
        &mut self,
        head: u64,
        disk: &Disk,
        world: &World,
        report: &mut Report,
        broken: &mut Vec<Complaint>,
    ) {
        let bytes = disk.from(self.at);
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        while let Some(session) = self.replayed.as_mut().filter(|session| session.head < head) {
            let body = lines.next().and_then(|line| line.strip_suffix(b"\n"));
            let read = body.and_then(|body| Some((body, record::read(body).ok()?)));
            let Some((body, record)) = read.filter(|(_, record)| record.prev == self.head) else {
                broken
                    .push((Law::ReplayIsLive, format!("record {} is not in the journal", session.head + 1)));
                return;
            };
            let entry = record.entry;
            if let Err(illegal) = session.apply(&entry) {
                broken.push((Law::ReplayIsLive, illegal.to_string()));
                return;
            }
            self.head = record::link_to(body);
            self.at += body.len() + 1;
            report.records += 1;
            self.kernels_word(&entry, broken);
            self.really(&entry, world, broken);
            broken.extend(self.model.take(&entry).into_iter().map(|what| (Law::TheGate, what)));
            if let Some(answer) = &self.model.last_answer {
                report.met(&format!("gate: {answer}"));
            }
            if let (Event::Approved { attached: true, .. }, Some((_, client, Role::Drive | Role::Witness))) =
                (&entry.event, &self.speaker)
            {
                self.given_on.insert(entry.n, *client);
            }
        }
    }

    /// What only people say is said by whoever speaks just now.
    fn kernels_word(&self, entry: &Entry, broken: &mut Vec<Complaint>) {
        let theirs = matches!(
            entry.event,
            Event::Requested { .. }
                | Event::Attested { .. }
                | Event::StepSkipped { .. }
                | Event::HoldCalled { .. }
                | Event::HoldReleased { .. }
                | Event::Approved { .. }
                | Event::ApprovalRefused { .. }
                | Event::HandedOver { .. }
                | Event::Noted { .. }
                | Event::Resolved { .. }
                | Event::StopAsked { .. }
                | Event::Finished
                | Event::Aborted { .. }
        );
        let speaker = self.speaker.as_ref().map(|(person, ..)| person);
        if theirs && entry.by.uid.is_some() && speaker != Some(&entry.by) {
            broken.push((Law::TheKernelsWord, format!("record {} is by {}", entry.n, entry.by.name)));
        }
    }

    /// What the record says, against what really ran.
    fn really(&self, entry: &Entry, world: &World, broken: &mut Vec<Complaint>) {
        match &entry.event {
            Event::NeverStarted { step, attempt, .. } => {
                let at = self.model.step_at(step.as_str());
                let running = at.and_then(|at| self.model.steps[at].attempt.as_ref());
                let item =
                    running.filter(|it| !it.items.is_empty()).and_then(|it| u32::try_from(it.next).ok());
                if world.started.get(&(*attempt, item)).is_some_and(|started| started.ran) {
                    let what = format!("attempt {attempt} of {step} ran, and is said never to have started");
                    broken.push((Law::NeverStartedNeverRan, what));
                }
            }
            Event::StepStarted { step, typed, work, .. } => {
                let Some(at) = self.model.step_at(step.as_str()) else { return };
                let plan = &self.model.book.steps[at];
                let asked = self.model.steps[at].wish.as_ref().is_some_and(|wish| wish.by.uid.is_some());
                if plan.destructive && (!asked || *typed != plan.confirm) {
                    let what = format!("{step} is destructive, and {work:?} starts by itself");
                    broken.push((Law::NothingDestructiveByItself, what));
                }
            }
            _ => {}
        }
    }

    /// What somebody was answered, against what the model says.
    pub(crate) fn answered(
        outputs: &[Output],
        expected: Result<(), &'static str>,
        is_broken: bool,
    ) -> Option<Complaint> {
        let reply = outputs.iter().find_map(|output| match output {
            Output::Tell(_, FromHost::Reply { result, .. }) => Some(result),
            _ => None,
        });
        let what = match (reply, expected) {
            (Some(Reply::Recorded { .. }), Ok(())) | (Some(Reply::Refused { .. }), Err(_)) => return None,
            (Some(Reply::Failed { .. }), _) if is_broken => return None,
            (Some(Reply::Refused { refusal, .. }), Ok(())) => format!("refused: {}", refusal.sentence),
            (Some(Reply::Recorded { .. }), Err(why)) => format!("taken, and the model says: {why}"),
            (other, _) => format!("answered {other:?}"),
        };
        Some((Law::TheRules, what))
    }

    /// A command is handed out: is its intent on record, and is this the first time?
    pub(crate) fn handed_out(&mut self, key: (u32, Option<u32>)) -> Option<Complaint> {
        match self.model.intents.iter().position(|intent| *intent == key) {
            Some(at) => {
                self.model.intents.remove(at);
                None
            }
            None => {
                Some((Law::OneStartForOneIntent, format!("{key:?} is started without an intent of its own")))
            }
        }
    }
}

/// Does it tell anybody of a record, or follow from one?
fn tells(output: &Output) -> bool {
    is_news(output) || matches!(output, Output::Ask(..) | Output::Start(_) | Output::Stop { .. })
}

fn is_news(output: &Output) -> bool {
    match output {
        Output::Tell(_, FromHost::Entries { .. }) => true,
        Output::Tell(_, FromHost::Reply { result, .. }) => match result {
            Reply::Recorded { .. } => true,
            Reply::Refused { n, .. } => *n > 0,
            Reply::Failed { .. } => false,
        },
        _ => false,
    }
}
