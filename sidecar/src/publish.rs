//! The store as the sidecar writes it: blobs of what was proven, and the signed catalog. Also how a start finds
//! the catalog it goes on from. What the catalog says is not decided here.

use artifact::{
    Catalog, Digest, Files,
    catalog::{self, CatalogError, CatalogModel, MAX_REJECTIONS, Status},
    dsse::{InvalidKey, SealKey},
    files::ReadError,
    manifest::FileEntry,
    store::{BlobError, WriteError, Writer},
};
use bootstrap::secret::{self, SecretError};
use jiff::{SignedDuration, Timestamp};
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
    /// Another sidecar has it, or it cannot be written.
    #[error("the store cannot be used: {0}")]
    Store(#[from] WriteError),
}

/// The one hand that writes the store.
#[derive(Debug)]
pub(crate) struct Publisher {
    writer: Writer,
    key: SealKey,
    heartbeat: SignedDuration,
    /// What was said last, before it was thinned out to fit.
    newest: Option<Catalog>,
    /// The file that says it; none if it is to be written.
    written: Option<Digest>,
    /// The failure that the log was told of.
    failing: Option<String>,
}

#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error(transparent)]
    Seal(#[from] CatalogError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl StartError {
    /// Whether the mend is in the configuration.
    pub fn is_config(&self) -> bool {
        matches!(self, Self::Secret(_) | Self::Key(_))
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

impl Publisher {
    /// Takes the store, and finds the catalog to go on from: the newest, else its copy, else none.
    pub(crate) fn open(settings: &Settings) -> Result<Self, StartError> {
        let key = signing_key(settings)?;
        let writer = Writer::open(&settings.store)?;
        let (newest, written) = recover(&writer, &key)?;
        Ok(Self { writer, key, heartbeat: settings.heartbeat(), newest, written, failing: None })
    }

    /// Whether the store has lost the catalog since it was written: someone wiped or damaged it, or the volume went.
    /// It is then written anew. True only once, however long it takes until it can be written.
    pub(crate) fn has_lost_the_catalog(&mut self) -> bool {
        let Some(written) = self.written else { return false };
        let lost = match self.writer.reader().catalog() {
            Ok(bytes) if Digest::of(&bytes) == written => return false,
            Ok(_) => "other bytes lie there".to_owned(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(error = lost, "the catalog that was written last is gone; it is written again");
        self.written = None;
        true
    }

    /// The catalog that was signed last.
    pub(crate) fn newest(&self) -> Option<&Catalog> {
        self.newest.as_ref()
    }

    /// Writes the blobs that are not there, undamaged.
    pub(crate) fn store(&mut self, files: &Files) -> Result<Vec<FileEntry>, WriteError> {
        self.writer.hold()?;
        self.writer.put_version(files)
    }

    /// Reads a version's blobs and compares their hashes.
    pub(crate) fn prove_blobs(&self, entries: &[FileEntry]) -> Result<(), BlobError> {
        self.writer.reader().version(entries).map(|_| ())
    }

    /// Signs and writes the catalog if it says anything new, the heartbeat is due or the store has lost it. A failure
    /// leaves the old one and is tried again at the next call.
    pub(crate) fn publish(&mut self, models: Vec<CatalogModel>, notes: Vec<String>, now: Timestamp) {
        let due = match &self.newest {
            Some(newest) if self.written.is_some() => {
                let age = now.duration_since(newest.issued_at);
                // Issued later than now: the clock was set back.
                age >= self.heartbeat || age < SignedDuration::ZERO
            }
            _ => true,
        };
        let mut catalog = Catalog { sequence: self.sequence(now), issued_at: now, models, notes };
        keep_rejections(&mut catalog, MAX_REJECTIONS);
        let same = |newest: &Catalog| newest.models == catalog.models && newest.notes == catalog.notes;
        if !due && self.newest.as_ref().is_some_and(same) {
            return;
        }
        match self.write(&catalog) {
            Ok(written) => {
                if self.failing.take().is_some() {
                    tracing::info!(sequence = catalog.sequence, "the catalog can be written again");
                }
                self.newest = Some(catalog);
                self.written = Some(written);
            }
            Err(error) => {
                let error = error.to_string();
                if self.failing.as_ref() != Some(&error) {
                    tracing::error!(error, "the catalog cannot be written; the old one stays");
                    self.failing = Some(error);
                }
            }
        }
    }

    fn sequence(&self, now: Timestamp) -> u64 {
        let previous = self.newest.as_ref().map_or(0, |catalog| catalog.sequence);
        let clock = u64::try_from(now.as_millisecond()).unwrap_or(0);
        clock.max(previous.saturating_add(1))
    }

    fn write(&mut self, catalog: &Catalog) -> Result<Digest, PublishError> {
        let mut sealed = catalog.seal(&self.key);
        // Too much to say must not silence what serves: the oldest refusals go first, then what only people read.
        if matches!(sealed, Err(CatalogError::TooLarge { .. })) {
            let mut catalog = catalog.clone();
            keep_rejections(&mut catalog, MAX_REJECTIONS / 10);
            sealed = catalog.seal(&self.key);
        }
        if matches!(sealed, Err(CatalogError::TooLarge { .. })) {
            let mut catalog = catalog.clone();
            keep_rejections(&mut catalog, 0);
            for model in &mut catalog.models {
                model.notes.clear();
                model.versions.iter_mut().for_each(|entry| entry.checks.clear());
            }
            sealed = catalog.seal(&self.key);
        }
        let sealed = sealed?;
        self.writer.hold()?;
        self.writer.put_catalog(&sealed)?;
        Ok(Digest::of(&sealed))
    }
}

/// The catalog to go on from, and the newest file if that holds it.
fn recover(writer: &Writer, key: &SealKey) -> Result<(Option<Catalog>, Option<Digest>), StartError> {
    let trusted = key.trusted();
    let reader = writer.reader();
    let read = |bytes: Result<Vec<u8>, ReadError>| match bytes {
        Err(ReadError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.to_string()),
        Ok(bytes) => match Catalog::unseal(&bytes, &trusted) {
            Ok(catalog) => Ok(Some((catalog, Digest::of(&bytes)))),
            Err(error) => Err(error.to_string()),
        },
    };
    match read(reader.catalog()) {
        Ok(Some((catalog, file))) => return Ok((Some(catalog), Some(file))),
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

/// Leaves the `max` newest versions of each model that never served.
fn keep_rejections(catalog: &mut Catalog, max: usize) {
    for model in &mut catalog.models {
        let refused = |entry: &catalog::CatalogVersion| {
            matches!(entry.status, Status::Rejected | Status::Incomplete | Status::Pending)
        };
        let count = model.versions.iter().filter(|entry| refused(entry)).count();
        let mut surplus = count.saturating_sub(max);
        model.versions.retain(|entry| {
            let drop = surplus > 0 && refused(entry);
            surplus -= usize::from(drop);
            !drop
        });
    }
}

#[cfg(test)]
mod tests {
    use artifact::{
        Version,
        catalog::{CatalogVersion, Check, Refusal},
        store::Reader,
    };

    use super::*;

    fn rejected(version: u64) -> CatalogVersion {
        let reason = "x".repeat(600);
        CatalogVersion {
            version: Version::try_from(version).unwrap(),
            status: Status::Rejected,
            digest: None,
            files: Vec::new(),
            checks: vec![Check { name: "golden".into(), passed: false, detail: reason.clone() }],
            refusal: Some(Refusal { check: "golden".into(), reason }),
            fatal: None,
        }
    }

    /// What is left of `models` models with `versions` rejections each.
    fn published(models: usize, versions: u64) -> Vec<CatalogModel> {
        let dir = tempfile::tempdir().unwrap();
        let key = SealKey::from_bytes(&[7; 32]);
        let trusted = key.trusted();
        let mut publisher = Publisher {
            writer: Writer::open(dir.path()).unwrap(),
            key,
            heartbeat: SignedDuration::from_secs(60),
            newest: None,
            written: None,
            failing: None,
        };
        let models = (0..models).map(|model| CatalogModel {
            name: format!("m{model}").parse().unwrap(),
            default: None,
            serving: Vec::new(),
            labels: Default::default(),
            policy_error: None,
            notes: vec!["a note".into()],
            versions: (1..=versions).map(rejected).collect(),
        });
        let models: Vec<_> = models.collect();
        publisher.publish(models.clone(), Vec::new(), Timestamp::UNIX_EPOCH);
        assert_eq!(publisher.failing, None);
        let bytes = Reader::new(dir.path()).catalog().unwrap();
        publisher.publish(models, Vec::new(), Timestamp::UNIX_EPOCH);
        assert_eq!(Reader::new(dir.path()).catalog().unwrap(), bytes, "nothing new is not signed anew");
        Catalog::unseal(&bytes, &trusted).unwrap().models
    }

    #[test]
    fn rejections_that_would_burst_the_catalog_are_thinned_out_the_oldest_first() {
        let few = published(3, 100);
        assert!(few.iter().all(|model| model.versions.len() == 100));

        let many = published(60, 100);
        assert_eq!(many.len(), 60);
        for model in &many {
            let numbers: Vec<_> = model.versions.iter().map(|entry| entry.version.get()).collect();
            assert_eq!(numbers, (91..=100).collect::<Vec<_>>());
        }

        let most = published(300, 20);
        assert_eq!(most.len(), 300);
        assert!(most.iter().all(|model| model.versions.is_empty() && model.notes.is_empty()));
    }
}
