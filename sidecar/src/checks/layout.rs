//! `layout`: the folder holds the files of a version and nothing else, all plain and readable. [`read`] is where each
//! file is opened once and read once; all later checks see the same buffer. Nothing that was dropped is parsed there.

use std::{
    collections::BTreeMap,
    os::fd::{AsFd as _, BorrowedFd},
};

use artifact::{
    Digest, Files, Manifest, bundle,
    files::{self, FileName, ReadError},
    manifest::limits,
};
use rustix::fs::FileType;

use super::{Failure, Found, Task, Weight};
use crate::incoming::{Listing, Look};

pub(super) const NAME: &str = "layout";

/// What every version consists of.
const FILES: [FileName; 3] = [FileName::Manifest, FileName::Tensors, FileName::Golden];
const README: &str = "README.md";

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

/// What lies in the folder of a version.
#[derive(Debug)]
pub(super) struct Dropped {
    pub(super) files: Files,
    pub(super) signature: Option<Vec<u8>>,
    pub(super) entries: BTreeMap<String, Found>,
    /// What is wrong with it if it is whole.
    pub(super) flaw: Option<Failure>,
}

/// Reads the files of a version. A failure is one that no manifest could explain.
pub(super) fn read(
    parent: BorrowedFd<'_>,
    folder: &str,
    look: &Look,
    max_mib: u32,
) -> Result<Dropped, Failure> {
    let listing = match look {
        Look::Folder(listing) => listing,
        Look::Unreadable(error) => return Err(error.clone().into()),
        Look::Absent => {
            return Err(failure(ReadError::Missing { name: folder.to_owned() }));
        }
    };
    for name in FILES {
        if !listing.0.contains_key(name.as_str()) {
            return Err(LayoutError::Missing(name).into());
        }
    }
    for name in FILES {
        plain(listing, name.as_str())?;
    }
    let found = FILES.iter().map(|name| listing.size(name.as_str())).fold(0, u64::saturating_add);
    if found > u64::from(max_mib) << 20 {
        return Err(LayoutError::TooLarge { found, max_mib }.into());
    }
    let folder = files::open_folder(parent, folder).map_err(failure)?;
    let manifest = files::read(folder.as_fd(), FileName::Manifest.as_str(), limits::MANIFEST_BYTES);
    let files = Files { manifest: manifest.map_err(failure)?, tensors: Vec::new(), golden: Vec::new() };
    let entry = |name: &String| (name.clone(), Found { size: listing.size(name), digest: None });
    let entries = listing.0.keys().map(entry).collect();
    let mut dropped = Dropped { files, signature: None, entries, flaw: None };
    dropped.flaw = dropped.read_others(listing, folder.as_fd()).err();
    Ok(dropped)
}

impl Dropped {
    fn read_others(&mut self, listing: &Listing, folder: BorrowedFd<'_>) -> Result<(), Failure> {
        for name in listing.0.keys() {
            let known = FILES.iter().any(|file| file.as_str() == name);
            if !known && !FileName::UNLISTED.contains(&name.as_str()) {
                return Err(LayoutError::Extra(name.clone()).into());
            }
            plain(listing, name)?;
        }
        let read = |name: &str, max| files::read(folder, name, max).map_err(failure);
        self.files.tensors = read(FileName::Tensors.as_str(), limits::FILE_BYTES)?;
        self.files.golden = read(FileName::Golden.as_str(), limits::FILE_BYTES)?;
        if listing.0.contains_key(bundle::FILE) {
            self.signature = Some(read(bundle::FILE, bundle::MAX_BYTES)?);
            if let Some(readme) = self.entries.get_mut(README) {
                // No model card that is signed is longer.
                readme.digest = Some(Digest::of(&read(README, bundle::MAX_BYTES)?));
            }
        }
        Ok(())
    }
}

/// No file is shorter than the manifest lists; only then does it count what else is wrong. A manifest that cannot be
/// parsed yet lists nothing.
pub(super) fn whole(task: &Task) -> Result<((), String), Failure> {
    let size = |name: FileName| task.entries.get(name.as_str()).map_or(0, |entry| entry.size);
    let listed = Manifest::parse(&task.files.manifest).map(|manifest| manifest.files);
    for entry in listed.unwrap_or_default() {
        let found = size(entry.name);
        if found < entry.size {
            return Err(LayoutError::Short { name: entry.name, found, expected: entry.size }.into());
        }
    }
    match &task.flaw {
        Some(flaw) => Err(flaw.clone()),
        None => {
            let found: u64 = FILES.into_iter().map(size).sum();
            Ok(((), format!("{} files, {found} bytes", task.entries.len())))
        }
    }
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
        ReadError::Missing { .. }
        | ReadError::Changed { .. }
        | ReadError::Replaced { .. }
        | ReadError::System { .. } => Weight::Lacking,
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
