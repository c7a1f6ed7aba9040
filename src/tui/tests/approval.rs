//! A second person at their screen, and the operator waiting for them: what keys lead to, and what never does.

mod company;
mod operator;
mod paging;

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
        assert!(scene.text().contains("% read: read all of it first"), "{}", scene.text());
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
    assert!(scene.text().contains("read all of it first"), "{}", scene.text());
    // All but the last screenful.
    loop {
        scene.draw();
        let Mode::Approval(reading) = &scene.app.mode else { panic!("closed") };
        let height = scene.app.seen.popup_height;
        if reading.scroll + 2 * height > scene.app.seen.popup_rows {
            break;
        }
        scene.key(KeyCode::PageDown);
    }
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
fn the_end_alone_is_not_all_of_it() {
    let mut scene = reading(ACCOUNT);
    scene.key(KeyCode::End);
    assert!(scene.text().contains("That is all of it."));
    scene.keys("A");
    let text = scene.text();
    assert!(text.contains("read all of it first: n goes to") && !text.contains("100 %"), "{text}");
    let mut parts = 0;
    while !scene.text().contains("A approve") {
        scene.keys("n");
        parts += 1;
        assert!(parts < 20, "{}", scene.text());
    }
    assert!(parts > 1);
    scene.keys("Aapprove");
    scene.key(KeyCode::Enter);
    assert_eq!(approvals(&scene), 1, "{}", scene.text());
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
    assert!(scene.text().contains("read all of it first"), "{}", scene.text());
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
    let text = scene.text();
    assert!(text.contains("Refuse with these words? “west still runs”"), "{text}");
    let refused = |scene: &Scene| {
        let is = |entry: &crate::session::Entry| matches!(entry.event, Event::ApprovalRefused { .. });
        scene.bench.entries.iter().any(is)
    };
    assert!(!refused(&scene), "it ends it for everybody: a yes is asked for");
    scene.keys("y");
    scene.key(KeyCode::Enter);
    let refused =
        scene.bench.entries.iter().any(
            |entry| matches!(&entry.event, Event::ApprovalRefused { why, .. } if why == "west still runs"),
        );
    assert!(refused, "{}", scene.text());
}

#[test]
fn letters_typed_after_an_approval_that_came_too_early_are_no_orders() {
    let mut scene = reading(ACCOUNT);
    scene.keys("ASam Carter");
    assert!(matches!(scene.app.mode, Mode::Approval(_)), "{}", scene.text());
    scene.later(1);
    scene.keys("r");
    assert!(matches!(scene.app.mode, Mode::Prompt(_)), "{}", scene.text());
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
fn u2_a_directory_that_looks_like_another_is_named() {
    let mut scene = Scene::asked(ACCOUNT).seen_by(&sam(), Role::Witness).sized(80, 100);
    scene.bench.found.attached = true;
    scene.keys("a");
    assert!(!scene.text().contains("not ASCII"), "{}", scene.text());
    let Mode::Approval(reading) = &mut scene.app.mode else { panic!("{}", scene.text()) };
    reading.subject.as_mut().unwrap().dir = "/ѕrv".to_owned();
    assert!(scene.text().contains("not ASCII: ѕ U+0455"), "{}", scene.text());
}
