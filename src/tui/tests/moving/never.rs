//! What never happens: a key without an answer, and a yes from what nobody typed at what they saw.

use proptest::prelude::*;
use ratatui::crossterm::event::{KeyEvent, MouseButton, MouseEventKind};

use crate::session::bench::dana;
use crate::tui::app::Link;
use crate::wire::ToHost;

use super::pointer::event;
use super::*;

fn scenes() -> Vec<(&'static str, Scene)> {
    let mut lost = Scene::shut();
    lost.give(Msg::Lost("gone".to_owned()));
    assert!(matches!(lost.app.link, Link::Lost(_)));
    vec![
        ("begun", Scene::shop()),
        ("shut", Scene::shut()),
        ("open", Scene::open()),
        ("copying", Scene::copying(b"a line\n")),
        ("crashed", crashed()),
        ("watched", Scene::shut().seen_by(&sam(), Role::Watch)),
        ("witness", Scene::asked("true").seen_by(&sam(), Role::Witness)),
        ("lost", lost),
    ]
}

#[test]
fn no_key_of_the_table_is_ever_met_with_silence() {
    let mut silent = Vec::new();
    for way in ["", "\t", "o", "l"] {
        // A command that runs has all pages; the other scenes differ in what can be done to the walk.
        for (name, mut scene) in scenes().into_iter().filter(|(name, _)| way.is_empty() || *name == "copying")
        {
            let go = |scene: &mut Scene| {
                for c in way.chars() {
                    scene.key(if c == '\t' { KeyCode::Tab } else { KeyCode::Char(c) });
                }
            };
            go(&mut scene);
            let (screen, page) = (scene.app.screen, scene.app.page());
            for binding in keys::table(page) {
                for _ in 0..8 {
                    if scene.app.page() == page {
                        break;
                    }
                    let plain = matches!(scene.app.mode, Mode::Plain);
                    if plain && scene.app.screen == Screen::Walk {
                        go(&mut scene);
                    }
                    if scene.app.page() != page {
                        scene.key(KeyCode::Esc);
                    }
                }
                if scene.app.screen != screen || scene.app.page() != page {
                    // The step that was started meanwhile has its own ways; what follows is another scene's.
                    continue;
                }
                scene.app.notice = None;
                scene.app.noted = None;
                let (before, sent, left) = (scene.draw(), scene.sent.len(), scene.left);
                let key = binding.keys[0].event();
                let at = scene.bench.now.up;
                scene.give(Msg::Key { key, at });
                let heard = scene.sent[sent..].iter().any(|one| matches!(one, ToHost::Request { .. }));
                if scene.draw() == before && !heard && scene.left == left {
                    silent.push(format!("{name}: {page:?} {:?}", binding.verb));
                }
                scene.left = false;
            }
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}

/// Something that happens to a screen.
#[derive(Clone, Debug)]
enum Happens {
    /// A picture is made, and looked at.
    Drawn,
    /// A key, now.
    Key(KeyCode),
    /// A key that was typed before the last picture, and is read now.
    Late(KeyCode),
    /// All of the text that would confirm.
    Text,
    Paste(&'static str),
    Click(u16, u16),
    Wheel(bool, u16, u16),
    /// Somebody else does something, and the screen hears of it.
    Others(u8),
    Resize(bool),
}

fn happens() -> impl Strategy<Value = Happens> {
    let keys =
        prop::sample::select("aAbcdefFgGhHijJklnNoPqrRsStuUvVwxyY?:/$.=M|[] 1y".chars().collect::<Vec<_>>());
    let code = prop_oneof![
        6 => keys.prop_map(KeyCode::Char),
        4 => Just(KeyCode::Enter),
        1 => Just(KeyCode::Esc),
        1 => Just(KeyCode::Tab),
        1 => Just(KeyCode::Backspace),
        1 => prop::sample::select(vec![KeyCode::Up, KeyCode::Down, KeyCode::PageDown, KeyCode::End]),
    ];
    prop_oneof![
        6 => Just(Happens::Drawn),
        10 => code.clone().prop_map(Happens::Key),
        3 => code.prop_map(Happens::Late),
        2 => Just(Happens::Text),
        2 => prop::sample::select(vec!["shop-vm\n", "y\n", "approve\n", "yes", "a: b\r"]).prop_map(Happens::Paste),
        3 => (0..80u16, 0..24u16).prop_map(|(x, y)| Happens::Click(x, y)),
        2 => (0..80u16, Just(23u16)).prop_map(|(x, y)| Happens::Click(x, y)),
        1 => (any::<bool>(), 0..80u16, 0..24u16).prop_map(|(up, x, y)| Happens::Wheel(up, x, y)),
        2 => (0..6u8).prop_map(Happens::Others),
        1 => any::<bool>().prop_map(Happens::Resize),
    ]
}

/// What a screen may only send when somebody typed it at what they saw.
fn is_yes(command: &Command) -> bool {
    matches!(
        command,
        Command::Run { typed: Some(_), .. }
            | Command::Undo { .. }
            | Command::Approve { .. }
            | Command::Attest { .. }
            | Command::Stop { .. }
            | Command::Finish
            | Command::Abort { .. }
            | Command::Handover { .. }
            | Command::Skip { .. }
            | Command::Done { .. }
            | Command::Resolve { .. }
    )
}

fn others(scene: &mut Scene, what: u8) {
    let by = sam();
    let step = || "delete".into();
    let _ = match what {
        0 => scene.bench.act_as(&by, &Command::Note { text: "hello".to_owned() }),
        1 => scene.bench.act_as(&by, &Command::Hold { why: "wait".to_owned() }),
        2 => scene.bench.act_as(&by, &Command::Release { why: Some("go on".to_owned()) }),
        3 => scene.bench.act_as(&dana(), &Command::Check { checks: Vec::new() }),
        4 => scene.bench.act_as(&dana(), &Command::Skip { steps: vec![step()], why: "no".to_owned() }),
        _ => scene.bench.act_as(&by, &Command::AskApproval { step: step(), work: None, by_hand: false }),
    };
    scene.hear();
}

fn holds(mut scene: Scene, events: &[Happens]) -> Result<(), TestCaseError> {
    let face = |scene: &Scene| scene.app.mode.face(scene.app.screen);
    // Since when what is on top now is on the screen; what was typed at it since.
    let (mut seen, mut typed): (Option<u64>, String) = (None, String::new());
    for happens in events {
        if scene.left {
            break;
        }
        let (before, sent) = (face(&scene), scene.commands().len());
        let on_top = !matches!(scene.app.mode, Mode::Plain);
        let now = scene.bench.now.up;
        let late = now.saturating_sub(1_000);
        let text = match &scene.app.mode {
            Mode::Question(question) => question.text.clone(),
            Mode::Approval(_) => "approve".to_owned(),
            _ => "y".to_owned(),
        };
        match happens {
            Happens::Drawn => {
                scene.later(1);
                scene.draw();
            }
            Happens::Key(code) => scene.blind(*code),
            Happens::Late(code) => {
                scene.give(Msg::Key { key: KeyEvent::from(*code), at: late });
            }
            Happens::Text => {
                for c in text.chars() {
                    scene.blind(KeyCode::Char(c));
                }
            }
            Happens::Paste(text) => scene.give(Msg::Paste((*text).to_owned())),
            Happens::Click(x, y) => {
                let event = event(MouseEventKind::Down(MouseButton::Left), *x, *y);
                scene.give(Msg::Mouse { event, at: now });
            }
            Happens::Wheel(up, x, y) => {
                let kind = if *up { MouseEventKind::ScrollUp } else { MouseEventKind::ScrollDown };
                scene.give(Msg::Mouse { event: event(kind, *x, *y), at: now });
            }
            Happens::Others(what) => others(&mut scene, *what),
            Happens::Resize(small) => {
                let (width, height) = if *small { (40, 12) } else { (80, 24) };
                scene.give(Msg::Resize(width, height));
            }
        }
        let said: Vec<Command> = scene.commands()[sent..].iter().map(|command| (*command).clone()).collect();
        for command in said.iter().filter(|command| is_yes(command)) {
            let keyed = match happens {
                Happens::Key(_) | Happens::Text => seen.is_some(),
                Happens::Late(_) => seen.is_some_and(|seen| seen <= late),
                _ => false,
            };
            prop_assert!(keyed && on_top, "{happens:?} at {before:?} sent {command:?}");
            if let Command::Run { typed: Some(text), .. } | Command::Undo { typed: Some(text), .. } = command
            {
                prop_assert!(typed.ends_with(text.as_str()), "{typed:?} is not {text:?}");
            }
        }
        if scene.left && before.1.is_some() {
            prop_assert!(
                seen.is_some() && matches!(happens, Happens::Key(_) | Happens::Late(_)),
                "{happens:?} at {before:?} left"
            );
        }
        match happens {
            Happens::Key(KeyCode::Char(c)) if seen.is_some() => typed.push(*c),
            Happens::Text if seen.is_some() => typed.push_str(&text),
            Happens::Key(KeyCode::Backspace) if seen.is_some() => {
                typed.pop();
            }
            _ => {}
        }
        if face(&scene) != before {
            (seen, typed) = (None, String::new());
        }
        if matches!(happens, Happens::Drawn) {
            seen = seen.or(Some(scene.bench.now.up));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_confirmed_but_by_what_was_typed_at_what_was_seen(
        which in 0..6usize,
        events in prop::collection::vec(happens(), 1..90),
    ) {
        let mut scene = match which {
            0 | 1 => Scene::open(),
            2 => Scene::copying(b"a line\n"),
            3 => Scene::asked("true").seen_by(&sam(), Role::Witness),
            4 => crashed(),
            _ => Scene::shop(),
        }
        .sized(80, 24);
        if which == 1 {
            scene.key(KeyCode::Enter);
        }
        holds(scene, &events)?;
    }
}
