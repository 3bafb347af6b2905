//! Bytes as model.safetensors.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    artifact::testkit::targets::model(bytes);
});
