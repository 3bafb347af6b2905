//! The instrument finds the faults that it looks for; then, the product has none.
#![expect(clippy::unwrap_used, reason = "a test helper that cannot go on fails its test")]

#[path = "../../../integration/raw.rs"]
mod raw;
mod saboteur;

/// Faults that are there, and must be found.
mod controls;
/// Files that are swapped while they are read.
mod hammer;
/// The programs killed, and flooded.
mod killing;
/// Swaps under load.
mod swaps;

/// The programs, as they were built for these tests.
fn programs() -> load::Programs {
    load::Programs {
        sidecar: env!("CARGO_BIN_EXE_load-sidecar").into(),
        server: env!("CARGO_BIN_EXE_load-serve").into(),
    }
}
