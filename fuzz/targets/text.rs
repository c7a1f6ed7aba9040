//! Feeds any bytes to the properties of `text`.

#![no_main]

#[path = "../properties/text.rs"]
mod text;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| text::hold(bytes));
