//! Looking, in lines: an output from any line on, what is in it, a copy of it, the values. SHELL.

use std::path::{Path, PathBuf};

use crate::cli::written::{self, Numbered};
use crate::time::{grouped, size_in_words};

use super::Shell;

/// Lines of a page.
const PAGE: usize = 40;

/// Places that are shown of those where a text is.
const PLACES: usize = 20;

impl Shell {
    /// An output from line `from` on.
    pub(super) fn output_from(&mut self, place: usize, from: u64) {
        self.with_output(place, |file| {
            let (lines, more) = written::page(file, from, PAGE)?;
            let next = lines.last().map_or(from, |line| line.n + 1);
            let mut said = numbered(&lines);
            said.push(if more {
                format!("output {} from {next} goes on", place + 1)
            } else {
                "that is its end, as far as it is written".to_owned()
            });
            Ok(said)
        });
    }

    /// Where a text is in an output.
    pub(super) fn find(&mut self, place: usize, text: &str) {
        self.with_output(place, |file| {
            let (lines, all) = written::find(file, text, PLACES)?;
            let mut said = numbered(&lines);
            said.push(match lines.first() {
                None => "no line of the output says that".to_owned(),
                Some(first) => format!(
                    "{} of {} lines that say it, the newest; output {} from {} shows them among the others",
                    lines.len(),
                    grouped(all),
                    place + 1,
                    first.n
                ),
            });
            Ok(said)
        });
    }

    /// A copy of an output in a file.
    pub(super) fn save(&mut self, place: usize, to: &str) {
        let Some(file) = self.files(place).into_iter().next() else {
            self.line("there is no output of that step; nothing was saved");
            return;
        };
        let said = match written::save(&file, Path::new(to)) {
            Ok(count) => format!("saved {} into {}", size_in_words(count), crate::text::clean(to)),
            Err(why) => format!("{why}; nothing was saved"),
        };
        self.line(&said);
    }

    fn files(&self, place: usize) -> Vec<PathBuf> {
        written::files(&self.walk.dir, self.session(), place)
    }

    fn with_output(&mut self, place: usize, read: impl Fn(&Path) -> std::io::Result<Vec<String>>) {
        let files = self.files(place);
        if files.is_empty() {
            self.line("there is no output of that step");
        }
        let several = files.len() > 1;
        for file in files {
            if several {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                self.line(&format!("{name}:"));
            }
            match read(&file) {
                Ok(lines) => lines.iter().for_each(|line| self.line(line)),
                Err(error) => self.line(&format!("cannot read {}: {error}", file.display())),
            }
        }
    }
}

fn numbered(lines: &[Numbered]) -> Vec<String> {
    lines.iter().map(|line| format!("{} | {}", line.n, line.text)).collect()
}
