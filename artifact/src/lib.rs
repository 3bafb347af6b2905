#![doc = include_str!("../README.md")]

pub mod bundle;
pub mod catalog;
pub mod digest;
pub mod dsse;
pub mod feature;
pub mod files;
#[cfg(feature = "linfa")]
pub mod fitted;
pub mod golden;
pub mod manifest;
pub mod name;
pub mod steps;
pub mod store;
pub mod tensors;

mod batch;
mod cell;
mod inputs;
mod model;
mod pack;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use batch::{BadCell, Batch, BatchError, Fault, Predictions};
pub use catalog::Catalog;
pub use cell::Cell;
pub use digest::Digest;
pub use feature::{Feature, FeatureKind};
pub use golden::{Golden, GoldenRow};
pub use inputs::Series;
pub use manifest::{Manifest, Output};
pub use model::{LoadError, Model, PredictError};
pub use name::{Name, Version};
pub use ndarray;
pub use pack::{Artifact, Exported, PackError};
pub use steps::StepSpec;
pub use store::Files;
