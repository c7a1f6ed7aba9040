//! Feeds any bytes to the properties of `values`.

#![no_main]

#[path = "../properties/values.rs"]
mod values;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| values::hold(bytes));
