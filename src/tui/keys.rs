//! The one table of what keys do. The footer, the list of actions and the list of keys are made from it, so nothing
//! can be shown that is not there, or be there and not be shown. PURE.

mod tables;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::mode::Page;

pub(super) use tables::HOLD_NOW;

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
    /// Type into the terminal of an interactive step.
    Terminal,
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
    /// The last output of the attempt before.
    PreviousAttempt,
    /// The last output of the attempt after.
    NextAttempt,
    /// Two outputs side by side, or one.
    Split,
    /// The part of long lines that is to the left.
    Left,
    /// The part of long lines that is to the right.
    Right,
    /// Find a text in what is shown.
    FindText,
    /// To the next place where it is.
    NextMatch,
    /// To the place before.
    PreviousMatch,
    /// Save what is shown into a file.
    Save,
    /// Copy what is on the screen to the terminal's clipboard.
    Copy,
    /// To a place that is typed.
    GoTo,
    /// End what goes on in an output: the search, the looking, the saving.
    EndTask,
    /// On to the next thing that needs this person.
    NextNeed,
    /// Back to where the screen was before the last slip.
    BackTo,
    /// Show values in the place of their names, or the names.
    Values,
    /// Let the terminal have the mouse, or take it.
    Mouse,
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

#[cfg(test)]
impl Key {
    /// The event of pressing it.
    pub(crate) fn event(self) -> KeyEvent {
        KeyEvent::new(self.code, if self.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE })
    }
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

/// The table of a page.
#[must_use]
pub fn table(page: Page) -> &'static [Binding] {
    tables::of(page)
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
        KeyCode::Backspace => "Bksp",
        KeyCode::Left => "←",
        KeyCode::Right => "→",
        KeyCode::Up => "↑",
        KeyCode::Down => "↓",
        KeyCode::PageUp => "PgUp",
        KeyCode::PageDown => "PgDn",
        KeyCode::Home => "Home",
        KeyCode::End => "End",
        KeyCode::Char(' ') => "Space",
        KeyCode::BackTab => "Shift-Tab",
        KeyCode::Insert => "Ins",
        KeyCode::Delete => "Del",
        KeyCode::F(n) => return format!("F{n}"),
        KeyCode::Char(c) if key.ctrl => return format!("^{}", c.to_ascii_uppercase()),
        KeyCode::Char(c) => return c.to_string(),
        _ => "?",
    };
    name.to_owned()
}

/// A pressed key as people know it; `None`: it has no name that they would know.
#[must_use]
pub fn name(event: KeyEvent) -> Option<String> {
    let pressed = Key { code: event.code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) };
    let name = label(pressed);
    if name == "?" && event.code != KeyCode::Char('?') {
        return None;
    }
    let alt = if event.modifiers.contains(KeyModifiers::ALT) { "Alt-" } else { "" };
    Some(format!("{alt}{name}"))
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
