//! What was counted, as an answer and in words. PURE.

use std::sync::atomic::Ordering;

use crate::runbook::{Also, By};
use crate::session::Verdict;
use crate::text::as_text;
use crate::time::grouped;

use super::tally::{Difference, Found, Side, Sort, Tally, What};

/// So many are named in the sentence; the evidence names more.
const NAMED: usize = 3;

/// What the sentence needs to know besides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    /// The source, readable.
    pub(super) source: &'a str,
    /// Where in the backup its copy was looked for, readable; nothing for the root.
    pub(super) base: &'a str,
    pub(super) by: By,
    pub(super) also: &'a [Also],
}

/// The answer. A difference that is certain outweighs what could not be seen.
pub(super) fn verdict(tally: &Tally) -> Verdict {
    let any = |sorts: &[Sort]| sorts.iter().any(|&sort| tally.found(sort).count > 0);
    if any(&[Sort::Missing, Sort::Differ, Sort::Same]) {
        Verdict::Fails
    } else if any(&[Sort::Unreadable, Sort::Changed, Sort::Loop]) {
        Verdict::Error
    } else if tally.looked_at() == 0 {
        Verdict::Fails
    } else {
        Verdict::Holds
    }
}

/// One sentence for people.
pub(super) fn sentence(tally: &Tally, told: Told<'_>) -> String {
    let below = if told.base.is_empty() { String::new() } else { format!(" (below {})", told.base) };
    let all = grouped(tally.looked_at());
    let parts: Vec<String> = Sort::ALL
        .iter()
        .filter_map(|&sort| {
            let found = tally.found(sort);
            let count = grouped(found.count);
            let lead = match sort {
                _ if found.count == 0 => return None,
                Sort::Missing => format!("{count} of {all} missing"),
                Sort::Differ if found.count == 1 => format!("{count} differs"),
                Sort::Differ => format!("{count} differ"),
                Sort::Same => format!("{count} no copy but the very same thing"),
                Sort::Unreadable => format!("{count} cannot be read"),
                Sort::Changed => format!("{count} changed while being read"),
                Sort::Loop => format!(
                    "{count} inside {}, endlessly",
                    if found.count == 1 { "itself" } else { "themselves" }
                ),
            };
            Some(format!("{lead}: {}", first(found)))
        })
        .collect();
    if !parts.is_empty() {
        return format!("{}{below}", parts.join("; "));
    }
    if tally.looked_at() == 0 {
        let ignored = match tally.ignored {
            0 => String::new(),
            n => format!(" but what is ignored ({})", grouped(n)),
        };
        let special = match tally.special {
            0 => String::new(),
            n => format!(", only sockets, pipes or devices ({})", grouped(n)),
        };
        return format!("{} has nothing in it{ignored}{special}: that proves nothing", told.source);
    }
    let counted = [
        (tally.files, "file", "files"),
        (tally.links, "link", "links"),
        (tally.directories, "directory", "directories"),
    ];
    let counted = counted.iter().filter(|(n, ..)| *n > 0);
    let of: Vec<String> = counted
        .map(|&(n, one, many)| format!("{} {}", grouped(n), if n == 1 { one } else { many }))
        .collect();
    // `All 1 file and 2 directories` is no English.
    let all = if of.first().is_some_and(|first| first.starts_with("1 ")) { "" } else { "all " };
    let of = format!("{all}{} {}", listed(&of), if tally.looked_at() == 1 { "is" } else { "are" });
    let compared = [
        if told.by == By::Content { "content" } else { "sizes" },
        if told.also.contains(&Also::Mode) { "mode" } else { "" },
        if told.also.contains(&Also::Ownership) { "ownership" } else { "" },
    ];
    let compared: Vec<String> =
        compared.iter().filter(|what| !what.is_empty()).map(|&what| what.to_owned()).collect();
    let ignored =
        if tally.ignored > 0 { format!(", {} ignored", grouped(tally.ignored)) } else { String::new() };
    let special = match tally.special {
        0 => String::new(),
        1 => ", 1 socket, pipe or device not compared".to_owned(),
        n => format!(", {} sockets, pipes or devices not compared", grouped(n)),
    };
    format!("{of} in it, {} compared{ignored}{special}{below}", listed(&compared))
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn first(found: &Found) -> String {
    let mut named: Vec<String> = found
        .first
        .iter()
        .take(NAMED)
        .map(|difference| {
            let path = as_text(&difference.path);
            match remark(&difference.what) {
                Some(remark) => format!("{path} ({remark})"),
                None => path,
            }
        })
        .collect();
    if found.first.len() > NAMED {
        named.push("…".to_owned());
    }
    named.join(", ")
}

/// What is wrong with one of them, where its sort does not say it all.
fn remark(what: &What) -> Option<String> {
    Some(match what {
        What::Missing | What::Loop | What::Unsaid => return None,
        What::MissingDirectory(files) => {
            let files = files.load(Ordering::Relaxed);
            format!("whole directory, {} {}", grouped(files), if files == 1 { "file" } else { "files" })
        }
        What::Kind(source, backup) => format!("a {} in the backup, not a {}", backup.word(), source.word()),
        What::Size(source, backup) => format!("size {}, not {}", grouped(*backup), grouped(*source)),
        What::Content => "content".to_owned(),
        What::Target(source, backup) => {
            format!("leads to {}, not to {}", as_text(backup), as_text(source))
        }
        What::Mode(source, backup) => format!("mode {backup:04o}, not {source:04o}"),
        What::Owner(source, backup) => {
            format!("owner {}:{}, not {}:{}", backup.0, backup.1, source.0, source.1)
        }
        What::NotStored { mode, owner } => {
            let what = match (mode, owner) {
                (true, true) => "mode and owner",
                (true, false) => "mode",
                (false, _) => "owner",
            };
            format!("the archive does not say its {what}")
        }
        What::Same(kind) => format!("the {} of the source itself", kind.word()),
        What::Unreadable(side, why) => format!("{}: {why}", side_word(*side)),
        What::Changed(side) => side_word(*side).to_owned(),
    })
}

fn side_word(side: Side) -> &'static str {
    match side {
        Side::Source => "in the source",
        Side::Backup => "in the backup",
    }
}

/// What the evidence says of one difference.
pub(super) fn told(difference: &Difference) -> serde_json::Value {
    let sort = match difference.what.sort() {
        Sort::Missing => "missing",
        Sort::Differ => "differs",
        Sort::Same => "the very same thing",
        Sort::Unreadable => "cannot be read",
        Sort::Changed => "changed while being read",
        Sort::Loop => "is inside itself",
    };
    let what = match remark(&difference.what) {
        Some(remark) => format!("{sort}: {remark}"),
        None => sort.to_owned(),
    };
    serde_json::json!({ "path": as_text(&difference.path), "what": what })
}

/// The counts of the evidence.
pub(super) fn counts(tally: &Tally) -> serde_json::Value {
    let count = |sort| tally.found(sort).count;
    serde_json::json!({
        "files": tally.files,
        "directories": tally.directories,
        "links": tally.links,
        "special": tally.special,
        "ignored": tally.ignored,
        "bytes": tally.bytes,
        "missing": count(Sort::Missing),
        "differ": count(Sort::Differ),
        "same": count(Sort::Same),
        "unreadable": count(Sort::Unreadable) + count(Sort::Loop),
        "changed": count(Sort::Changed),
    })
}
