//! What a typed line asks for. PURE: the walk as it stands is handed in. It must not know where lines come from.

#[cfg(test)]
mod tests;

use crate::id::{CheckId, StepId};
use crate::session::command::CheckItem;
use crate::session::event::{How, Said, Work};
use crate::session::state::Phase;
use crate::session::{Command, Progress, Session, view};
use crate::tui::terminal_pane::keys::{Asked, bytes, named};

/// A line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A bare Enter.
    Nothing,
    /// What can be typed.
    Help,
    /// Every step and every check.
    Status,
    /// The newest records.
    Log,
    /// Who is here, and how somebody joins.
    People,
    /// A step, with all about it; none named: where the walk stands, or what a second person is asked about.
    Show(Option<usize>),
    /// The end of a step's output; or from this line on.
    Output(usize, Option<u64>),
    /// Where a text is in a step's output.
    Find(usize, String),
    /// A copy of a step's output, or of what went to stderr, in this file.
    Save(usize, bool, String),
    /// The values of the walk.
    Values,
    /// What the walk is about.
    About,
    /// Secrets that the host lacks are asked for.
    Secrets,
    /// Say yes as the second person, after reading it to its end.
    Approve(usize),
    /// On to the screen.
    Screen,
    /// Bytes for the terminal of the step that runs.
    Type(Vec<u8>),
    /// A line for it that is asked for without showing it.
    TypeHidden,
    /// Leave; the session stays as it is.
    Quit,
    /// A request, complete.
    Act(Command),
    /// A request that lacks words; they are asked for first.
    Words(Command, Wanted),
}

/// What words are lacking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// An answer to a check's question.
    Answer,
    /// The value that a step captures.
    Value,
    /// A reason, or a note.
    Why,
}

/// Reads a line. `Err`: what is wrong with it, in a sentence; nothing is asked of the session then.
pub(super) fn read(line: &str, session: &Session) -> Result<Line, String> {
    if let Some(read) = for_terminal(line) {
        return read;
    }
    let line = line.trim();
    let (verb, rest) = first_word(line);
    match verb {
        "" => Ok(Line::Nothing),
        "help" | "?" => Ok(Line::Help),
        "quit" | "exit" => Ok(Line::Quit),
        "screen" => nothing_more(rest, verb).map(|()| Line::Screen),
        "status" => Ok(Line::Status),
        "log" => Ok(Line::Log),
        "people" | "who" => nothing_more(rest, verb).map(|()| Line::People),
        "show" => Ok(Line::Show(only_step(rest, session, "show")?)),
        "next" => nothing_more(rest, verb).map(|()| Line::Show(None)),
        "output" => output(rest, session),
        "find" => find_text(rest, session),
        "save" => save(rest, session),
        "values" => nothing_more(rest, verb).map(|()| Line::Values),
        "about" => nothing_more(rest, verb).map(|()| Line::About),
        "secrets" => nothing_more(rest, verb).map(|()| Line::Secrets),
        "withdraw" => withdraw(rest, session),
        "run" => run(rest, session),
        "undo" => undo(rest, session),
        "stop" => stop(rest, session),
        "done" => Ok(done(rest, session)),
        "check" => check(rest, session),
        "attest" => attest(rest, session),
        "resolve" => resolve(rest, session),
        "fail" => {
            let (place, why) = step_then_words(rest, session);
            let step = id(session, place.unwrap_or_else(|| with_a_person(session)));
            Ok(worded(Command::Fail { step, why: words(why) }))
        }
        "skip" => skip(rest, session),
        "note" => Ok(worded(Command::Note { text: words(rest) })),
        "hold" => Ok(worded(Command::Hold { why: words(rest) })),
        "abort" => Ok(worded(Command::Abort { why: words(rest) })),
        "release" => Ok(Line::Act(Command::Release { why: Some(words(rest)).filter(|w| !w.is_empty()) })),
        "finish" => nothing_more(rest, "finish").map(|()| Line::Act(Command::Finish)),
        "approve" => Ok(Line::Approve(approve(rest, session)?)),
        "refuse" => {
            let (place, why) = step_then_words(rest, session);
            let step = id(session, place.unwrap_or_else(|| asked_of(session)));
            Ok(worded(Command::Refuse { step, why: words(why) }))
        }
        "handover" => handover(rest),
        "amend" => Err("not yet: amend comes with a later version".to_owned()),
        _ if is_private(verb) => {
            Err("that is no verb; type, a space and TEXT types into a step's terminal".to_owned())
        }
        _ => Err(format!("there is no “{verb}”; help lists what can be typed")),
    }
}

fn output(rest: &str, session: &Session) -> Result<Line, String> {
    let (before, from) = match rest.split_once("from") {
        None => (rest, None),
        Some((before, number)) => {
            let number: Option<u64> = number.trim().parse().ok().filter(|n| *n > 0);
            let wrong = || "say from which line on, such as: output 2 from 1".to_owned();
            (before, Some(number.ok_or_else(wrong)?))
        }
    };
    let place = only_step(before.trim(), session, "output")?.unwrap_or_else(|| last_run(session));
    Ok(Line::Output(place, from))
}

/// A step, if one is named, and the text that is looked for.
fn find_text(rest: &str, session: &Session) -> Result<Line, String> {
    let (place, text) = step_then_words(rest, session);
    // A number alone is the text: nobody looks for nothing.
    let (place, text) = if text.is_empty() { (None, rest) } else { (place, text) };
    let text = words(text);
    if text.is_empty() {
        return Err("say what to look for in the output, such as: find error, or: find 2 error".to_owned());
    }
    Ok(Line::Find(place.unwrap_or_else(|| last_run(session)), text))
}

fn save(rest: &str, session: &Session) -> Result<Line, String> {
    let (place, file) = step_then_words(rest, session);
    let (errors, file) = match first_word(file) {
        ("errors", file) if !file.is_empty() => (true, file),
        _ => (false, file),
    };
    let file = words(file);
    if file.is_empty() {
        return Err("say into which new file, such as: save 2 /tmp/output.txt".to_owned());
    }
    Ok(Line::Save(place.unwrap_or_else(|| last_run(session)), errors, file))
}

fn withdraw(rest: &str, session: &Session) -> Result<Line, String> {
    let asked = || (0..session.steps.len()).find(|place| session.steps[*place].request.is_some());
    let place = only_step(rest, session, "withdraw")?.or_else(asked);
    let place = place.ok_or("no step is waiting for its checks; stop ends one that runs")?;
    Ok(Line::Act(Command::Withdraw { step: id(session, place) }))
}

/// What is typed into a terminal may be a secret: a line that is for it, or was meant to be, is shown nowhere again.
pub(super) fn is_private(line: &str) -> bool {
    line.trim_start().get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case("type"))
}

/// What a line sends to the terminal of a command, if that is what it is for: `type TEXT` and Enter, or keys by name.
/// `hidden` asks for the text without showing it.
pub(super) fn for_terminal(line: &str) -> Option<Result<Line, String>> {
    let line = line.trim_start();
    let (verb, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match verb {
        // The text as it is: its spaces may be meant.
        "type" => Some(Ok(Line::Type(format!("{rest}\r").into_bytes()))),
        "hidden" if rest.trim().is_empty() => Some(Ok(Line::TypeHidden)),
        "hidden" => {
            Some(Err("hidden takes nothing: what you type after it is asked for, and not shown".to_owned()))
        }
        "key" if rest.trim().is_empty() => {
            Some(Err("say which: key ^C, key Esc, key Up, key F1, or several after one another".to_owned()))
        }
        "key" => Some(
            rest.split_whitespace()
                .map(|name| {
                    named(name).and_then(|key| bytes(key, Asked::default())).ok_or_else(|| {
                        format!(
                            "there is no key “{name}”; there are ^C, Esc, Enter, Tab, Up, F1 and the like"
                        )
                    })
                })
                .collect::<Result<Vec<_>, _>>()
                .map(|keys| Line::Type(keys.concat())),
        ),
        _ => None,
    }
}

/// The words that were asked for, put into the request.
pub(super) fn with_words(mut command: Command, given: String) -> Command {
    match &mut command {
        Command::Attest { words, .. } => *words = given,
        Command::Done { said, .. } => said.value = Some(given),
        Command::Fail { why, .. }
        | Command::Skip { why, .. }
        | Command::Refuse { why, .. }
        | Command::Hold { why }
        | Command::Abort { why } => *why = given,
        Command::Note { text } => *text = given,
        Command::Resolve { what, .. } => *what = given,
        _ => {}
    }
    command
}

/// The step where the walk stands: the first that is not behind it (the last one, when all are).
pub(super) fn here(session: &Session) -> usize {
    let behind = |place: usize| match &session.steps[place].progress {
        Progress::Done | Progress::Skipped => true,
        Progress::Running(running) => {
            session.runbook.steps[place].background && running.work == Work::Run && running.how == How::Script
        }
        _ => false,
    };
    let all = session.steps.len();
    (0..all).find(|&place| !behind(place)).unwrap_or_else(|| all.saturating_sub(1))
}

/// The step that a second person was asked about last, where that is still open.
pub(super) fn asked(session: &Session) -> Option<usize> {
    let open = |place: &usize| {
        let round = session.steps[*place].approval.as_deref();
        round.filter(|round| round.void.is_none() && round.refused.is_none()).map(|round| round.subject.asked)
    };
    (0..session.steps.len()).filter(|place| open(place).is_some()).max_by_key(open)
}

/// As [`asked`]; else the step where the walk stands.
pub(super) fn asked_of(session: &Session) -> usize {
    asked(session).unwrap_or_else(|| here(session))
}

fn approve(rest: &str, session: &Session) -> Result<usize, String> {
    Ok(only_step(rest, session, "approve")?.unwrap_or_else(|| asked_of(session)))
}

fn handover(rest: &str) -> Result<Line, String> {
    let (name, more) = first_word(rest);
    nothing_more(more, "handover")?;
    if name.is_empty() {
        return Err("say to whom: handover and the name of an account".to_owned());
    }
    Ok(Line::Act(Command::Handover { to: name.to_owned() }))
}

/// Are all steps done or skipped?
pub(super) fn all_behind(session: &Session) -> bool {
    session.steps.iter().all(|step| matches!(step.progress, Progress::Done | Progress::Skipped))
}

/// The step that is with a person now; else the one where the walk stands.
fn with_a_person(session: &Session) -> usize {
    let theirs = |place: &usize| {
        matches!(&session.steps[*place].progress,
            Progress::Running(running) if running.how != How::Script && running.phase == Phase::Working)
    };
    (0..session.steps.len()).find(theirs).unwrap_or_else(|| here(session))
}

/// The step that was started last.
fn last_run(session: &Session) -> usize {
    let last = |place: &usize| session.steps[*place].last_attempt;
    (0..session.steps.len()).max_by_key(last).filter(|place| last(place) > 0).unwrap_or_else(|| here(session))
}

/// Steps whose command runs now.
pub(super) fn commands_running(session: &Session) -> Vec<usize> {
    let runs = |place: &usize| matches!(&session.steps[*place].progress, Progress::Running(running) if running.how == How::Script);
    (0..session.steps.len()).filter(runs).collect()
}

fn run(rest: &str, session: &Session) -> Result<Line, String> {
    let mut step = None;
    let mut by_hand = false;
    for word in rest.split_whitespace() {
        match word {
            "--by-hand" => by_hand = true,
            _ if word.starts_with("--confirm") => {
                return Err(
                    "what confirms a step is asked for once all else is met; type run and the step alone"
                        .to_owned(),
                );
            }
            _ if step.is_none() => step = Some(find(word, session)?),
            _ => return Err("run takes one step, and --by-hand if you do it yourself".to_owned()),
        }
    }
    let step = id(session, step.unwrap_or_else(|| here(session)));
    Ok(Line::Act(Command::Run { step, typed: None, will_ask: true, by_hand }))
}

fn undo(rest: &str, session: &Session) -> Result<Line, String> {
    match only_step(rest, session, "undo")? {
        Some(place) => Ok(Line::Act(Command::Undo { step: id(session, place), typed: None, will_ask: true })),
        None => Err("say which step is to be taken back, such as: undo 1".to_owned()),
    }
}

/// One step and why, or several with `because` (or `--say`) between; where it could mean either, it says so.
fn skip(rest: &str, session: &Session) -> Result<Line, String> {
    let mut places = Vec::new();
    let mut left = rest.trim();
    while let (word, after) = first_word(left)
        && let Ok(place) = find(word.trim_end_matches(','), session)
    {
        if !places.contains(&place) {
            places.push(place);
        }
        left = after;
    }
    let is_say = |word: &str| word == "--say" || word.starts_with("--say=");
    let because = first_word(left).0 == "because";
    let marked = because || is_say(first_word(left).0);
    let named = || places.iter().map(|&place| view::step_name(session, place)).collect::<Vec<_>>().join(", ");
    let numbers = || places.iter().map(|place| (place + 1).to_string()).collect::<Vec<_>>().join(" ");
    // Words before the reason that are no steps: a step misspelt must not become a part of the reason.
    let later =
        || left.split_whitespace().any(|word| is_say(word) || (word == "because" && !places.is_empty()));
    if !marked && later() {
        let word = first_word(left).0;
        return Err(if places.is_empty() {
            format!(
                "“{word}” is no step; type the steps, then because and why, such as: skip 2 3 because WHY"
            )
        } else {
            format!(
                "understood: skip {}; but “{word}” is no step. Type: skip {} because WHY",
                named(),
                numbers()
            )
        });
    }
    if places.len() > 1 && !marked && !left.is_empty() {
        return Err(format!(
            "understood: skip {}, because “{left}”. If so, type: skip {} because {left}",
            named(),
            numbers()
        ));
    }
    if places.is_empty() {
        places.push(here(session));
    }
    let why = if because { first_word(left).1 } else { left };
    let steps = places.into_iter().map(|place| id(session, place)).collect();
    Ok(worded(Command::Skip { steps, why: words(why) }))
}

fn stop(rest: &str, session: &Session) -> Result<Line, String> {
    let running = commands_running(session);
    let place = match (only_step(rest, session, "stop")?, running.as_slice()) {
        (Some(place), _) => place,
        (None, [only]) => *only,
        (None, []) => return Err("no command is running".to_owned()),
        (None, several) => {
            let names: Vec<String> = several.iter().map(|&place| view::step_name(session, place)).collect();
            return Err(format!(
                "several run; say which, such as: stop {} ({})",
                several[0] + 1,
                names.join("; ")
            ));
        }
    };
    Ok(Line::Act(Command::Stop { step: id(session, place) }))
}

fn done(rest: &str, session: &Session) -> Line {
    let (place, rest) = step_then_words(rest, session);
    let place = place.unwrap_or_else(|| with_a_person(session));
    let step = id(session, place);
    let undoing = matches!(&session.steps[place].progress, Progress::Running(r) if r.work == Work::Undo);
    let captures = session.runbook.steps[place].capture.is_some() && !undoing;
    let said = match rest.split_once("--value") {
        Some((before, value)) => {
            let (value, say) = value.split_once("--say").unwrap_or((value, before));
            Said { say: Some(words(say)), value: Some(words(value)) }
        }
        None if rest.starts_with("--say") || !captures => Said { say: Some(words(rest)), value: None },
        None => Said { say: None, value: Some(words(rest)) },
    };
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let said = Said { say: filled(said.say), value: filled(said.value) };
    let lacks = captures && said.value.is_none();
    let command = Command::Done { step, said };
    if lacks { Line::Words(command, Wanted::Value) } else { Line::Act(command) }
}

fn check(rest: &str, session: &Session) -> Result<Line, String> {
    let named: Vec<CheckItem> = match rest {
        "all" | "--all" => return Ok(Line::Act(Command::Check { checks: Vec::new() })),
        "" => {
            let model = &session.runbook.steps[here(session)];
            let of_step = model.requires_checks.iter().chain(&model.verify).chain(&model.done_when);
            let mut ids: Vec<&CheckId> = Vec::new();
            for id in of_step.filter(|id| is_automatic(session, id)) {
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
            ids.into_iter().map(|id| CheckItem { check: id.clone(), item: None }).collect()
        }
        // An item may hold spaces, so what follows the @ is taken whole.
        _ if rest.contains('@') => vec![CheckItem::parse(rest)],
        _ => rest.split_whitespace().map(CheckItem::parse).collect(),
    };
    if named.is_empty() {
        return Err("this step asks no automatic check; check all asks every one".to_owned());
    }
    for item in &named {
        known_check(session, &item.check)?;
    }
    Ok(Line::Act(Command::Check { checks: named }))
}

fn attest(rest: &str, session: &Session) -> Result<Line, String> {
    let (name, rest) = first_word(rest);
    let questions = || -> Vec<&str> {
        let all = session.runbook.checks.iter().filter(|check| !check.is_automatic());
        all.map(|check| check.id.as_str()).collect()
    };
    if name.is_empty() {
        return Err(match questions().as_slice() {
            [] => "no check of this runbook is a question for a person".to_owned(),
            all => format!("say which: attest and one of {}", all.join(", ")),
        });
    }
    let check = CheckItem::parse(name);
    let place = known_check(session, &check.check)?;
    if session.runbook.checks[place].is_automatic() {
        return Err(format!("{name} is no question for a person; ask it: check {name}"));
    }
    let (flag, after) = first_word(rest);
    let (yes, rest) = if flag == "--no" { (false, after) } else { (true, rest) };
    let command = Command::Attest { check, yes, words: words(rest) };
    Ok(match &command {
        Command::Attest { words, .. } if words.is_empty() => Line::Words(command, Wanted::Answer),
        _ => Line::Act(command),
    })
}

fn resolve(rest: &str, session: &Session) -> Result<Line, String> {
    let usage = "say what became of it: resolve done WHAT-YOU-SAW, or resolve failed WHAT-YOU-SAW";
    let (place, rest) = step_then_words(rest, session);
    let open = || (0..session.steps.len()).find(|&p| session.steps[p].progress == Progress::Interrupted);
    let place = place.or_else(open).unwrap_or_else(|| here(session));
    let (became, rest) = first_word(rest);
    let done = match became {
        "done" => true,
        "failed" => false,
        _ => return Err(usage.to_owned()),
    };
    Ok(worded(Command::Resolve { step: id(session, place), done, what: words(rest) }))
}

/// Complete, or lacking its words.
fn worded(command: Command) -> Line {
    let lacks = match &command {
        Command::Fail { why: words, .. }
        | Command::Skip { why: words, .. }
        | Command::Refuse { why: words, .. }
        | Command::Hold { why: words }
        | Command::Abort { why: words }
        | Command::Note { text: words }
        | Command::Resolve { what: words, .. } => words.is_empty(),
        _ => false,
    };
    if lacks { Line::Words(command, Wanted::Why) } else { Line::Act(command) }
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim()))
}

/// Free words: an optional `--say` before them, and quotes around all of them, are left off.
fn words(text: &str) -> String {
    let text = text.trim();
    let text = text.strip_prefix("--say").map_or(text, |rest| rest.trim_start_matches('=').trim());
    let unquoted = ['"', '\''].into_iter().find_map(|quote| {
        let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then_some(inner)
    });
    unquoted.unwrap_or(text).to_owned()
}

/// A step named by its number or id, if the text begins with one; and the rest.
fn step_then_words<'a>(text: &'a str, session: &Session) -> (Option<usize>, &'a str) {
    let (word, rest) = first_word(text);
    match find(word, session) {
        Ok(place) => (Some(place), rest),
        Err(_) => (None, text.trim()),
    }
}

fn only_step(rest: &str, session: &Session, verb: &str) -> Result<Option<usize>, String> {
    let (word, more) = first_word(rest);
    nothing_more(more, verb)?;
    if word.is_empty() { Ok(None) } else { find(word, session).map(Some) }
}

fn nothing_more(rest: &str, verb: &str) -> Result<(), String> {
    if rest.is_empty() { Ok(()) } else { Err(format!("{verb} does not take “{rest}”")) }
}

fn find(word: &str, session: &Session) -> Result<usize, String> {
    let all = session.steps.len();
    let by_number = || word.parse::<usize>().ok()?.checked_sub(1).filter(|place| *place < all);
    session
        .step_at(word)
        .or_else(by_number)
        .ok_or_else(|| format!("there is no step “{word}”; there are 1 to {all}"))
}

fn known_check(session: &Session, id: &CheckId) -> Result<usize, String> {
    session.check_at(id.as_str()).ok_or_else(|| {
        let all: Vec<&str> = session.runbook.checks.iter().map(|check| check.id.as_str()).collect();
        format!("there is no check “{id}”; there are {}", all.join(", "))
    })
}

fn is_automatic(session: &Session, id: &CheckId) -> bool {
    session.check_at(id.as_str()).is_some_and(|place| session.runbook.checks[place].is_automatic())
}

fn id(session: &Session, place: usize) -> StepId {
    session.runbook.steps[place].id.clone()
}
