//! Covering secrets in output: every form of every secret becomes `•••`, also across write boundaries. PURE.
//!
//! Best effort, and said so wherever it is promised: a command can always print a secret in a form nobody thought of.
//! What is held back is only what may yet turn out to be part of a secret, so output stays live and memory small.

mod automaton;
mod forms;

use std::collections::VecDeque;
use std::fmt;

use automaton::{Automaton, Pairs};

/// What stands where a secret was.
pub const MARK: &str = "•••";

/// Covers one stream.
#[derive(Clone)]
pub struct Cover {
    /// Forms that must occur byte for byte.
    exact: Automaton,
    /// Encodings, which tools wrap into lines: line breaks inside do not matter.
    wrapped: Automaton,
    /// How any of them begins.
    pairs: Pairs,
    exact_at: u32,
    wrapped_at: u32,
    /// Where the bytes are that the state of `wrapped` stands for.
    trail: VecDeque<u64>,
    /// Line breaks since the last byte of `trail`.
    breaks: u8,
    /// Bytes taken so far.
    taken: u64,
    /// Bytes not passed on yet.
    held: Vec<u8>,
    /// What is to be covered of the held bytes: apart from each other, in order.
    covered: VecDeque<(u64, u64)>,
    /// End of the last piece for which a mark was passed on.
    marked_to: Option<u64>,
}

impl fmt::Debug for Cover {
    /// Of the secrets nothing: every form of them is in there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cover").field("taken", &self.taken).finish_non_exhaustive()
    }
}

impl Cover {
    /// For these secrets; empty ones are none.
    #[must_use]
    pub fn new(secrets: &[impl AsRef<str>]) -> Self {
        let secrets = || secrets.iter().map(AsRef::as_ref).filter(|secret: &&str| !secret.is_empty());
        let exact = Automaton::new(secrets().flat_map(forms::exact));
        let wrapped = Automaton::new(secrets().flat_map(forms::wrapped));
        let mut pairs = Pairs::default();
        exact.begin(&mut pairs);
        wrapped.begin(&mut pairs);
        Self {
            exact,
            wrapped,
            pairs,
            exact_at: 0,
            wrapped_at: 0,
            trail: VecDeque::new(),
            breaks: 0,
            taken: 0,
            held: Vec::new(),
            covered: VecDeque::new(),
            marked_to: None,
        }
    }

    /// Takes the next bytes of the stream and appends to `out` what can be shown by now.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            if self.exact_at == 0 && self.wrapped_at == 0 {
                // Nothing is begun: most output passes here. (No form is begun across a line end, see `step`.)
                let dull = rest.windows(2).take_while(|pair| !self.pairs.has(pair[0], pair[1])).count();
                if dull > 0 {
                    self.taken += dull as u64;
                    rest = &rest[dull..];
                    continue;
                }
            }
            self.step(byte);
            rest = &rest[1..];
        }
        self.held.extend_from_slice(bytes);
        let undecided = self.taken - u64::from(self.exact.depth(self.exact_at));
        let decided = self.trail.front().map_or(undecided, |first| undecided.min(*first));
        self.pass_on(decided, out);
    }

    /// The stream has ended: passes on what was held back.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.pass_on(self.taken, out);
        self.exact_at = 0;
        self.wrapped_at = 0;
        self.trail.clear();
    }

    fn step(&mut self, byte: u8) {
        let here = self.taken;
        self.taken += 1;
        self.exact_at = self.exact.next(self.exact_at, byte);
        let found = u64::from(self.exact.longest(self.exact_at));
        if found > 0 {
            self.cover(self.taken - found, self.taken);
        }
        if matches!(byte, b'\n' | b'\r') {
            self.breaks += 1;
            // One line break, in either fashion; more of them end an encoding, and keep what is held small. After a
            // few characters only, an ordinary line is the likelier thing, and is shown at once: `forms` looks for
            // encodings that lack as many.
            if self.breaks > 2 || self.trail.len() <= forms::CUT_AT_LINE_END {
                self.wrapped_at = 0;
                self.trail.clear();
            }
            return;
        }
        self.breaks = 0;
        self.wrapped_at = self.wrapped.next(self.wrapped_at, byte);
        self.trail.push_back(here);
        let depth = self.wrapped.depth(self.wrapped_at) as usize;
        self.trail.drain(..self.trail.len() - depth);
        let found = self.wrapped.longest(self.wrapped_at) as usize;
        if found > 0
            && let Some(first) = self.trail.get(depth - found)
        {
            self.cover(*first, self.taken);
        }
    }

    fn cover(&mut self, mut from: u64, to: u64) {
        while let Some(&(start, end)) = self.covered.back() {
            if end < from {
                break;
            }
            from = from.min(start);
            self.covered.pop_back();
        }
        self.covered.push_back((from, to));
    }

    /// Passes on every held byte before `to`, marks in the place of what is covered.
    fn pass_on(&mut self, to: u64, out: &mut Vec<u8>) {
        let base = self.taken - self.held.len() as u64;
        // What is held fits into memory, and so into a usize.
        let place =
            |at: u64| usize::try_from(at.saturating_sub(base)).unwrap_or(usize::MAX).min(self.held.len());
        let mut at = base;
        while let Some(&(start, end)) = self.covered.front() {
            if start >= to {
                break;
            }
            out.extend_from_slice(&self.held[place(at)..place(start.max(at))]);
            if self.marked_to.is_none_or(|marked| marked < start) {
                out.extend_from_slice(MARK.as_bytes());
            }
            self.marked_to = Some(end);
            at = at.max(end.min(to));
            if end > to {
                break;
            }
            self.covered.pop_front();
        }
        if at < to {
            out.extend_from_slice(&self.held[place(at)..place(to)]);
        }
        let gone = place(to);
        self.held.drain(..gone);
    }
}

/// Covers a whole text at once.
#[must_use]
pub fn covered(text: &str, secrets: &[impl AsRef<str>]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut cover = Cover::new(secrets);
    cover.push(text.as_bytes(), &mut out);
    cover.finish(&mut out);
    // Forms are UTF-8 or ASCII, so nothing is cut within a character.
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use data_encoding::{
        BASE32, BASE64, BASE64_MIME, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXUPPER,
    };
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "c0rrect h/rse+b\"ttery'ß";

    fn passed(fresh: &Cover, input: &[u8], pieces: &[usize]) -> Vec<u8> {
        let mut cover = fresh.clone();
        let mut out = Vec::new();
        let mut rest = input;
        for piece in pieces {
            let (now, later) = rest.split_at((*piece).min(rest.len()));
            cover.push(now, &mut out);
            rest = later;
        }
        cover.push(rest, &mut out);
        cover.finish(&mut out);
        out
    }

    fn shown(out: &[u8]) -> String {
        String::from_utf8_lossy(out).into_owned()
    }

    #[track_caller]
    fn check(input: &[u8], secrets: &[&str], expected: &str) {
        check_with(&Cover::new(secrets), input, expected);
    }

    #[track_caller]
    fn check_with(fresh: &Cover, input: &[u8], expected: &str) {
        assert_eq!(shown(&passed(fresh, input, &[])), expected);
        for cut in 0..=input.len() {
            assert_eq!(shown(&passed(fresh, input, &[cut])), expected, "cut at {cut}");
        }
        assert_eq!(shown(&passed(fresh, input, &vec![1; input.len()])), expected, "byte by byte");
    }

    #[test]
    fn a_secret_is_covered_wherever_the_writes_are_cut() {
        check(b"login hunter2 ok\n", &["hunter2"], "login ••• ok\n");
        check(b"hunthunter2hunter", &["hunter2"], "hunt•••hunter");
        check(b"hunter2hunter2", &["hunter2"], "•••");
        check(b"nothing here", &["hunter2"], "nothing here");
        check(b"", &["hunter2"], "");
        check(b"no secret at all", &[], "no secret at all");
        check(b"an empty one covers nothing", &[""], "an empty one covers nothing");
        check(b"\xff\xfehunter2\xff", &["hunter2"], "\u{fffd}\u{fffd}•••\u{fffd}");
        check(b"aXb", &["X"], "a•••b");
    }

    #[test]
    fn secrets_that_overlap_are_covered_whole() {
        check(b"<abcdef>", &["abcd", "cdef"], "<•••>");
        check(b"<abcdefgh>", &["cde", "abcdefgh"], "<•••>");
        check(b"<abcdefg.>", &["cde", "abcdefgh"], "<ab•••fg.>");
        check(b"aabaabaaa", &["aabaaa"], "aab•••");
    }

    #[test]
    fn every_encoding_is_covered_at_every_alignment() {
        let fresh = Cover::new(&[SECRET]);
        for before in 0..7 {
            for after in 0..7 {
                let text = format!("{}{SECRET}{}", "x".repeat(before), "y".repeat(after));
                for encoding in [BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, BASE32, HEXLOWER, HEXUPPER]
                {
                    let encoded = encoding.encode(text.as_bytes());
                    let out = shown(&passed(&fresh, encoded.as_bytes(), &[]));
                    assert!(out.contains(MARK), "{encoded}");
                    // What is left is of the neighbours, and at most one character at each side that mixes both.
                    let neighbours =
                        encoding.encode("x".repeat(before).as_bytes()).trim_end_matches('=').len()
                            + encoding.encode("y".repeat(after).as_bytes()).trim_end_matches('=').len();
                    let left = out.replace(MARK, "").trim_end_matches('=').len();
                    assert!(left <= neighbours + 2, "{before} {after} {encoded} -> {out}");
                }
            }
        }
    }

    #[test]
    fn an_encoding_that_ends_with_the_secret_shows_nothing_of_it() {
        for secret in ["hunter2", "hunter23", "hunter234", "hunter2345"] {
            let fresh = Cover::new(&[secret]);
            for text in [secret.to_owned(), format!("{secret}\n")] {
                for encoding in [BASE64, BASE64_NOPAD, BASE64URL, BASE32] {
                    let encoded = encoding.encode(text.as_bytes());
                    check_with(&fresh, encoded.as_bytes(), MARK);
                }
            }
        }
    }

    #[test]
    fn an_encoding_wrapped_into_lines_is_covered_wherever_the_line_ends() {
        let secret: String = (0..48_u8).map(|n| char::from(b'!' + n)).collect();
        let fresh = Cover::new(&[&secret]);
        for before in 0..60 {
            let wrapped = BASE64_MIME.encode(format!("{}{secret}", "x".repeat(before)).as_bytes());
            let neighbours = BASE64_NOPAD.encode("x".repeat(before).as_bytes()).len();
            for text in [wrapped.replace("\r\n", "\n"), wrapped] {
                let out = shown(&passed(&fresh, text.as_bytes(), &[]));
                let left = out.replace(MARK, "").replace(['\r', '\n', '='], "").len();
                assert!(
                    out.contains(MARK) && left <= neighbours + 1 + forms::CUT_AT_LINE_END,
                    "{text} -> {out}"
                );
                for cut in [before, before + 20] {
                    assert_eq!(shown(&passed(&fresh, text.as_bytes(), &[cut])), out);
                }
            }
        }
    }

    #[test]
    fn url_json_shell_and_markup_forms_are_covered() {
        let fresh = Cover::new(&[SECRET]);
        for form in [
            "c0rrect%20h%2Frse%2Bb%22ttery%27%C3%9F",
            "c0rrect%20h%2frse%2bb%22ttery%27%c3%9f",
            "c0rrect+h%2Frse%2Bb%22ttery%27%C3%9F",
            "c0rrect%20h/rse%2Bb%22ttery%27%C3%9F",
            "c0rrect%20h%2Frse%2Bb%22ttery'%C3%9F",
            "c0rrect h/rse+b\\\"ttery'ß",
            "c0rrect h\\/rse+b\\\"ttery'ß",
            "c0rrect h/rse+b\\\"ttery'\\u00df",
            "c0rrect h/rse+b\\\"ttery\\u0027ß",
            "c0rrect h/rse+b\\\\\\\"ttery'ß",
            "c0rrect h/rse+b\"ttery'\\''ß",
            "c0rrect h/rse+b\"ttery'\"'\"'ß",
            "c0rrect\\ h/rse+b\\\"ttery\\'ß",
            "c0rrect h/rse+b&quot;ttery&#39;ß",
        ] {
            check_with(&fresh, format!("<{form}>").as_bytes(), "<•••>");
        }
    }

    #[test]
    fn each_line_of_a_long_secret_is_covered_by_itself() {
        let key = "-----BEGIN KEY-----\nb3BlbnNzaC1rZXk\nab\nAAAAB3NzaC1yc2E\n-----END KEY-----\n";
        check(b"line: b3BlbnNzaC1rZXk.", &[key], "line: •••.");
        check(b"ab is too short to be told from words", &[key], "ab is too short to be told from words");
        check(key.replace('\n', "\r\n").as_bytes(), &[key], "•••");
        check(key.as_bytes(), &[key], "•••");
    }

    #[test]
    fn only_what_may_become_a_secret_is_held_back() {
        let mut cover = Cover::new(&["hunter2"]);
        let mut out = Vec::new();
        cover.push(b"Password: hunt", &mut out);
        assert_eq!(shown(&out), "Password: ");
        cover.push(b"ing season\n", &mut out);
        assert_eq!(shown(&out), "Password: hunting season\n");
    }

    #[test]
    fn memory_stays_small_whatever_comes() {
        let mut cover = Cover::new(&["aaaaaaaaab", "hunter2"]);
        let mut passed = 0;
        for piece in [[b'a'; 4096], [b'\n'; 4096], [0; 4096], *b"aGVu".repeat(1024).first_chunk().unwrap()] {
            for _ in 0..64 {
                let mut out = Vec::new();
                cover.push(&piece, &mut out);
                passed += out.len();
                assert!(cover.held.len() < 200 && cover.covered.len() < 10 && cover.trail.len() < 100);
            }
        }
        assert!(passed > 0);
    }

    fn anything() -> impl Strategy<Value = String> {
        prop_oneof!["[ab]{1,6}", "[ -~]{1,12}", "\\PC{1,8}", "[a-c\n]{2,12}"]
    }

    proptest! {
        #[test]
        fn no_cut_changes_the_result_and_no_secret_shows(
            secrets in prop::collection::vec(anything(), 1..4),
            words in prop::collection::vec((any::<bool>(), anything(), 0..4_usize), 0..12),
            pieces in prop::collection::vec(0..9_usize, 0..40),
        ) {
            let mut input = String::new();
            for (is_secret, word, which) in &words {
                input.push_str(if *is_secret { &secrets[which % secrets.len()] } else { word });
            }
            let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let fresh = Cover::new(&secrets);
            let whole = passed(&fresh, input.as_bytes(), &[]);
            prop_assert_eq!(&passed(&fresh, input.as_bytes(), &pieces), &whole);
            let shown = String::from_utf8(whole).expect("whole characters only");
            for kept in shown.split(MARK) {
                for secret in &secrets {
                    prop_assert!(!kept.contains(secret), "{:?} in {:?}", secret, shown);
                }
            }
            if !secrets.iter().any(|secret| input.contains(secret)) && secrets.iter().all(|s| s.len() > 9) {
                prop_assert_eq!(shown, input);
            }
        }
    }
}
