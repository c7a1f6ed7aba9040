//! What the walk in lines says: the step and all about it, prompts, the question, news. PURE.
//! Text from outside is cleaned here, once, before it is handed on.

use crate::cli::out::broken;
use crate::cli::words::{Voice, quoted};
use crate::report::status::{check_word, step_word};
use crate::runbook::values::variables_in;
use crate::runbook::{Probe, Script, UndoWork, Value};
use crate::session::event::{How, Work};
use crate::session::state::{Phase, Stage};
use crate::session::summary::{sentence, who};
use crate::session::view::{self, CheckStatus, StepStatus};
use crate::session::{Command, Entry, Event, Kind, Person, Progress, Requirement, Session};
use crate::text::{clean, clean_lines};
use crate::time::{Moment, in_words};
use crate::tui::view::{MIN_HEIGHT, MIN_WIDTH, markdown, shape};

use super::line::{Wanted, all_behind, asked, here};
use super::second;

/// What lines are set on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sheet<'a> {
    /// How the session is called, not quoted.
    pub name: &'a str,
    /// Where a terminal ends; scripts are never broken.
    pub columns: Option<usize>,
}

impl Sheet<'_> {
    fn set(&self, lines: Vec<String>) -> Vec<String> {
        match self.columns {
            Some(columns) => lines.iter().map(|line| broken(line, columns)).collect(),
            None => lines,
        }
    }
}

/// How wide instructions are set, columns.
const PROSE: usize = 76;

/// Every value, by its name: those that were given, those that steps captured, and that secrets have one.
pub(super) fn values(session: &Session) -> Vec<String> {
    let shown = |value: &Value| match value {
        Value::Text(text) => quoted(text),
        Value::List(items) => items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(" "),
    };
    let secret = |name: &str| session.opened.secrets.iter().any(|secret| secret.as_str() == name);
    let known = session.values.iter().filter(|(name, _)| !secret(name.as_str()));
    let mut lines: Vec<String> =
        known.map(|(name, value)| clean(&format!("{name}={}", shown(value))).into_owned()).collect();
    lines.extend(session.opened.secrets.iter().map(|name| format!("{name}: a secret, never shown")));
    if lines.is_empty() {
        lines.push("there are no values yet".to_owned());
    }
    lines
}

/// What is said where the walk goes on in lines after the screen.
pub(super) fn back_in_lines(session: &Session) -> String {
    format!(
        "On in lines, in the same session, {}: nothing of it has changed. Once this window has {MIN_WIDTH} columns and \
         {MIN_HEIGHT} rows, screen brings the screen back.",
        session.id
    )
}

/// What is said when the walk begins.
pub(super) fn opening(session: &Session) -> Vec<String> {
    let mut lines = vec![
        clean(&session.opened.title).into_owned(),
        format!(
            "session {}, {} step{}",
            session.id,
            session.steps.len(),
            if session.steps.len() == 1 { "" } else { "s" }
        ),
    ];
    let about = view::filled(session, &session.runbook.about);
    if !about.trim().is_empty() {
        lines.push(String::new());
        lines.extend(prose(&about));
    }
    lines.push(String::new());
    lines
}

/// Whose host it is that hears all that is typed, where it is another account's.
pub(super) fn whose(session: &Session) -> String {
    let opened = &session.opened;
    let shared = opened.share.as_ref();
    let shared = shared.map_or_else(String::new, |group| format!(", shared with {}", clean(&group.name)));
    format!("{}'s session{shared}", clean(&opened.operator.name))
}

/// The step at `place` with all about it.
pub(super) fn card(session: &Session, place: usize, now: Moment, sheet: &Sheet<'_>) -> Vec<String> {
    let model = &session.runbook.steps[place];
    let status = view::step_status(session, &view::order(session), place, now);
    let hold_point = if model.is_hold_point() { "hold point: " } else { "" };
    let phase = model.phase.and_then(|phase| session.runbook.phases.get(phase));
    let phase =
        phase.map_or_else(String::new, |phase| format!(" ({})", clean(&view::filled(session, phase))));
    let mut lines = vec![
        String::new(),
        format!(
            "Step {} of {}{phase}: {hold_point}{}",
            place + 1,
            session.steps.len(),
            clean(&view::filled(session, &model.title)),
        ),
        format!("{}, {}{}", model.id, step_word(status), why_so(session, place, status)),
    ];
    let about = view::filled(session, &model.about);
    if !about.trim().is_empty() {
        lines.push(String::new());
        lines.extend(prose(&about));
    }
    if let Some(loses) = loses(session, place) {
        lines.push(String::new());
        lines.extend(loses);
    }
    if !matches!(status, StepStatus::Done | StepStatus::Skipped | StepStatus::Running) {
        lines.extend(shut_until(session, place, now, sheet));
    }
    if status != StepStatus::Done {
        lines.extend(what_happens(session, place, Work::Run));
    }
    lines
}

fn why_so(session: &Session, place: usize, status: StepStatus) -> String {
    let step = &session.steps[place];
    match (status, &step.progress) {
        (StepStatus::Running, _) => {
            view::doing(session, place).map_or_else(String::new, |doing| format!(": {}", clean(&doing)))
        }
        (StepStatus::Failed | StepStatus::Interrupted | StepStatus::Skipped | StepStatus::Undone, _)
            if !step.why.is_empty() =>
        {
            format!(": {}", clean(&step.why))
        }
        _ => String::new(),
    }
}

/// What a hold point loses, in the runbook's words.
fn loses(session: &Session, place: usize) -> Option<Vec<String>> {
    let destructive = session.runbook.steps[place].destructive.as_ref()?;
    let words = view::filled(session, &destructive.loses);
    let words =
        if words.trim().is_empty() { "What it does cannot be taken back by itself." } else { words.trim() };
    Some(shape::wrap(&format!("What is lost: {}", clean(words)), PROSE))
}

/// What keeps a step shut, with reasons and what to do.
fn shut_until(session: &Session, place: usize, now: Moment, sheet: &Sheet<'_>) -> Vec<String> {
    let gate = view::gate(session, &view::order(session), place, now);
    let unmet: Vec<&Requirement> = gate.iter().filter(|r| !r.met && r.kind != Kind::Confirm).collect();
    let mut lines = Vec::new();
    if !unmet.is_empty() {
        lines.push(String::new());
        lines.push("It stays shut until:".to_owned());
        for requirement in unmet {
            lines.extend(sheet.set(unmet_lines(session, requirement, now, sheet.name)));
        }
    }
    if let Some(confirm) = gate.iter().find(|r| r.kind == Kind::Confirm) {
        lines.push(format!("  and then you are asked to type  {}", clean(&confirm.id)));
    }
    lines
}

fn unmet_lines(session: &Session, requirement: &Requirement, now: Moment, name: &str) -> Vec<String> {
    let voice = Voice::of_plain(name);
    let check = if requirement.kind == Kind::Check { session.check_at(&requirement.id) } else { None };
    let why = voice.said(session, &requirement.why);
    let fix = voice.said(session, &requirement.fix);
    let Some(place) = check else {
        let fix = Some(format!("    {fix}")).filter(|fix| !fix.trim().is_empty());
        return std::iter::once(format!("  - {why}")).chain(fix).collect();
    };
    let id = &requirement.id;
    let mut lines = vec![format!("  - {id}: {why}")];
    // What to do about a no is no help while nobody has asked.
    let answered = matches!(view::check(session, place, now).state, CheckStatus::Fails | CheckStatus::Error);
    let model = &session.runbook.checks[place];
    if answered && !model.fix.is_empty() {
        lines.push(format!("    {fix}"));
    }
    lines.push(match &model.probe {
        Probe::Attest { question, .. } => {
            let question = view::filled(session, question);
            format!("    {} attest {id} answers it", clean(question.trim()))
        }
        _ => format!("    check {id} asks {}", if answered { "again" } else { "it" }),
    });
    lines
}

/// What a step does: its script with its values, or that a person does it.
fn what_happens(session: &Session, place: usize, work: Work) -> Vec<String> {
    let model = &session.runbook.steps[place];
    let script = match work {
        Work::Run => model.run.as_ref(),
        Work::Undo => match model.undo.as_ref().map(|undo| &undo.work) {
            Some(UndoWork::Script(script)) => Some(script),
            Some(UndoWork::Words(words)) => {
                let words = view::filled(session, words);
                return vec![String::new(), format!("You do it: {}", clean(words.trim()))];
            }
            None => None,
        },
    };
    let mut lines = vec![String::new()];
    match script {
        Some(script) => {
            lines.push("It will run:".to_owned());
            lines.extend(script_lines(session, place, script));
        }
        None => lines.push(match &model.capture {
            Some(capture) => format!("A person does it, then types: done and the value of {}", capture.name),
            None => "A person does it, then types: done".to_owned(),
        }),
    }
    lines
}

/// A script as it is written, and the values that it uses.
fn script_lines(session: &Session, place: usize, script: &Script) -> Vec<String> {
    let mut lines = indented(script.text.trim_end());
    let item = session.runbook.steps[place].for_each.as_ref();
    for name in variables_in(&script.text) {
        let shown = match session.values.get(name) {
            Some(Value::Text(text)) => quoted(text),
            Some(Value::List(items)) => items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(" "),
            None if session.opened.secrets.iter().any(|secret| *secret == *name) => "•••".to_owned(),
            None => match item.filter(|item| item.name == *name) {
                Some(for_each) => {
                    let items = view::items_of(session, for_each).map(std::borrow::Cow::into_owned);
                    format!("each of {}", items.unwrap_or_default().join(", "))
                }
                None => continue,
            },
        };
        lines.push(format!("  with {name}={}", clean(&shown)));
    }
    if let Some(dir) = &script.dir {
        lines.push(format!("  in {}", clean(&view::filled(session, dir))));
    }
    lines
}

/// Markdown as lines of text, each set in by two.
fn prose(text: &str) -> Vec<String> {
    let row = |line: ratatui::text::Line<'_>| {
        let text: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
        format!("  {text}").trim_end().to_owned()
    };
    markdown::rows(text, PROSE).into_iter().map(row).collect()
}

/// Lines of outside text, each set in by two.
fn indented(text: &str) -> Vec<String> {
    clean_lines(text).lines().map(|line| format!("  {line}").trim_end().to_owned()).collect()
}

/// The prompt: where the walk stands, what can be done, and what Enter does.
pub(super) fn prompt(session: &Session, now: Moment) -> String {
    if let Stage::Aborted { .. } = session.stage {
        return "[aborted] undo STEP, status or quit; Enter does nothing > ".to_owned();
    }
    if all_behind(session) {
        return "[all steps are behind you] finish closes the session; Enter does nothing > ".to_owned();
    }
    let place = here(session);
    let status = view::step_status(session, &view::order(session), place, now);
    let model = &session.runbook.steps[place];
    let of_person = model.run.is_none() && !model.must_be_started() && model.for_each.is_none();
    let hint = match status {
        StepStatus::Waiting | StepStatus::Ready if asked(session) == Some(place) => {
            &second::waiting(session, place, now)
        }
        StepStatus::Ready if of_person => "done says that you did it",
        StepStatus::Ready if model.confirm.is_some() => "run asks for its text, then starts it",
        StepStatus::Ready => "run starts it",
        StepStatus::Waiting => "run says what is missing",
        StepStatus::Running => match &session.steps[place].progress {
            Progress::Running(running) if running.how != How::Script && running.phase == Phase::Working => {
                "done, or fail WHY"
            }
            _ => "stop ends it",
        },
        StepStatus::Failed | StepStatus::Undone if of_person => "done, or skip WHY",
        StepStatus::Failed => "run tries again, skip WHY passes by",
        StepStatus::Undone => "run does it again, skip WHY passes by",
        StepStatus::Interrupted => "resolve done WHAT, or resolve failed WHAT",
        StepStatus::Done | StepStatus::Skipped => "help",
    };
    let held = if session.holds.is_empty() { "" } else { ", hold" };
    format!(
        "[step {} of {}, {}{held}] {hint}; Enter does nothing > ",
        place + 1,
        session.steps.len(),
        step_word(status)
    )
}

/// Everything the question before a step is about; the prompt follows.
pub(super) fn question(
    session: &Session,
    place: usize,
    work: Work,
    now: Moment,
    sheet: &Sheet<'_>,
) -> Vec<String> {
    let model = &session.runbook.steps[place];
    let verb = if work == Work::Undo { "Take back: " } else { "" };
    let mut lines = vec![String::new(), format!("{verb}{}", clean(&view::step_name(session, place)))];
    lines.extend(loses(session, place).filter(|_| work == Work::Run).into_iter().flatten());
    lines.extend(what_happens(session, place, work));
    lines.extend(view::warnings(session, place, work));
    let checks = match work {
        Work::Run => model.requires_checks.as_slice(),
        Work::Undo => model.undo.as_ref().map_or(&[][..], |undo| undo.requires.as_slice()),
    };
    if !checks.is_empty() {
        lines.push(String::new());
        lines.push("Checked:".to_owned());
    }
    for id in checks {
        let Some(at) = session.check_at(id.as_str()) else { continue };
        let answer = view::check(session, at, now);
        let age = answer
            .began
            .and_then(|began| began.age(now))
            .map_or_else(String::new, |age| format!(", {} ago", in_words(age)));
        lines.extend(sheet.set(vec![format!(
            "  {id} {}: {}{age}",
            check_word(answer.state),
            clean(&answer.detail)
        )]));
    }
    lines.extend(sheet.set(second::approved_by(session, place, work, now)));
    lines.push(String::new());
    lines
}

/// Asks for the text that confirms a step.
pub(super) fn confirm_prompt(text: &str) -> String {
    format!("Type  {}  to go on; Enter: not now: ", clean(text))
}

/// Asks for the words that a request lacks.
pub(super) fn words_prompt(session: &Session, command: &Command, wanted: Wanted) -> String {
    match (wanted, command) {
        (Wanted::Answer, Command::Attest { check, yes, .. }) => {
            let question =
                session.check_at(check.check.as_str()).map(|place| &session.runbook.checks[place].probe);
            let question = match question {
                Some(Probe::Attest { question, .. }) => view::filled(session, question),
                _ => String::new(),
            };
            let answer = if *yes { "Yes, in words" } else { "No, in words" };
            format!("{}\n{answer} under your name (Enter: no answer): ", clean(question.trim()))
        }
        (Wanted::Value, Command::Done { step, .. }) => {
            let capture = session
                .step_at(step.as_str())
                .and_then(|place| session.runbook.steps[place].capture.as_ref());
            match capture.map(|capture| (&capture.name, &capture.pattern)) {
                Some((name, Some(pattern))) => {
                    format!("The value of {name}, as {} (Enter: not done yet): ", clean(pattern))
                }
                Some((name, None)) => format!("The value of {name} (Enter: not done yet): "),
                None => "The value (Enter: not done yet): ".to_owned(),
            }
        }
        (_, Command::Note { .. }) => "The note (Enter: none): ".to_owned(),
        _ => format!("{}: why, in words (Enter: not now): ", clean(&command.action())),
    }
}

/// A record as a line of news; `None`: it is not worth one. `asking`: what the reader asked for is still being
/// decided, and its end will say what was found.
pub(super) fn news(entry: &Entry, session: &Session, you: &Person, asking: bool) -> Option<String> {
    let hidden = match &entry.event {
        Event::Requested { .. } | Event::QuestionPut { .. } => entry.by == *you,
        Event::Refused { .. } | Event::CheckAnswered { .. } => asking,
        Event::CheckAsked { .. } => !asking,
        _ => false,
    };
    if hidden {
        return None;
    }
    let line = sentence(entry, session);
    let (by, who) = (&entry.by, who(entry));
    let own = (by == you || by.is_tool()) && by.name == who;
    Some(if own { line } else { format!("{}: {line}", clean(who)) })
}

/// A step that goes on by itself.
pub(super) fn in_background(session: &Session, place: usize) -> String {
    format!(
        "{} goes on in the background; output {} shows what it writes",
        clean(&view::step_name(session, place)),
        place + 1
    )
}

/// What can be typed.
pub(super) fn help() -> &'static str {
    "\
run [STEP]              start the step; what it requires is asked first. --by-hand: you do it yourself
done [STEP] [VALUE]     you did it (VALUE: what the step captures)
fail [STEP] WHY         you tried, and it did not work
check [ID…|all]         ask checks: this step's, those named, or every one
attest CHECK [--no] WORDS   answer a check's question, yes or no, in words
skip [STEP] WHY         pass the step by
undo STEP               take a step back
stop [STEP]             end the running command
type TEXT, key ^C       into the terminal of an interactive step: TEXT and Enter, or a key (Esc, Up, F1, …)
hidden                  the same as type, asked for without showing it: for a password
resolve [STEP] done|failed WHAT   say what became of an interrupted step
note WORDS              write something down
hold WHY, release [WHY] nothing starts from hold to release
show, approve, refuse WHY   the second person: read what is asked of you, say yes, say no
people                  who is here, and the line that somebody joins with
handover NAME           that account drives from now
finish, abort WHY       close the walk: all is done, or you give up
withdraw [STEP]         take a start back while its checks are still being asked
show [STEP], next, status, log, about, values   look
output [STEP] [from N]  the end of what a step wrote, or from line N on
find [STEP] TEXT        where a text is in what a step wrote
save [STEP] FILE        what a step wrote, into a new file; save [STEP] errors FILE: what went to stderr
stop looking            an output is not read any further (find, save)
secrets                 give a secret again that the session's host does not know
screen                  on to the screen, where the window has room for it
help, quit              quit leaves; the session stays as it is
STEP is a number or an id; without it the present step is meant. Ctrl-C leaves at once."
}
