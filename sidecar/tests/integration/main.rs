//! The sidecar as a whole: folders in, signed catalogs out. Time is passed in; nothing sleeps.
#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests may fail as tests do")]

mod bench;

mod attacks;
mod copying;
mod history;
mod merit;
mod policy;
mod program;
mod refusals;
mod require;
mod settling;
mod signature;
mod store;
mod verify;
mod withdrawal;
