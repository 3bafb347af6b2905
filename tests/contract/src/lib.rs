#![doc = include_str!("../README.md")]

mod cases;
mod commands;
mod models;
mod rust;
mod stand;
mod suites;

pub use commands::Command;
pub use rust::{Act, RustSuite};
pub use stand::{Stand, Where};
pub use suites::{Case, Report, Suite};
