//! The bundled themes can be read: as files, and as colours on their grounds. PURE.

use super::super::depth::rgb_of;
use super::super::{Ground, style};
use super::*;

/// The grounds that people with such a terminal have: the ends, and what the well-known schemes are.
const DARK: [Rgb; 4] = [(0, 0, 0), (0x1e, 0x1e, 0x1e), (0x00, 0x2b, 0x36), (0x30, 0x30, 0x30)];
const LIGHT: [Rgb; 3] = [(255, 255, 255), (0xfd, 0xf6, 0xe3), (0xee, 0xee, 0xee)];

type Rgb = (u8, u8, u8);

fn rgb(color: Color) -> Rgb {
    match color {
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(n @ 16..) => rgb_of(n),
        other => panic!("{other:?} looks different on every terminal"),
    }
}

/// WCAG 2.2: relative luminance.
fn luminance((r, g, b): Rgb) -> f64 {
    let part = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
}

fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn contrast_is_counted_as_the_standard_does() {
    assert!((contrast((255, 255, 255), (0, 0, 0)) - 21.0).abs() < 1e-9);
    assert!((contrast((0x77, 0x77, 0x77), (255, 255, 255)) - 4.48).abs() < 0.01);
}

#[test]
fn every_bundled_theme_is_a_file_that_names_every_tone() {
    for (name, source) in BUNDLED {
        let found =
            read(source.as_bytes(), name, Palette::plain()).unwrap_or_else(|problems| panic!("{problems}"));
        for (_, tone) in Tone::ALL {
            assert!(source.contains(&format!("\n{tone}: ")), "{name} does not name {tone}");
        }
        assert_ne!(found.palette, Palette::plain(), "{name}");
    }
}

#[test]
fn every_tone_of_the_coloured_themes_is_read_easily_on_their_grounds_and_on_a_selected_row() {
    for (name, least, grounds) in
        [("dark", 4.5, &DARK[..]), ("light", 4.5, &LIGHT), ("high-contrast", 7.0, &DARK)]
    {
        let theme = Palette::bundled(name).expect("bundled");
        assert_eq!(theme.ground, if name == "light" { Ground::Light } else { Ground::Dark });
        for depth in [Depth::True, Depth::Many] {
            let palette = theme.palette.at(depth);
            for (tone, word) in Tone::ALL {
                let look = palette.of(tone);
                let ink = rgb(look.fg.expect("letters have a colour"));
                let grounds = look.bg.map_or_else(|| grounds.to_vec(), |bg| vec![rgb(bg)]);
                for ground in grounds {
                    let found = contrast(ink, ground);
                    assert!(found >= least, "{name}: {word} has {found:.2} on {ground:?} at {depth:?}");
                }
            }
        }
    }
}

#[test]
fn a_selected_row_and_an_alarm_stand_out_in_every_theme_at_every_depth() {
    for (name, _) in BUNDLED {
        for depth in [Depth::None, Depth::Sixteen, Depth::Many, Depth::True] {
            let palette = Palette::bundled(name).expect("bundled").palette.at(depth);
            for tone in [Tone::Selected, Tone::Alarm] {
                let look = palette.of(tone);
                let reversed = look.add_modifier.contains(Modifier::REVERSED);
                assert!(reversed || look.bg.is_some(), "{name} at {depth:?}: {tone:?}");
            }
            assert_ne!(palette.of(Tone::Selected), palette.of(Tone::Alarm), "{name} at {depth:?}");
        }
    }
}

#[test]
fn without_colours_no_colour_is_left() {
    for (name, _) in BUNDLED {
        let palette = Palette::bundled(name).expect("bundled").palette.at(Depth::None);
        assert!(
            Tone::ALL
                .iter()
                .all(|(tone, _)| palette.of(*tone).fg.is_none() && palette.of(*tone).bg.is_none())
        );
    }
}

#[test]
fn no_two_tones_have_one_name_for_views() {
    for (place, (tone, name)) in Tone::ALL.into_iter().enumerate() {
        assert_eq!(tone as usize, place, "{name} stands at the place of its number");
        let others = Tone::ALL.iter().filter(|(other, _)| *other != tone);
        assert!(others.clone().all(|(other, _)| style(*other) != style(tone)), "{name}");
    }
}

#[test]
fn letters_never_vanish_in_their_own_ground() {
    let source = "alarm: red on red\n";
    let palette = read(source.as_bytes(), "t", Palette::default()).expect("reads").palette.at(Depth::True);
    assert_eq!(palette.of(Tone::Alarm).bg, None);
    assert!(palette.of(Tone::Alarm).add_modifier.contains(Modifier::REVERSED));
}
