//! How much work bytes make for an emulator, so that no command can make much of it with little; and what of them the
//! emulator is not given at all. PURE.
//!
//! A character costs what it costs; a sequence of a few bytes may clear a whole terminal, or repeat a character 65,535
//! times. This follows the emulator's own reading of where sequences begin and end, and knows nothing of their effects.

/// The work of one character: what clearing this many cells takes.
const CHARACTER: u64 = 8;

/// Where in a sequence the bytes stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// In no sequence.
    #[default]
    Ground,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate byte.
    Intermediate,
    /// In a control sequence.
    Control,
    /// In a command to the terminal's window: title, clipboard and the like.
    Window,
    /// In another string that is not shown.
    Text,
}

/// The mark that asks for a character as a picture, in UTF-8; and the last byte of the one that asks for it as text.
const AS_PICTURE: [u8; 3] = [0xef, 0xb8, 0x8f];
const AS_TEXT: u8 = 0x8e;

/// Counts work, and leaves out what belongs on no picture.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    place: Place,
    /// The two bytes before.
    before: [u8; 2],
    /// The largest parameter of the sequence so far, and the one being read.
    largest: u64,
    number: u64,
}

impl Meter {
    /// Appends to `kept` what the emulator is to be given of `bytes`, for a terminal of `size` columns and rows, until
    /// the work reaches `most`. How many bytes that were.
    pub fn measure(&mut self, bytes: &[u8], size: (u16, u16), most: u64, kept: &mut Vec<u8>) -> usize {
        // A window that is just opened, or closed, may have no columns at all.
        let size = (size.0.max(1), size.1.max(1));
        let mut work = 0;
        for (index, byte) in bytes.iter().enumerate() {
            let before = self.place;
            work += self.step(*byte, size);
            // The text of a window's command never ends by itself: it would be kept without bound.
            if !(matches!(before, Place::Window | Place::Text) && self.place == before) {
                // A character that grows after it was written trips the emulator; no terminals agree on these anyway.
                let grows = [self.before[0], self.before[1], *byte] == AS_PICTURE;
                kept.push(if grows { AS_TEXT } else { *byte });
            }
            self.before = [self.before[1], *byte];
            if work >= most {
                return index + 1;
            }
        }
        bytes.len()
    }

    fn step(&mut self, byte: u8, (columns, rows): (u16, u16)) -> u64 {
        let (columns, rows) = (u64::from(columns), u64::from(rows));
        let cells = columns * rows;
        // A row is cleared, and all rows move.
        let line = columns + rows + CHARACTER;
        match byte {
            0x1b => {
                self.place = Place::Escape;
                return 1;
            }
            0x18 | 0x1a => {
                self.place = Place::Ground;
                return 1;
            }
            _ => {}
        }
        match self.place {
            Place::Ground => {
                if matches!(byte, b'\n' | 0x0b | 0x0c) {
                    line
                } else {
                    // It may be the one that goes to the next row.
                    CHARACTER + rows.div_ceil(columns)
                }
            }
            Place::Window | Place::Text if byte < 0x20 && byte != 0x07 => 1,
            Place::Window | Place::Text => {
                if byte == 0x07 && self.place == Place::Window || byte == 0x9c && self.place == Place::Text {
                    self.place = Place::Ground;
                }
                1
            }
            _ if byte < 0x20 => line,
            Place::Escape => {
                (self.largest, self.number) = (0, 0);
                self.place = match byte {
                    b'[' => Place::Control,
                    b']' => Place::Window,
                    b'P' | b'X' | b'^' | b'_' => Place::Text,
                    0x20..=0x2f => Place::Intermediate,
                    0x30..=0x7e => Place::Ground,
                    _ => Place::Escape,
                };
                match byte {
                    b'c' => 4 * cells,
                    b'M' => line,
                    _ => 1,
                }
            }
            Place::Intermediate => {
                if matches!(byte, 0x30..=0x7e) {
                    self.place = Place::Ground;
                }
                1
            }
            Place::Control => self.control(byte, columns, cells, line),
        }
    }

    fn control(&mut self, byte: u8, columns: u64, cells: u64, line: u64) -> u64 {
        match byte {
            b'0'..=b'9' => {
                self.number = (self.number * 10 + u64::from(byte - b'0')).min(u64::from(u16::MAX));
                self.largest = self.largest.max(self.number);
                1
            }
            b';' | b':' => {
                self.number = 0;
                1
            }
            0x40..=0x7e => {
                self.place = Place::Ground;
                match byte {
                    b'b' => self.largest.max(1) * (CHARACTER + line.div_ceil(columns)),
                    b'J' | b'L' | b'M' | b'S' | b'T' | b'h' | b'l' => 2 * cells,
                    b'm' => CHARACTER,
                    _ => columns + CHARACTER,
                }
            }
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(bytes: &[u8], most: u64) -> (usize, Vec<u8>) {
        let mut kept = Vec::new();
        let taken = Meter::default().measure(bytes, (80, 24), most, &mut kept);
        (taken, kept)
    }

    #[test]
    fn a_few_bytes_that_make_much_work_are_enough_for_one_time() {
        let clears = b"\x1b[2J".repeat(10_000);
        let (taken, _) = measure(&clears, 1_000_000);
        assert!((1_000..1_200).contains(&taken), "{taken}");
        let (taken, _) = measure(&b"\x1b[65535b".repeat(100), 1_000_000);
        assert!(taken <= 16, "{taken}");
        let (taken, _) = measure(&vec![b'x'; 64 << 10], 1_000_000);
        assert_eq!(taken, 64 << 10, "text goes through whole");
    }

    #[test]
    fn what_is_said_to_the_window_is_left_out_and_what_follows_is_not() {
        assert_eq!(measure(b"a\x1b]0;title\x07b", 1_000).1, b"a\x1b]\x07b");
        assert_eq!(measure(b"\x1b]52;c;aGk=\x1b\\b", 1_000).1, b"\x1b]\x1b\\b");
        assert_eq!(measure(b"\x1bPq secret\x1b\\b", 1_000).1, b"\x1bP\x1b\\b");
    }
}
