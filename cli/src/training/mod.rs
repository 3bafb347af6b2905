//! Training: from a table to the parts of a version. Each step is a file; `commands/train.rs` calls them in order.

pub(crate) mod algorithms;
pub(crate) mod card;
pub(crate) mod columns;
pub(crate) mod metrics;
pub(crate) mod model;
pub(crate) mod patience;
pub(crate) mod preparation;
pub(crate) mod projection;
pub(crate) mod search;
pub(crate) mod split;
pub(crate) mod texts;
