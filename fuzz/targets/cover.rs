//! Feeds any bytes to the properties of `cover`.

#![no_main]

#[path = "../properties/cover.rs"]
mod cover;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cover::hold(bytes));
