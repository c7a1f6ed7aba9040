//! A pane that is fed with anything, split anywhere, at any size.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::wire::messages::Stream;

const FILE: OutputFile = OutputFile { attempt: 1, item: None, stream: Stream::Output };

/// Serves what the pane wants, as a host with this file would; how many requests that took, and the longest of them.
fn serve(pane: &mut Pane, file: &[u8]) -> (u32, Duration) {
    pane.grew(file.len() as u64);
    let mut longest = Duration::ZERO;
    for count in 0..1_000_000 {
        let Some(want) = pane.wants() else { return (count, longest) };
        pane.asked(u64::from(count));
        let from = usize::try_from(want.from).expect("small").min(file.len());
        let to = (from + want.len as usize).min(file.len());
        let begun = Instant::now();
        pane.arrived(u64::from(count), from as u64, file.len() as u64, &file[from..to]);
        longest = longest.max(begun.elapsed());
    }
    panic!("it never has enough");
}

fn pane(columns: u16, rows: u16, file: &[u8]) -> Pane {
    let mut pane = Pane::new(FILE, columns, rows);
    serve(&mut pane, file);
    pane
}

#[test]
fn what_a_command_writes_stands_where_it_put_it() {
    let pane = pane(20, 4, b"one\r\n\x1b[3;5Hthree\x1b[1;1HONE\x1b]0;a title\x07\x1b]52;c;aGk=\x07\x07");
    assert_eq!(pane.screen().contents(), "ONE\n\n    three");
    assert!(pane.is_whole() && !pane.is_cut());
}

#[test]
fn of_a_long_output_the_end_is_enough() {
    let file: Vec<u8> = (0..400_000).flat_map(|n| format!("line {n}\r\n").into_bytes()).collect();
    let mut long = Pane::new(FILE, 40, 3);
    let (requests, _) = serve(&mut long, &file);
    assert_eq!(long.screen().contents(), "line 399998\nline 399999");
    assert!(long.is_cut());
    assert!(requests < 60, "{requests} requests");
    // A lost connection: what came meanwhile is there, and nothing twice.
    long.forget_requests();
    let more = [&file[..], b"after"].concat();
    serve(&mut long, &more);
    assert_eq!(long.screen().contents(), "line 399998\nline 399999\nafter");
}

#[test]
fn who_falls_far_behind_begins_again_nearer_to_the_end() {
    let mut slow = pane(40, 3, b"first\r\n");
    let file = [&b"first\r\n"[..], &b"x\r\n".repeat(1 << 20)[..], b"last"].concat();
    serve(&mut slow, &file);
    assert!(slow.is_cut() && slow.screen().contents().ends_with("last"));
}

#[test]
fn a_file_that_is_shorter_than_it_was_said_is_believed() {
    let mut short = Pane::new(FILE, 10, 2);
    short.grew(100);
    short.asked(1);
    short.arrived(1, 0, 100, b"");
    assert_eq!(short.wants(), None);
}

/// Whatever a command writes, one part of it takes a time that nobody feels.
#[test]
fn no_part_takes_long_whatever_it_is_made_of() {
    let hostile: [&[u8]; 9] = [
        b"\x1b[2J",
        b"x\x1b[65535b",
        b"\x1bc",
        b"\x1b[65535L",
        b"\x1b[65535S",
        b"\x1b[?1049h\x1b[?1049l",
        b"\n",
        b"\x1bM",
        "e\u{301}\u{fe0f}".as_bytes(),
    ];
    for sequence in hostile {
        let file = sequence.repeat((256 << 10) / sequence.len());
        let mut pane = Pane::new(FILE, 300, 100);
        pane.grew(file.len() as u64);
        let mut longest = Duration::ZERO;
        let mut from = 0;
        for id in 0..60 {
            let Some(want) = pane.wants() else { break };
            from = usize::try_from(want.from).expect("small");
            pane.asked(id);
            let begun = Instant::now();
            pane.arrived(
                id,
                from as u64,
                file.len() as u64,
                &file[from..(from + want.len as usize).min(file.len())],
            );
            longest = longest.max(begun.elapsed());
        }
        eprintln!("{:?}: {longest:?} for one part, {from} bytes in 60", String::from_utf8_lossy(sequence));
        // Without optimisation, on a machine that does other things too: what is bounded is the order of it.
        assert!(
            longest < Duration::from_millis(1_500),
            "{:?}: {longest:?}",
            String::from_utf8_lossy(sequence)
        );
    }
}

/// Text, sequences as commands write them, and bytes that mean nothing.
fn written() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[ -~]{0,12}".prop_map(String::into_bytes),
        3 => ("[?>=!]?", prop::collection::vec(0..70_000_u32, 0..4), "[ $'\"]?", 0x40_u8..0x7f).prop_map(
            |(mark, numbers, between, last)| {
                let numbers: Vec<String> = numbers.iter().map(|n| (n % 70_000).to_string()).collect();
                let mut out = format!("\x1b[{mark}{}{between}", numbers.join(";")).into_bytes();
                out.push(last);
                out
            }
        ),
        2 => (0..200_u16, 0..300_u16).prop_map(|(row, column)| format!("\x1b[{row};{column}H").into_bytes()),
        1 => (0..30_u16, 0..30_u16).prop_map(|(top, bottom)| format!("\x1b[{top};{bottom}r").into_bytes()),
        1 => prop::sample::select(vec![
            "日本", "e\u{301}\u{302}", "\u{202e}", "❤\u{fe0f}", "\u{200b}", "👩\u{200d}👩", "\u{ad}",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::sample::select(vec![
            &b"\r\n"[..], b"\n", b"\t", b"\x08", b"\x1bM", b"\x1bc", b"\x1b7", b"\x1b8", b"\x1b]0;t\x07",
            b"\x1b]52;c;YQ==\x1b\\", b"\x1bP1$r\x1b\\", b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?6h", b"\x1b[?7l",
            b"\x1b[4h", b"\x18", b"\x1a", b"\x1b", b"\x9b",
        ]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..24),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PANE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(256)
    ))]

    #[test]
    fn anything_at_any_size_is_survived_and_where_it_is_split_makes_no_difference(
        bytes in written(),
        sizes in prop::collection::vec((0..40_u16, 0..20_u16), 1..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let (columns, rows) = sizes[0];
        let whole = pane(columns, rows, &bytes);
        let mut parts = Pane::new(FILE, columns, rows);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        for end in &ends {
            serve(&mut parts, &bytes[..*end]);
        }
        prop_assert!(!whole.broke && !parts.broke, "the emulator broke");
        // What is no text is told apart from what is by the bytes that come together.
        let text = std::str::from_utf8(&bytes);
        if text.is_ok_and(|text| !text.contains(|c| ('\u{80}'..'\u{a0}').contains(&c))) {
            prop_assert_eq!(whole.screen().contents_formatted(), parts.screen().contents_formatted());
        }
        // Sizes that change in the middle.
        let mut resized = Pane::new(FILE, columns, rows);
        for (at, end) in ends.iter().enumerate() {
            serve(&mut resized, &bytes[..*end]);
            let (columns, rows) = sizes[at % sizes.len()];
            resized.resize(columns, rows);
            let _ = resized.screen().contents();
        }
        prop_assert!(!resized.broke, "the emulator broke");
    }
}
