#![doc = include_str!("../README.md")]

mod cases;
mod commands;
mod models;
mod remote;
mod report;
mod rust;
mod stand;
mod suites;

pub use commands::Command;
pub use report::{Report, Reports};
pub use rust::RustSuite;
pub use stand::{Stand, Where};
pub use suites::Suite;
