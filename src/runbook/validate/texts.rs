//! Texts with `${name}`, scripts and their settings: which values may be used where, and what that requires. PURE.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::Book;
use super::names::{NameKind, is_variable};
use super::within::PlacesIn;
use crate::runbook::model::{ForEach, ListSource, Script, Template};
use crate::runbook::parse::raw::{Named, RawForEach, RawList, RawShell, Text};
use crate::runbook::pattern::NotTaken;
use crate::runbook::problem::Problem;
use crate::runbook::values::{Piece, assigned_in, first_uses, names_in, pieces, variables_in};

/// So many bytes of settings may be copied into scripts, or 32 times the file where that is more (F-I1: 32 MiB in all).
const MOST_COPIED: usize = 8 << 20;

/// Which captured values can be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Captures {
    /// None: the place belongs to no step.
    None,
    /// Those of the steps before this one.
    Before(usize),
    /// Those of the steps before this one, and its own.
    UpTo(usize),
    /// Any: whoever asks waits for it.
    Any,
}

/// What may be used in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allow<'a> {
    pub(super) captures: Captures,
    /// The item that is known there.
    pub(super) item: Option<&'a str>,
    pub(super) secrets: bool,
    pub(super) lists: bool,
}

impl Allow<'_> {
    /// Parameters that are no secret, and nothing else.
    pub(super) fn params_only() -> Self {
        Self { captures: Captures::None, item: None, secrets: false, lists: true }
    }

    /// The same, where a list has no place.
    pub(super) fn no_lists(self) -> Self {
        Self { lists: false, ..self }
    }

    pub(super) fn with_secrets(self) -> Self {
        Self { secrets: true, ..self }
    }
}

/// `shell`, `dir` and `env` of one place.
pub(super) struct Settings<'r> {
    pub(super) shell: &'r Option<RawShell>,
    pub(super) dir: &'r Option<Text>,
    pub(super) env: &'r Named<Text>,
}

/// Steps whose captures are used.
pub(super) type Uses = BTreeSet<usize>;

impl<'r> Book<'r> {
    /// Checks a text; returns the steps whose captures it uses.
    pub(super) fn words(&mut self, text: &Text, allow: &Allow<'_>) -> Uses {
        let mut uses = Uses::new();
        if text.value.contains('\0') {
            self.problem(
                Problem::error("nul", self.first_line(&text.span), "a NUL byte in a text")
                    .label("no command can be given one"),
            );
        }
        if !text.value.contains("${") {
            return uses;
        }
        let mut seen = BTreeSet::new();
        let mut places = PlacesIn::new(self.source, &text.span);
        for piece in pieces(&text.value) {
            match piece {
                Piece::Text(_) => {}
                // Once is enough for each, however often it stands there.
                Piece::Bad(part, _) | Piece::Name(part, _) if !seen.insert(part) => {}
                Piece::Bad(found, _) => {
                    let place = places.next(found);
                    self.problem(
                        Problem::error("value", place, format!("`{found}` is not a value"))
                            .label("expected `${name}`")
                            .hint(format!("for these very characters write `${found}`")),
                    );
                }
                Piece::Name(name, _) => {
                    if let Some(step) = self.name_in_text(name, &mut places, allow) {
                        uses.insert(step);
                    }
                }
            }
        }
        uses
    }

    /// Checks one use of a name; returns the step that captures it.
    fn name_in_text(&mut self, name: &str, places: &mut PlacesIn<'_>, allow: &Allow<'_>) -> Option<usize> {
        let mark = format!("${{{name}}}");
        let kind = self.names.values.get(name).map(|(kind, _)| *kind);
        let mut at = || places.next(&mark);
        match kind {
            None => {
                let near =
                    self.near.to(name, self.names.values.keys().map(String::as_str)).map(str::to_owned);
                let problem = Problem::error("unknown-name", at(), format!("there is no value `{name}`"))
                    .label("expected a parameter, a captured value or an item");
                self.problem(match near {
                    Some(near) => problem.hint(format!("did you mean `${{{near}}}`?")),
                    None => problem.hint(format!("for these very characters write `$${{{name}}}`")),
                });
                None
            }
            Some(NameKind::Param { secret: true, .. }) if !allow.secrets => {
                self.problem(
                    Problem::error("secret", at(), format!("`{name}` is a secret"))
                        .label("would be shown and written here")
                        .hint("a secret is used in a script as a variable, or in `env`"),
                );
                None
            }
            Some(NameKind::Param { list: true, .. } | NameKind::Capture { list: true, .. })
                if !allow.lists =>
            {
                self.problem(
                    Problem::error("list", at(), format!("`{name}` is a list"))
                        .label("one text is wanted here"),
                );
                None
            }
            Some(NameKind::Param { .. }) => None,
            Some(NameKind::Item) => {
                if allow.item != Some(name) {
                    self.problem(
                        Problem::error("item", at(), format!("`{name}` is the item of a `for_each`"))
                            .label("no single item is meant here")
                            .hint("the item is known in the scripts, `title` and `about` of what has the `for_each`"),
                    );
                }
                None
            }
            Some(NameKind::Capture { step, .. }) => {
                let known = match allow.captures {
                    Captures::Any => true,
                    Captures::None => false,
                    Captures::Before(here) => step < here,
                    Captures::UpTo(here) => step <= here,
                };
                if known {
                    return Some(step);
                }
                let by = self.names.step_ids[step].clone();
                let problem =
                    Problem::error("not-captured", at(), format!("`{name}` is not captured yet here"));
                self.problem(match allow.captures {
                    Captures::Before(here) if here == step => {
                        problem.label("this step itself captures it").hint("it is for later steps")
                    }
                    Captures::None => problem.label(format!("the step `{by}` captures it")).hint(
                        "only parameters can be used here; put it into the steps or checks that need it",
                    ),
                    _ => problem.label(format!("the step `{by}` captures it, later")),
                });
                None
            }
        }
    }

    /// Checks the settings at the top level once: they belong to no step.
    pub(super) fn top_settings(&mut self) {
        let raw = self.raw;
        let settings = Settings { shell: &raw.shell, dir: &raw.dir, env: &raw.env };
        self.settings(&settings, &Allow::params_only());
    }

    fn settings(&mut self, settings: &Settings<'r>, allow: &Allow<'_>) -> Uses {
        let allow = allow.no_lists();
        let mut uses = Uses::new();
        match settings.shell {
            Some(RawShell::Words(words)) => {
                if words.value.first().is_none_or(|word| word.value.is_empty()) {
                    self.problem(
                        Problem::error("shell", words.span.clone(), "`shell` names no program")
                            .label("expected at least one word"),
                    );
                }
                for word in &words.value {
                    uses.extend(self.words(word, &allow));
                }
            }
            Some(RawShell::Name(_)) | None => {}
        }
        if let Some(dir) = settings.dir {
            if dir.value.is_empty() {
                self.problem(
                    Problem::error("empty-text", dir.span.clone(), "an empty `dir`")
                        .label("expected a directory"),
                );
            }
            uses.extend(self.words(dir, &allow));
        }
        for (name, text) in &settings.env.0 {
            if !is_variable(&name.value) {
                self.problem(
                    Problem::error(
                        "variable",
                        name.span.clone(),
                        format!("`{}` cannot be a variable", name.value),
                    )
                    .label("expected letters, digits and `_`, not beginning with a digit"),
                );
            }
            uses.extend(self.words(text, &allow.with_secrets()));
        }
        uses
    }

    /// A script with the settings that apply to it, and the steps whose captures it uses.
    pub(super) fn script(
        &mut self,
        text: &Text,
        settings: &Settings<'r>,
        allow: &Allow<'_>,
    ) -> (Script, Uses) {
        let mut uses = self.settings(settings, allow);
        if text.value.trim().is_empty() {
            self.problem(
                Problem::error("empty-text", text.span.clone(), "an empty script").label("expected a script"),
            );
        }
        if text.value.contains('\0') {
            self.problem(
                Problem::error("nul", self.first_line(&text.span), "a NUL byte in a script")
                    .label("no command can be given one"),
            );
        }
        uses.extend(self.variables(text, allow));
        self.count_copies();
        (self.with_settings(&text.value, settings), uses)
    }

    /// Every script gets what is set for all of them: many variables and many scripts would make a small file large.
    fn count_copies(&mut self) {
        let raw = self.raw;
        if self.too_many_copies() {
            return;
        }
        let (words, shell): (usize, _) = match &raw.shell {
            Some(RawShell::Words(words)) => {
                (words.value.iter().map(|word| word.value.len() + 60).sum(), Some(words.span.clone()))
            }
            _ => (0, None),
        };
        let env: usize = raw.env.0.iter().map(|(name, text)| name.value.len() + text.value.len() + 100).sum();
        self.copied += words + env + raw.dir.as_ref().map_or(0, |dir| dir.value.len());
        if self.too_many_copies() {
            let first = raw.env.0.first().map(|(name, _)| name.span.clone());
            let dir = raw.dir.as_ref().map(|dir| dir.span.clone());
            let at = first.or(shell).or(dir).unwrap_or_default();
            self.problem(
                Problem::error(
                    "too-many",
                    self.first_line(&at),
                    "what is set here for every script is too much for so many scripts",
                )
                .label("every script gets all of it")
                .hint("set it where it is used, or read it from a file in the script"),
            );
        }
    }

    fn too_many_copies(&self) -> bool {
        self.copied > (32 * self.source.len()).max(MOST_COPIED)
    }

    /// The captures that a script uses as variables.
    fn variables(&mut self, text: &Text, allow: &Allow<'_>) -> Uses {
        let mut uses = Uses::new();
        if !text.value.contains('$') {
            return uses;
        }
        // Each goes through the whole script: once for all that is wrong in it.
        let (assigned, places, whole) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        let found: Vec<(String, usize)> = variables_in(&text.value)
            .into_iter()
            .filter_map(|name| match self.names.values.get(name) {
                Some((NameKind::Capture { step, .. }, _)) => Some((name.to_owned(), *step)),
                _ => None,
            })
            .collect();
        for (name, step) in found {
            let known = match allow.captures {
                Captures::Any => true,
                // A step's script may well use a variable of the name that its output gets.
                Captures::Before(here) | Captures::UpTo(here) if here == step => continue,
                Captures::Before(here) | Captures::UpTo(here) => step < here,
                Captures::None => false,
            };
            if known {
                uses.insert(step);
            } else if !assigned.get_or_init(|| assigned_in(&text.value)).contains(name.as_str()) {
                let by = self.names.step_ids[step].clone();
                let places = places.get_or_init(|| first_uses(&self.source[text.span.clone()]));
                let place = places.get(name.as_str()).map_or_else(
                    || whole.get_or_init(|| self.first_line(&text.span)).clone(),
                    |place| text.span.start + place.start..text.span.start + place.end,
                );
                self.problem(
                    Problem::error("not-captured", place, format!("`{name}` is not captured yet here"))
                        .label(format!("the step `{by}` captures it, later")),
                );
            }
        }
        uses
    }

    /// The nearest `shell` and `dir`; `env` name by name. What is set at the top is shared by all that set nothing of their own.
    fn with_settings(&mut self, text: &str, near: &Settings<'r>) -> Script {
        let raw = self.raw;
        if self.too_many_copies() {
            return Script { text: text.to_owned(), shell: Arc::default(), dir: None, env: Arc::default() };
        }
        let shell = match near.shell {
            Some(own) => shell_words(Some(own)),
            None => Arc::clone(self.shell.get_or_insert_with(|| shell_words(raw.shell.as_ref()))),
        };
        let dir = near.dir.as_ref().or(raw.dir.as_ref()).map(|dir| Template(dir.value.clone()));
        let env = if near.env.0.is_empty() {
            Arc::clone(self.env.get_or_insert_with(|| Arc::new(variables(&raw.env).collect())))
        } else {
            Arc::new(variables(&raw.env).chain(variables(near.env)).collect())
        };
        Script { text: text.to_owned(), shell, dir, env }
    }

    /// `for_each`; returns the steps whose captures its list uses.
    pub(super) fn for_each(&mut self, raw: &RawForEach, allow: &Allow<'_>) -> (ForEach, Uses) {
        let mut uses = Uses::new();
        let allow = Allow { item: None, ..*allow };
        let list = match &raw.list {
            RawList::Items(items) => {
                let mut seen: HashMap<&str, &Range<usize>> = HashMap::new();
                for item in items {
                    if let Some(first) = seen.insert(&item.value, &item.span) {
                        self.problem(
                            Problem::error("twice", item.span.clone(), "an item that is there twice")
                                .label("again here")
                                .also(first.clone(), "first here"),
                        );
                    }
                    if item.value.is_empty() {
                        self.problem(
                            Problem::error("empty-text", item.span.clone(), "an empty item")
                                .label("expected text"),
                        );
                    }
                    uses.extend(self.words(item, &allow.no_lists()));
                }
                ListSource::Literal(items.iter().map(|item| Template(item.value.clone())).collect())
            }
            RawList::Reference(text) => {
                let names = names_in(&Template(text.value.clone()));
                match names.as_slice() {
                    [name] if text.value == format!("${{{name}}}") => {
                        uses.extend(self.words(text, &allow));
                        if let Some((NameKind::Param { list: false, secret: false, .. }, _)) =
                            self.names.values.get(name.as_str())
                        {
                            self.problem(
                                Problem::error("list", text.span.clone(), format!("`{name}` is one text"))
                                    .label("a list is wanted here")
                                    .hint("give the parameter `list: true`"),
                            );
                        }
                        ListSource::Named(name.clone())
                    }
                    _ => {
                        let problem =
                            Problem::error("list", self.first_line(&text.span), "this is not a list")
                                .label("expected a list, or `${name}` of one");
                        self.problem(if crate::id::is_value_name(&text.value) {
                            problem.hint(format!("did you mean \"${{{}}}\"?", text.value))
                        } else {
                            problem
                        });
                        ListSource::Literal(Vec::new())
                    }
                }
            }
        };
        (ForEach { name: raw.name.value.as_str().into(), list }, uses)
    }

    /// Checks a regular expression.
    pub(super) fn pattern(&mut self, text: &Text) -> Option<String> {
        let problem = match self.patterns.take(&text.value) {
            Ok(()) => return Some(text.value.clone()),
            Err(NotTaken::TooMany) => Problem::error(
                "too-many",
                self.first_line(&text.span),
                "the patterns of this file are too many or too large",
            )
            .label("one too many")
            .hint("say the same with fewer, or with smaller ones: `[0-9]` is far smaller than `\\d`"),
            Err(NotTaken::Wrong(error)) => {
                let why = match error {
                    regex::Error::Syntax(text) => {
                        text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
                    }
                    other => other.to_string(),
                };
                Problem::error("pattern", self.first_line(&text.span), "this is not a regular expression")
                    .label(why)
            }
        };
        self.problem(problem);
        None
    }
}

fn variables(env: &Named<Text>) -> impl Iterator<Item = (String, Template)> {
    env.0.iter().map(|(name, text)| (name.value.clone(), Template(text.value.clone())))
}

fn shell_words(shell: Option<&RawShell>) -> Arc<[String]> {
    let known = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match shell {
        Some(RawShell::Words(words)) => words.value.iter().map(|word| word.value.clone()).collect(),
        Some(RawShell::Name(name)) if name.value == "sh" => known(&["sh", "-eu", "-c"]),
        _ => known(&["bash", "-euo", "pipefail", "-c"]),
    }
}
