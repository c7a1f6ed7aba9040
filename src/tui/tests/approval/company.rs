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
        Mode::Actions(_) => "actions",
        Mode::Search(_) => "search",
        // Here the chord is for the command, and the footer says so; `tests/terminal.rs` holds it.
        Mode::Terminal(_) => "terminal",
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
            assert_eq!(hold.why, "at once, no words given");
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
    for line in ["onbelay attach --witness k3f9", "onbelay attach --watch k3f9"] {
        assert!(rows.contains(&line), "{line}: {text}");
    }
    assert!(!text.contains("ssh-keygen"), "no step takes a signature: {text}");
    let mut by_key = Scene::asked("{ proof: key }").sized(80, 24);
    by_key.keys("J");
    let text = by_key.text();
    let signing = text.find("onbelay approval show k3f9 delete > approval.txt");
    assert!(signing < text.find("--witness k3f9") && signing.is_some(), "what counts comes first: {text}");
    assert!(scene.sent.iter().all(|message| !matches!(message, ToHost::Request { .. })));
}

#[test]
fn whoever_approved_it_and_drives_now_is_told_the_way_out() {
    let mut scene = witness(ACCOUNT).sized(80, 40);
    by_sam(&mut scene, &yes());
    scene.bench.found.named = Some(Ok(sam()));
    scene.bench.act(&Command::Handover { to: "sam".to_owned() }).expect("is taken");
    scene.hear();
    scene.app.role = Role::Drive;
    let text = scene.text();
    assert!(text.contains("you approved it, so you never start it: hand over"), "{text}");
    scene.key(KeyCode::Enter);
    let text = scene.text();
    assert!(text.contains("Refused") && text.contains("P  hands over to somebody else"), "{text}");
}

#[test]
fn only_those_who_may_are_told_that_enter_starts() {
    for role in [Role::Witness, Role::Watch] {
        let mut scene = Scene::shut().seen_by(&sam(), role).sized(80, 24);
        assert!(!scene.text().contains("Enter start"), "{}", scene.text());
        scene.key(KeyCode::Enter);
        assert!(scene.text().contains("only dana, the operator, starts steps"), "{}", scene.text());
    }
}

#[test]
fn the_operators_screen_always_says_who_is_here_how_that_is_known_and_how_to_join() {
    let many: Vec<_> = ["ann", "bob", "cas", "dov", "eva"]
        .iter()
        .zip(2000..)
        .map(|(name, uid)| Person { name: (*name).to_owned(), uid: Some(uid), login: Some(uid) })
        .collect();
    for (width, height) in [(80, 24), (100, 30), (120, 40), (80, 16)] {
        let mut scene = Scene::shut().sized(width, height);
        scene.app.join = "onbelay attach --witness /srv/onbelay/k3f9".to_owned();
        let text = scene.text();
        assert!(text.contains("sam ▸ watching, another account"), "{width}x{height}: {text}");
        assert!(text.contains("onbelay attach --witness /srv/onbelay/k3f9"), "{width}x{height}: {text}");
        for person in &many {
            scene
                .app
                .people
                .push(crate::wire::messages::Present { person: person.clone(), role: Role::Witness });
        }
        let text = scene.text();
        let shown =
            many.iter().filter(|person| text.contains(&format!("{} ▸ witness, another", person.name)));
        let left = many.len() - shown.count();
        assert!(left == 0 || text.contains(&format!("+{left} more")), "{width}x{height}: {text}");
        assert!(text.contains("onbelay attach --witness /srv/onbelay/k3f9"), "{width}x{height}: {text}");
    }
    let mut scene = Scene::shut().sized(40, 12);
    assert!(scene.text().contains("sam watch acct"), "{}", scene.text());
    scene.app.people.retain(|present| present.role == Role::Drive);
    assert!(scene.text().contains("onbelay attach --witness k3f9"), "{}", scene.text());
}

#[test]
fn a_newcomer_hears_nothing_of_approvals_that_were_void_before() {
    let mut scene = witness(ACCOUNT);
    let kim = Person { name: "kim".to_owned(), uid: Some(1002), login: None };
    by_sam(&mut scene, &yes());
    scene.bench.act(&Command::Hold { why: "wait".to_owned() }).expect("is taken");
    scene.hear();
    assert!(scene.text().contains("the approval of 4 is void: dana called a hold"), "{}", scene.text());
    let mut scene = scene.seen_by(&kim, Role::Watch).sized(80, 24);
    scene.bench.act(&Command::Note { text: "on we go".to_owned() }).expect("is taken");
    scene.hear();
    assert!(scene.app.notice.is_none(), "{}", scene.text());
}

#[test]
fn nothing_in_the_last_rows_lies_on_anything_else() {
    let long = "x".repeat(200);
    for width in 40..130 {
        for text in ["short", "a sentence of some length that leaves little room for the rest of it", &long] {
            let mut scene = Scene::shut().sized(width, 24);
            scene.app.say(text);
            let shown = scene.text();
            let row = shown.lines().nth(22).unwrap_or_default().to_owned();
            let safe = row.contains(" log safe ") || row.contains(" log safe · ");
            assert!(safe == row.contains("log"), "{width}: {row}");
            let whole = row.trim_matches('─').trim();
            assert!(
                whole.ends_with("records") || whole.ends_with("log safe") || !whole.contains("records"),
                "{width}: {row}"
            );
        }
    }
}

#[test]
fn a_key_that_a_banner_offers_works_on_every_screen() {
    for screen in [Screen::Steps, Screen::Output, Screen::Log] {
        let mut scene = Scene::copying(b"a line\n");
        scene.bench.act(&Command::Hold { why: "wait".to_owned() }).expect("is taken");
        scene.hear();
        scene.app.screen = screen;
        assert!(scene.text().contains("R releases"), "{}", scene.text());
        scene.keys("R");
        assert!(scene.bench.session.holds.is_empty(), "{screen:?}");
    }
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
