//! `digest`: every file has the size and hash that the manifest lists, and a number that was admitted once keeps
//! its bytes.

use artifact::{Digest, Files, Manifest, Version, files::FileName, manifest::FileEntry};

use super::{Failure, Weight};

pub(super) const NAME: &str = "digest";

/// Why the bytes are not the right ones, one variant per rule.
#[derive(Debug, thiserror::Error)]
enum DigestError {
    /// A file of another version, or two copies that ran into each other.
    #[error("`{name}` has {found} bytes, the manifest lists {expected}")]
    Size { name: FileName, found: usize, expected: u64 },
    /// Damaged on the way, or changed after the manifest was written.
    #[error("`{name}` has the hash {found}, the manifest lists {expected}")]
    Hash { name: FileName, found: Digest, expected: Digest },
    /// Whoever asks for a version by number must always get the same model.
    #[error(
        "version {version} was admitted as {admitted}, and these are other bytes ({found}); a version never changes, so drop them under a new number"
    )]
    Immutable { version: Version, admitted: Digest, found: Digest },
}

/// Compares the files with the manifest, and the manifest with what was admitted. Gives the model's digest.
pub(super) fn compare(
    files: &Files,
    manifest: &Manifest,
    known: Option<(Version, Digest)>,
) -> Result<(Digest, String), Failure> {
    for entry in &manifest.files {
        same(entry, files.get(entry.name)).map_err(Failure::torn)?;
    }
    let found = Digest::of(&files.manifest);
    match known {
        Some((version, admitted)) if admitted != found => {
            Err(Failure::new(Weight::Sure, DigestError::Immutable { version, admitted, found }))
        }
        _ => Ok((found, found.to_string())),
    }
}

fn same(entry: &FileEntry, bytes: &[u8]) -> Result<(), DigestError> {
    if bytes.len() as u64 != entry.size {
        return Err(DigestError::Size { name: entry.name, found: bytes.len(), expected: entry.size });
    }
    match Digest::of(bytes) {
        found if found == entry.digest => Ok(()),
        found => Err(DigestError::Hash { name: entry.name, found, expected: entry.digest }),
    }
}
