//! Feeds any bytes to the properties of `runbook`.

#![no_main]

#[path = "../properties/runbook.rs"]
mod runbook;

// Drawing what is refused takes ten times as long as reading it: it is done for one input in eight, by its length.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runbook::hold(bytes, bytes.len().is_multiple_of(8)));
