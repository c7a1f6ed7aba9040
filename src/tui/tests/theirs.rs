//! The operator's box on the screen of somebody who follows, as it looks.

use ratatui::crossterm::event::KeyCode;

use crate::session::bench::{dana, sam};
use crate::tui::app::Msg;
use crate::tui::fixture::Scene;
use crate::tui::follow::gaze_of;
use crate::tui::picture::check;
use crate::wire::FromHost;
use crate::wire::messages::Role;

/// Sam's screen, which follows, after dana has pressed some keys, and knows all that came of them.
fn followed(scene: impl Fn() -> Scene, role: Role, keys: impl Fn(&mut Scene)) -> Scene {
    let mut theirs = scene();
    theirs.draw();
    keys(&mut theirs);
    theirs.draw();
    let gaze = gaze_of(&theirs.app);
    let mut here = theirs.seen_by(&sam(), role);
    here.give(Msg::Host(Box::new(FromHost::Looking { person: dana(), gaze })));
    here
}

#[test]
fn their_question() {
    let scene = || {
        followed(Scene::open, Role::Watch, |scene| {
            scene.key(KeyCode::Enter);
            scene.draw();
            scene.keys("shop-");
        })
    };
    check("their-question", scene, |_| {});
}

#[test]
fn their_words() {
    check("their-words", || followed(Scene::shut, Role::Witness, |scene| scene.keys("nwest is sti")), |_| {});
}
