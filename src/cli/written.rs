//! What a step's last command wrote, from its first line on: paged, searched and saved without holding it all. SHELL.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek as _, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::draft::Draft;
use crate::process::output::{self, Stream};
use crate::session::Session;
use crate::text::find::Needle;
use crate::text::{clean, clean_bytes};

/// The longest part of a line that is shown, bytes.
const LONGEST: usize = 8 << 10;

/// Of a line that is longer still, what is shown begins so far before what was found, bytes.
const BEFORE: u64 = 200;

/// Read at once, bytes.
const PART: usize = 1 << 20;

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

/// Hears how many bytes were looked through so far; `false`: it is to stop.
pub type GoOn<'a> = &'a mut dyn FnMut(u64) -> bool;

/// Lines from number `from` on, at most `most`; and whether there are more.
pub fn page(file: &Path, from: u64, most: usize, go_on: GoOn<'_>) -> io::Result<(Vec<Numbered>, bool)> {
    let mut reader = BufReader::with_capacity(PART, Watched { file: output_file(file)?, read: 0, go_on });
    let mut lines = Vec::new();
    for n in 1.. {
        if n < from {
            if reader.skip_until(b'\n')? == 0 {
                break;
            }
            continue;
        }
        let Some(text) = line(&mut reader)? else { break };
        if lines.len() == most {
            return Ok((lines, true));
        }
        lines.push(Numbered { n, text });
    }
    Ok((lines, false))
}

/// The newest lines where `needle` is, at most `most`; and in how many it is. The file is taken as long as it is now.
pub fn find(file: &Path, needle: &Needle, most: usize, go_on: GoOn<'_>) -> io::Result<(Vec<Numbered>, u64)> {
    let mut file = output_file(file)?;
    let long = file.metadata()?.len();
    let mut watched = Watched { file: file.try_clone()?, read: 0, go_on }.take(long);
    let mut places: VecDeque<Place> = VecDeque::new();
    let (mut all, mut last) = (0, 0);
    let mut part = Vec::new();
    // Of the part: where in the file it begins, the number of its first line, and where that line begins.
    let (mut base, mut n, mut starts) = (0_u64, 1_u64, 0_u64);
    loop {
        let over = (&mut watched).take(PART as u64).read_to_end(&mut part)? == 0;
        // What begins so near to the end may go on in what comes next.
        let sure = if over { part.len() } else { needle.back(&part) };
        let mut counted = 0;
        let mut count = |to: usize| {
            for end in memchr::memchr_iter(b'\n', &part[counted..to]) {
                n += 1;
                starts = base + (counted + end) as u64 + 1;
            }
            counted = to;
            (n, starts)
        };
        for found in needle.all(&part).into_iter().take_while(|found| found.start < sure) {
            let (n, starts) = count(found.start);
            if n == last {
                continue;
            }
            last = n;
            all += 1;
            if places.len() == most {
                places.pop_front();
            }
            places.push_back(Place { n, starts, found: base + found.start as u64..base + found.end as u64 });
        }
        count(sure);
        if over {
            break;
        }
        part.drain(..sure);
        base += sure as u64;
    }
    let lines = places.into_iter().map(|place| place.line(&mut file));
    Ok((lines.collect::<io::Result<_>>()?, all))
}

/// A line where something was found.
struct Place {
    n: u64,
    /// Where in the file the line begins.
    starts: u64,
    /// What was found first in it.
    found: Range<u64>,
}

impl Place {
    /// The line from its start; one that is too long for that, from shortly before what was found.
    fn line(self, file: &mut File) -> io::Result<Numbered> {
        let near = self.found.end - self.starts <= LONGEST as u64;
        let from = if near { self.starts } else { self.found.start.saturating_sub(BEFORE).max(self.starts) };
        file.seek(SeekFrom::Start(from))?;
        let text = line(&mut BufReader::new(file))?.unwrap_or_default();
        let text = if near { text } else { format!("…{text}") };
        Ok(Numbered { n: self.n, text })
    }
}

/// Copies an output, as long as it is now, into a new file of the reader's own; how many bytes. A file that is there
/// already is left alone; what fails or is stopped leaves nothing.
pub fn save(file: &Path, to: &Path, go_on: GoOn<'_>) -> Result<u64, String> {
    let cannot = |error: io::Error| match error.kind() {
        ErrorKind::AlreadyExists => format!("{} is there already; name another file", shown(to)),
        _ => format!("cannot save into {}: {error}", shown(to)),
    };
    let from = output_file(file).map_err(cannot)?;
    let long = from.metadata().map_err(cannot)?.len();
    let mut draft = Draft::new(to).map_err(cannot)?;
    let mut reader = BufReader::with_capacity(PART, Watched { file: from, read: 0, go_on }.take(long));
    let count = io::copy(&mut reader, &mut draft).map_err(cannot)?;
    draft.finish().map_err(cannot)?;
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

/// What an error says that is none: somebody stopped it.
const STOPPED: &str = "it was stopped";

/// Did it end because somebody stopped it?
#[must_use]
pub fn was_stopped(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|why| why.to_string() == STOPPED)
}

/// A file whose reading can be stopped between two parts.
struct Watched<'a> {
    file: File,
    read: u64,
    go_on: GoOn<'a>,
}

impl Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if !(self.go_on)(self.read) {
            return Err(io::Error::other(STOPPED));
        }
        let count = self.file.read(into)?;
        self.read += count as u64;
        Ok(count)
    }
}

/// The next line, cleaned; of a very long one the beginning, with a mark. `None`: there is none.
fn line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if reader.by_ref().take(LONGEST as u64).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    let mut cut = false;
    if line.pop_if(|last| *last == b'\n').is_none() && line.len() == LONGEST {
        cut = reader.fill_buf()?.first().is_some_and(|next| *next != b'\n');
        reader.skip_until(b'\n')?;
    }
    // No character is shown in half because of where we cut.
    if cut
        && let Err(error) = std::str::from_utf8(&line)
        && error.error_len().is_none()
    {
        line.truncate(error.valid_up_to());
    }
    let mut text = match std::str::from_utf8(&line) {
        Ok(text) => clean(text).into_owned(),
        Err(_) => clean_bytes(&line),
    };
    if cut {
        text.push('…');
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::text::find::folds_case;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn all(_: u64) -> bool {
        true
    }

    fn found(file: &tempfile::NamedTempFile, text: &str) -> (Vec<Numbered>, u64) {
        let needle = Needle::new(text, folds_case(text)).unwrap();
        find(file.path(), &needle, 2, &mut all).unwrap()
    }

    #[test]
    fn it_is_paged_by_line_and_a_long_line_is_cut_with_a_mark() {
        let long = format!("one\n{}\nthree\nlast", "x".repeat(3 * LONGEST));
        let file = file(long.as_bytes());
        let (lines, more) = page(file.path(), 1, 2, &mut all).unwrap();
        assert_eq!((lines[0].n, lines[0].text.as_str()), (1, "one"));
        assert!(lines[1].text.ends_with('…') && lines[1].text.len() < LONGEST + 8);
        assert!(more);
        let (lines, more) = page(file.path(), 3, 9, &mut all).unwrap();
        assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["three", "last"]);
        assert!(!more);
        assert_eq!(page(file.path(), 9, 9, &mut all).unwrap(), (Vec::new(), false));
    }

    #[test]
    fn only_what_is_cut_gets_a_mark_and_no_character_is_halved() {
        let text = format!("{0}\n{1}é\n{0}", "x".repeat(LONGEST), "y".repeat(LONGEST - 1));
        let file = file(text.as_bytes());
        let (lines, _) = page(file.path(), 1, 9, &mut all).unwrap();
        let ends: Vec<_> = lines.iter().map(|line| line.text.chars().next_back().unwrap()).collect();
        assert_eq!(ends, ['x', '…', 'x']);
        assert!(lines[1].text.ends_with("yy…"), "no byte of it is shown as broken text");
    }

    #[test]
    fn the_newest_places_are_found_and_all_are_counted() {
        let text = (1..=100).map(|n| format!("line {n} line {n}\n")).collect::<Vec<_>>().concat();
        let (lines, all) = found(&file(text.as_bytes()), "line 9");
        assert_eq!((lines.iter().map(|line| line.n).collect::<Vec<_>>(), all), (vec![98, 99], 11));
    }

    #[test]
    fn it_is_found_as_on_the_screen_through_colours_far_to_the_right_and_over_the_edge_of_a_part() {
        let far = "x".repeat(3 * LONGEST);
        let file = file(format!("\n{far}er\x1b[1mROR 5 here\n{far}").as_bytes());
        let (lines, all) = found(&file, "error 5");
        assert_eq!((lines[0].n, all), (2, 1));
        assert!(lines[0].text.starts_with("…xx") && lines[0].text.ends_with("ROR 5 here"), "{lines:?}");
        assert_eq!(found(&file, "Error 5").1, 0, "a capital was typed");
        for at in [PART - 3, PART - 1, 2 * PART - 3 - 20] {
            let text = format!("{}\n{}needle\nlast", "a\n".repeat(50), "y".repeat(at - 101));
            let (lines, all) = found(&self::file(text.as_bytes()), "needle");
            assert_eq!((lines[0].n, all), (52, 1), "{at}");
            assert!(lines[0].text.ends_with("yneedle"));
        }
    }

    #[test]
    fn what_is_looked_through_can_be_stopped() {
        let file = file(&vec![b'x'; 3 * PART]);
        let needle = Needle::new("y", true).unwrap();
        let mut most = 0;
        let ended = find(file.path(), &needle, 1, &mut |looked| {
            most = looked;
            looked < PART as u64
        });
        assert!(ended.is_err() && most < 2 * PART as u64, "{most}");
        assert!(page(file.path(), 9, 9, &mut |looked| looked == 0).is_err());
    }

    #[test]
    fn what_is_saved_overwrites_nothing_and_half_of_it_is_nothing() {
        let from = file(b"all of it\n");
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("saved");
        let names = || std::fs::read_dir(dir.path()).unwrap().count();
        let long = file(&vec![b'x'; 2 * PART]);
        let ended = save(long.path(), &to, &mut |looked| {
            assert!(!to.exists(), "it has its name only when it is whole");
            looked == 0
        });
        assert!(ended.unwrap_err().contains("stopped"));
        assert_eq!(names(), 0);
        assert_eq!(save(from.path(), &to, &mut all), Ok(10));
        assert!(save(from.path(), &to, &mut all).unwrap_err().contains("is there already"));
        assert_eq!((std::fs::read(&to).unwrap(), names()), (b"all of it\n".to_vec(), 1));
        // Somebody makes a file of that name meanwhile.
        let late = dir.path().join("late");
        let ended = save(from.path(), &late, &mut |_| std::fs::write(&late, "theirs").is_ok());
        assert!(ended.unwrap_err().contains("is there already"));
        assert_eq!((std::fs::read(&late).unwrap(), names()), (b"theirs".to_vec(), 2));
    }
}
