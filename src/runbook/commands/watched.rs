//! The files that a script starts, and whether a check that is required names them. PURE.
//!
//! It is asked at every drawing of a question, so no more than [`LOOKED_AT`] of a script is looked at.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value as Json;

use crate::runbook::look::Look;
use crate::runbook::{Check, Probe, Runbook, Script, Step, Template, UndoWork};

use super::{SHELLS, is_read_whole, words};

/// As much of a script is looked at, and of all checks together, bytes.
pub const LOOKED_AT: usize = 64 << 10;

/// As many files are named.
const NAMED: usize = 8;

/// What runs the file that it is given, besides shells.
const INTERPRETERS: &[&str] = &["source", ".", "python", "python3", "perl", "ruby", "node", "php"];

/// Where programs are that only root may change.
const SYSTEM: &[&str] = &["/bin/", "/sbin/", "/usr/", "/dev/", "/proc/", "/etc/init.d/"];

/// What the name of a file's checksum or signature adds to the file's own.
const BESIDE: &[&str] = &[
    ".sum",
    ".sums",
    ".md5",
    ".sha1",
    ".sha256",
    ".sha256sum",
    ".sha512",
    ".sha512sum",
    ".b2",
    ".sig",
    ".asc",
    ".minisig",
];

/// No path is longer.
const LONGEST_PATH: usize = 4096;

/// A script's own directory that is longer is not looked at, bytes.
const LONGEST_DIR: usize = 512;

/// A directory that `cd` after `cd` leads to is followed no farther, bytes: each file from there on would cost as much.
const FARTHEST: usize = 128;

/// The files that a script starts and that no check it requires names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unwatched<'a> {
    /// As the script has them, each once; no more than can be read.
    pub files: Vec<&'a str>,
    /// There are more than these.
    pub more: bool,
    /// Only a part was looked at: the first [`LOOKED_AT`] bytes of the script or of its checks, or what comes before a quote or a
    /// here-document that does not end.
    pub in_part: bool,
}

/// A name that is not as long as the script may be.
#[must_use]
pub fn brief(name: &str) -> Cow<'_, str> {
    const LONGEST: usize = 80;
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
        None => Cow::Borrowed(name),
    }
}

/// Of the files that a step's script (or that of its undo) starts, those that no check it requires names, nor the
/// directory they are in: what is in them may change after somebody read or approved the script.
#[must_use]
pub fn unwatched<'a>(runbook: &Runbook, step: &'a Step, undo: bool) -> Unwatched<'a> {
    let Some((script, required)) = (match (&step.undo, undo) {
        (Some(undo), true) => match &undo.work {
            UndoWork::Script(script) => Some((script, &undo.requires)),
            UndoWork::Words(_) => None,
        },
        (None, true) => None,
        (_, false) => step.run.as_ref().map(|script| (script, &step.requires_checks)),
    }) else {
        return Unwatched::default();
    };
    let mut watched: Option<Watched> = None;
    let mut found = Unwatched::default();
    found.in_part = started(script, |file, places| {
        let watched = watched.get_or_insert_with(|| {
            let required: HashSet<&str> = required.iter().map(crate::id::CheckId::as_str).collect();
            Watched::by(runbook.checks.iter().filter(|check| required.contains(check.id.as_str())))
        });
        if places.iter().any(|place| watched.names(place)) || found.files.contains(&file) {
            return true;
        }
        found.more = found.files.len() == NAMED;
        if !found.more {
            found.files.push(file);
        }
        !found.more
    });
    found.in_part |= watched.is_some_and(|watched| watched.in_part);
    found
}

/// Tells each file that a script starts by a path or hands to an interpreter, once, with the places it may be at, as long as that
/// is asked for. Was only a part of the script looked at?
fn started<'a>(script: &'a Script, mut each: impl FnMut(&'a str, &[String]) -> bool) -> bool {
    let (text, mut in_part) = beginning(&script.text, LOOKED_AT);
    in_part |= !is_read_whole(text);
    let mut seen: HashSet<(u32, &str)> = HashSet::new();
    let mut way = Way::of(script.dir.as_ref());
    let mut interpreted = false;
    for word in words(text) {
        if word.in_text {
            continue;
        }
        interpreted &= !word.is_first;
        let path = word.raw.trim_matches(|c: char| matches!(c, '(' | ')' | ';' | '`' | '"' | '\''));
        let is_text = path.starts_with(['<', '>']) || path.contains("://") || path.contains('=');
        // What ends in a slash is a directory: nothing starts it.
        let is_path = path.contains('/') && !path.ends_with('/') && !is_text;
        let names_file = path.contains('.') && !path.starts_with(['<', '>']) && path != ".";
        let starts = (word.at_command && is_path) || (interpreted && (is_path || names_file));
        let is_option = path.starts_with('-');
        if starts
            && !is_option
            && path.len() <= LONGEST_PATH
            && !SYSTEM.iter().any(|dir| path.starts_with(dir))
            && seen.insert((way.turns, path))
            && !each(path, &way.places(path))
        {
            break;
        }
        // `-c TEXT`, `-e TEXT` and `-m MODULE` name no file; another option is passed over.
        let takes_text = matches!(path, "-c" | "-e" | "-m" | "-");
        let runs_file = SHELLS.contains(&path) || INTERPRETERS.contains(&path);
        interpreted = (word.at_command && runs_file && !word.raw.ends_with(';'))
            || (interpreted && is_option && !takes_text);
        way.go(word.raw, word.at_command);
    }
    in_part
}

/// No more of a text than `most` bytes, in whole lines where there is one. Is that a part?
fn beginning(text: &str, most: usize) -> (&str, bool) {
    let Some(start) = text.as_bytes().get(..most).filter(|_| text.len() > most) else { return (text, false) };
    let line = start.iter().rposition(|byte| *byte == b'\n');
    (&text[..line.unwrap_or_else(|| text.floor_char_boundary(most))], true)
}

/// Where a script is, as far as its `cd` tell.
struct Way {
    dir: String,
    here: String,
    turns: u32,
    turning: bool,
}

impl Way {
    fn of(dir: Option<&Template>) -> Self {
        // One that is longer than any that people have is as good as none: it would be written before every word.
        let dir = dir
            .filter(|dir| dir.raw().len() <= LONGEST_DIR)
            .map(|dir| plain("", dir.raw()))
            .unwrap_or_default();
        Self { here: dir.clone(), dir, turns: 0, turning: false }
    }

    fn go(&mut self, raw: &str, at_command: bool) {
        if self.turning && !raw.starts_with('-') {
            let to = plain(&self.here, raw.trim_matches(|c: char| matches!(c, ')' | ';')));
            self.here = if to.len() > FARTHEST { self.dir.clone() } else { to };
            self.turns += 1;
            self.turning = false;
        }
        self.turning = (self.turning && raw.starts_with('-')) || (at_command && matches!(raw, "cd" | "(cd"));
    }

    /// Where a path may be: a `cd` may have been meant for others alone.
    fn places(&self, path: &str) -> Vec<String> {
        let mut places = vec![plain(&self.here, path)];
        if self.here != self.dir {
            places.push(plain(&self.dir, path));
        }
        places
    }
}

/// A path without quotes and detours, from `dir` where it is relative; `$x` and `${x}` are the same there.
fn plain(dir: &str, path: &str) -> String {
    let path = with_braces(path);
    let is_whole = path.starts_with(['/', '$', '~']) || dir.is_empty();
    let all = if is_whole { path } else { format!("{dir}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in all.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| !last.starts_with('$') && *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let root = if all.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

fn with_braces(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 2);
    let mut rest = path;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '"' | '\'' => {}
            '$' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                if name.is_empty() {
                    out.push('$');
                } else {
                    out.extend(["${", name, "}"]);
                    rest = after;
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// What checks name.
#[derive(Default)]
struct Watched {
    /// Paths, and every other word.
    paths: HashSet<String>,
    /// All that is in these is looked at.
    trees: HashSet<String>,
    left: usize,
    in_part: bool,
}

impl Watched {
    fn by<'c>(checks: impl Iterator<Item = &'c Check>) -> Self {
        let mut watched = Self { left: LOOKED_AT, ..Self::default() };
        for check in checks {
            match &check.probe {
                Probe::Run { script, expect } => {
                    watched.script(script);
                    watched.json(&serde_json::to_value(expect).unwrap_or_default());
                }
                Probe::Look(look) => {
                    let tree = match look {
                        Look::UnchangedSince(tree) => Some(&tree.path),
                        Look::Covers(covers) => Some(&covers.source),
                        _ => None,
                    };
                    watched.trees.extend(tree.map(|tree| plain("", tree.raw())));
                    watched.json(&serde_json::to_value(look).unwrap_or_default());
                }
                other => watched.json(&serde_json::to_value(other).unwrap_or_default()),
            }
        }
        watched
    }

    fn script(&mut self, script: &Script) {
        let mut way = Way::of(script.dir.as_ref());
        for word in words(self.take(&script.text)) {
            self.word(word.raw, &way);
            way.go(word.raw, word.at_command && !word.in_text);
        }
        for text in script.env.values() {
            self.text(text.raw());
        }
    }

    /// Every text in it.
    fn json(&mut self, json: &Json) {
        match json {
            Json::String(text) => self.text(text),
            Json::Array(list) => list.iter().for_each(|one| self.json(one)),
            Json::Object(map) => map.values().for_each(|one| self.json(one)),
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        for word in self.take(text).split_whitespace() {
            self.word(word, &Way::of(None));
        }
    }

    /// As much of a text as is left to be looked at.
    fn take<'t>(&mut self, text: &'t str) -> &'t str {
        let (text, in_part) = beginning(text, self.left);
        self.left -= text.len();
        self.in_part |= in_part;
        text
    }

    fn word(&mut self, raw: &str, way: &Way) {
        let around = |c: char| {
            matches!(c, '(' | ')' | ';' | '`' | '"' | '\'' | '<' | '>' | ',' | '|' | '&' | '“' | '”')
        };
        let word = raw.trim_matches(around).trim_end_matches(['.', ':', '?', '!']).trim_matches(around);
        let after = word.split_once('=').map(|(_, after)| after);
        for word in [Some(word), after].into_iter().flatten().filter(|word| word.len() <= LONGEST_PATH) {
            for place in way.places(word) {
                if let Some((dir, last)) = place.rsplit_once('/')
                    && last.contains('*')
                {
                    self.paths.insert(dir.to_owned());
                }
                if let Some(file) = BESIDE.iter().find_map(|end| place.strip_suffix(end)) {
                    self.paths.insert(file.to_owned());
                }
                self.paths.insert(place);
            }
        }
    }

    /// Is the file at this place named, or the directory it is in, or is it in a tree that is looked at?
    fn names(&self, place: &str) -> bool {
        let dirs = || place.rmatch_indices('/').map(|(at, _)| &place[..at.max(1)]);
        let mut trees = dirs().chain((!place.starts_with('/')).then_some(""));
        self.paths.contains(place)
            || dirs().next().is_some_and(|dir| dir != "/" && self.paths.contains(dir))
            || self.trees.contains(place)
            || trees.any(|dir| self.trees.contains(dir))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn script(text: &str, dir: Option<&str>) -> Script {
        let dir = dir.map(|dir| Template(dir.to_owned()));
        Script { text: text.to_owned(), shell: ["sh".to_owned()].into(), dir, env: Arc::default() }
    }

    fn started_files(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        let script = script(text, None);
        started(&script, |file, _| {
            found.push(file.to_owned());
            true
        });
        found
    }

    #[test]
    fn a4_files_that_a_script_starts() {
        for (script, files) in [
            ("./migrate.sh --now", vec!["./migrate.sh"]),
            ("cd /srv && ../tools/move a b; /opt/x/y", vec!["../tools/move", "/opt/x/y"]),
            ("sudo bash -x copy.sh /srv/a /srv/b", vec!["copy.sh"]),
            ("LANG=C \"$dir/go.sh\"\n. ./env", vec!["$dir/go.sh", "./env"]),
            ("python3 -u move.py\npython3 move.py", vec!["move.py"]),
            ("bash \\\n  go.sh", vec!["go.sh"]),
            ("bash\ngo.sh; sh; x.sh", vec![]),
            ("# ./no.sh\nls # ./no.sh", vec![]),
            ("rsync -a /srv/old/ /srv/new/", vec![]),
            ("rsync -a --delete \\\n  /srv/old/a \\\n  /srv/new/a", vec![]),
            ("rsync \\\n  -a --delete \\\n  /srv/old/a /srv/new/a", vec![]),
            ("cat <<EOF >list\n/srv/old/a\nEOF\n./go", vec!["./go"]),
            ("sh <<EOF\n./go\nEOF", vec!["./go"]),
            ("case $1 in\n  /srv/old) echo a ;;\n  /srv/*) ./go ;;\nesac", vec!["./go"]),
            ("echo 'it\n/srv/old is gone'", vec![]),
            ("/srv/old/", vec![]),
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

    fn runbook(run: &str, checks: &str) -> Runbook {
        let yaml = format!(
            "onbelay: 1\ntitle: t\nparams: {{ dir: {{ about: d, default: x }} }}\nchecks: {{ c: {{ {checks} }} }}\nsteps:\n\
             - {{ id: a, {run}, destructive: true, requires: c, undo: {{ run: ./back.sh, requires: c }} }}\n"
        );
        crate::runbook::read(yaml.as_bytes(), "t.yaml").unwrap_or_else(|why| panic!("{yaml}: {why}"))
    }

    #[test]
    fn a4_a_file_is_watched_where_a_required_check_names_it_or_its_directory() {
        let unchanged = |path: &str| format!("unchanged_since: {{ path: '{path}', reference: /made }}");
        for (run, check, is_watched) in [
            ("run: /opt/move/go.sh", "run: sha256sum --check /opt/move/go.sh.sha256", true),
            ("run: /opt/move/go.sh", "run: 'cmp /opt/move/go.sh /root/go.sh'", true),
            ("run: /opt/move/go.sh", "run: 'find /opt/move -newer x'", true),
            ("run: /opt/move/go.sh", "run: sha256sum /opt/move/*", true),
            ("run: /opt/move/go.sh", "run: 'cd /opt/move && sha256sum -c go.sh.sum'", true),
            ("run: /opt/move/go.sh", "dir: /opt/move, run: sha256sum -c go.sh.sum", true),
            ("run: /opt/move/go.sh", "attest: 'Have you read /opt/move/go.sh?'", true),
            ("run: /opt/move/go.sh", &unchanged("/opt/move"), true),
            ("run: /opt/move/go.sh", &unchanged("/opt/"), true),
            ("run: /opt/move/go.sh", &unchanged("/"), true),
            ("run: /opt/move/go.sh", &unchanged("/opt/mov"), false),
            ("run: /opt/move/go.sh", "run: df /opt", false),
            ("run: /opt/move/go.sh", "run: 'cmp /opt/move/go.sh.old x'", false),
            ("run: ./a", "run: 'cat data'", false),
            ("run: ./a", "run: 'sha256sum -c a.sum'", true),
            ("run: ./a", "run: 'true # a'", false),
            ("run: ./a", &unchanged("."), true),
            ("run: '\"$dir/go.sh\"'", &unchanged("${dir}"), true),
            ("run: '\"${dir}\"/go.sh'", "run: 'sha256sum -c \"$dir/go.sh.sum\"'", true),
            ("run: '\"$dir/go.sh\"'", &unchanged("${dir}s"), false),
            ("dir: /opt/move, run: ./go.sh", &unchanged("/opt/move"), true),
            ("dir: '${dir}/x', run: ../go.sh", &unchanged("${dir}/go.sh"), true),
            ("dir: /opt/move, run: ./go.sh", &unchanged("/opt/other"), false),
            ("run: 'cd /opt/move && ./go.sh'", &unchanged("/opt/move"), true),
            ("run: 'cd /opt; ./go.sh'", &unchanged("/opt/move"), false),
        ] {
            let runbook = runbook(run, check);
            let found = unwatched(&runbook, &runbook.steps[0], false);
            assert_eq!(found.files.is_empty(), is_watched, "{run} · {check}: {found:?}");
            assert!(!found.more && !found.in_part, "{found:?}");
        }
        let mut not_required = runbook("run: ./a", &unchanged("."));
        not_required.steps[0].requires_checks.clear();
        assert_eq!(unwatched(&not_required, &not_required.steps[0], false).files, ["./a"]);
        let undo = |check: &str| {
            let runbook = runbook("run: ./a", check);
            let found = unwatched(&runbook, &runbook.steps[0], true);
            found.files.into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(undo("run: sha256sum -c a.sum"), ["./back.sh"]);
        assert_eq!(undo("run: sha256sum -c back.sh.sum"), Vec::<String>::new());
    }

    #[test]
    fn a4_of_a_long_script_no_more_is_looked_at_or_named_than_can_be_read() {
        let mut runbook = runbook("run: ./a", "run: 'true'");
        let mut look = |text: String| {
            runbook.steps[0].run = Some(script(&text, None));
            let found = unwatched(&runbook, &runbook.steps[0], false);
            (found.files.len(), found.more, found.in_part)
        };
        let many = |count: u32| {
            (0..count).flat_map(|n| ["./f".to_owned(), n.to_string(), "\n".to_owned()]).collect::<String>()
        };
        assert_eq!(look(many(8)), (8, false, false));
        assert_eq!(look(many(9)), (8, true, false));
        assert_eq!(look(many(40_000)), (8, true, true));
        assert_eq!(look(format!("{}\n./late", "x".repeat(LOOKED_AT))), (0, false, true));
        assert_eq!(look("ä./a ".repeat(LOOKED_AT)), (1, false, true));
        // What begins and does not end may hide what comes after it, and says so.
        for begins in [": ${x#<<n}", "echo $[1<<n]", "echo \"x"] {
            assert!(look(format!("{begins}\n./late")).2, "{begins}");
        }
        runbook.steps[0].run = Some(script("./a", Some(&format!("/{}", "d".repeat(500_000)))));
        assert_eq!(unwatched(&runbook, &runbook.steps[0], false).files, ["./a"]);
        runbook.steps[0].run = Some(script("./a", None));
        let Probe::Run { script: check, .. } = &mut runbook.checks[0].probe else { panic!("no script") };
        check.text = format!("{}\n./a", "true\n".repeat(LOOKED_AT));
        assert!(unwatched(&runbook, &runbook.steps[0], false).in_part);
        assert_eq!(brief(&"ä".repeat(81)), format!("{}…", "ä".repeat(80)));
    }
}
