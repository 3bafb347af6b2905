//! `layout`: the folder holds the files of a version and nothing else, all plain and readable. This is where
//! each file is opened once and read once; all later checks see the same buffer.

use std::os::fd::{AsFd as _, BorrowedFd};

use artifact::{
    Files, Manifest,
    files::{self, FileName, ReadError},
    manifest::limits,
};
use rustix::fs::FileType;

use super::{Failure, Weight};
use crate::incoming::{Listing, Look};

pub(super) const NAME: &str = "layout";

/// Why a folder is no version, one variant per rule.
#[derive(Debug, thiserror::Error)]
enum LayoutError {
    /// A copy that has not come to it yet, or never will.
    #[error("`{0}` is missing")]
    Missing(FileName),
    /// A copy that goes on, or broke off.
    #[error("`{name}` has {found} of {expected} bytes")]
    Short { name: FileName, found: u64, expected: u64 },
    /// Judging it would exhaust the memory, and the next start would try again.
    #[error("its files have {found} bytes, this sidecar judges at most {max_mib} MiB (max_version_mib)")]
    TooLarge { found: u64, max_mib: u32 },
    /// Something that nobody proves must not travel with what was proven.
    #[error(
        "`{0}` does not belong to a version (manifest.json, model.safetensors, golden.jsonl, README.md, model.sig)"
    )]
    Extra(String),
    /// A link could lead out of the folder, and a FIFO or device could hold up whoever reads it.
    #[error("`{name}` is a {kind}; only plain files belong to a version")]
    NotPlain { name: String, kind: &'static str },
}

/// Reads the files of a version.
pub(super) fn read(
    parent: BorrowedFd<'_>,
    folder: &str,
    look: &Look,
    max_mib: u32,
) -> Result<(Files, String), Failure> {
    let listing = match look {
        Look::Folder(listing) => listing,
        Look::Unreadable(error) => return Err(error.clone().into()),
        Look::Absent => {
            return Err(failure(ReadError::Missing { name: folder.to_owned() }));
        }
    };
    let required = [FileName::Manifest, FileName::Tensors, FileName::Golden];
    for name in required {
        if !listing.0.contains_key(name.as_str()) {
            return Err(LayoutError::Missing(name).into());
        }
    }
    for name in required {
        plain(listing, name.as_str())?;
    }
    let sizes = required.iter().map(|name| listing.size(name.as_str()));
    let found = sizes.fold(0, u64::saturating_add);
    if found > u64::from(max_mib) << 20 {
        return Err(LayoutError::TooLarge { found, max_mib }.into());
    }
    let folder = files::open_folder(parent, folder).map_err(failure)?;
    let read = |name: FileName, max| files::read(folder.as_fd(), name.as_str(), max).map_err(failure);
    let manifest = read(FileName::Manifest, limits::MANIFEST_BYTES)?;
    whole(listing, &manifest)?;
    // Copy tools leave temporary names on the way, so that others come last.
    for name in listing.0.keys() {
        let known = required.iter().any(|file| file.as_str() == name);
        if !known && !FileName::UNLISTED.contains(&name.as_str()) {
            return Err(LayoutError::Extra(name.clone()).into());
        }
        plain(listing, name)?;
    }
    let files = Files {
        manifest,
        tensors: read(FileName::Tensors, limits::FILE_BYTES)?,
        golden: read(FileName::Golden, limits::FILE_BYTES)?,
    };
    Ok((files, format!("{} files, {found} bytes", listing.0.len())))
}

/// No file is shorter than the manifest lists. One that cannot be parsed yet lists nothing.
fn whole(listing: &Listing, manifest: &[u8]) -> Result<(), LayoutError> {
    let files = Manifest::parse(manifest).map(|manifest| manifest.files);
    for entry in files.unwrap_or_default() {
        let found = listing.size(entry.name.as_str());
        if found < entry.size {
            return Err(LayoutError::Short { name: entry.name, found, expected: entry.size });
        }
    }
    Ok(())
}

fn plain(listing: &Listing, name: &str) -> Result<(), LayoutError> {
    let kind = match listing.0.get(name).map(|entry| entry.kind) {
        None | Some(FileType::RegularFile) => return Ok(()),
        Some(FileType::Symlink) => "symbolic link",
        Some(FileType::Directory) => "folder",
        Some(FileType::Fifo) => "FIFO",
        Some(FileType::Socket) => "socket",
        Some(_) => "device",
    };
    Err(LayoutError::NotPlain { name: name.to_owned(), kind })
}

impl From<LayoutError> for Failure {
    fn from(error: LayoutError) -> Self {
        let weight = match error {
            LayoutError::Missing(_) | LayoutError::Short { .. } => Weight::Lacking,
            LayoutError::TooLarge { .. } | LayoutError::Extra(_) | LayoutError::NotPlain { .. } => {
                Weight::Torn
            }
        };
        Self::new(weight, error)
    }
}

/// What changes or cannot be read this minute may be whole the next one; a wrong kind of file stays wrong.
pub(super) fn failure(error: ReadError) -> Failure {
    let weight = match error {
        ReadError::Missing { .. } | ReadError::Changed { .. } | ReadError::System { .. } => Weight::Lacking,
        ReadError::Symlink { .. }
        | ReadError::Outside { .. }
        | ReadError::NotPlain { .. }
        | ReadError::HardLink { .. }
        | ReadError::TooLarge { .. }
        | ReadError::Forbidden { .. } => Weight::Torn,
    };
    Failure::new(weight, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_file_is_refused_with_the_mend_and_a_failing_disk_is_waited_for() {
        let forbidden = failure(ReadError::Forbidden { name: "golden.jsonl".into(), uid: 65532 });
        assert_eq!(forbidden.weight, Weight::Torn);
        assert_eq!(forbidden.reason, "`golden.jsonl` is not readable by uid 65532; chmod -R a+rX the folder");
        let failing =
            failure(ReadError::System { name: "golden.jsonl".into(), error: rustix::io::Errno::IO });
        assert_eq!(failing.weight, Weight::Lacking);
    }
}
