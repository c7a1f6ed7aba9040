//! What a tired operator, at three in the morning, read wrongly or looked for in vain: each once.

use ratatui::crossterm::event::KeyCode;

use crate::session::Command;
use crate::session::bench::{Bench, dana, sam};
use crate::session::command::CheckItem;
use crate::session::event::Verdict;
use crate::session::recover::Found;
use crate::tui::app::Msg;
use crate::tui::fixture::{Scene, shared};
use crate::wire::FromHost;
use crate::wire::messages::{LogHealth, Role};

const SIZES: [(u16, u16); 3] = [(100, 30), (80, 24), (40, 12)];

/// The words of the picture, however its rows break.
fn words(scene: &mut Scene) -> String {
    let text = scene.text().replace(['│', '─', '┌', '┐', '└', '┘'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn says(scene: &mut Scene, all: &[&str]) {
    let text = words(scene);
    for one in all {
        assert!(text.contains(one), "not there: {one}\n{}", scene.text());
    }
}

#[track_caller]
fn never_says(scene: &mut Scene, none: &[&str]) {
    let text = words(scene);
    for one in none {
        assert!(!text.contains(one), "there: {one}\n{}", scene.text());
    }
}

/// The row of the keys.
fn keys_row(scene: &mut Scene) -> String {
    scene.text().lines().last().unwrap_or_default().trim_end().to_owned()
}

#[test]
fn each_choice_after_a_crash_has_a_row_of_its_own() {
    for size in SIZES {
        let mut scene = Scene::copying(b"half").sized(size.0, size.1);
        scene.bench.host_dies("boot-b", &|_| Found::Gone("the machine restarted".to_owned()));
        scene.hear();
        let mut rows = scene.text();
        for _ in 0..10 {
            scene.key(KeyCode::PageDown);
            rows.push_str(&scene.text());
        }
        let has = |words: &str| rows.lines().any(|row| row.contains(words) && !row.contains("started"));
        assert!(has("    d  it finished") && has("    f  it did not finish"), "{size:?}: {rows}");
    }
}

#[test]
fn under_a_hold_the_question_says_that_nothing_starts_and_that_its_field_takes_letters() {
    let mut scene = Scene::open().sized(100, 30);
    scene.key(KeyCode::Enter);
    says(&mut scene, &["Checked just now", "Empty line or Esc: not now, nothing is run."]);
    assert!(keys_row(&mut scene).starts_with(" Enter go on"), "{}", scene.text());
    scene.ctrl('x');
    says(
        &mut scene,
        &[
            "This keeps it shut now",
            "Held by dana: nothing starts now. Esc, then R releases.",
            "→ Esc, then R",
        ],
    );
    never_says(&mut scene, &["Checked just now", "go on  ", "nothing is run."]);
    assert!(keys_row(&mut scene).starts_with(" Enter try it"), "{}", scene.text());
}

#[test]
fn where_a_check_turned_under_the_question_it_says_which() {
    let mut scene = Scene::open().sized(100, 30);
    scene.key(KeyCode::Enter);
    scene.draw();
    scene.bench.answers.insert("backup-verified".to_owned(), Verdict::Fails);
    let _ = scene.bench.act(&Command::Check { checks: vec![CheckItem::parse("backup-verified")] });
    scene.hear();
    says(&mut scene, &["This keeps it shut now", "It would be refused now: backup-verified does not hold."]);
    assert!(keys_row(&mut scene).starts_with(" Enter try it"), "{}", scene.text());
}

#[test]
fn where_the_log_cannot_be_written_no_hold_is_offered_and_the_way_out_is() {
    for size in SIZES {
        let mut scene = Scene::shut().sized(size.0, size.1);
        let log = LogHealth::Broken { why: "the disk is full; what is in the log is safe".to_owned() };
        scene.give(Msg::Host(Box::new(FromHost::Health { log })));
        says(&mut scene, &["end that, q on every screen, attach again (the disk", "log NOT written"]);
        let keys = keys_row(&mut scene);
        assert!(keys.contains(" no hold") && !keys.contains("^X"), "{keys}");
        assert!(!keys.contains("Enter start"), "{keys}");
        let before = scene.sent.len();
        scene.ctrl('x');
        assert_eq!(scene.sent.len(), before, "nothing is asked of a host that cannot record it");
        says(&mut scene, &["NOT HELD: the log cannot be written"]);
    }
}

#[test]
fn what_is_void_serves_for_no_time() {
    let mut scene = Scene::asked("true").seen_by(&sam(), Role::Witness).sized(100, 30);
    scene.keys("a");
    says(&mut scene, &["% read · serves for 14 min more"]);
    scene.bench.act(&Command::Hold { why: "west still has one running".to_owned() }).expect("is taken");
    scene.hear();
    says(&mut scene, &["% read · void", "what was asked is void: dana called a hold"]);
    never_says(&mut scene, &["serves for"]);
    let mut scene = Scene::asked("true").seen_by(&sam(), Role::Witness).sized(100, 30);
    scene.keys("a");
    scene.later(15 * 60);
    says(&mut scene, &["% read · expired"]);
}

#[test]
fn a_heading_says_what_the_next_key_does() {
    let only = |scene: &mut Scene, wanted: &str| {
        let text = words(scene);
        for heading in [
            "It stays shut until",
            "Enter asks these first",
            "These are asked when it is started",
            "Enter asks a second person",
            "A second person is asked when",
        ] {
            let is = wanted.starts_with(heading);
            assert_eq!(text.contains(heading), is, "{heading}\n{}", scene.text());
        }
        assert!(text.contains(wanted), "{wanted}\n{}", scene.text());
    };
    only(&mut Scene::asked("true").sized(120, 40), "It stays shut until a second person approves it");
    let mut sams = Scene::asked("true").seen_by(&sam(), Role::Witness).sized(120, 40);
    only(&mut sams, "It stays shut until a second person approves it");
    only(&mut Scene::witnessed("true").sized(120, 40), "Enter asks a second person to approve it");
    let mut theirs = Scene::witnessed("true").seen_by(&sam(), Role::Witness).sized(120, 40);
    only(&mut theirs, "A second person is asked when it is started");
    let yaml = "checks:\n  ok: { title: Fine, run: ./look }\nsteps:\n  - { id: go, title: Go, requires: ok, run: ./go }\n";
    let fresh = || Scene::of(Bench::new(yaml)).sized(120, 40);
    only(&mut fresh(), "Enter asks these first, then starts it");
    let held = yaml.replace("run: ./go", "destructive: All of it., confirm: all, run: ./go");
    only(&mut Scene::of(Bench::new(&held)).sized(120, 40), "Enter asks these first, then for its text");
    only(&mut fresh().seen_by(&sam(), Role::Watch), "These are asked when it is started");
}

#[test]
fn a_key_that_only_opens_something_is_not_called_by_what_follows() {
    let mut scene = Scene::asked("true").seen_by(&sam(), Role::Witness).sized(100, 30);
    let keys = keys_row(&mut scene);
    assert!(keys.starts_with(" a read it   r refuse"), "{keys}");
}

#[test]
fn who_only_watches_is_told_who_can_and_whose_keys_these_are() {
    let mut scene = Scene::shut().seen_by(&sam(), Role::Watch).sized(120, 40);
    says(&mut scene, &["→ dana can ask it again"]);
    never_says(&mut scene, &["→ c asks"]);
    let mut theirs = Scene::open();
    theirs.key(KeyCode::Enter);
    theirs.draw();
    let gaze = crate::tui::follow::gaze_of(&theirs.app);
    let mut scene = theirs.seen_by(&sam(), Role::Watch).sized(100, 30);
    scene.give(Msg::Host(Box::new(FromHost::Looking { person: dana(), gaze })));
    assert_eq!(keys_row(&mut scene), " Esc look away   ^X hold   ? keys");
}

#[test]
fn who_is_asked_for_is_told_how_they_come_to_answer() {
    let tried = |mut scene: Scene| {
        scene = scene.sized(100, 30);
        scene.key(KeyCode::Enter);
        scene
    };
    let mut scene = tried(Scene::witnessed("true"));
    says(&mut scene, &["The second person is asked now; sam (another account) can read it"]);
    never_says(&mut scene, &["only watches"]);
    // The box covers the step's own gate there.
    never_says(&mut scene.sized(80, 24), &["type shop-vm to confirm"]);
    let watching = || {
        let mut scene = Scene::witnessed("true");
        for present in scene.app.people.iter_mut().filter(|present| present.person == sam()) {
            present.role = Role::Watch;
        }
        scene
    };
    let line = "sam only watches: they leave (q) and join with this line: onbelay attach --witness k3f9";
    says(&mut tried(watching()), &[line, "Esc, then J has every way to join."]);
    let mut alone = watching();
    alone.bench = shared(alone.bench.clone(), None);
    alone.app.session = alone.bench.session.clone();
    let mut alone = tried(alone);
    says(&mut alone, &["Only dana and root can open this session: it was started without --share"]);
    never_says(&mut alone, &["with this line"]);
}

#[test]
fn a_start_that_would_be_refused_is_the_last_key_and_says_so() {
    let mut scene = Scene::at_hold_point().sized(120, 40);
    assert!(keys_row(&mut scene).contains("Enter start"), "{}", scene.text());
    scene.ctrl('x');
    let keys = keys_row(&mut scene);
    assert!(keys.starts_with(" R release") && keys.contains("(Enter: not now)   ^X hold"), "{keys}");
    assert!(!keys.contains("Enter start"), "{keys}");
}

#[test]
fn a_hold_stands_on_a_box_once_with_where_the_walk_is() {
    let mut scene = Scene::shut().sized(100, 30);
    scene.keys("nwest");
    scene.ctrl('x');
    let text = scene.text();
    assert!(text.starts_with(" ⏸ dana holds: at once, no words given · 4 of 5"), "{text}");
    assert_eq!(text.matches("dana holds").count(), 1, "{text}");
    scene.key(KeyCode::Esc);
    let text = scene.text();
    assert_eq!(text.matches("⏸ dana holds: at once, no words given").count(), 1, "{text}");
}

#[test]
fn a_question_that_wants_yes_says_what_no_does() {
    let mut scene = Scene::shut().sized(100, 30);
    scene.keys("Psam");
    scene.key(KeyCode::Enter);
    says(&mut scene, &["Empty line or Esc: not now, nothing is handed over."]);
    assert!(keys_row(&mut scene).starts_with(" Enter go on"), "{}", scene.text());
}

#[test]
fn what_lies_on_the_end_of_a_row_leaves_a_mark_that_it_was_cut() {
    let mut scene = Scene::shut().sized(80, 24);
    let text = scene.text();
    let row = text.lines().find(|row| row.contains("PgDn ")).unwrap_or_default();
    let before = row.split(" PgDn").next().unwrap_or_default();
    assert!(before.ends_with(' ') || before.ends_with('…'), "{row}");
    let whole = Scene::shut().sized(80, 60).text();
    assert!(before.ends_with('…') || whole.contains(before.trim()), "{row}");
}

#[test]
fn a_refusal_names_its_record() {
    let mut scene = Scene::shut().sized(100, 30);
    scene.key(KeyCode::Enter);
    let n = scene.bench.session.head;
    says(&mut scene, &[&format!("Nothing was run but checks; this is in the log (record {n}).")]);
}
