//! What keys lead to, and what does not follow from them.

use ratatui::crossterm::event::KeyCode;

use crate::session::bench::{Bench, sam};
use crate::session::recover::Found;
use crate::session::view::StepStatus;
use crate::session::{Command, Event};
use crate::tui::app::{Link, Msg};
use crate::tui::fit::{Fit, fit};
use crate::tui::fixture::{Scene, welcome};
use crate::tui::keys::{self, Verb};
use crate::tui::mode::{Mode, Page, Screen};
use crate::wire::FromHost;
use crate::wire::messages::Role;

fn asked(mut scene: Scene) -> Scene {
    scene.key(KeyCode::Enter);
    assert!(matches!(scene.app.mode, Mode::Question(_)), "{}", scene.text());
    scene
}

#[test]
fn a_destructive_step_is_asked_for_its_text_and_starts_with_it() {
    let mut scene = asked(Scene::open());
    let text = scene.text();
    for word in
        ["Deletes /srv/vm/shop", "vm=/srv/vm/shop", "4,120 of 4,120", "NAS in Phoenix", "Type  shop-vm"]
    {
        assert!(text.contains(word), "{word} is missing:\n{text}");
    }
    scene.keys("shop-vm");
    scene.key(KeyCode::Enter);
    assert!(matches!(scene.app.mode, Mode::Plain));
    assert_eq!(scene.bench.status("delete"), StepStatus::Running);
}

#[test]
fn an_empty_line_and_esc_mean_no() {
    for key in [KeyCode::Enter, KeyCode::Esc] {
        let mut scene = asked(Scene::open());
        scene.key(key);
        assert!(matches!(scene.app.mode, Mode::Plain));
        assert_eq!(scene.commands().len(), 1, "only the start that led to the question");
        assert!(scene.text().contains("nothing was run"));
    }
}

#[test]
fn a_wrong_text_runs_nothing_and_can_be_mended() {
    let mut scene = asked(Scene::open());
    scene.keys("shop-v");
    scene.key(KeyCode::Enter);
    let text = scene.text();
    assert!(text.contains("that was not the text") && !text.contains("shop-v "), "{text}");
    scene.keys("shop-w");
    scene.ctrl('u');
    scene.keys("shop-vm");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.bench.status("delete"), StepStatus::Running);
}

#[test]
fn keys_typed_before_the_question_could_be_seen_never_reach_it() {
    let mut scene = Scene::open();
    scene.key(KeyCode::Enter);
    let before = scene.bench.now.up;
    for c in "shop-vm".chars() {
        scene.blind(KeyCode::Char(c));
    }
    scene.blind(KeyCode::Enter);
    scene.later(1);
    scene.draw();
    // Read late, but typed before the picture was there.
    let key = ratatui::crossterm::event::KeyEvent::from(KeyCode::Char('s'));
    scene.give(Msg::Key { key, at: before });
    let Mode::Question(question) = &scene.app.mode else { panic!("the question is gone") };
    assert!(question.field.is_empty());
    assert_eq!(scene.commands().len(), 1);
}

#[test]
fn a_paste_never_confirms() {
    let mut scene = asked(Scene::open());
    scene.draw();
    scene.give(Msg::Paste("shop-vm\n".to_owned()));
    assert!(scene.text().contains("a paste does not confirm"));
    scene.key(KeyCode::Enter);
    assert_eq!(scene.commands().len(), 1);
    assert_eq!(scene.bench.status("delete"), StepStatus::Ready);
    let mut scene = Scene::copying(b"");
    scene.keys("s");
    scene.give(Msg::Paste("y\n".to_owned()));
    scene.key(KeyCode::Enter);
    assert_eq!(scene.commands().len(), 0, "nor does it stop anything");
}

#[test]
fn a_question_does_not_take_the_keys_from_somebody_who_writes() {
    let mut scene = Scene::open();
    scene.bench.hold_answers = true;
    scene.key(KeyCode::Enter);
    scene.keys("nlook at this");
    scene.bench.hold_answers = false;
    scene.bench.settle();
    scene.hear();
    assert!(matches!(scene.app.mode, Mode::Prompt(_)));
    scene.key(KeyCode::Enter);
    assert!(matches!(scene.commands().last(), Some(Command::Note { .. })));
    assert_eq!(scene.bench.status("delete"), StepStatus::Ready);
}

#[test]
fn a_refusal_shows_everything_that_is_not_met_and_what_to_do() {
    let mut scene = Scene::shut();
    scene.key(KeyCode::Enter);
    let text = scene.text();
    for word in [
        "backup-verified",
        "312 of 4,120",
        "Widen the backup's include list",
        "all-regions-checked",
        "i-0abc12",
    ] {
        assert!(text.contains(word), "{word} is missing:\n{text}");
    }
    assert!(!text.contains("onbelay do"), "keys, not commands:\n{text}");
    scene.key(KeyCode::Esc);
    assert!(matches!(scene.app.mode, Mode::Plain));
}

#[test]
fn a_second_enter_does_not_close_a_refusal_nobody_has_seen() {
    let mut scene = Scene::shut();
    scene.key(KeyCode::Enter);
    scene.blind(KeyCode::Enter);
    assert!(matches!(scene.app.mode, Mode::Refused(_)));
    scene.key(KeyCode::Enter);
    assert!(matches!(scene.app.mode, Mode::Plain));
}

#[test]
fn the_selection_goes_along_with_the_walk_until_it_is_moved() {
    let mut scene = Scene::shop();
    assert_eq!(scene.app.selected, 0);
    scene.done("freeze", None);
    scene.hear();
    assert_eq!(scene.app.selected, 1);
    scene.key(KeyCode::Up);
    scene.bench.walk("copy");
    scene.hear();
    assert_eq!(scene.app.selected, 0, "somebody is looking at it");
    scene.keys(".");
    assert_eq!(scene.app.selected, 2);
}

#[test]
fn a_persons_step_is_done_with_a_word_and_only_with_one() {
    let mut scene = Scene::shop();
    scene.keys("d");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.commands().len(), 0);
    scene.keys("dy");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.bench.status("freeze"), StepStatus::Done);
}

#[test]
fn a_persons_step_over_a_list_names_the_item_at_hand() {
    let runbook = "steps:\n  - { id: call, title: Call them, for_each: { who: [ann, bob] } }\n";
    let mut scene = Scene::of(Bench::titled("Calls", runbook, std::collections::BTreeMap::new()));
    scene.bench.run("call").expect("starts");
    scene.hear();
    assert!(scene.text().contains("now for ann (1 of 2)"), "{}", scene.text());
    scene.keys("d");
    assert!(scene.text().contains("is done for ann (1 of 2)"), "{}", scene.text());
    scene.keys("y");
    scene.key(KeyCode::Enter);
    assert!(scene.text().contains("now for bob (2 of 2)"), "{}", scene.text());
}

#[test]
fn a_check_is_answered_in_words_first_and_then_yes_or_no() {
    let mut scene = Scene::at_hold_point();
    scene.keys("a");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.commands().len(), 0, "Enter answers nothing");
    scene.keys("anobody knows");
    scene.key(KeyCode::Enter);
    scene.key(KeyCode::Enter);
    assert_eq!(scene.commands().len(), 0, "words alone are no answer, and Enter is not yes");
    assert!(scene.text().contains("y or n: nothing else answers"), "{}", scene.text());
    scene.key(KeyCode::Esc);
    assert!(scene.text().contains("nobody knows"), "back at the words: {}", scene.text());
    scene.keys(" it");
    scene.key(KeyCode::Enter);
    scene.key(KeyCode::Esc);
    assert!(scene.text().contains("nobody knows it"), "no word is lost: {}", scene.text());
    scene.key(KeyCode::Enter);
    scene.keys("n");
    let Some(Command::Attest { yes, words, .. }) = scene.commands().last().copied() else {
        panic!("not answered")
    };
    assert_eq!((*yes, words.as_str()), (false, "nobody knows it"));
}

#[test]
fn after_a_crash_a_person_says_what_happened() {
    let mut scene = Scene::copying(b"half");
    scene.bench.host_dies("boot-b", &|_| Found::Gone("the machine restarted".to_owned()));
    scene.hear();
    assert_eq!(scene.app.selected, 1);
    assert!(scene.text().contains("Its outcome is not known"));
    scene.key(KeyCode::Enter);
    assert_eq!(scene.commands().len(), 0, "nothing starts before that");
    scene.keys("dthe image is whole");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.bench.status("copy"), StepStatus::Done);
}

#[test]
fn who_only_watches_is_told_so() {
    let mut scene = Scene::shut().seen_by(&sam(), Role::Watch);
    for key in ["c", "x"] {
        scene.keys(key);
        assert!(scene.text().contains("this screen only watches"), "{key}");
    }
    let mut scene = Scene::shut().seen_by(&sam(), Role::Drive);
    scene.key(KeyCode::Enter);
    assert!(scene.text().contains("only dana, the operator, can do that"));
    scene.keys("Hwait");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.bench.session.holds.len(), 1, "anyone may call a hold");
}

#[test]
fn what_is_on_the_screen_stays_when_the_host_is_lost() {
    let mut scene = asked(Scene::open());
    scene.keys("shop-v");
    scene.give(Msg::Lost("the host ended the connection".to_owned()));
    assert!(matches!(scene.app.mode, Mode::Plain), "a question of a lost host is void");
    let text = scene.text();
    assert!(text.contains("no connection") && text.contains("Delete the old virtual machine"));
    scene.keys("c");
    assert_eq!(scene.commands().len(), 1, "there is nobody to ask");
    let again = welcome(&scene.bench, &crate::session::bench::dana());
    let records = scene.app.log.len();
    scene.give(Msg::Host(Box::new(FromHost::Welcome(Box::new(again)))));
    assert_eq!(scene.app.link, Link::Up);
    assert_eq!(scene.app.log.len(), records, "no record is there twice");
}

#[test]
fn a_record_that_does_not_follow_ends_the_connection_and_not_the_screen() {
    let mut scene = Scene::shop();
    let mut entry = scene.bench.entries[0].clone();
    entry.n = 99;
    scene.give(Msg::Host(Box::new(FromHost::Entries { entries: vec![entry] })));
    assert!(matches!(scene.app.link, Link::Gone(_)));
    assert!(scene.text().contains("lost track"));
}

#[test]
fn greyed_actions_say_why() {
    let mut scene = Scene::shop();
    for (key, why) in [("s", "it is not running"), ("u", "this step has no undo"), ("F", "not every step")] {
        scene.keys(key);
        assert!(scene.text().contains(why), "{key}: {}", scene.text());
    }
    assert_eq!(scene.commands().len(), 0);
}

#[test]
fn every_action_of_do_has_a_key() {
    // A new command does not compile here until somebody gives it a key.
    let verb = |command: &Command| match command {
        // Nothing is approved unread: what opens it is the way to it.
        Command::AskApproval { .. } | Command::Approve { .. } => Verb::Approval,
        Command::Refuse { .. } => Verb::Refuse,
        Command::Handover { .. } => Verb::Handover,
        Command::Check { .. } => Verb::Check,
        Command::Attest { .. } => Verb::Attest,
        Command::Run { by_hand: false, .. } => Verb::Run,
        Command::Run { .. } => Verb::ByHand,
        Command::Done { .. } | Command::Resolve { done: true, .. } => Verb::Done,
        Command::Fail { .. } | Command::Resolve { .. } => Verb::Fail,
        Command::Skip { .. } => Verb::Skip,
        Command::Undo { .. } => Verb::Undo,
        Command::Withdraw { .. } => Verb::Withdraw,
        Command::Note { .. } => Verb::Note,
        Command::Hold { .. } => Verb::Hold,
        Command::Release { .. } => Verb::Release,
        Command::Stop { .. } => Verb::Stop,
        Command::TakeTerminal { .. } => Verb::Terminal,
        Command::Finish => Verb::Finish,
        Command::Abort { .. } => Verb::Abort,
    };
    assert_eq!(verb(&Command::Finish), Verb::Finish);
    for verb in [
        Verb::Check,
        Verb::CheckOne,
        Verb::CheckAll,
        Verb::Attest,
        Verb::Approval,
        Verb::Refuse,
        Verb::Handover,
        Verb::HoldNow,
        Verb::Run,
        Verb::ByHand,
        Verb::Done,
        Verb::Fail,
        Verb::Skip,
        Verb::Undo,
        Verb::Withdraw,
        Verb::Note,
        Verb::Hold,
        Verb::Release,
        Verb::Stop,
        Verb::Finish,
        Verb::Abort,
    ] {
        assert!(keys::binding(Page::Walk, verb).is_some(), "{verb:?} has no key");
        assert!(crate::tui::act::menu().iter().any(|binding| binding.verb == verb), "{verb:?} is not listed");
    }
    assert!(keys::binding(Page::Approval, Verb::Approve).is_some(), "what is read cannot be approved");
}

#[test]
fn the_whole_walk_can_be_walked_with_keys() {
    let mut scene = Scene::shop();
    scene.keys("dy");
    scene.key(KeyCode::Enter);
    scene.key(KeyCode::Enter);
    scene.bench.exits(0);
    scene.hear();
    scene.keys("dC0FFEE");
    scene.key(KeyCode::Enter);
    scene.keys("ain Phoenix");
    scene.key(KeyCode::Enter);
    scene.keys("y");
    scene.key(KeyCode::Enter);
    scene.keys("shop-vm");
    scene.key(KeyCode::Enter);
    scene.bench.exits(0);
    scene.hear();
    scene.keys("xno customers");
    scene.key(KeyCode::Enter);
    assert_eq!(fit(&scene.app, Verb::Finish), Fit::Yes(None), "{}", scene.text());
    scene.keys("Fy");
    scene.key(KeyCode::Enter);
    assert!(scene.bench.entries.iter().any(|entry| entry.event == Event::Finished), "{}", scene.text());
    scene.keys("q");
    assert!(scene.left);
}

#[test]
fn ten_gigabytes_are_read_in_parts() {
    let mut scene = Scene::copying(&vec![b'x'; 1 << 20]);
    scene.keys("o");
    assert_eq!(scene.app.screen, Screen::Output);
    scene.keys("g");
    scene.draw();
    let most = scene.sent.iter().filter_map(|message| match message {
        crate::wire::ToHost::ReadOutput { len, .. } => Some(*len),
        _ => None,
    });
    assert!(most.max() <= Some(256 << 10));
}
