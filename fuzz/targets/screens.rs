//! Feeds any bytes to the properties of `screens`.

#![no_main]

#[path = "../properties/screens.rs"]
mod screens;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| screens::hold(bytes));
