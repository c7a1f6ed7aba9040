//! The second person on the command line: `do … approve`, `approval show`, `approve --signature`. SHELL.
//! It must not know what makes an approval good: that is decided by the host, on what it finds itself.

pub mod armour;
pub mod words;

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde_json::json;

use crate::clock;
use crate::runbook::Proof;
use crate::session::approve::{NAMESPACE, Subject};
use crate::session::event::Work;
use crate::session::{Command, Session, view};
use crate::text::{self, clean};
use crate::wire::messages::Role;

use super::act::{as_json, tell_end};
use super::args::{ApproveArgs, DoArgs, ShowArgs, Start};
use super::ask::{somebody_is_there, typed_now};
use super::exit::{Exit, Failure, Outcome};
use super::file::shown;
use super::follow::End;
use super::out::{Out, say};
use super::perform::{Became, Walk, exit_of};
use super::place::{self, IfSeveral};
use super::signers;
use super::words::{Voice, quoted};

/// `do SESSION approve STEP`: shows what it is, and approves that and nothing else. On a terminal a word is typed first;
/// from a script the call is the word.
pub fn in_words(args: &DoArgs, step: &str, name: Option<&str>, start: Start) -> Outcome {
    let dir = place::find(&args.session)?;
    let mut walk = Walk::open(&dir, Role::Act)?;
    let mut out = Out::stdout();
    let voice = Voice::of_shell(&walk.called(Some(&args.session)));
    let subject = match asked_or_standing(&mut walk, step, name, start)? {
        Ok(subject) => subject,
        Err((command, became)) => return ended(&walk, &command, &became, args.json, &voice, out),
    };
    let text = subject.text();
    let refused = words::round(&walk.talk.session, step).is_some_and(|(_, round)| round.refused.is_some());
    if !refused && !in_vain(&walk, &subject, name) {
        say(text.trim_end());
        say("");
        if somebody_is_there() && !yes(&walk, "Type approve to approve, anything else is no: ")? {
            return Err(Failure {
                exit: Exit::No,
                said: "refused: not approved; nothing was done".to_owned(),
            });
        }
    }
    let command = Command::Approve {
        step: step.into(),
        seen: Some(subject.text_digest()),
        name: name.map(str::to_owned),
        signature: None,
    };
    let became = walk.perform(&command, !args.no_wait, |_, _| {})?;
    out.flush();
    if name.is_none() && subject.witness.proof == Proof::Here && in_vain(&walk, &subject, None) {
        let session = quoted(&walk.called(Some(&args.session)));
        say(format!(
            "somebody beside you types their name, or says it to you: onbelay do {session} approve {} --name NAME",
            quoted(step)
        ));
    }
    ended(&walk, &command, &became, args.json, &voice, out)
}

/// `approve [SESSION] STEP --signature FILE`.
pub fn with_signature(args: &ApproveArgs) -> Outcome {
    let Some(path) = &args.signature else {
        let (session, step) = (clean(args.session.as_deref().unwrap_or("SESSION")), clean(&args.step));
        return Err(Failure::wrong(format!(
            "an approval from elsewhere is a signature; nothing was done\n  get the text:    onbelay approval show {session} \
             {step}\n  bring it back:   onbelay approve {session} {step} --signature FILE\n  at this machine: onbelay do \
             {session} approve {step}"
        )));
    };
    let signature = read(path)?;
    let dir = place::pick(args.session.as_deref(), IfSeveral::Refuse)?;
    let mut walk = Walk::open(&dir, Role::Act)?;
    let command = Command::Approve {
        step: args.step.as_str().into(),
        seen: None,
        name: None,
        signature: Some(signature),
    };
    let became = walk.perform(&command, true, |_, _| {})?;
    let voice = Voice::of_shell(&walk.called(args.session.as_deref()));
    ended(&walk, &command, &became, args.json, &voice, Out::stdout())
}

/// `approval show [SESSION] STEP`: the very bytes that are signed, on stdout or in a file.
pub fn show(args: &ShowArgs) -> Outcome {
    let dir = place::pick(args.session.as_deref(), IfSeveral::Refuse)?;
    let mut walk = Walk::open(&dir, Role::Act)?;
    let name = walk.called(args.session.as_deref());
    let voice = Voice::of_shell(&name);
    let mut out = Out::stdout();
    let subject = match asked(&mut walk, &args.step, args.start)? {
        Ok(subject) => subject,
        Err((command, became)) => return ended(&walk, &command, &became, args.json, &voice, out),
    };
    let text = subject.text();
    let now = clock::now(&walk.talk.session);
    let left = words::round(&walk.talk.session, &args.step).and_then(|(_, round)| words::left(round, now));
    let written = if args.json {
        let mut line = text::json::pretty(&json!({
            "session": subject.session,
            "step": subject.step,
            "work": subject.work,
            "asked": subject.asked,
            "at": subject.at,
            "expires": subject.expires,
            "left_seconds": left.map(|left| left.as_secs()),
            "proof": subject.witness.proof,
            "namespace": NAMESPACE,
            "sha256": subject.text_digest(),
            "text": text,
        }))
        .map_err(|e| Failure::machine(format!("cannot write the approval as JSON: {e}")))?;
        line.push('\n');
        line
    } else {
        text
    };
    if let Some(path) = &args.output {
        super::report::write(path, &written)?;
    } else {
        out.text(&written);
    }
    out.finish()?;
    if !args.json {
        let file = args.output.as_deref().map_or_else(|| "FILE".to_owned(), shown);
        if let Some((place, round)) = words::round(&walk.talk.session, &args.step) {
            view::warnings(&walk.talk.session, place, round.subject.work).for_each(say);
        }
        say(what_next(&subject, &name, &args.step, &file, &words::until(&subject, left)));
    }
    if subject.witness.proof == Proof::Key {
        let opened = &walk.talk.session.opened;
        let named = opened.signers.as_ref().map(|path| Path::new(&opened.dir).join(path));
        signers::tell_missing(&dir, named.as_deref());
    }
    Ok(Exit::Yes)
}

/// What is to be done with the text.
fn what_next(subject: &Subject, session: &str, step: &str, file: &str, until: &str) -> String {
    let (session, step) = (quoted(session), quoted(step));
    let mut lines = Vec::new();
    if subject.witness.proof == Proof::Account {
        lines.push(format!(
            "It asks for another account at this machine, and takes no signature: onbelay do {session} approve {step}"
        ));
    } else {
        lines.push("Read it, and sign it on your own machine:".to_owned());
        lines.push(format!("  ssh-keygen -Y sign -n {NAMESPACE} -f ~/.ssh/id_ed25519 {}", quoted(file)));
        lines.push(format!("Bring {file}.sig back here:"));
        lines.push(format!(
            "  onbelay approve {session} {step} --signature {}",
            quoted(&format!("{file}.sig"))
        ));
    }
    lines.push(format!("Valid until {until}."));
    lines.join("\n")
}

type NotAsked = (Command, Became);

/// As [`asked`], except where that would undo somebody's no, or serve nobody: only `run` and `approval show` ask anew then.
fn asked_or_standing(
    walk: &mut Walk,
    step: &str,
    name: Option<&str>,
    start: Start,
) -> Result<Result<Box<Subject>, NotAsked>, Failure> {
    if let Some((_, round)) = words::round(&walk.talk.session, step)
        && (round.refused.is_some() || in_vain(walk, &round.subject, name))
    {
        return Ok(Ok(Box::new(round.subject.clone())));
    }
    asked(walk, step, start)
}

/// Asks for an approval; what was asked before and still stands is kept. The answer: what is to be approved.
fn asked(walk: &mut Walk, step: &str, start: Start) -> Result<Result<Box<Subject>, NotAsked>, Failure> {
    let work = start.undo.then_some(Work::Undo);
    let command = Command::AskApproval { step: step.into(), work, by_hand: start.by_hand };
    let became = walk.perform(&command, true, |_, _| {})?;
    if !matches!(became, Became::Ended { end: End::Recorded, .. }) {
        return Ok(Err((command, became)));
    }
    match words::round(&walk.talk.session, step) {
        Some((_, round)) => Ok(Ok(Box::new(round.subject.clone()))),
        None => Err(Failure::machine("what was asked is not in the log; nothing was approved")),
    }
}

fn in_vain(walk: &Walk, subject: &Subject, name: Option<&str>) -> bool {
    words::in_vain(&walk.talk.session, &walk.talk.line.client.welcome.you, subject, name)
}

/// Asks for the word; anything else, a paste, the end of input: no.
fn yes(walk: &Walk, prompt: &str) -> Result<bool, Failure> {
    let typed = typed_now(prompt, || walk.was_interrupted())?;
    Ok(typed.is_some_and(|typed| typed.trim() == "approve"))
}

/// Says what became of it.
fn ended(
    walk: &Walk,
    command: &Command,
    became: &Became,
    as_one_json: bool,
    voice: &Voice,
    mut out: Out,
) -> Outcome {
    let session = &walk.talk.session;
    let exit = exit_of(command, became);
    if as_one_json {
        out.line(text::json::line(&as_json(session, command, became, exit)));
    } else {
        tell(session, command, became, &mut out);
        tell_end(walk, command, became, voice, &mut out)?;
    }
    out.finish()?;
    Ok(exit)
}

fn tell(session: &Session, command: &Command, became: &Became, out: &mut Out) {
    let (Command::Approve { step, .. }, Became::Ended { n, end: End::Recorded }) = (command, became) else {
        return;
    };
    out.line(words::approved(session, step.as_str(), *n, clock::now(session)));
    out.flush();
    if let Some(doubt) = words::doubt(session, step.as_str(), *n) {
        say(format!("note: {doubt}"));
    }
}

/// The signature in a file, or on stdin.
fn read(path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        if io::stdin().is_terminal() {
            say("Paste the signature, then Ctrl-D:");
        }
        let read = io::stdin().lock().take(armour::MOST + 1).read_to_end(&mut bytes);
        read.map_err(|e| Failure::machine(format!("cannot read stdin: {e}")))?;
        return armour::armoured(&bytes)
            .map_err(|why| Failure::wrong(format!("stdin: {why}; nothing was done")));
    }
    let name = shown(path);
    let cannot = |e: io::Error| Failure::wrong(format!("cannot read {name}: {e}; nothing was done"));
    // Opening a FIFO would wait for a writer; a pipe is given as `-`.
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(nonblock).open(path).map_err(cannot)?;
    if !file.metadata().map_err(cannot)?.is_file() {
        return Err(Failure::wrong(format!("{name} is no regular file; nothing was done")));
    }
    file.take(armour::MOST + 1).read_to_end(&mut bytes).map_err(cannot)?;
    armour::armoured(&bytes).map_err(|why| Failure::wrong(format!("{name}: {why}; nothing was done")))
}
