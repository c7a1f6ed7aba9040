//! What must stay true, held after every event: the journal's bytes, the outputs of the turn, the model and the world side
//! by side.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use onbelay::host::turn::{HostState, Output};
use onbelay::id::Digest;
use onbelay::journal::record;
use onbelay::session::{Circumstances, Command, Entry, Event, Fault, Person, Session};
use onbelay::wire::FromHost;
use onbelay::wire::messages::{LogHealth, Reply, Role};

use super::disk::Disk;
use super::gate::said;
use super::host::Paid;
use super::model::Model;
use super::refusals::{Due, reason};
use super::report::{Law, Report};
use super::rules::Asker;
use super::screens::is_same;
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
    /// Records up to this one were held against the world.
    checked: u64,
    /// The kinds of the records of the last turn, and how much it handed out.
    pub(crate) recorded: Vec<String>,
    pub(crate) handed: usize,
    /// How the log fares.
    pub(crate) health: LogHealth,
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
            checked: 0,
            recorded: Vec::new(),
            handed: 0,
            health: LogHealth::Safe,
        }
    }

    /// A host begins with these records: everything is made anew from them.
    pub(crate) fn rebuild(
        &mut self,
        replayed: Session,
        entries: &[Entry],
        (len, head): (usize, Digest),
        world: &World,
        report: &mut Report,
    ) -> Vec<Complaint> {
        let mut broken = Vec::new();
        self.model = Model::new(self.model.book.clone(), &entries[0]);
        for entry in &entries[1..] {
            if entry.n > self.checked {
                // A host that was killed at its journal told nobody of it.
                self.really(entry, world, report, &mut broken);
            }
            broken.extend(self.model.take(entry).into_iter().map(|what| (Law::TheGate, what)));
        }
        self.model.intents.clear();
        self.model.stops.clear();
        self.checked = self.checked.max(entries.len() as u64);
        self.health = LogHealth::Safe;
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

    /// Number of the last record that the model has taken in.
    pub(crate) fn model_head(&self) -> u64 {
        self.replayed.as_ref().map_or(0, |session| session.head)
    }

    /// A turn begins, and has done nothing yet.
    pub(crate) fn turn_begins(&mut self) {
        self.recorded.clear();
        self.handed = 0;
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

    pub(crate) fn expects(&self, command: &Command, asker: &Asker<'_>) -> Due {
        self.model.answers(command, asker)
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
        let fewer = (records as u64) < self.acknowledged_records;
        self.something_is_lost(disk).or_else(|| {
            fewer.then(|| {
                let what =
                    format!("{} records were acknowledged, {records} are there", self.acknowledged_records);
                (Law::NothingAcknowledgedIsLost, what)
            })
        })
    }

    /// Not all of these bytes are there any more, whatever else is.
    pub(crate) fn something_is_lost(&self, disk: &Disk) -> Option<Complaint> {
        (!disk.from(0).starts_with(&self.acknowledged)).then(|| {
            let what =
                format!("of {} records that were acknowledged bytes are gone", self.acknowledged_records);
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
        (report, paid): (&mut Report, &Paid),
    ) -> Vec<Complaint> {
        let mut broken = Vec::new();
        let before = self.at;
        self.model.little_room = Some(paid.little_room);
        self.read(host.session().head, disk, world, report, &mut broken);
        self.handed = outputs.iter().filter(|output| does(output)).count();
        let stops: Vec<u32> = outputs.iter().filter_map(stop_of).collect();
        let due = std::mem::take(&mut self.model.stops);
        if !(stops.is_empty() && due.is_empty()) {
            report.held(Law::AStopIsSent);
            if stops != due {
                broken.push((Law::AStopIsSent, format!("a stop is due for {due:?}, and sent to {stops:?}")));
            }
        }
        self.health = match (host.is_broken(), paid.took.last()) {
            (true, _) => LogHealth::Broken { why: host.broken_by().unwrap_or_default().to_owned() },
            (false, Some(took)) if *took >= Duration::from_secs(1) => {
                report.held(Law::SlowIsTold);
                LogHealth::Slow { took: u64::try_from(took.as_millis()).unwrap_or(0) }
            }
            (false, Some(_)) => LogHealth::Safe,
            (false, None) => self.health.clone(),
        };
        if self.at != before || host.is_broken() {
            report.held(Law::ReplayIsLive);
            let same = self.replayed.as_ref().is_some_and(|replayed| is_same(replayed, host.session()));
            if !same {
                broken.push((Law::ReplayIsLive, "the bytes replayed are another state".to_owned()));
            }
        }
        if outputs.iter().any(tells) {
            report.held(Law::DurableFirst);
            if !disk.is_durable(self.durable, self.at) {
                broken.push((Law::DurableFirst, "it is told, and not on the disk".to_owned()));
            }
            self.durable = self.at;
        }
        if host.is_broken() {
            report.held(Law::AFailureIsFinal);
            let goes_on = |output: &Output| {
                matches!(output, Output::Start(_) | Output::Ask(..))
                    || (was_broken && (is_news(output) || does(output)))
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
                report.held(Law::ApprovalsEnd);
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
            self.checked = self.checked.max(entry.n);
            self.recorded.push(kind_of(&entry.event));
            self.kernels_word(&entry, report, broken);
            self.really(&entry, world, report, broken);
            broken.extend(self.model.take(&entry).into_iter().map(|what| (Law::TheGate, what)));
            if let Some(answer) = &self.model.last_answer {
                report.held(Law::TheGate);
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
    fn kernels_word(&self, entry: &Entry, report: &mut Report, broken: &mut Vec<Complaint>) {
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
        if !theirs || entry.by.uid.is_none() {
            return;
        }
        report.held(Law::TheKernelsWord);
        if speaker != Some(&entry.by) {
            broken.push((Law::TheKernelsWord, format!("record {} is by {}", entry.n, entry.by.name)));
        }
    }

    /// What somebody was answered, against what the model says: taken or not, for which reason, and what is unmet.
    pub(crate) fn answered(outputs: &[Output], due: &Due, is_broken: bool) -> Option<Complaint> {
        let reply = outputs.iter().find_map(|output| match output {
            Output::Tell(_, FromHost::Reply { result, .. }) => Some(result),
            _ => None,
        });
        let what = match (reply, due.verdict) {
            (Some(Reply::Recorded { .. }), Ok(())) => return None,
            (Some(Reply::Refused { n, refusal }), Err(why)) => {
                let (fault, words) = reason(why);
                let given = said(&refusal.unmet);
                let on_record = *n > 0;
                if refusal.fault == fault
                    && on_record == (fault == Fault::Rule)
                    && refusal.sentence.contains(words)
                    && given == due.unmet
                {
                    return None;
                }
                format!("refused: {}; {given:?}; the model: {why}, {:?}", refusal.sentence, due.unmet)
            }
            (Some(Reply::Failed { .. }), _) if is_broken => return None,
            (Some(Reply::Refused { refusal, .. }), Ok(())) => format!("refused: {}", refusal.sentence),
            (Some(Reply::Recorded { .. }), Err(why)) => format!("taken, and the model says: {why}"),
            (other, _) => format!("answered {other:?}"),
        };
        Some((Law::TheRules, what))
    }
}

/// Does it tell anybody of a record, or follow from one?
fn tells(output: &Output) -> bool {
    is_news(output) || does(output)
}

/// Is something to be done for the walk?
fn does(output: &Output) -> bool {
    matches!(output, Output::Ask(..) | Output::Start(_) | Output::Stop { .. })
}

fn stop_of(output: &Output) -> Option<u32> {
    match output {
        Output::Stop { attempt } => Some(*attempt),
        _ => None,
    }
}

/// The name of a kind of record.
pub(crate) fn kind_of(event: &Event) -> String {
    /// Takes the first word and no more.
    struct FirstWord(String);
    impl fmt::Write for FirstWord {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let end = text.find(|c: char| !c.is_ascii_alphanumeric());
            self.0.push_str(&text[..end.unwrap_or(text.len())]);
            if end.is_some() { Err(fmt::Error) } else { Ok(()) }
        }
    }
    let mut word = FirstWord(String::new());
    let _ = fmt::write(&mut word, format_args!("{event:?}"));
    word.0
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
