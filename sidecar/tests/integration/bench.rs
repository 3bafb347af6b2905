//! A folder of models, a store, a scanner and a clock that only the test moves.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use artifact::{
    Artifact, Catalog,
    catalog::{CatalogModel, CatalogVersion, Status},
    dsse::{SealKey, TrustedKeys},
    store::WriteError,
    testkit::{self, Parts},
};
use jiff::{SignedDuration, Timestamp};
use sidecar::{Judge, Looked, Scanner, Settings, StartError};
use tempfile::TempDir;

/// The 32 bytes of this key are all 7.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH
-----END PRIVATE KEY-----
";

pub(crate) struct Bench {
    pub(crate) dir: TempDir,
    pub(crate) settings: Settings,
    pub(crate) judge: Judge,
    pub(crate) now: Timestamp,
    scanner: Option<Scanner>,
}

impl Bench {
    /// An empty folder of models and an empty store.
    pub(crate) fn new() -> Self {
        let mut bench = Self::idle();
        bench.start();
        bench
    }

    /// The same, without a scanner.
    pub(crate) fn idle() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs_err::create_dir(path("incoming")).unwrap();
        let settings = Settings {
            incoming: path("incoming"),
            store: path("store"),
            signing_key_file: path("key.pem"),
            catalog_public_key_file: path("public.pem"),
            ..Settings::default()
        };
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let judge = Judge::child(env!("CARGO_BIN_EXE_linfa-sidecar"), ["judge"]);
        let bench = Self { dir, settings, judge, now, scanner: None };
        bench.replace_secret("key.pem", KEY);
        bench
    }

    /// Writes a file that only we can read.
    pub(crate) fn replace_secret(&self, name: &str, content: &str) {
        let path = self.dir.path().join(name);
        fs_err::write(&path, content).unwrap();
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// One in which version 1 of `a` serves.
    pub(crate) fn serving_one() -> Self {
        let mut bench = Self::new();
        bench.drop("a/1", &testkit::linear("a", 2.0));
        bench.settle();
        assert_eq!(bench.serving("a"), [1]);
        bench
    }

    pub(crate) fn start(&mut self) {
        // A judge that another test starts has all locks of this process until it runs its own program.
        let limit = Instant::now() + Duration::from_secs(60);
        self.scanner = loop {
            match self.open() {
                Err(StartError::Store(WriteError::Locked(_))) if Instant::now() < limit => {
                    std::thread::yield_now();
                }
                opened => break Some(opened.unwrap()),
            }
        };
    }

    /// A scanner that judges as the program does.
    pub(crate) fn open(&self) -> Result<Scanner, StartError> {
        Scanner::open(&self.settings, self.judge.clone(), sidecar::bell().0)
    }

    /// Ends the scanner, so that its store is free.
    pub(crate) fn stop(&mut self) {
        self.scanner = None;
    }

    /// Starts a new scanner on the same store and folder.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.start();
    }

    /// Looks once, a second later, and waits for the verdicts.
    pub(crate) fn look(&mut self) -> Looked {
        self.look_after(1)
    }

    pub(crate) fn look_after(&mut self, seconds: i64) -> Looked {
        let looked = self.scan_after(seconds);
        while self.verdict() {}
        looked
    }

    /// Looks once, some seconds later, and waits for no verdict.
    pub(crate) fn scan_after(&mut self, seconds: i64) -> Looked {
        self.now += SignedDuration::from_secs(seconds);
        self.scanner.as_mut().unwrap().scan_once(self.now)
    }

    /// Looks twice, and waits for no verdict.
    pub(crate) fn look_pending(&mut self) {
        self.scan_after(1);
        self.scan_after(1);
    }

    /// Waits for the next verdict. False if nothing is being judged.
    pub(crate) fn verdict(&mut self) -> bool {
        self.scanner.as_mut().unwrap().wait(self.now)
    }

    pub(crate) fn look_times(&mut self, times: usize) {
        for _ in 0..times {
            self.look();
        }
    }

    /// Looks twice: what was dropped whole is judged by then.
    pub(crate) fn settle(&mut self) {
        self.look();
        self.look();
    }

    /// Looks until all failures are final.
    pub(crate) fn settle_all(&mut self) {
        self.settle();
        self.look_after(5);
    }

    pub(crate) fn folder(&self, path: &str) -> PathBuf {
        self.settings.incoming.join(path)
    }

    /// Drops a version, as in `iris/1`.
    pub(crate) fn drop(&self, path: &str, pack: &Artifact) {
        self.drop_parts(path, &Parts::of(pack));
    }

    pub(crate) fn drop_parts(&self, path: &str, parts: &Parts) {
        parts.write(&self.folder(path));
    }

    pub(crate) fn remove(&self, path: &str) {
        fs_err::remove_dir_all(self.folder(path)).unwrap();
    }

    /// Writes a file below the folder of models, as a new inode: a test is faster than the clock of the file system.
    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let aside = self.dir.path().join("aside");
        fs_err::write(&aside, bytes).unwrap();
        fs_err::rename(aside, self.folder(path)).unwrap();
    }

    pub(crate) fn key() -> SealKey {
        SealKey::from_pem(KEY).unwrap()
    }

    pub(crate) fn trusted() -> TrustedKeys {
        Self::key().trusted()
    }

    /// The catalog as the server reads it.
    pub(crate) fn catalog(&self) -> Catalog {
        read_catalog(&self.settings.store.join("catalog.json")).unwrap()
    }

    pub(crate) fn model(&self, name: &str) -> CatalogModel {
        self.catalog().model(name).unwrap().clone()
    }

    pub(crate) fn version(&self, name: &str, version: u64) -> CatalogVersion {
        let model = self.model(name);
        model.version(version.try_into().unwrap()).unwrap().clone()
    }

    pub(crate) fn status(&self, name: &str, version: u64) -> Status {
        self.version(name, version).status
    }

    pub(crate) fn serving(&self, name: &str) -> Vec<u64> {
        self.model(name).serving.iter().map(|version| version.get()).collect()
    }

    /// The refusal as `check: reason`.
    pub(crate) fn refusal(&self, name: &str, version: u64) -> String {
        let refusal = self.version(name, version).refusal.unwrap();
        format!("{}: {}", refusal.check, refusal.reason)
    }

    /// What a check says of an admitted version.
    pub(crate) fn detail(&self, name: &str, version: u64, check: &str) -> String {
        let version = self.version(name, version);
        assert_eq!(version.status, Status::Admitted, "{:?}", version.refusal);
        version.checks.into_iter().find(|found| found.name == check).unwrap().detail
    }

    /// A blob's path, by a file of an admitted version.
    pub(crate) fn blob(&self, name: &str, version: u64, file: &str) -> PathBuf {
        let files = self.version(name, version).files;
        let entry = files.iter().find(|entry| entry.name.as_str() == file).unwrap();
        self.settings.store.join("blobs/sha256").join(entry.digest.hex())
    }
}

/// A catalog but for times; see [`timeless`].
pub(crate) fn read_catalog(path: &Path) -> Result<Catalog, String> {
    let bytes = fs_err::read(path).map_err(|error| error.to_string())?;
    Catalog::unseal(&bytes, &Bench::trusted()).map(timeless).map_err(|error| error.to_string())
}

/// What was measured is never the same twice: `#` stands for the numbers of the check `latency`.
pub(crate) fn timeless(mut catalog: Catalog) -> Catalog {
    for version in catalog.models.iter_mut().flat_map(|model| &mut model.versions) {
        let checks = version.checks.iter_mut().map(|check| (&check.name, &mut check.detail));
        let refusal = version.refusal.iter_mut().map(|refusal| (&refusal.check, &mut refusal.reason));
        for (_, text) in checks.chain(refusal).filter(|(check, _)| *check == "latency") {
            *text = without_numbers(text);
        }
    }
    catalog
}

fn without_numbers(text: &str) -> String {
    let mut masked = String::new();
    for letter in text.chars() {
        match letter {
            '0'..='9' | '.' if masked.ends_with('#') => {}
            '0'..='9' => masked.push('#'),
            _ => masked.push(letter),
        }
    }
    masked
}
