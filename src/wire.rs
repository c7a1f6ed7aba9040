//! What host and client say to each other: messages, their frames, their versions. PURE.

pub mod frame;
pub mod gaze;
pub mod messages;
pub mod start;

pub use frame::{FrameError, Frames};
pub use messages::{FromHost, ToHost};
