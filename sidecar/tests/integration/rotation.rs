//! A new signing key: what the key before it has signed is gone on from, if it is among those that servers believe.

use artifact::{Catalog, catalog::Status, dsse::SealKey, testkit};

use crate::bench::{Bench, read_catalog, timeless};

/// The 32 bytes of this key are all 9.
const NEW_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ
-----END PRIVATE KEY-----
";
/// The public halves of the bench's key and of the new one, by `openssl pkey -pubout`.
const OLD_PUBLIC: &str = include_str!("old_public_key.pem");
const NEW_PUBLIC: &str = include_str!("new_public_key.pem");

/// A version that is withdrawn, which a sidecar that begins anew could not know of.
fn bench() -> Bench {
    let mut bench = Bench::new();
    for version in [1, 2] {
        bench.drop(&format!("a/{version}"), &testkit::linear("a", f64::from(version)));
    }
    bench.settle_all();
    bench.remove("a/1");
    bench.look();
    bench.look_after(5);
    assert_eq!(bench.status("a", 1), Status::Withdrawn);
    bench
}

fn restart_with_the_new_key(bench: &mut Bench) -> Catalog {
    let before = bench.catalog();
    bench.stop();
    bench.replace_secret("key.pem", NEW_KEY);
    bench.start();
    bench.look();
    let bytes = fs_err::read(bench.settings.store.join("catalog.json")).unwrap();
    let trusted = SealKey::from_pem(NEW_KEY).unwrap().trusted();
    // By the first look already, not by the next heartbeat alone.
    let after = timeless(Catalog::unseal(&bytes, &trusted).unwrap());
    assert!(after.rank() > before.rank());
    after
}

#[test]
fn a_sidecar_with_a_new_key_goes_on_from_what_the_old_one_signed() {
    let mut bench = bench();
    let before = bench.catalog().models;
    bench.replace_secret("public.pem", &[OLD_PUBLIC, NEW_PUBLIC].concat());
    assert_eq!(restart_with_the_new_key(&mut bench).models, before);
    assert!(!bench.settings.store.join("catalog.damaged.json").exists());
}

#[test]
fn a_key_that_is_no_longer_trusted_is_not_gone_on_from() {
    for public in [NEW_PUBLIC, "hello"] {
        let mut bench = bench();
        bench.replace_secret("public.pem", public);
        let begun = restart_with_the_new_key(&mut bench);
        assert!(begun.models.iter().all(|model| model.versions.iter().all(|entry| entry.version.get() == 2)));
        let aside = bench.settings.store.join("catalog.damaged.json");
        assert_eq!(read_catalog(&aside).unwrap().models.len(), 1);
    }
}
