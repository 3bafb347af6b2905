#![doc = include_str!("../README.md")]

mod course;
mod drops;
mod examine;
mod expected;
mod flood;
mod ground;
pub mod hammer;
mod killing;
mod load;
mod programs;
mod report;
mod restarts;
mod stand;
mod swaps;
mod tally;
mod variable;

pub use course::{Course, Departure};
pub use drops::Drops;
pub use examine::{Examiner, Fault};
pub use expected::{Expected, Question, Wrong};
pub use flood::{Flooded, flood};
pub use ground::{Ground, KEY, connect, eventually, until};
pub use killing::{Killed, converge, halves, kill_the_sidecar};
pub use load::{Load, Pace, Plan};
pub use programs::{Program, Programs};
pub use report::Report;
pub use restarts::{Restarted, kill_the_server};
pub use stand::Stand;
pub use swaps::{Kind, Swap, Swapper};
pub use tally::Tally;
pub use variable::variable;
