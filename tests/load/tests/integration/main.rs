//! The instrument finds the faults that it looks for; then, the product has none.
#![expect(clippy::unwrap_used, reason = "a test helper that cannot go on fails its test")]

#[path = "../../../integration/raw.rs"]
mod raw;
mod saboteur;

/// Faults that are there, and must be found.
mod controls;
/// Swaps under load.
mod swaps;

/// The program that judges.
fn judge() -> sidecar::Judge {
    sidecar::Judge::child(env!("CARGO_BIN_EXE_torture"), ["judge"])
}
