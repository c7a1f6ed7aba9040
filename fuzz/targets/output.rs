//! Feeds any bytes to the properties of `output`.

#![no_main]

#[path = "../properties/output.rs"]
mod output;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| output::hold(bytes));
