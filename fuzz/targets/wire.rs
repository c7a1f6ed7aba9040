//! Feeds any bytes to the properties of `wire`.

#![no_main]

#[path = "../properties/wire.rs"]
mod wire;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wire::hold(bytes));
