//! What is asked of every input that someone else may write: it is refused, or it keeps its promises; nothing panics.
//! cargo-fuzz asks it of what it makes up (`fuzz/`), the tests of its corpus and of what a generator makes up.

use std::{collections::BTreeMap, sync::LazyLock};

use crate::{
    Artifact, Catalog, Digest, FeatureKind, Files, Golden, Manifest, Model, Predictions, Series,
    bundle::{self, PublisherKeys},
    catalog::PAYLOAD_TYPE,
    dsse::SealKey,
    feature::Category,
};

/// A function that takes any input. True if the input was accepted.
pub type Target = fn(&[u8]) -> bool;

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Target); 5] =
    [("manifest", manifest), ("model", model), ("golden", golden), ("catalog", catalog), ("bundle", bundle)];

/// Rows end in numbers that are easy, and in numbers that overflow.
const ROWS: [f64; 7] = [0.0, 1.0, -2.5, 1e-310, 4e7, 1e154, -1.7e308];

static FIXTURES: LazyLock<[Files; 10]> =
    LazyLock::new(|| packs().map(|pack| pack.files().expect("a fixture can be written")));

/// The keys of the fixtures that the real tool signed, and the files.
static SIGNED: LazyLock<(PublisherKeys, BTreeMap<String, Digest>)> = LazyLock::new(|| {
    macro_rules! fixture {
        ($name:literal) => {
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/signed/", $name))
        };
    }
    let pems = [&fixture!("p256.pem")[..], fixture!("p384.pem"), fixture!("p521.pem")].concat();
    let keys = PublisherKeys::from_pem(&String::from_utf8_lossy(&pems)).expect("the fixtures' keys are keys");
    let files = [
        ("README.md", &fixture!("model/README.md")[..]),
        ("golden.jsonl", fixture!("model/golden.jsonl")),
        ("manifest.json", fixture!("model/manifest.json")),
        ("model.safetensors", fixture!("model/model.safetensors")),
    ];
    (keys, files.map(|(name, bytes)| (name.to_owned(), Digest::of(bytes))).into())
});

/// The only catalog that was ever signed with the key of the target `catalog`. It is JSON here, so that a field of a later
/// release changes nothing.
const GENUINE: &str = r#"{"sequence":7,"issued_at":"2026-01-01T00:00:00Z","models":[{"name":"a","default":1,
    "serving":[1],"labels":{"stable":1},"policy_error":null,"notes":["a note"],"versions":[{"version":1,
    "status":"admitted","digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101",
    "files":[{"name":"manifest.json","size":1,
        "digest":"sha256:0101010101010101010101010101010101010101010101010101010101010101"},
      {"name":"model.safetensors","size":2,
        "digest":"sha256:0202020202020202020202020202020202020202020202020202020202020202"},
      {"name":"golden.jsonl","size":3,
        "digest":"sha256:0303030303030303030303030303030303030303030303030303030303030303"}],
    "checks":[{"name":"layout","passed":true,"detail":"3 files"}],"refusal":null},
    {"version":2,"status":"rejected","digest":null,"files":[],"checks":[],
    "refusal":{"check":"layout","reason":"`x` does not belong to a version"}}]}],"notes":[]}"#;

/// Models of many kinds of steps.
pub fn packs() -> [Artifact; 10] {
    use super::{averages, binary, boosted, classifier, clusters, linear, table, tree, votes, words};
    [
        linear("a", 2.0),
        classifier("a"),
        binary("a"),
        clusters("a"),
        tree("a"),
        table("a"),
        words("a"),
        votes("a"),
        averages("a"),
        boosted("a"),
    ]
}

/// Bytes as manifest.json; if they are one, with the parameters of every fixture.
pub fn manifest(bytes: &[u8]) -> bool {
    let Ok(manifest) = Manifest::parse(bytes) else { return false };
    let written = manifest.to_bytes().expect("what was read can be written");
    let again = Manifest::parse(&written).expect("what was written can be read");
    assert_eq!(again, manifest, "a manifest changes on its way");
    for files in &*FIXTURES {
        if let Ok(model) = Model::load(manifest.clone(), Digest::of(bytes), &files.tensors) {
            answers(&model);
        }
    }
    true
}

/// The first byte chooses a fixture's manifest, the others are its model.safetensors.
pub fn model(bytes: &[u8]) -> bool {
    let Some((first, tensors)) = bytes.split_first() else { return false };
    let files = &FIXTURES[usize::from(*first) % FIXTURES.len()];
    let manifest = Manifest::parse(&files.manifest).expect("a fixture's manifest is one");
    match Model::load(manifest, Digest::of(&files.manifest), tensors) {
        Ok(model) => {
            answers(&model);
            true
        }
        Err(_) => false,
    }
}

/// The first byte chooses a fixture, the others are its golden.jsonl.
pub fn golden(bytes: &[u8]) -> bool {
    let Some((first, rows)) = bytes.split_first() else { return false };
    let files = &FIXTURES[usize::from(*first) % FIXTURES.len()];
    let manifest = Manifest::parse(&files.manifest).expect("a fixture's manifest is one");
    let model = Model::load(manifest, Digest::of(&files.manifest), &files.tensors);
    let model = model.expect("a fixture's parameters are good");
    let Ok(golden) = Golden::parse(rows) else { return false };
    match golden.replay(&model) {
        Ok(agreement) => {
            assert_eq!(agreement.rows, golden.rows().len());
            assert!(agreement.worst <= 1.0, "a difference beyond the tolerance passed: {agreement:?}");
            true
        }
        Err(_) => false,
    }
}

/// Bytes as catalog.json; and as what is signed in one.
pub fn catalog(bytes: &[u8]) -> bool {
    let key = signing_key();
    if let Ok(believed) = Catalog::unseal(bytes, &key.trusted()) {
        assert_eq!(believed, genuine(), "another catalog than the one that was signed is believed");
        return true;
    }
    let envelope = key.seal(PAYLOAD_TYPE, bytes).expect("an envelope can be written");
    let Ok(read) = Catalog::unseal(&envelope, &key.trusted()) else { return false };
    let written = read.seal(&key).expect("what was read can be written");
    let again = Catalog::unseal(&written, &key.trusted()).expect("what was written can be read");
    assert_eq!(again, read, "a catalog changes on its way");
    true
}

/// Bytes as model.sig beside a version that the real tool signed; and as what is signed in one.
pub fn bundle(bytes: &[u8]) -> bool {
    let (keys, files) = &*SIGNED;
    if bundle::verify(bytes, files, keys).is_ok() {
        for name in files.keys() {
            let mut others = files.clone();
            others.insert(name.clone(), Digest::of(b"other bytes"));
            assert!(bundle::verify(bytes, &others, keys).is_err(), "other bytes in `{name}` pass as signed");
        }
        return true;
    }
    bundle::statement::check(bytes, files).is_ok()
}

/// The one genuine catalog of the target `catalog`.
pub fn genuine() -> Catalog {
    serde_json::from_str(GENUINE).expect("a fixture is JSON")
}

/// Signs the one genuine catalog.
pub fn signing_key() -> SealKey {
    SealKey::from_bytes(&[7; 32])
}

/// As many values as there are rows that a feature allows: numbers, one of them missing; categories; texts.
fn series(kind: &FeatureKind) -> Series {
    match kind {
        FeatureKind::Number { missing: false, .. } => Series::Numbers(ROWS.to_vec()),
        FeatureKind::Number { missing: true, .. } => Series::Numbers([&[f64::NAN], &ROWS[1..]].concat()),
        FeatureKind::Category(Category { categories, .. }) => {
            Series::Texts(categories.iter().cycle().take(ROWS.len()).cloned().collect())
        }
        FeatureKind::Text { .. } => {
            Series::Texts(ROWS.iter().map(|value| format!("good bad not good {value}")).collect())
        }
    }
}

/// A model that was loaded answers every row or says why not, and a row alone as among the others.
fn answers(model: &Model) {
    let width = model.manifest().output.width();
    let mut together = Predictions::default();
    let mut alone = Predictions::default();
    let features = model.manifest().inputs.iter();
    let batch = model.batch(features.map(|feature| series(&feature.kind)).collect());
    let batch = batch.expect("what the features allow is a batch");
    let whole = model.predict(&batch, &mut together);
    let mut each = Vec::new();
    for row in 0..ROWS.len() {
        let row_alone = batch.row(row).expect("a row of the batch");
        let answered = model.predict(&row_alone, &mut alone);
        if whole.is_ok() && answered.is_ok() {
            let bits = |scores: &[f64]| scores.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
            let scores = together.scores().chunks(together.width().max(1)).nth(row).unwrap_or_default();
            assert_eq!(bits(scores), bits(alone.scores()), "row {row} answers otherwise alone");
            assert_eq!(
                together.choices().get(row),
                alone.choices().first(),
                "row {row} chooses otherwise alone"
            );
        }
        if answered.is_ok() {
            let named = |choice: &u32| (*choice as usize) < width;
            assert!(alone.choices().iter().all(named), "a choice that has no name");
            assert!(alone.scores().iter().all(|score| score.is_finite()), "a score that is no number");
        }
        each.push(answered.is_ok());
    }
    assert_eq!(
        whole.is_ok(),
        each.into_iter().all(|answered| answered),
        "a batch is refused otherwise than its rows"
    );
}
