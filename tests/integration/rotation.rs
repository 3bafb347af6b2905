//! The keys that catalogs may be signed by are changed while calls go on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use artifact::{dsse::SealKey, testkit};
use client::{Input, Target};

use crate::harness::{PUBLIC_KEY, SECRET, Server, Store, eventually, write_secret};

const OTHER_SECRET: [u8; 32] = [9; 32];
/// Its public half, made with `openssl pkey -pubout`.
const OTHER_PUBLIC: &str = include_str!("../../sidecar/tests/integration/new_public_key.pem");

const BY_ANOTHER: &str = "the catalog is not believed: the signature is not by the trusted key";

/// Calls that go on until they are stopped, or one fails.
struct Calls {
    answered: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<Option<String>>,
}

impl Calls {
    async fn start(server: &Server) -> Self {
        let client = server.client().await;
        let (answered, stop) = <(Arc<AtomicUsize>, Arc<AtomicBool>)>::default();
        let task = tokio::spawn({
            let (answered, stop) = (Arc::clone(&answered), Arc::clone(&stop));
            async move {
                while !stop.load(Ordering::Acquire) {
                    let answer = client.predict(Target::model("line"), Input::rows(&[2.0, 3.0])).await;
                    if let Err(error) = answer {
                        return Some(error.to_string());
                    }
                    answered.fetch_add(1, Ordering::AcqRel);
                }
                None
            }
        });
        Self { answered, stop, task }
    }

    async fn go_on(&self) {
        let before = self.answered.load(Ordering::Acquire);
        eventually("calls are answered", async || {
            (self.answered.load(Ordering::Acquire) >= before + 25).then_some(())
        })
        .await;
    }

    async fn stop(self) -> (usize, Option<String>) {
        self.stop.store(true, Ordering::Release);
        let failure = self.task.await.unwrap();
        (self.answered.load(Ordering::Acquire), failure)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_is_changed_back_and_forth_and_no_call_fails() {
    let mut store = Store::of(&[testkit::linear("line", 1.0)]);
    let server = Server::ready(&store).await;
    let calls = Calls::start(&server).await;
    let file = store.settings().catalog_public_key_file;
    let (mut old, mut new) = ((SECRET, PUBLIC_KEY), (OTHER_SECRET, OTHER_PUBLIC));
    for version in 2..=11_u32 {
        // Signed too early: believed as soon as the key is, though the bytes are the same.
        store.key = SealKey::from_bytes(&new.0);
        store.admit(&testkit::linear("line", f64::from(version)), version.into());
        store.publish();
        assert_eq!(server.refusal().await, BY_ANOTHER);
        write_secret(&file, &[old.1, new.1].concat());
        server.applied(store.catalog.sequence).await;
        calls.go_on().await;

        // Signed too late: the old key is out.
        write_secret(&file, new.1);
        let old_key = SealKey::from_bytes(&old.0);
        eventually("the old key is out", async || {
            let mut late = store.catalog.clone();
            late.sequence = server.list().await.catalog?.sequence + 1;
            write_catalog(&store, &late.seal(&old_key).unwrap());
            let seen = eventually("it is looked at", async || {
                let seen = server.list().await.catalog?;
                (seen.sequence == late.sequence || !seen.error.is_empty()).then_some(seen)
            })
            .await;
            (seen.error == BY_ANOTHER).then_some(())
        })
        .await;
        assert_eq!(server.still_answers("line", &[2.0, 3.0]).await.model.version, u64::from(version));
        store.catalog.sequence = server.list().await.catalog.unwrap().sequence;
        store.publish();
        server.applied(store.catalog.sequence).await;
        calls.go_on().await;
        std::mem::swap(&mut old, &mut new);
    }
    let (answered, failure) = calls.stop().await;
    assert_eq!(failure, None, "after {answered} calls");
}

#[tokio::test]
async fn a_file_of_keys_that_cannot_be_used_leaves_the_last_good_ones_in_force() {
    let mut store = Store::of(&[testkit::linear("line", 1.0)]);
    let server = Server::ready(&store).await;
    let file = store.settings().catalog_public_key_file;
    let mut version = 1_u32;
    for bad in ["", "hello", &PUBLIC_KEY[..60], &format!("{PUBLIC_KEY}hello")] {
        write_secret(&file, bad);
        version += 1;
        store.admit(&testkit::linear("line", f64::from(version)), version.into());
        store.publish();
        server.applied(store.catalog.sequence).await;
    }
    fs_err::remove_file(&file).unwrap();
    store.publish();
    server.applied(store.catalog.sequence).await;

    write_secret(&file, OTHER_PUBLIC);
    store.key = SealKey::from_bytes(&OTHER_SECRET);
    store.publish();
    server.applied(store.catalog.sequence).await;
    assert_eq!(server.still_answers("line", &[2.0, 3.0]).await.model.version, u64::from(version));
}

/// As a writer does, by a rename.
fn write_catalog(store: &Store, bytes: &[u8]) {
    artifact::store::write(&store.path(), "catalog.json", bytes).unwrap();
}
