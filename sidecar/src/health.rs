//! Whether the sidecar is alive, as its own catalog shows: a container's health check. Reads, never writes.

use artifact::{
    Catalog,
    catalog::{CatalogError, SKEW},
    files::ReadError,
    store::Reader,
};
use jiff::Timestamp;

use crate::{
    config::Settings,
    start::{StartError, signing_key},
};

/// Why the sidecar is not healthy.
#[derive(Debug, thiserror::Error)]
pub enum Unhealthy {
    /// The key's file cannot be used.
    #[error(transparent)]
    Key(#[from] StartError),
    /// It has not signed anything yet, or the store is gone.
    #[error("no catalog: {0}")]
    Read(#[from] ReadError),
    /// Not what this sidecar signed.
    #[error("the catalog is not believed: {0}")]
    Catalog(#[from] CatalogError),
    /// It has stopped, or cannot write.
    #[error("the catalog is {age_seconds} s old, expected at most {max_seconds} s")]
    Stale {
        /// Seconds since it was signed.
        age_seconds: i64,
        /// Two heartbeats.
        max_seconds: i64,
    },
    /// The clock was ahead once, or is behind now; how old the catalog is cannot be told.
    #[error(
        "the catalog was signed {ahead_seconds} s ahead of this clock; if that is right, raise `epoch` by 1"
    )]
    Ahead {
        /// Seconds until then.
        ahead_seconds: i64,
    },
}

/// Checks that the catalog was signed by the configured key, no more than two heartbeats ago.
///
/// # Errors
/// [`Unhealthy`].
pub fn health(settings: &Settings, now: Timestamp) -> Result<(), Unhealthy> {
    let trusted = signing_key(settings)?.trusted();
    let catalog = Catalog::unseal(&Reader::new(&settings.store).catalog()?, &trusted)?;
    let age_seconds = now.duration_since(catalog.issued_at).as_secs();
    let max_seconds = settings.heartbeat().as_secs() * 2;
    if age_seconds > max_seconds {
        return Err(Unhealthy::Stale { age_seconds, max_seconds });
    }
    if age_seconds < -SKEW.as_secs() {
        return Err(Unhealthy::Ahead { ahead_seconds: -age_seconds });
    }
    Ok(())
}
