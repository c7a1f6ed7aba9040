//! Nothing is cut without a mark: every mode, in the smallest window, with long texts in every field.
//!
//! The texts are words with a number each (`T0007`), so that a picture tells where it stops: where a word is on the screen
//! and the next one does not follow, the row must say that there is more.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ratatui::crossterm::event::KeyCode;

use crate::id::ValueName;
use crate::runbook::Value;
use crate::session::bench::{Bench, sam};
use crate::session::event::Verdict;
use crate::session::{Command, Person};
use crate::tui::app::Msg;
use crate::tui::fixture::Scene;
use crate::wire::FromHost;
use crate::wire::messages::{LogHealth, OutputFile, Present, Role, Stream};

/// As many words: some five thousand characters with what stands between them.
const WORDS: usize = 700;

/// A long text whose words begin with `letter`; in between what is wide, what stacks, and what runs the other way.
fn long(letter: char) -> String {
    (0..WORDS).fold(String::new(), |mut text, n| {
        let between = match n % 40 {
            7 => " 日本語",
            17 => " e\u{301}\u{302}",
            27 => " \u{5e9}\u{5dc}",
            // A runbook that has one of these is refused.
            37 if "VLEN".contains(letter) => " \u{202e}x",
            _ => "",
        };
        let _ = write!(text, "{}{letter}{n:04}{between}", if n == 0 { "" } else { " " });
        text
    })
}

fn scene() -> Scene {
    let text = |letter| serde_json::to_string(&long(letter)).expect("a text");
    let runbook = format!(
        r#"
about: {a}
params: {{ vm: {{ about: {p} }}, list: {{ about: many, list: true }} }}
checks:
  held: {{ title: {c}, why: {w}, fix: {f}, run: ./held }}
  told: {{ title: {c}, attest: {q} }}
  each: {{ title: {c}, for_each: {{ r: "${{list}}" }}, run: ./each "$r" }}
steps:
  - phase: {h}
  - {{ id: one, title: {t}, about: {s}, run: {r}, undo: {u} }}
  - {{ id: two, title: {t}, about: {s}, capture: x }}
  - {{ id: three, title: {t}, destructive: {d}, requires: [held, told, each], confirm: {k}, run: {r}, witness: true }}
"#,
        a = text('A'),
        p = text('P'),
        c = text('C'),
        w = text('W'),
        f = text('F'),
        q = text('Q'),
        h = text('H'),
        t = text('T'),
        s = text('S'),
        r = serde_json::to_string(&format!("echo {} # \"$vm\"", long('R'))).expect("a text"),
        u = text('U'),
        d = text('D'),
        k = text('K'),
    );
    let values = BTreeMap::from([
        (ValueName::new("vm"), Value::Text(long('V'))),
        (ValueName::new("list"), Value::List(vec![long('L'), "b".to_owned()])),
    ]);
    let mut bench = Bench::titled(&long('B'), &runbook, values);
    bench.answers.insert("held".to_owned(), Verdict::Fails);
    bench.details.insert("held".to_owned(), long('E'));
    Scene::of(bench).sized(40, 12)
}

/// What is wrong with a picture, if something is: the row in which words stop without a mark.
fn unmarked(picture: &str) -> Option<String> {
    unmarked_in(picture, 40)
}

/// The same of a text that is broken at this many columns.
fn unmarked_in(picture: &str, width: usize) -> Option<String> {
    // What is broken wherever it falls goes on in the next row.
    let picture = match (picture.find("…›"), picture.find('└')) {
        // What is typed says at its front that there is more of it, and is broken wherever it falls.
        (Some(from), Some(to)) => format!("{}{}", &picture[..from], &picture[to..]),
        _ => picture.to_owned(),
    };
    let whole = picture.split('\n').fold(String::new(), |mut all, row| {
        all.push_str(row);
        if crate::tui::view::shape::columns(row) < width
            || row.ends_with(|c: char| !c.is_ascii_alphanumeric())
        {
            all.push('\n');
        }
        all
    });
    let rows: Vec<&str> = whole.lines().collect();
    let words: Vec<(usize, char, usize)> = rows
        .iter()
        .enumerate()
        .flat_map(|(y, row)| {
            row.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(move |word| {
                let letter = word.chars().next().filter(char::is_ascii_uppercase)?;
                let number = word.get(1..).filter(|number| number.len() == 4)?.parse().ok()?;
                Some((y, letter, number))
            })
        })
        .collect();
    for (at, (y, letter, number)) in words.iter().enumerate() {
        let next = words.get(at + 1).is_some_and(|(_, l, n)| l == letter && *n == number + 1);
        let said = |row: &str| row.contains('…') || row.contains(" more") || row.contains('›');
        // The mark stands in the row, or covers the end of the next one.
        // (Where a box begins, it only covers what is below it.)
        let next_row = rows.get(y + 1);
        let marked = said(rows[*y]) || next_row.is_some_and(|row| row.contains(" more") || row.contains('┌'));
        if !next && !marked && number + 1 < WORDS {
            return Some(format!("{letter}{number:04} stops in {:?}", rows[*y]));
        }
    }
    None
}

#[track_caller]
fn check(name: &str, scene: &mut Scene, pages: KeyCode) {
    for page in 0..3 {
        let picture = scene.text();
        if let Some(why) = unmarked(&picture) {
            panic!("{name}, page {page}: {why}\n{picture}");
        }
        scene.key(pages);
    }
}

#[test]
fn the_check_itself_finds_what_is_cut() {
    assert_eq!(unmarked("T0000 T0001\nT0002 T0003 …"), None);
    assert!(unmarked("T0000 T0001\nT0003 …").is_some_and(|why| why.contains("T0001")));
    assert!(unmarked("T0000 T00").is_some());
}

#[test]
fn the_walk_and_all_its_screens() {
    for role in [Role::Drive, Role::Watch] {
        for (name, keys) in
            [("walk", ""), ("about", "i"), ("steps", "\t"), ("log", "l"), ("actions", ":"), ("help", "?")]
        {
            let mut scene = scene();
            if role == Role::Watch {
                scene = scene.seen_by(&sam(), role);
            }
            for c in keys.chars() {
                scene.key(if c == '\t' { KeyCode::Tab } else { KeyCode::Char(c) });
            }
            check(name, &mut scene, if name == "actions" { KeyCode::Down } else { KeyCode::PageDown });
        }
    }
    let mut scene = scene();
    scene.keys("=");
    check("values", &mut scene, KeyCode::PageDown);
}

/// Up to the hold point, with everything in the way.
fn at_hold_point() -> Scene {
    let mut scene = scene();
    scene.bench.run("one").expect("starts");
    scene.bench.exits(0);
    let said = crate::session::event::Said { say: Some(long('N')), value: Some(long('V')) };
    scene.bench.act(&Command::Done { step: "two".into(), said }).expect("is taken");
    let _ = scene.bench.act(&Command::Check { checks: Vec::new() });
    scene.hear();
    scene
}

/// The same, and everything holds.
fn open() -> Scene {
    let mut scene = at_hold_point();
    scene.bench.answers.clear();
    let check = crate::session::command::CheckItem::parse("told");
    scene.bench.act(&Command::Attest { check, yes: true, words: long('N') }).expect("is taken");
    let _ = scene.bench.act(&Command::Check { checks: Vec::new() });
    scene.later(2);
    scene.hear();
    scene
}

/// The same, and a second person is asked.
fn asked() -> Scene {
    let mut scene = open();
    let _ = scene.bench.run("three");
    scene.later(40);
    scene.hear();
    scene
}

#[test]
fn boxes_that_ask_and_tell() {
    let down = KeyCode::PageDown;
    let mut refused = at_hold_point();
    refused.key(KeyCode::Enter);
    check("refused", &mut refused, down);
    for (name, keys) in
        [("choose", "e"), ("questions", "a"), ("note", "n"), ("skip", "x"), ("abort", "A"), ("join", "J")]
    {
        let mut scene = at_hold_point();
        scene.keys(keys);
        check(name, &mut scene, down);
    }
    let mut undo = at_hold_point();
    undo.keys("kku");
    check("undo", &mut undo, down);
    let mut answer = at_hold_point();
    answer.keys("a");
    answer.give(Msg::Paste(long('N')));
    check("answer", &mut answer, down);
    answer.key(KeyCode::Enter);
    check("judge", &mut answer, down);
}

#[test]
fn a_second_person_and_the_question() {
    check("asked", &mut asked(), KeyCode::PageDown);
    let mut scene = asked();
    let yes = Command::Approve { step: "three".into(), seen: None, name: None, signature: None };
    scene.bench.act_as(&sam(), &yes).expect("is taken");
    scene.hear();
    check("approved", &mut scene, KeyCode::PageDown);
    scene.key(KeyCode::Enter);
    check("question", &mut scene, KeyCode::PageDown);
    let mut scene = asked().seen_by(&sam(), Role::Witness);
    check("asked of me", &mut scene, KeyCode::PageDown);
    scene.keys("a");
    check("approval", &mut scene, KeyCode::Char(' '));
    scene.keys("r");
    check("refuse", &mut scene, KeyCode::Down);
}

#[test]
fn what_must_not_be_overlooked() {
    let mut scene = at_hold_point();
    scene.bench.act_as(&sam(), &Command::Hold { why: long('N') }).expect("is taken");
    scene.bench.act_as(&sam(), &Command::Note { text: long('N') }).expect("is taken");
    scene.hear();
    check("held", &mut scene, KeyCode::PageDown);
    scene.keys("R");
    check("release", &mut scene, KeyCode::Down);
    let mut scene = at_hold_point();
    for n in 0..30 {
        let person = Person { name: format!("{}{n}", "someone-with-a-long-name".repeat(3)), ..sam() };
        scene.app.people.push(Present { person, role: Role::Watch });
    }
    check("many people", &mut scene, KeyCode::PageDown);
    let log = LogHealth::Broken { why: long('N') };
    scene.give(Msg::Host(Box::new(FromHost::Health { log })));
    check("broken", &mut scene, KeyCode::PageDown);
    scene.give(Msg::Lost(long('N')));
    check("lost", &mut scene, KeyCode::PageDown);
    let mut scene = at_hold_point();
    scene.bench.act(&Command::Abort { why: long('N') }).expect("is taken");
    scene.hear();
    check("aborted", &mut scene, KeyCode::PageDown);
}

#[test]
fn output_and_search() {
    let mut scene = scene();
    scene.bench.run("one").expect("starts");
    let of = OutputFile { attempt: scene.bench.session.attempts, item: None, stream: Stream::Output };
    scene.files.insert(of, format!("{}\n", long('O')).repeat(3).into_bytes());
    scene.hear();
    check("running", &mut scene, KeyCode::PageDown);
    scene.keys("o");
    scene.key(KeyCode::Home);
    check("output", &mut scene, KeyCode::PageDown);
    scene.keys("w");
    scene.key(KeyCode::Home);
    for page in 0..3 {
        // The first column is the marks' own; a word goes on behind it.
        let picture = scene.text();
        let bare: Vec<&str> = picture.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        assert_eq!(unmarked_in(&bare.join("\n"), 39), None, "output, wrapped, page {page}:\n{picture}");
        scene.key(KeyCode::PageDown);
    }
    let mut scene = at_hold_point();
    scene.keys("/T00");
    check("search", &mut scene, KeyCode::Down);
}
