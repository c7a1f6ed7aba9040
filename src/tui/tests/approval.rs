//! A second person at their screen, and the operator waiting for them: what keys lead to, and what never does.

use ratatui::crossterm::event::{KeyCode, KeyEvent};

use crate::session::bench::{dana, sam};
use crate::session::command::CheckItem;
use crate::session::{Command, Event, Person, Proven};
use crate::tui::app::Msg;
use crate::tui::approval::{Part, part};
use crate::tui::fit::{Fit, fit};
use crate::tui::fixture::Scene;
use crate::tui::keys::Verb;
use crate::tui::mode::{Mode, Screen};
use crate::wire::ToHost;
use crate::wire::messages::Role;

const ACCOUNT: &str = "true";
const HERE: &str = "{ proof: here }";

fn witness(rule: &str) -> Scene {
    let mut scene = Scene::asked(rule).seen_by(&sam(), Role::Witness).sized(80, 24);
    scene.bench.found.attached = true;
    scene
}

/// Sam's screen with what is asked open on it.
fn reading(rule: &str) -> Scene {
    let mut scene = witness(rule);
    scene.keys("a");
    assert!(matches!(scene.app.mode, Mode::Approval(_)), "{}", scene.text());
    scene
}

fn read_to_the_end(scene: &mut Scene) {
    for _ in 0..200 {
        if scene.text().contains("That is all of it.") {
            return;
        }
        scene.key(KeyCode::PageDown);
    }
    panic!("there is no end: {}", scene.text());
}

fn approvals(scene: &Scene) -> usize {
    scene.bench.entries.iter().filter(|entry| matches!(entry.event, Event::Approved { .. })).count()
}

fn by_sam(scene: &mut Scene, command: &Command) {
    scene.bench.act_as(&sam(), command).unwrap_or_else(|no| panic!("{no:?}"));
    scene.hear();
}

fn yes() -> Command {
    Command::Approve { step: "delete".into(), seen: None, name: None, signature: None }
}

#[test]
fn who_is_asked_is_told_loudly_and_nothing_opens_by_itself() {
    let mut scene = Scene::witnessed(ACCOUNT).seen_by(&sam(), Role::Witness);
    scene.keys("n");
    let _ = scene.bench.run("delete");
    scene.hear();
    assert!(matches!(scene.app.mode, Mode::Prompt(_)), "the note goes on");
    scene.key(KeyCode::Esc);
    let text = scene.text();
    assert!(
        text.contains("dana asks you to approve 4 Delete the old virtual machine · a to read it"),
        "{text}"
    );
    assert!(matches!(scene.app.mode, Mode::Plain));
}

#[test]
fn it_is_read_to_the_end_and_approved_with_a_word() {
    let mut scene = reading(ACCOUNT);
    assert!(scene.commands().iter().any(|c| matches!(c, Command::AskApproval { .. })), "as it stands now");
    let mut all = String::new();
    loop {
        all.push_str(&scene.text());
        if all.contains("That is all of it.") {
            break;
        }
        assert!(scene.text().contains("read to the end first ("), "{}", scene.text());
        scene.key(KeyCode::PageDown);
    }
    for word in [
        "Deletes /srv/vm/shop",
        "machine    here",
        "rm -r -- \"$vm\"",
        "vm=/srv/vm/shop",
        "4,120 of 4,120",
        "NAS in Phoenix",
        "umask:       0022",
        "log:         ",
    ] {
        assert!(all.contains(word), "{word} is missing:\n{all}");
    }
    assert!(scene.text().contains("A approve"), "{}", scene.text());
    scene.keys("A");
    assert!(scene.text().contains("Type  approve  to approve:"), "{}", scene.text());
    scene.keys("approve");
    scene.key(KeyCode::Enter);
    assert_eq!(approvals(&scene), 1);
    assert_eq!(part(&scene.app, 3), Part::Given);
    let text = scene.text();
    assert!(
        text.contains("your approval stands until") && text.contains("leaving before it starts voids it"),
        "{text}"
    );
}

#[test]
fn keys_before_the_end_has_been_on_the_screen_do_nothing() {
    let mut scene = reading(ACCOUNT);
    scene.keys("A");
    assert!(scene.text().contains("read to the end first"), "{}", scene.text());
    // The end is asked for, but no picture of it was on the screen yet.
    scene.blind(KeyCode::End);
    scene.blind(KeyCode::Char('A'));
    let before = scene.bench.now.up;
    scene.later(1);
    scene.draw();
    let early = KeyEvent::from(KeyCode::Char('A'));
    scene.give(Msg::Key { key: early, at: before });
    let Mode::Approval(reading) = &scene.app.mode else { panic!("closed") };
    assert!(reading.last.is_none(), "it was typed before the end could be seen");
    scene.keys("A");
    let Mode::Approval(reading) = &scene.app.mode else { panic!("closed") };
    assert!(reading.last.is_some());
    assert_eq!(approvals(&scene), 0);
}

#[test]
fn what_was_typed_before_the_last_question_could_be_seen_never_reaches_it() {
    let mut scene = reading(ACCOUNT);
    read_to_the_end(&mut scene);
    scene.keys("A");
    let before = scene.bench.now.up;
    for c in "approve".chars() {
        scene.blind(KeyCode::Char(c));
    }
    scene.blind(KeyCode::Enter);
    scene.later(1);
    scene.draw();
    scene.give(Msg::Key { key: KeyEvent::from(KeyCode::Char('a')), at: before });
    let Mode::Approval(reading) = &scene.app.mode else { panic!("closed") };
    assert!(reading.last.as_ref().is_some_and(|last| last.field.is_empty()));
    assert_eq!(approvals(&scene), 0);
}

#[test]
fn the_default_is_no_and_a_paste_is_no_yes() {
    for end in ["", "approv", "Approve", "yes"] {
        let mut scene = reading(ACCOUNT);
        read_to_the_end(&mut scene);
        scene.keys("A");
        scene.keys(end);
        scene.key(KeyCode::Enter);
        assert_eq!(approvals(&scene), 0, "{end:?}");
    }
    let mut scene = reading(ACCOUNT);
    read_to_the_end(&mut scene);
    scene.give(Msg::Paste("Aapprove\n".to_owned()));
    scene.keys("A");
    scene.draw();
    scene.give(Msg::Paste("approve\n".to_owned()));
    assert!(scene.text().contains("a paste does not approve"), "{}", scene.text());
    scene.key(KeyCode::Enter);
    assert_eq!(approvals(&scene), 0);
    scene.key(KeyCode::Esc);
    assert!(matches!(scene.app.mode, Mode::Plain), "Esc goes back");
}

#[test]
fn an_asking_that_changes_is_read_again() {
    let mut scene = reading(ACCOUNT);
    read_to_the_end(&mut scene);
    scene.keys("A");
    scene.keys("appro");
    // Another answer by a person: what was asked is void, and then it is asked anew.
    let check = CheckItem::parse("copy-taken");
    scene
        .bench
        .act(&Command::Attest { check, yes: true, words: "a disk in the safe".to_owned() })
        .expect("is taken");
    scene.hear();
    let text = scene.text();
    assert!(text.contains("dana answered copy-taken anew"), "it says at once what changed: {text}");
    let _ = scene.bench.run("delete");
    scene.hear();
    scene.keys("ve");
    scene.key(KeyCode::Enter);
    assert_eq!(approvals(&scene), 0, "what was typed was for something else");
    let text = scene.text();
    assert!(text.contains("copy-taken") && text.contains("Read it again"), "{text}");
    scene.keys("A");
    assert!(scene.text().contains("read to the end first"), "{}", scene.text());
    read_to_the_end(&mut scene);
    scene.keys("Aapprove");
    scene.key(KeyCode::Enter);
    assert_eq!(approvals(&scene), 1, "{}", scene.text());
}

#[test]
fn one_that_was_refused_by_another_or_held_or_is_too_old_says_so_at_once() {
    let kim = Person { name: "kim".to_owned(), uid: Some(1002), login: None };
    for (why, turn) in [("kim refused it: not at noon", 0), ("kim called a hold", 1), ("has expired", 2)] {
        let mut scene = reading(ACCOUNT);
        read_to_the_end(&mut scene);
        match turn {
            0 => scene
                .bench
                .act_as(&kim, &Command::Refuse { step: "delete".into(), why: "not at noon".to_owned() })
                .expect("is taken"),
            1 => scene.bench.act_as(&kim, &Command::Hold { why: "wait".to_owned() }).expect("is taken"),
            _ => scene.later(15 * 60),
        }
        scene.hear();
        let text = scene.text();
        assert!(text.contains(why) && text.contains("it does not count"), "{why}: {text}");
        scene.keys("A");
        let Mode::Approval(reading) = &scene.app.mode else { panic!("closed") };
        assert!(reading.last.is_none(), "{why}");
    }
}

#[test]
fn another_size_keeps_what_was_read() {
    let mut scene = reading(ACCOUNT);
    read_to_the_end(&mut scene);
    scene.give(Msg::Resize(40, 12));
    scene.keys("Aapprove");
    scene.key(KeyCode::Enter);
    assert_eq!(approvals(&scene), 1, "{}", scene.text());
}

#[test]
fn a_refusal_needs_words_and_no_reading() {
    let mut scene = reading(ACCOUNT);
    scene.keys("r");
    scene.key(KeyCode::Enter);
    assert!(!scene.bench.entries.iter().any(|entry| matches!(entry.event, Event::ApprovalRefused { .. })));
    scene.keys("arwest still runs");
    scene.key(KeyCode::Enter);
    let refused =
        scene.bench.entries.iter().any(
            |entry| matches!(&entry.event, Event::ApprovalRefused { why, .. } if why == "west still runs"),
        );
    assert!(refused, "{}", scene.text());
}

/// What is bound, as rows put together again by a reader who pages through it: one that goes on begins with a mark.
fn read_as_a_person(lines_of_script: usize, columns_of_line: usize, size: (u16, u16)) {
    let hostile = "a\u{202e}b\u{200b} ѕudo 日本語 {U+202E} \u{1b}[2J  ";
    let script: Vec<String> = (0..lines_of_script).map(|n| format!("      line-{n:04}  \n")).collect();
    let script = script.concat();
    let wide = "日x y ".repeat(columns_of_line / 6);
    let runbook = format!(
        "params: {{ x: {{ about: any }} }}\nsteps:\n  - id: gone\n    title: Gone\n    destructive: All of it\n    witness: true\n    run: |\n{script}      echo {wide} \"$x\"\n"
    );
    let values = std::collections::BTreeMap::from([(
        crate::id::ValueName::new("x"),
        crate::runbook::Value::Text(hostile.to_owned()),
    )]);
    let mut bench = crate::session::bench::Bench::titled("Hostile", &runbook, values);
    let _ = bench.run("gone");
    let mut scene = Scene::of(bench).seen_by(&sam(), Role::Witness).sized(size.0, size.1);
    scene.keys("a");
    let Mode::Approval(reading) = &scene.app.mode else { panic!("{}", scene.text()) };
    let bound = reading.subject.as_ref().expect("is asked").text();
    let mut rows: Vec<String> = Vec::new();
    loop {
        let text = scene.text();
        let sight: Vec<&str> = text.lines().skip(1).take(scene.app.seen.popup_height).collect();
        let Mode::Approval(reading) = &scene.app.mode else { panic!("closed") };
        rows.truncate(reading.scroll);
        rows.extend(sight.iter().map(|row| (*row).to_owned()));
        if reading.read.is_some() {
            break;
        }
        scene.key(KeyCode::PageDown);
    }
    let mut lines: Vec<String> = Vec::new();
    for row in &rows {
        match (row.strip_prefix("› "), lines.last_mut()) {
            (Some(more), Some(line)) => line.push_str(&more.replace('␠', " ")),
            _ => lines.push(row.strip_prefix("  ").unwrap_or(row).replace('␠', " ")),
        }
    }
    let first = lines.iter().position(|line| line == "onbelay approval 1").expect("begins");
    let shown = lines[first..].iter();
    let wanted: Vec<String> = bound
        .lines()
        .map(|line| {
            let body = line.trim_end_matches(' ');
            let spaces = "{U+0020}".repeat(line.len() - body.len());
            format!("{}{spaces}", crate::tui::view::shape::plain(body))
        })
        .collect();
    for (shown, wanted) in shown.zip(&wanted) {
        assert_eq!(shown, wanted, "at {size:?}");
    }
    assert!(lines.len() >= first + wanted.len(), "some of it is missing");
}

#[test]
fn a7_every_byte_that_is_bound_can_be_read_at_any_size() {
    read_as_a_person(30, 400, (40, 12));
    read_as_a_person(30, 10_000, (80, 24));
    read_as_a_person(5_000, 10_000, (41, 900));
}

#[test]
fn f_i3_two_texts_that_are_bound_never_make_the_same_rows() {
    let mut seen = std::collections::HashMap::new();
    let pieces = ["a", " ", "  ", "日", "\u{301}", "é", "e\u{301}", "{U+0020}", "␠", "› ", "\u{2420}"];
    for unicode in [true, false] {
        seen.clear();
        for (a, b, c, d) in (0..11usize.pow(4)).map(|n| (n % 11, n / 11 % 11, n / 121 % 11, n / 1331)) {
            let text = [pieces[a], pieces[b], pieces[c], pieces[d]].concat();
            let rows: Vec<String> =
                crate::tui::view::approval::exact_rows(&text, 6, crate::tui::theme::Tone::Plain, unicode)
                    .iter()
                    .map(|row| row.to_string().trim_end().to_owned())
                    .collect();
            if let Some(other) = seen.insert(rows.clone(), text.clone()) {
                assert_eq!(other, text, "{rows:?}");
            }
        }
    }
}

#[test]
fn nobody_reads_their_own_asking_into_an_approval() {
    let mut scene = Scene::asked(ACCOUNT);
    assert!(matches!(part(&scene.app, 3), Part::Look(why) if why.contains("nobody approves themselves")));
    scene.keys("V");
    read_to_the_end(&mut scene);
    scene.keys("A");
    assert!(scene.text().contains("nobody approves themselves"), "{}", scene.text());
    let logged_in = Person { name: "root".to_owned(), uid: Some(0), login: Some(1000) };
    let scene = Scene::asked(ACCOUNT).seen_by(&logged_in, Role::Witness);
    assert!(matches!(part(&scene.app, 3), Part::Look(_)));
    let scene = Scene::asked("{ of: [kim] }").seen_by(&sam(), Role::Witness);
    assert_eq!(part(&scene.app, 3), Part::Look("it may be approved by kim only, and not by sam".to_owned()));
    let scene = Scene::asked(ACCOUNT).seen_by(&sam(), Role::Watch);
    assert!(matches!(part(&scene.app, 3), Part::Look(why) if why.contains("only watches")));
}

#[test]
fn somebody_at_the_operators_screen_types_their_name_and_it_proves_nothing() {
    let mut scene = Scene::asked(HERE).sized(80, 40);
    scene.keys("a");
    read_to_the_end(&mut scene);
    scene.keys("A");
    let text = scene.text();
    assert!(text.contains("Second person, type your name:") && text.contains("unproven"), "{text}");
    scene.keys("dana");
    scene.key(KeyCode::Enter);
    assert_eq!(approvals(&scene), 0, "not the operator's: {}", scene.text());
    scene.keys("A");
    scene.give(Msg::Paste("Sam".to_owned()));
    scene.key(KeyCode::Enter);
    assert_eq!(approvals(&scene), 0, "nor a paste");
    scene.keys("ASam");
    scene.key(KeyCode::Enter);
    let given = scene.bench.entries.iter().find_map(|entry| match &entry.event {
        Event::Approved { proof, .. } => Some(proof.clone()),
        _ => None,
    });
    assert_eq!(given, Some(Proven::Here { name: "Sam".to_owned() }));
    scene.key(KeyCode::Esc);
    let text = scene.text();
    assert!(text.contains("unproven") && text.contains("it proves nothing"), "{text}");
}

#[test]
fn where_only_a_signature_counts_it_says_how_one_is_made() {
    let mut scene = Scene::asked("{ proof: key }");
    scene.keys("V");
    let text = scene.text();
    for line in [
        "onbelay approval show k3f9 delete > approval.txt",
        "ssh-keygen -Y sign -n onbelay-approval -f KEY approval.txt",
        "onbelay approve k3f9 delete --signature approval.txt.sig",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    read_to_the_end(&mut scene);
    scene.keys("A");
    assert!(scene.text().contains("only a signature counts"), "{}", scene.text());
}

#[test]
fn a_start_that_lacks_its_second_person_is_no_dead_end() {
    let mut scene = Scene::witnessed(ACCOUNT).sized(80, 24);
    scene.key(KeyCode::Enter);
    let text = scene.text();
    for word in [
        "Not yet: a second person must approve it",
        "It is asked for now",
        "another account than dana's",
        "onbelay attach --witness k3f9",
        "This screen says when it is approved",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    by_sam(&mut scene, &yes());
    let text = scene.text();
    assert!(text.contains("sam approved it meanwhile"), "{text}");
    assert!(matches!(scene.app.mode, Mode::Refused(_)), "nothing closes or starts by itself");
    scene.key(KeyCode::Enter);
    let text = scene.text();
    assert!(text.contains("sam approved 4") && text.contains("Enter starts it"), "{text}");
    assert!(text.contains("✓ witness") && text.contains("sam, another account, this very command"), "{text}");
    scene.key(KeyCode::Enter);
    let text = scene.text();
    assert!(matches!(scene.app.mode, Mode::Question(_)) && text.contains("✓ witness"), "{text}");
    scene.keys("shop-vm");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.bench.status("delete"), crate::session::view::StepStatus::Running);
}

#[test]
fn the_operator_hears_an_approval_a_refusal_and_what_voids_one() {
    let mut scene = Scene::asked(ACCOUNT).sized(80, 24);
    by_sam(&mut scene, &yes());
    assert!(
        scene.text().contains("sam approved 4 Delete the old virtual machine · Enter to start it"),
        "{}",
        scene.text()
    );
    by_sam(&mut scene, &Command::Hold { why: "wait".to_owned() });
    assert!(scene.text().contains("is void: sam called a hold"), "{}", scene.text());
    let mut scene = Scene::asked(ACCOUNT).sized(80, 24);
    by_sam(&mut scene, &Command::Refuse { step: "delete".into(), why: "west still runs".to_owned() });
    let text = scene.text();
    assert!(text.contains("sam REFUSED 4") && text.contains("Enter asks anew"), "{text}");
}

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
    add("approval", witness(ACCOUNT), "aGAappro");
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
