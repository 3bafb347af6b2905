//! Files and links swapped at full speed, in the store while a server loads and among the models while a sidecar looks:
//! whatever is loaded or admitted has to be what was signed or dropped. What is put in a file's place would be good
//! too, so that whoever looks at a file twice, or not at all, loads the wrong one.

mod dock;
mod store;
mod vandal;

use std::fmt;

pub use dock::{Dock, hammer_the_sidecar, scanner};
pub use store::{FORGER, SEED, Served, Store, ask, hammer_the_server, reloader};

/// What a hammered subject did.
#[derive(Clone, Debug, Default)]
pub struct Hammered {
    /// Times that it was asked to load.
    pub reloads: usize,
    /// Versions that it loaded.
    pub loads: usize,
    /// What it served and should not have, a sentence each.
    pub wrong: Vec<String>,
    /// Things that were done to files meanwhile.
    pub tricks: u64,
}

impl fmt::Display for Hammered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reloads, loads, wrong, tricks } = self;
        write!(f, "{reloads} reloads, {tricks} tricks meanwhile: {loads} loads, {} wrong", wrong.len())
    }
}
