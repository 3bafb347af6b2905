//! Which blobs the store needs no more: those that no catalog has named for as long as the grace lasts. A server may
//! still read them meanwhile. The grace runs by a clock that neither jumps nor goes on over a start, so that a blob stays
//! longer than it must, but never shorter.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use artifact::{
    Catalog, Digest,
    dsse::TrustedKeys,
    manifest::FileEntry,
    store::{WriteError, Writer},
};

/// On a full disk the grace is no longer than this: a server looks at the store every second or so.
const SHORT: Duration = Duration::from_secs(60);

/// The blobs that no catalog names.
#[derive(Debug)]
pub(crate) struct Sweep {
    grace: Duration,
    /// Since when.
    unnamed: BTreeMap<Digest, Instant>,
    /// Those that the next catalog will name.
    kept: BTreeSet<Digest>,
    last: Option<Instant>,
}

impl Sweep {
    pub(crate) fn new(grace: Duration) -> Self {
        Self { grace, unnamed: BTreeMap::new(), kept: BTreeSet::new(), last: None }
    }

    /// Takes in that these blobs were stored, for the next catalog.
    pub(crate) fn keep(&mut self, entries: &[FileEntry]) {
        self.kept.extend(entries.iter().map(|entry| entry.digest));
    }

    /// Takes in that the newest catalog names all that was stored for it.
    pub(crate) fn all_named(&mut self) {
        self.kept.clear();
    }

    /// Removes what is over, ten times in a grace and at least once a minute. A failure is tried again.
    pub(crate) fn now_and_then(&mut self, writer: &mut Writer, trusted: &TrustedKeys, now: Instant) {
        if !self.is_due(now) {
            return;
        }
        self.last = Some(now);
        match writer.remove_halves() {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "half-written files of a sidecar that died were removed"),
            Err(error) => tracing::warn!(%error, "half-written files cannot be removed"),
        }
        self.remove(writer, trusted, now, self.grace);
    }

    /// Removes what nothing has named for a minute. How many blobs.
    pub(crate) fn when_full(&mut self, writer: &mut Writer, trusted: &TrustedKeys, now: Instant) -> usize {
        self.remove(writer, trusted, now, self.grace.min(SHORT))
    }

    fn is_due(&self, now: Instant) -> bool {
        let apart = (self.grace / 10).min(SHORT);
        self.last.is_none_or(|last| now.duration_since(last) >= apart)
    }

    fn remove(&mut self, writer: &mut Writer, trusted: &TrustedKeys, now: Instant, grace: Duration) -> usize {
        // What a catalog names that cannot be read is not known. It is written anew before long.
        let Some(named) = named(writer, trusted) else { return 0 };
        let removed = writer.blobs().map_err(WriteError::from).and_then(|blobs| {
            let over = self.look(blobs, &named, now, grace);
            writer.remove_blobs(&over)?;
            Ok(over.len())
        });
        match removed {
            Ok(0) => 0,
            Ok(blobs) => {
                tracing::info!(blobs, "blobs that no catalog names any more were removed");
                blobs
            }
            Err(error) => {
                tracing::warn!(%error, "blobs that no catalog names any more cannot be removed");
                0
            }
        }
    }

    /// Takes in which blobs lie there and which are named. Those that nothing has named for the grace.
    fn look(
        &mut self,
        blobs: impl IntoIterator<Item = Digest>,
        named: &BTreeSet<Digest>,
        now: Instant,
        grace: Duration,
    ) -> Vec<Digest> {
        let unnamed = blobs.into_iter().filter(|blob| !named.contains(blob) && !self.kept.contains(blob));
        let since = |blob| (blob, self.unnamed.get(&blob).copied().unwrap_or(now));
        self.unnamed = unnamed.map(since).collect();
        let over = self.unnamed.iter().filter(|(_, since)| now.duration_since(**since) >= grace);
        over.map(|(blob, _)| *blob).collect()
    }
}

/// What the newest catalog and its copy name; none if one of them cannot be read or believed.
fn named(writer: &Writer, trusted: &TrustedKeys) -> Option<BTreeSet<Digest>> {
    let reader = writer.reader();
    let mut named = BTreeSet::new();
    for bytes in [reader.catalog(), reader.catalog_copy()] {
        let catalog = Catalog::unseal(&bytes.ok()?, trusted).ok()?;
        let versions = catalog.models.iter().flat_map(|model| &model.versions);
        named.extend(versions.flat_map(|version| &version.files).map(|file| file.digest));
    }
    Some(named)
}

#[cfg(test)]
mod tests {
    use artifact::{
        catalog::{CatalogModel, CatalogVersion, Status},
        dsse::SealKey,
        testkit,
    };
    use jiff::Timestamp;

    use super::*;

    const GRACE: Duration = Duration::from_secs(3600);

    fn blobs(names: &str) -> Vec<Digest> {
        names.bytes().map(|name| Digest::of(&[name])).collect()
    }

    fn named(names: &str) -> BTreeSet<Digest> {
        blobs(names).into_iter().collect()
    }

    fn set(blobs: Vec<Digest>) -> BTreeSet<Digest> {
        blobs.into_iter().collect()
    }

    #[test]
    fn a_blob_goes_once_no_catalog_has_named_it_for_the_whole_grace() {
        let mut sweep = Sweep::new(GRACE);
        let start = Instant::now();
        let second = Duration::from_secs(1);
        // `c` is unnamed from the start, `b` later.
        assert_eq!(sweep.look(blobs("abc"), &named("ab"), start, GRACE), []);
        assert_eq!(sweep.look(blobs("abc"), &named("a"), start + GRACE, GRACE), blobs("c"));
        assert_eq!(sweep.look(blobs("ab"), &named("a"), start + GRACE * 2 - second, GRACE), []);
        assert_eq!(sweep.look(blobs("ab"), &named("a"), start + GRACE * 2, GRACE), blobs("b"));
        // It could not be removed, and is tried again.
        assert_eq!(sweep.look(blobs("ab"), &named("a"), start + GRACE * 2, GRACE), blobs("b"));
    }

    #[test]
    fn a_blob_that_is_named_again_or_comes_again_has_its_whole_grace_anew() {
        let mut sweep = Sweep::new(GRACE);
        let start = Instant::now();
        let at = |hours: u32, names: &str, known: &str, sweep: &mut Sweep| {
            sweep.look(blobs(names), &named(known), start + GRACE * hours, GRACE)
        };
        assert_eq!(at(0, "ab", "", &mut sweep), []);
        // `a` is named, and `b` gone, for a while.
        assert_eq!(at(1, "a", "a", &mut sweep), []);
        assert_eq!(at(2, "ab", "", &mut sweep), []);
        assert_eq!(set(at(3, "ab", "", &mut sweep)), named("ab"));
    }

    #[test]
    fn a_start_knows_of_no_blob_since_when_it_is_unnamed() {
        let mut sweep = Sweep::new(GRACE);
        let start = Instant::now();
        sweep.look(blobs("a"), &named(""), start, GRACE);
        let mut sweep = Sweep::new(GRACE);
        assert!(sweep.is_due(start));
        assert_eq!(sweep.look(blobs("a"), &named(""), start + GRACE, GRACE), []);
    }

    /// A store, its key, and the files of one version in it.
    struct Bench {
        dir: tempfile::TempDir,
        writer: Writer,
        key: SealKey,
        entries: Vec<FileEntry>,
        start: Instant,
    }

    impl Bench {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let mut writer = Writer::open(dir.path()).unwrap();
            let entries = writer.put_version(&testkit::linear("a", 2.0).files().unwrap()).unwrap();
            let key = SealKey::from_bytes(&[7; 32]);
            Self { dir, writer, key, entries, start: Instant::now() }
        }

        /// A catalog that names the version, or none.
        fn catalog(&self, names: bool) -> Vec<u8> {
            let version = 1.try_into().unwrap();
            let entry = CatalogVersion {
                version,
                status: Status::Admitted,
                digest: Some(self.entries[0].digest),
                files: self.entries.clone(),
                checks: Vec::new(),
                refusal: None,
                fatal: None,
                signer: None,
            };
            let model = CatalogModel {
                name: "a".parse().unwrap(),
                default: None,
                serving: Vec::new(),
                labels: BTreeMap::new(),
                policy_error: None,
                notes: Vec::new(),
                versions: vec![entry],
            };
            let catalog = Catalog {
                sequence: 1,
                epoch: 1,
                issued_at: Timestamp::UNIX_EPOCH,
                expires_at: Timestamp::MAX,
                models: names.then_some(model).into_iter().collect(),
                notes: Vec::new(),
            };
            catalog.seal(&self.key).unwrap()
        }

        fn put(&mut self, names: bool) {
            let bytes = self.catalog(names);
            self.writer.put_catalog(&bytes).unwrap();
        }

        /// Writes one of the two files alone.
        fn write(&self, file: &str, bytes: &[u8]) {
            fs_err::write(self.dir.path().join(file), bytes).unwrap();
        }

        fn sweep(&mut self, sweep: &mut Sweep, after: Duration) -> usize {
            sweep.now_and_then(&mut self.writer, &self.key.trusted(), self.start + after);
            self.writer.blobs().unwrap().len()
        }
    }

    #[test]
    fn a_catalog_or_its_copy_keeps_what_it_names_and_so_does_one_that_cannot_be_read() {
        for file in ["catalog.json", "catalog.copy.json"] {
            let mut bench = Bench::new();
            let mut sweep = Sweep::new(GRACE);
            bench.put(false);
            bench.write(file, &bench.catalog(true));
            assert_eq!(bench.sweep(&mut sweep, Duration::ZERO), 3);
            assert_eq!(bench.sweep(&mut sweep, GRACE * 2), 3, "{file} names them");

            bench.put(false);
            assert_eq!(bench.sweep(&mut sweep, GRACE * 3), 3);
            bench.write(file, b"{");
            assert_eq!(bench.sweep(&mut sweep, GRACE * 5), 3, "{file} cannot be read");
            bench.put(false);
            assert_eq!(bench.sweep(&mut sweep, GRACE * 6), 0);
        }
    }

    #[test]
    fn what_was_stored_for_the_next_catalog_stays_until_that_is_written() {
        let mut bench = Bench::new();
        let mut sweep = Sweep::new(GRACE);
        bench.put(false);
        sweep.keep(&bench.entries);
        assert_eq!(bench.sweep(&mut sweep, Duration::ZERO), 3);
        assert_eq!(bench.sweep(&mut sweep, GRACE * 2), 3);
        sweep.all_named();
        assert_eq!(bench.sweep(&mut sweep, GRACE * 3), 3);
        assert_eq!(bench.sweep(&mut sweep, GRACE * 4), 0);
    }

    #[test]
    fn on_a_full_disk_a_minute_is_enough_and_what_is_named_stays() {
        let mut bench = Bench::new();
        let mut sweep = Sweep::new(GRACE);
        let full = |bench: &mut Bench, sweep: &mut Sweep, seconds| {
            let now = bench.start + Duration::from_secs(seconds);
            sweep.when_full(&mut bench.writer, &bench.key.trusted(), now)
        };
        bench.put(true);
        assert_eq!(full(&mut bench, &mut sweep, 0), 0);
        assert_eq!(full(&mut bench, &mut sweep, 7200), 0);
        bench.put(false);
        assert_eq!(full(&mut bench, &mut sweep, 7201), 0);
        assert_eq!(full(&mut bench, &mut sweep, 7260), 0);
        assert_eq!(full(&mut bench, &mut sweep, 7261), 3);
    }

    #[test]
    fn it_is_time_to_look_ten_times_in_a_grace_and_once_a_minute() {
        for (grace, apart) in [(3600, 60), (600, 60), (50, 5)] {
            let mut bench = Bench::new();
            let mut sweep = Sweep::new(Duration::from_secs(grace));
            assert!(sweep.is_due(bench.start));
            bench.sweep(&mut sweep, Duration::ZERO);
            assert!(!sweep.is_due(bench.start + Duration::from_secs(apart - 1)));
            assert!(sweep.is_due(bench.start + Duration::from_secs(apart)));
        }
    }

    #[test]
    fn files_that_a_dead_writer_left_half_are_removed_at_once_and_nothing_else_is() {
        let mut bench = Bench::new();
        bench.put(true);
        let names = [".catalog.json.tmp", "blobs/sha256/.abc.tmp", "notes.txt", "blobs/sha256/readme"];
        for name in names {
            bench.write(name, b"half");
        }
        bench.sweep(&mut Sweep::new(GRACE), Duration::ZERO);
        let left = names.map(|name| bench.dir.path().join(name).exists());
        assert_eq!(left, [false, false, true, true]);
    }
}
