//! Bytes as model.sig, and as what is signed in one.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    artifact::testkit::targets::bundle(bytes);
});
