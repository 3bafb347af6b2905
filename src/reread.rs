//! A file of keys that is read again when it changes; one that cannot be used leaves in force what was read before. What
//! stands in it is its reader's business.

use std::{
    fmt::Display,
    mem,
    path::{Path, PathBuf},
};

use artifact::Digest;
use bootstrap::secret::{self, SecretError};
use secrecy::{ExposeSecret as _, SecretString};

/// The file.
#[derive(Debug)]
pub(crate) struct Reread {
    path: PathBuf,
    /// The content that was read last, good or bad.
    seen: Digest,
    /// The failure that was told last.
    failing: Option<String>,
}

impl Reread {
    /// Reads the file for the first time.
    pub(crate) fn open(path: &Path) -> Result<(Self, SecretString), SecretError> {
        let text = secret::read(path)?;
        Ok((Self { path: path.to_owned(), seen: digest(&text), failing: None }, text))
    }

    /// What `parse` makes of it, if it has changed, or why it cannot be used, if that is news. A file that cannot be
    /// used is not parsed again until it changes.
    pub(crate) fn news<T, E: Display + From<SecretError>>(
        &mut self,
        parse: impl FnOnce(&Path, &str) -> Result<T, E>,
    ) -> Option<Result<T, String>> {
        let read = secret::read_again(&self.path).map_err(E::from);
        let parsed = read.and_then(|text| {
            let digest = digest(&text);
            let is_new = mem::replace(&mut self.seen, digest) != digest;
            is_new.then(|| parse(&self.path, text.expose_secret())).transpose()
        });
        match parsed {
            Ok(None) => None,
            Ok(Some(parsed)) => {
                self.failing = None;
                Some(Ok(parsed))
            }
            Err(error) => {
                let error = error.to_string();
                let is_news = self.failing.replace(error.clone()) != Some(error.clone());
                is_news.then_some(Err(error))
            }
        }
    }
}

fn digest(text: &SecretString) -> Digest {
    Digest::of(text.expose_secret().as_bytes())
}
