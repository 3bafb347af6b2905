//! The version that serves, as the checks of merit compare with it.

use artifact::{Digest, Golden, Manifest, Model, Version};

use super::Task;

/// A version of a lower number, which the candidate would take over from.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) version: Version,
    pub(super) model: Model,
    pub(super) golden: Golden,
}

impl Serving {
    /// None where this release cannot load it: then the server does not serve it either.
    pub(super) fn load(task: &Task) -> Option<Self> {
        let (version, files) = (task.require.serving?, task.serving.as_ref()?);
        let manifest = Manifest::parse(&files.manifest).ok()?;
        let model = Model::load(manifest, Digest::of(&files.manifest), &files.tensors).ok()?;
        Some(Self { version, model, golden: Golden::parse(&files.golden).ok()? })
    }
}
