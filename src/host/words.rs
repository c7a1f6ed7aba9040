//! Sentences and action words of the host. PURE.

use crate::id::StepId;
use crate::session::Command;

/// The action in the words of the command line: `run terminate`.
pub(super) fn of_command(command: &Command) -> String {
    match command {
        Command::Check { checks } if checks.is_empty() => "check --all".to_owned(),
        Command::Check { checks } => {
            let names: Vec<String> = checks
                .iter()
                .map(|c| match &c.item {
                    Some(item) => format!("{}@{item}", c.check),
                    None => c.check.to_string(),
                })
                .collect();
            format!("check {}", names.join(" "))
        }
        Command::Attest { check, yes, .. } => {
            let no = if *yes { "" } else { " --no" };
            match &check.item {
                Some(item) => format!("attest {}@{item}{no}", check.check),
                None => format!("attest {}{no}", check.check),
            }
        }
        Command::Run { step, by_hand, .. } => {
            format!("run {step}{}", if *by_hand { " --by-hand" } else { "" })
        }
        Command::Done { step, .. } => format!("done {step}"),
        Command::Fail { step, .. } => format!("fail {step}"),
        Command::Skip { steps, .. } => {
            format!("skip {}", steps.iter().map(StepId::as_str).collect::<Vec<_>>().join(" "))
        }
        Command::Undo { step, .. } => format!("undo {step}"),
        Command::Withdraw { step } => format!("withdraw {step}"),
        Command::Approve { step } => format!("approve {step}"),
        Command::Refuse { step, .. } => format!("refuse {step}"),
        Command::Note { .. } => "note".to_owned(),
        Command::Hold { .. } => "hold".to_owned(),
        Command::Release { .. } => "release".to_owned(),
        Command::Resolve { step, done, .. } => {
            format!("resolve {step} {}", if *done { "done" } else { "failed" })
        }
        Command::Stop { step } => format!("stop {step}"),
        Command::Handover { to } => format!("handover {to}"),
        Command::Finish => "finish".to_owned(),
        Command::Abort { .. } => "abort".to_owned(),
    }
}

/// The one step that a command speaks of.
pub(super) fn step_of(command: &Command) -> Option<&StepId> {
    match command {
        Command::Run { step, .. }
        | Command::Done { step, .. }
        | Command::Fail { step, .. }
        | Command::Undo { step, .. }
        | Command::Withdraw { step }
        | Command::Approve { step }
        | Command::Refuse { step, .. }
        | Command::Resolve { step, .. }
        | Command::Stop { step } => Some(step),
        Command::Skip { steps, .. } if steps.len() == 1 => steps.first(),
        _ => None,
    }
}

/// What a client is told whose request could not be recorded.
pub(super) fn journal_broken(why: &str) -> String {
    format!(
        "the log cannot be written ({why}); nothing was started and nothing more will be. What is on record is safe, \
         what runs goes on. Mend that, close every screen of this session, and attach again"
    )
}
