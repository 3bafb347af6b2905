//! Training: from a table to the parts of a version. Each step is a file; `commands/train.rs` calls them in order.

pub(crate) mod algorithms;
pub(crate) mod card;
pub(crate) mod golden;
pub(crate) mod hyper;
pub(crate) mod metrics;
pub(crate) mod model;
pub(crate) mod split;
pub(crate) mod statistics;
