#![doc = include_str!("../README.md")]

mod course;
mod expected;
pub mod hammer;
mod load;
mod report;
mod stand;
mod swaps;
mod tally;

pub use course::{Course, Departure};
pub use expected::{Expected, Question, Wrong};
pub use load::{Load, Pace, Plan};
pub use report::Report;
pub use stand::{KEY, Stand, until};
pub use swaps::{Kind, Swap, Swapper};
pub use tally::Tally;
