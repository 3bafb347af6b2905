//! The store as the sidecar writes it: blobs of what was proven, the signed catalog, and the history. What they say is
//! not decided here.

use std::time::Instant;

use artifact::{
    Catalog, Digest, Files,
    catalog::{self, CatalogError, CatalogModel, MAX_REJECTIONS, Status},
    dsse::{SealKey, TrustedKeys},
    manifest::FileEntry,
    store::{BlobError, WriteError, Writer, history},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    config::Settings,
    start::{StartError, recover, signing_key, trusted},
    sweep::Sweep,
};

/// The one hand that writes the store.
#[derive(Debug)]
pub(crate) struct Publisher {
    writer: Writer,
    key: SealKey,
    /// Whose catalogs are believed: our own, and those of the keys that servers believe.
    trusted: TrustedKeys,
    heartbeat: SignedDuration,
    expiry: SignedDuration,
    epoch: u64,
    /// What was said last, before it was thinned out to fit.
    newest: Option<Catalog>,
    /// When that was, by the clock as it was.
    signed: Option<Timestamp>,
    /// The file that says it; none if it is to be written.
    written: Option<Digest>,
    /// The failure that the log was told of.
    failing: Option<String>,
    /// What was decided and is not in the history yet.
    unrecorded: Vec<history::Entry>,
    sweep: Sweep,
}

/// The most entries that wait for the history to be writable; the oldest are lost.
const UNRECORDED: usize = 10_000;

#[derive(Debug, thiserror::Error)]
enum PublishError {
    #[error(transparent)]
    Seal(#[from] CatalogError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Publisher {
    /// Takes the store, and finds the catalog to go on from: the newest, else its copy, else none.
    pub(crate) fn open(settings: &Settings) -> Result<Self, StartError> {
        let key = signing_key(settings)?;
        let trusted = trusted(settings, &key);
        let writer = Writer::open(&settings.store)?;
        let (newest, written) = recover(&writer, &key.trusted(), &trusted)?;
        let epoch = newest.as_ref().map_or(0, |catalog| catalog.epoch).max(settings.epoch);
        Ok(Self {
            writer,
            key,
            trusted,
            heartbeat: settings.heartbeat(),
            expiry: settings.expiry(),
            epoch,
            signed: newest.as_ref().map(|catalog| catalog.issued_at),
            newest,
            written,
            failing: None,
            unrecorded: Vec::new(),
            sweep: Sweep::new(settings.blob_grace()),
        })
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
        let mut stored = self.writer.put_version(files);
        if stored.as_ref().is_err_and(is_full) && self.make_room() > 0 {
            stored = self.writer.put_version(files);
        }
        let entries = stored?;
        self.sweep.keep(&entries);
        Ok(entries)
    }

    fn make_room(&mut self) -> usize {
        self.sweep.when_full(&mut self.writer, &self.trusted, Instant::now())
    }

    /// Removes what the store needs no more, now and then. A failure is tried again.
    pub(crate) fn sweep(&mut self, now: Instant) {
        self.sweep.now_and_then(&mut self.writer, &self.trusted, now);
    }

    /// A version's files, from blobs that have the hashes they should.
    pub(crate) fn files(&self, entries: &[FileEntry]) -> Result<Files, BlobError> {
        self.writer.reader().version(entries)
    }

    /// Adds to the history. A history that cannot be written holds nothing up, and is tried again at the next call.
    pub(crate) fn record(&mut self, decided: Vec<history::Entry>) {
        let waited = !self.unrecorded.is_empty();
        self.unrecorded.extend(decided);
        let surplus = self.unrecorded.len().saturating_sub(UNRECORDED);
        self.unrecorded.drain(..surplus);
        match self.writer.record(&self.unrecorded) {
            Ok(()) => self.unrecorded.clear(),
            Err(_) if waited => {}
            Err(error) => tracing::warn!(%error, "the history cannot be written; it is tried again"),
        }
    }

    /// Signs and writes the catalog if it says anything new, the heartbeat is due or the store has lost it. A failure
    /// leaves the old one and is tried again at the next call.
    pub(crate) fn publish(&mut self, models: Vec<CatalogModel>, notes: Vec<String>, now: Timestamp) {
        let due = match self.signed {
            // Signed later than now: the clock was set back.
            Some(then) if self.written.is_some() => {
                !(SignedDuration::ZERO..self.heartbeat).contains(&now.duration_since(then))
            }
            _ => true,
        };
        let (sequence, issued_at) = self.next(now);
        let mut catalog = Catalog {
            sequence,
            epoch: self.epoch,
            issued_at,
            expires_at: issued_at.checked_add(self.expiry).unwrap_or(Timestamp::MAX),
            models,
            notes,
        };
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
                self.signed = Some(now);
                self.written = Some(written);
                self.sweep.all_named();
            }
            Err(error) => {
                if matches!(&error, PublishError::Write(error) if is_full(error)) {
                    // Tried again at the next look.
                    self.make_room();
                }
                let error = error.to_string();
                if self.failing.as_ref() != Some(&error) {
                    tracing::error!(error, "the catalog cannot be written; the old one stays");
                    self.failing = Some(error);
                }
            }
        }
    }

    /// The next sequence and time. Neither goes back in an epoch, whatever the clock does: a server would take the
    /// catalog for an older one.
    fn next(&self, now: Timestamp) -> (u64, Timestamp) {
        let clock = u64::try_from(now.as_millisecond()).unwrap_or(0);
        match self.newest.as_ref().filter(|newest| newest.epoch == self.epoch) {
            Some(newest) => (clock.max(newest.sequence.saturating_add(1)), now.max(newest.issued_at)),
            None => (clock.max(1), now),
        }
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
        self.writer.put_catalog(&sealed)?;
        Ok(Digest::of(&sealed))
    }
}

fn is_full(error: &WriteError) -> bool {
    match error {
        WriteError::Full { .. } => true,
        WriteError::System(error) => error.kind() == std::io::ErrorKind::StorageFull,
        WriteError::Locked(_) => false,
    }
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
    use std::time::Duration;

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
            signer: None,
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
            trusted: trusted.clone(),
            key,
            heartbeat: SignedDuration::from_secs(60),
            expiry: SignedDuration::from_mins(10),
            epoch: 1,
            newest: None,
            signed: None,
            written: None,
            failing: None,
            unrecorded: Vec::new(),
            sweep: Sweep::new(Duration::from_secs(3600)),
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
