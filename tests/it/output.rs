//! The page of an output, at a terminal: its colours, what is looked for in it, other attempts, saving and copying.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::{Home, Screen, Session, until};

/// A walk of one step that fails, so that it stays at hand.
fn failing(home: &Home, script: &str) -> String {
    let mut yaml =
        "onbelay: 1\ntitle: Look at it\nsteps:\n  - id: first\n    title: Write a lot\n    run: |\n"
            .to_owned();
    for line in script.lines().chain(["exit 1"]) {
        yaml.push_str("      ");
        yaml.push_str(line);
        yaml.push('\n');
    }
    let session = home.start(&yaml);
    session.act(&["run", "first"]).expect(4);
    session.id
}

/// As `failing`, of a command that writes on and on until there is a file `enough`.
fn growing(home: &Home) -> Session<'_> {
    let session = home.start(
        r"
onbelay: 1
title: Look at it
steps:
  - id: first
    title: Write a lot
    run: |
      echo the very first
      i=0
      while [ ! -e enough ]; do i=$((i+1)); echo growing line $i; sleep 0.01; done
",
    );
    session.act(&["run", "first", "--no-wait"]).expect(0);
    session
}

/// The page of its output.
fn page(home: &Home, id: &str, size: (u16, u16)) -> Screen {
    let mut screen = Screen::open(home, &["attach", id], size);
    screen.wait_for("Write a lot");
    screen.press_until("o", |text| text.contains("f unfollow"));
    // What is counted by the window's size is counted by that of the last picture; this one is the last when a key
    // that was pressed in it has been answered.
    for (key, word) in [("f", "f follow"), ("f", "f unfollow")] {
        screen.press(key);
        screen.wait_for(word);
    }
    screen
}

/// Types what is to be found, and looks for it.
fn find(screen: &mut Screen, text: &str) {
    screen.press("/");
    screen.wait_for("find in this output:");
    screen.press(text);
    screen.wait_for(&format!("find in this output:  {text}"));
    screen.press_until("\r", |text| !text.contains("find in this output:"));
}

fn go_to(screen: &mut Screen, place: &str) {
    screen.press("%");
    screen.wait_for("go to (");
    screen.press(place);
    screen.wait_for(&format!("):  {place}"));
    screen.press_until("\r", |text| !text.contains("go to ("));
}

/// Says where it is to be saved, and sends it.
fn save_to(screen: &mut Screen, path: &str) {
    screen.press("S");
    screen.wait_for("no file is overwritten");
    screen.fill_in(path);
    screen.press("\r");
}

/// Asks to copy, types the answer to the question, and sends it.
fn answer_copy(screen: &mut Screen, answer: &str) {
    screen.press("y");
    screen.wait_for("Type y to go on:");
    if !answer.is_empty() {
        let typed = format!("go on:  {answer}");
        screen.press_until(answer, |text| text.contains(&typed));
    }
    screen.press_until("\r", |text| !text.contains("Type y to go on:"));
}

/// What the terminal was told to put into its clipboard, each time.
fn clipboard(screen: &Screen) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = &screen.raw[..];
    while let Some(at) = rest.windows(5).position(|part| part == b"\x1b]52;") {
        rest = &rest[at + 5..];
        let end = rest.iter().position(|byte| *byte == 7).expect("the sequence has its end");
        let text = rest[..end].strip_prefix(b"c;").expect("the clipboard, and no other");
        found.push(String::from_utf8(data_encoding::BASE64.decode(text).unwrap()).unwrap());
    }
    found
}

/// Does this row begin with these words?
fn row(text: &str, words: &str) -> bool {
    // The first column is the marks' own.
    text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).any(|line| line.trim_end() == words)
}

const PLACES: &str = "i=1\nwhile [ $i -le 400 ]; do\ncase $i in 10|200|390) echo the needle $i;; *) echo plain line $i;; esac\n\
                      i=$((i+1))\ndone";

#[test]
fn colours_are_kept_and_everything_else_is_text() {
    let home = Home::new().with("COLORTERM", "truecolor");
    let id = failing(
        &home,
        r"printf 'before it\n\033[31mred words\033[0m, plain words, \033[38;2;10;200;30mgreen words\033[0m\n'
printf '\033[2J\033[Hstill here\n\033]52;c;aGFja2Vk\007clipped\n\033]0;owned\007titled\n\033[?1049lmain\n'",
    );
    let mut screen = page(&home, &id, (24, 80));
    screen.wait_for("␛[?1049lmain");
    let text = screen.text();
    for seen in [
        "before it",
        "red words, plain words",
        "␛[2J␛[Hstill here",
        "␛]52;c;aGFja2Vk␇clipped",
        "␛]0;owned␇titled",
    ] {
        assert!(text.contains(seen), "{seen}\n{text}");
    }
    assert_eq!(screen.ink("red words"), vt100::Color::Idx(1));
    assert_eq!(screen.ink("plain words"), vt100::Color::Default);
    assert_eq!(screen.ink("green words"), vt100::Color::Rgb(10, 200, 30));
    let raw = String::from_utf8_lossy(&screen.raw);
    assert!(!raw.contains("\x1b]"), "nothing of the command's reached the terminal");
    assert!(!raw.contains("\x1b[?1049l"), "still on the screen of its own");
}

#[test]
fn a_text_is_found_forwards_backwards_and_around() {
    let home = Home::new();
    let id = failing(&home, PLACES);
    let mut screen = page(&home, &id, (24, 80));
    screen.press("g");
    screen.wait("its start", |text| row(text, "plain line 1"));
    find(&mut screen, "needle");
    screen.wait("the first place", |text| row(text, "▸the needle 10"));
    screen.wait_for("n next");
    screen.press("n");
    screen.wait("the next place", |text| row(text, "▸the needle 200"));
    screen.press("n");
    screen.wait("the last place", |text| row(text, "▸the needle 390"));
    screen.press("n");
    screen
        .wait("around", |text| row(text, "▸the needle 10") && text.contains("past the end there is nothing"));
    screen.press("N");
    screen.wait("around", |text| {
        row(text, "▸the needle 390") && text.contains("before the start there is nothing")
    });
    screen.press("N");
    screen.wait("the place before", |text| row(text, "▸the needle 200"));
    screen.press("\x1b");
    screen.wait("the search has ended, the page has not", |text| {
        row(text, "the needle 200") && text.contains("Esc steps") && text.contains("w wrap")
    });
    find(&mut screen, "it is not there");
    screen.wait_for("“it is not there” is nowhere");
    assert!(screen.text().contains("the needle 200"), "it stays where it was\n{}", screen.text());
    screen.press("\x1b");
    screen.wait_for("Esc steps");
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
}

#[test]
fn attempts_are_gone_through_and_stand_side_by_side() {
    let home = Home::new();
    let id = failing(&home, "echo x >>tries\necho this is try $(cat tries | wc -l)");
    let session = Session::new(&home, id.clone());
    for _ in 0..2 {
        session.act(&["run", "first"]).expect(4);
    }
    let mut screen = page(&home, &id, (24, 80));
    let only = |n: u32| {
        move |text: &str| {
            (1..=3).all(|other| text.contains(&format!("this is try {other}")) == (other == n))
                && text.contains(&format!("attempt {n} ({n} of 3)"))
        }
    };
    screen.wait("the newest", only(3));
    for (key, shown) in [("{", 2), ("[", 1), ("]", 2), ("}", 3), ("[", 2), ("{", 1)] {
        screen.press(key);
        screen.wait(key, only(shown));
    }
    for (key, said) in [("[", "this is the first output"), ("{", "this is the first attempt")] {
        screen.press(key);
        screen.wait_for(said);
    }
    screen.press("}}");
    screen.wait("the newest", only(3));
    screen.press("}");
    screen.wait_for("this is the last attempt");
    screen.press("]");
    screen.wait_for("this is the last output");
    screen.press("|");
    screen.wait("two of them", |text| {
        text.contains("this is try 2") && text.contains("this is try 3") && text.contains("▸attempt 3")
    });
    screen.press("{");
    screen.wait("two others", |text| {
        text.contains("this is try 1") && text.contains("▸attempt 2") && !text.contains("this is try 3")
    });
    screen.press("|");
    screen.wait("one alone", only(2));
}

#[test]
fn a_place_in_it_is_gone_to() {
    let home = Home::new();
    // A thousand lines of ten bytes.
    let id = failing(&home, "i=1\nwhile [ $i -le 1000 ]; do printf 'line %04d\\n' $i; i=$((i+1)); done");
    let mut screen = page(&home, &id, (24, 80));
    screen.wait_for("line 1000");
    for (place, first, status) in [
        ("50 %", "line 0501", "from 5.0 KB of 10 KB · 50 %"),
        ("2.5 kb", "line 0251", "from 2.5 KB of 10 KB · 25 %"),
        ("0", "line 0001", "from 0 B of 10 KB · 0 %"),
    ] {
        go_to(&mut screen, place);
        screen.wait(place, |text| {
            text.lines()
                .map(str::trim)
                .find(|line| line.starts_with("line "))
                .is_some_and(|line| line == first)
                && text.contains(status)
        });
    }
    go_to(&mut screen, "somewhere");
    screen.wait_for("a place in it is said like this");
    go_to(&mut screen, "1 TB");
    screen.wait("its end", |text| text.contains("line 1000") && text.contains("ended · 10 KB"));
}

fn is_kept(path: &Path, bytes: &[u8]) {
    assert!(std::fs::read(path).unwrap() == bytes, "{} differs", path.display());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn an_output_is_saved_to_the_byte_and_nothing_is_overwritten() {
    let home = Home::new();
    let id = failing(&home, &format!("printf '\\033[31mred\\033[2J\\000\\377\\r\\n'\n{PLACES}"));
    let written = Session::new(&home, id.clone()).output(1);
    assert!(written.starts_with(b"\x1b[31mred\x1b[2J\0\xff\r\n"));
    let mut screen = page(&home, &id, (24, 80));
    save_to(&mut screen, "kept.log");
    screen.wait_for("saved ");
    is_kept(&home.path("kept.log"), &written);
    home.write("other.log", "somebody's");
    save_to(&mut screen, "other.log");
    screen.wait_for("there is a file of that name");
    screen.fill_in("second.log");
    screen.press("\r");
    screen.wait("saved under the other name", |text| {
        text.contains("saved ") && text.contains("second.log") && text.contains("w wrap")
    });
    is_kept(&home.path("second.log"), &written);
    assert_eq!(home.read("other.log"), "somebody's");
    save_to(&mut screen, "/proc/kept.log");
    screen.wait_for("not saved: cannot make /proc/kept.log");
    // From the person's own directory.
    save_to(&mut screen, "~/mine.log");
    screen.wait("saved there", |text| text.contains("saved ") && text.contains("mine.log"));
    is_kept(&home.path("../mine.log"), &written);
    // An empty line and Esc are no.
    screen.press("S");
    screen.wait_for("no file is overwritten");
    screen.press_until("\r", |text| !text.contains("no file is overwritten"));
    screen.press("S");
    screen.wait_for("no file is overwritten");
    screen.fill_in("never.log");
    screen.press("\x1b");
    screen.wait_for("not now: nothing was done");
    assert!(!home.path("never.log").exists());
}

#[test]
fn a_saving_that_is_stopped_leaves_nothing() {
    let home = Home::new();
    let id = failing(&home, "echo the start of it");
    let output = Session::new(&home, id.clone()).dir().join("attempts/1/output");
    File::options().write(true).open(output).unwrap().set_len(20 << 30).unwrap();
    let mut screen = page(&home, &id, (24, 80));
    screen.wait_for("21 GB");
    screen.wait_for("␀␀");
    save_to(&mut screen, "large.log");
    let large = || {
        let files = home.path("").read_dir().unwrap().flatten();
        files.filter_map(|file| file.metadata().ok()).any(|found| found.is_file() && found.len() > 1 << 20)
    };
    until("a part of it", || large().then_some(()));
    screen.wait_for("Esc stop saving");
    assert!(!home.path("large.log").exists(), "half a file has not this name");
    screen.press("\x1b");
    screen.wait_for("saving was stopped");
    until("the part is removed", || (!large()).then_some(()));
    assert!(!home.path("large.log").exists());
    screen.wait_for("Esc steps");
}

#[test]
fn nothing_is_copied_before_a_typed_yes() {
    let home = Home::new();
    let id = failing(&home, "echo one; printf '\\033[31mtwo\\033[0m \\033[2J\\n'; echo 日本 three");
    let mut screen = page(&home, &id, (24, 80));
    screen.wait_for("three");
    screen.press("y");
    screen.wait_for("Copy the 3 lines on the screen");
    screen.press("\x1b");
    screen.wait("the question is gone", |text| !text.contains("Type y to go on:"));
    answer_copy(&mut screen, "");
    answer_copy(&mut screen, "n");
    screen.wait_for("that was no yes");
    screen.press("y");
    screen.wait_for("Type y to go on:");
    screen.paste("y\r");
    screen.press_until("\r", |text| !text.contains("Type y to go on:"));
    assert_eq!(clipboard(&screen), [""; 0]);
    answer_copy(&mut screen, "y");
    screen.wait_for("lines were sent to the terminal");
    assert_eq!(clipboard(&screen), ["one\ntwo ␛[2J\n日本 three\n"]);
}

#[test]
fn all_of_it_while_the_output_grows() {
    let home = Home::new();
    let session = growing(&home);
    let mut screen = page(&home, &session.id, (24, 80));
    screen.wait_for("growing line 30");
    find(&mut screen, "the very");
    screen.wait("around", |text| {
        row(text, "▸the very first") && text.contains("past the end there is nothing")
    });
    screen.press("\x1b");
    screen.wait_for("Esc steps");
    screen.press("G");
    screen.wait_for("following");
    assert_eq!(clipboard(&screen), [""; 0]);
    answer_copy(&mut screen, "y");
    screen.wait_for("lines were sent to the terminal");
    let copied = clipboard(&screen);
    let [copied] = &copied[..] else { panic!("once: {copied:?}") };
    let numbers: Vec<u32> =
        copied.lines().map(|line| line.strip_prefix("growing line ").unwrap().parse().unwrap()).collect();
    assert!(numbers.len() > 5 && numbers.windows(2).all(|two| two[1] == two[0] + 1), "{numbers:?}");
    save_to(&mut screen, "kept.log");
    screen.wait_for("saved ");
    home.write("enough", "");
    session.wait_for("step_settled");
    let (kept, all) = (std::fs::read(home.path("kept.log")).unwrap(), session.output(1));
    assert!(kept.len() > 300 && all.starts_with(&kept), "{} of {} bytes", kept.len(), all.len());
    session.verifies();
}

#[test]
fn the_smallest_window_does_it_all() {
    let home = Home::new();
    let id = failing(&home, PLACES);
    let mut screen = page(&home, &id, (12, 40));
    screen.press("g");
    screen.wait("its start", |text| row(text, "plain line 1"));
    find(&mut screen, "needle");
    screen.wait("the first place", |text| row(text, "▸the needle 10"));
    // Keys may come faster than the places.
    screen.press("nnn");
    screen.wait("around", |text| row(text, "▸the needle 10") && text.contains("past the end"));
    screen.press("NNN");
    screen.wait("and back", |text| row(text, "▸the needle 10") && text.contains("before the start"));
    screen.press("\x1b");
    screen.wait("the search has ended", |text| row(text, "the needle 10"));
    go_to(&mut screen, "50 %");
    screen.wait("half of it", |text| text.contains("plain line 20"));
    answer_copy(&mut screen, "y");
    screen.wait("copied", |text| text.contains("were sent"));
    assert_eq!(clipboard(&screen).len(), 1);
    screen.press("S");
    screen.wait_for("›");
    screen.fill_in("kept.log");
    screen.press("\r");
    screen.wait_for("saved ");
    is_kept(&home.path("kept.log"), &Session::new(&home, id).output(1));
}
