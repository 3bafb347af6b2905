//! The sidecar as a whole: folders in, signed catalogs out. Time is passed in; nothing sleeps.
#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests may fail as tests do")]

mod bench;

mod judging;
mod policy;
mod program;
mod refusals;
mod sandbox;
mod settling;
mod store;
mod verify;
mod withdrawal;
