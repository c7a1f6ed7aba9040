//! What must hold of what a terminal answers to the programs on it, whatever they write.
//!
//! - An answer is made of numbers and what is fixed: it never ends a line and holds nothing of what was written.
//! - However the bytes are cut, the answer is the same, as long as it is no flood.
//! - One turn takes at least a byte and answers with a bounded number of them; what measures the work leaves nothing in that it should not.
//! - What breaks the emulator breaks nothing else.

use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use onbelay::emulator::answers::Answering;
use onbelay::emulator::meter::Meter;

/// More than this is a flood, of which a part is not answered.
const FLOOD: usize = 2_000;

/// How often the emulator broke; where it did, what stood on the terminal is lost, and with it what was still to be answered.
static BROKE: AtomicUsize = AtomicUsize::new(0);

/// What breaks the emulator is caught and counted: only what is not caught is a finding.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let end = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |what| {
            if onbelay::emulator::is_feeding() {
                BROKE.fetch_add(1, Ordering::Relaxed);
            } else {
                end(what);
            }
        }));
    });
}

/// Holds all of it; the first two bytes say how large the terminal is, the third where the rest is cut.
pub(crate) fn hold(bytes: &[u8]) {
    let [columns, rows, cut, written @ ..] = bytes else { return };
    listen();
    let broke = BROKE.load(Ordering::Relaxed);
    let size = (u16::from(*columns), u16::from(*rows));
    let mut whole = Answering::new(size.0, size.1);
    let at_once = answers(&mut whole, written);
    let text = String::from_utf8(at_once).expect("an answer is plain text");
    let mut known = text.as_str();
    while let Some(rest) = known.strip_prefix("\u{1b}[") {
        let end = rest.find(|c: char| !"0123456789;?>".contains(c)).expect("an answer ends");
        let rest = &rest[end..];
        let last = ["c", "n", "R", "$y"].into_iter().find_map(|last| rest.strip_prefix(last));
        known = last.expect("an answer of a kind that is known");
    }
    assert_eq!(known, "", "{text:?}");

    let mut kept = Vec::new();
    let taken = Meter::default().measure(written, size, 1 << 16, &mut kept);
    assert!(taken <= written.len() && kept.len() <= taken && (taken > 0 || written.is_empty()));

    let cut = usize::from(*cut).min(written.len());
    let mut pieces = Answering::new(size.0, size.1);
    let mut in_pieces = answers(&mut pieces, &written[..cut]);
    in_pieces.extend(answers(&mut pieces, &written[cut..]));
    let is_whole = BROKE.load(Ordering::Relaxed) == broke;
    if text.len() < FLOOD && in_pieces.len() < FLOOD && is_whole {
        assert_eq!(String::from_utf8(in_pieces).ok(), Some(text), "cut at {cut} it answers in another way");
    }
    whole.resize(size.1, size.0);
    let _ = answers(&mut whole, b"\x1b[6n");
}

fn answers(terminal: &mut Answering, written: &[u8]) -> Vec<u8> {
    terminal.shows(written);
    let mut all = Vec::new();
    for _ in 0..=written.len() {
        if !terminal.is_behind() {
            return all;
        }
        let some = terminal.turn();
        assert!(some.len() < (4 << 10) + 64, "{} bytes in one turn", some.len());
        all.extend(some);
    }
    assert!(!terminal.is_behind(), "a turn took nothing");
    all
}
