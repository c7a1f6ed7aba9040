//! Proves approvals from the records alone: what was asked, who said yes and how that is known, what a signature
//! vouches for, and that what started is what was approved. PURE: records in, sentences out.
//! It must not know files. Whether an approval counted at its start is the gate's to say, which `session::audit` asks.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::id::{Digest, SessionId, StepId};
use crate::runbook::Proof;
use crate::session::approve::{LIFETIME, Subject, caveat, name_of, same_person, signature};
use crate::session::event::{How, Proven, SignedBy, Work};
use crate::session::state::Approval;
use crate::session::{Entry, Event, Signers};
use crate::text;
use crate::time::Moment;

use super::Verified;

/// An approval that is on record, and what was found of it. Every text in it is cleaned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalSeen {
    /// Its record.
    pub record: u64,
    /// The record that asked for it.
    pub asked: u64,
    /// The step: its place and title.
    pub step: String,
    /// Who approved, by the name their kind of proof gives them.
    pub by: String,
    /// How they are known.
    pub known_by: KnownBy,
    /// The fingerprint of the key, where one signed (`SHA256:…`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The file that allowed the key for that name: the one given to verify with, else the one on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_by: Option<String>,
    /// The last record that the signature vouches for, where one holds; all before it are vouched for too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_up_to: Option<u64>,
    /// The record of the start that used it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<u64>,
    /// The record that asked anew before it was used: from then on it counted for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<u64>,
    /// Nothing was found against it.
    pub holds: bool,
    /// What it does not prove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unproven: Option<String>,
}

/// How the person who approved is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownBy {
    /// By the kernel's word on the machine of the session, as the log has it.
    Account,
    /// By an SSH signature.
    Key,
    /// Not at all.
    Here,
}

/// What was asked: the number of its record, when that was (milliseconds since boot), and its text, written once.
struct Asking {
    n: u64,
    up: u64,
    subject: Subject,
    sound: bool,
    text: OnceCell<String>,
}

/// What was said to it.
struct Given {
    seen: ApprovalSeen,
    step: StepId,
    approval: Approval,
}

/// What a start says that it carries out, and how.
struct Begun<'a> {
    work: Work,
    how: How,
    items: &'a [String],
    list: &'a [String],
    command: Option<&'a Digest>,
}

/// A start that used approvals, for what its items run.
struct Started {
    attempt: u32,
    asked: u64,
}

/// Everything about approvals, record by record.
pub(super) struct Book<'a> {
    outside: Option<&'a Signers>,
    runbook: Option<Digest>,
    session: SessionId,
    askings: BTreeMap<u64, Asking>,
    latest: BTreeMap<StepId, u64>,
    given: BTreeMap<u64, Given>,
    started: Option<Started>,
    /// What is wrong, each with its record.
    found: Vec<(u64, String)>,
}

impl<'a> Book<'a> {
    /// Of the session that this record opens.
    pub(super) fn opened(first: &Entry, outside: Option<&'a Signers>) -> Self {
        let runbook = match &first.event {
            Event::SessionOpened(opened) => Some(opened.sha256.clone()),
            _ => None,
        };
        Self {
            outside,
            runbook,
            session: first.session.clone(),
            askings: BTreeMap::new(),
            latest: BTreeMap::new(),
            given: BTreeMap::new(),
            started: None,
            found: Vec::new(),
        }
    }

    /// Takes the next record in. `before`: SHA-256 of the line before it.
    pub(super) fn take(&mut self, entry: &Entry, before: &Digest) {
        match &entry.event {
            Event::ApprovalAsked { subject } => self.asking(entry, subject, before),
            Event::Approved { step, asked, text, proof, .. } => {
                self.approved(entry, step, *asked, text, proof);
            }
            Event::StepStarted { step, attempt, work, how, items, list, command, approvals, .. } => {
                self.started = None;
                if !approvals.is_empty() {
                    let begun = Begun { work: *work, how: *how, items, list, command: command.as_ref() };
                    self.start(entry, step, *attempt, approvals, &begun);
                } else if let Some(asked) = self.waits(step, *work) {
                    self.against(entry, &format!("it names no approval, and record {asked} asked for one"));
                }
            }
            Event::ItemStarted { attempt, item, index, command, .. } => {
                self.item(entry, *attempt, item, *index, command.as_ref());
            }
            _ => {}
        }
    }

    /// Says what was found; the findings of the walk itself are in `verified` already, and of a record that they speak of
    /// nothing is said twice.
    pub(super) fn finish(self, verified: &mut Verified) {
        let said: BTreeSet<u64> = verified.findings.iter().filter_map(|finding| finding.record).collect();
        for (n, what) in self.found.into_iter().filter(|(n, _)| !said.contains(n)) {
            verified.find(Some(n), &format!("record {n}: {what}"));
        }
        verified.approvals = self.given.into_values().map(|given| given.seen).collect();
    }

    fn against(&mut self, entry: &Entry, what: &str) {
        self.found.push((entry.n, what.to_owned()));
    }

    fn asking(&mut self, entry: &Entry, subject: &Subject, before: &Digest) {
        let what = self.not_where_it_stands(entry, subject, before);
        if let Some(what) = &what {
            self.against(entry, what);
        }
        if let Some(before) = self.latest.insert(subject.step.clone(), entry.n) {
            for given in self.given.values_mut().filter(|given| given.seen.asked == before) {
                if given.seen.used_by.is_none() {
                    given.seen.replaced_by.get_or_insert(entry.n);
                }
            }
        }
        let (n, up, subject) = (entry.n, entry.up, subject.clone());
        self.askings.insert(n, Asking { n, up, subject, sound: what.is_none(), text: OnceCell::new() });
    }

    /// What it says of its own place, held against where it stands.
    fn not_where_it_stands(&self, entry: &Entry, subject: &Subject, before: &Digest) -> Option<String> {
        if subject.asked != entry.n || subject.head.n + 1 != entry.n {
            return Some(format!(
                "what is asked names record {} and a log up to record {}, and stands elsewhere",
                subject.asked, subject.head.n
            ));
        }
        if *before != subject.head.sha256 {
            return Some(format!(
                "the log was changed before it: what is asked was asked when record {} had the SHA-256 {}, and it is {before}",
                subject.head.n, subject.head.sha256
            ));
        }
        if subject.session != self.session {
            return Some(format!("what is asked belongs to session {}", subject.session));
        }
        if Some(&subject.runbook) != self.runbook.as_ref() {
            return Some("what is asked comes from another runbook".to_owned());
        }
        (subject.at != entry.at)
            .then(|| format!("it was recorded at {}, and says it was asked at {}", entry.at, subject.at))
    }

    fn approved(&mut self, entry: &Entry, step: &StepId, asked: u64, digest: &Digest, proof: &Proven) {
        let at = Moment { at: entry.at, up: entry.up, boot: 0 };
        let (n, by, proof) = (entry.n, entry.by.clone(), proof.clone());
        let approval = Approval { n, at, by, proof, attached: false, void: None };
        let Some(asking) = self.askings.get(&asked) else {
            return self
                .against(entry, &format!("it approves what record {asked} asks, which asks for nothing"));
        };
        let subject = &asking.subject;
        let text = asking.text.get_or_init(|| subject.text());
        let mut what = if subject.step != *step {
            Some(format!("it approves {step}, and record {asked} asks about {}", subject.step))
        } else if crate::runbook::digest::of_bytes(text.as_bytes()) != *digest {
            Some(format!("what was approved is not what record {asked} asks"))
        } else {
            not_by_the_rule(subject, &approval).or_else(|| too_late(asking, entry, &subject.name))
        };
        let mut signed_up_to = None;
        if let Proven::Key(signed) = &approval.proof {
            match signature_holds(text, signed, entry, self.outside) {
                Ok(()) if asking.sound && what.is_none() => signed_up_to = Some(subject.head.n),
                Ok(()) => {}
                Err(why) => what = Some(why),
            }
        }
        let holds = what.is_none() && asking.sound;
        let seen = ApprovalSeen {
            record: n,
            asked,
            step: clean(&subject.name),
            by: clean(name_of(&approval)),
            known_by: match &approval.proof {
                Proven::Account => KnownBy::Account,
                Proven::Key(_) => KnownBy::Key,
                Proven::Here { .. } => KnownBy::Here,
            },
            fingerprint: match &approval.proof {
                Proven::Key(signed) => Some(clean(&signed.fingerprint)),
                Proven::Account | Proven::Here { .. } => None,
            },
            allowed_by: match &approval.proof {
                Proven::Key(signed) => {
                    Some(clean(self.outside.map_or(&signed.signers, |outside| &outside.path)))
                }
                Proven::Account | Proven::Here { .. } => None,
            },
            signed_up_to,
            used_by: None,
            replaced_by: None,
            holds,
            unproven: caveat(&approval, &subject.operator).map(str::to_owned),
        };
        if let Some(what) = what {
            self.against(entry, &what);
        }
        self.given.insert(n, Given { seen, step: step.clone(), approval });
    }

    fn start(&mut self, entry: &Entry, step: &StepId, attempt: u32, approvals: &[u64], begun: &Begun<'_>) {
        let mut asked = BTreeSet::new();
        let mut people: Vec<&Approval> = Vec::new();
        let mut whats = Vec::new();
        for n in approvals {
            let Some(given) = self.given.get(n).filter(|given| given.step == *step) else {
                whats.push(format!("it rests on record {n}, which approves nothing of {step}"));
                continue;
            };
            if !given.seen.holds {
                whats.push(format!("it rests on the approval in record {n}, which does not hold"));
            }
            if let Some(used) = given.seen.used_by {
                whats.push(format!("the approval in record {n} was used up by the start in record {used}"));
            }
            asked.insert(given.seen.asked);
            if !people.iter().any(|other| same_person(other, &given.approval)) {
                people.push(&given.approval);
            }
        }
        let last = self.latest.get(step).copied();
        if let (Some(last), Some(other)) = (last, asked.iter().find(|one| Some(**one) != last)) {
            whats.push(format!("what record {other} asked was approved, and record {last} asked anew since"));
        }
        if let Some(asking) = last.and_then(|last| self.askings.get(&last)) {
            let count = asking.subject.witness.count as usize;
            if people.len() < count {
                whats.push(format!("{} approved it, and {count} must", people_in_words(people.len())));
            }
            whats.extend(not_what_was_approved(&asking.subject, begun));
        }
        for what in whats {
            self.against(entry, &what);
        }
        for n in approvals {
            if let Some(given) = self.given.get_mut(n) {
                given.seen.used_by.get_or_insert(entry.n);
            }
        }
        self.started = last.map(|asked| Started { attempt, asked });
    }

    /// The record that asked last for an approval of this start, where no start has used it up.
    fn waits(&self, step: &StepId, work: Work) -> Option<u64> {
        let asked = *self.latest.get(step)?;
        let used = |given: &Given| given.seen.asked == asked && given.seen.used_by.is_some();
        let fits = self.askings.get(&asked)?.subject.work == work && !self.given.values().any(used);
        fits.then_some(asked)
    }

    /// What an item of an approved start runs is what was approved for it.
    fn item(&mut self, entry: &Entry, attempt: u32, item: &str, index: u32, command: Option<&Digest>) {
        let started = self.started.as_ref().filter(|started| started.attempt == attempt);
        let Some(asking) = started.and_then(|started| self.askings.get(&started.asked)) else { return };
        let subject = &asking.subject;
        let approved = subject.items.get(index as usize).filter(|approved| approved.item == item);
        if approved.is_none_or(|approved| that_runs(subject, approved.command.as_ref()) != command) {
            self.against(entry, &format!("what runs for {item} is not what was approved"));
        }
    }
}

fn people_in_words(people: usize) -> String {
    match people {
        0 => "nobody".to_owned(),
        1 => "one person".to_owned(),
        many => format!("{many} people"),
    }
}

/// Who may approve, by the rule as it was shown.
fn not_by_the_rule(subject: &Subject, approval: &Approval) -> Option<String> {
    let (rule, name) = (&subject.witness, name_of(approval));
    if !rule.of.is_empty() && !rule.of.iter().any(|of| of == name) {
        return Some(format!("{name} approved, and only {} may", rule.of.join(", ")));
    }
    let enough = match (rule.proof, &approval.proof) {
        (Proof::Here, _) | (Proof::Account, Proven::Account) | (Proof::Key, Proven::Key(_)) => true,
        (Proof::Account | Proof::Key, _) => false,
    };
    if !enough {
        return Some(format!("{name} approved in another way than was asked: {}", subject.rule()));
    }
    if matches!(approval.proof, Proven::Here { .. }) && !subject.operator.same_account(&approval.by) {
        return Some(format!("{name} was typed from another account than the operator's"));
    }
    (approval.proof == Proven::Account && subject.operator.may_be(&approval.by))
        .then(|| format!("{name} approved, and is the operator: nobody approves themselves"))
}

/// By the clock that counts suspend; the other one can be set.
fn too_late(asking: &Asking, approval: &Entry, name: &str) -> Option<String> {
    let lifetime = u64::try_from(LIFETIME.as_millis()).unwrap_or(u64::MAX);
    let in_time = approval.up.checked_sub(asking.up).is_some_and(|age| age < lifetime);
    (!in_time).then(|| format!("what was asked of {name} in record {} had expired", asking.n))
}

/// Against the line that is on record, and against the file of whoever verifies.
fn signature_holds(
    text: &str,
    signed: &SignedBy,
    entry: &Entry,
    outside: Option<&Signers>,
) -> Result<(), String> {
    let who = format!("the signature of {}", signed.principal);
    signature::check_again(text, signed, entry.at).map_err(|why| format!("{who} does not hold: {why}"))?;
    let Some(signers) = outside else { return Ok(()) };
    signature::check_against(text, signed, signers, entry.at)
        .map_err(|why| format!("{who} does not hold by {}: {why}", signers.path))
}

/// The command that a start or an item of it names: what is done by hand names none, and shows the script beside it.
fn that_runs<'a>(subject: &Subject, shown: Option<&'a Digest>) -> Option<&'a Digest> {
    shown.filter(|_| subject.how == How::Script)
}

/// What differs between a start and what was approved of it.
fn not_what_was_approved(subject: &Subject, begun: &Begun<'_>) -> Option<String> {
    let one_command = that_runs(subject, subject.command.as_ref()).filter(|_| subject.items.is_empty());
    let approved: Vec<&String> = subject.items.iter().map(|one| &one.item).collect();
    let differs = if (subject.work, subject.how) != (begun.work, begun.how) {
        "the way it is carried out"
    } else if one_command != begun.command {
        "the command"
    } else if approved != begun.items.iter().collect::<Vec<_>>() || subject.list != begun.list {
        "the items"
    } else {
        return None;
    };
    Some(format!("{differs} of {} is not what was approved in record {}", subject.name, subject.asked))
}

/// Says what the approvals prove, and which records no signature vouches for. `starts`: those that were found allowed.
pub(super) fn told(verified: &mut Verified, starts: &[super::Start], outside: Option<&Signers>) {
    let approvals = std::mem::take(&mut verified.approvals);
    for seen in approvals.iter().filter(|seen| seen.holds) {
        let start = starts.iter().find(|start| seen.used_by == Some(start.n));
        tell(verified, seen, start, outside.is_some());
    }
    let signed = approvals.iter().filter(|seen| seen.holds && seen.known_by == KnownBy::Key);
    if signed.clone().next().is_some() && outside.is_none() {
        verified.leave_open(
            "that each key is that person's: the line that allowed it is from this log; hold it against your own file with  onbelay verify --allowed-signers FILE",
        );
    }
    let last = signed.max_by_key(|seen| seen.signed_up_to);
    let (records, some) = (verified.records, !approvals.is_empty());
    if let Some((seen, up_to)) = last.and_then(|seen| Some((seen, seen.signed_up_to?))) {
        verified.signed_up_to = up_to;
        verified.prove(&format!(
            "records 1 to {up_to} are as they were when the key {} signed (record {}): nobody changed them without that key",
            seen.fingerprint.as_deref().unwrap_or_default(),
            seen.record
        ));
        verified.leave_open(&format!(
            "records {} to {records} are chained only: nobody signed their head (of record {0}, what was asked is signed)",
            up_to + 1
        ));
        verified.leave_open(&format!(
            "that no records were cut off at the end, after record {}: for that the head must be kept elsewhere",
            seen.record
        ));
    } else {
        if some {
            verified.leave_open(&format!(
                "records 1 to {records} are chained only: nobody signed their head; whoever can write this log can write another, approvals included"
            ));
        }
        verified.leave_open(
            "that no records were cut off at the end, or the whole log rewritten: for that its head must be kept elsewhere",
        );
    }
    verified.approvals = approvals;
}

/// `outside`: the file that allowed a key is of whoever verifies.
fn tell(verified: &mut Verified, seen: &ApprovalSeen, start: Option<&super::Start>, outside: bool) {
    let what = match (start, seen.used_by) {
        (Some(start), _) => {
            let what = if start.work == Work::Undo {
                format!("taking {} back", seen.step)
            } else {
                format!("the start of {}", seen.step)
            };
            format!("{what} (attempt {}, record {})", start.attempt, start.n)
        }
        (None, Some(n)) => format!("the start of {} (record {n})", seen.step),
        (None, None) => match seen.replaced_by {
            Some(n) => format!("{}, which was not started on it, as record {n} asked anew,", seen.step),
            None => format!("{}, which was not started on it,", seen.step),
        },
    };
    match (seen.known_by, seen.fingerprint.as_deref()) {
        (KnownBy::Key, Some(key)) => {
            let up_to = seen.signed_up_to.unwrap_or_default();
            let file = seen.allowed_by.as_deref().unwrap_or_default();
            let who = if outside {
                format!("which {file} calls {}", seen.by)
            } else {
                format!("which this log calls {} (allowed by {file})", seen.by)
            };
            verified.prove(&format!(
                "{what} was approved by the key {key}, {who}, in record {}: signature over what record {} asks and the log up to record {up_to}",
                seen.record, seen.asked
            ));
        }
        (KnownBy::Key | KnownBy::Account, _) => verified.prove(&format!(
            "{what} was approved by {}, another account by this machine's word (record {}): no signature, so it is as good as this log",
            seen.by, seen.record
        )),
        (KnownBy::Here, _) => {}
    }
    match (seen.known_by, &seen.unproven) {
        (KnownBy::Here, Some(why)) => verified.leave_open(&format!(
            "who approved {what}: in the name of {} (record {}), {why}",
            seen.by, seen.record
        )),
        (_, Some(why)) => verified.leave_open(&format!(
            "that a second person approved {what}, and not {} alone (record {}): {why}",
            seen.by, seen.record
        )),
        (_, None) => {}
    }
}

fn clean(outside: &str) -> String {
    text::clean(outside).into_owned()
}
