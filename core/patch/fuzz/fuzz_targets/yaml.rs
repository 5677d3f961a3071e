//! Any text, as `tests/yaml.rs` runs them as a plain test.
#![no_main]

#[path = "../../tests/yaml/target.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        target::run(text);
    }
});
