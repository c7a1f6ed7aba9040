//! What must hold of what host and clients say to each other, whatever bytes come.
//!
//! - Frames are the same messages however the bytes are cut; what is too long is refused before its bytes come, and no more is
//!   kept than came.
//! - A message that is understood says the same when it is said again.
//! - Told for people, no secret is in it.

use onbelay::wire::messages::{MAX_FROM_HOST, MAX_TO_HOST};
use onbelay::wire::start::{HostAnswer, StartHost};
use onbelay::wire::{FrameError, Frames, FromHost, ToHost, frame};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Holds all of it: as frames, and as the JSON of one message of any kind.
pub(crate) fn hold(bytes: &[u8]) {
    frames::<ToHost>(bytes, MAX_TO_HOST);
    frames::<FromHost>(bytes, MAX_FROM_HOST);
    frames::<ToHost>(bytes, 64);
    if let Some(message) = one::<ToHost>(bytes)
        && let ToHost::GiveSecret { name, .. } = &message
    {
        let nothing = ToHost::GiveSecret { name: name.clone(), value: String::new().into() };
        assert_eq!(format!("{message:?}"), format!("{nothing:?}"), "what is told rests on a secret");
    }
    one::<FromHost>(bytes);
    one::<StartHost>(bytes);
    one::<HostAnswer>(bytes);
}

fn one<M: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> Option<M> {
    let message: M = serde_json::from_slice(bytes).ok()?;
    let frame = frame::encode(&message).expect("what was understood can be said");
    let mut frames = Frames::new(MAX_FROM_HOST);
    frames.push(&frame);
    let again = frames.take::<M>();
    assert_eq!(again.as_ref().ok().and_then(Option::as_ref), Some(&message), "{again:?}");
    assert!(!frames.is_partial());
    Some(message)
}

fn frames<M: DeserializeOwned + PartialEq + std::fmt::Debug>(bytes: &[u8], max: usize) {
    let mut whole = Frames::new(max);
    whole.push(bytes);
    let at_once = all::<M>(&mut whole);
    let piece = bytes.first().map_or(1, |byte| usize::from(*byte).max(1));
    let mut cut = Frames::new(max);
    let mut in_pieces = Vec::new();
    for piece in bytes.chunks(piece) {
        cut.push(piece);
        in_pieces.extend(all::<M>(&mut cut));
        if in_pieces.last().is_some_and(Result::is_err) {
            break;
        }
    }
    assert_eq!(at_once, in_pieces, "cut, the messages are others");
    if let Some(Err(FrameError::TooLarge { length, max: most })) = at_once.last() {
        assert!(length > most && *most == max);
    }
}

/// Every message there is, up to the first that is none: the connection ends there.
fn all<M: DeserializeOwned>(frames: &mut Frames) -> Vec<Result<M, FrameError>> {
    let mut found = Vec::new();
    loop {
        match frames.take() {
            Ok(None) => return found,
            Ok(Some(message)) => found.push(Ok(message)),
            Err(error) => {
                found.push(Err(error));
                return found;
            }
        }
    }
}
