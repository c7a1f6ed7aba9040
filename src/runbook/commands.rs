//! A rough look at the words of a shell script, and at the files that it starts: enough for a warning, never for a decision. PURE.

use super::{Check, Runbook, Script, Step, UndoWork};

/// A word of a script, as far as blanks tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// Without quotes, brackets and the like around it.
    pub bare: &'a str,
    /// As it stands.
    pub raw: &'a str,
    /// Its line, without a comment.
    pub line: &'a str,
    /// The first of its line.
    pub is_first: bool,
    /// Does a command stand here?
    pub at_command: bool,
}

/// The words of a script, line by line, without comments.
pub fn words(script: &str) -> impl Iterator<Item = Word<'_>> {
    script.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(|line| {
        let line = line.split(" #").next().unwrap_or_default();
        let mut at_command = true;
        line.split_whitespace().enumerate().map(move |(place, raw)| {
            let bare =
                raw.trim_matches(|c: char| matches!(c, '(' | ')' | ';' | '{' | '}' | '`' | '"' | '\'' | '$'));
            let word = Word { bare, raw, line, is_first: place == 0, at_command };
            at_command = begins_a_command(raw, at_command);
            word
        })
    })
}

/// After these a command begins; a wrapper's own options are passed over.
fn begins_a_command(word: &str, at_command: bool) -> bool {
    matches!(
        word,
        "&&" | "||"
            | "|"
            | ";"
            | "then"
            | "do"
            | "else"
            | "!"
            | "sudo"
            | "xargs"
            | "exec"
            | "{"
            | "("
            | "env"
    ) || word.ends_with(';')
        || (at_command && word.starts_with('-'))
        || (at_command && word.contains('=') && !word.starts_with('='))
}

/// What runs the file that it is given.
const INTERPRETERS: &[&str] =
    &["sh", "bash", "dash", "ksh", "zsh", "source", ".", "python", "python3", "perl", "ruby", "node", "php"];

/// Where programs are that only root may change.
const SYSTEM: &[&str] = &["/bin/", "/sbin/", "/usr/", "/dev/", "/proc/", "/etc/init.d/"];

/// The files that a script starts by a path or hands to an interpreter, each once.
fn started_files(script: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut interpreted = false;
    for word in words(script) {
        let path = word.raw.trim_matches(|c: char| matches!(c, '(' | ')' | ';' | '`' | '"' | '\''));
        let is_path = path.contains('/')
            && !path.starts_with(['<', '>'])
            && !path.contains("://")
            && !path.contains('=');
        let names_file = path.contains('.') && !path.starts_with(['<', '>']) && path != ".";
        let starts = (word.at_command && is_path) || (interpreted && (is_path || names_file));
        let is_option = path.starts_with('-');
        if starts && !is_option && !SYSTEM.iter().any(|dir| path.starts_with(dir)) && !found.contains(&path) {
            found.push(path);
        }
        // `-c TEXT`, `-e TEXT` and `-m MODULE` name no file; another option is passed over.
        let takes_text = matches!(path, "-c" | "-e" | "-m" | "-");
        interpreted =
            (word.at_command && INTERPRETERS.contains(&path)) || (interpreted && is_option && !takes_text);
    }
    found
}

/// Of the files that a step's script (or that of its undo) starts, those that no check it requires names, nor the
/// directory they are in: what is in them may change after somebody read or approved the script.
#[must_use]
pub fn unwatched<'a>(runbook: &Runbook, step: &'a Step, undo: bool) -> Vec<&'a str> {
    let Some((script, required)) = (match (&step.undo, undo) {
        (Some(undo), true) => match &undo.work {
            UndoWork::Script(script) => Some((script, &undo.requires)),
            UndoWork::Words(_) => None,
        },
        (None, true) => None,
        (_, false) => step.run.as_ref().map(|script| (script, &step.requires_checks)),
    }) else {
        return Vec::new();
    };
    let Script { text, .. } = script;
    let mut found = started_files(text);
    if !found.is_empty() {
        let checks = runbook.checks.iter().filter(|check| required.contains(&check.id));
        let texts: Vec<String> = checks.map(texts).collect();
        found.retain(|file| !texts.iter().any(|text| names(text, file)));
    }
    found
}

/// All that a check's probe says.
fn texts(check: &Check) -> String {
    serde_json::to_string(&check.probe).unwrap_or_default()
}

fn names(text: &str, file: &str) -> bool {
    let file = file.trim_start_matches("./");
    let dir = file.rsplit_once('/').map_or("", |(dir, _)| dir);
    text.contains(file) || (dir.len() > 1 && text.contains(dir))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a4_files_that_a_script_starts() {
        for (script, files) in [
            ("./migrate.sh --now", vec!["./migrate.sh"]),
            ("cd /srv && ../tools/move a b; /opt/x/y", vec!["../tools/move", "/opt/x/y"]),
            ("sudo bash -x copy.sh /srv/a /srv/b", vec!["copy.sh"]),
            ("LANG=C \"$dir/go.sh\"\n. ./env", vec!["$dir/go.sh", "./env"]),
            ("python3 -u move.py\npython3 move.py", vec!["move.py"]),
            ("# ./no.sh\nls # ./no.sh", vec![]),
            ("rsync -a /srv/old/ /srv/new/", vec![]),
            ("bash -c 'echo a.b'; python3 -m http.server", vec![]),
            ("/usr/bin/rsync a b; /bin/true", vec![]),
            ("rm -rf ./old", vec![]),
            ("sh <./file.sh", vec![]),
            ("dd if=/dev/zero of=/srv/x", vec![]),
            ("curl https://x.example/a.sh", vec![]),
        ] {
            assert_eq!(started_files(script), files, "{script}");
        }
    }

    #[test]
    fn a4_a_file_is_watched_where_a_required_check_names_it_or_its_directory() {
        let left = |checks: &str, requires: &str| {
            let yaml = format!(
                "onbelay: 1\ntitle: t\nchecks: {{ c: {{ {checks} }} }}\nsteps:\n- {{ id: a, run: /opt/move/go.sh, \
                 destructive: true, requires: [{requires}], undo: {{ run: ./back.sh, requires: c }} }}\n"
            );
            let runbook = crate::runbook::read(yaml.as_bytes(), "t.yaml").unwrap();
            let step = &runbook.steps[0];
            (unwatched(&runbook, step, false).len(), unwatched(&runbook, step, true).len())
        };
        assert_eq!(left("run: sha256sum --check /opt/move/go.sh.sha256", "c"), (0, 1));
        assert_eq!(left("unchanged_since: { path: /opt/move, reference: /opt/made }", "c"), (0, 1));
        assert_eq!(left("run: sha256sum --check back.sh.sha256", "c"), (1, 0));
        assert_eq!(left("run: sha256sum --check /opt/move/go.sh.sha256", ""), (1, 1));
    }
}
