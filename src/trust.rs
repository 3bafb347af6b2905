//! The keys whose catalogs are believed. The file is read again when it changes, so that the sidecar's key can be
//! changed without a restart; one that cannot be used leaves the last good keys in force.

use std::path::{Path, PathBuf};

use artifact::dsse::{InvalidKey, TrustedKeys};
use bootstrap::secret::SecretError;
use secrecy::ExposeSecret as _;

use crate::reread::Reread;

/// Why a file of public keys is not used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file itself.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It holds something else.
    #[error("{}: {error}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: InvalidKey,
    },
}

/// The file, and what was last read from it.
#[derive(Debug)]
pub struct Trust {
    file: Reread,
    keys: TrustedKeys,
}

impl Trust {
    /// Reads the file, which must be good at the start.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn open(path: &Path) -> Result<Self, TrustError> {
        let (file, text) = Reread::open(path)?;
        let keys = parse(path, text.expose_secret())?;
        Ok(Self { file, keys })
    }

    /// The keys in force.
    pub fn keys(&self) -> &TrustedKeys {
        &self.keys
    }

    /// Reads the file again; true if other keys are in force now.
    pub fn reload_once(&mut self) -> bool {
        match self.file.news(parse) {
            None => false,
            Some(Ok(keys)) => {
                tracing::info!("new keys for catalogs are in force");
                self.keys = keys;
                true
            }
            Some(Err(error)) => {
                tracing::error!(
                    error,
                    "the catalog's public keys cannot be read; the last good ones stay in force"
                );
                false
            }
        }
    }
}

fn parse(path: &Path, text: &str) -> Result<TrustedKeys, TrustError> {
    TrustedKeys::from_pem(text).map_err(|error| TrustError::Key { path: path.to_owned(), error })
}
