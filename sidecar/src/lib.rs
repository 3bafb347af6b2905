#![doc = include_str!("../README.md")]

mod checks;
mod config;
mod health;
mod incoming;
mod judging;
mod ledger;
mod policy;
mod publish;
mod scan;
mod settle;
mod signals;
mod tracked;
mod turns;
mod worker;

pub use checks::{Verdict, verify};
pub use config::{ConfigError, Judging, Settings, Settle};
pub use health::{Unhealthy, health};
pub use judging::{Confinement, Judge};
pub use publish::StartError;
pub use scan::{Looked, Scanner};
pub use signals::stop_at_signals;
pub use worker::{Bell, Wakes, bell, run};
