//! The text of an approval: what a second person reads, what `ssh-keygen -Y sign` signs, what `verify` writes again from
//! the record. PURE.
//!
//! Its form is fixed: another text for the same start would void every signature. Two different starts never share one.

use std::fmt::Write as _;

use super::subject::{Evidence, Subject};
use crate::id::Digest;
use crate::runbook::Proof;
use crate::runbook::digest::of_bytes;
use crate::session::event::{How, Work};
use crate::text::is_marked;

/// How many record numbers are written out.
const MOST_RECORDS: usize = 12;

impl Subject {
    /// The whole text, newline at the end.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::from(
            "onbelay approval 1\nWhoever signs this has read it, and approves that it is carried out once, as it stands here.\n\n",
        );
        let mut line = |key: &str, value: &str| row(&mut text, key, &plain(value));
        line("session", self.session.as_str());
        line("step", &format!("{} ({})", self.step, self.name));
        line(
            "does",
            match self.work {
                Work::Run => "what the step is for",
                Work::Undo => "takes the step back",
            },
        );
        line(
            "by",
            match self.how {
                How::Script => "the tool, with the script below",
                How::Person => "a person, by hand",
                How::ByHand => "a person, by hand, in place of the script",
            },
        );
        row(&mut text, "loses", &or_dash(Some(self.loses.as_str()).filter(|loses| !loses.is_empty())));
        row(&mut text, "confirm", &or_dash(self.confirm.as_deref()));
        let mut line = |key: &str, value: &str| row(&mut text, key, &plain(value));
        line("machine", &self.machine);
        line("user", &person(&self.user));
        line("directory", &self.dir);
        line("umask", &format!("{:04o}", self.umask));
        line("attempt", &format!("{}, after attempt {} of the session", self.attempt, self.after));
        line("operator", &person(&self.operator));
        line("witness", &self.rule());
        let asker = self.asker.as_ref().map_or_else(String::new, |asker| format!(" by {}", person(asker)));
        line("asked", &format!("record {} at {}{asker}", self.asked, self.at));
        if let Some(replaced) = &self.replaces {
            line("replaces", replaced);
        }
        for no in &self.refusals {
            line("refused", &format!("record {} at {} by {}: {}", no.record, no.at, person(&no.by), no.why));
        }
        line("expires", &self.expires.to_string());
        line("log", &format!("record {} sha256 {}", self.head.n, self.head.sha256));
        line("runbook", &format!("sha256 {}", self.runbook));
        line(
            "command",
            &self.command.as_ref().map_or_else(|| "-".to_owned(), |digest| format!("sha256 {digest}")),
        );
        if self.interactive {
            line("terminal", "yes; what is typed into it is not known here, and no part of what is approved");
        }
        for (name, value) in &self.values {
            line("value", &format!("{name}={value}"));
        }
        for name in &self.secrets {
            line("secret", name.as_str());
        }
        for (name, digest) in &self.environment {
            line("env", &format!("{name} sha256 {digest}"));
        }
        for item in &self.items {
            let command = item.command.as_ref().map_or("-", Digest::as_str);
            line("item", &format!("{} command {command}", item.item));
        }
        for item in &self.list {
            line("of list", item);
        }
        for evidence in &self.evidence {
            line("check", &found(evidence));
            line("asks", &evidence.title);
        }
        if let Some((script, words)) = self.argv.split_last() {
            for word in words {
                line("shell", word);
            }
            text.push_str("\nscript:\n");
            block(&mut text, script);
        }
        if self.argv.is_empty() || !self.words.is_empty() {
            text.push_str("\nto be done:\n");
            block(&mut text, &self.words);
        }
        text
    }

    /// SHA-256 of the text.
    #[must_use]
    pub fn text_digest(&self) -> Digest {
        of_bytes(self.text().as_bytes())
    }

    /// Who may approve, in words.
    #[must_use]
    pub fn rule(&self) -> String {
        let how = match self.witness.proof {
            Proof::Account => "another account",
            Proof::Key => "a signature",
            Proof::Here => "somebody at the operator's terminal, unproven",
        };
        let name = |name: &String| {
            let clear = !name.is_empty() && name != "anyone" && !name.contains([' ', ',', '"']);
            if clear { name.clone() } else { quoted(name) }
        };
        let names: Vec<String> = self.witness.of.iter().map(name).collect();
        let who = if names.is_empty() { "anyone".to_owned() } else { names.join(", ") };
        format!("{} of {who}, known by {how}", self.witness.count)
    }
}

fn row(text: &mut String, key: &str, shown: &str) {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "{:<13}{shown}", format!("{key}:"));
}

/// A dash stands for nothing; a value that is a dash is in quotes.
fn or_dash(value: Option<&str>) -> String {
    match value {
        None => "-".to_owned(),
        Some("-") => quoted("-"),
        Some(value) => plain(value),
    }
}

fn person(person: &crate::session::Person) -> String {
    let clear = !person.name.is_empty() && !person.name.contains(['(', '"']);
    let name = if clear { person.name.clone() } else { quoted(&person.name) };
    let number = |id: Option<u32>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    match person.login {
        Some(_) => format!("{name} (uid {}, login {})", number(person.uid), number(person.login)),
        None => format!("{name} (uid {})", number(person.uid)),
    }
}

fn found(evidence: &Evidence) -> String {
    let at = evidence.at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let by = if evidence.automatic { "found" } else { "said" };
    let numbers: Vec<String> = evidence.records.iter().map(u64::to_string).collect();
    let records = if numbers.len() > MOST_RECORDS {
        format!("{} records sha256 {}", numbers.len(), of_bytes(numbers.join(" ").as_bytes()))
    } else {
        format!("record {}", numbers.join(" "))
    };
    format!("{} {by} at {at}, {records}: {}", evidence.check, evidence.words)
}

/// A value on one line that stands for no other: as it is where every character shows, else in quotes with escapes.
fn plain(value: &str) -> String {
    let as_it_is = !value.is_empty()
        && !value.starts_with(['"', ' '])
        && !value.ends_with(' ')
        && !value.chars().any(is_marked);
    if as_it_is { value.to_owned() } else { quoted(value) }
}

fn quoted(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_marked(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Every line behind a bar; one that would not show as it is behind another mark, in quotes.
fn block(text: &mut String, body: &str) {
    for line in body.split('\n') {
        let shows = !line.chars().any(is_marked);
        let _ = if shows { writeln!(text, "  | {line}") } else { writeln!(text, "  = {}", quoted(line)) };
    }
}
