//! Every way in defaults to No: nobody there, an end of input, an empty line, a paste, a key typed before the question.
//! In each, nothing was run. (Tools that delete data with nobody there exist; this one has a case for each way in.)

use crate::support::{Home, Screen, Session};

const WIPE: &str = r"
onbelay: 1
title: Wipe
steps:
  - id: wipe
    title: Wipe it
    destructive: Everything is lost.
    confirm: shop vm
    run: echo gone >>effects
";

const PARAM: &str = "onbelay: 1\ntitle: P\nparams:\n  what: { about: What? }\nsteps:\n  - { id: a, title: A, run: echo gone >>effects }\n";

#[track_caller]
fn nothing_was_run(home: &Home) {
    assert_eq!(home.read("effects"), "");
    for dir in home.sessions() {
        let session = Session::new(home, dir.file_name().unwrap().to_str().unwrap().to_owned());
        assert!(session.records("step_started").is_empty(), "{:#?}", session.journal());
    }
}

#[test]
fn a_script_that_types_nothing_or_something_else_is_refused() {
    let home = Home::new();
    let session = home.start(WIPE);
    session.act(&["run", "wipe"]).expect(1).says("shop vm");
    for typed in [
        "",
        " ",
        "y",
        "yes",
        "wipe",
        "shop",
        "shop vm ",
        " shop vm",
        "Shop vm",
        "shop  vm",
        "shop vm\n",
        "\nshop vm",
    ] {
        session.act(&["run", "wipe", "--confirm", typed]).expect(1);
        nothing_was_run(&home);
    }
    assert_eq!(session.records("refused").len(), 13, "each is in the log");
    // Answers are there on stdin for whoever asks; nobody may ask.
    for input in ["y\n", "yes\nyes\n", "shop vm\n", "\n\n\n"] {
        home.call_with(&["do", &session.id, "run", "wipe"], input.as_bytes()).expect(1);
        nothing_was_run(&home);
    }
    session.act(&["run", "wipe", "--confirm", "shop vm"]).expect(0);
    assert_eq!(home.read("effects"), "gone\n");
}

#[test]
fn every_action_on_a_hold_point_needs_the_text() {
    let home = Home::new();
    let session = home.start(
        "onbelay: 1\ntitle: T\nsteps:\n  - { id: by-hand, title: B, destructive: true }\n  - { id: wipe, title: W, destructive: true, run: echo gone >>effects, undo: echo back >>effects }\n",
    );
    session.act(&["run", "by-hand"]).expect(1);
    session.act(&["done", "by-hand"]).expect(1);
    session.act(&["run", "wipe", "--by-hand"]).expect(1);
    nothing_was_run(&home);
    session.act(&["run", "by-hand", "--confirm", "by-hand"]).expect(0);
    session.act(&["done", "by-hand"]).expect(0);
    session.act(&["run", "wipe", "--confirm", "wipe"]).expect(0);
    session.act(&["undo", "wipe"]).expect(1);
    assert_eq!(home.read("effects"), "gone\n");
    session.act(&["undo", "wipe", "--confirm", "wipe"]).expect(0);
    assert_eq!(home.read("effects"), "gone\nback\n");
    session.verifies();
}

#[test]
fn u5_no_terminal_no_screen() {
    let home = Home::new();
    let file = home.write("runbook.yaml", WIPE);
    for words in [&["run", file.to_str().unwrap()][..], &["attach"]] {
        for input in [&b""[..], b"\n\n", b"shop vm\n"] {
            let ran = home.call_with(words, input);
            assert!(matches!(ran.code, Some(1 | 2)), "{words:?}: {ran:?}");
            nothing_was_run(&home);
        }
    }
}

#[test]
fn a_parameter_that_nobody_gives_starts_nothing() {
    let home = Home::new();
    let file = home.write("runbook.yaml", PARAM);
    let file = file.to_str().unwrap();
    home.call(&["start", file]).expect(2).says("what");
    for input in [&b""[..], b"\n", b"\n\n\n"] {
        home.call_with(&["run", file, "--plain"], input).expect(2);
    }
    assert!(home.sessions().is_empty(), "no session was left");
    nothing_was_run(&home);
}

#[test]
fn plain_end_of_input_answers_nothing() {
    let home = Home::new();
    let file = home.write("runbook.yaml", WIPE);
    // Each ends somewhere else: before anything, at the question, in the middle of its answer.
    for input in [
        "",
        "\n",
        "\n\n\n\n",
        "run wipe\n",
        "run wipe\n\n",
        "run wipe\nshop v",
        "run wipe\nshop vm",
        "run wipe\ny\n",
        "run wipe\nyes\n\n",
    ] {
        let ran = home.call_with(&["run", file.to_str().unwrap(), "--plain", "--another"], input.as_bytes());
        assert!(matches!(ran.code, Some(0 | 1)), "{input:?}: {ran:?}");
        nothing_was_run(&home);
    }
}

#[test]
fn plain_lets_through_what_was_typed_in_full() {
    let home = Home::new();
    let file = home.write("runbook.yaml", WIPE);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap(), "--plain"], (30, 100));
    screen.wait_for("Wipe it");
    screen.press("run wipe\r");
    screen.wait_for("Type  shop vm  to go on");
    nothing_was_run(&home);
    screen.press("shop vm\r");
    let session = home.only_session();
    session.wait_for("step_settled");
    assert_eq!(home.read("effects"), "gone\n");
}

#[test]
fn plain_a_bare_enter_and_a_hang_up_at_the_question_are_no() {
    let home = Home::new();
    let file = home.write("runbook.yaml", WIPE);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap(), "--plain"], (30, 100));
    screen.wait_for("Wipe it");
    screen.press("run wipe\r");
    // What comes before the prompt is there counts for nothing, the Enter included.
    screen.wait_for("to go on");
    screen.press("\r");
    screen.wait_for("not now; nothing was run");
    screen.press("run wipe\r");
    screen.wait("the question again", |text| text.matches("shop vm").count() > 2);
    drop(screen);
    nothing_was_run(&home);
}

#[test]
fn u7_on_the_screen_an_empty_line_escape_a_paste_and_early_keys_are_no() {
    let home = Home::new();
    let file = home.write("runbook.yaml", WIPE);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap()], (24, 80));
    screen.wait_for("Wipe it");
    let session = home.only_session();
    let asks = |text: &str| text.contains("to go on");
    // Typed before the question was there: Enter starts the step, and the rest comes with it. The last Enter may find
    // the question open: then it is an empty line. Either way nothing is run.
    screen.press("\rshop vm\r");
    session.wait_for("question_put");
    nothing_was_run(&home);
    screen.press_until("\r", asks);
    screen.press("\r");
    screen.press_until("\x1b", |text| !asks(text));
    nothing_was_run(&home);
    screen.press_until("\r", asks);
    screen.paste("shop vm\n");
    screen.press("\r");
    screen.press_until("\x1b", |text| !asks(text));
    nothing_was_run(&home);
    // The window closes while the question stands.
    screen.press_until("\r", asks);
    screen.press("shop v");
    drop(screen);
    nothing_was_run(&home);
    session.act(&["note", "the session is well"]).expect(0);
}

/// A megabyte of what would start, confirm and approve, line by line.
fn a_megabyte() -> String {
    "\r\nrun wipe\r\nshop vm\r\ny\r\napprove\r\n".repeat((1 << 20) / 34)
}

#[test]
fn u7_a_megabyte_that_is_pasted_starts_and_confirms_nothing() {
    let home = Home::new();
    let file = home.write("runbook.yaml", WIPE);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap()], (24, 80));
    screen.wait_for("Wipe it");
    let session = home.only_session();
    let asks = |text: &str| text.contains("to go on");
    // Where keys would act, and where a text is asked for.
    screen.paste(&a_megabyte());
    screen.press_until("?", |text| text.contains("Esc close"));
    screen.press_until("\x1b", |text| !text.contains("Esc close"));
    assert!(session.records("requested").is_empty(), "{:#?}", session.journal());
    screen.press_until("\r", asks);
    screen.paste(&a_megabyte());
    screen.paste("shop vm");
    screen.press("\r");
    screen.paste("\ny\n");
    screen.press_until("\x1b", |text| !asks(text));
    nothing_was_run(&home);
    // The same screen still takes what is typed.
    screen.press_until("\r", asks);
    screen.fill_in("shop vm");
    screen.press("\r");
    session.wait_for("step_settled");
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
}

const WITNESSED: &str = "onbelay: 1
title: Witnessed
steps:
  - { id: wipe, title: Wipe it, destructive: 'All of it.', witness: { proof: here }, confirm: shop vm, run: echo gone >>effects }
";

#[test]
fn u7_in_lines_what_is_pasted_at_a_question_is_no_answer_to_it_or_the_next() {
    let home = Home::new();
    let file = home.write("runbook.yaml", WITNESSED);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap(), "--plain"], (60, 120));
    screen.wait_for("waiting]");
    let session = home.only_session();
    // The name and the word in one go: the word came before it was asked for.
    for pasted in ["kim\rapprove\r", "kim\ry\r", "\x1b[200~kim\rapprove\r\x1b[201~"] {
        screen.press("approve\r");
        screen.wait("the name is asked for", |text| text.trim_end().ends_with("(Enter: no):"));
        screen.hurry(pasted);
        screen.press_until("\r", |text| text.trim_end().ends_with("does nothing >"));
        assert!(session.records("approved").is_empty(), "{pasted:?}");
    }
    screen.press("approve\r");
    screen.wait("the name is asked for", |text| text.trim_end().ends_with("(Enter: no):"));
    screen.press("kim\r");
    screen.wait_for("Type  approve  to approve");
    screen.press("approve\r");
    session.wait_for("approved");
    // The text that confirms with more behind it, or before it is asked for.
    for pasted in ["run\rshop vm\r", "run wipe\r\nshop vm\r\ny\r\n"] {
        screen.wait("a prompt", |text| text.trim_end().ends_with('>'));
        screen.hurry(pasted);
        screen.wait("the question", |text| text.trim_end().ends_with("not now:"));
        screen.press_until("\r", |text| text.trim_end().ends_with('>'));
    }
    screen.press("run\r");
    screen.wait("the question", |text| text.trim_end().ends_with("not now:"));
    screen.hurry("shop vm\ry\r");
    screen.wait_for("pasted, not typed: not now");
    nothing_was_run(&home);
}

#[test]
fn on_the_screen_what_is_typed_in_full_lets_it_through() {
    let home = Home::new();
    let file = home.write("runbook.yaml", WIPE);
    let mut screen = Screen::open(&home, &["run", file.to_str().unwrap()], (24, 80));
    screen.wait_for("Wipe it");
    screen.press("\r");
    screen.wait_for("to go on");
    screen.fill_in("shop vm");
    screen.press("\r");
    home.only_session().wait_for("step_settled");
    assert_eq!(home.read("effects"), "gone\n");
    screen.press("q");
    assert_eq!(screen.wait_end(), 0);
    screen.is_restored();
}

#[test]
fn the_demo_with_nobody_there_deletes_nothing() {
    let home = Home::new().with("TMPDIR", std::env::temp_dir());
    for input in [&b""[..], b"\n\n\n\n"] {
        let ran = home.call_with(&["demo", "--plain"], input);
        assert!(matches!(ran.code, Some(0 | 1)), "{ran:?}");
        nothing_was_run(&home);
    }
}
