#![doc = include_str!("../README.md")]

mod models;
mod stand;
mod suites;

pub use models::{drop_next, hold_next, release};
pub use stand::{Stand, Where};
pub use suites::{Case, Report, Suite};
