//! Typing into the terminal of an interactive step: where keys go, what comes back, what is left alone.

use ratatui::crossterm::event::{KeyEvent, KeyModifiers};

use crate::session::Command;
use crate::session::bench::{Bench, dana, sam};
use crate::tui::app::{Action, Msg, update};
use crate::tui::fixture::Scene;
use crate::tui::mode::{Mode, Screen, Stand};
use crate::tui::picture::check;
use crate::wire::messages::{OutputFile, Role, Stream, Terminal};
use crate::wire::{FromHost, ToHost};
use ratatui::crossterm::event::KeyCode;

const WALK: &str = r"
steps:
  - { id: restore, title: Restore drill, interactive: true, run: ./drill }
  - { id: tell, title: Tell the customers, run: ./mail }
";

const SCREEN: &[u8] = b"\x1b[2J\x1b[H\x1b[1;44m Restore drill \x1b[0m\r\n\r\n\
  source   \x1b[32mnas-phoenix\x1b[0m\r\n  target   /mnt/drill\r\n\r\nGo on? [y/N] ";

fn of(scene: &Scene) -> OutputFile {
    OutputFile { attempt: scene.bench.session.attempts, item: None, stream: Stream::Output }
}

fn terminals(scene: &mut Scene, typist: Option<crate::session::Person>, size: (u16, u16)) {
    let terminal = Terminal { of: of(scene), step: "restore".into(), columns: size.0, rows: size.1, typist };
    scene.give(Msg::Host(Box::new(FromHost::Terminals { terminals: vec![terminal] })));
}

/// The drill runs and has written `output` on a terminal of 80 by 20.
fn running(output: &[u8]) -> Scene {
    let mut scene = Scene::of(Bench::titled("Move the shop", WALK, std::collections::BTreeMap::new()));
    scene.bench.run("restore").expect("starts");
    let file = of(&scene);
    scene.files.insert(file, output.to_vec());
    scene.hear();
    scene.later(12);
    terminals(&mut scene, None, (80, 20));
    scene
}

/// Dana types into it.
fn typing() -> Scene {
    let mut scene = running(SCREEN);
    take(&mut scene);
    scene
}

fn take(scene: &mut Scene) {
    scene.keys("t");
    let size = crate::tui::terminal_pane::room(scene.app.size);
    terminals(scene, Some(dana()), size);
    scene.draw();
    scene.sent.clear();
}

fn stand(scene: &Scene) -> Option<&Stand> {
    match &scene.app.mode {
        Mode::Terminal(typing) => Some(&typing.stand),
        _ => None,
    }
}

/// What went to the command.
fn typed(scene: &Scene) -> String {
    let bytes = scene.sent.iter().filter_map(|message| match message {
        ToHost::Type { data, .. } => data_encoding::BASE64.decode(data.as_bytes()).ok(),
        _ => None,
    });
    String::from_utf8(bytes.collect::<Vec<_>>().concat()).expect("text")
}

fn out(scene: &mut Scene) {
    scene.ctrl('5');
}

#[test]
fn a_running_interactive_step_offers_its_terminal_first() {
    let mut scene = running(SCREEN);
    let footer = scene.text().lines().last().expect("a footer").trim_start().to_owned();
    assert!(footer.starts_with("t type into it"), "{footer}");
    let text = scene.text();
    assert!(text.contains("Go on? [y/N]") && text.contains("nobody types yet: press t to type"), "{text}");
    scene.key(KeyCode::Enter);
    assert!(scene.text().contains("t types into its terminal"), "{}", scene.text());
    assert!(scene.commands().is_empty());
}

#[test]
fn every_key_goes_to_the_command_and_one_comes_back() {
    let mut scene = running(SCREEN);
    scene.keys("t");
    assert!(
        matches!(scene.commands().last(), Some(Command::TakeTerminal { step }) if step.as_str() == "restore")
    );
    assert_eq!(stand(&scene), Some(&Stand::Typing));
    assert!(
        scene.sent.iter().any(|m| matches!(m, ToHost::Window { columns: 120, rows: 36, .. })),
        "{:?}",
        scene.sent
    );
    take_is_told(&mut scene);
    scene.keys("qy?:");
    for c in ['c', 'z', 'x', 'o'] {
        scene.ctrl(c);
    }
    scene.key(KeyCode::Enter);
    scene.key(KeyCode::Esc);
    scene.key(KeyCode::Up);
    assert_eq!(typed(&scene), "qy?:\x03\x1a\x18\x0f\r\x1b\x1b[A");
    assert!(!scene.left && scene.commands().is_empty(), "nothing of it was for onbelay");
    assert!(scene.bench.session.holds.is_empty());
    out(&mut scene);
    assert_eq!((stand(&scene), scene.app.screen), (None, Screen::Output));
    scene.ctrl('x');
    assert_eq!(scene.bench.session.holds.len(), 1, "back at onbelay it holds");
}

fn take_is_told(scene: &mut Scene) {
    terminals(scene, Some(dana()), (120, 36));
    scene.sent.clear();
}

#[test]
fn the_key_that_comes_back_twice_sends_one() {
    let mut scene = typing();
    out(&mut scene);
    out(&mut scene);
    assert_eq!(typed(&scene), "\x1d");
    assert_eq!(stand(&scene), Some(&Stand::Typing));
    out(&mut scene);
    scene.key(KeyCode::Down);
    out(&mut scene);
    assert_eq!(typed(&scene), "\x1d", "only the very next key");
    assert_eq!(stand(&scene), None);
}

#[test]
fn keys_before_the_terminal_is_granted_reach_nobody() {
    let mut scene = running(SCREEN);
    scene.draw();
    let key = |c| Msg::Key { key: KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE), at: 1 << 40 };
    let actions = update(&mut scene.app, key('t'));
    assert!(actions.iter().any(|a| matches!(a, Action::Send(ToHost::Request { .. }))), "{actions:?}");
    for c in ['y', 's', 'q'] {
        let actions = update(&mut scene.app, key(c));
        assert!(actions.is_empty(), "{c}: {actions:?}");
    }
    assert_eq!(stand(&scene), Some(&Stand::Asking));
}

#[test]
fn keys_meant_for_a_command_that_has_just_ended_start_nothing() {
    let mut scene = typing();
    scene.keys("y");
    scene.bench.exits(0);
    scene.hear();
    scene.give(Msg::Host(Box::new(FromHost::Terminals { terminals: Vec::new() })));
    assert_eq!((stand(&scene), scene.app.screen), (None, Screen::Walk));
    scene.sent.clear();
    // Seen or not: somebody who types goes on for a moment.
    let at = scene.bench.now.up;
    for _ in 0..5 {
        scene.draw();
        scene.give(Msg::Key { key: KeyEvent::from(KeyCode::Enter), at });
        scene.keys("qsx:");
    }
    assert!(scene.sent.is_empty() && !scene.left, "{:?}", scene.sent);
    assert!(matches!(scene.app.mode, Mode::Plain));
    assert!(scene.text().contains("may have been meant for the command"), "{}", scene.text());
    scene.later(1);
    scene.key(KeyCode::Enter);
    assert!(matches!(scene.commands()[..], [Command::Run { .. }]), "{:?}", scene.commands());
}

#[test]
fn a_paste_of_one_line_goes_to_the_command_and_of_more_is_asked_about() {
    let mut scene = typing();
    scene.give(Msg::Paste("nas-phoenix".to_owned()));
    assert_eq!(typed(&scene), "nas-phoenix");
    scene.sent.clear();
    scene.give(Msg::Paste("one\ntwo\n".to_owned()));
    assert!(scene.text().contains("Paste 2 lines to the command?"), "{}", scene.text());
    scene.give(Msg::Paste("y".to_owned()));
    scene.key(KeyCode::Enter);
    assert_eq!((typed(&scene).as_str(), stand(&scene)), ("", Some(&Stand::Typing)));
    scene.give(Msg::Paste("one\ntwo\n".to_owned()));
    scene.blind(KeyCode::Char('y'));
    assert_eq!(typed(&scene), "", "nobody had seen the question");
    scene.keys("y");
    assert_eq!(typed(&scene), "one\rtwo\r");
    // Where the command asks for brackets it gets them.
    let mut scene = running(b"\x1b[?2004h$ ");
    take(&mut scene);
    scene.give(Msg::Paste("a b".to_owned()));
    assert_eq!(typed(&scene), "\x1b[200~a b\x1b[201~");
    scene.give(Msg::Paste("x".repeat(1 << 20)));
    assert!(scene.text().contains("nothing was pasted"), "{}", scene.text());
}

#[test]
fn a_lost_connection_is_said_keys_go_nowhere_and_the_same_key_takes_it_again() {
    let mut scene = typing();
    scene.keys("y");
    scene.give(Msg::Lost("the host ended the connection".to_owned()));
    scene.sent.clear();
    assert!(scene.text().contains("KEYS GO NOWHERE"), "{}", scene.text());
    assert!(scene.text().contains("the last key may not have arrived"), "{}", scene.text());
    scene.keys("tessst\rq");
    assert!(scene.sent.is_empty() && !scene.left);
    // Meanwhile the command went on, and wrote.
    let file = of(&scene);
    scene.files.get_mut(&file).expect("is there").extend_from_slice(b"y\r\nrestored 312 files\r\n");
    let mut welcome = crate::tui::fixture::welcome(&scene.bench, &dana());
    let step = "restore".into();
    welcome.terminals = vec![Terminal { of: file.clone(), step, columns: 80, rows: 20, typist: None }];
    scene.give(Msg::Host(Box::new(FromHost::Welcome(Box::new(welcome)))));
    let text = scene.text();
    assert!(text.contains("restored 312 files") && text.contains("t type into it again"), "{text}");
    scene.sent.clear();
    scene.keys("est");
    assert!(scene.commands().is_empty(), "the rest of a word is not that key");
    scene.later(1);
    scene.keys("t");
    assert_eq!(stand(&scene), Some(&Stand::Typing));
    terminals(&mut scene, Some(dana()), (80, 20));
    scene.sent.clear();
    scene.keys("ls");
    assert_eq!(typed(&scene), "ls");
}

#[test]
fn whoever_takes_it_has_it_and_the_others_see_who() {
    let mut scene = typing();
    terminals(&mut scene, Some(sam()), (80, 20));
    assert!(scene.text().contains("sam types into it now"), "{}", scene.text());
    scene.keys("y");
    assert_eq!(typed(&scene), "");
    // Another screen of the same account: the host says so.
    let mut scene = typing();
    scene.keys("y");
    let id = scene
        .sent
        .iter()
        .find_map(|m| if let ToHost::Type { id, .. } = m { Some(*id) } else { None })
        .expect("was sent");
    let why_not = Some("another screen types into it now; take the terminal first".to_owned());
    scene.give(Msg::Host(Box::new(FromHost::Typed { id, why_not })));
    assert!(scene.text().contains("another screen types into it now"), "{}", scene.text());
    // Who looks on sees the terminal and who types, and may not.
    let mut scene = watching();
    let text = scene.text();
    assert!(text.contains("dana types") && text.contains("Go on? [y/N]"), "{text}");
    scene.keys("t");
    assert!(scene.commands().is_empty() && stand(&scene).is_none());
}

fn watching() -> Scene {
    let mut scene = running(SCREEN).seen_by(&sam(), Role::Watch);
    terminals(&mut scene, Some(dana()), (80, 20));
    scene.keys("o");
    scene
}

#[test]
fn what_is_typed_is_kept_nowhere() {
    let mut scene = typing();
    for c in "s3cret-pass".chars() {
        scene.key(KeyCode::Char(c));
    }
    scene.give(Msg::Paste("s3cret-pass\nx".to_owned()));
    let all = format!("{:?}", scene.app);
    assert!(!all.contains("s3cret"), "{all}");
}

#[test]
fn what_a_command_writes_cannot_leave_its_place_or_hide() {
    let hostile = "\x1b[2J\x1b[Hab\u{202e}cd\u{200b} \u{feff}x 日本 e\u{301} \x1b]0;owned\x07\x1b]52;c;YQ==\x07\x07❤\u{fe0f}!\r\n";
    let mut scene = running(hostile.as_bytes());
    scene.keys("o");
    let buffer = scene.draw();
    for cell in &buffer.content {
        assert!(!cell.symbol().chars().any(crate::text::is_marked), "{:?}", cell.symbol());
    }
    let text = scene.text();
    assert!(text.contains("日本 e\u{301}") && !text.contains("owned"), "{text}");
}

#[test]
fn the_window_of_the_typist_is_told_and_only_when_it_changes() {
    let mut scene = typing();
    scene.give(Msg::Resize(100, 30));
    scene.give(Msg::Resize(100, 30));
    let told: Vec<(u16, u16)> = scene
        .sent
        .iter()
        .filter_map(
            |m| if let ToHost::Window { columns, rows, .. } = m { Some((*columns, *rows)) } else { None },
        )
        .collect();
    assert_eq!(told, [(100, 26)]);
}

#[test]
fn pictures_of_a_terminal() {
    check("terminal-offered", || running(SCREEN), |_| {});
    check(
        "terminal-typing",
        || running(SCREEN),
        |scene| {
            take(scene);
        },
    );
    check(
        "terminal-lost",
        || running(SCREEN),
        |scene| {
            take(scene);
            scene.keys("y");
            scene.give(Msg::Lost("the host ended the connection".to_owned()));
        },
    );
    check(
        "terminal-watching",
        || running(SCREEN).seen_by(&sam(), Role::Watch),
        |scene| {
            terminals(scene, Some(dana()), (100, 30));
            scene.keys("o");
        },
    );
    let wide: Vec<u8> = (0..60)
        .flat_map(|n| format!("\x1b[{};1H{n:>3} {}", n + 1, "abcdefghij ".repeat(13)).into_bytes())
        .collect();
    check(
        "terminal-larger",
        || running(b"").seen_by(&sam(), Role::Watch),
        |scene| {
            let file = of(scene);
            scene.files.insert(file.clone(), wide.clone());
            terminals(&mut *scene, Some(dana()), (150, 60));
            scene.give(Msg::Host(Box::new(FromHost::OutputGrew { of: file, total: wide.len() as u64 })));
            scene.keys("o");
        },
    );
    check(
        "terminal-paste",
        || running(SCREEN),
        |scene| {
            take(scene);
            scene.give(Msg::Paste("cd /mnt/drill\nls -l\n./compare --all\n".to_owned()));
        },
    );
    check(
        "terminal-ended",
        || running(SCREEN),
        |scene| {
            take(scene);
            scene.bench.exits(1);
            scene.hear();
            scene.give(Msg::Host(Box::new(FromHost::Terminals { terminals: Vec::new() })));
        },
    );
}

#[test]
fn in_a_window_too_small_to_type_in_no_key_is_taken_for_an_order() {
    let mut scene = typing();
    scene.give(Msg::Resize(30, 8));
    assert!(scene.text().starts_with("KEYS GO NOWHERE"), "{}", scene.text());
    let press = |scene: &mut Scene, key: KeyEvent| {
        scene.draw();
        let at = scene.bench.now.up;
        update(&mut scene.app, Msg::Key { key, at })
    };
    let (enter, quit) = (KeyEvent::from(KeyCode::Enter), KeyEvent::from(KeyCode::Char('q')));
    for key in [quit, enter] {
        assert!(press(&mut scene, key).is_empty(), "{key:?}");
    }
    press(&mut scene, KeyEvent::new(KeyCode::Char(']'), KeyModifiers::CONTROL));
    assert!(matches!(scene.app.mode, Mode::Plain));
    for key in [quit, enter] {
        assert!(press(&mut scene, key).is_empty(), "{key:?} was on its way to the command");
    }
    scene.later(1);
    assert!(matches!(press(&mut scene, enter)[..], [Action::Lines]));
}
