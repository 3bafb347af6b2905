//! `catalog.json`: the one signed truth. It names every model and version, what was found about each, and what
//! is served; the server's state is a function of it. Where it lies is [`crate::store`]'s business.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Digest, Name, Version,
    dsse::{EnvelopeError, SealKey, TrustedKey},
    files::FileName,
    manifest::FileEntry,
};

/// The most bytes of a signed catalog.
pub const MAX_BYTES: u64 = 4 << 20;
/// The most rejected versions that are remembered per model; the oldest numbers go first.
pub const MAX_REJECTIONS: usize = 100;

const PAYLOAD_TYPE: &str = "application/vnd.linfa-serve.catalog.v1+json";

/// What may be served, and why all else may not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Grows with every catalog: the larger of the previous one's plus 1 and the Unix time in milliseconds, so that
    /// a store that was wiped does not lock the server out.
    pub sequence: u64,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// The models, by name.
    pub models: Vec<CatalogModel>,
    /// What lies beside the models and was ignored, a sentence each.
    pub notes: Vec<String>,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogModel {
    /// Its name.
    pub name: Name,
    /// The version that answers when a request names none.
    pub default: Option<Version>,
    /// The versions that answer requests, in order: the policy's and the labelled ones. All are admitted.
    pub serving: Vec<Version>,
    /// Labels and the serving versions that they name.
    pub labels: BTreeMap<Name, Version>,
    /// Why policy.toml is not the policy in force.
    pub policy_error: Option<String>,
    /// What lies beside the versions and was ignored, a sentence each.
    pub notes: Vec<String>,
    /// Every version that is known, by number.
    pub versions: Vec<CatalogVersion>,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogVersion {
    /// Its number.
    pub version: Version,
    /// Where it stands.
    pub status: Status,
    /// Its identity. Kept when the version is withdrawn: other bytes never come back under this number.
    pub digest: Option<Digest>,
    /// The blobs of an admitted version: the manifest and what it lists.
    pub files: Vec<FileEntry>,
    /// The checks that ran on the newest bytes, in order.
    pub checks: Vec<Check>,
    /// Why the newest bytes are not served. An admitted version has one when other bytes were dropped over it.
    pub refusal: Option<Refusal>,
    /// What was judged when the judge itself came to an end, as a hash. The same is not judged again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fatal: Option<Digest>,
}

/// Where a version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Still being copied, or not yet judged.
    Pending,
    /// Files are missing or short, and nothing has changed for a minute.
    Incomplete,
    /// A check failed.
    Rejected,
    /// Every check passed.
    Admitted,
    /// Was admitted once; its folder was removed or the model retired.
    Withdrawn,
}

/// One check that ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// What was measured, or why it failed.
    pub detail: String,
}

/// Why a version is not served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The check that failed.
    pub check: String,
    /// One sentence that a person can act on.
    pub reason: String,
}

/// Why a catalog is not believed, one variant per rule.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Cut short, changed, or signed by someone else.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Genuine, but not written for this release.
    #[error("signed, but not readable by this release: {0}")]
    Json(#[from] serde_json::Error),
    /// More than a reader takes.
    #[error("{size} bytes, the limit is {MAX_BYTES}")]
    TooLarge {
        /// Its length.
        size: u64,
    },
    /// Genuine, but it contradicts itself.
    #[error("signed, but model `{name}` contradicts itself: {rule}")]
    Contradiction {
        /// The model.
        name: Name,
        /// The rule that it breaks.
        rule: &'static str,
    },
}

impl Catalog {
    /// The catalog, signed.
    ///
    /// # Errors
    /// [`CatalogError`] if a reader would refuse it.
    pub fn seal(&self, key: &SealKey) -> Result<Vec<u8>, CatalogError> {
        self.check()?;
        let bytes = key.seal(PAYLOAD_TYPE, &serde_json::to_vec(self)?)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(CatalogError::TooLarge { size: bytes.len() as u64 });
        }
        Ok(bytes)
    }

    /// Verifies, then reads.
    ///
    /// # Errors
    /// [`CatalogError`], by the first rule that is broken.
    pub fn unseal(bytes: &[u8], key: &TrustedKey) -> Result<Self, CatalogError> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(CatalogError::TooLarge { size: bytes.len() as u64 });
        }
        let catalog: Self = serde_json::from_slice(&key.unseal(PAYLOAD_TYPE, bytes)?)?;
        catalog.check()?;
        Ok(catalog)
    }

    /// The model of that name.
    pub fn model(&self, name: &str) -> Option<&CatalogModel> {
        self.models.iter().find(|model| model.name.as_str() == name)
    }

    fn check(&self) -> Result<(), CatalogError> {
        let mut names = BTreeSet::new();
        for model in &self.models {
            let rule = if names.insert(&model.name) { model.broken_rule() } else { Some("it occurs twice") };
            if let Some(rule) = rule {
                let name = model.name.clone();
                return Err(CatalogError::Contradiction { name, rule });
            }
        }
        Ok(())
    }
}

impl CatalogModel {
    /// The version of that number.
    pub fn version(&self, version: Version) -> Option<&CatalogVersion> {
        self.versions.iter().find(|entry| entry.version == version)
    }

    fn broken_rule(&self) -> Option<&'static str> {
        let admitted = || self.versions.iter().filter(|entry| entry.status == Status::Admitted);
        let numbers: BTreeSet<_> = admitted().map(|entry| entry.version).collect();
        let serving: BTreeSet<_> = self.serving.iter().copied().collect();
        let mut named = self.default.iter().chain(self.labels.values());
        if !self.versions.is_sorted_by(|a, b| a.version < b.version) {
            Some("its versions are not in order")
        } else if !serving.is_subset(&numbers) {
            Some("a version serves that is not admitted")
        } else if !named.all(|version| serving.contains(version)) {
            Some("its default or a label names a version that does not serve")
        } else if !admitted().all(CatalogVersion::is_complete) {
            Some("an admitted version lacks a file, or its digest is not the manifest's")
        } else {
            None
        }
    }
}

impl CatalogVersion {
    /// Whether the version can be fetched, and is what it says it is.
    fn is_complete(&self) -> bool {
        let digest_of = |name| {
            let entry = self.files.iter().find(|entry| entry.name == name);
            entry.map(|entry| entry.digest)
        };
        let manifest = digest_of(FileName::Manifest);
        manifest.is_some()
            && manifest == self.digest
            && FileName::LISTED.into_iter().all(|name| digest_of(name).is_some())
    }
}
