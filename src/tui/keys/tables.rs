//! The rows of the table, page by page, in the order in which the footer has room for them. PURE.

use ratatui::crossterm::event::KeyCode;

use super::{Binding, Key, Verb};
use crate::tui::mode::Page;

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
const LEFT: Key = key(KeyCode::Left);
const RIGHT: Key = key(KeyCode::Right);
const BACKSPACE: Key = key(KeyCode::Backspace);
const PAGE_UP: Key = key(KeyCode::PageUp);
const PAGE_DOWN: Key = key(KeyCode::PageDown);
const HOME: Key = key(KeyCode::Home);
const END: Key = key(KeyCode::End);
const F1: Key = key(KeyCode::F(1));

/// Calls a hold wherever it is pressed, whatever takes the keys.
pub(in crate::tui) const HOLD_NOW: &[Key] = &[ctrl('x')];

/// In the order in which the footer has room for them.
const WALK: &[Binding] = &[
    row(
        &[char('t')],
        Verb::Terminal,
        "type into it",
        "type into the terminal of an interactive step; ^] comes back",
    ),
    row(&[ENTER], Verb::Run, "start", "start this step: its checks are asked, then it starts or stays shut"),
    row(&[char('d')], Verb::Done, "done", "say that your part is done; after an interruption: it did finish"),
    row(
        &[char('f')],
        Verb::Fail,
        "failed",
        "say that it did not work; after an interruption: it did not finish",
    ),
    row(
        &[char('s')],
        Verb::Stop,
        "stop command",
        "end its command: TERM to all its processes, KILL 10 s later",
    ),
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
    row(&[char('H')], Verb::Hold, "hold", "call a hold, in words: nothing starts until it is released"),
    row(
        HOLD_NOW,
        Verb::HoldNow,
        "hold",
        "call a hold at once, without a word; on every screen, in every box",
    ),
    row(&[UP, char('k')], Verb::Up, "up", "the step before"),
    row(&[DOWN, char('j')], Verb::Down, "step", "the step after"),
    row(&[char('.')], Verb::ToCurrent, "at hand", "back to the step at hand, and along with the walk"),
    row(&[TAB], Verb::Steps, "steps", "all steps, in a list of their own"),
    row(&[char('/')], Verb::Search, "find", "find a step by its number, title, id, phase or checks"),
    row(&[char('i')], Verb::About, "about", "what this runbook is about, its values, who is here"),
    row(&[char('l')], Verb::Log, "log", "the whole log, back to the first record"),
    row(&[char('n')], Verb::Note, "note", "write a note into the log"),
    row(&[char('J')], Verb::Join, "how to join", "the lines to give to somebody who is to join"),
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
    row(
        &[PAGE_DOWN, char(' '), ctrl('f'), ctrl('d')],
        Verb::PageDown,
        "more",
        "the rest of what is said about this step",
    ),
    row(&[PAGE_UP, ctrl('b'), ctrl('u')], Verb::PageUp, "back", "the part before it"),
    row(&[HOME, char('g')], Verb::Home, "first", "the first step"),
    row(&[END, char('G')], Verb::End, "last", "the last step"),
    row(
        &[char(':')],
        Verb::Actions,
        "actions",
        "everything that can be done, with a filter, and why some of it cannot",
    ),
    row(
        &[char('v')],
        Verb::Rejoin,
        "go along",
        "look where the operator looks, and go along; any other way breaks away",
    ),
    row(&[char('N')], Verb::NextNeed, "what needs me", "on to the next step or question that needs you"),
    row(
        &[BACKSPACE, ctrl('o')],
        Verb::BackTo,
        "back",
        "undo a slip: back to where this screen was before; nothing in the session changes",
    ),
    row(
        &[char('M')],
        Verb::Mouse,
        "mouse",
        "leave the mouse to the terminal, for selecting text; or take it",
    ),
    row(
        &[char('=')],
        Verb::Values,
        "values",
        "show values in the place of their names, in scripts and texts; or the names",
    ),
    row(&[char('?'), F1], Verb::Help, "keys", "this list"),
    row(&[char('q'), ctrl('c')], Verb::Quit, "leave", "leave this screen; the session, and what runs, go on"),
];

const STEPS: &[Binding] = &[
    row(&[ENTER, TAB, ESC], Verb::Back, "this step", "to this step"),
    row(&[UP, char('k')], Verb::Up, "up", "the step before"),
    row(&[DOWN, char('j')], Verb::Down, "step", "the step after"),
    row(&[PAGE_UP, ctrl('b'), ctrl('u')], Verb::PageUp, "page up", "a screenful up"),
    row(&[PAGE_DOWN, char(' '), ctrl('f'), ctrl('d')], Verb::PageDown, "page", "a screenful down"),
    row(&[HOME, char('g')], Verb::Home, "first", "the first step"),
    row(&[END, char('G')], Verb::End, "last", "the last step"),
    row(&[char('.')], Verb::ToCurrent, "at hand", "the step at hand"),
    row(&[char('/')], Verb::Search, "find", "find a step by its number, title, id, phase or checks"),
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
    row(
        &[char(':')],
        Verb::Actions,
        "actions",
        "everything that can be done, with a filter, and why some of it cannot",
    ),
    row(&[char('N')], Verb::NextNeed, "what needs me", "on to the next step or question that needs you"),
    row(
        &[BACKSPACE, ctrl('o')],
        Verb::BackTo,
        "back",
        "undo a slip: back to where this screen was before; nothing in the session changes",
    ),
    row(
        &[char('M')],
        Verb::Mouse,
        "mouse",
        "leave the mouse to the terminal, for selecting text; or take it",
    ),
    row(&[char('?'), F1], Verb::Help, "keys", "this list"),
    row(&[char('q'), ctrl('c')], Verb::Quit, "leave", "leave this screen; the session, and what runs, go on"),
];

const OUTPUT: &[Binding] = &[
    row(
        &[char('t')],
        Verb::Terminal,
        "type into it",
        "type into the terminal of an interactive step; ^] comes back",
    ),
    row(
        &[char('s')],
        Verb::Stop,
        "stop command",
        "end its command: TERM to all its processes, KILL 10 s later",
    ),
    row(&[char('f')], Verb::Follow, "follow", "stay at the end as it grows, or stay where you are"),
    row(&[char('w')], Verb::Wrap, "wrap", "wrap long lines, or cut them with a mark"),
    row(&[ESC, char('o'), TAB], Verb::Back, "steps", "back to the steps"),
    row(&[char('[')], Verb::PreviousOutput, "previous", "the output before: another item, attempt or stream"),
    row(&[char(']')], Verb::NextOutput, "next output", "the output after: another item, attempt or stream"),
    row(&[char('{')], Verb::PreviousAttempt, "attempt before", "the output of the attempt before"),
    row(&[char('}')], Verb::NextAttempt, "attempt after", "the output of the attempt after"),
    row(
        &[char('|')],
        Verb::Split,
        "side by side",
        "two outputs side by side: attempts, items, streams; or one",
    ),
    row(&[char('/')], Verb::FindText, "find", "find a text in this output, from here on"),
    row(&[char('S')], Verb::Save, "save", "save this output into a file of yours"),
    row(
        &[char('y')],
        Verb::Copy,
        "copy",
        "copy what is on the screen to your terminal's clipboard; you are asked first",
    ),
    row(&[LEFT, char('h')], Verb::Left, "left", "the part of long lines to the left"),
    row(&[RIGHT, char('l')], Verb::Right, "right", "the part of long lines to the right"),
    row(&[UP, char('k')], Verb::Up, "up", "a line up"),
    row(&[DOWN, char('j')], Verb::Down, "line", "a line down"),
    row(&[PAGE_UP, ctrl('b'), ctrl('u')], Verb::PageUp, "page up", "a screenful up"),
    row(&[PAGE_DOWN, char(' '), ctrl('f'), ctrl('d')], Verb::PageDown, "page", "a screenful down"),
    row(&[HOME, char('g')], Verb::Home, "start", "to its first byte"),
    row(&[END, char('G')], Verb::End, "end", "to its end, following it"),
    row(&[char('%')], Verb::GoTo, "go to", "to a place in it: 50 %, or 3.1 GB"),
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
    row(
        &[char(':')],
        Verb::Actions,
        "actions",
        "everything that can be done, with a filter, and why some of it cannot",
    ),
    row(&[char('N')], Verb::NextNeed, "what needs me", "on to the next step or question that needs you"),
    row(
        &[BACKSPACE, ctrl('o')],
        Verb::BackTo,
        "back",
        "undo a slip: back to where this screen was before; nothing in the session changes",
    ),
    row(
        &[char('M')],
        Verb::Mouse,
        "mouse",
        "leave the mouse to the terminal, for selecting text; or take it",
    ),
    row(&[char('?'), F1], Verb::Help, "keys", "this list"),
    row(&[char('q'), ctrl('c')], Verb::Quit, "leave", "leave this screen; the session, and what runs, go on"),
];

/// What differs while something goes on in an output comes first.
const FOUND: &[Binding] = &[
    row(
        &[char('n')],
        Verb::NextMatch,
        "next",
        "to the next place where it is; past the end, on from the start",
    ),
    row(&[char('N')], Verb::PreviousMatch, "before", "to the place before; past the start, on from the end"),
    row(&[ESC], Verb::EndTask, "end search", "end the search; stop what is still looked for, or saved"),
    row(&[char('/')], Verb::FindText, "find", "find another text in this output, from here on"),
    row(
        &[char('s')],
        Verb::Stop,
        "stop command",
        "end its command: TERM to all its processes, KILL 10 s later",
    ),
    row(&[char('f')], Verb::Follow, "follow", "stay at the end as it grows, or stay where you are"),
    row(&[char('w')], Verb::Wrap, "wrap", "wrap long lines, or cut them with a mark"),
    row(&[char('o'), TAB], Verb::Back, "steps", "back to the steps"),
    row(&[char('[')], Verb::PreviousOutput, "previous", "the output before: another item, attempt or stream"),
    row(&[char(']')], Verb::NextOutput, "next output", "the output after: another item, attempt or stream"),
    row(&[char('{')], Verb::PreviousAttempt, "attempt before", "the output of the attempt before"),
    row(&[char('}')], Verb::NextAttempt, "attempt after", "the output of the attempt after"),
    row(
        &[char('|')],
        Verb::Split,
        "side by side",
        "two outputs side by side: attempts, items, streams; or one",
    ),
    row(&[char('S')], Verb::Save, "save", "save this output into a file of yours"),
    row(
        &[char('y')],
        Verb::Copy,
        "copy",
        "copy what is on the screen to your terminal's clipboard; you are asked first",
    ),
    row(&[char('t')], Verb::Terminal, "type into it", "type into the terminal of an interactive step"),
    row(&[LEFT, char('h')], Verb::Left, "left", "the part of long lines to the left"),
    row(&[RIGHT, char('l')], Verb::Right, "right", "the part of long lines to the right"),
    row(&[UP, char('k')], Verb::Up, "up", "a line up"),
    row(&[DOWN, char('j')], Verb::Down, "line", "a line down"),
    row(&[PAGE_UP, ctrl('b'), ctrl('u')], Verb::PageUp, "page up", "a screenful up"),
    row(&[PAGE_DOWN, char(' '), ctrl('f'), ctrl('d')], Verb::PageDown, "page", "a screenful down"),
    row(&[HOME, char('g')], Verb::Home, "start", "to its first byte"),
    row(&[END, char('G')], Verb::End, "end", "to its end, following it"),
    row(&[char('%')], Verb::GoTo, "go to", "to a place in it: 50 %, or 3.1 GB"),
    row(&[char('R')], Verb::Release, "release", "release holds: your own, or other people's with words"),
    row(
        &[char('a')],
        Verb::Attest,
        "answer",
        "answer a check that asks a person, or read what you are asked to approve",
    ),
    row(&[char('J')], Verb::Join, "how to join", "the lines to give to somebody who is to join"),
    row(&[char('H')], Verb::Hold, "hold", "call a hold, in words: nothing starts until it is released"),
    row(
        &[char('v')],
        Verb::Rejoin,
        "go along",
        "look where the operator looks, and go along; any other way breaks away",
    ),
    row(
        &[char(':')],
        Verb::Actions,
        "actions",
        "everything that can be done, with a filter, and why some of it cannot",
    ),
    row(
        &[BACKSPACE, ctrl('o')],
        Verb::BackTo,
        "back",
        "undo a slip: back to where this screen was before; nothing in the session changes",
    ),
    row(
        &[char('M')],
        Verb::Mouse,
        "mouse",
        "leave the mouse to the terminal, for selecting text; or take it",
    ),
    row(&[char('?'), F1], Verb::Help, "keys", "this list"),
    row(&[char('q'), ctrl('c')], Verb::Quit, "leave", "leave this screen; the session, and what runs, go on"),
];

const LOG: &[Binding] = &[
    row(&[ESC, char('l'), TAB], Verb::Back, "steps", "back to the steps"),
    row(&[char('/')], Verb::Search, "find", "find words in the records that are here"),
    row(&[UP, char('k')], Verb::Up, "up", "a record up"),
    row(&[DOWN, char('j')], Verb::Down, "record", "a record down"),
    row(
        &[PAGE_UP, ctrl('b'), ctrl('u')],
        Verb::PageUp,
        "page up",
        "a screenful up; older records are fetched",
    ),
    row(&[PAGE_DOWN, char(' '), ctrl('f'), ctrl('d')], Verb::PageDown, "page", "a screenful down"),
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
    row(
        &[char(':')],
        Verb::Actions,
        "actions",
        "everything that can be done, with a filter, and why some of it cannot",
    ),
    row(&[char('N')], Verb::NextNeed, "what needs me", "on to the next step or question that needs you"),
    row(
        &[BACKSPACE, ctrl('o')],
        Verb::BackTo,
        "back",
        "undo a slip: back to where this screen was before; nothing in the session changes",
    ),
    row(
        &[char('M')],
        Verb::Mouse,
        "mouse",
        "leave the mouse to the terminal, for selecting text; or take it",
    ),
    row(&[char('?'), F1], Verb::Help, "keys", "this list"),
    row(&[char('q'), ctrl('c')], Verb::Quit, "leave", "leave this screen; the session, and what runs, go on"),
];

const QUESTION: &[Binding] = &[
    row(&[ENTER], Verb::Accept, "go on", "go on if the text is exact; an empty line means no; ^U empties it"),
    row(&[ESC, ctrl('c')], Verb::Back, "not now", "not now: nothing is run"),
    row(&[PAGE_UP, UP], Verb::PageUp, "up", "what is above"),
    row(&[PAGE_DOWN, DOWN], Verb::PageDown, "more", "what is below"),
];

const PROMPT: &[Binding] = &[
    row(&[ENTER], Verb::Accept, "send", "take what was typed; an empty line means no; ^U empties it"),
    row(&[ESC, ctrl('c')], Verb::Back, "not now", "not now: nothing happens"),
    row(
        &[UP],
        Verb::BackTo,
        "your words",
        "bring back the words that were left here with Esc; nothing is sent by it",
    ),
    row(&[PAGE_UP], Verb::PageUp, "up", "what is above"),
    row(&[PAGE_DOWN], Verb::PageDown, "more", "what is below"),
];

const APPROVAL: &[Binding] = &[
    row(&[char('A')], Verb::Approve, "approve", "approve it; works once all of it has been on the screen"),
    row(&[char('n')], Verb::Unread, "next unread", "on to the next part that was not on the screen yet"),
    row(&[char('r')], Verb::Refuse, "refuse", "refuse it, in words: nothing approved counts then"),
    row(&[char('a')], Verb::AskAgain, "ask anew", "ask anew, where what was asked does not count any more"),
    row(&[ESC, ctrl('c'), char('q')], Verb::Back, "not now", "not now: nothing is approved"),
    row(&[PAGE_DOWN, char(' '), ctrl('f'), ctrl('d')], Verb::PageDown, "more", "a screenful down"),
    row(&[PAGE_UP, ctrl('b'), ctrl('u')], Verb::PageUp, "back", "a screenful up"),
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
    row(&[ESC, ctrl('c')], Verb::Back, "words", "back to the words; nothing is answered yet"),
    row(&[PAGE_UP, UP], Verb::PageUp, "up", "what is above"),
    row(&[PAGE_DOWN, DOWN], Verb::PageDown, "more", "what is below"),
];

const CHOOSE: &[Binding] = &[
    row(&[ENTER], Verb::Accept, "this one", "take this one"),
    row(&[ESC, ctrl('c'), char('q')], Verb::Back, "not now", "not now: nothing happens"),
    row(&[DOWN, char('j')], Verb::Down, "move", "one down"),
    row(&[UP, char('k')], Verb::Up, "up", "one up"),
    row(&[PAGE_DOWN, char(' '), ctrl('f'), ctrl('d')], Verb::PageDown, "page", "a screenful down"),
    row(&[PAGE_UP, ctrl('b'), ctrl('u')], Verb::PageUp, "page up", "a screenful up"),
    row(&[HOME, char('g')], Verb::Home, "first", "the first one"),
    row(&[END, char('G')], Verb::End, "last", "the last one"),
];

const REFUSED: &[Binding] = &[
    row(&[ENTER, ESC, ctrl('c'), char('q')], Verb::Back, "understood", "close this"),
    row(&[DOWN, char('j')], Verb::Down, "more", "a row down"),
    row(&[UP, char('k')], Verb::Up, "up", "a row up"),
    row(&[PAGE_DOWN, char(' '), ctrl('f'), ctrl('d')], Verb::PageDown, "page", "a screenful down"),
    row(&[PAGE_UP, ctrl('b'), ctrl('u')], Verb::PageUp, "page up", "a screenful up"),
    row(&[HOME, char('g')], Verb::Home, "start", "to its start"),
    row(&[END, char('G')], Verb::End, "end", "to its end"),
];

const HELP: &[Binding] = &[
    row(&[ESC, ENTER, char('?'), F1, char('q'), ctrl('c')], Verb::Back, "close", "close this"),
    row(&[DOWN, char('j')], Verb::Down, "more", "a row down"),
    row(&[UP, char('k')], Verb::Up, "up", "a row up"),
    row(&[PAGE_DOWN, char(' '), ctrl('f'), ctrl('d')], Verb::PageDown, "page", "a screenful down"),
    row(&[PAGE_UP, ctrl('b'), ctrl('u')], Verb::PageUp, "page up", "a screenful up"),
    row(&[HOME, char('g')], Verb::Home, "start", "to its start"),
    row(&[END, char('G')], Verb::End, "end", "to its end"),
];

const ACTIONS: &[Binding] = &[
    row(&[ENTER], Verb::Accept, "do this", "do this, as its key would; or say why it cannot be done now"),
    row(&[ESC, ctrl('c')], Verb::Back, "close", "close this; nothing is done"),
    row(&[DOWN, TAB, ctrl('n')], Verb::Down, "move", "one down"),
    row(&[UP, ctrl('p')], Verb::Up, "up", "one up"),
    row(&[PAGE_DOWN], Verb::PageDown, "page", "a screenful down"),
    row(&[PAGE_UP], Verb::PageUp, "page up", "a screenful up"),
];

const SEARCH: &[Binding] = &[
    row(&[ENTER], Verb::Accept, "stay here", "stay at this one"),
    row(&[ESC, ctrl('c')], Verb::Back, "back", "back to where you were before"),
    row(&[DOWN, TAB, ctrl('n')], Verb::Down, "next match", "the next match"),
    row(&[UP, ctrl('p')], Verb::Up, "match before", "the match before"),
];

/// The key that comes back from a terminal: terminals send one byte for it, which is read as `Ctrl-5`.
const OUT_OF_TERMINAL: &[Key] = &[ctrl(']'), ctrl('5')];

const TERMINAL: &[Binding] = &[row(
    OUT_OF_TERMINAL,
    Verb::Back,
    "back to onbelay",
    "back to onbelay, where ^X holds; the command goes on; twice: sends one to the command",
)];

const UNTAKEN: &[Binding] = &[
    row(&[char('t')], Verb::Terminal, "type into it again", "take the terminal again, and type into it"),
    row(&[ctrl(']'), ctrl('5'), ESC], Verb::Back, "back to onbelay", "back to onbelay"),
];

const PASTING: &[Binding] = &[
    row(&[char('y')], Verb::Yes, "paste it", "send the paste to the command, line by line as it is"),
    row(
        &[ESC, ENTER, char('n'), ctrl('c'), ctrl(']'), ctrl('5')],
        Verb::Back,
        "not now",
        "not now: nothing is pasted",
    ),
];

/// The table of a page.
pub(super) fn of(page: Page) -> &'static [Binding] {
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
        Page::Terminal => TERMINAL,
        Page::Untaken => UNTAKEN,
        Page::Pasting => PASTING,
        Page::Found => FOUND,
    }
}
