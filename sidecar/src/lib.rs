#![doc = include_str!("../README.md")]

mod checks;
mod config;
mod health;
mod incoming;
mod ledger;
pub mod metrics;
mod policy;
mod publish;
mod require;
mod scan;
mod settle;
mod signals;
pub mod table;
mod tracked;
mod worker;

pub use checks::{Verdict, verify};
pub use config::{ConfigError, Settings, Settle};
pub use health::{Unhealthy, health};
pub use publish::StartError;
pub use scan::{Looked, Scanner};
pub use signals::stop_at_signals;
pub use worker::{Bell, Wakes, bell, run};
