//! What a start finds: the key that signs, whose catalogs are believed, and the catalog to go on from.

use artifact::{
    Catalog, Digest,
    bundle::{KeysError, PublisherKeys},
    dsse::{InvalidKey, SealKey, TrustedKeys},
    files::ReadError,
    store::{WriteError, Writer},
};
use bootstrap::secret::{self, SecretError};
use secrecy::ExposeSecret as _;

use crate::config::Settings;

/// Why the sidecar does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The key's file cannot be used.
    #[error("signing_key_file: {0}")]
    Secret(#[from] SecretError),
    /// It holds something else.
    #[error("signing_key_file: {0}")]
    Key(#[from] InvalidKey),
    /// The publishers' keys cannot be read.
    #[error("publisher_keys_file: {0}")]
    PublisherFile(#[source] SecretError),
    /// It holds something else.
    #[error("publisher_keys_file: {0}")]
    PublisherKeys(#[from] KeysError),
    /// Another sidecar has it, or it cannot be written.
    #[error("the store cannot be used: {0}")]
    Store(#[from] WriteError),
}

impl StartError {
    /// Whether the mend is in the configuration.
    pub fn is_config(&self) -> bool {
        matches!(self, Self::Secret(_) | Self::Key(_) | Self::PublisherFile(_) | Self::PublisherKeys(_))
    }

    /// Whether it may be otherwise in a while: a volume that is not there yet, or not ours to write.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Store(WriteError::System(_)))
    }

    /// Whether another process has the store.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Store(WriteError::Locked(_)))
    }
}

/// Reads the key that signs.
pub(crate) fn signing_key(settings: &Settings) -> Result<SealKey, StartError> {
    let pem = secret::read(&settings.signing_key_file)?;
    Ok(SealKey::from_pem(pem.expose_secret())?)
}

/// Reads the publishers' keys: none where no file is set.
pub(crate) fn publisher_keys(settings: &Settings) -> Result<PublisherKeys, StartError> {
    if settings.publisher_keys_file.as_os_str().is_empty() {
        return Ok(PublisherKeys::default());
    }
    let pem = secret::read(&settings.publisher_keys_file).map_err(StartError::PublisherFile)?;
    Ok(PublisherKeys::from_pem(pem.expose_secret())?)
}

/// Our own key, and those of the file that servers have, if it is there too.
pub(crate) fn trusted(settings: &Settings, key: &SealKey) -> TrustedKeys {
    let path = &settings.catalog_public_key_file;
    let ours = key.trusted();
    if !path.exists() {
        return ours;
    }
    let read = secret::read(path).map_err(|error| error.to_string()).and_then(|pem| {
        let keys = TrustedKeys::from_pem(pem.expose_secret());
        keys.map_err(|error| format!("{}: {error}", path.display()))
    });
    match read {
        Ok(keys) => {
            if !keys.trust(key) {
                let path = path.display();
                tracing::error!(%path, "servers that have this file will not believe what is signed here");
            }
            ours.and(&keys)
        }
        Err(error) => {
            tracing::warn!(
                error,
                "catalog_public_key_file is not used: no catalog of another key is gone on from"
            );
            ours
        }
    }
}

/// The catalog to go on from, and the newest file if that holds it, signed by `ours`: what the key before ours has signed
/// will not be believed for long.
pub(crate) fn recover(
    writer: &Writer,
    ours: &TrustedKeys,
    trusted: &TrustedKeys,
) -> Result<(Option<Catalog>, Option<Digest>), StartError> {
    let reader = writer.reader();
    let read = |bytes: Result<Vec<u8>, ReadError>| match bytes {
        Err(ReadError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.to_string()),
        Ok(bytes) => match Catalog::unseal(&bytes, trusted) {
            Ok(catalog) => {
                let by_us = Catalog::unseal(&bytes, ours).is_ok();
                Ok(Some((catalog, by_us.then(|| Digest::of(&bytes)))))
            }
            Err(error) => Err(error.to_string()),
        },
    };
    match read(reader.catalog()) {
        Ok(Some((catalog, file))) => return Ok((Some(catalog), file)),
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(error, "the catalog is not believed and set aside");
            writer.set_catalog_aside()?;
        }
    }
    let copy = read(reader.catalog_copy()).unwrap_or_else(|error| {
        tracing::warn!(error, "the copy of the catalog is not believed");
        None
    });
    match &copy {
        Some((catalog, _)) => tracing::warn!(sequence = catalog.sequence, "going on from the catalog's copy"),
        None => tracing::info!("starting a new catalog"),
    }
    Ok((copy.map(|(catalog, _)| catalog), None))
}
