//! Any bytes, as `tests/fuzz.rs` runs them as a plain test.
#![no_main]

#[path = "../../tests/fuzz/target.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    target::run(data);
});
