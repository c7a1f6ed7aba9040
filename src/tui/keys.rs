//! The one table of what keys do. The footer, the list of actions and the list of keys are made from it, so nothing
//! can be shown that is not there, or be there and not be shown. PURE.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::mode::Page;

/// What a key can be asked for. Where a step is meant, it is the selected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Start it.
    Run,
    /// Start it, a person doing what the script would.
    ByHand,
    /// Say that a person's step, or an interrupted one, is done.
    Done,
    /// Say that it failed, or that nothing came of it.
    Fail,
    /// Pass it by.
    Skip,
    /// Take it back.
    Undo,
    /// End its command.
    Stop,
    /// Withdraw a request whose checks are still asked.
    Withdraw,
    /// Ask its checks.
    Check,
    /// Ask one check.
    CheckOne,
    /// Ask all checks.
    CheckAll,
    /// Answer a check in words.
    Attest,
    /// Read what a second person is asked to approve, and ask for it.
    Approval,
    /// Refuse what a second person is asked to approve.
    Refuse,
    /// Write a note.
    Note,
    /// Call a hold, in words.
    Hold,
    /// Call a hold at once.
    HoldNow,
    /// Release holds.
    Release,
    /// Give a secret that the host does not know.
    Secret,
    /// Another person is the operator from now.
    Handover,
    /// Close the session.
    Finish,
    /// Give the walk up.
    Abort,
    /// One up.
    Up,
    /// One down.
    Down,
    /// A screenful up.
    PageUp,
    /// A screenful down.
    PageDown,
    /// To the first.
    Home,
    /// To the last.
    End,
    /// To the step at hand.
    ToCurrent,
    /// The steps alone.
    Steps,
    /// The output.
    Output,
    /// The journal.
    Log,
    /// Find a step.
    Search,
    /// The lines for somebody who is to join.
    Join,
    /// Approve what was read.
    Approve,
    /// On to what was not on the screen yet.
    Unread,
    /// Ask anew for what is not asked any more.
    AskAgain,
    /// All actions.
    Actions,
    /// All keys.
    Help,
    /// What the runbook is about.
    About,
    /// Follow the output's end, or stop following.
    Follow,
    /// Wrap long lines, or cut them.
    Wrap,
    /// The output before this one: another item, another stream.
    PreviousOutput,
    /// The output after this one.
    NextOutput,
    /// Look where the operator looks again.
    Rejoin,
    /// Yes.
    Yes,
    /// No.
    No,
    /// Take what was typed or picked.
    Accept,
    /// Go back; nothing happens.
    Back,
    /// Leave; the session goes on.
    Quit,
}

/// A key as the table names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Any of these; the first is the one that is shown.
    pub keys: &'static [Key],
    /// What they ask for.
    pub verb: Verb,
    /// One or two words, for the footer.
    pub word: &'static str,
    /// A sentence, for the list of keys.
    pub says: &'static str,
}

const fn char(c: char) -> Key {
    Key { code: KeyCode::Char(c), ctrl: false }
}

const fn ctrl(c: char) -> Key {
    Key { code: KeyCode::Char(c), ctrl: true }
}

const fn key(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

const fn row(keys: &'static [Key], verb: Verb, word: &'static str, says: &'static str) -> Binding {
    Binding { keys, verb, word, says }
}

const ENTER: Key = key(KeyCode::Enter);
const ESC: Key = key(KeyCode::Esc);
const TAB: Key = key(KeyCode::Tab);
const UP: Key = key(KeyCode::Up);
const DOWN: Key = key(KeyCode::Down);
const PAGE_UP: Key = key(KeyCode::PageUp);
const PAGE_DOWN: Key = key(KeyCode::PageDown);
const HOME: Key = key(KeyCode::Home);
const END: Key = key(KeyCode::End);

/// Calls a hold wherever it is pressed, whatever takes the keys.
pub(super) const HOLD_NOW: &[Key] = &[ctrl('x')];

/// In the order in which the footer has room for them.
const WALK: &[Binding] = &[
    row(&[ENTER], Verb::Run, "start", "start this step: its checks are asked, and the gate decides"),
    row(&[char('d')], Verb::Done, "done", "say that your part is done; after an interruption: it did finish"),
    row(
        &[char('f')],
        Verb::Fail,
        "failed",
        "say that it did not work; after an interruption: it did not finish",
    ),
    row(&[char('s')], Verb::Stop, "stop", "end its command: TERM to all its processes, KILL 10 s later"),
    row(
        &[char('w')],
        Verb::Withdraw,
        "withdraw",
        "take the start back while its checks are still being asked",
    ),
    row(
        &[char('$')],
        Verb::Secret,
        "give secret",
        "give a secret again that the session's host does not know",
    ),
    row(&[char('a')], Verb::Attest, "answer", "answer a check that asks a person, yes or no, in words"),
    row(
        &[char('V')],
        Verb::Approval,
        "approval",
        "read what a second person is asked to approve, and approve or refuse it there",
    ),
    row(&[char('r')], Verb::Refuse, "refuse", "refuse what a second person is asked to approve, in words"),
    row(&[char('c')], Verb::Check, "check", "ask this step's checks again; nothing is changed by that"),
    row(&[char('R')], Verb::Release, "release", "release holds: your own, or other people's with words"),
    row(&[char('F')], Verb::Finish, "finish", "close the session, once every step is done or skipped"),
    row(&[char('o')], Verb::Output, "output", "this step's output, live, from its first byte to its last"),
    row(&[char('u')], Verb::Undo, "undo", "take this step back"),
    row(&[char('n')], Verb::Note, "note", "write a note into the log"),
    row(&[char('H')], Verb::Hold, "hold", "call a hold, in words: nothing starts until it is released"),
    row(
        HOLD_NOW,
        Verb::HoldNow,
        "hold",
        "call a hold at once, without a word; on every screen, in every box",
    ),
    row(&[char('J')], Verb::Join, "how to join", "the lines to give to somebody who is to join"),
    row(&[UP, char('k')], Verb::Up, "up", "the step before"),
    row(&[DOWN, char('j')], Verb::Down, "step", "the step after"),
    row(&[char('.')], Verb::ToCurrent, "at hand", "back to the step at hand, and along with the walk"),
    row(&[TAB], Verb::Steps, "steps", "all steps, in a list of their own"),
    row(&[char('/')], Verb::Search, "find", "find a step by its title, id or number"),
    row(&[char('i')], Verb::About, "about", "what this runbook is about, its values, who is here"),
    row(&[char('l')], Verb::Log, "log", "the whole log, back to the first record"),
    row(&[char('e')], Verb::CheckOne, "one check", "ask one check, or one item of it"),
    row(&[char('C')], Verb::CheckAll, "check all", "ask every check whose values are known"),
    row(
        &[char('b')],
        Verb::ByHand,
        "by hand",
        "do by hand what the script would do: same gate, marked in every report",
    ),
    row(&[char('x')], Verb::Skip, "skip", "pass this step by, with a reason"),
    row(
        &[char('P')],
        Verb::Handover,
        "hand over",
        "another person is the operator from now; what was approved is void",
    ),
    row(&[char('A')], Verb::Abort, "abort", "give the walk up: nothing starts any more but undos"),
    row(&[PAGE_DOWN, char(' ')], Verb::PageDown, "more", "the rest of what is said about this step"),
    row(&[PAGE_UP], Verb::PageUp, "back", "the part before it"),
    row(&[HOME, char('g')], Verb::Home, "first", "the first step"),
    row(&[END, char('G')], Verb::End, "last", "the last step"),
    row(
        &[char(':')],
        Verb::Actions,
        "actions",
        "everything that can be done here, and why some of it cannot",
    ),
    row(
        &[char('v')],
        Verb::Rejoin,
        "go along",
        "look where the operator looks, and go along; any other way breaks away",
    ),
    row(&[char('?')], Verb::Help, "keys", "this list"),
    row(&[char('q'), ctrl('c')], Verb::Quit, "leave", "leave this screen; the session, and what runs, go on"),
];

const STEPS: &[Binding] = &[
    row(&[ENTER, TAB, ESC], Verb::Back, "this step", "to this step"),
    row(&[UP, char('k')], Verb::Up, "up", "the step before"),
    row(&[DOWN, char('j')], Verb::Down, "step", "the step after"),
    row(&[PAGE_UP], Verb::PageUp, "page up", "a screenful up"),
    row(&[PAGE_DOWN, char(' ')], Verb::PageDown, "page", "a screenful down"),
    row(&[HOME, char('g')], Verb::Home, "first", "the first step"),
    row(&[END, char('G')], Verb::End, "last", "the last step"),
    row(&[char('.')], Verb::ToCurrent, "at hand", "the step at hand"),
    row(&[char('/')], Verb::Search, "find", "find a step by its title, id or number"),
    row(&[char('R')], Verb::Release, "release", "release holds: your own, or other people's with words"),
    row(
        &[char('a')],
        Verb::Attest,
        "answer",
        "answer a check that asks a person, or read what you are asked to approve",
    ),
    row(&[char('J')], Verb::Join, "how to join", "the lines to give to somebody who is to join"),
    row(&[char('n')], Verb::Note, "note", "write a note into the log"),
    row(&[char('H')], Verb::Hold, "hold", "call a hold, in words: nothing starts until it is released"),
    row(
        &[char('v')],
        Verb::Rejoin,
        "go along",
        "look where the operator looks, and go along; any other way breaks away",
    ),
    row(&[char('?')], Verb::Help, "keys", "this list"),
    row(&[char('q'), ctrl('c')], Verb::Quit, "leave", "leave this screen; the session, and what runs, go on"),
];

const OUTPUT: &[Binding] = &[
    row(&[char('s')], Verb::Stop, "stop", "end its command: TERM to all its processes, KILL 10 s later"),
    row(&[char('f')], Verb::Follow, "follow", "stay at the end as it grows, or stay where you are"),
    row(&[char('w')], Verb::Wrap, "wrap", "wrap long lines, or cut them with a mark"),
    row(&[ESC, char('o'), TAB], Verb::Back, "steps", "back to the steps"),
    row(&[char('[')], Verb::PreviousOutput, "previous", "the output of the item before, or the other stream"),
    row(&[char(']')], Verb::NextOutput, "next output", "the output of the item after, or the other stream"),
    row(&[UP, char('k')], Verb::Up, "up", "a line up"),
    row(&[DOWN, char('j')], Verb::Down, "line", "a line down"),
    row(&[PAGE_UP, ctrl('b')], Verb::PageUp, "page up", "a screenful up"),
    row(&[PAGE_DOWN, char(' ')], Verb::PageDown, "page", "a screenful down"),
    row(&[HOME, char('g')], Verb::Home, "start", "to its first byte"),
    row(&[END, char('G')], Verb::End, "end", "to its end, following it"),
    row(&[char('R')], Verb::Release, "release", "release holds: your own, or other people's with words"),
    row(
        &[char('a')],
        Verb::Attest,
        "answer",
        "answer a check that asks a person, or read what you are asked to approve",
    ),
    row(&[char('J')], Verb::Join, "how to join", "the lines to give to somebody who is to join"),
    row(&[char('n')], Verb::Note, "note", "write a note into the log"),
    row(&[char('H')], Verb::Hold, "hold", "call a hold, in words: nothing starts until it is released"),
    row(
        &[char('v')],
        Verb::Rejoin,
        "go along",
        "look where the operator looks, and go along; any other way breaks away",
    ),
    row(&[char('?')], Verb::Help, "keys", "this list"),
    row(&[char('q'), ctrl('c')], Verb::Quit, "leave", "leave this screen; the session, and what runs, go on"),
];

const LOG: &[Binding] = &[
    row(&[ESC, char('l'), TAB], Verb::Back, "steps", "back to the steps"),
    row(&[UP, char('k')], Verb::Up, "up", "a record up"),
    row(&[DOWN, char('j')], Verb::Down, "record", "a record down"),
    row(&[PAGE_UP, ctrl('b')], Verb::PageUp, "page up", "a screenful up; older records are fetched"),
    row(&[PAGE_DOWN, char(' ')], Verb::PageDown, "page", "a screenful down"),
    row(&[HOME, char('g')], Verb::Home, "oldest", "to the oldest record that is here"),
    row(&[END, char('G')], Verb::End, "newest", "to the newest record"),
    row(&[char('R')], Verb::Release, "release", "release holds: your own, or other people's with words"),
    row(
        &[char('a')],
        Verb::Attest,
        "answer",
        "answer a check that asks a person, or read what you are asked to approve",
    ),
    row(&[char('J')], Verb::Join, "how to join", "the lines to give to somebody who is to join"),
    row(&[char('n')], Verb::Note, "note", "write a note into the log"),
    row(&[char('H')], Verb::Hold, "hold", "call a hold, in words: nothing starts until it is released"),
    row(
        &[char('v')],
        Verb::Rejoin,
        "go along",
        "look where the operator looks, and go along; any other way breaks away",
    ),
    row(&[char('?')], Verb::Help, "keys", "this list"),
    row(&[char('q'), ctrl('c')], Verb::Quit, "leave", "leave this screen; the session, and what runs, go on"),
];

const QUESTION: &[Binding] = &[
    row(&[ENTER], Verb::Accept, "go on", "go on if the text is exact; an empty line means no"),
    row(&[ESC, ctrl('c')], Verb::Back, "not now", "not now: nothing is run"),
    row(&[PAGE_UP, UP], Verb::PageUp, "up", "what is above"),
    row(&[PAGE_DOWN, DOWN], Verb::PageDown, "more", "what is below"),
];

const PROMPT: &[Binding] = &[
    row(&[ENTER], Verb::Accept, "send", "take what was typed; an empty line means no"),
    row(&[ESC, ctrl('c')], Verb::Back, "not now", "not now: nothing happens"),
];

const APPROVAL: &[Binding] = &[
    row(&[char('A')], Verb::Approve, "approve", "approve it; works once all of it has been on the screen"),
    row(&[char('n')], Verb::Unread, "next unread", "on to the next part that was not on the screen yet"),
    row(&[char('r')], Verb::Refuse, "refuse", "refuse it, in words: nothing approved counts then"),
    row(&[char('a')], Verb::AskAgain, "ask anew", "ask anew, where what was asked does not count any more"),
    row(&[ESC, ctrl('c'), char('q')], Verb::Back, "not now", "not now: nothing is approved"),
    row(&[PAGE_DOWN, char(' ')], Verb::PageDown, "more", "a screenful down"),
    row(&[PAGE_UP, ctrl('b')], Verb::PageUp, "back", "a screenful up"),
    row(&[DOWN, char('j')], Verb::Down, "row", "a row down"),
    row(&[UP, char('k')], Verb::Up, "up", "a row up"),
    row(&[HOME, char('g')], Verb::Home, "start", "to its start"),
    row(&[END, char('G')], Verb::End, "end", "to its end"),
];

const APPROVING: &[Binding] = &[
    row(&[ENTER], Verb::Accept, "approve", "approve, if the word is exact; an empty line means no"),
    row(&[ESC, ctrl('c')], Verb::Back, "not now", "not now: nothing is approved"),
    row(&[PAGE_UP, UP], Verb::PageUp, "up", "what is above"),
    row(&[PAGE_DOWN, DOWN], Verb::PageDown, "more", "what is below"),
];

const ANSWER: &[Binding] = &[
    row(&[char('y')], Verb::Yes, "yes", "it holds; this goes into the log, with your words"),
    row(&[char('n')], Verb::No, "no", "it does not; this goes into the log, with your words"),
    row(&[ESC, ctrl('c'), ENTER], Verb::Back, "words", "back to the words; nothing is answered yet"),
];

const CHOOSE: &[Binding] = &[
    row(&[ENTER], Verb::Accept, "this one", "take this one"),
    row(&[ESC, ctrl('c'), char('q')], Verb::Back, "not now", "not now: nothing happens"),
    row(&[UP, char('k')], Verb::Up, "up", "one up"),
    row(&[DOWN, char('j')], Verb::Down, "move", "one down"),
];

const REFUSED: &[Binding] = &[
    row(&[ENTER, ESC, ctrl('c'), char('q')], Verb::Back, "understood", "close this"),
    row(&[UP, PAGE_UP, char('k')], Verb::PageUp, "up", "what is above"),
    row(&[DOWN, PAGE_DOWN, char('j'), char(' ')], Verb::PageDown, "more", "what is below"),
];

const HELP: &[Binding] = &[
    row(&[ESC, ENTER, char('?'), char('q'), ctrl('c')], Verb::Back, "close", "close this"),
    row(&[UP, PAGE_UP, char('k')], Verb::PageUp, "up", "what is above"),
    row(&[DOWN, PAGE_DOWN, char('j'), char(' ')], Verb::PageDown, "more", "what is below"),
];

const ACTIONS: &[Binding] = &[
    row(&[ENTER], Verb::Accept, "do this", "do this"),
    row(&[ESC, ctrl('c'), char(':'), char('q')], Verb::Back, "close", "close this"),
    row(&[UP, char('k')], Verb::Up, "up", "one up"),
    row(&[DOWN, char('j')], Verb::Down, "move", "one down"),
];

const SEARCH: &[Binding] = &[
    row(&[ENTER], Verb::Accept, "stay here", "stay at this step"),
    row(&[ESC, ctrl('c')], Verb::Back, "back", "back to the step from before"),
    row(&[DOWN, TAB], Verb::Down, "next match", "the next match"),
    row(&[UP], Verb::Up, "match before", "the match before"),
];

/// The table of a page.
#[must_use]
pub fn table(page: Page) -> &'static [Binding] {
    match page {
        Page::Walk => WALK,
        Page::Steps => STEPS,
        Page::Output => OUTPUT,
        Page::Log => LOG,
        Page::Question => QUESTION,
        Page::Prompt => PROMPT,
        Page::Approval => APPROVAL,
        Page::Approving => APPROVING,
        Page::Answer => ANSWER,
        Page::Choose => CHOOSE,
        Page::Refused => REFUSED,
        Page::Help => HELP,
        Page::Actions => ACTIONS,
        Page::Search => SEARCH,
    }
}

/// What `event` asks for on `page`.
#[must_use]
pub fn verb(page: Page, event: KeyEvent) -> Option<Verb> {
    let pressed = Key { code: event.code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) };
    if event.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    table(page).iter().find(|binding| binding.keys.contains(&pressed)).map(|binding| binding.verb)
}

/// Is it the chord that holds at once?
#[must_use]
pub fn holds_now(event: KeyEvent) -> bool {
    let pressed = Key { code: event.code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) };
    HOLD_NOW.contains(&pressed)
}

/// The row that asks for `verb` on `page`.
#[must_use]
pub fn binding(page: Page, verb: Verb) -> Option<&'static Binding> {
    table(page).iter().find(|binding| binding.verb == verb)
}

/// The key that is shown for `verb` while walking; empty where there is none.
#[must_use]
pub fn shown_for(verb: Verb) -> String {
    binding(Page::Walk, verb).map_or_else(String::new, |binding| label(binding.keys[0]))
}

/// Is it something done to the walk, as opposed to the screen?
#[must_use]
pub fn acts(verb: Verb) -> bool {
    (verb as u8) <= (Verb::Abort as u8)
}

/// A key as people know it: `Enter`, `↑`, `^C`, `c`.
#[must_use]
pub fn label(key: Key) -> String {
    let name = match key.code {
        KeyCode::Enter => "Enter",
        KeyCode::Esc => "Esc",
        KeyCode::Tab => "Tab",
        KeyCode::Up => "↑",
        KeyCode::Down => "↓",
        KeyCode::PageUp => "PgUp",
        KeyCode::PageDown => "PgDn",
        KeyCode::Home => "Home",
        KeyCode::End => "End",
        KeyCode::Char(' ') => "Space",
        KeyCode::Char(c) if key.ctrl => return format!("^{}", c.to_ascii_uppercase()),
        KeyCode::Char(c) => return c.to_string(),
        _ => "?",
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_means_two_things_on_one_page() {
        for page in Page::ALL {
            let mut seen = HashSet::new();
            for binding in table(page) {
                for key in binding.keys {
                    assert!(seen.insert(*key), "{page:?}: {} is there twice", label(*key));
                }
            }
        }
    }

    #[test]
    fn every_page_has_a_way_back_and_says_what_keys_do() {
        for page in Page::ALL {
            let verbs: Vec<Verb> = table(page).iter().map(|b| b.verb).collect();
            assert!(verbs.contains(&Verb::Back) || verbs.contains(&Verb::Quit), "{page:?}");
            assert!(
                table(page).iter().all(|b| !b.keys.is_empty() && !b.word.is_empty() && !b.says.is_empty())
            );
            assert!(
                table(page)
                    .iter()
                    .flat_map(|b| b.keys)
                    .all(|k| label(*k) != "?" || k.code == KeyCode::Char('?'))
            );
        }
    }

    #[test]
    fn ctrl_and_alt_are_not_the_letter() {
        let press = |c, modifiers| verb(Page::Walk, KeyEvent::new(KeyCode::Char(c), modifiers));
        assert_eq!(press('c', KeyModifiers::NONE), Some(Verb::Check));
        assert_eq!(press('c', KeyModifiers::CONTROL), Some(Verb::Quit));
        assert_eq!(press('c', KeyModifiers::ALT), None);
        assert_eq!(press('H', KeyModifiers::SHIFT), Some(Verb::Hold));
    }
}
