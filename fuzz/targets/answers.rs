//! Feeds any bytes to the properties of `answers`.

#![no_main]

#[path = "../properties/answers.rs"]
mod answers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| answers::hold(bytes));
