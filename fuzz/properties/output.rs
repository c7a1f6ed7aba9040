//! What must hold of the reader of colours in a command's output (F-I2), and of finding a text through them.
//!
//! - A sequence is one that sets colours only where all of it is: `ESC [`, numbers, `m`, no longer than is allowed.
//! - Cut anywhere outside of a sequence, it reads as at once.
//! - Nothing hides itself: no letters as their ground, none hidden, none blinking.
//! - Colours are numbers or mixed, never ours; a place that is found is in the file, outside of sequences, in order.

use onbelay::text::find::{LONGEST_SGR, Needle, Sgr, outside, sgr, without_begun};
use onbelay::tui::output::sgr::Pen;
use ratatui::style::{Color, Modifier};

/// Holds all of it of these bytes.
pub(crate) fn hold(bytes: &[u8]) {
    let mut pen = Pen::default();
    pen.run(bytes);
    harmless(pen);
    for at in 0..bytes.len().min(2_000) {
        match sgr(&bytes[at..]) {
            Sgr::Whole(length) => {
                assert!((3..=LONGEST_SGR).contains(&length), "{length}");
                let sequence = &bytes[at..at + length];
                assert!(sequence.starts_with(b"\x1b[") && sequence.ends_with(b"m"));
                assert!(
                    sequence[2..length - 1].iter().all(|byte| b"0123456789;:".contains(byte)),
                    "{sequence:?}"
                );
                assert_eq!(outside(bytes, at + 1), at + length, "its inside is left");
            }
            Sgr::Begun => assert!(bytes.len() - at < LONGEST_SGR, "it may not become one any more"),
            Sgr::No => {}
        }
    }
    assert!(bytes.starts_with(without_begun(bytes)));

    let cut = outside(bytes, bytes.len() / 2);
    assert!(cut >= bytes.len() / 2 && cut <= bytes.len());
    let mut pieces = Pen::default();
    pieces.run(&bytes[..cut]);
    harmless(pieces);
    pieces.run(&bytes[cut..]);
    assert_eq!(pieces, pen, "cut at {cut} it is read in another way");

    let Some((needle, hay)) =
        bytes.split_first().map(|(n, rest)| rest.split_at(rest.len().min(usize::from(n % 8))))
    else {
        return;
    };
    let Some(needle) = std::str::from_utf8(needle).ok().and_then(|text| Needle::new(text, bytes[0] >= 128))
    else {
        return;
    };
    let all = needle.all(hay);
    let mut end = 0;
    for place in &all {
        assert!(place.start >= end && place.start < place.end && place.end <= hay.len(), "{all:?}");
        end = place.end;
    }
    assert_eq!(needle.first(hay), all.first().cloned());
    assert_eq!(needle.last_before(hay, hay.len()).is_some(), !all.is_empty());
    assert!(needle.back(hay) <= hay.len() && needle.ahead(hay) <= hay.len());
}

fn harmless(pen: Pen) {
    let style = pen.style();
    assert!(style.fg.is_none() || style.fg != style.bg, "{style:?}");
    assert!(style.fg.is_some() || style.bg.is_none(), "letters of no colour on a ground: {style:?}");
    assert!(!style.add_modifier.intersects(Modifier::HIDDEN | Modifier::SLOW_BLINK | Modifier::RAPID_BLINK));
    for colour in [style.fg, style.bg].into_iter().flatten() {
        assert!(matches!(colour, Color::Indexed(_) | Color::Rgb(..)), "{colour:?}");
    }
}
