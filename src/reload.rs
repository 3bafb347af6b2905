//! From the sidecar's catalog to what is served: read, verify, load what is new, publish once. A failure keeps
//! what is served. Nothing here knows gRPC.

use std::{collections::BTreeMap, panic, sync::Arc, time::Instant};

use artifact::{
    Catalog, Digest, Files, Golden, Manifest, Output, Predictions, Version,
    catalog::{CatalogError, CatalogModel, CatalogVersion, Refusal, SKEW},
    files::ReadError,
    golden::GoldenError,
    manifest::ManifestError,
    store::{BlobError, Reader},
};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    floor::{Floor, OutOfOrder},
    memory::keep_forgotten,
    registry::{CatalogInfo, Failure, Loaded, Model, Publisher, Snapshot, Texts},
    trust::Trust,
};

/// Golden rows that are timed.
const MEASURED_ROWS: usize = 32;

/// Brings the registry in line with the store.
#[derive(Debug)]
pub struct Reloader {
    store: Reader,
    trust: Trust,
    floor: Floor,
    publisher: Publisher,
    /// The newest file that was looked at, good or bad: the same bytes are not judged twice.
    seen: Option<Digest>,
    /// The file that is in force.
    applied: Option<Digest>,
    /// A proven version's files could not be read when it was put in force; they may come back.
    unread: bool,
}

/// What one look at the store came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The file is the one that was seen last.
    Unchanged,
    /// A catalog is in force that was not before.
    Applied,
    /// The file cannot be used. What was served is served on.
    Refused,
}

/// Why a catalog file is not put in force.
#[derive(Debug, thiserror::Error)]
pub enum RefusedCatalog {
    /// Missing, or no plain file of bounded size.
    #[error("the catalog cannot be read: {0}")]
    Read(#[from] ReadError),
    /// Damaged, or not signed by the trusted key.
    #[error("the catalog is not believed: {0}")]
    Catalog(#[from] CatalogError),
    /// Genuine, but not to be put in force.
    #[error(transparent)]
    Order(#[from] OutOfOrder),
}

impl RefusedCatalog {
    /// Whether the same bytes may be taken later on.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Order(order) if order.may_pass())
    }
}

/// Why this server does not serve a version that the sidecar has proven.
#[derive(Debug, thiserror::Error)]
enum LoadFailure {
    #[error("{0}")]
    Blob(#[from] BlobError),
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    #[error("{0}")]
    Parameters(#[from] artifact::LoadError),
    /// Sidecar and server disagree: their images are of two releases.
    #[error("{0}")]
    Golden(#[from] GoldenError),
    /// A bug of ours; the log has it.
    #[error("the server panicked while it loaded the model")]
    Panic,
}

impl Reloader {
    /// Reads the store, believes whom `trust` names, goes back behind no `floor`, and writes to `publisher`.
    pub fn new(store: Reader, trust: Trust, floor: Floor, publisher: Publisher) -> Self {
        Self { store, trust, floor, publisher, seen: None, applied: None, unread: false }
    }

    /// Looks at the store once; it is now `now`. Blocks: files are read, and models loaded.
    pub fn reload_once(&mut self, now: Timestamp) -> Outcome {
        if self.trust.reload_once() {
            // What was not believed may be believed now.
            self.seen = None;
        }
        self.look_at_the_age(now);
        let current = self.publisher.current();
        let bytes = match self.store.catalog() {
            Ok(bytes) => bytes,
            Err(error) => {
                // Whatever comes back is news.
                self.seen = None;
                return self.refuse(&current, &error.into(), now);
            }
        };
        let digest = Digest::of(&bytes);
        let was_seen = self.seen.replace(digest) == Some(digest);
        let in_force = self.applied == Some(digest);
        // Once more, for what could not be read.
        let again = in_force && self.unread;
        if !again && (was_seen || in_force) {
            if !was_seen {
                self.publish(&current, None);
            }
            return Outcome::Unchanged;
        }
        let starting = current.catalog.is_none();
        match self.believe(&bytes, digest, now, starting || again) {
            Ok(catalog) => {
                self.apply(&current, catalog, digest, None, now);
                Outcome::Applied
            }
            Err(refused) => {
                if refused.may_pass() {
                    self.seen = None;
                }
                self.refuse(&current, &refused, now)
            }
        }
    }

    /// Says once that nobody has signed a catalog for too long, and that someone has again.
    fn look_at_the_age(&self, now: Timestamp) {
        let current = self.publisher.current();
        let Some(catalog) = &current.catalog else { return };
        let stale = is_stale(catalog, now);
        if stale == current.stale {
            return;
        }
        let CatalogInfo { sequence, issued_at, expires_at, .. } = catalog;
        if stale {
            tracing::warn!(sequence, %issued_at, %expires_at, "the catalog in force is stale; what is served is served on");
        } else {
            tracing::info!(sequence, "the catalog in force is not stale any more");
        }
        self.publisher.publish(Snapshot { stale, ..Snapshot::clone(&current) });
    }

    fn believe(
        &self,
        bytes: &[u8],
        digest: Digest,
        now: Timestamp,
        starting: bool,
    ) -> Result<Catalog, RefusedCatalog> {
        let catalog = Catalog::unseal(bytes, self.trust.keys())?;
        self.floor.check(&catalog, digest, now, starting)?;
        Ok(catalog)
    }

    /// Keeps what is served and says why; at the start falls back on the catalog's copy.
    fn refuse(&mut self, current: &Arc<Snapshot>, refused: &RefusedCatalog, now: Timestamp) -> Outcome {
        let said = refused.to_string();
        let news = current.error.as_deref() != Some(&said);
        if news {
            tracing::warn!(error = said, "the catalog is refused; what is served is served on");
        }
        if current.catalog.is_none() {
            let copy = self.store.catalog_copy().map_err(RefusedCatalog::from);
            let believed = copy.and_then(|bytes| {
                let digest = Digest::of(&bytes);
                Ok((self.believe(&bytes, digest, now, true)?, digest))
            });
            if let Ok((catalog, digest)) = believed {
                tracing::warn!(sequence = catalog.sequence, "starting from the catalog's copy");
                self.apply(current, catalog, digest, Some(said), now);
                return Outcome::Applied;
            }
        }
        if news {
            self.publish(current, Some(said));
        }
        Outcome::Refused
    }

    /// What is served stays; only what is said of the newest file changes.
    fn publish(&self, current: &Snapshot, error: Option<String>) {
        if current.error.is_some() && error.is_none() {
            tracing::info!("the catalog in force can be read again");
        }
        self.publisher.publish(Snapshot { error, ..Snapshot::clone(current) });
    }

    /// Puts the catalog of the file `digest` in force.
    fn apply(
        &mut self,
        current: &Snapshot,
        catalog: Catalog,
        digest: Digest,
        error: Option<String>,
        now: Timestamp,
    ) {
        self.floor.raise(&catalog, digest);
        let Catalog { sequence, epoch, issued_at, expires_at, models, notes } = catalog;
        let mut models = models.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
        keep_forgotten(&mut models, &current.models);
        self.unread = false;
        let models = models.into_iter().map(|(name, entry)| (name, self.model(entry, current))).collect();
        self.applied = Some(digest);
        if current.error.is_some() && error.is_none() {
            tracing::info!(sequence, "a good catalog is in force again");
        }
        let catalog = CatalogInfo { sequence, epoch, issued_at, expires_at, notes };
        let stale = is_stale(&catalog, now);
        if stale && !current.stale {
            tracing::warn!(sequence, %issued_at, %expires_at, "the catalog is put in force though it is stale");
        } else if current.stale && !stale {
            tracing::info!(sequence, "the catalog in force is not stale any more");
        }
        self.publisher.publish(Snapshot {
            catalog: Some(catalog),
            error,
            stale,
            models,
            revision: current.revision,
        });
        tracing::debug!(sequence, "catalog applied");
    }

    /// The model as the catalog wants it. Versions that are loaded already are kept as they are.
    fn model(&mut self, entry: CatalogModel, current: &Snapshot) -> Model {
        let before = current.models.get(&entry.name);
        let mut loaded = BTreeMap::new();
        let mut failures = BTreeMap::new();
        for version in entry.serving.iter().filter_map(|version| entry.version(*version)) {
            match self.version(&entry, version, before) {
                Ok(ready) => {
                    loaded.insert(version.version, ready);
                }
                Err(failure) => {
                    let may_pass = matches!(failure, LoadFailure::Blob(BlobError::Read { .. }));
                    self.unread |= may_pass;
                    let (number, reason) = (version.version, failure.to_string());
                    let refusal = Refusal { check: "load".to_owned(), reason };
                    let failure = Failure { refusal, may_pass };
                    if before.and_then(|before| before.failures.get(&number)) != Some(&failure) {
                        let (model, error) = (entry.name.as_str(), &failure.refusal.reason);
                        tracing::error!(model, version = %number, error, "a proven version cannot be loaded");
                    }
                    failures.insert(number, failure);
                }
            }
        }
        let default = entry.default.and_then(|wanted| newest_good(wanted, &mut loaded, before));
        Model { entry: Arc::new(entry), default, loaded, failures, changed: 0 }
    }

    fn version(
        &self,
        model: &CatalogModel,
        entry: &CatalogVersion,
        before: Option<&Model>,
    ) -> Result<Arc<Loaded>, LoadFailure> {
        let kept = before.and_then(|before| before.loaded.get(&entry.version));
        if let Some(kept) = kept.filter(|kept| Some(kept.model.digest()) == entry.digest) {
            return Ok(Arc::clone(kept));
        }
        let files = self.store.version(&entry.files)?;
        let ready = panic::catch_unwind(|| load(&files)).unwrap_or(Err(LoadFailure::Panic));
        let (ready, nanos_per_row) = ready?;
        let (name, version) = (model.name.clone(), entry.version);
        tracing::info!(model = %name, version = version.get(), digest = %ready.digest(), nanos_per_row, "loaded");
        let classes = match &ready.manifest().output {
            Output::Classification { classes } => classes.iter().cloned().map(Bytes::from).collect(),
            _ => Vec::new(),
        };
        let digest = Bytes::from(ready.digest().to_string());
        let texts = Texts { name: Bytes::from(name.to_string()), digest, classes };
        Ok(Arc::new(Loaded { name, version, model: ready, texts, nanos_per_row }))
    }
}

/// Whether it cannot be shown to be the newest state: it has expired, or is of a time that has not come.
fn is_stale(catalog: &CatalogInfo, now: Timestamp) -> bool {
    let soon = now.checked_add(SKEW).unwrap_or(Timestamp::MAX);
    now > catalog.expires_at || catalog.issued_at > soon
}

/// The wanted version; if it could not be loaded, the one that answered until now, which then goes on; if there is
/// none, the newest older one that serves.
fn newest_good(
    wanted: Version,
    loaded: &mut BTreeMap<Version, Arc<Loaded>>,
    before: Option<&Model>,
) -> Option<Version> {
    if loaded.contains_key(&wanted) {
        return Some(wanted);
    }
    let kept = before.and_then(|before| before.loaded.get_key_value(&before.default?));
    if let Some((version, kept)) = kept {
        loaded.entry(*version).or_insert_with(|| Arc::clone(kept));
        return Some(*version);
    }
    loaded.range(..wanted).next_back().map(|(version, _)| *version)
}

/// The model, once it repeats its golden rows here too, and what a row costs.
fn load(files: &Files) -> Result<(artifact::Model, f64), LoadFailure> {
    let manifest = Manifest::parse(&files.manifest)?;
    let model = artifact::Model::load(manifest, Digest::of(&files.manifest), &files.tensors)?;
    let golden = Golden::parse(&files.golden)?;
    golden.replay(&model)?;
    let nanos_per_row = cost(&model, &golden);
    Ok((model, nanos_per_row))
}

/// What a row costs, in nanoseconds, once everything is warm: the golden rows one by one, which is dearer than in a
/// batch.
fn cost(model: &artifact::Model, golden: &Golden) -> f64 {
    let mut predictions = Predictions::default();
    let rows = golden.rows().iter().filter_map(|row| model.row(&row.input).ok());
    let nanos = rows.take(MEASURED_ROWS).map(|row| {
        let started = Instant::now();
        // It has just been replayed; only the time matters here.
        let _ = model.predict(&row, &mut predictions);
        started.elapsed().as_nanos() as f64
    });
    nanos.fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use artifact::testkit;

    use super::*;

    #[test]
    fn what_a_row_costs_is_measured() {
        let (_, nanos_per_row) = load(&testkit::classifier("a").files().unwrap()).unwrap();
        // Not even one of its exponentials takes so little.
        assert!(nanos_per_row.is_finite() && nanos_per_row > 1.0, "{nanos_per_row}");
    }
}
