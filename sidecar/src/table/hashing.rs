//! What is read, hashed on the way.

use std::io::{self, Read};

use artifact::Digest;
use sha2::{Digest as _, Sha256};

/// Hashes what is read through it.
#[derive(Debug)]
pub struct Hashing<R> {
    file: R,
    hash: Sha256,
}

impl<R> Hashing<R> {
    /// Reads from `file`.
    pub fn of(file: R) -> Self {
        Self { file, hash: Sha256::new() }
    }

    /// The hash of what was read.
    pub fn digest(self) -> Digest {
        Digest::from(<[u8; 32]>::from(self.hash.finalize()))
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}
