//! Looking for a text in an output, for one client, on a thread of its own: ten gigabytes are read in parts, told of as
//! they go by, and nobody waits for it. SHELL.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::process::output;
use crate::text::find::{FARTHEST, LONGEST_SGR, Needle, outside, without_begun};
use crate::wire::{FromHost, ToHost};

use super::clients::stream_of;
use super::line::{Line, encode};

/// How much is read at once, bytes.
const PART: usize = 1 << 20;

/// How often a client is told how far it is.
const TELL: Duration = Duration::from_millis(200);

/// What one client looks for; nothing, at first. When it is dropped, the looking ends.
#[derive(Debug, Default)]
pub(super) struct Finder {
    under_way: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Finder {
    /// Begins what a client asks for, or ends it; in any case what was asked before is over.
    pub(super) fn hear(&mut self, message: &ToHost, dir: &Path, line: &Arc<Line>) {
        self.stop();
        let ToHost::FindOutput { id, of, from, until, backwards, text, fold_case } = message else { return };
        let stop = Arc::new(AtomicBool::new(false));
        let nothing = |looked| FromHost::Found { id: *id, at: None, looked, done: true };
        let Some(needle) = Needle::new(text, *fold_case) else {
            say(line, &nothing(0), &stop);
            return;
        };
        let search = Search {
            needle,
            dir: output::attempt_dir(dir, of.attempt, of.item),
            stream: stream_of(of),
            from: *from,
            until: *until,
            backwards: *backwards,
        };
        let (id, of_thread, to_client) = (*id, Arc::clone(&stop), Arc::clone(line));
        let started = std::thread::Builder::new().name("find".to_owned()).spawn(move || {
            let mut told = Instant::now();
            let mut looked = 0;
            let at = search.run(|far| {
                looked = far;
                if told.elapsed() >= TELL {
                    told = Instant::now();
                    let far = FromHost::Found { id, at: None, looked, done: false };
                    return say(&to_client, &far, &of_thread);
                }
                !of_thread.load(Ordering::Relaxed)
            });
            // What cannot be read has nothing in it; what it was is in the attempt's record.
            let end = FromHost::Found { id, at: at.unwrap_or(None), looked, done: true };
            say(&to_client, &end, &of_thread);
        });
        match started {
            Ok(thread) => self.under_way = Some((stop, thread)),
            Err(_) => {
                say(line, &nothing(0), &AtomicBool::new(false));
            }
        }
    }

    /// Ends what is looked for, and waits until it has: no longer than the reading of one part, for it waits for room in
    /// the client's line only while it is to go on.
    fn stop(&mut self) {
        if let Some((stop, thread)) = self.under_way.take() {
            stop.store(true, Ordering::Relaxed);
            let _ = thread.join();
        }
    }
}

impl Drop for Finder {
    fn drop(&mut self) {
        self.stop();
    }
}

fn say(line: &Line, message: &FromHost, stop: &AtomicBool) -> bool {
    encode(message).is_some_and(|frame| line.put_when_there_is_room_unless(frame, stop))
}

/// What is looked for, and where.
struct Search {
    needle: Needle,
    dir: PathBuf,
    stream: output::Stream,
    from: u64,
    until: Option<u64>,
    backwards: bool,
}

impl Search {
    /// Where it stands. `go_on` hears how many bytes were looked through, and says whether to.
    fn run(&self, go_on: impl FnMut(u64) -> bool) -> io::Result<Option<u64>> {
        let Some(file) = output::open_file(&self.dir, self.stream)? else { return Ok(None) };
        if self.backwards { self.back(&file, go_on) } else { self.forth(&file, go_on) }
    }

    fn forth(&self, file: &File, mut go_on: impl FnMut(u64) -> bool) -> io::Result<Option<u64>> {
        let mut buffer = vec![0; PART];
        let until = self.until.unwrap_or(u64::MAX);
        let mut at = Self::clear_of_colours(file, self.from)?;
        while at < until {
            let read = output::fill(file, &mut buffer, at)?;
            let goes_on = read == buffer.len();
            let part = if goes_on { without_begun(&buffer) } else { &buffer[..read] };
            if let Some(found) = self.needle.first(part) {
                let place = at + found.start as u64;
                return Ok((place < until).then_some(place));
            }
            // Past the end of a file that grows there is more the next time it is asked.
            if !goes_on {
                go_on((at + read as u64).saturating_sub(self.from));
                return Ok(None);
            }
            at += self.needle.back(part) as u64;
            if !go_on(at.saturating_sub(self.from)) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// The first place from `at` on that is not inside of a sequence that sets colours.
    fn clear_of_colours(file: &File, at: u64) -> io::Result<u64> {
        let near = at.saturating_sub(LONGEST_SGR as u64);
        let mut around = [0; 2 * LONGEST_SGR];
        let read = output::fill(file, &mut around, near)?;
        let within = usize::try_from(at - near).unwrap_or(LONGEST_SGR);
        Ok(if within < read { near + outside(&around[..read], within) as u64 } else { at })
    }

    fn back(&self, file: &File, mut go_on: impl FnMut(u64) -> bool) -> io::Result<Option<u64>> {
        let begun = self.from.min(file.metadata()?.len());
        let mut end = begun;
        let mut buffer = vec![0; PART + FARTHEST];
        let until = self.until.unwrap_or(0);
        while end > until {
            let start = Self::clear_of_colours(file, end.saturating_sub(PART as u64))?.min(end - 1);
            let read = output::fill(file, &mut buffer, start)?;
            let before = usize::try_from(end - start).unwrap_or(usize::MAX).min(read);
            let beyond = before + self.needle.ahead(&buffer[before..read]);
            // A match may reach beyond where the last part began, yet not past where the looking began.
            if let Some(found) = self.needle.last_before(&buffer[..beyond], before) {
                let place = start + found.start as u64;
                return Ok((place >= until).then_some(place));
            }
            end = start;
            if !go_on(begun - end) {
                return Ok(None);
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Every place of `text` in a file of `bytes`, found one after the other.
    fn places(dir: &Path, text: &str, backwards: bool) -> Vec<u64> {
        let search = |from| Search {
            needle: Needle::new(text, true).unwrap(),
            dir: dir.to_owned(),
            stream: output::Stream::Output,
            from,
            until: None,
            backwards,
        };
        let mut from = if backwards { u64::MAX } else { 0 };
        let mut found = Vec::new();
        while let Some(at) = search(from).run(|_| true).unwrap() {
            found.push(at);
            from = if backwards { at } else { at + 1 };
        }
        found
    }

    #[test]
    fn what_lies_over_the_edges_of_parts_is_found_in_both_directions() {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = vec![b'.'; 3 * PART + 100];
        let wanted: Vec<usize> = vec![0, PART - 3, PART + 500, 2 * PART - 1, 3 * PART + 94];
        for at in &wanted {
            bytes[*at..at + 6].copy_from_slice(b"Needle");
        }
        std::fs::write(dir.path().join("output"), &bytes).unwrap();
        let wanted: Vec<u64> = wanted.into_iter().map(|at| at as u64).collect();
        assert_eq!(places(dir.path(), "needle", false), wanted);
        let mut backwards = places(dir.path(), "needle", true);
        backwards.reverse();
        assert_eq!(backwards, wanted);
        assert!(places(dir.path(), "nowhere", false).is_empty());
    }

    #[test]
    fn a_text_that_is_coloured_letter_by_letter_is_found_over_the_edges_of_parts() {
        let dir = tempfile::tempdir().unwrap();
        let text = "the quick brown fox jumps over the lazy dog and runs away";
        let coloured: String =
            text.chars().map(|c| format!("\x1b[38;2;255;100;100m{c}\x1b[39m")).collect::<Vec<_>>().concat();
        // The edge is in the first letters, in the middle, in a sequence, and near the end.
        for before in [50, 60, 700, 705, coloured.len() - 20, coloured.len() - 3] {
            let mut bytes = vec![b'.'; PART - before];
            let at = bytes.len() as u64;
            bytes.extend_from_slice(coloured.as_bytes());
            bytes.resize(2 * PART + 300, b'.');
            std::fs::write(dir.path().join("output"), &bytes).unwrap();
            let at = at + "\x1b[38;2;255;100;100m".len() as u64;
            assert_eq!(places(dir.path(), text, false), [at], "{before}");
            assert_eq!(places(dir.path(), text, true), [at], "{before} backwards");
            // Backwards the edges are counted from the end.
            bytes.truncate(usize::try_from(at).unwrap() + PART + before);
            std::fs::write(dir.path().join("output"), &bytes).unwrap();
            assert_eq!(places(dir.path(), text, true), [at], "{before} backwards from there");
        }
    }

    #[test]
    fn the_rest_of_a_sequence_is_no_text() {
        let dir = tempfile::tempdir().unwrap();
        for before in 0..8 {
            let mut bytes = vec![b'.'; PART - before];
            bytes.extend_from_slice(b"\x1b[31mfoo");
            std::fs::write(dir.path().join("output"), &bytes).unwrap();
            for text in ["1mfoo", "[3", "\x1b"] {
                assert!(places(dir.path(), text, false).is_empty(), "{text} {before}");
                assert!(places(dir.path(), text, true).is_empty(), "{text} {before} backwards");
            }
            let inside = Search {
                needle: Needle::new("1mfoo", true).unwrap(),
                dir: dir.path().to_owned(),
                stream: output::Stream::Output,
                from: (PART - before + 3) as u64,
                until: None,
                backwards: false,
            };
            assert_eq!(inside.run(|_| true).unwrap(), None);
        }
    }

    #[test]
    fn ending_it_does_not_wait_for_a_client_that_does_not_read() {
        let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let line = Arc::new(Line::new(ours));
        // Nobody writes from this queue: it is full, and stays so.
        let full = encode(&FromHost::Found { id: 0, at: None, looked: 0, done: false }).unwrap();
        while line.has_room_for(&full) {
            line.put(Arc::clone(&full));
        }
        let dir = tempfile::tempdir().unwrap();
        let mut finder = Finder::default();
        let find = ToHost::FindOutput {
            id: 1,
            of: crate::wire::messages::OutputFile {
                attempt: 1,
                item: None,
                stream: crate::wire::messages::Stream::Output,
            },
            from: 0,
            until: None,
            backwards: false,
            text: "x".to_owned(),
            fold_case: false,
        };
        finder.hear(&find, dir.path(), &line);
        let (done, heard) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            drop(finder);
            done.send(()).unwrap();
        });
        heard.recv_timeout(Duration::from_secs(20)).expect("it ends at once");
    }

    #[test]
    fn it_is_told_how_far_it_is_and_ends_when_it_is_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = File::create(dir.path().join("output")).unwrap();
        file.write_all(b"here").unwrap();
        file.set_len(64 << 20).unwrap();
        let search = Search {
            needle: Needle::new("here", false).unwrap(),
            dir: dir.path().to_owned(),
            stream: output::Stream::Output,
            from: 1,
            until: None,
            backwards: false,
        };
        let mut parts = Vec::new();
        assert_eq!(
            search
                .run(|far| {
                    parts.push(far);
                    parts.len() < 3
                })
                .unwrap(),
            None
        );
        let far = |n: u64| (n << 20) - 8 * LONGEST_SGR as u64..=n << 20;
        assert!((1..4).zip(&parts).all(|(n, part)| far(n).contains(part)), "{parts:?}");
        let until = Search { from: 0, until: Some(0), ..search };
        assert_eq!(until.run(|_| true).unwrap(), None, "it was to begin before that");
    }
}
