//! The folder of models under the hammer: one version after another, whose files are swapped while the sidecar looks.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use artifact::{Catalog, Files, catalog::Status, files::FileName, store::Reader};
use fs_err as fs;
use jiff::{SignedDuration, Timestamp};
use sidecar::{Judge, Scanner};
use tempfile::TempDir;

use super::{
    Hammered,
    store::{MODEL, key, line, settings},
    vandal::{Target, Vandal},
};

/// Looks at each version while its files are swapped.
const LOOKS: usize = 12;
/// Looks until what has settled is judged.
const QUIET: usize = 10;

/// A folder of models.
#[derive(Debug)]
pub struct Dock(TempDir);

impl Dock {
    /// An empty one.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        fs::create_dir(dir.path().join("incoming"))?;
        Ok(Self(dir))
    }

    /// A version's folder.
    pub fn version(&self, version: u64) -> PathBuf {
        self.0.path().join("incoming").join(MODEL).join(version.to_string())
    }
}

/// Drops one version after another, plays tricks on its files while `subject` looks, and asks it in the end. `subject` says
/// what it has admitted of the version so far: that has to be what was dropped, and in the end it has to be there.
///
/// # Errors
/// If a file cannot be written, or the subject cannot look.
pub fn hammer_the_sidecar(
    dock: &Dock,
    mut subject: impl FnMut(u64) -> anyhow::Result<Option<Files>>,
    mut enough: impl FnMut(&Hammered) -> bool,
) -> anyhow::Result<Hammered> {
    let mut hammered = Hammered::default();
    let mut version = 0;
    while !enough(&hammered) {
        version += 1;
        let (good, bad) = (line(version as f64)?, line(version as f64 + 0.5)?);
        let folder = dock.version(version);
        good.write(&folder)?;
        let target = |name: FileName| {
            let (good, bad) = (good.get(name).to_vec(), bad.get(name).to_vec());
            Target { path: folder.join(name.as_str()), good, bad }
        };
        let targets = [FileName::Manifest, FileName::Tensors, FileName::Golden].map(target).to_vec();
        let looks = Arc::<AtomicU64>::default();
        let seen = Arc::clone(&looks);
        // Now and then all is quiet for some looks, or nothing would ever seem to have settled.
        let vandal = Vandal::start(targets, dock.0.path().join("aside"), move |trick, stop| {
            let now = seen.load(Ordering::Relaxed);
            while trick % 11 == 10 && seen.load(Ordering::Relaxed) < now + 2 && !stop.load(Ordering::Relaxed)
            {
                std::thread::yield_now();
            }
        })?;
        while vandal.tricks() < 3 && !vandal.is_over() {
            std::thread::yield_now();
        }
        let mut admitted = None;
        for _ in 0..LOOKS {
            admitted = subject(version)?;
            looks.fetch_add(1, Ordering::Relaxed);
            hammered.reloads += 1;
            if admitted.is_some() {
                break;
            }
        }
        hammered.tricks += vandal.stop()?;
        // Seconds of the subject pass within one of the file system's ticks, which would hide that all is well again.
        let tick = SystemTime::UNIX_EPOCH + Duration::from_secs(version);
        fs::File::open(folder.join("manifest.json"))?.into_file().set_modified(tick)?;
        for _ in 0..QUIET {
            if admitted.is_none() {
                admitted = subject(version)?;
            }
        }
        match admitted {
            Some(files) if files == good => hammered.loads += 1,
            Some(_) => {
                hammered.wrong.push(format!("version {version}: other bytes than its own were admitted"))
            }
            None => hammered.wrong.push(format!("version {version} lies there whole and is not admitted")),
        }
    }
    Ok(hammered)
}

/// The sidecar's own way from a folder to what is admitted.
///
/// # Errors
/// If it does not start.
pub fn scanner(
    dock: &Dock,
    judge: Judge,
) -> anyhow::Result<impl FnMut(u64) -> anyhow::Result<Option<Files>> + use<>> {
    let settings = settings(dock.0.path())?;
    let mut scanner = Scanner::open(&settings, judge, sidecar::bell().0)?;
    let store = Reader::new(&settings.store);
    let mut now = Timestamp::UNIX_EPOCH;
    Ok(move |version: u64| {
        now += SignedDuration::from_secs(1);
        scanner.scan_once(now);
        while scanner.wait(now) {}
        let catalog = Catalog::unseal(&store.catalog()?, &key().trusted())?;
        let entry = catalog.model(MODEL).and_then(|model| model.version(version.try_into().ok()?));
        match entry.filter(|entry| entry.status == Status::Admitted) {
            Some(entry) => Ok(Some(store.version(&entry.files).context("what was admitted")?)),
            None => Ok(None),
        }
    })
}
