//! The store: blobs by their hash, and the signed catalog. The sidecar writes it, the server reads it, and
//! nothing is ever changed in place: a file is complete before it gets its name.

pub mod history;
mod sweep;

use std::{
    io::Write as _,
    os::{fd::AsFd as _, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use fs_err as fs;

use crate::{
    Digest, catalog, files,
    files::{FileName, ReadError},
    manifest::FileEntry,
};

const CATALOG: &str = "catalog.json";
const COPY: &str = "catalog.copy.json";
const DAMAGED: &str = "catalog.damaged.json";
const BLOBS: &str = "blobs/sha256";
const LOCK: &str = ".lock";
/// How often a file is opened that changes or is replaced meanwhile.
const TRIES: usize = 10;

/// The raw bytes of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// manifest.json.
    pub manifest: Vec<u8>,
    /// model.safetensors.
    pub tensors: Vec<u8>,
    /// golden.jsonl.
    pub golden: Vec<u8>,
}

/// The store, for reading.
#[derive(Clone, Debug)]
pub struct Reader {
    root: PathBuf,
}

/// The store, for writing. At most one process has one at a time.
#[derive(Debug)]
pub struct Writer {
    root: PathBuf,
    /// Locked for as long as it is open.
    lock: fs::File,
}

/// Why a version's bytes are not to be had.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The file is missing, or is no plain file of bounded size.
    #[error("blob {digest}: {error}")]
    Read {
        /// The blob.
        digest: Digest,
        /// What is wrong with the file.
        error: ReadError,
    },
    /// The bytes on the disk are not those that were proven.
    #[error("blob {digest} is damaged: its bytes have the hash {found}")]
    Damaged {
        /// The blob.
        digest: Digest,
        /// The hash of what lies there.
        found: Digest,
    },
    /// The catalog lists no such file.
    #[error("the catalog lists no {0}")]
    Unlisted(FileName),
}

/// Why the store was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The system's words, with the path.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// Another sidecar works on this store.
    #[error("another sidecar holds {}; one store has one sidecar", .0.display())]
    Locked(PathBuf),
    /// Found before anything was written, so that nothing half is left.
    #[error("the store has {free} bytes left, {needed} are needed")]
    Full {
        /// What the blobs need.
        needed: u64,
        /// What there is.
        free: u64,
    },
}

impl Files {
    /// The file of that name.
    pub fn get(&self, name: FileName) -> &[u8] {
        match name {
            FileName::Manifest => &self.manifest,
            FileName::Tensors => &self.tensors,
            FileName::Golden => &self.golden,
        }
    }

    /// The files as a catalog lists them.
    pub fn entries(&self) -> Vec<FileEntry> {
        [FileName::Manifest, FileName::Tensors, FileName::Golden]
            .map(|name| {
                let bytes = self.get(name);
                FileEntry { name, size: bytes.len() as u64, digest: Digest::of(bytes) }
            })
            .to_vec()
    }
}

impl Reader {
    /// A store at `root`. Nothing is opened yet: the folder may come, go and be mounted again.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The newest catalog's bytes, unverified.
    ///
    /// # Errors
    /// [`ReadError`] if there is none, or no plain file of bounded size.
    pub fn catalog(&self) -> Result<Vec<u8>, ReadError> {
        self.read(CATALOG, catalog::MAX_BYTES)
    }

    /// The copy that is kept beside the newest catalog, for a start over a damaged one.
    ///
    /// # Errors
    /// As [`Reader::catalog`].
    pub fn catalog_copy(&self) -> Result<Vec<u8>, ReadError> {
        self.read(COPY, catalog::MAX_BYTES)
    }

    /// The bytes of a version whose files are `entries`, each read once and proven by its hash.
    ///
    /// # Errors
    /// [`BlobError`] if one is missing or damaged.
    pub fn version(&self, entries: &[FileEntry]) -> Result<Files, BlobError> {
        let blob = |name: FileName| {
            let entry = entries.iter().find(|entry| entry.name == name).ok_or(BlobError::Unlisted(name))?;
            self.blob(entry)
        };
        Ok(Files {
            manifest: blob(FileName::Manifest)?,
            tensors: blob(FileName::Tensors)?,
            golden: blob(FileName::Golden)?,
        })
    }

    fn blob(&self, entry: &FileEntry) -> Result<Vec<u8>, BlobError> {
        let digest = entry.digest;
        let bytes = self
            .read(&format!("{BLOBS}/{}", digest.hex()), entry.size)
            .map_err(|error| BlobError::Read { digest, error })?;
        match Digest::of(&bytes) {
            found if found == digest => Ok(bytes),
            found => Err(BlobError::Damaged { digest, found }),
        }
    }

    fn read(&self, path: &str, max: u64) -> Result<Vec<u8>, ReadError> {
        let root = files::open_root(&self.root)?;
        let read = || match path.rsplit_once('/') {
            Some((folder, name)) => files::read(files::open_folder(root.as_fd(), folder)?.as_fd(), name, max),
            None => files::read(root.as_fd(), path, max),
        };
        // Again, while a new catalog takes the name between opening and looking.
        let mut tries = 1..TRIES;
        loop {
            match read() {
                Err(ReadError::Replaced { .. }) if tries.next().is_some() => {}
                read => return read,
            }
        }
    }
}

impl Writer {
    /// Takes the store at `root` for this process, and makes its folders.
    ///
    /// # Errors
    /// [`WriteError::Locked`] if another process has it.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, WriteError> {
        let root = root.into();
        fs::create_dir_all(&root)?;
        let lock = take(&root)?;
        Ok(Self { root, lock })
    }

    /// The same store, for reading.
    pub fn reader(&self) -> Reader {
        Reader::new(&self.root)
    }

    /// Writes the blobs of a version that are not there yet, undamaged. A store that was wiped is first taken again.
    ///
    /// # Errors
    /// [`WriteError::Full`] before anything is written, if they do not fit; [`WriteError::Locked`] if another process
    /// was faster to take a store that was wiped.
    pub fn put_version(&mut self, files: &Files) -> Result<Vec<FileEntry>, WriteError> {
        self.hold()?;
        let free = rustix::fs::statvfs(&self.root)
            .map(|volume| volume.f_bavail.saturating_mul(volume.f_frsize))
            .map_err(std::io::Error::from)?;
        self.put_into(free, files)
    }

    fn put_into(&self, free: u64, files: &Files) -> Result<Vec<FileEntry>, WriteError> {
        let reader = self.reader();
        let entries = files.entries();
        let missing: Vec<_> = entries.iter().filter(|entry| reader.blob(entry).is_err()).collect();
        let needed = missing.iter().map(|entry| entry.size).sum();
        if needed > free {
            return Err(WriteError::Full { needed, free });
        }
        for entry in missing {
            let folder = self.root.join(BLOBS);
            write(&folder, &entry.digest.hex(), files.get(entry.name))?;
        }
        Ok(entries)
    }

    /// Takes a newest catalog that is not believed out of the way, for someone to look at.
    ///
    /// # Errors
    /// [`WriteError::System`].
    pub fn set_catalog_aside(&self) -> Result<(), WriteError> {
        fs::rename(self.root.join(CATALOG), self.root.join(DAMAGED))?;
        Ok(())
    }

    /// Makes `bytes` the newest catalog, after a copy of it. A store that was wiped is first taken again.
    ///
    /// # Errors
    /// [`WriteError`]; the newest catalog is then still the old one.
    pub fn put_catalog(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.hold()?;
        write(&self.root, COPY, bytes)?;
        write(&self.root, CATALOG, bytes)?;
        Ok(())
    }

    /// Takes the store again if it was wiped: its folders and our lock went with the rest. Where the store itself is
    /// gone, none is made: a volume may come back.
    fn hold(&mut self) -> Result<(), WriteError> {
        let ours = self.lock.metadata()?;
        let there = fs::metadata(self.root.join(LOCK));
        if !there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
            self.lock = take(&self.root)?;
        }
        Ok(make_folders(&self.root)?)
    }
}

/// Makes the folders of the store at `root`, and locks it.
fn take(root: &Path) -> Result<fs::File, WriteError> {
    make_folders(root)?;
    let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(root.join(LOCK))?;
    match rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(lock),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(WriteError::Locked(root.to_owned())),
        Err(error) => Err(WriteError::System(error.into())),
    }
}

fn make_folders(root: &Path) -> std::io::Result<()> {
    for folder in ["blobs", BLOBS] {
        match fs::create_dir(root.join(folder)) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Writes a file that is complete on the disk before it has its name: a temporary file, fsync, rename, fsync of the
/// folder.
///
/// # Errors
/// The system's words, with the path. What was there before is then still there.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = folder.join(format!(".{name}.tmp"));
    let complete = || {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, folder.join(name))
    };
    if let Err(error) = complete() {
        // On a full disk, half a file is in the way of the next attempt. The first failure is the one to tell.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_does_not_fit_is_refused_before_anything_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let writer = Writer::open(dir.path()).unwrap();
        let files = Files { manifest: b"1".to_vec(), tensors: b"22".to_vec(), golden: b"333".to_vec() };
        assert_eq!(
            writer.put_into(5, &files).unwrap_err().to_string(),
            "the store has 5 bytes left, 6 are needed"
        );
        assert_eq!(fs::read_dir(dir.path().join(BLOBS)).unwrap().count(), 0);
        writer.put_into(6, &files).unwrap();
        // What is there needs no room.
        writer.put_into(0, &files).unwrap();
    }
}
