//! The palette: everything that can be done, on whatever page, found by a few letters. PURE.
//!
//! What is found, and in which order, is settled when a letter is typed and stays so until the next: a list that moves
//! under the eye while a record arrives would let Enter take what nobody picked.

use ratatui_textarea::TextArea;

use crate::runbook::Step;
use crate::session::view;

use super::app::App;
use super::fit::{Fit, fit};
use super::keys::{self, Binding, Verb};
use super::mode::{Mode, Page, field};
use super::view::shape::plain;

/// More than these are never listed, however many steps fit the letters.
const MOST: usize = 200;

/// Something that can be picked.
#[derive(Clone, Copy, Debug)]
pub enum Pick {
    /// What a key does, and the page on which it does it.
    Key(&'static Binding, Page),
    /// Going to the step at this place.
    Step(usize),
}

/// The list, and what was typed to make it short.
#[derive(Clone, Debug)]
pub struct Palette {
    /// What was typed.
    pub field: TextArea<'static>,
    /// The row the keys speak of.
    pub cursor: usize,
    /// What fits what was typed, best first.
    pub found: Vec<Pick>,
    /// What came of the last Enter.
    pub note: Option<String>,
    /// What steps are found by, in small letters; made with the first letter that is typed, for there may be many.
    pub(super) steps: Vec<String>,
}

impl Palette {
    /// Nothing typed yet: all that keys do, that of the page first.
    #[must_use]
    pub fn new(app: &App) -> Self {
        Self { field: field(), cursor: 0, found: find(app, &[], ""), note: None, steps: Vec::new() }
    }
}

/// The page below what lies on top.
fn page(app: &App) -> Page {
    Mode::Plain.page(app.screen)
}

/// The table of keys of what lies below a box.
#[must_use]
pub fn page_below(app: &App) -> Page {
    match page(app) {
        Page::Output if app.find.is_some() || app.saving.is_some() => Page::Found,
        page => page,
    }
}

/// What keys do, that of the page at hand first; each once.
#[must_use]
pub fn all(app: &App) -> Vec<Pick> {
    let own = page(app);
    let mut seen = Vec::new();
    let mut picks = Vec::new();
    for page in [own, Page::Walk, Page::Steps, Page::Output, Page::Log] {
        for binding in keys::table(page) {
            let useless = binding.verb == Verb::Actions || binding.verb == Verb::Back && page != own;
            if !useless && !seen.contains(&binding.verb) {
                seen.push(binding.verb);
                picks.push(Pick::Key(binding, page));
            }
        }
    }
    // What is done to the walk comes first, as on the page where it is walked.
    let walk = |verb| keys::table(Page::Walk).iter().position(|row| row.verb == verb);
    picks.sort_by_key(|pick| match pick {
        Pick::Key(binding, _) if keys::acts(binding.verb) => (0, walk(binding.verb)),
        Pick::Key(_, page) if *page == own || *page == Page::Walk => (1, None),
        _ => (2, None),
    });
    picks
}

/// What steps are found by, in small letters.
#[must_use]
pub fn step_texts(app: &App) -> Vec<String> {
    let text =
        |step: &Step| format!("go to {} {}", view::filled(&app.session, &step.title), step.id).to_lowercase();
    app.session.runbook.steps.iter().map(text).collect()
}

/// What fits `text`, best first. Steps are found by it too, where there is one: by these texts.
#[must_use]
pub fn find(app: &App, steps: &[String], text: &str) -> Vec<Pick> {
    let mut all = all(app);
    // What can be done now comes first.
    all.sort_by_key(|pick| !fits(app, *pick).is_yes());
    let text = text.trim();
    if text.is_empty() {
        return all;
    }
    let words: Vec<String> = text.to_lowercase().split_whitespace().map(str::to_owned).collect();
    all.extend((0..steps.len()).map(Pick::Step));
    let mut found: Vec<(u32, Pick)> =
        all.into_iter().filter_map(|pick| Some((score(steps, pick, text, &words)?, pick))).collect();
    found.sort_by_key(|(score, _)| *score);
    found.truncate(MOST);
    found.into_iter().map(|(_, pick)| pick).collect()
}

/// How well it fits, 0 the best; `None`: not at all.
fn score(steps: &[String], pick: Pick, text: &str, words: &[String]) -> Option<u32> {
    match pick {
        Pick::Key(binding, _) => {
            if binding.keys.iter().any(|key| keys::label(*key) == text) {
                return Some(0);
            }
            let (word, says) = (binding.word.to_lowercase(), binding.says.to_lowercase());
            words.iter().map(|part| of_word(part, &word, &says)).try_fold(0, |sum, one| Some(sum + one?))
        }
        Pick::Step(place) => {
            if (place + 1).to_string() == text {
                return Some(0);
            }
            let one = |part: &String| steps[place].contains(part.as_str()).then_some(3);
            words.iter().map(one).try_fold(0, |sum, one| Some(sum + one?))
        }
    }
}

fn of_word(part: &str, word: &str, says: &str) -> Option<u32> {
    if word == part {
        Some(1)
    } else if word.starts_with(part) || starts_a_word(word, part) {
        Some(2)
    } else if word.contains(part) || starts_a_word(says, part) {
        Some(4)
    } else if says.contains(part) {
        Some(6)
    } else if part.len() > 2 && is_scattered(part, word) {
        Some(8)
    } else {
        None
    }
}

fn starts_a_word(text: &str, part: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|word| word.starts_with(part))
}

/// Are the letters of `part` in `text`, in this order?
fn is_scattered(part: &str, text: &str) -> bool {
    let mut letters = text.chars();
    part.chars().all(|wanted| letters.any(|c| c == wanted))
}

/// Can it be done now?
#[must_use]
pub fn fits(app: &App, pick: Pick) -> Fit {
    match pick {
        Pick::Step(_) => Fit::Yes(None),
        Pick::Key(binding, of) => {
            let own = page(app);
            if keys::acts(binding.verb) || of == Page::Walk || keys::binding(own, binding.verb).is_some() {
                return fit(app, binding.verb);
            }
            let (place, key) = match of {
                Page::Output => ("in an output", keys::shown_for(Verb::Output)),
                Page::Log => ("in the log", keys::shown_for(Verb::Log)),
                _ => ("in the list of steps", keys::shown_for(Verb::Steps)),
            };
            Fit::No(format!("it works {place}: {key} goes there"))
        }
    }
}

/// The key, the word and the sentence of something that can be picked.
#[must_use]
pub fn words(app: &App, pick: Pick) -> (String, String, String) {
    match pick {
        Pick::Key(binding, _) => {
            let word = match fits(app, pick) {
                Fit::Yes(Some(word)) => word,
                _ => binding.word,
            };
            (keys::label(binding.keys[0]), word.to_owned(), binding.says.to_owned())
        }
        Pick::Step(place) => {
            (String::new(), "go to".to_owned(), plain(&view::step_name(&app.session, place)))
        }
    }
}
