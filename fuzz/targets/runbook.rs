//! Feeds any bytes to the properties of `runbook`.

#![no_main]

#[path = "../properties/runbook.rs"]
mod runbook;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runbook::hold(bytes));
