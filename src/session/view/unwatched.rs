//! What a script starts that may be another file by then. PURE.

use crate::runbook::commands::{self, LOOKED_AT, Unwatched, brief};
use crate::session::Session;
use crate::session::event::Work;
use crate::text::clean;

/// Names the files that a step's script starts and no check it requires names. Whoever confirms or approves it reads that.
#[must_use]
pub fn unwatched(session: &Session, place: usize, work: Work) -> Option<String> {
    let step = session.runbook.steps.get(place)?;
    said(&commands::unwatched(&session.runbook, step, work == Work::Undo))
}

fn said(found: &Unwatched<'_>) -> Option<String> {
    let named: Vec<String> = found.files.iter().map(|file| clean(&brief(file)).into_owned()).collect();
    let more = if found.more { " and more" } else { "" };
    let them = if named.len() == 1 && !found.more { "it" } else { "them" };
    let starts = (!named.is_empty()).then(|| {
        format!(
            "It starts {}{more}: no check that it requires names {them}, so what runs may change until then.",
            named.join(", ")
        )
    });
    let in_part = found.in_part.then(|| {
        format!(
            "Only a part of it and of its checks was looked at for files that it starts: {} KiB, and nothing behind a quote or \
             a here-document that does not end.",
            LOOKED_AT >> 10
        )
    });
    let said: Vec<String> = starts.into_iter().chain(in_part).collect();
    (!said.is_empty()).then(|| said.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a4_the_warning_can_be_read_whatever_the_script_is() {
        let said = |files: Vec<&str>, more, in_part| said(&Unwatched { files, more, in_part });
        assert_eq!(said(vec![], false, false), None);
        let one = "It starts ./a: no check that it requires names it, so what runs may change until then.";
        assert_eq!(said(vec!["./a"], false, false).unwrap(), one);
        let two =
            "It starts ./a, ./b␛: no check that it requires names them, so what runs may change until then.";
        assert_eq!(said(vec!["./a", "./b\u{1b}"], false, false).unwrap(), two);
        let many = said(vec!["./a"; 8], true, false).unwrap();
        assert!(many.contains("./a and more: no check that it requires names them"), "{many}");
        let long = "x/".repeat(40_000);
        assert!(said(vec![&long; 8], true, true).unwrap().chars().count() < 1_000);
        let part = "Only a part of it and of its checks was looked at for files that it starts: 64 KiB, and nothing behind a \
                    quote or a here-document that does not end.";
        assert_eq!(said(vec![], false, true).unwrap(), part);
    }
}
