//! Bytes as golden.jsonl.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    artifact::testkit::targets::golden(bytes);
});
