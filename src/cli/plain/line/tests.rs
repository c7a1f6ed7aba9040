//! Lines, and what they mean, on a small runbook. PURE.

use super::*;
use crate::session::bench::Bench;

const WALK: &str = "
checks:
  seen: { title: Seen, attest: Who saw it? }
  whole: { title: Whole, run: 'true' }
steps:
  - { id: one, title: One, run: 'true' }
  - { id: two, title: Two, capture: { change: 'C[0-9]+' } }
  - { id: three, title: Three, destructive: 'All of it.', requires: [seen, whole], run: 'true' }
";

fn act(line: &str, session: &Session) -> Command {
    match read(line, session) {
        Ok(Line::Act(command)) => command,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_line_means_what_do_means() {
    let mut bench = Bench::new(WALK);
    let run = |step: &str| Command::Run { step: step.into(), typed: None, will_ask: true, by_hand: false };
    for (line, command) in [
        ("run", run("one")),
        ("  run   3 ", run("three")),
        ("run three", run("three")),
        ("run 2 --by-hand", Command::Run { step: "two".into(), typed: None, will_ask: true, by_hand: true }),
        ("check all", Command::Check { checks: vec![] }),
        ("check whole", Command::Check { checks: vec![CheckItem::parse("whole")] }),
        ("note it's late", Command::Note { text: "it's late".into() }),
        ("hold 'wait for Kim'", Command::Hold { why: "wait for Kim".into() }),
        ("release", Command::Release { why: None }),
        ("release --say 'all clear'", Command::Release { why: Some("all clear".into()) }),
        ("skip not here", Command::Skip { steps: vec!["one".into()], why: "not here".into() }),
        ("skip 2 not here", Command::Skip { steps: vec!["two".into()], why: "not here".into() }),
        (
            "skip 1 two, three because 2 of them moved",
            Command::Skip {
                steps: vec!["one".into(), "two".into(), "three".into()],
                why: "2 of them moved".into(),
            },
        ),
        (
            "skip one 2 --say 'not here'",
            Command::Skip { steps: vec!["one".into(), "two".into()], why: "not here".into() },
        ),
        ("undo 1", Command::Undo { step: "one".into(), typed: None, will_ask: true }),
        ("finish", Command::Finish),
        ("abort it burns", Command::Abort { why: "it burns".into() }),
        (
            "attest seen --no nobody did",
            Command::Attest { check: CheckItem::parse("seen"), yes: false, words: "nobody did".into() },
        ),
        (
            "resolve 1 failed it is not there",
            Command::Resolve { step: "one".into(), done: false, what: "it is not there".into() },
        ),
    ] {
        assert_eq!(act(line, &bench.session), command, "{line}");
    }
    bench.walk("one");
    assert_eq!(act("run", &bench.session), run("two"));
    let said = |say: Option<&str>, value: &str| Command::Done {
        step: "two".into(),
        said: Said { say: say.map(str::to_owned), value: Some(value.to_owned()) },
    };
    assert_eq!(act("done C12", &bench.session), said(None, "C12"));
    assert_eq!(
        act("done two --value C12 --say 'at the desk'", &bench.session),
        said(Some("at the desk"), "C12")
    );
}

#[test]
fn what_lacks_words_is_asked_for_them_and_nothing_else_is_guessed() {
    let mut bench = Bench::new(WALK);
    bench.walk("one");
    for (line, wanted) in [
        ("attest seen", Wanted::Answer),
        ("attest seen --no", Wanted::Answer),
        ("done", Wanted::Value),
        ("hold", Wanted::Why),
        ("note ''", Wanted::Why),
        ("skip 2", Wanted::Why),
    ] {
        assert!(matches!(read(line, &bench.session), Ok(Line::Words(_, w)) if w == wanted), "{line}");
    }
    assert_eq!(read(" \t", &bench.session), Ok(Line::Nothing));
    for line in [
        "undo",
        "yes",
        "y",
        "run 4",
        "run 1 2",
        "run 3 --confirm three",
        "stop",
        "attest whole x",
        "check nothing",
        "resolve",
        "skip 1 2 disks are gone",
        "skip one tow because it is gone",
        "skip tow --say gone",
        "finish now",
        "attest",
    ] {
        assert!(read(line, &bench.session).is_err(), "{line}");
    }
}

#[test]
fn words_that_were_asked_for_land_where_they_belong() {
    let note = with_words(Command::Note { text: String::new() }, "a".to_owned());
    assert_eq!(note, Command::Note { text: "a".to_owned() });
    let said = Said { say: None, value: None };
    let done = with_words(Command::Done { step: "two".into(), said }, "C1".to_owned());
    assert!(matches!(done, Command::Done { said, .. } if said.value.as_deref() == Some("C1")));
}

#[test]
fn what_is_typed_into_a_terminal_is_known_by_any_blank_and_never_shown() {
    let bench = Bench::new(WALK);
    for (line, bytes) in [("type\tSECRET", "SECRET\r"), (" type  SECRET ", " SECRET \r"), ("type", "\r")] {
        assert_eq!(for_terminal(line), Some(Ok(Line::Type(bytes.into()))), "{line:?}");
    }
    for line in ["type\tSECRET", "  type SECRET", "TYPE SECRET", "typeSECRET"] {
        assert!(is_private(line), "{line:?}");
    }
    for line in ["TYPE SECRET", "typeSECRET"] {
        let why = read(line, &bench.session).unwrap_err();
        assert!(!why.contains("SECRET"), "{why}");
    }
    assert!(!is_private("note type"));
}

#[test]
fn a_copy_is_of_stdout_or_of_stderr() {
    let bench = Bench::new(WALK);
    for (line, errors, file) in
        [("save 2 ~/a b", false, "~/a b"), ("save 2 errors x", true, "x"), ("save 2 errors", false, "errors")]
    {
        assert_eq!(read(line, &bench.session), Ok(Line::Save(1, errors, file.to_owned())), "{line}");
    }
}
