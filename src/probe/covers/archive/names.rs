//! The names of an archive's members, and where in it the copy of the source may begin. PURE.

/// So many directories at the root of an archive are looked at as the one that may hold all.
const TOPS: usize = 8;
/// So many places that end in the source's own name.
const OWN: usize = 16;

/// A member's name: without a `/` before it, and without `.`; nothing when it leads out of the archive by `..`.
pub(super) fn plain(name: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(name.len());
    for part in name.split(|&b| b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return None,
            part => {
                if !plain.is_empty() {
                    plain.push(b'/');
                }
                plain.extend_from_slice(part);
            }
        }
    }
    Some(plain)
}

/// Places in an archive where the copy may begin: its root, a top directory, a directory of the source's own name.
#[derive(Debug)]
pub(super) struct Places {
    own: Vec<Vec<u8>>,
    /// Each with a `/` at its end, but for the root.
    known: Vec<Vec<u8>>,
    tops: usize,
    named: usize,
}

impl Places {
    /// `own` are the names the source goes by.
    pub(super) fn new(own: Vec<Vec<u8>>) -> Self {
        Self { own, known: vec![Vec::new()], tops: 0, named: 0 }
    }

    /// All places so far.
    pub(super) fn known(&self) -> &[Vec<u8>] {
        &self.known
    }

    /// The places a member lies in, by number. A directory may be such a place itself.
    pub(super) fn of(&mut self, path: &[u8], is_directory: bool) -> impl Iterator<Item = usize> + use<> {
        let ends = path.iter().enumerate().filter(|&(_, &b)| b == b'/').map(|(at, _)| at);
        let mut from = 0;
        for end in ends.chain(is_directory.then_some(path.len())) {
            if end > from {
                self.learn(&path[..end], &path[from..end], from == 0);
            }
            from = end + 1;
        }
        let is_in = |place: &[u8]| {
            path.starts_with(place) || (is_directory && place.strip_suffix(b"/") == Some(path))
        };
        let within: Vec<usize> = (0..self.known.len()).filter(|&n| is_in(&self.known[n])).collect();
        within.into_iter()
    }

    fn learn(&mut self, path: &[u8], name: &[u8], is_top: bool) {
        let is_own = self.own.iter().any(|own| own == name);
        let room = if is_own { self.named < OWN } else { is_top && self.tops < TOPS };
        let is = |known: &[u8]| known.strip_suffix(b"/") == Some(path);
        if !room || self.known.iter().any(|known| is(known)) {
            return;
        }
        if is_own {
            self.named += 1;
        } else {
            self.tops += 1;
        }
        self.known.push([path, b"/"].concat());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(own: &str, members: &[&str]) -> Vec<String> {
        let mut places = Places::new(vec![own.as_bytes().to_vec()]);
        for member in members {
            let path = plain(member.as_bytes()).expect("within");
            drop(places.of(&path, member.ends_with('/')));
        }
        places.known().iter().map(|place| String::from_utf8_lossy(place).into_owned()).collect()
    }

    #[test]
    fn names_are_made_plain() {
        for (name, is) in [
            ("a/b", Some("a/b")),
            ("./a//b/", Some("a/b")),
            ("/srv/./a", Some("srv/a")),
            ("./", Some("")),
            ("...", Some("...")),
            ("a/..", None),
            ("../a", None),
            ("/../a", None),
        ] {
            assert_eq!(plain(name.as_bytes()).as_deref(), is.map(str::as_bytes), "{name}");
        }
    }

    #[test]
    fn a_copy_may_begin_at_the_root_a_top_directory_or_the_sources_own_name() {
        assert_eq!(places("site", &["a.txt"]), [""]);
        assert_eq!(places("site", &["site/"]), ["", "site/"]);
        assert_eq!(places("site", &["./site/a/b"]), ["", "site/"]);
        assert_eq!(places("site", &["mnt/snap/srv/site/a"]), ["", "mnt/", "mnt/snap/srv/site/"]);
        assert_eq!(places("site", &["backup/a", "backup/b", "other/c"]), ["", "backup/", "other/"]);
        assert_eq!(places("site", &["site/site/site"]), ["", "site/", "site/site/"]);
    }

    #[test]
    fn the_places_are_few_however_many_directories_there_are() {
        let many: Vec<String> = (0..1_000).flat_map(|n| [format!("{n}/a"), format!("x/{n}/site/")]).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(places("site", &many).len(), 1 + TOPS + OWN);
    }

    #[test]
    fn a_member_lies_in_each_place_its_name_begins_with() {
        let mut places = Places::new(vec![b"site".to_vec()]);
        assert_eq!(places.of(b"srv/site/a", false).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(places.of(b"srv/b", false).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(places.of(b"srv/site", true).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(places.of(b"srv/site", false).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(places.of(b"srvc", false).collect::<Vec<_>>(), [0]);
        assert_eq!(places.known(), [b"".to_vec(), b"srv/".to_vec(), b"srv/site/".to_vec()]);
    }
}
