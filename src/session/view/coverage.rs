//! Set coverage: one state and one sentence for all items of a check. PURE.
//!
//! "All regions checked" is only so when every item that was expected was looked at and holds; the sentence names those
//! that were not looked at or gave no answer apart from those whose answer is no.

use super::{CheckStatus, ItemView};

/// Items named in a sentence, at most; the rest is counted. Each is on view by itself.
const NAMED: usize = 10;

/// One state for all items, and a sentence that says what was expected, what was looked at, and what is missing.
pub(super) fn fold(items: &[ItemView]) -> (CheckStatus, String) {
    use CheckStatus::{Error, Fails, Holds, Running, Stale, Unknown};
    if items.is_empty() {
        return (Fails, "the list is empty: nothing was looked at, so nothing holds".to_owned());
    }
    let state = [Running, Error, Fails, Stale, Unknown]
        .into_iter()
        .find(|state| items.iter().any(|item| item.state == *state))
        .unwrap_or(Holds);
    let all = items.len();
    if state == Holds {
        return (Holds, format!("all {all} hold: {}", names(items.iter())));
    }
    if state == Unknown && items.iter().all(|item| item.state == Unknown) {
        return (Unknown, items[0].detail.clone());
    }
    let group = |state| items.iter().filter(move |item| item.state == state);
    let first = group(state).next().unwrap_or(&items[0]);
    let first = format!("{}: {}", first.item, first.detail.trim_end_matches('.'));
    if items.iter().filter(|item| item.state != Holds).count() == 1 {
        let others = if all == 1 { "" } else { ", all others hold" };
        return (state, format!("{first} ({all} expected{others})"));
    }
    let parts: Vec<String> = [
        (Fails, "fails", "fail"),
        (Error, "gave no answer", "gave no answer"),
        (Stale, "is stale", "are stale"),
        (Running, "is being asked", "are being asked"),
        (Unknown, "was not looked at", "were not looked at"),
        (Holds, "holds", "hold"),
    ]
    .into_iter()
    .filter_map(|(state, one, many)| {
        let count = group(state).count();
        let word = if count == 1 { one } else { many };
        match (count, state) {
            (0, _) => None,
            (_, Holds) => Some(format!("{count} {word}")),
            _ => Some(format!("{count} {word}: {}", names(group(state)))),
        }
    })
    .collect();
    (state, format!("{first}. Of {all} expected {}", parts.join("; ")))
}

fn names<'a>(items: impl Iterator<Item = &'a ItemView>) -> String {
    let all: Vec<&str> = items.map(|item| item.item.as_str()).collect();
    let shown = all.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match all.len().checked_sub(NAMED) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CheckStatus::{Error, Fails, Holds, Running, Unknown};

    fn folded(items: &[(&str, CheckStatus)]) -> (CheckStatus, String) {
        let view = |(item, state): &(&str, CheckStatus)| ItemView {
            item: (*item).to_owned(),
            state: *state,
            detail: format!("of {item}"),
        };
        fold(&items.iter().map(view).collect::<Vec<_>>())
    }

    #[track_caller]
    fn check(items: &[(&str, CheckStatus)], state: CheckStatus, sentence: &str) {
        assert_eq!(folded(items), (state, sentence.to_owned()));
    }

    #[test]
    fn a11_what_was_expected_what_answered_and_what_is_missing() {
        check(&[], Fails, "the list is empty: nothing was looked at, so nothing holds");
        check(&[("eu", Holds), ("us", Holds)], Holds, "all 2 hold: eu, us");
        check(
            &[("eu", Holds), ("us", Error), ("ap", Fails)],
            Error,
            "us: of us. Of 3 expected 1 fails: ap; 1 gave no answer: us; 1 holds",
        );
        check(
            &[("eu", Fails), ("us", Fails), ("ap", Unknown)],
            Fails,
            "eu: of eu. Of 3 expected 2 fail: eu, us; 1 was not looked at: ap",
        );
        check(&[("eu", Running), ("us", Holds)], Running, "eu: of eu (2 expected, all others hold)");
        check(&[("eu", Error)], Error, "eu: of eu (1 expected)");
        check(&[("eu", Unknown), ("us", Unknown)], Unknown, "of eu");
    }

    #[test]
    fn a_long_list_is_counted_beyond_its_first_names() {
        let names: Vec<String> = (0..12).map(|n| format!("r{n}")).collect();
        let items: Vec<(&str, CheckStatus)> = names.iter().map(|name| (name.as_str(), Holds)).collect();
        let (_, sentence) = folded(&items);
        assert!(sentence.ends_with("r8, r9 and 2 more"), "{sentence}");
    }
}
