//! The floor: the newest catalog that was ever in force. It is kept over restarts in a small volume of the server's
//! own, so that no older catalog is put in force again, whoever puts it into the store. Also the other rules of a
//! catalog's order and times; its signature is not looked at here.

use std::{
    os::fd::AsFd as _,
    path::{Path, PathBuf},
};

use artifact::{
    Catalog, Digest,
    files::{self, ReadError},
    store,
};
use fs_err as fs;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Clocks may differ by as much as this.
pub const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// An operator raises the epoch by one; a jump further than this is a slip that would use the numbers up.
pub const EPOCHS: u64 = 100;

const FILE: &str = "floor.json";
const DAMAGED: &str = "floor.damaged.json";
const MAX_BYTES: u64 = 4096;

/// The floor, and where it is kept.
#[derive(Debug)]
pub struct Floor {
    folder: PathBuf,
    newest: Option<Mark>,
    /// The log was told that it cannot be kept.
    failing: bool,
}

/// One catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    epoch: u64,
    sequence: u64,
    issued_at: Timestamp,
    /// Of its file.
    digest: Digest,
}

/// Why a genuine catalog is not put in force, one variant per rule.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutOfOrder {
    /// An old catalog that was put back would bring old models back.
    #[error("the catalog has the sequence {found}, {current} was in force already")]
    Older {
        /// Its sequence.
        found: u64,
        /// Ours.
        current: u64,
    },
    /// The same, from before an operator began anew. Or a sidecar that has lost its settings.
    #[error(
        "the catalog has the epoch {found}, {current} was in force already; set the sidecar's `epoch` to {}",
        current.saturating_add(1)
    )]
    OlderEpoch {
        /// Its epoch.
        found: u64,
        /// Ours.
        current: u64,
    },
    /// Two sidecars sign with one key, or one of the two catalogs is not what was signed first.
    #[error("another catalog of the sequence {sequence} was in force already")]
    Twin {
        /// That of both.
        sequence: u64,
    },
    /// In force, it would lock out all that come after it.
    #[error(
        "the catalog was signed {issued_at} with the sequence {sequence}, which is more than {} minutes ahead of this server's clock",
        SKEW.as_mins()
    )]
    Ahead {
        /// When it says that it was signed.
        issued_at: Timestamp,
        /// Its sequence: milliseconds since 1970, or nearly.
        sequence: u64,
    },
    /// The same, by the epoch.
    #[error("the catalog has the epoch {found}, more than {EPOCHS} after {current}, which was in force")]
    EpochAhead {
        /// Its epoch.
        found: u64,
        /// Ours.
        current: u64,
    },
    /// Kept back by someone, and shown now.
    #[error("the catalog expired {expires_at}; what is served stays until one comes that has not")]
    Expired {
        /// When.
        expires_at: Timestamp,
    },
}

impl OutOfOrder {
    /// Whether time alone may mend it.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Ahead { .. } | Self::Expired { .. })
    }
}

impl Floor {
    /// Reads the floor that is kept in `folder`. One that cannot be used is put aside and not kept to: the server serves.
    pub fn open(folder: &Path) -> Self {
        let newest = match read(folder) {
            Ok(mark) => Some(mark),
            Err(Unusable::Read(ReadError::Missing { .. })) => {
                tracing::info!(state = %folder.display(), "no floor is kept yet: any genuine catalog is put in force");
                None
            }
            Err(error) => {
                tracing::error!(%error, state = %folder.display(), "the floor cannot be used: any genuine catalog is put in force");
                // For someone to look at. Where it cannot be moved, the next write says why.
                let _ = fs::rename(folder.join(FILE), folder.join(DAMAGED));
                None
            }
        };
        Self { folder: folder.to_owned(), newest, failing: false }
    }

    /// Whether the catalog of the file `digest` may be put in force now. At a start an expired one may: it is the
    /// newest that there is.
    ///
    /// # Errors
    /// [`OutOfOrder`], by the first rule that is broken.
    pub fn check(
        &self,
        catalog: &Catalog,
        digest: Digest,
        now: Timestamp,
        starting: bool,
    ) -> Result<(), OutOfOrder> {
        let Catalog { epoch, sequence, issued_at, expires_at, .. } = *catalog;
        let mut time = now;
        if let Some(newest) = &self.newest {
            let current = newest.sequence;
            if epoch < newest.epoch {
                return Err(OutOfOrder::OlderEpoch { found: epoch, current: newest.epoch });
            }
            if epoch > newest.epoch.saturating_add(EPOCHS) {
                return Err(OutOfOrder::EpochAhead { found: epoch, current: newest.epoch });
            }
            if epoch == newest.epoch {
                if sequence < current {
                    return Err(OutOfOrder::Older { found: sequence, current });
                }
                if sequence == current && digest != newest.digest {
                    return Err(OutOfOrder::Twin { sequence });
                }
                // It is no earlier than when that one was signed, whatever the clock says now. A new epoch begins anew.
                time = time.max(newest.issued_at);
            }
        }
        let soon = time.checked_add(SKEW).unwrap_or(Timestamp::MAX);
        if issued_at > soon || sequence > u64::try_from(soon.as_millisecond()).unwrap_or(0) {
            return Err(OutOfOrder::Ahead { issued_at, sequence });
        }
        if !starting && time > expires_at.checked_add(SKEW).unwrap_or(Timestamp::MAX) {
            return Err(OutOfOrder::Expired { expires_at });
        }
        Ok(())
    }

    /// Makes this catalog the floor, and keeps it. One that cannot be kept holds until the next start.
    pub fn raise(&mut self, catalog: &Catalog, digest: Digest) {
        let Catalog { epoch, sequence, issued_at, .. } = *catalog;
        let mark = Mark { epoch, sequence, issued_at, digest };
        if self.newest.as_ref() == Some(&mark) {
            return;
        }
        let kept = serde_json::to_vec(&mark)
            .map_err(std::io::Error::from)
            .and_then(|bytes| store::write(&self.folder, FILE, &bytes));
        self.newest = Some(mark);
        match &kept {
            Ok(()) if self.failing => tracing::info!("the floor can be kept again"),
            Err(error) if !self.failing => {
                tracing::warn!(%error, "the floor cannot be kept: after a restart an older catalog may be put in force");
            }
            _ => {}
        }
        self.failing = kept.is_err();
    }
}

#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("`{FILE}` is damaged: {0}")]
    Json(#[from] serde_json::Error),
}

fn read(folder: &Path) -> Result<Mark, Unusable> {
    let bytes = files::read(files::open_root(folder)?.as_fd(), FILE, MAX_BYTES)?;
    Ok(serde_json::from_slice(&bytes)?)
}
