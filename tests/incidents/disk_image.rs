//! Replay of incident 3: a disk image under a running server.
