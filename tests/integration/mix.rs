use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use artifact::{Batch, Predictions, files::FileName, manifest::FileEntry, store::Reader, testkit};
use jiff::Timestamp;
use linfa_serve::{
    floor::Floor,
    registry,
    reload::{Outcome, Reloader},
    trust::Trust,
};

use crate::harness::Store;

const SETS: usize = 20;
const FILES: [FileName; 3] = [FileName::Manifest, FileName::Tensors, FileName::Golden];

/// A catalog, and the blobs that it was signed for.
struct Set {
    catalog: Vec<u8>,
    public_key: PathBuf,
    entries: Vec<FileEntry>,
    blobs: BTreeMap<FileName, Vec<u8>>,
    answer: f64,
    /// Its folder, where the key lies.
    _store: Store,
}

fn set(number: usize) -> Set {
    // The answers have as many digits each, so that files of two sets differ in their bytes alone, and not in their length.
    let slope = 28.0 + number as f64;
    let pack = testkit::linear("line", slope);
    let mut store = Store::of(std::slice::from_ref(&pack));
    let files = pack.files().unwrap();
    Set {
        catalog: fs_err::read(store.path().join("catalog.json")).unwrap(),
        public_key: store.settings().catalog_public_key_file,
        entries: store.model("line").versions[0].files.clone(),
        blobs: FILES.map(|name| (name, files.get(name).to_vec())).into(),
        answer: slope * 2.0 + 3.0 + 1.0,
        _store: store,
    }
}

/// What a server that starts on that catalog and those blobs answers to (2, 3); none if it serves nothing. Each blob lies
/// under the name that the catalog gives it.
fn answer(dir: &Path, set: &Set, blobs: &BTreeMap<FileName, Vec<u8>>) -> Option<f64> {
    // New files: some file systems write to the disk at once what takes the place of something.
    if dir.exists() {
        fs_err::remove_dir_all(dir).unwrap();
    }
    fs_err::create_dir_all(dir.join("blobs/sha256")).unwrap();
    fs_err::create_dir(dir.join("state")).unwrap();
    fs_err::write(dir.join("catalog.json"), &set.catalog).unwrap();
    for entry in &set.entries {
        let path = dir.join("blobs/sha256").join(entry.digest.hex());
        fs_err::write(path, &blobs[&entry.name]).unwrap();
    }
    let (publisher, models) = registry::channel();
    let trust = Trust::open(&set.public_key).unwrap();
    let floor = Floor::open(&dir.join("state"));
    let outcome = Reloader::new(Reader::new(dir), trust, floor, publisher).reload_once(Timestamp::now());
    // The catalog is genuine; what it names may not be there.
    assert_eq!(outcome, Outcome::Applied);
    let snapshot = models.snapshot();
    let mut loaded = snapshot.models.values().flat_map(|model| model.loaded.values());
    let mut predictions = Predictions::default();
    loaded.next()?.model.predict(&Batch::new(vec![2.0, 3.0], 2).unwrap(), &mut predictions).unwrap();
    Some(predictions.scores()[0])
}

#[test]
fn of_all_pairs_of_twenty_catalogs_and_twenty_sets_of_blobs_those_load_that_were_signed_together() {
    let sets: Vec<_> = (0..SETS).map(set).collect();
    let dir = tempfile::tempdir().unwrap();
    let mut loaded = 0;
    for (i, signed) in sets.iter().enumerate() {
        for (j, other) in sets.iter().enumerate() {
            // Every choice of files that come from the other set.
            for choice in 1..8_usize {
                let mut blobs = signed.blobs.clone();
                for (bit, name) in FILES.into_iter().enumerate().filter(|(bit, _)| choice >> bit & 1 == 1) {
                    assert_eq!(blobs[&name].len(), other.blobs[&name].len(), "file {bit}");
                    blobs.insert(name, other.blobs[&name].clone());
                }
                let answer = answer(&dir.path().join("store"), signed, &blobs);
                assert_eq!(
                    answer,
                    (i == j).then_some(signed.answer),
                    "catalog {i}, files {choice:03b} of {j}"
                );
                loaded += usize::from(answer.is_some());
            }
        }
    }
    assert_eq!(loaded, SETS * 7);
}
