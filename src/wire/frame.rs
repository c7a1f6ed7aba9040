//! Frames: a 4-byte big-endian length and that many bytes of JSON. PURE: bytes in, messages out.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why bytes are not a message of this protocol. The connection they came by is of no more use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A length beyond what this side takes.
    #[error("a message of {length} bytes came, {max} are allowed")]
    TooLarge {
        /// Bytes announced.
        length: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// The JSON is not a message known here.
    #[error("a message was not understood: {0}")]
    NotUnderstood(String),
}

/// A message as a frame.
pub fn encode<M: Serialize>(message: &M) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message).map_err(|e| FrameError::NotUnderstood(e.to_string()))?;
    let length = frame.len() - 4;
    let prefix =
        u32::try_from(length).map_err(|_| FrameError::TooLarge { length, max: u32::MAX as usize })?;
    frame[..4].copy_from_slice(&prefix.to_be_bytes());
    Ok(frame)
}

/// Collects bytes as they come and cuts them into messages. Holds no more than one frame and what was pushed last.
#[derive(Debug)]
pub struct Frames {
    max: usize,
    bytes: Vec<u8>,
    /// Where the first byte not yet taken is.
    start: usize,
}

impl Frames {
    /// Takes frames of up to `max` bytes.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max, bytes: Vec::new(), start: 0 }
    }

    /// Bytes that came.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Has a frame begun that is not whole yet?
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.start < self.bytes.len()
    }

    /// The JSON of the next whole frame; `None`: more bytes are needed.
    pub fn next_bytes(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let rest = &self.bytes[self.start..];
        let Some(prefix) = rest.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*prefix) as usize;
        if length > self.max {
            return Err(FrameError::TooLarge { length, max: self.max });
        }
        if rest.len() < 4 + length {
            return Ok(None);
        }
        let from = self.start + 4;
        self.start = from + length;
        Ok(Some(&self.bytes[from..from + length]))
    }

    /// The next message; `None`: more bytes are needed.
    pub fn take<M: DeserializeOwned>(&mut self) -> Result<Option<M>, FrameError> {
        match self.next_bytes()? {
            Some(json) => {
                serde_json::from_slice(json).map(Some).map_err(|e| FrameError::NotUnderstood(e.to_string()))
            }
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Command;
    use crate::wire::ToHost;
    use crate::wire::messages::Role;

    fn note(text: &str) -> ToHost {
        ToHost::Request { id: 7, command: Box::new(Command::Note { text: text.to_owned() }) }
    }

    #[test]
    fn s7_a_frame_that_comes_a_byte_at_a_time_is_one_message() {
        let mut frames = Frames::new(1 << 20);
        let bytes = encode(&note("one")).unwrap();
        for byte in &bytes[..bytes.len() - 1] {
            frames.push(&[*byte]);
            assert_eq!(frames.take::<ToHost>(), Ok(None));
            assert!(frames.is_partial());
        }
        frames.push(&bytes[bytes.len() - 1..]);
        assert_eq!(frames.take::<ToHost>(), Ok(Some(note("one"))));
        assert!(!frames.is_partial());
    }

    #[test]
    fn many_frames_at_once_come_out_in_order() {
        let mut frames = Frames::new(1 << 20);
        let hello = ToHost::Hello { protocol: 1, onbelay: "0.1.0".to_owned(), role: Role::Act };
        let mut bytes = encode(&hello).unwrap();
        bytes.extend(encode(&note("two\n\u{2028}\u{1b}")).unwrap());
        bytes.extend(&encode(&note("three")).unwrap()[..9]);
        frames.push(&bytes);
        assert_eq!(frames.take(), Ok(Some(hello)));
        assert_eq!(frames.take(), Ok(Some(note("two\n\u{2028}\u{1b}"))));
        assert_eq!(frames.take::<ToHost>(), Ok(None));
        assert!(frames.is_partial());
    }

    #[test]
    fn s7_a_length_beyond_the_limit_is_refused_before_its_bytes_come() {
        let mut frames = Frames::new(1000);
        frames.push(&u32::MAX.to_be_bytes());
        assert_eq!(frames.take::<ToHost>(), Err(FrameError::TooLarge { length: 0xffff_ffff, max: 1000 }));
        let mut frames = Frames::new(1000);
        frames.push(&1001_u32.to_be_bytes());
        assert!(frames.take::<ToHost>().is_err());
    }

    #[test]
    fn s7_garbage_is_an_error_and_no_panic() {
        for garbage in [&b"\0\0\0\x02[]"[..], b"\0\0\0\0", b"\0\0\0\x01\xff", b"\0\0\0\x09{\"a\":\"b\"}"] {
            let mut frames = Frames::new(1000);
            frames.push(garbage);
            assert!(matches!(frames.take::<ToHost>(), Err(FrameError::NotUnderstood(_))), "{garbage:?}");
        }
    }
}
