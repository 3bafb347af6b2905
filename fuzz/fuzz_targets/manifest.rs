//! Bytes as manifest.json.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    artifact::testkit::targets::manifest(bytes);
});
