#![doc = include_str!("../README.md")]

mod checks;
mod config;
mod health;
mod incoming;
mod judging;
mod ledger;
pub mod metrics;
mod policy;
mod publish;
mod require;
mod scan;
mod settle;
mod signals;
mod start;
mod sweep;
pub mod table;
mod tracked;
mod turns;
mod worker;

pub use checks::{Verdict, verify};
pub use config::{ConfigError, Judging, Settings, Settle};
pub use health::{Unhealthy, health};
pub use judging::{Confinement, Judge, Unconfined};
pub use policy::{PolicyError, check_policy};
pub use scan::{Looked, Scanner};
pub use signals::stop_at_signals;
pub use start::StartError;
pub use worker::{Bell, Wakes, bell, run};
