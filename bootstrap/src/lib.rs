//! What the server and the sidecar do alike before their work begins: read settings from outside, read secrets
//! from files, guard what they hold in memory, start the log. Nothing here knows what a model is.

mod json;
mod lines;
pub mod memory;
pub mod secret;
pub mod settings;
pub mod telemetry;

/// The exit code for a configuration that cannot be used (`EX_CONFIG` of sysexits.h).
pub const EX_CONFIG: u8 = 78;
