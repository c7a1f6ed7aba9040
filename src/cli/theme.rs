//! How things look at this terminal: which theme counts, and `onbelay theme`, which prints one to begin with. SHELL.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::runbook::MAX_BYTES;
use crate::runbook::suggest::nearest;
use crate::tui;
use crate::tui::theme::{BUNDLED, Ground, Palette, Read, Theme, Tone, painted, read};

use super::args::ThemeArgs;
use super::exit::{Exit, Failure, Outcome};
use super::file::shown;
use super::out::{Out, say};

/// The theme of this terminal, and what people are to know of it.
#[derive(Clone, Debug)]
pub struct Look {
    /// The theme.
    pub theme: Theme,
    /// A sentence: it could not be had, or is hard to read here.
    pub said: Option<String>,
}

impl Look {
    /// A screen that looks so.
    #[must_use]
    pub fn on(self, options: tui::Options) -> tui::Options {
        tui::Options { theme: self.theme, said: self.said, ..options }
    }
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// `--theme`, else `ONBELAY_THEME`, else `theme.yaml` among this account's settings, else the default. What is named on the
/// command line must be right; nobody is kept from a session by the others.
pub fn pick(flag: Option<&str>) -> Result<Look, Failure> {
    let mut look = Look { theme: Theme::from_env(var), said: None };
    let found = match (flag, var("ONBELAY_THEME"), settings().filter(|path| path.exists())) {
        (Some(named), _, _) => Some((named.to_owned(), find(named)?)),
        (None, Some(named), _) => forgiving(&mut look, &named, find(&named)),
        (None, None, Some(path)) => forgiving(&mut look, &shown(&path), of_file(&path)),
        (None, None, None) => None,
    };
    if let Some((named, found)) = found {
        look.theme.palette = found.palette;
        let ground = Ground::from_env(var);
        if found.ground.clashes(ground) {
            let words = format!(
                "the theme {} is made for a {} ground, and this terminal says that its own is {} (COLORFGBG)",
                crate::text::clean(&named),
                found.ground.word(),
                ground.word()
            );
            say(&words);
            look.said = Some(words);
        }
    }
    Ok(look)
}

fn forgiving(look: &mut Look, named: &str, found: Result<Read, Failure>) -> Option<(String, Read)> {
    match found {
        Ok(found) => Some((named.to_owned(), found)),
        Err(failure) => {
            say(format!("{}\nwarning: the default theme is used", marked(failure.said.trim_end())));
            let first = failure.said.lines().next().unwrap_or_default();
            let place = failure.said.lines().find_map(|line| line.trim().strip_prefix("--> "));
            let at = place.map(|place| format!(" ({place})")).unwrap_or_default();
            look.said = Some(format!("the default theme is used: {first}{at}"));
            None
        }
    }
}

/// An error that is drawn says itself that it is one.
fn marked(said: &str) -> String {
    if said.contains("-->") { said.to_owned() } else { format!("error: {said}") }
}

/// Where this account's own theme lies.
fn settings() -> Option<PathBuf> {
    let home = || var("HOME").map(|home| PathBuf::from(home).join(".config"));
    // As the specification says: a relative path counts as none.
    let dir = var("XDG_CONFIG_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute()).or_else(home)?;
    Some(dir.join("onbelay").join("theme.yaml"))
}

fn find(named: &str) -> Result<Read, Failure> {
    if let Some(read) = Palette::bundled(named) {
        return Ok(read);
    }
    let path = Path::new(named);
    if !path.exists() && !named.contains(['/', '.']) {
        let known: Vec<&str> = BUNDLED.iter().map(|(name, _)| *name).collect();
        let nearest = nearest(named, known.iter().copied());
        let meant = nearest.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
        return Err(Failure::wrong(format!(
            "there is no theme {}{meant}. There are {}, and files",
            shown(path),
            known.join(", ")
        )));
    }
    of_file(path)
}

fn of_file(path: &Path) -> Result<Read, Failure> {
    let name = shown(path);
    let cannot = |error: std::io::Error| Failure::wrong(format!("cannot read the theme {name}: {error}"));
    if !path.metadata().map_err(cannot)?.is_file() {
        return Err(Failure::wrong(format!("{name} is no regular file; name a theme or its file")));
    }
    let mut source = Vec::new();
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut source)).map_err(cannot)?;
    read(&source, &name, Palette::default())
        .map_err(|problems| Failure::wrong(problems.render(false).trim_end().to_owned()))
}

/// Prints a theme: a bundled one as the file that it is, any other as it was written. On a terminal, with a sample.
pub fn run(args: &ThemeArgs) -> Outcome {
    let named = args.name.as_deref().unwrap_or("default");
    let found = find(named)?;
    let mut out = Out::stdout();
    let source = match BUNDLED.iter().find(|(name, _)| *name == named) {
        Some((_, source)) => (*source).to_owned(),
        None => std::fs::read_to_string(named)
            .map_err(|error| Failure::wrong(format!("cannot read the theme {named}: {error}")))?,
    };
    for line in source.lines() {
        out.line(line);
    }
    if out.colour() {
        let theme = Theme { palette: found.palette, ..Theme::from_env(var) };
        out.line("\n# What it looks like here:");
        for (tone, name) in Tone::ALL {
            let words = format!("{name:<10} {}", sample(tone));
            out.line(format!("#   {}", painted(theme.look(tone), &words)));
        }
    }
    out.finish()?;
    Ok(Exit::Yes)
}

/// A few words as they stand on the screen in this tone.
fn sample(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "312 of 4,120 files are missing",
        Tone::Quiet => "2 s ago",
        Tone::Strong => "Move the shop to a new server",
        Tone::Good => "✓ done, holds",
        Tone::Bad => "✗ failed, does not hold",
        Tone::Warn => "Deletes everything in it. There is no undo.",
        Tone::Late => "running 7:12 of about 5:00",
        Tone::Live => "▶ running",
        Tone::Ready => "○ ready",
        Tone::Key => "Enter",
        Tone::Code => "rm -r --",
        Tone::Keyword => "if then fi",
        Tone::Text => "\"in quotes\"",
        Tone::Comment => "# what it says to people only",
        Tone::Variable => "$vm ${site}",
        Tone::Heading => "Before you begin",
        Tone::Link => "https://example.org",
        Tone::Selected => "the row that keys speak of",
        Tone::Alarm => "⏸ sam holds: west still serves",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_that_it_is_one_and_only_once() {
        let missing = of_file(Path::new("/no/such/theme.yaml")).unwrap_err();
        assert!(marked(&missing.said).starts_with("error: cannot read the theme"), "{}", missing.said);
        assert_eq!(marked("error: wrong key\n --> t.yaml:1:1"), "error: wrong key\n --> t.yaml:1:1");
    }
}
