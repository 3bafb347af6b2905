//! The store under the hammer: one model of some versions, and catalogs that let another one serve with every round.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use artifact::{
    Batch, Catalog, Digest, Files, Manifest, Model, Predictions, Version,
    dsse::{SealKey, TrustedKeys},
    store::Reader,
    testkit,
};
use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, spki::der::pem::LineEnding},
};
use fs_err as fs;
use jiff::{SignedDuration, Timestamp};
use linfa_serve::{floor::Floor, registry, reload::Reloader, trust::Trust};
use sidecar::{Judge, Scanner, Settings};
use tempfile::TempDir;

use super::{
    Hammered,
    vandal::{Target, Vandal},
};
use crate::ground::secret;

pub(super) const MODEL: &str = "line";
/// Signs the catalogs of hammered stores.
pub const SEED: &[u8; 32] = b"linfa-serve hammer, it signs no.";
/// Signs what must not be believed.
pub const FORGER: &[u8; 32] = &[1; 32];
const VERSIONS: u64 = 4;
/// What is asked of every version; each answers otherwise.
const ROW: [f64; 2] = [2.0, 3.0];

/// A version that a subject serves: its number, its digest and what it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Served {
    /// Its number.
    pub version: u64,
    /// The digest that the subject gives.
    pub digest: Digest,
    /// Its answer to the one question.
    pub answer: f64,
}

/// A store that a sidecar has written, and the key to sign more catalogs.
#[derive(Debug)]
pub struct Store {
    dir: TempDir,
    catalog: Catalog,
    /// What each version has to be.
    known: BTreeMap<u64, Served>,
    targets: Vec<Target>,
}

impl Store {
    /// Versions of one model, admitted by a sidecar.
    ///
    /// # Errors
    /// If files cannot be written, or the sidecar does not admit them.
    pub fn new(judge: Judge) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("incoming"))?;
        let (mut known, mut targets) = (BTreeMap::new(), Vec::new());
        for number in 1..=VERSIONS {
            let files = line(number as f64)?;
            files.write(&path("incoming").join(MODEL).join(number.to_string()))?;
            let digest = Digest::of(&files.manifest);
            known.insert(number, Served { version: number, digest, answer: answer(&files)? });
            // As good, but for the signature: whoever takes them loads them.
            let others = line(number as f64 + 0.5)?;
            for (entry, other) in files.entries().into_iter().zip(others.entries()) {
                let blob = |digest: Digest| path("store").join("blobs/sha256").join(digest.hex());
                let (good, bad) = (files.get(entry.name).to_vec(), others.get(other.name).to_vec());
                targets.push(Target { path: blob(entry.digest), good, bad });
            }
        }
        fs::write(path("incoming").join(MODEL).join("policy.toml"), "serve = \"all\"")?;
        let mut scanner = Scanner::open(&settings(dir.path())?, judge, sidecar::bell().0)?;
        // As long ago as the looks take: a server believes no catalog of the future, and puts none in force that is old.
        let start = Timestamp::now() - SignedDuration::from_secs(20);
        for second in 0..20 {
            let now = start + SignedDuration::from_secs(second);
            scanner.scan_once(now);
            while scanner.wait(now) {}
        }
        let catalog = Catalog::unseal(&Reader::new(path("store")).catalog()?, &key().trusted())?;
        let serving = catalog.model(MODEL).context("no model")?.serving.len();
        anyhow::ensure!(serving as u64 == VERSIONS, "{serving} versions were admitted");
        Ok(Self { dir, catalog, known, targets })
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// Verifies its catalogs.
    pub fn trusted(&self) -> TrustedKeys {
        key().trusted()
    }

    /// A catalog in which one version serves, signed.
    fn sealed(&self, version: u64, sequence: u64, key: &SealKey) -> anyhow::Result<Vec<u8>> {
        let mut catalog = self.catalog.clone();
        catalog.sequence = sequence;
        catalog.issued_at = Timestamp::now();
        catalog.expires_at = catalog.issued_at + SignedDuration::from_hours(1);
        let model = catalog.models.first_mut().context("no model")?;
        model.default = Some(Version::try_from(version)?);
        model.serving = vec![Version::try_from(version)?];
        Ok(catalog.seal(key)?)
    }

    /// What is wrong with what is served.
    fn wrong(&self, served: &Served) -> Option<String> {
        let known = self.known.get(&served.version);
        (known != Some(served)).then(|| format!("{served:?} is served, {known:?} was signed"))
    }

    /// A forger's catalog: of the same versions, but the blobs are others that lie there too.
    fn forged(&self) -> anyhow::Result<Vec<u8>> {
        let mut catalog = self.catalog.clone();
        catalog.sequence += 1;
        catalog.expires_at = Timestamp::now() + SignedDuration::from_hours(1);
        for version in catalog.models.iter_mut().flat_map(|model| &mut model.versions) {
            let files = line(version.version.get() as f64 + 0.5)?;
            version.files = files.entries();
            version.digest = Some(Digest::of(&files.manifest));
            for entry in &version.files {
                fs::write(self.path().join("blobs/sha256").join(entry.digest.hex()), files.get(entry.name))?;
            }
        }
        Ok(catalog.seal(&SealKey::from_bytes(FORGER))?)
    }
}

/// Lets another version serve with every round, asks `subject` to load, and looks at what it serves then; until `enough`
/// says so. Meanwhile one thread plays tricks on the blobs, and one on the catalog.
///
/// # Errors
/// If a file cannot be written.
pub fn hammer_the_server(
    store: &Store,
    mut subject: impl FnMut() -> Vec<Served>,
    mut enough: impl FnMut(&Hammered) -> bool,
) -> anyhow::Result<Hammered> {
    let aside = |name: &str| store.dir.path().join(name);
    let catalog = store.path().join("catalog.json");
    let mut sequence = store.catalog.sequence;
    let first = store.sealed(1, sequence, &key())?;
    let forged = Target { path: catalog.clone(), good: first, bad: store.forged()? };
    let vandals = [
        Vandal::start(store.targets.clone(), aside("blobs"), |_, _| {})?,
        Vandal::start(vec![forged], aside("catalogs"), |_, _| {})?,
    ];
    let mut hammered = Hammered::default();
    let mut before = Vec::new();
    while !enough(&hammered) {
        sequence += 1;
        let sealed = store.sealed(sequence % VERSIONS + 1, sequence, &key())?;
        fs::write(aside("next"), sealed)?;
        fs::rename(aside("next"), &catalog)?;
        let served = subject();
        hammered.reloads += 1;
        hammered.loads += served.iter().filter(|served| !before.contains(*served)).count();
        hammered.wrong.extend(served.iter().filter_map(|served| store.wrong(served)));
        before = served;
    }
    for vandal in vandals {
        hammered.tricks += vandal.stop()?;
    }
    Ok(hammered)
}

/// The server's own way from a store to what is served, by what was signed with that key.
///
/// # Errors
/// If the key cannot be written.
pub fn reloader(store: &Store, key: &SigningKey) -> anyhow::Result<impl FnMut() -> Vec<Served> + use<>> {
    let path = |name: &str| store.dir.path().join(name);
    fs::write(path("public.pem"), key.verifying_key().to_public_key_pem(LineEnding::LF)?)?;
    fs::create_dir(path("state"))?;
    let (publisher, models) = registry::channel();
    let (trust, floor) = (Trust::open(&path("public.pem"))?, Floor::open(&path("state")));
    let mut reloader = Reloader::new(Reader::new(store.path()), trust, floor, publisher);
    Ok(move || {
        reloader.reload_once(Timestamp::now());
        let snapshot = models.snapshot();
        let loaded = snapshot.models.values().flat_map(|model| model.loaded.values());
        loaded.map(served).collect()
    })
}

fn served(loaded: &Arc<registry::Loaded>) -> Served {
    let answer = ask(&loaded.model).unwrap_or(f64::NAN);
    Served { version: loaded.version.get(), digest: loaded.model.digest(), answer }
}

pub(super) fn key() -> SealKey {
    SealKey::from_bytes(SEED)
}

/// A sidecar on the folders `incoming` and `store` of `dir`.
pub(super) fn settings(dir: &Path) -> anyhow::Result<Settings> {
    let path = |name: &str| dir.join(name);
    secret(&path("signing.pem"), &SigningKey::from_bytes(SEED).to_pkcs8_pem(LineEnding::LF)?)?;
    Ok(Settings {
        incoming: path("incoming"),
        store: path("store"),
        signing_key_file: path("signing.pem"),
        ..Settings::default()
    })
}

pub(super) fn line(slope: f64) -> anyhow::Result<Files> {
    Ok(testkit::linear(MODEL, slope).files()?)
}

fn answer(files: &Files) -> anyhow::Result<f64> {
    let manifest = Manifest::parse(&files.manifest)?;
    ask(&Model::load(manifest, Digest::of(&files.manifest), &files.tensors)?)
}

/// What the model answers to the one question.
///
/// # Errors
/// If it has no answer.
pub fn ask(model: &Model) -> anyhow::Result<f64> {
    let mut predictions = Predictions::default();
    model.predict(&Batch::new(ROW.to_vec(), ROW.len())?, &mut predictions)?;
    predictions.scores().first().copied().context("no answer")
}
