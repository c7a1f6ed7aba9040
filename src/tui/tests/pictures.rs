//! Snapshots with styles, of every mode, at three sizes.

use ratatui::crossterm::event::KeyCode;

use crate::session::bench::sam;
use crate::session::recover::Found;
use crate::session::{Answer, AskMode, Command, Event, HowFar, Person, Verdict};
use crate::tui::app::Msg;
use crate::tui::fixture::Scene;
use crate::tui::picture::check;
use crate::wire::FromHost;
use crate::wire::messages::{LogHealth, Role};

fn output() -> Vec<u8> {
    (0..4_000)
        .flat_map(|n| format!("srv/site/wp-content/uploads/2026/10/banner-{n:04}.jpg\n").into_bytes())
        .collect()
}

#[test]
fn walk_just_begun() {
    check("begun", Scene::shop, |_| {});
}

#[test]
fn a_hold_point_that_stays_shut() {
    check("shut", Scene::shut, |_| {});
}

/// At the hold point, with one check under way and one whose answer rests on more than its sentence.
fn being_asked() -> Scene {
    let mut scene = Scene::shut();
    let asked = Event::CheckAsked { check: "backup-verified".into(), items: Vec::new(), mode: AskMode::Once };
    scene.bench.record(&Person::tool(), asked);
    scene.hear();
    let far = HowFar {
        entries: 31_204,
        bytes: 1_200_000_000,
        of_bytes: Some(4_100_000_000),
        steps: 9,
        at: String::new(),
    };
    scene.give(Msg::Host(Box::new(FromHost::Asking { check: "backup-verified".into(), item: None, far })));
    scene
}

#[test]
fn a_check_that_is_being_asked_says_how_far_it_is() {
    check("asking", being_asked, |_| {});
    let mut scene = being_asked().sized(120, 40);
    assert!(scene.text().contains("31,204 looked at, 1.2 GB of 4.1 GB read"), "{}", scene.text());
}

#[test]
fn a_check_that_does_not_hold_lists_what_does_not_fit() {
    let differing = || {
        let mut scene = being_asked();
        let differences: Vec<String> = (0..8).map(|n| format!("wp-content/themes/t{n}: missing")).collect();
        let answer = Answer {
            verdict: Verdict::Fails,
            detail: "312 of 4,120 files are missing".to_owned(),
            began: scene.bench.now,
            took: 5_000,
            tries: 1,
            evidence: [("differences".to_owned(), differences.into())].into(),
        };
        let answered =
            Event::CheckAnswered { check: "backup-verified".into(), item: None, answer: Box::new(answer) };
        scene.bench.record(&Person::tool(), answered);
        scene.hear();
        scene
    };
    check("differing", differing, |_| {});
    let text = differing().sized(120, 40).text();
    assert!(
        text.contains("· wp-content/themes/t4: missing") && text.contains("… 3 more:  onbelay report k3f9"),
        "{text}"
    );
    assert!(!text.contains("looked at"), "it has its answer: {text}");
}

#[test]
fn a_command_that_runs() {
    check("running", || Scene::copying(&output()), |_| {});
}

#[test]
fn its_output_alone() {
    check("output", || Scene::copying(&output()), |scene| scene.keys("o"));
    check(
        "output-scrolled",
        || Scene::copying(&output()),
        |scene| {
            scene.keys("o");
            scene.key(KeyCode::PageUp);
        },
    );
}

#[test]
fn the_question_before_a_destructive_command() {
    check("question", Scene::open, |scene| {
        scene.key(KeyCode::Enter);
        scene.keys("shop");
    });
}

#[test]
fn a_refusal() {
    check("refused", Scene::shut, |scene| scene.key(KeyCode::Enter));
}

#[test]
fn after_a_crash() {
    let crashed = || {
        let mut scene = Scene::copying(&output());
        scene.bench.host_dies("boot-b", &|_| Found::Gone("the machine restarted at 15:17".to_owned()));
        scene.later(60);
        scene.hear();
        scene
    };
    check("interrupted", crashed, |_| {});
    check("resolve", crashed, |scene| scene.keys("d"));
}

#[test]
fn prompts() {
    check("note", Scene::shut, |scene| scene.keys("nwest still has one running, look before you go on"));
    check("answer", Scene::at_hold_point, |scene| scene.keys("a"));
    check("answer-words", Scene::at_hold_point, |scene| scene.keys("aNAS in Phoenix"));
    check("judge", Scene::at_hold_point, |scene| {
        scene.keys("aNAS in Phoenix");
        scene.key(KeyCode::Enter);
    });
    check("about", Scene::shut, |scene| scene.keys("i"));
    check(
        "undo",
        || {
            let mut scene = Scene::at_hold_point();
            scene.key(KeyCode::Up);
            scene.key(KeyCode::Up);
            scene
        },
        |scene| scene.keys("u"),
    );
    check(
        "value",
        || {
            let mut scene = Scene::copying(b"");
            scene.bench.exits(0);
            scene.hear();
            scene
        },
        |scene| scene.keys("d"),
    );
}

#[test]
fn lists() {
    check("choose", Scene::shut, |scene| scene.keys("ej"));
    check("actions", Scene::shut, |scene| scene.keys(":jj"));
    check("help", Scene::shut, |scene| scene.keys("?"));
    check("log", Scene::shut, |scene| scene.keys("l"));
    check("steps", Scene::shut, |scene| {
        scene.key(KeyCode::Tab);
        scene.keys("k");
    });
    check("search", Scene::shut, |scene| scene.keys("/copy"));
}

#[test]
fn what_must_not_be_overlooked() {
    check(
        "held",
        || {
            let mut scene = Scene::shut();
            let why = "west still has one running".to_owned();
            scene.bench.act_as(&sam(), &Command::Hold { why }).expect("is taken");
            scene.hear();
            scene
        },
        |_| {},
    );
    check("lost", Scene::shut, |scene| scene.give(Msg::Lost("the host ended the connection".to_owned())));
    check("broken", Scene::shut, |scene| {
        let log = LogHealth::Broken { why: "the disk is full; what is in the log is safe".to_owned() };
        scene.give(Msg::Host(Box::new(FromHost::Health { log })));
        scene.key(KeyCode::Enter);
    });
    check("watching", || Scene::shut().seen_by(&sam(), Role::Watch), |scene| scene.key(KeyCode::Enter));
    check(
        "late",
        || {
            let mut scene = Scene::copying(&output());
            scene.later(600);
            scene
        },
        |_| {},
    );
}

/// Sam's screen, asked to approve.
fn asked_of_sam(rule: &str) -> Scene {
    Scene::asked(rule).seen_by(&sam(), Role::Witness)
}

/// Every part of what is asked comes onto the screen.
fn read(scene: &mut Scene) {
    for _ in 0..100 {
        scene.keys("n");
    }
}

fn approved() -> Scene {
    let mut scene = Scene::asked("true");
    let yes = Command::Approve { step: "delete".into(), seen: None, name: None, signature: None };
    scene.bench.act_as(&sam(), &yes).expect("is taken");
    scene.later(30);
    scene.hear();
    scene
}

#[test]
fn a_second_person() {
    check("asked-of-witness", || asked_of_sam("true"), |_| {});
    check("approval", || asked_of_sam("true"), |scene| scene.keys("a"));
    check(
        "approval-end",
        || asked_of_sam("true"),
        |scene| {
            scene.keys("a");
            scene.key(KeyCode::End);
        },
    );
    check(
        "approval-word",
        || asked_of_sam("true"),
        |scene| {
            scene.keys("a");
            read(scene);
            scene.keys("Aappr");
        },
    );
    check(
        "approval-here",
        || Scene::asked("{ proof: here }"),
        |scene| {
            scene.keys("a");
            read(scene);
            scene.keys("A");
        },
    );
    check("approval-key", || Scene::asked("{ proof: key }"), |scene| scene.keys("V"));
    check(
        "approval-void",
        || asked_of_sam("true"),
        |scene| {
            scene.keys("aG");
            let why = "west still has one running".to_owned();
            scene.bench.act(&Command::Hold { why }).expect("is taken");
            scene.hear();
        },
    );
    check("approved", approved, |_| {});
    check("approved-question", approved, |scene| scene.key(KeyCode::Enter));
    check("not-yet", || Scene::witnessed("true"), |scene| scene.key(KeyCode::Enter));
    check("join", Scene::shut, |scene| scene.keys("J"));
    check("handover", Scene::shut, |scene| {
        scene.keys("Psam");
        scene.key(KeyCode::Enter);
    });
    check("held-by-chord", Scene::shut, |scene| {
        scene.keys("nwest st");
        scene.ctrl('x');
    });
}

#[test]
fn without_colour_and_without_unicode() {
    check("plain", Scene::shut, |scene| {
        scene.app.theme = crate::tui::theme::Theme::bare();
    });
}

#[test]
fn too_small_says_so() {
    let mut scene = Scene::shut().sized(30, 8);
    assert!(scene.text().contains("onbelay needs 40 × 12"), "{}", scene.text());
    scene.key(KeyCode::Char('d'));
    assert_eq!(scene.commands().len(), 0, "nobody could see what it would do");
    scene.keys("q");
    assert!(scene.left);
}

#[test]
fn any_size_can_be_drawn() {
    for (width, height) in [(0, 0), (1, 1), (39, 12), (40, 11), (41, 13), (99, 30), (100, 30), (300, 100)] {
        for keys in ["", "o", "l", "?", ":", "n", "e", "/x"] {
            let mut scene = Scene::shut().sized(width, height);
            scene.keys(keys);
            scene.draw();
        }
        let mut scene = Scene::open().sized(width, height);
        scene.key(KeyCode::Enter);
        scene.draw();
    }
}
