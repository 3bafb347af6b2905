//! catalog.json: what is not believed, however it is signed.

use artifact::{
    Catalog, Digest, Files, Version,
    catalog::{CatalogModel, CatalogVersion, MAX_BYTES, Status},
    dsse::SealKey,
    testkit,
};

fn key() -> SealKey {
    SealKey::from_bytes(&[7; 32])
}

fn version(number: u64) -> Version {
    number.try_into().unwrap()
}

fn entry(number: u64, files: &Files) -> CatalogVersion {
    CatalogVersion {
        version: version(number),
        status: Status::Admitted,
        digest: Some(Digest::of(&files.manifest)),
        files: files.entries(),
        checks: Vec::new(),
        refusal: None,
        fatal: None,
    }
}

/// One model `a` with the versions 1 and 2; 2 serves.
fn catalog() -> Catalog {
    let files = testkit::linear("a", 2.0).files().unwrap();
    Catalog {
        sequence: 1,
        issued_at: jiff::Timestamp::UNIX_EPOCH,
        models: vec![CatalogModel {
            name: "a".parse().unwrap(),
            default: Some(version(2)),
            serving: vec![version(2)],
            labels: [("stable".parse().unwrap(), version(2))].into(),
            policy_error: None,
            notes: Vec::new(),
            versions: vec![entry(1, &files), entry(2, &files)],
        }],
        notes: Vec::new(),
    }
}

/// Why a catalog is refused that is signed well but changed as told: by the writer and, had it signed it, the reader.
fn refusal(change: impl FnOnce(&mut Catalog)) -> String {
    let mut catalog = catalog();
    change(&mut catalog);
    let written = catalog.seal(&key()).unwrap_err().to_string();
    let payload = serde_json::to_vec(&catalog).unwrap();
    let envelope = key().seal("application/vnd.linfa-serve.catalog.v1+json", &payload).unwrap();
    let read = Catalog::unseal(&envelope, &key().trusted()).unwrap_err().to_string();
    assert_eq!(written, read);
    read
}

#[test]
fn what_was_sealed_is_what_is_read() {
    let bytes = catalog().seal(&key()).unwrap();
    assert_eq!(Catalog::unseal(&bytes, &key().trusted()).unwrap(), catalog());
}

#[test]
fn models_and_versions_are_found_by_their_own_name_and_number() {
    let catalog = catalog();
    let model = catalog.model("a").unwrap();
    assert_eq!(model, &catalog.models[0]);
    assert_eq!(catalog.model("b"), None);
    assert_eq!(model.version(version(2)), Some(&model.versions[1]));
    assert_eq!(model.version(version(3)), None);
}

#[test]
fn no_flipped_bit_is_believed() {
    let bytes = Catalog { models: Vec::new(), ..catalog() }.seal(&key()).unwrap();
    let trusted = key().trusted();
    let believed: Vec<_> = (0..bytes.len() * 8)
        .filter(|bit| {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            Catalog::unseal(&flipped, &trusted).is_ok()
        })
        .collect();
    assert_eq!(believed, Vec::<usize>::new(), "of {} bits", bytes.len() * 8);
}

#[test]
fn a_catalog_cut_anywhere_is_not_believed() {
    let bytes = catalog().seal(&key()).unwrap();
    let trusted = key().trusted();
    let believed: Vec<_> =
        (0..bytes.len()).filter(|end| Catalog::unseal(&bytes[..*end], &trusted).is_ok()).collect();
    assert_eq!(believed, Vec::<usize>::new());
}

#[test]
fn a_foreign_signature_is_not_believed() {
    let bytes = catalog().seal(&SealKey::from_bytes(&[8; 32])).unwrap();
    assert_eq!(
        Catalog::unseal(&bytes, &key().trusted()).unwrap_err().to_string(),
        "the signature is not by the trusted key"
    );
}

#[test]
fn another_document_by_the_same_key_is_no_catalog() {
    let bytes = key().seal("text/plain", b"hello").unwrap();
    assert_eq!(
        Catalog::unseal(&bytes, &key().trusted()).unwrap_err().to_string(),
        "signed, but of the type `text/plain`"
    );
}

#[test]
fn a_field_of_a_later_release_is_refused() {
    let mut payload = serde_json::to_value(catalog()).unwrap();
    payload["models"][0]["surprise"] = 1.into();
    let payload = serde_json::to_vec(&payload).unwrap();
    let bytes = key().seal("application/vnd.linfa-serve.catalog.v1+json", &payload).unwrap();
    let error = Catalog::unseal(&bytes, &key().trusted()).unwrap_err().to_string();
    assert!(
        error.starts_with("signed, but not readable by this release: unknown field `surprise`"),
        "{error}"
    );
}

#[test]
fn a_catalog_over_the_limit_is_neither_written_nor_read() {
    let mut large = catalog();
    large.notes = vec!["x".repeat(MAX_BYTES as usize)];
    let error = large.seal(&key()).unwrap_err().to_string();
    assert!(error.ends_with("bytes, the limit is 4194304"), "{error}");
    let bytes = vec![b' '; MAX_BYTES as usize + 1];
    assert_eq!(
        Catalog::unseal(&bytes, &key().trusted()).unwrap_err().to_string(),
        "4194305 bytes, the limit is 4194304"
    );
}

#[test]
fn a_catalog_of_just_the_limit_is_written_and_read() {
    let mut catalog = catalog();
    catalog.notes = vec![String::new()];
    let left = MAX_BYTES as usize - catalog.seal(&key()).unwrap().len();
    // Base64 makes four bytes of three.
    catalog.notes = vec!["x".repeat(left / 4 * 3)];
    let bytes = catalog.seal(&key()).unwrap();
    assert_eq!(bytes.len() as u64, MAX_BYTES);
    assert_eq!(Catalog::unseal(&bytes, &key().trusted()).unwrap(), catalog);
}

#[test]
fn a_catalog_that_contradicts_itself_is_neither_written_nor_read() {
    let says = |rule: &str| format!("signed, but model `a` contradicts itself: {rule}");
    assert_eq!(refusal(|catalog| catalog.models.push(catalog.models[0].clone())), says("it occurs twice"));
    assert_eq!(
        refusal(|catalog| catalog.models[0].versions.swap(0, 1)),
        says("its versions are not in order")
    );
    assert_eq!(
        refusal(|catalog| catalog.models[0].versions[1].version = version(1)),
        says("its versions are not in order")
    );
    for status in [Status::Pending, Status::Incomplete, Status::Rejected, Status::Withdrawn] {
        assert_eq!(
            refusal(|catalog| catalog.models[0].versions[1].status = status),
            says("a version serves that is not admitted")
        );
    }
    assert_eq!(
        refusal(|catalog| catalog.models[0].serving.push(version(3))),
        says("a version serves that is not admitted")
    );
    let unserved = says("its default or a label names a version that does not serve");
    assert_eq!(refusal(|catalog| catalog.models[0].default = Some(version(1))), unserved);
    assert_eq!(
        refusal(|catalog| {
            let labels = &mut catalog.models[0].labels;
            labels.insert("canary".parse().unwrap(), version(1));
        }),
        unserved
    );
    let incomplete = says("an admitted version lacks a file, or its digest is not the manifest's");
    assert_eq!(refusal(|catalog| catalog.models[0].versions[0].digest = None), incomplete);
    assert_eq!(
        refusal(|catalog| catalog.models[0].versions[0].digest = Some(Digest::of(b"other"))),
        incomplete
    );
    for file in 0..3 {
        assert_eq!(
            refusal(|catalog| {
                catalog.models[0].versions[0].files.remove(file);
            }),
            incomplete
        );
    }
}
