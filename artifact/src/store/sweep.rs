//! What may be removed from the store: blobs, and what a writer that died has left half written. Which blobs are not
//! needed any more, the caller decides.

use std::{io, path::Path};

use fs_err as fs;
use rustix::fs::Dir;

use super::{BLOBS, WriteError, Writer};
use crate::Digest;

impl Writer {
    /// The blobs that lie in the store, whoever names them.
    ///
    /// # Errors
    /// The system's words, with the path.
    pub fn blobs(&self) -> io::Result<Vec<Digest>> {
        let names = names(&self.root.join(BLOBS))?;
        Ok(names.iter().filter_map(|name| Digest::from_hex(name).ok()).collect())
    }

    /// Removes blobs. Who reads one just now reads it to its end.
    ///
    /// # Errors
    /// [`WriteError`] at the first that cannot be removed.
    pub fn remove_blobs(&mut self, blobs: &[Digest]) -> Result<(), WriteError> {
        self.hold()?;
        for blob in blobs {
            fs::remove_file(self.root.join(BLOBS).join(blob.hex()))?;
        }
        Ok(())
    }

    /// Removes what writers that died have left: this one is not writing now, and there is no other. How many files.
    ///
    /// # Errors
    /// [`WriteError`] at the first that cannot be removed.
    pub fn remove_halves(&mut self) -> Result<usize, WriteError> {
        self.hold()?;
        let mut removed = 0;
        for folder in [self.root.clone(), self.root.join(BLOBS)] {
            for name in names(&folder)? {
                let half = name.starts_with('.') && name.ends_with(".tmp");
                let path = folder.join(name);
                if half && fs::symlink_metadata(&path)?.is_file() {
                    fs::remove_file(path)?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

/// The names in a folder that are text. Not by the standard library's `read_dir`, which panics where closing fails.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let folder = fs::File::open(folder)?.into_parts().0;
    let mut names = Vec::new();
    for entry in Dir::new(folder)? {
        names.extend(entry?.file_name().to_str().map(str::to_owned));
    }
    Ok(names)
}
