//! What a step's last command wrote, from its first line on: paged, searched and saved without holding it all. SHELL.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::process::output::{self, Stream};
use crate::session::Session;
use crate::text::{clean, clean_bytes};

/// The longest part of a line that is shown, bytes.
const LONGEST: usize = 8 << 10;

/// A numbered line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Its number in the file, from 1.
    pub n: u64,
    /// What it says, cleaned.
    pub text: String,
}

/// Where a step's last output lies: its streams, in the order in which they are told. Of a step with `for_each`, the item
/// that was started last.
#[must_use]
pub fn files(dir: &Path, session: &Session, place: usize) -> Vec<PathBuf> {
    let step = &session.steps[place];
    if step.last_attempt == 0 {
        return Vec::new();
    }
    let of_last = step.items.iter().filter_map(|item| item.place);
    let item = of_last.filter(|(attempt, _)| *attempt == step.last_attempt).map(|(_, index)| index).max();
    let dir = output::attempt_dir(dir, step.last_attempt, item);
    let streams = [Stream::Output, Stream::Errors].into_iter();
    streams
        .filter(|stream| output::size(&dir, *stream).is_ok_and(|size| size > 0))
        .map(|stream| dir.join(stream.file_name()))
        .collect()
}

/// Lines from number `from` on, at most `most`; and whether there are more.
pub fn page(file: &Path, from: u64, most: usize) -> io::Result<(Vec<Numbered>, bool)> {
    let mut lines = Vec::new();
    let more = each(file, from, |line| {
        if lines.len() == most {
            return false;
        }
        lines.push(line);
        true
    })?;
    Ok((lines, more))
}

/// The newest lines that hold `text`, at most `most`; and how many hold it in all.
pub fn find(file: &Path, text: &str, most: usize) -> io::Result<(Vec<Numbered>, u64)> {
    let mut found = std::collections::VecDeque::new();
    let mut all = 0;
    each(file, 1, |line| {
        if line.text.contains(text) {
            all += 1;
            if found.len() == most {
                found.pop_front();
            }
            found.push_back(line);
        }
        true
    })?;
    Ok((found.into(), all))
}

/// Copies an output into a new file of the reader's own; how many bytes. A file that is there already is left alone.
pub fn save(file: &Path, to: &Path) -> Result<u64, String> {
    let cannot = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => format!("{} is there already; name another file", shown(to)),
        _ => format!("cannot save into {}: {error}", shown(to)),
    };
    let mut from = output_file(file).map_err(cannot)?;
    let mut new = File::options().write(true).create_new(true).mode(0o600).open(to).map_err(cannot)?;
    let count = io::copy(&mut from, &mut new).map_err(cannot)?;
    new.flush().and_then(|()| new.sync_all()).map_err(cannot)?;
    Ok(count)
}

fn shown(path: &Path) -> String {
    clean(&path.to_string_lossy()).into_owned()
}

/// Not through a link that somebody put there, and without waiting at a FIFO.
fn output_file(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    File::options().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// Every line from number `from` on, while `go_on` says so. `true`: it was stopped.
fn each(file: &Path, from: u64, mut go_on: impl FnMut(Numbered) -> bool) -> io::Result<bool> {
    let mut reader = BufReader::with_capacity(1 << 20, output_file(file)?);
    let mut n = 0;
    loop {
        n += 1;
        let mut line = Vec::new();
        if n < from {
            if reader.skip_until(b'\n')? == 0 {
                return Ok(false);
            }
            continue;
        }
        if (&mut reader).take(LONGEST as u64).read_until(b'\n', &mut line)? == 0 {
            return Ok(false);
        }
        if line.pop_if(|last| *last == b'\n').is_none() && line.len() == LONGEST {
            reader.skip_until(b'\n')?;
            line.extend_from_slice("…".as_bytes());
        }
        let text = match std::str::from_utf8(&line) {
            Ok(text) => clean(text).into_owned(),
            Err(_) => clean_bytes(&line),
        };
        if !go_on(Numbered { n, text }) {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn it_is_paged_by_line_and_a_long_line_is_cut_with_a_mark() {
        let long = format!("one\n{}\nthree\nlast", "x".repeat(3 * LONGEST));
        let file = file(long.as_bytes());
        let (lines, more) = page(file.path(), 1, 2).unwrap();
        assert_eq!((lines[0].n, lines[0].text.as_str()), (1, "one"));
        assert!(lines[1].text.ends_with('…') && lines[1].text.len() < LONGEST + 8);
        assert!(more);
        let (lines, more) = page(file.path(), 3, 9).unwrap();
        assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["three", "last"]);
        assert!(!more);
        assert_eq!(page(file.path(), 9, 9).unwrap(), (Vec::new(), false));
    }

    #[test]
    fn the_newest_places_are_found_and_all_are_counted() {
        let text = (1..=100).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
        let file = file(text.as_bytes());
        let (found, all) = find(file.path(), "line 9", 2).unwrap();
        assert_eq!((found.iter().map(|line| line.n).collect::<Vec<_>>(), all), (vec![98, 99], 11));
    }

    #[test]
    fn what_is_saved_overwrites_nothing() {
        let from = file(b"all of it\n");
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("saved");
        assert_eq!(save(from.path(), &to), Ok(10));
        assert!(save(from.path(), &to).unwrap_err().contains("is there already"));
        assert_eq!(std::fs::read(&to).unwrap(), b"all of it\n");
    }
}
