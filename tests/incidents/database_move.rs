//! Replay of incident 5: a database moved onto the wrong disk.
