//! The sidecar as a whole: folders in, signed catalogs out. Time is passed in; nothing sleeps.
#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests may fail as tests do")]

mod attacks;
mod bench;
mod copying;
mod history;
mod judging;
mod merit;
mod policy;
mod program;
mod refusals;
mod require;
mod rotation;
mod sandbox;
mod settling;
mod signature;
mod store;
mod sweep;
mod turns;
mod verify;
mod withdrawal;
