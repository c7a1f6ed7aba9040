//! Everything that the screen can do can be done in lines, or it is said why lines need it not. PURE.

use std::collections::BTreeSet;

use crate::session::bench::Bench;
use crate::tui::keys::{Verb, table};
use crate::tui::mode::Page;

use crate::cli::plain::{line, tell};

/// How something of the screen is done in lines.
enum Way {
    /// This line does it.
    Type(&'static str),
    /// It is asked for where it is needed: what the answer is typed to.
    Asked(&'static str),
    /// Lines need it not: why.
    Needless(&'static str),
}

use Way::{Asked, Needless, Type};

/// No `_` here: who adds a verb says how it is done in lines.
fn way(verb: Verb) -> Way {
    match verb {
        Verb::Run => Type("run"),
        Verb::Done => Type("done"),
        Verb::Fail => Type("fail"),
        Verb::Stop => Type("stop"),
        Verb::Withdraw => Type("withdraw"),
        Verb::Secret => Type("secrets"),
        Verb::Attest => Type("attest seen words"),
        Verb::Approval => Type("show"),
        Verb::Approve => Type("approve"),
        Verb::Refuse => Type("refuse it is not so"),
        Verb::Check | Verb::CheckOne => Type("check whole"),
        Verb::CheckAll => Type("check all"),
        Verb::Release => Type("release"),
        Verb::Finish => Type("finish"),
        Verb::Undo => Type("undo 1"),
        Verb::Note => Type("note words"),
        Verb::Hold => Type("hold why"),
        Verb::HoldNow => Type("hold"),
        Verb::Join => Type("people"),
        Verb::ByHand => Type("run --by-hand"),
        Verb::Skip => Type("skip 1 why"),
        Verb::Handover => Type("handover sam"),
        Verb::Abort => Type("abort why"),
        Verb::Output => Type("output 1"),
        Verb::FindText => Type("find 1 text"),
        Verb::GoTo | Verb::NextMatch | Verb::PreviousMatch => Type("output 1 from 7"),
        Verb::Save => Type("save 1 file"),
        Verb::About => Type("about"),
        Verb::Log => Type("log"),
        Verb::Steps | Verb::Search => Type("status"),
        Verb::Up | Verb::Down => Type("show 1"),
        Verb::NextNeed | Verb::ToCurrent => Type("next"),
        Verb::Values => Type("values"),
        Verb::Actions | Verb::Help => Type("help"),
        Verb::Quit => Type("quit"),
        Verb::Yes | Verb::No | Verb::Accept => Asked("the prompt says which text goes on"),
        Verb::Back => Asked("Enter alone is no, at every prompt"),
        Verb::AskAgain => Asked("approve and run ask anew"),
        Verb::Unread | Verb::PageUp | Verb::PageDown | Verb::Home | Verb::End => {
            Asked("more, and output N from LINE")
        }
        Verb::Follow => Needless("what a running command writes is told as it comes"),
        Verb::Wrap | Verb::Left | Verb::Right => Needless("lines are whole"),
        Verb::Split => Needless("there is nothing beside a line"),
        Verb::Copy | Verb::Mouse => Needless("the terminal's own selection has lines as they are"),
        Verb::BackTo | Verb::EndTask => Needless("no line leads away from where the walk stands"),
        Verb::Rejoin => Needless("what the operator does is told as it happens"),
        Verb::PreviousOutput | Verb::NextOutput => {
            Needless("output shows every stream; items are told one after the other")
        }
        Verb::PreviousAttempt | Verb::NextAttempt => {
            Needless("each was told as it came; all of them are in the session's attempts/N/output")
        }
        Verb::Terminal => Type("type words"),
    }
}

#[test]
fn whatever_the_screen_does_is_done_in_lines_too() {
    let bench = Bench::new(super::WALK);
    let verbs: BTreeSet<u8> = Page::ALL.into_iter().flat_map(table).map(|row| row.verb as u8).collect();
    assert!(verbs.len() > 40, "the table was looked at");
    let help = tell::help();
    for row in Page::ALL.into_iter().flat_map(table) {
        match way(row.verb) {
            Type(line) => {
                let word = line.split(' ').next().unwrap_or_default();
                assert!(
                    help.split(|c: char| !c.is_alphanumeric()).any(|told| told == word),
                    "help does not tell of {word} ({:?})",
                    row.verb
                );
                if let Err(why) = line::read(line, &bench.session) {
                    assert!(!why.starts_with("there is no “"), "{:?}: {why}", row.verb);
                }
            }
            Asked(how) | Needless(how) => assert!(!how.is_empty()),
        }
    }
}
