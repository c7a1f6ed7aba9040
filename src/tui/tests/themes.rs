//! One busy screen in every theme and at every depth of colours, as cells with their looks.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::style::Color;

use crate::session::view::{CheckStatus, StepStatus};
use crate::session::{Command, Event};
use crate::tui::fixture::{Scene, styled};
use crate::tui::theme::{BUNDLED, Depth, Palette, Theme, of_check, of_step};

const DEPTHS: [Depth; 4] = [Depth::None, Depth::Sixteen, Depth::Many, Depth::True];

/// A hold point that stays shut, and a hold.
fn busy(theme: &Theme) -> Buffer {
    let mut scene = Scene::shut().sized(100, 30);
    scene.bench.act(&Command::Hold { why: "the west side still serves".to_owned() }).expect("holds");
    scene.hear();
    scene.app.theme = *theme;
    scene.draw()
}

fn at(name: &str, depth: Depth) -> Buffer {
    let palette = Palette::bundled(name).expect("bundled").palette;
    busy(&Theme { palette, depth, unicode: true })
}

fn same(name: &str, buffer: &Buffer) {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(format!("theme-{name}"), styled(buffer));
    });
}

#[test]
fn the_same_busy_screen_in_every_theme() {
    same("default", &at("default", Depth::True));
    same("dark-256", &at("dark", Depth::Many));
    same("dark-true", &at("dark", Depth::True));
    same("light-256", &at("light", Depth::Many));
    same("light-true", &at("light", Depth::True));
    same("high-contrast-true", &at("high-contrast", Depth::True));
    same("no-colours", &at("mono", Depth::True));
    same("bare", &busy(&Theme::bare()));
}

#[test]
fn the_default_theme_is_the_same_wherever_there_are_colours_and_stands_in_where_there_are_sixteen() {
    let default = styled(&at("default", Depth::Sixteen));
    for depth in [Depth::Many, Depth::True] {
        assert_eq!(styled(&at("default", depth)), default);
    }
    for name in ["dark", "light", "high-contrast"] {
        assert_eq!(styled(&at(name, Depth::Sixteen)), default, "{name}");
    }
    for (name, _) in BUNDLED {
        assert_eq!(styled(&at(name, Depth::None)), styled(&at("mono", Depth::True)), "{name}");
    }
}

#[test]
fn no_cell_has_a_colour_that_the_terminal_has_not() {
    for (name, _) in BUNDLED {
        for depth in DEPTHS {
            let buffer = at(name, depth);
            let has = |color: Color| match color {
                Color::Reset => true,
                Color::Rgb(..) => depth == Depth::True,
                Color::Indexed(_) => depth >= Depth::Many,
                _ => depth >= Depth::Sixteen,
            };
            assert!(buffer.content.iter().all(|c| has(c.fg) && has(c.bg)), "{name} at {depth:?}");
        }
    }
}

/// The same words stand at the same places, whatever the theme: nothing is said by a look alone.
#[test]
fn a_theme_moves_no_letter() {
    let letters = |buffer: &Buffer| buffer.content.iter().map(|c| c.symbol().to_owned()).collect::<String>();
    let usual = letters(&busy(&Theme::default()));
    for (name, _) in BUNDLED {
        for depth in DEPTHS {
            assert_eq!(letters(&at(name, depth)), usual, "{name} at {depth:?}");
        }
    }
}

#[test]
fn no_two_states_differ_by_their_look_alone() {
    use CheckStatus as C;
    use StepStatus as S;
    let steps = [S::Waiting, S::Ready, S::Running, S::Done, S::Failed, S::Skipped, S::Interrupted, S::Undone];
    let said: BTreeSet<_> = steps.iter().map(|s| of_step(*s).0).collect();
    assert_eq!(said.len(), steps.len(), "by their marks");
    let checks = [C::Unknown, C::Running, C::Holds, C::Fails, C::Error, C::Stale];
    let said: BTreeSet<_> = checks.iter().map(|s| of_check(*s).2).collect();
    assert_eq!(said.len(), checks.len(), "by their words");
}

/// What is told in a bare terminal, one by one: where we are, what is shut and why, who is here, the hold, the log.
#[test]
fn one_look_at_a_bare_terminal_says_it_all() {
    let mut scene = Scene::shut().sized(80, 24);
    scene.bench.record(&crate::session::bench::sam(), Event::HoldCalled { why: "west serves".to_owned() });
    scene.hear();
    scene.app.theme = Theme::bare();
    let shown = crate::tui::fixture::text(&scene.draw());
    assert!(shown.is_ascii(), "{shown}");
    for words in ["Move the shop", "4 of 5", "sam holds: west serves", "backup-verified", "dana"] {
        assert!(shown.contains(words), "{words}:\n{shown}");
    }
}
