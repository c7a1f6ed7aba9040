//! The operator's screen and somebody else's, side by side: what leads, what breaks away, what comes back.

use ratatui::crossterm::event::KeyCode;

use super::*;
use crate::session::bench::{dana, sam};
use crate::session::{Command, Event};
use crate::tui::app::Msg;
use crate::tui::fixture::Scene;
use crate::wire::FromHost;
use crate::wire::messages::{OutputFile, Present, Stream};

mod boxes;

/// The operator's screen and somebody else's, each with a copy of the same walk.
struct Two {
    dana: Scene,
    sam: Scene,
}

impl Two {
    fn of(scene: impl Fn() -> Scene) -> Self {
        Self::with(scene, Role::Watch)
    }

    fn with(scene: impl Fn() -> Scene, role: Role) -> Self {
        let mut two = Self { dana: scene(), sam: scene().seen_by(&sam(), role) };
        two.dana.draw();
        two.sam.draw();
        two
    }

    /// What the operator's screen has to tell reaches the other one.
    fn pass(&mut self) {
        self.dana.draw();
        if let Some(ToHost::Look { gaze }) = tell(&mut self.dana.app) {
            self.sam.give(Msg::Host(Box::new(FromHost::Looking { person: dana(), gaze })));
        }
        self.sam.draw();
    }

    fn dana_presses(&mut self, keys: &str) {
        self.dana.keys(keys);
        self.pass();
    }
}

fn here(people: &[(Person, Role)]) -> Msg {
    let people =
        people.iter().map(|(person, role)| Present { person: person.clone(), role: *role }).collect();
    Msg::Host(Box::new(FromHost::People { people }))
}

fn lines(count: usize) -> Vec<u8> {
    (0..count).flat_map(|n| format!("line {n}\n").into_bytes()).collect()
}

#[test]
fn the_same_step_and_the_same_part_of_it_are_shown() {
    let mut two = Two::of(Scene::shut);
    two.dana_presses("g");
    assert_eq!(two.sam.app.selected, 0);
    two.dana_presses("jj");
    assert_eq!(two.sam.app.selected, 2);
    two.dana_presses("G");
    assert_eq!(two.sam.app.selected, two.dana.app.selected);
    let mut two = Two::of(|| Scene::shut().sized(80, 24));
    two.dana_presses(" ");
    assert!(two.dana.app.detail_scroll > 0, "there is more than fits");
    assert_eq!(two.sam.app.detail_scroll, two.dana.app.detail_scroll);
    // Where there are more rows below or above, each says so for its own window.
    let row = |text: &str, n: usize| text.lines().nth(n).map(|row| row.chars().take(60).collect::<String>());
    assert_eq!(row(&two.sam.text(), 6), row(&two.dana.text(), 6));
}

#[test]
fn a_gaze_is_told_once_by_the_operators_screen_and_by_no_other() {
    let mut two = Two::of(Scene::shut);
    assert!(tell(&mut two.dana.app).is_some(), "at first");
    assert!(tell(&mut two.dana.app).is_none(), "nothing has changed");
    two.dana.keys("k");
    assert!(owes(&two.dana.app));
    assert!(tell(&mut two.dana.app).is_some());
    two.sam.keys("k");
    assert!(tell(&mut two.sam.app).is_none());
    let mut other = Scene::shut().seen_by(&sam(), Role::Drive);
    assert!(tell(&mut other.app).is_none(), "one that may act, but is not the operator's");
    let mut own = Scene::shut().seen_by(&dana(), Role::Watch);
    assert!(tell(&mut own.app).is_none(), "one of the operator's that only watches");
    // Not while there is nobody to tell, and again once there is: it may be another host.
    two.dana.give(Msg::Lost("the host is gone".to_owned()));
    two.dana.keys("k");
    assert!(tell(&mut two.dana.app).is_none());
    let again = crate::tui::fixture::welcome(&two.dana.bench, &dana());
    two.dana.give(Msg::Host(Box::new(FromHost::Welcome(Box::new(again)))));
    assert!(tell(&mut two.dana.app).is_some());
}

#[test]
fn any_way_of_ones_own_breaks_away_and_one_key_returns() {
    let scene = || Scene::copying(&lines(500));
    let keys = [
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::PageDown,
        KeyCode::PageUp,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Tab,
        KeyCode::Char('o'),
        KeyCode::Char('l'),
        KeyCode::Char('/'),
        KeyCode::Char('.'),
    ];
    for key in keys {
        let mut two = Two::of(scene);
        two.dana_presses("g");
        assert!(follows(&two.sam.app));
        assert!(two.sam.text().contains("following dana"), "{}", two.sam.text());
        two.sam.key(key);
        assert!(!follows(&two.sam.app), "{key:?}");
        two.sam.blind(KeyCode::Esc);
        assert!(two.sam.text().contains("on your own · v follows dana"), "{key:?}\n{}", two.sam.text());
        let stays = (two.sam.app.selected, two.sam.app.screen);
        two.dana_presses("G");
        assert_eq!((two.sam.app.selected, two.sam.app.screen), stays, "{key:?}: it goes its own ways");
        two.sam.keys("v");
        assert!(follows(&two.sam.app), "{key:?}");
        assert_eq!(
            two.sam.app.selected, two.dana.app.selected,
            "{key:?}: it is where the operator is, at once"
        );
        assert_eq!(two.sam.app.screen, two.dana.app.screen);
    }
    // What only explains is no way of one's own.
    let mut two = Two::of(scene);
    for key in ['?', 'i', ':', 'v'] {
        two.sam.keys(&key.to_string());
        two.sam.blind(KeyCode::Esc);
        assert!(follows(&two.sam.app), "{key}");
    }
}

#[test]
fn what_takes_the_followers_keys_is_left_alone_and_the_gaze_is_obeyed_after_it() {
    let mut two = Two::with(Scene::shut, Role::Witness);
    two.sam.keys("n");
    two.sam.keys("west still");
    let before = two.sam.app.selected;
    two.dana_presses("g");
    two.dana_presses("l");
    assert!(matches!(two.sam.app.mode, Mode::Prompt(_)), "{}", two.sam.text());
    assert_eq!((two.sam.app.selected, two.sam.app.screen), (before, Screen::Walk));
    assert!(two.sam.text().contains("west still"), "{}", two.sam.text());
    two.sam.key(KeyCode::Esc);
    assert_eq!((two.sam.app.selected, two.sam.app.screen), (0, Screen::Log), "the newest gaze, once");
}

#[test]
fn what_lies_on_top_there_is_said_here() {
    let mut two = Two::of(Scene::open);
    two.dana.key(KeyCode::Enter);
    assert!(matches!(two.dana.app.mode, Mode::Question(_)));
    two.pass();
    assert!(matches!(two.sam.app.mode, Mode::Plain), "it is the operator's question, not this screen's");
    assert!(two.sam.text().contains("dana is at the question before 4"), "{}", two.sam.text());
    two.dana.key(KeyCode::Esc);
    two.pass();
    assert!(two.sam.text().contains("following dana"), "{}", two.sam.text());
}

#[test]
fn everything_that_can_lie_on_top_has_words() {
    for (keys, word) in [
        ("n", "a note"),
        ("H", "the words of a hold"),
        ("?", "the list of keys"),
        ("i", "what the runbook is about"),
        (":", "the list of actions"),
        ("/", "a search"),
        ("e", "the list of checks"),
        ("x", "the reason to skip 4"),
        ("A", "the reason to give the walk up"),
    ] {
        let mut scene = Scene::shut();
        scene.keys(keys);
        assert_eq!(gaze_of(&scene.app).over.as_deref(), Some(word), "{keys}");
    }
}

fn output_of(scene: &Scene) -> OutputFile {
    OutputFile { attempt: scene.bench.session.attempts, item: None, stream: Stream::Output }
}

#[test]
fn the_same_byte_of_an_output_is_on_top_whatever_the_widths() {
    let long = |n: usize| format!("{n} {}\n", "abcdefghij".repeat(40)).into_bytes();
    let file: Vec<u8> = (0..2_000).flat_map(long).collect();
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        let mut two = Two::of(|| Scene::copying(&file));
        two.sam.give(Msg::Resize(width, height));
        two.dana_presses("o");
        assert_eq!(two.sam.app.screen, Screen::Output);
        assert!(two.sam.app.output.as_ref().unwrap().follow, "its end is followed, as there");
        two.dana_presses("g");
        for _ in 0..3 {
            two.dana.key(KeyCode::PageDown);
        }
        two.pass();
        let top = |scene: &mut Scene| {
            let width = usize::from(scene.app.size.0);
            scene.app.output.as_ref().unwrap().rows(width, 1)[0].chars().take(12).collect::<String>()
        };
        let (there, here) = (top(&mut two.dana), top(&mut two.sam));
        assert_eq!(there, here, "at {width} columns");
        assert_ne!(there, "0 abcdefghij");
        // Wrapped there: the row that holds the byte, wrapped here too.
        two.dana_presses("w");
        two.dana.keys("jjj");
        two.sam.keys("w");
        two.pass();
        let of = |scene: &Scene| scene.app.output.as_ref().unwrap().top_byte(usize::from(scene.app.size.0));
        let apart = of(&two.dana).unwrap().abs_diff(of(&two.sam).unwrap());
        assert!(apart <= u64::from(width), "{apart} bytes apart at {width} columns");
        if width == 120 {
            let rows = |scene: &Scene| scene.app.output.as_ref().unwrap().rows(120, 20);
            assert_eq!(rows(&two.dana), rows(&two.sam));
        }
        assert!(follows(&two.sam.app), "how long lines look is each screen's own");
        two.dana_presses("G");
        assert!(two.sam.app.output.as_ref().unwrap().follow);
    }
}

#[test]
fn an_output_that_is_looked_at_deep_inside_is_read_there() {
    let file = lines(200_000);
    let mut two = Two::of(|| Scene::copying(&file));
    let of = output_of(&two.sam);
    let gaze = Gaze {
        step: "copy".into(),
        sight: Sight::Output { of, top: Some(1_000_000) },
        over: None,
        top: None,
    };
    two.sam.give(Msg::Host(Box::new(FromHost::Looking { person: dana(), gaze })));
    let at = file[..1_000_000].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let line = String::from_utf8_lossy(&file[at..]).lines().next().unwrap().to_owned();
    two.sam.draw();
    assert_eq!(two.sam.app.output.as_ref().unwrap().rows(20, 1), [line]);
}

#[test]
fn a_place_past_the_end_of_an_output_is_its_end_and_the_host_is_not_asked_for_it_again_and_again() {
    for (count, top) in [(0, 0), (0, u64::MAX), (50, 1 << 40), (50, u64::MAX)] {
        let file = lines(count);
        let mut two = Two::of(|| Scene::copying(&file));
        let of = output_of(&two.sam);
        let sight = Sight::Output { of, top: Some(top) };
        let gaze = Gaze { step: "copy".into(), sight, over: None, top: None };
        two.sam.give(Msg::Host(Box::new(FromHost::Looking { person: dana(), gaze })));
        two.sam.draw();
        let output = two.sam.app.output.as_ref().unwrap();
        assert_eq!(output.total, file.len() as u64, "the host says how long it is: {top}");
        if count > 0 {
            assert_eq!(output.rows(20, 1), ["line 49"]);
        }
        let asked =
            |two: &Two| two.sam.sent.iter().filter(|it| matches!(it, ToHost::ReadOutput { .. })).count();
        let before = asked(&two);
        for _ in 0..5 {
            two.sam.draw();
        }
        assert_eq!(asked(&two), before, "{top}");
    }
    // What is written later is shown, as there.
    let mut two = Two::of(|| Scene::copying(b""));
    two.dana_presses("og");
    let of = output_of(&two.sam);
    two.sam.files.insert(of.clone(), lines(50));
    two.sam.give(Msg::Host(Box::new(FromHost::OutputGrew { of, total: lines(50).len() as u64 })));
    let output = two.sam.app.output.as_ref().unwrap();
    assert_eq!((output.follow, &output.rows(20, 1)[..]), (false, &["line 0".to_owned()][..]));
}

#[test]
fn the_log_ends_with_the_same_record() {
    let scene = || {
        let mut scene = Scene::shut();
        for n in 0..100 {
            scene.bench.act(&Command::Note { text: format!("note {n}") }).unwrap();
        }
        scene.hear();
        scene
    };
    let mut two = Two::of(scene);
    two.sam.give(Msg::Resize(80, 24));
    two.dana_presses("l");
    assert_eq!((two.sam.app.screen, two.sam.app.log_scroll), (Screen::Log, 0));
    two.dana_presses("kkkkk");
    assert_eq!(two.sam.app.log_scroll, 5);
    // Records that come meanwhile move neither.
    two.sam.bench.act(&Command::Note { text: "one more".to_owned() }).unwrap();
    two.sam.hear();
    assert_eq!(two.sam.app.log_scroll, 6);
    two.sam.draw();
    assert_eq!(two.sam.app.log_scroll, 6);
}

#[test]
fn records_from_before_those_that_are_here_are_fetched() {
    let mut two = Two::of(Scene::shut);
    let first = two.sam.app.log.pop_front().unwrap().n;
    two.sam.app.log.pop_front();
    let gaze = Gaze { step: "copy".into(), sight: Sight::Log { last: Some(first) }, over: None, top: None };
    two.sam.give(Msg::Host(Box::new(FromHost::Looking { person: dana(), gaze })));
    let asked = two.sam.sent.iter().find_map(|sent| match sent {
        ToHost::ReadLog { id, before, .. } => Some((*id, *before)),
        _ => None,
    });
    let (id, before) = asked.expect("older records are asked for");
    assert_eq!(before, first + 2);
    two.sam.give(Msg::Resize(100, 30));
    assert_eq!(two.sam.sent.iter().filter(|sent| matches!(sent, ToHost::ReadLog { .. })).count(), 1, "once");
    let entries = two.sam.bench.entries[..2].to_vec();
    two.sam.give(Msg::Host(Box::new(FromHost::Log { id, entries })));
    let shown = two.sam.app.log.len() - 1 - two.sam.app.log_scroll;
    assert_eq!(two.sam.app.log[shown].n, first);
}

#[test]
fn the_selection_that_goes_along_with_the_walk_does_not_fight_the_operators() {
    let mut two = Two::of(Scene::shop);
    two.dana_presses("G");
    let last = two.dana.app.selected;
    two.sam.done("freeze", None);
    two.sam.hear();
    assert_eq!(two.sam.app.selected, last, "the operator still looks at the last step");
    two.sam.give(here(&[(sam(), Role::Watch)]));
    assert!(two.sam.text().contains("dana has no screen open"), "{}", two.sam.text());
    assert_eq!(two.sam.app.selected, two.sam.app.current(), "nobody to follow: the walk is");
    two.sam.bench.run("copy").expect("starts");
    two.sam.bench.exits(0);
    two.sam.hear();
    assert_eq!(two.sam.app.selected, two.sam.app.current());
    two.sam.give(here(&[(dana(), Role::Drive), (sam(), Role::Watch)]));
    assert_eq!(two.sam.app.selected, last);
}

#[test]
fn who_comes_in_is_where_the_operator_is_with_the_first_picture() {
    let mut two = Two::of(Scene::shut);
    two.dana_presses("g");
    let welcome = |role| {
        let mut welcome = crate::tui::fixture::welcome(&two.dana.bench, &sam());
        welcome.gaze = Some(gaze_of(&two.dana.app));
        App::new(welcome, role, crate::tui::theme::Theme::default(), (80, 24))
    };
    for role in [Role::Watch, Role::Witness] {
        assert_eq!(welcome(role).selected, 0, "{role:?}");
    }
    // Who came to act is at the step at hand, until they ask to go along.
    assert_eq!(welcome(Role::Drive).selected, 3);
}

#[test]
fn one_that_was_opened_to_act_follows_only_when_asked() {
    let mut two = Two::with(Scene::shut, Role::Drive);
    two.dana_presses("g");
    assert_eq!(two.sam.app.selected, 3);
    two.sam.keys("v");
    assert_eq!(two.sam.app.selected, 0);
    two.dana_presses("j");
    assert_eq!(two.sam.app.selected, 1);
}

#[test]
fn after_a_handover_the_new_operator_is_followed() {
    let kim = Person { name: "kim".to_owned(), uid: Some(1002), login: None };
    let mut dana_s = Scene::shut();
    let mut two = Two::of(Scene::shut);
    two.dana_presses("g");
    for scene in [&mut two.sam, &mut dana_s] {
        let event = Event::HandedOver { to: kim.clone() };
        scene.bench.record(&dana(), event);
        scene.hear();
        scene.give(here(&[(dana(), Role::Drive), (kim.clone(), Role::Drive), (sam(), Role::Watch)]));
    }
    assert!(two.sam.text().contains("following kim"), "{}", two.sam.text());
    let looks = |step: &str, person: Person| {
        let gaze = Gaze { step: step.into(), sight: Sight::Step { scroll: 0 }, over: None, top: None };
        Msg::Host(Box::new(FromHost::Looking { person, gaze }))
    };
    two.sam.give(looks("dns", kim.clone()));
    assert_eq!(two.sam.app.selected, 2);
    // What the one before told, and what overtook the handover, counts no more.
    two.sam.give(looks("tell", dana()));
    assert_eq!(two.sam.app.selected, 2);
    // The one before leads no longer, and is not moved about unasked.
    assert!(!leads(&dana_s.app));
    dana_s.give(looks("dns", kim));
    assert_eq!(dana_s.app.selected, 3);
    assert!(dana_s.text().contains("v follows kim"), "{}", dana_s.text());
}

#[test]
fn a_note_is_noticed_until_a_key_after_it_and_covers_no_question() {
    for (me, role) in [(dana(), Role::Drive), (sam(), Role::Watch)] {
        let mut scene = Scene::open().seen_by(&me, role);
        scene.bench.record(&sam(), Event::Noted { text: "west still has\u{1b}[2J one running".to_owned() });
        scene.hear();
        let line = scene.text().lines().rev().nth(1).unwrap().to_owned();
        assert!(line.contains("sam: west still has␛[2J one running"), "{line}");
        scene.key(KeyCode::Up);
        let line = scene.text().lines().rev().nth(1).unwrap().to_owned();
        assert!(!line.contains("west"), "{line}");
    }
    let mut scene = Scene::open();
    scene.key(KeyCode::Enter);
    scene.bench.record(&sam(), Event::Noted { text: "wait".to_owned() });
    scene.hear();
    assert!(matches!(scene.app.mode, Mode::Question(_)), "the question stays, and takes the keys");
    scene.keys("shop-vm");
    scene.key(KeyCode::Enter);
    assert_eq!(scene.commands().len(), 2, "it was answered");
}
