//! Several people at their screens: the chord that holds, what each role may do, the wheel, leaving, and joining.

use super::*;

/// Every mode and every screen there is: a new one does not compile here until it is held in too.
fn everywhere() -> Vec<(&'static str, Scene)> {
    let of = |mode: &Mode| match mode {
        Mode::Plain => "plain",
        Mode::Question(_) => "question",
        Mode::Prompt(_) => "prompt",
        Mode::Choose(_) => "choose",
        Mode::Refused(_) => "refused",
        Mode::Approval(_) => "approval",
        Mode::Join { .. } => "join",
        Mode::Help { .. } => "help",
        Mode::About { .. } => "about",
        Mode::Actions { .. } => "actions",
        Mode::Search(_) => "search",
    };
    let mut all: Vec<(&'static str, Scene)> = Vec::new();
    let mut add = |wanted: &'static str, mut scene: Scene, keys: &str| {
        for c in keys.chars() {
            scene.key(if c == '\n' {
                KeyCode::Enter
            } else if c == '\t' {
                KeyCode::Tab
            } else {
                KeyCode::Char(c)
            });
        }
        assert_eq!(of(&scene.app.mode), wanted, "{}", scene.text());
        all.push((wanted, scene));
    };
    add("plain", Scene::shut(), "");
    add("plain", Scene::shut(), "\t");
    add("plain", Scene::shut(), "l");
    add("plain", Scene::copying(b"a line\n"), "o");
    add("question", Scene::open(), "\nshop");
    add("prompt", Scene::shut(), "na note");
    add("prompt", Scene::at_hold_point(), "aseen\n");
    add("prompt", Scene::copying(b""), "s");
    add("choose", Scene::shut(), "e");
    add("refused", Scene::shut(), "\n");
    add("approval", witness(ACCOUNT), "a");
    add("approval", witness(ACCOUNT), "a    Aappro");
    add("join", Scene::shut(), "J");
    add("help", Scene::shut(), "?");
    add("about", Scene::shut(), "i");
    add("actions", Scene::shut(), ":");
    add("search", Scene::shut(), "/copy");
    add("plain", Scene::shut().seen_by(&sam(), Role::Watch), "");
    add("plain", Scene::shut().seen_by(&sam(), Role::Witness), "");
    all
}

#[test]
fn the_chord_holds_at_once_wherever_it_is_pressed_and_is_seen_there() {
    for size in [(80, 24), (120, 40), (40, 12), (20, 5)] {
        for (name, mut scene) in everywhere() {
            let mode = format!("{:?}", std::mem::discriminant(&scene.app.mode));
            scene.give(Msg::Resize(size.0, size.1));
            // Even before a picture of what takes the keys was there.
            scene.ctrl('x');
            assert_eq!(scene.bench.session.holds.len(), 1, "{name} at {size:?}");
            let hold = scene.bench.session.holds[0].clone();
            assert_eq!(hold.why, format!("Ctrl-X on {}'s screen", hold.by.name));
            assert_eq!(
                mode,
                format!("{:?}", std::mem::discriminant(&scene.app.mode)),
                "{name}: it stays where it was"
            );
            let text = scene.text();
            assert!(text.contains('⏸') && text.contains(&hold.by.name), "{name} at {size:?}: {text}");
            scene.ctrl('x');
            assert_eq!(scene.bench.session.holds.len(), 1, "a second press is not a second hold");
        }
    }
}

#[test]
fn a_hold_that_cannot_be_called_says_so() {
    let mut scene = Scene::shut();
    scene.give(Msg::Lost("the host ended the connection".to_owned()));
    scene.ctrl('x');
    assert!(scene.text().contains("NOT HELD"), "{}", scene.text());
}

#[test]
fn a_witness_is_told_what_a_witnesss_screen_does_not_do() {
    let mut scene = Scene::shut().seen_by(&sam(), Role::Witness);
    for verb in [Verb::Run, Verb::ByHand, Verb::Skip, Verb::Abort, Verb::Handover] {
        let fit = fit(&scene.app, verb);
        assert!(
            !fit.is_yes() && (fit.why().contains("a witness's") || matches!(fit, Fit::Absent(_))),
            "{verb:?}: {fit:?}"
        );
    }
    for verb in [Verb::Note, Verb::Hold, Verb::HoldNow, Verb::Check, Verb::Attest] {
        assert!(fit(&scene.app, verb).is_yes(), "{verb:?}");
    }
    scene.keys("x");
    assert!(scene.text().contains("this screen is a witness's"), "{}", scene.text());
}

#[test]
fn a_watcher_may_hold_and_note_and_nothing_else() {
    let mut scene = Scene::shut().seen_by(&sam(), Role::Watch);
    scene.keys("nlook west");
    scene.key(KeyCode::Enter);
    scene.keys("Hwait");
    scene.key(KeyCode::Enter);
    assert!(matches!(scene.commands()[..], [Command::Note { .. }, Command::Hold { .. }]));
    scene.keys("R");
    assert!(matches!(scene.commands().last(), Some(Command::Release { why: None })));
    for key in ["c", "x", "P", "e"] {
        scene.keys(key);
        assert!(scene.text().contains("this screen only watches"), "{key}: {}", scene.text());
    }
}

#[test]
fn the_wheel_is_handed_over_by_name_and_with_a_yes() {
    let mut scene = Scene::shut();
    scene.bench.found.named = Some(Ok(sam()));
    scene.keys("Psam");
    scene.key(KeyCode::Enter);
    scene.key(KeyCode::Enter);
    assert_eq!(scene.commands().len(), 0, "an empty line is no");
    scene.keys("Psam");
    scene.key(KeyCode::Enter);
    scene.give(Msg::Paste("y".to_owned()));
    scene.key(KeyCode::Enter);
    assert_eq!(scene.commands().len(), 0, "nor is a paste a yes");
    scene.keys("Psam");
    scene.key(KeyCode::Enter);
    scene.keys("y");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.bench.session.operator, sam());
    assert!(scene.text().contains("sam ▸ operator"), "{}", scene.text());
}

#[test]
fn leaving_after_an_approval_is_asked_about_because_it_voids_it() {
    let mut scene = reading(ACCOUNT);
    read_to_the_end(&mut scene);
    scene.keys("Aapprove");
    scene.key(KeyCode::Enter);
    scene.key(KeyCode::Esc);
    assert!(
        scene.text().contains("you approved 4 Delete the old virtual machine: leaving this screen"),
        "{}",
        scene.text()
    );
    scene.keys("q");
    assert!(!scene.left && scene.text().contains("your approval is void"), "{}", scene.text());
    scene.key(KeyCode::Enter);
    assert!(!scene.left);
    scene.keys("qy");
    scene.key(KeyCode::Enter);
    assert!(scene.left);
}

#[test]
fn the_lines_to_join_can_be_copied_from_rows_of_their_own() {
    let mut scene = Scene::asked(ACCOUNT).sized(80, 24);
    scene.keys("J");
    let text = scene.text();
    let rows: Vec<&str> = text.lines().collect();
    for line in [
        "onbelay attach --witness k3f9",
        "onbelay attach --watch k3f9",
        "onbelay approval show k3f9 delete > approval.txt",
    ] {
        assert!(rows.contains(&line), "{line}: {text}");
    }
    assert!(scene.sent.iter().all(|message| !matches!(message, ToHost::Request { .. })));
}

#[test]
fn a_screen_that_only_looks_has_nothing_asked_anew() {
    let mut scene = Scene::asked(ACCOUNT);
    scene.later(6 * 60);
    scene.keys("V");
    assert_eq!(scene.commands().len(), 0, "sam may be in the middle of reading it");
    assert_eq!(scene.app.screen, Screen::Walk);
    assert_eq!(scene.app.you, dana());
}
