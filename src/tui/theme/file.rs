//! A theme as people write it: a small file of tones and their looks. PURE.
//!
//! Its YAML is read by `runbook::read_entries`, under the same rules as a runbook's.

use ratatui::style::{Color, Modifier, Style};

use crate::runbook::suggest::nearest;
use crate::runbook::{Entry, Problem, Problems, read_entries};

use super::depth::NAMED;
use super::{Ground, Palette, Tone};

/// The sixteen as people name them, by number.
const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

const MODIFIERS: [(&str, Modifier); 6] = [
    ("normal", Modifier::empty()),
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];

const GROUNDS: [(&str, Ground); 3] = [("dark", Ground::Dark), ("light", Ground::Light), ("any", Ground::Any)];

/// What a look is made of, for a message.
const LOOK: &str = "a colour, `on` and a colour, and any of bold, dim, italic, underline, reverse";

/// What a theme file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// What each tone looks like.
    pub palette: Palette,
    /// The grounds it is made for.
    pub ground: Ground,
}

/// Reads a theme; what it does not name looks as in `base`. `path` is only for messages. Everything wrong comes at once.
pub fn read(source: &[u8], path: &str, base: Palette) -> Result<Read, Problems> {
    let mut read = Read { palette: base, ground: Ground::Any };
    let mut problems = Vec::new();
    for entry in read_entries(source, path)? {
        if let Err(problem) = take(&mut read, &entry) {
            problems.push(*problem);
        }
    }
    if problems.is_empty() {
        return Ok(read);
    }
    Err(Problems::new(path, String::from_utf8_lossy(source).trim_start_matches('\u{feff}'), problems))
}

fn take(read: &mut Read, entry: &Entry) -> Result<(), Box<Problem>> {
    if entry.key == "ground" {
        let known = GROUNDS.iter().find(|(name, _)| *name == entry.text);
        read.ground =
            known.ok_or_else(|| wrong(entry, &entry.text, "dark, light or any", names(&GROUNDS)))?.1;
        return Ok(());
    }
    let Some((tone, _)) = Tone::ALL.iter().find(|(_, name)| *name == entry.key) else {
        let all = Tone::ALL.iter().map(|(_, name)| *name).chain(["ground"]);
        let problem = Problem::error(
            "unknown-key",
            entry.key_at.clone(),
            format!("unknown key `{}`", short(&entry.key)),
        )
        .label("not a key of a theme");
        return Err(Box::new(match nearest(&entry.key, all.clone()) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint(format!("a theme has {}", all.collect::<Vec<_>>().join(", "))),
        }));
    };
    read.palette.set(*tone, look(entry)?);
    Ok(())
}

fn look(entry: &Entry) -> Result<Style, Box<Problem>> {
    if entry.text.trim().is_empty() {
        return Err(Box::new(
            Problem::error("no-value", entry.key_at.clone(), format!("`{}` has no look", entry.key))
                .label(format!("expected {LOOK}"))
                .hint("after a space, # begins a comment: a colour such as \"#87d7a0\" stands in quotes")
                .hint("`normal` is as the terminal writes"),
        ));
    }
    let mut style = Style::new();
    let mut words = entry.text.split_whitespace();
    while let Some(word) = words.next() {
        if let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| *name == word) {
            style = style.add_modifier(*modifier);
        } else if word == "on" && style.bg.is_none() {
            let behind = words.next().unwrap_or_default();
            let color = color(behind).ok_or_else(|| wrong(entry, behind, "a colour after `on`", colors()))?;
            style = style.bg(color);
        } else if let (Some(color), None) = (color(word), style.fg) {
            style = style.fg(color);
        } else {
            let known = colors().chain(names(&MODIFIERS)).chain(["on"]);
            return Err(wrong(entry, word, LOOK, known));
        }
    }
    Ok(style)
}

fn color(word: &str) -> Option<Color> {
    if let Some(n) = NAMES.iter().position(|name| *name == word) {
        return Some(NAMED[n]);
    }
    let digits = word.strip_prefix('#').unwrap_or(word);
    if digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        let n = u32::from_str_radix(digits, 16).ok()?;
        let [_, r, g, b] = n.to_be_bytes();
        return Some(Color::Rgb(r, g, b));
    }
    word.parse::<u8>().ok().filter(|_| word.bytes().all(|b| b.is_ascii_digit())).map(Color::Indexed)
}

fn colors() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter()
}

fn names<T>(of: &'static [(&'static str, T)]) -> impl Iterator<Item = &'static str> {
    of.iter().map(|(name, _)| *name)
}

fn wrong(
    entry: &Entry,
    word: &str,
    expected: &str,
    known: impl Iterator<Item = &'static str>,
) -> Box<Problem> {
    let message = if word.is_empty() {
        format!("`{}` ends too early", entry.key)
    } else {
        format!("`{}` is not what belongs to `{}`", short(word), entry.key)
    };
    let at = if entry.text.is_empty() { &entry.key_at } else { &entry.text_at };
    let problem = Problem::error("theme", at.clone(), message).label(format!("expected {expected}"));
    Box::new(match nearest(word, known) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem,
    })
}

/// No more of a word than a message has room for.
fn short(word: &str) -> String {
    word.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(source: &str) -> String {
        read(source.as_bytes(), "theme.yaml", Palette::default()).unwrap_err().render(false)
    }

    #[test]
    fn a_look_is_a_few_words() {
        let source =
            "good: green bold\nbad: '#ff0000 on 17'\nquiet: 244 italic\nplain: normal\nlive: 00ff00\n";
        let read = read(source.as_bytes(), "theme.yaml", Palette::default()).unwrap();
        let of = |tone| read.palette.of(tone);
        assert_eq!(of(Tone::Good), Style::new().fg(Color::Green).add_modifier(Modifier::BOLD));
        assert_eq!(of(Tone::Bad), Style::new().fg(Color::Rgb(255, 0, 0)).bg(Color::Indexed(17)));
        assert_eq!(of(Tone::Quiet), Style::new().fg(Color::Indexed(244)).add_modifier(Modifier::ITALIC));
        assert_eq!(of(Tone::Live), Style::new().fg(Color::Rgb(0, 255, 0)));
        assert_eq!(of(Tone::Warn), Palette::default().of(Tone::Warn), "not named: as in the default");
        assert_eq!(read.ground, Ground::Any);
    }

    #[test]
    fn what_is_wrong_names_file_line_and_key_and_what_was_meant() {
        let said = fails("ground: drak\ngod: green\nbad: grene bold\n");
        for words in ["theme.yaml:1:9", "did you mean `dark`?", "theme.yaml:2:1", "unknown key `god`"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        for words in ["did you mean `good`?", "`grene` is not what belongs to `bad`", "`green`?", "3 errors"]
        {
            assert!(said.contains(words), "{words}: {said}");
        }
        let comment = fails("good: #87d7a0\n");
        assert!(comment.contains("stands in quotes"), "{comment}");
        for bad in
            ["good: red green", "good: red on", "good: 256", "good: red on on", "good: +12", "good: '#12345'"]
        {
            assert!(fails(bad).contains("expected a colour"), "{bad}: {}", fails(bad));
        }
        assert!(fails("good: {fg: red}").contains("expected text"), "{}", fails("good: {fg: red}"));
        assert!(fails("- good").contains("expected a map"), "{}", fails("- good"));
        assert!(fails("good: \u{1b}[2J").chars().all(|c| c == '\n' || !c.is_control()));
    }

    #[test]
    fn what_is_wrong_with_any_file_is_not_said_of_a_runbook() {
        let deep = "[".repeat(200);
        for source in [" ".repeat(2 << 20), deep, "good: green\n---\nbad: red\n".to_owned()] {
            let said = read(source.as_bytes(), "t.yaml", Palette::default()).unwrap_err().render(false);
            assert!(!said.contains("runbook"), "{said}");
        }
    }

    #[test]
    fn an_empty_file_is_the_default() {
        for source in ["", "# nothing yet\n"] {
            let read = read(source.as_bytes(), "theme.yaml", Palette::default()).unwrap();
            assert_eq!(read.palette, Palette::default(), "{source:?}");
        }
    }
}
