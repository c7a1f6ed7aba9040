//! What may start when the disk that the journal is on is all but full (J21).

use super::*;
use crate::journal::room::LEAST;

const WALK: &str = "steps:
  - { id: plain, title: Plain, run: 'true' }
  - { id: wipe, title: Wipe, destructive: true, run: 'true', undo: 'true' }
";

fn wipe(typed: Option<&str>, will_ask: bool) -> Command {
    Command::Run { step: "wipe".into(), typed: typed.map(str::to_owned), will_ask, by_hand: false }
}

/// The plain step is done; then so much is free.
fn with_room(room: Option<u64>) -> Scene {
    let mut scene = Scene::joined(WALK);
    scene.paper.0.lock().unwrap().room = Some(0);
    // Whatever is free: this destroys nothing.
    let outputs = scene.run("plain");
    assert!(outputs.iter().any(|output| matches!(output, Output::Start(_))), "{outputs:?}");
    scene.feed(Input::Ended { attempt: 1, item: None, ended: Ok(Box::new(ended(0))) });
    scene.paper.0.lock().unwrap().room = room;
    scene
}

fn refused(scene: &Scene) -> Option<String> {
    scene.paper.0.lock().unwrap().entries.iter().find_map(|entry| match &entry.event {
        Event::Refused { step: Some(_), why, .. } => Some(why.clone()),
        _ => None,
    })
}

#[test]
fn j21_nothing_that_destroys_is_started_where_the_log_has_too_little_room() {
    for (typed, will_ask) in [(Some("wipe"), false), (Some("wipe"), true), (None, true)] {
        let mut scene = with_room(Some(LEAST - 1));
        let outputs = scene.act(wipe(typed, will_ask));
        assert!(!outputs.iter().any(|output| matches!(output, Output::Start(_))), "{outputs:?}");
        assert_eq!(scene.on_paper().iter().filter(|name| *name == "step_started").count(), 1);
        let why = refused(&scene).unwrap();
        assert!(why.contains("only 63 MiB are free"), "{why}");
        assert!(!scene.on_paper().contains(&"question_put".to_owned()), "it asks nobody in vain");
        // With room again the same wish is granted.
        scene.paper.0.lock().unwrap().room = Some(LEAST);
        let outputs = scene.act(wipe(Some("wipe"), false));
        assert!(outputs.iter().any(|output| matches!(output, Output::Start(_))), "{outputs:?}");
    }
}

#[test]
fn j21_what_takes_a_step_back_starts_whatever_is_free() {
    let mut scene = with_room(None);
    scene.act(wipe(Some("wipe"), false));
    scene.feed(Input::Ended { attempt: 2, item: None, ended: Ok(Box::new(ended(0))) });
    scene.paper.0.lock().unwrap().room = Some(0);
    let outputs =
        scene.act(Command::Undo { step: "wipe".into(), typed: Some("wipe".to_owned()), will_ask: false });
    assert!(outputs.iter().any(|output| matches!(output, Output::Start(_))), "{outputs:?}");
    assert_eq!(refused(&scene), None);
}
