//! What needs no disk: the answer and the sentence that counts make, and the patterns of what is ignored.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::probe::covers::ignore::Ignore;
use crate::probe::covers::tally::{Kind, Side, Tally, What};
use crate::probe::covers::words::{Told, sentence, verdict};
use crate::runbook::{Also, By};
use crate::session::Verdict;

fn counted(files: u64) -> Tally {
    let mut tally = Tally::default();
    tally.files = files;
    tally
}

fn told(tally: &Tally) -> String {
    sentence(tally, Told { source: "/srv/site", base: "", by: By::Content, also: &[] })
}

#[test]
fn a_difference_outweighs_what_could_not_be_seen_and_both_outweigh_the_rest() {
    let wrong = |whats: &[What]| {
        let mut tally = counted(10);
        for what in whats {
            tally.differs(b"a", what.clone());
        }
        verdict(&tally)
    };
    let unread = What::Unreadable(Side::Source, "permission denied".to_owned());
    assert_eq!(wrong(&[]), Verdict::Holds);
    assert_eq!(verdict(&counted(0)), Verdict::Fails);
    for what in [unread.clone(), What::Changed(Side::Backup), What::Loop] {
        assert_eq!(wrong(std::slice::from_ref(&what)), Verdict::Error, "{what:?}");
        for worse in [What::Missing, What::Content, What::Same(Kind::File)] {
            assert_eq!(wrong(&[what.clone(), worse]), Verdict::Fails);
        }
    }
}

#[test]
fn what_was_compared_is_said_and_what_was_not() {
    let mut tally = counted(1);
    assert_eq!(told(&tally), "1 file is in it, content compared");
    tally.directories = 1;
    assert_eq!(told(&tally), "1 file and 1 directory are in it, content compared");
    (tally.files, tally.links, tally.ignored, tally.special) = (1_234, 2, 5, 3);
    let base = "old-server/site";
    let also = [Also::Ownership, Also::Mode];
    assert_eq!(
        sentence(&tally, Told { source: "/srv/site", base, by: By::Content, also: &also }),
        "all 1,234 files, 2 links and 1 directory are in it, content, mode and ownership compared, 5 ignored, \
         3 sockets, pipes or devices not compared (below old-server/site)"
    );
    assert!(
        sentence(&tally, Told { source: "/srv/site", base, by: By::Size, also: &also[..1] })
            .contains(" are in it, sizes and ownership compared, ")
    );
}

#[test]
fn the_sentence_names_counts_and_the_first() {
    let mut tally = counted(31_204);
    let files = Arc::new(AtomicU64::new(0));
    for n in [4, 1, 3, 2] {
        tally.differs(format!("r{n}.txt").as_bytes(), What::Missing);
    }
    tally.differs(b"content/themes/", What::MissingDirectory(Arc::clone(&files)));
    for _ in 0..398 {
        tally.missing_within(&files, Kind::File);
    }
    tally.differs(b"index.php", What::Size(799, 812));
    tally.differs(b"\x1b[2J", What::Changed(Side::Source));
    assert_eq!(
        told(&tally),
        "403 of 31,204 missing: content/themes/ (whole directory, 398 files), r1.txt, r2.txt, …; \
         1 differs: index.php (size 812, not 799); 1 changed while being read: \u{1b}[2J (in the source)"
    );
}

#[test]
fn two_threads_make_the_same_answer_as_one() {
    let paths: Vec<String> = (0..100).map(|n| format!("{n:03}")).collect();
    let mut one = counted(100);
    let mut parts = [counted(50), counted(50)];
    for (n, path) in paths.iter().enumerate().rev() {
        one.differs(path.as_bytes(), What::Content);
        parts[n % 2].differs(path.as_bytes(), What::Content);
    }
    let [mut first, second] = parts;
    first.add(second);
    let names = |tally: &Tally| tally.first().iter().map(|one| one.path.clone()).collect::<Vec<_>>();
    assert_eq!(told(&first), told(&one));
    assert_eq!(names(&first), names(&one));
    assert_eq!(names(&one).len(), 20);
}

#[test]
fn patterns_are_for_names_or_for_paths_and_for_any_bytes() {
    let ignored = |pattern: &str, path: &[u8]| {
        let name = path.rsplit(|&b| b == b'/').next().unwrap_or(path);
        Ignore::new(&[pattern.to_owned()]).expect("a pattern").matches(path, name)
    };
    for (pattern, path, is) in [
        ("*.log", &b"a/b/x.log"[..], true),
        ("*.log", b"x.log.1", false),
        ("*.log", b"a/\xff.log", true),
        ("cache", b"a/cache", true),
        ("cache/", b"cache", true),
        ("a/*.log", b"a/x.log", true),
        ("a/*.log", b"a/b/x.log", false),
        ("a/**/*.log", b"a/b/c/x.log", true),
        ("/cache", b"cache", true),
        ("/cache/x", b"a/cache/x", false),
        ("./cache/x", b"cache/x", true),
    ] {
        assert_eq!(ignored(pattern, path), is, "{pattern} {}", String::from_utf8_lossy(path));
    }
}
