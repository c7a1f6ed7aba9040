//! The links among the members of an archive: what comes below one of them is unpacked to where it leads. PURE.

use super::super::tally::Kind;
use super::names::plain;
use super::seen::{Seen, Told};
use super::{Broken, Form, Member};
use crate::text::as_text;

/// The links that were read so far, each as a mark of its name.
#[derive(Debug)]
pub(super) struct Links {
    seen: Seen,
    is_empty: bool,
    /// The last directory with no link on the way to it: members of one directory stand together.
    clear: Vec<u8>,
}

impl Links {
    /// None yet. The key must not be known to who made the archive.
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { seen: Seen::new(key), is_empty: true, clear: Vec::new() }
    }

    /// Takes the next member, whose plain name is `path`. Returns the link above it, if there is one.
    pub(super) fn take<'p>(&mut self, path: &'p [u8], member: &Member) -> Option<&'p [u8]> {
        if let Some(link) = self.above(path) {
            return Some(link);
        }
        let is_link = match member.form {
            Form::Is(kind) => kind == Kind::Link,
            Form::HardLink => plain(&member.target).is_some_and(|first| self.holds(&first)),
        };
        if is_link {
            self.seen.put(0, path, None);
            self.is_empty = false;
            if self.clear.starts_with(path) {
                self.clear.clear();
            }
        } else if self.holds(path) {
            // Whoever unpacks it takes the link away first.
            self.seen.forget(0, path);
        }
        None
    }

    fn holds(&self, path: &[u8]) -> bool {
        !self.is_empty && matches!(self.seen.get(0, path), Told::Fine)
    }

    fn above<'p>(&mut self, path: &'p [u8]) -> Option<&'p [u8]> {
        let directory = &path[..path.iter().rposition(|&b| b == b'/')?];
        if self.is_empty || self.clear == directory {
            return None;
        }
        let ends = directory.iter().enumerate().filter(|&(_, &b)| b == b'/').map(|(at, _)| at);
        for end in ends.chain([directory.len()]) {
            if self.holds(&directory[..end]) {
                return Some(&directory[..end]);
            }
        }
        self.clear.clear();
        self.clear.extend_from_slice(directory);
        None
    }
}

/// What such a member means: nobody can say what the archive becomes.
pub(super) fn unpacked_elsewhere(path: &[u8], link: &[u8]) -> Broken {
    let (path, link) = (as_text(path), as_text(link));
    Broken::Unknown(format!(
        "its member {path} lies below {link}, which is a link in it, so that it is unpacked to another place"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Members as `d NAME`, `f NAME`, `l NAME` or `h NAME FIRST`; which are below a link, and which link that is.
    fn below(members: &str) -> Vec<String> {
        let mut links = Links::new([7; 32]);
        let mut below = Vec::new();
        for line in members.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let form = match words[0] {
                "d" => Form::Is(Kind::Directory),
                "l" => Form::Is(Kind::Link),
                "h" => Form::HardLink,
                _ => Form::Is(Kind::File),
            };
            let member = Member {
                path: words[1].as_bytes().to_vec(),
                form,
                target: words.get(2).unwrap_or(&"").as_bytes().to_vec(),
                size: 0,
                mode: None,
                owner: None,
                unknown: None,
            };
            if let Some(link) = links.take(words[1].as_bytes(), &member) {
                below.push(format!("{} by {}", words[1], String::from_utf8_lossy(link)));
            }
        }
        below
    }

    #[test]
    fn what_comes_below_a_link_is_found_at_any_depth() {
        assert_eq!(below("d a\nf a/f\nl b\nf b/f"), ["b/f by b"]);
        assert_eq!(
            below("l x/b\nf x/f\nf x/bb/f\nd x/b/c\nf x/b/c/d/f"),
            ["x/b/c by x/b", "x/b/c/d/f by x/b"]
        );
        assert_eq!(below("f b/f\nl b\nf b/g"), ["b/g by b"]);
        assert_eq!(below("d a\nl b\nl a/b\nl c\nf a/f"), [""; 0]);
    }

    #[test]
    fn another_name_of_a_link_is_one_and_a_link_that_is_replaced_is_none() {
        assert_eq!(below("l b\nh c b\nf c/f"), ["c/f by c"]);
        assert_eq!(below("f b\nh c b\nf c/f"), [""; 0]);
        assert_eq!(below("l b\nd b\nf b/f"), [""; 0]);
        assert_eq!(below("l b\nd b\nf b/f\nl b\nf b/g"), ["b/g by b"]);
    }
}
