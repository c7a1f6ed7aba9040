//! A report as Markdown. PURE.
//! It must not know sessions: it writes what was gathered, and every text from outside escaped.

use std::fmt::Write as _;
use std::time::Duration;

use crate::session::event::{How, Verdict, Work};
use crate::session::view::{CheckStatus, StepStatus};
use crate::time::{Timestamp, in_words, stopwatch};

use super::{
    Announced, AttemptReport, CheckReport, Line, Public, Report, RoundReport, StepReport, Team, YesReport,
};

/// The report as Markdown; every text from outside is escaped.
#[must_use]
pub fn markdown(report: &Report) -> String {
    match report {
        Report::Public(public) => of_public(public),
        Report::Team(team) => of_team(team),
    }
}

fn of_public(public: &Public) -> String {
    let mut out = String::from("# What was done\n\nTimes are UTC.\n\n");
    if public.announced.is_empty() {
        out.push_str("Nothing yet.\n");
    }
    announced(&mut out, &public.announced);
    out
}

fn of_team(team: &Team) -> String {
    let mut out = String::new();
    head(&mut out, team);
    steps(&mut out, team);
    approvals(&mut out, team);
    section(&mut out, "Decisions", &team.decisions);
    checks(&mut out, team);
    refused(&mut out, team);
    section(&mut out, "Notes", &team.notes);
    if !team.announced.is_empty() {
        out.push_str("\n## Announced\n\n");
        announced(&mut out, &team.announced);
    }
    section(&mut out, "Everything, as recorded", &team.timeline);
    out
}

fn head(out: &mut String, team: &Team) {
    let _ = writeln!(out, "# {}\n", escape(&team.title));
    let mut facts = vec![
        ("Session", escape(&team.session)),
        ("State", escape(&team.state)),
        ("Opened", when(team.opened_at)),
    ];
    facts.extend(team.why.as_ref().map(|why| ("Because", escape(why))));
    facts.extend(team.closed_at.map(|at| ("Closed", when(at))));
    facts.push(("Took", length(team.took_ms)));
    facts.push(("As of", when(team.as_of)));
    facts.push(("Operator", escape(&team.operator)));
    let others: Vec<String> =
        team.people.iter().filter(|name| **name != team.operator).map(|name| escape(name)).collect();
    if !others.is_empty() {
        facts.push(("Others", others.join(", ")));
    }
    for hold in &team.holds {
        let (by, at, why) = (escape(&hold.by), when(hold.at), escape(&hold.what));
        facts.push(("Hold never released", format!("{by} called it at {at}: {why} (record {})", hold.n)));
    }
    facts.push(("Machine", format!("{}, in {}", escape(&team.machine), escape(&team.dir))));
    facts.push((
        "Runbook",
        format!("{} (SHA-256 {})", escape(&team.runbook.path), escape(team.runbook.sha256.as_str())),
    ));
    for (name, text) in facts {
        let _ = writeln!(out, "- {name}: {text}");
    }
    for (name, value) in &team.values {
        let _ = writeln!(out, "- Value {} = {}", escape(name), escape(value));
    }
    if !team.secrets.is_empty() {
        let names: Vec<String> = team.secrets.iter().map(|name| escape(name)).collect();
        let _ = writeln!(out, "- Secrets given, recorded nowhere: {}", names.join(", "));
    }
    out.push_str("\nTimes are UTC.\n");
}

fn steps(out: &mut String, team: &Team) {
    out.push_str("\n## Steps\n\n| | Step | State | Started | Took |\n|---|---|---|---|---|\n");
    let mut phase = None;
    for step in &team.steps {
        if step.phase.is_some() && step.phase.as_deref() != phase {
            phase = step.phase.as_deref();
            let _ = writeln!(out, "| | **{}** | | | |", escape(phase.unwrap_or_default()));
        }
        step_row(out, step);
    }
    let attempted: Vec<&StepReport> = team.steps.iter().filter(|step| !step.attempts.is_empty()).collect();
    if !attempted.is_empty() {
        out.push_str("\n## Starts\n\n");
    }
    for step in attempted {
        for attempt in &step.attempts {
            attempt_line(out, step, attempt);
        }
    }
}

fn step_row(out: &mut String, step: &StepReport) {
    let last = step.attempts.last();
    let mut title = escape(&step.title);
    if step.destructive {
        title.push_str(" (destructive)");
    }
    let mut state = step_state(step.state).to_owned();
    if step.by_hand {
        state.push_str(", by hand");
    }
    if let StepStatus::Skipped | StepStatus::Failed | StepStatus::Interrupted = step.state {
        let _ = write!(state, ": {}", escape(&step.why));
    }
    if let Some(late) = last.and_then(|last| last.late_ms) {
        let _ = write!(state, ", {} late", length(late));
    }
    let started = last.map(|last| when(last.started_at)).unwrap_or_default();
    let took = last.and_then(|last| last.took_ms).map(length).unwrap_or_default();
    let _ = writeln!(out, "| {} | {title} | {state} | {started} | {took} |", step.number);
}

fn attempt_line(out: &mut String, step: &StepReport, attempt: &AttemptReport) {
    let what = match attempt.work {
        Work::Run => "started",
        Work::Undo => "taken back",
    };
    let hand = match attempt.how {
        How::ByHand => ", by hand",
        How::Person => ", by a person",
        How::Script => "",
    };
    let _ = write!(
        out,
        "- {} {}: {what} {} by {}{hand} (record {})",
        step.number,
        escape(&step.title),
        when(attempt.started_at),
        escape(&attempt.by),
        attempt.n
    );
    if !attempt.items.is_empty() {
        let items: Vec<String> = attempt.items.iter().map(|item| escape(item)).collect();
        let _ = write!(out, ", for {}", items.join(", "));
    }
    if let Some(typed) = &attempt.typed {
        let _ = write!(out, ", confirmed by typing “{}”", escape(typed));
    }
    if !attempt.rests_on.is_empty() {
        let records: Vec<String> = attempt.rests_on.iter().map(u64::to_string).collect();
        let _ = write!(out, ", resting on the answers in {}", records.join(", "));
    }
    if attempt.outcome.is_empty() {
        out.push_str("; not ended\n");
    } else {
        let _ = writeln!(out, "; {}", escape(&attempt.outcome));
    }
}

fn approvals(out: &mut String, team: &Team) {
    if team.approvals.is_empty() {
        return;
    }
    out.push_str("\n## The second person\n\n");
    for round in &team.approvals {
        round_lines(out, round);
    }
}

fn round_lines(out: &mut String, round: &RoundReport) {
    let back = if round.work == Work::Undo { "taking back " } else { "" };
    let _ = writeln!(
        out,
        "- {} {} asked for an approval of {back}{} (record {}): {}. The text that was shown: SHA-256 {}",
        when(round.at),
        escape(&round.by),
        escape(&round.step),
        round.n,
        escape(&round.rule),
        escape(round.text.as_str())
    );
    for yes in &round.given {
        yes_lines(out, yes);
    }
    if let Some(no) = &round.refused {
        let (at, by, why) = (when(no.at), escape(&no.by), escape(&no.what));
        let _ = writeln!(out, "  - {at} {by} **refused**: {why} (record {})", no.n);
    }
    if let Some(why) = &round.void {
        let _ = writeln!(out, "  - void: {}", escape(why));
    }
    match round.used_by {
        Some(n) => {
            let _ = writeln!(out, "  - used by the start in record {n}");
        }
        None if round.given.is_empty() && round.refused.is_none() => {
            out.push_str("  - nobody answered it\n");
        }
        None => out.push_str("  - nothing was started on it\n"),
    }
}

fn yes_lines(out: &mut String, yes: &YesReport) {
    let key = yes.fingerprint.as_ref().map(|key| format!(", key {}", escape(key))).unwrap_or_default();
    let (at, by, known_by) = (when(yes.at), escape(&yes.by), escape(&yes.known_by));
    let _ = writeln!(out, "  - {at} {by} **approved**, known by {known_by}{key} (record {})", yes.n);
    if let Some(why) = &yes.unproven {
        let _ = writeln!(out, "    - **unproven**: {}", escape(why));
    }
    if let Some(why) = &yes.void {
        let _ = writeln!(out, "    - void: {}", escape(why));
    }
}

fn checks(out: &mut String, team: &Team) {
    if team.checks.is_empty() {
        return;
    }
    out.push_str("\n## Checks\n");
    for check in &team.checks {
        check_section(out, check);
    }
}

fn check_section(out: &mut String, check: &CheckReport) {
    let _ = writeln!(
        out,
        "\n### {}\n\n{}; {}.\n",
        escape(&check.title),
        escape(&check.id),
        check_state(check.state)
    );
    if check.answers.is_empty() {
        out.push_str("Never answered.\n");
    }
    for answer in &check.answers {
        let verdict = match answer.verdict {
            Verdict::Holds if check.attested => "yes",
            Verdict::Holds => "holds",
            Verdict::Fails if check.attested => "no",
            Verdict::Fails => "does not hold",
            Verdict::Error => "no answer",
        };
        let item = answer.item.as_ref().map(|item| format!(" {}:", escape(item))).unwrap_or_default();
        let by = answer.by.as_ref().map(|by| format!(", says {}", escape(by))).unwrap_or_default();
        let _ = write!(out, "- {} (record {}):{item} {verdict}{by}", when(answer.at), answer.n);
        if !answer.detail.is_empty() {
            let _ = write!(out, ": {}", escape(&answer.detail));
        }
        let took = answer.took.filter(|took| *took >= 1_000).map(Duration::from_millis);
        if let Some(took) = took {
            let _ = write!(out, "; it took {}", in_words(took));
        }
        let evidence: Vec<String> = answer
            .evidence
            .iter()
            .map(|(name, value)| format!("{} {}", escape(name), escape(value)))
            .collect();
        if !evidence.is_empty() {
            let _ = write!(out, " ({})", evidence.join(", "));
        }
        out.push('\n');
        for (name, lines) in &answer.lists {
            let _ = writeln!(out, "  - {}:", escape(name));
            for line in lines {
                let _ = writeln!(out, "    - {}", escape(line));
            }
        }
    }
}

fn refused(out: &mut String, team: &Team) {
    if team.refused.is_empty() {
        return;
    }
    out.push_str("\n## Refused\n\n");
    for tried in &team.refused {
        let _ = writeln!(
            out,
            "- {} {} tried {}: {} (record {})",
            when(tried.at),
            escape(&tried.by),
            escape(&tried.action),
            escape(&tried.why),
            tried.n
        );
        for unmet in &tried.unmet {
            let _ = writeln!(out, "  - {}", escape(unmet));
        }
    }
}

fn section(out: &mut String, title: &str, lines: &[Line]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## {title}\n");
    for line in lines {
        let _ = writeln!(
            out,
            "- {} {}: {} (record {})",
            when(line.at),
            escape(&line.by),
            escape(&line.what),
            line.n
        );
    }
}

fn announced(out: &mut String, all: &[Announced]) {
    for one in all {
        let _ = writeln!(out, "- {} **{}**: {}", when(one.at), escape(&one.title), escape(&one.words));
    }
}

/// `2026-11-20 15:10:13`
fn when(at: Timestamp) -> String {
    at.calendar().format("%Y-%m-%d %H:%M:%S").to_string()
}

fn length(millis: u64) -> String {
    stopwatch(Duration::from_millis(millis))
}

fn step_state(state: StepStatus) -> &'static str {
    match state {
        StepStatus::Waiting | StepStatus::Ready => "not done",
        StepStatus::Running => "running",
        StepStatus::Done => "done",
        StepStatus::Failed => "failed",
        StepStatus::Skipped => "skipped",
        StepStatus::Interrupted => "its end is not known",
        StepStatus::Undone => "undone",
    }
}

fn check_state(state: CheckStatus) -> &'static str {
    match state {
        CheckStatus::Unknown => "not known",
        CheckStatus::Running => "being asked",
        CheckStatus::Holds => "holds",
        CheckStatus::Fails => "does not hold",
        CheckStatus::Error => "no answer was found",
        CheckStatus::Stale => "its answer no longer counts",
    }
}

/// Text as text: nothing in it is markup, a tag, an entity or a table's border. It is one line already (cleaned).
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '#' | '!' | '$' | '^' | '='
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
