//! `signature`: who made it. A `model.sig` is by a trusted publisher and over all files that lie there and no other;
//! where the policy requires one, there is one, and no old model returns with it under a new number.

use std::collections::BTreeMap;

use artifact::{
    Digest, Manifest, Version,
    bundle::{self, BundleError},
    files::FileName,
};

use super::{Failure, Task, Weight};

pub(super) const NAME: &str = "signature";

/// Why a version's origin is not believed.
#[derive(Debug, thiserror::Error)]
enum SignatureError {
    /// A copy that has not come to it yet, or a publisher who does not sign.
    #[error("`model.sig` is missing, and policy.toml requires a signature")]
    Missing,
    /// Nobody could sign so that it is believed.
    #[error("policy.toml requires a signature, and no publisher key is set (publisher_keys_file)")]
    NoKeys,
    /// It came while the folder was read.
    #[error("`{0}` has not been read")]
    Unread(String),
    /// A rule that the signature and the files can show by themselves.
    #[error("model.sig: {0}")]
    Bundle(#[from] BundleError),
    /// A signature tells who made a model, not when: whoever can write the folder could bring an old one back.
    #[error(
        "these are the bytes of version {0}; where a signature is required, they come back under a new number only if \
         policy.toml names that one, in `serve = […]` or by a label"
    )]
    Repeated(Version),
}

/// Gives the key that signed, if anyone did who is trusted.
pub(super) fn verify(
    task: &Task,
    manifest: &Manifest,
    digest: Digest,
) -> Result<(Option<Digest>, String), Failure> {
    let required = task.require.signature;
    let signer = match &task.signature {
        _ if required && task.trust.keys.is_empty() => return Err(SignatureError::NoKeys.into()),
        None if required => return Err(SignatureError::Missing.into()),
        None => return Ok((None, "not signed".to_owned())),
        Some(_) if task.trust.keys.is_empty() => {
            return Ok((None, "signed, but no publisher key is set (publisher_keys_file)".to_owned()));
        }
        Some(signature) => {
            let files = beside(task, manifest, digest)?;
            bundle::verify(signature, &files, &task.trust.keys).map_err(SignatureError::from)?
        }
    };
    if let Some(earlier) = task.trust.repeated.filter(|_| required) {
        return Err(SignatureError::Repeated(earlier).into());
    }
    Ok((Some(signer.id()), format!("signed by {signer}")))
}

/// What lies beside the signature. The hashes in the manifest are those of the files: another check has seen to that.
fn beside(
    task: &Task,
    manifest: &Manifest,
    digest: Digest,
) -> Result<BTreeMap<String, Digest>, SignatureError> {
    let hash = |name: &str| {
        let listed = manifest.files.iter().find(|entry| entry.name.as_str() == name);
        listed.map(|entry| entry.digest).or((name == FileName::Manifest.as_str()).then_some(digest))
    };
    let others = task.entries.iter().filter(|(name, _)| *name != bundle::FILE);
    others
        .map(|(name, found)| match hash(name).or(found.digest) {
            Some(digest) => Ok((name.clone(), digest)),
            None => Err(SignatureError::Unread(name.clone())),
        })
        .collect()
}

impl From<SignatureError> for Failure {
    fn from(error: SignatureError) -> Self {
        let weight = match error {
            SignatureError::Missing
            | SignatureError::NoKeys
            | SignatureError::Unread(_)
            | SignatureError::Bundle(BundleError::Missing { .. }) => Weight::Lacking,
            SignatureError::Bundle(_) => Weight::Torn,
            SignatureError::Repeated(_) => Weight::Sure,
        };
        Self::new(weight, error)
    }
}
