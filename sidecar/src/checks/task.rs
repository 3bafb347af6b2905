//! What one verdict depends on: the bytes of a version, read once, and what is known beside them. Nothing that was
//! dropped is parsed here.

use std::{collections::BTreeMap, os::fd::BorrowedFd};

use artifact::{Digest, Files, Name, Version};
use serde::{Deserialize, Serialize};

use super::{Failure, layout};
use crate::incoming::Look;

/// Everything that [`super::judge`] sees.
#[derive(Debug)]
pub(crate) struct Task {
    /// What the manifest must call the model.
    pub(crate) name: Option<Name>,
    /// What was admitted under this number before.
    pub(crate) known: Option<(Version, Digest)>,
    /// Empty from the first one on that could not be read.
    pub(crate) files: Files,
    /// The names in the folder.
    pub(crate) entries: BTreeMap<String, Found>,
    /// What is wrong with the folder, unless the manifest shows that a copy goes on.
    pub(crate) flaw: Option<Failure>,
    /// The bytes of model.sig.
    pub(crate) signature: Option<Vec<u8>>,
    /// The version that serves, to compare with.
    pub(crate) serving: Option<Files>,
    /// The bytes of the model's evaluation set.
    pub(crate) evaluation: Option<Vec<u8>>,
    pub(crate) require: Requirements,
}

/// One entry of the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) size: u64,
    /// Of a README.md that lies beside a model.sig. The files of a version are hashed where they are judged.
    pub(crate) digest: Option<Digest>,
}

/// What the policy asks of a version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Requirements {}

impl Task {
    /// Reads what lies in `folder`. A failure is one that no manifest could explain.
    pub(crate) fn read(
        parent: BorrowedFd<'_>,
        folder: &str,
        look: &Look,
        max_mib: u32,
    ) -> Result<Self, Failure> {
        let layout::Dropped { files, signature, entries, flaw } =
            layout::read(parent, folder, look, max_mib)?;
        Ok(Self {
            name: None,
            known: None,
            files,
            entries,
            flaw,
            signature,
            serving: None,
            evaluation: None,
            require: Requirements::default(),
        })
    }
}
