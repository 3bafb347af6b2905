//! The server as its clients see it: over the network, on a store that the tests sign themselves.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that cannot go on fails its test"
)]

mod harness;
mod raw;

/// Keys and scopes.
mod auth;
/// Which version answers, and what is said where none does.
mod choice;
/// Health and reflection.
mod discovery;
/// What does not fit the model, or is no message at all.
mod input;
/// Deadlines, sizes, and the end of capacity.
mod limits;
/// Catalogs with the blobs of others.
mod mix;
/// Catalogs that are genuine, and not to be put in force.
mod order;
/// HTTP/2 spoken with ill intent, and what it costs the program and its good clients.
mod probes;
/// The program: command line, settings, log, signals.
mod program;
/// Catalogs: good, bad, old and damaged.
mod reload;
/// Other keys for catalogs.
mod rotation;
/// Stopping with peers that would rather not.
mod shutdown;
/// PredictStream: what it answers, and how it ends.
mod stream;
/// Categories, texts and missing numbers.
mod tables;
/// WatchModels: what it tells, and when it ends.
mod watch;
/// gRPC-Web: pages of browsers, and who is none.
mod web;
