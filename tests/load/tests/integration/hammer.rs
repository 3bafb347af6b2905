use std::path::Path;

use artifact::{Catalog, Digest, Files, Manifest, Model, files::FileName};
use ed25519_dalek::SigningKey;
use load::hammer::{
    Dock, FORGER, Hammered, SEED, Served, Store, ask, hammer_the_server, hammer_the_sidecar, reloader,
    scanner,
};
use sidecar::Judge;

/// Judges as the sidecar does.
fn judge() -> Judge {
    Judge::child(crate::programs().sidecar, ["judge"])
}

/// Enough for a fault that is there to show on the slowest machine.
const AT_MOST: usize = 200_000;

#[test]
fn through_a_thousand_reloads_nothing_is_loaded_that_was_not_signed() {
    let store = Store::new(judge()).unwrap();
    let subject = reloader(&store, &SigningKey::from_bytes(SEED)).unwrap();
    let seen = hammer_the_server(&store, subject, |seen| seen.reloads >= 1000).unwrap();
    println!("{seen}");
    assert_eq!(seen.wrong, [""; 0], "{seen}");
    assert!(seen.loads > 50 && seen.tricks > 1000, "{seen}");
}

#[test]
fn through_looks_at_fifty_versions_nothing_is_admitted_but_what_was_dropped() {
    let dock = Dock::new().unwrap();
    let seen = hammer_the_sidecar(&dock, scanner(&dock, judge()).unwrap(), |seen| {
        seen.loads >= 50 || !seen.wrong.is_empty()
    })
    .unwrap();
    println!("{seen}");
    assert_eq!(seen.wrong, [""; 0], "{seen}");
    assert!(seen.loads == 50 && seen.tricks > 50, "{seen}");
}

#[test]
fn a_server_that_reads_twice_loads_what_was_not_signed() {
    let store = Store::new(judge()).unwrap();
    let (path, key) = (store.path(), store.trusted());
    let subject = || {
        let catalog = fs_err::read(path.join("catalog.json")).ok();
        let catalog = catalog.and_then(|bytes| Catalog::unseal(&bytes, &key).ok());
        catalog.and_then(|catalog| careless(&path, &catalog)).into_iter().collect()
    };
    let seen = hammer_the_server(&store, subject, found).unwrap();
    println!("found after {seen}");
    assert!(!seen.wrong.is_empty(), "{seen}");
}

#[test]
fn a_server_that_believes_any_catalog_loads_what_was_not_signed() {
    // Correct, but for the key.
    let store = Store::new(judge()).unwrap();
    let forged = reloader(&store, &SigningKey::from_bytes(FORGER)).unwrap();
    let seen = hammer_the_server(&store, forged, found).unwrap();
    println!("found after {seen}");
    assert!(!seen.wrong.is_empty(), "{seen}");
}

#[test]
fn a_sidecar_that_reads_twice_admits_what_was_not_dropped() {
    let dock = Dock::new().unwrap();
    let subject = |version: u64| {
        let read = |name: FileName| fs_err::read(dock.version(version).join(name.as_str())).ok();
        let whole = || {
            let manifest = Manifest::parse(&read(FileName::Manifest)?).ok()?;
            let right = |file: &artifact::manifest::FileEntry| {
                read(file.name).is_some_and(|bytes| Digest::of(&bytes) == file.digest)
            };
            manifest.files.iter().all(right).then_some(())?;
            std::thread::yield_now();
            Some(Files {
                manifest: read(FileName::Manifest)?,
                tensors: read(FileName::Tensors)?,
                golden: read(FileName::Golden)?,
            })
        };
        Ok(whole())
    };
    let seen = hammer_the_sidecar(&dock, subject, found).unwrap();
    println!("found after {seen}");
    assert!(seen.wrong.iter().any(|wrong| wrong.contains("other bytes")), "{seen}");
}

fn found(seen: &Hammered) -> bool {
    !seen.wrong.is_empty() || seen.reloads >= AT_MOST
}

/// Each file is hashed, and then read again.
fn careless(store: &Path, catalog: &Catalog) -> Option<Served> {
    let model = catalog.models.first()?;
    let version = model.version(model.default?)?;
    let read = |name: FileName| {
        let entry = version.files.iter().find(|file| file.name == name)?;
        let path = store.join("blobs/sha256").join(entry.digest.hex());
        let proven = Digest::of(&fs_err::read(&path).ok()?) == entry.digest;
        std::thread::yield_now();
        proven.then(|| fs_err::read(path).ok()).flatten()
    };
    let manifest = Manifest::parse(&read(FileName::Manifest)?).ok()?;
    let loaded = Model::load(manifest, version.digest?, &read(FileName::Tensors)?).ok()?;
    Some(Served { version: version.version.get(), digest: version.digest?, answer: ask(&loaded).ok()? })
}
