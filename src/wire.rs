//! What host and client say to each other: messages, their frames, their versions. PURE.

pub mod messages;

pub use messages::{FromHost, ToHost};
