//! What may be removed from the store: blobs, and what a writer that died has left half written. Which blobs are not
//! needed any more, the caller decides.

use std::io;

use fs_err as fs;

use super::{BLOBS, WriteError, Writer};
use crate::Digest;

impl Writer {
    /// The blobs that lie in the store, whoever names them.
    ///
    /// # Errors
    /// The system's words, with the path.
    pub fn blobs(&self) -> io::Result<Vec<Digest>> {
        let mut blobs = Vec::new();
        for entry in fs::read_dir(self.root.join(BLOBS))? {
            let name = entry?.file_name();
            blobs.extend(name.to_str().and_then(|name| Digest::from_hex(name).ok()));
        }
        Ok(blobs)
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
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let name = entry.file_name();
                let half = name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(".tmp"));
                if half && entry.file_type()?.is_file() {
                    fs::remove_file(entry.path())?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}
