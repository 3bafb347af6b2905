//! The keys whose catalogs are believed. The file is read again when it changes, so that the sidecar's key can be
//! changed without a restart; one that cannot be used leaves the last good keys in force.

use std::path::{Path, PathBuf};

use artifact::{
    Digest,
    dsse::{InvalidKey, TrustedKeys},
};
use bootstrap::secret::{self, SecretError};
use secrecy::ExposeSecret as _;

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
    path: PathBuf,
    keys: TrustedKeys,
    /// The content that was read last, good or bad.
    seen: Digest,
    /// The failure that the log was told of.
    failing: Option<String>,
}

impl Trust {
    /// Reads the file, which must be good at the start.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn open(path: &Path) -> Result<Self, TrustError> {
        let text = secret::read(path)?;
        let keys = parse(path, text.expose_secret())?;
        let seen = Digest::of(text.expose_secret().as_bytes());
        Ok(Self { path: path.to_owned(), keys, seen, failing: None })
    }

    /// The keys in force.
    pub fn keys(&self) -> &TrustedKeys {
        &self.keys
    }

    /// Reads the file again; true if other keys are in force now.
    pub fn reload_once(&mut self) -> bool {
        let failed = match self.read_again() {
            Ok(Some(keys)) => {
                tracing::info!("new keys for catalogs are in force");
                self.keys = keys;
                self.failing = None;
                return true;
            }
            // A file that cannot be used is not read again until it changes, so that this is no recovery.
            Ok(None) => return false,
            Err(error) => Some(error.to_string()),
        };
        if failed != self.failing {
            let error = failed.as_deref();
            tracing::error!(
                error,
                "the catalog's public keys cannot be read; the last good ones stay in force"
            );
            self.failing = failed;
        }
        false
    }

    fn read_again(&mut self) -> Result<Option<TrustedKeys>, TrustError> {
        let text = secret::read_again(&self.path)?;
        let digest = Digest::of(text.expose_secret().as_bytes());
        if digest == self.seen {
            return Ok(None);
        }
        self.seen = digest;
        parse(&self.path, text.expose_secret()).map(Some)
    }
}

fn parse(path: &Path, text: &str) -> Result<TrustedKeys, TrustError> {
    TrustedKeys::from_pem(text).map_err(|error| TrustError::Key { path: path.to_owned(), error })
}
