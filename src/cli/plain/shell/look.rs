//! Looking, in lines: an output from any line on, what is in it, a copy of it. It is done on a thread of its own, for it
//! may take minutes: what the session says is heard meanwhile, and it can be stopped. SHELL.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::cli::exit::Exit;
use crate::cli::plain::line::commands_running;
use crate::cli::written::{self, GoOn, Numbered};
use crate::draft;
use crate::process::output::Stream;
use crate::text::clean;
use crate::text::find::{LONGEST, Needle, folds_case};
use crate::time::{grouped, size_in_words};

use super::Shell;

/// Lines of a page.
const PAGE: usize = 40;

/// Places that are shown of those where a text is.
const PLACES: usize = 20;

/// How often it is told how far it is.
const OFTEN: Duration = Duration::from_secs(10);

/// Most of it is over by then, and needs no prompt of its own.
const AT_ONCE: Duration = Duration::from_millis(200);

/// What is asked while it goes on.
pub(super) const PROMPT: &str =
    "[an output is read] stop looking, or Ctrl-C, ends that; Enter does nothing > ";

/// An output that is looked through. What is not finished when this is dropped is stopped first.
pub(super) struct Looking {
    words: Receiver<Word>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

enum Word {
    /// So many bytes of the file were read.
    Far(u64),
    /// It is over, and this came of it.
    Ended(Vec<String>),
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // A part that was saved is removed before anybody leaves.
            let _ = thread.join();
        }
    }
}

impl Shell {
    /// An output from line `from` on.
    pub(super) fn output_from(&mut self, place: usize, from: u64) {
        self.with_output(place, move |file, go_on| {
            let (lines, more) = written::page(file, from, PAGE, go_on)?;
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
        let Some(needle) = Needle::new(text, folds_case(text)) else {
            self.line(&format!("what is looked for has at most {LONGEST} bytes; nothing was done"));
            return;
        };
        self.with_output(place, move |file, go_on| {
            let (lines, all) = written::find(file, &needle, PLACES, go_on)?;
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

    /// A copy of an output in a file; `errors`: of what went to stderr, where that is apart.
    pub(super) fn save(&mut self, place: usize, errors: bool, typed: &str) {
        let files = self.files(place);
        let wanted = if errors { Stream::Errors } else { Stream::Output };
        let found = files.iter().find(|file| file.ends_with(wanted.file_name())).cloned();
        let Some(file) = found else {
            self.last = Exit::No;
            let other = if !errors && !files.is_empty() {
                format!(" on stdout; save {} errors FILE saves what it wrote to stderr", place + 1)
            } else {
                String::new()
            };
            self.line(&format!("there is no such output of that step{other}; nothing was saved"));
            return;
        };
        let to = match draft::place(typed) {
            Ok(to) => to,
            Err(why) => {
                self.last = Exit::No;
                self.line(&format!("{why}; nothing was saved"));
                return;
            }
        };
        let step = &self.session().steps[place];
        let mut others = Vec::new();
        if !errors && files.iter().any(|file| file.ends_with(Stream::Errors.file_name())) {
            others.push(format!(
                "that is stdout; what it wrote to stderr is apart: save {} errors FILE",
                place + 1
            ));
        }
        if step.attempts > 1 || !step.items.is_empty() {
            others.push(
                "that is what was started last; screen, then o and { or }, goes to other attempts and items, and S \
                 saves them"
                    .to_owned(),
            );
        }
        let attempt = step.last_attempt;
        self.look(move |go_on| match written::save(&file, &to, go_on) {
            Ok(count) => {
                let mut said = vec![format!(
                    "saved {} of attempt {attempt} into {}",
                    size_in_words(count),
                    clean(&to.to_string_lossy())
                )];
                said.append(&mut others);
                said
            }
            Err(why) => vec![format!("{why}; nothing was saved")],
        });
    }

    fn files(&self, place: usize) -> Vec<PathBuf> {
        written::files(&self.walk.dir, self.session(), place)
    }

    fn with_output(
        &mut self,
        place: usize,
        read: impl Fn(&Path, GoOn<'_>) -> std::io::Result<Vec<String>> + Send + 'static,
    ) {
        let files = self.files(place);
        if files.is_empty() {
            self.line("there is no output of that step");
            return;
        }
        self.look(move |go_on| {
            let mut said = Vec::new();
            for file in &files {
                if files.len() > 1 {
                    let name = file.file_name().unwrap_or_default().to_string_lossy();
                    said.push(format!("{name}:"));
                }
                match read(file, &mut *go_on) {
                    Ok(mut lines) => said.append(&mut lines),
                    Err(error) if written::was_stopped(&error) => {
                        return vec!["stopped looking; whether it is there is not known".to_owned()];
                    }
                    Err(error) => said.push(format!("cannot read {}: {error}", file.display())),
                }
            }
            said
        });
    }

    fn look(&mut self, work: impl FnOnce(GoOn<'_>) -> Vec<String> + Send + 'static) {
        if self.looking.is_some() {
            self.last = Exit::No;
            self.line("an output is being read; wait for its end, or type: stop looking; nothing was done");
            return;
        }
        let (sender, words) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, bell) = (Arc::clone(&stop), self.bell.clone());
        let thread = std::thread::Builder::new().name("look".to_owned()).spawn(move || {
            let mut told = Instant::now();
            let lines = work(&mut |read| {
                if told.elapsed() >= OFTEN {
                    told = Instant::now();
                    let _ = sender.send(Word::Far(read));
                    bell.ring();
                }
                !stopped.load(Ordering::SeqCst)
            });
            let _ = sender.send(Word::Ended(lines));
            bell.ring();
        });
        match thread {
            Ok(thread) => {
                self.looking = Some(Looking { words, stop, thread: Some(thread) });
                self.hear_looking(AT_ONCE);
            }
            Err(error) => self.line(&format!("cannot begin to look: {error}; nothing was done")),
        }
    }

    /// Tells what came of looking, and how far it is.
    pub(super) fn hear_looking(&mut self, at_most: Duration) {
        while let Some(looking) = &self.looking {
            match looking.words.recv_timeout(at_most) {
                Ok(Word::Far(read)) => self.line(&format!("({} read so far)", size_in_words(read))),
                Ok(Word::Ended(lines)) => {
                    self.looking = None;
                    for line in &lines {
                        self.line(line);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => {
                    self.looking = None;
                    self.line("the reading broke off; nothing is known of it");
                }
            }
        }
    }

    /// Stops what is looked through, if this line asks for that.
    pub(super) fn stops_looking(&mut self, line: &str) -> bool {
        let words: Vec<&str> = line.split_whitespace().collect();
        let meant = match words.as_slice() {
            ["stop", "looking" | "saving"] => true,
            ["stop"] => commands_running(self.session()).is_empty(),
            _ => false,
        };
        meant && self.stop_looking()
    }

    /// Was anything looked through? It ends soon, and says so itself.
    fn stop_looking(&mut self) -> bool {
        let Some(looking) = &self.looking else { return false };
        looking.stop.store(true, Ordering::SeqCst);
        self.hear_looking(AT_ONCE);
        true
    }

    /// Was Ctrl-C pressed, to leave? While an output is looked through it ends that first.
    pub(super) fn is_to_leave(&mut self) -> bool {
        self.walk.was_interrupted() && !self.stop_looking()
    }
}

fn numbered(lines: &[Numbered]) -> Vec<String> {
    lines.iter().map(|line| format!("{} | {}", line.n, line.text)).collect()
}
