use std::os::unix::fs::PermissionsExt as _;

use artifact::{
    catalog::{Refusal, Status},
    dsse::SealKey,
    testkit,
};
use client::{Input, Target, pb::model_version::State};

use crate::harness::{Server, Store, entry, eventually};

const ROW: [f64; 2] = [2.0, 3.0];

fn store() -> Store {
    Store::of(&[testkit::linear("line", 1.0)])
}

async fn answer(server: &Server) -> (u64, f64) {
    let prediction = server.still_answers("line", &ROW).await;
    (prediction.model.version, prediction.numbers()[0])
}

#[tokio::test]
async fn a_new_version_serves_without_a_restart_and_every_answer_is_wholly_of_one() {
    let mut store = store();
    let server = Server::ready(&store).await;
    let client = server.client().await;
    for version in 2..=20_u32 {
        store.admit(&testkit::linear("line", f64::from(version)), version.into());
        store.publish();
        eventually("the new version answers", async || {
            let prediction =
                client.predict(Target::model("line"), Input::rows(&ROW.repeat(50))).await.unwrap();
            let answered = prediction.model.version;
            let expected = answered as f64 * 2.0 + 3.0 + 1.0;
            assert!(prediction.numbers().iter().all(|number| *number == expected), "{prediction:?}");
            (answered == u64::from(version)).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_catalog_that_is_not_believed_changes_nothing_and_says_so() {
    let mut store = store();
    let server = Server::ready(&store).await;
    let good = store.catalog.seal(&store.key).unwrap();
    let next = {
        let mut catalog = store.catalog.clone();
        catalog.sequence += 1;
        catalog.models.clear();
        catalog
    };

    let mut flipped = next.seal(&store.key).unwrap();
    let at = flipped.len() / 2;
    flipped[at] ^= 1;
    store.write(&flipped);
    assert_eq!(
        server.refusal().await,
        "the catalog is not believed: the signature is not by the trusted key"
    );
    assert_eq!(answer(&server).await, (1, 6.0));

    store.write(&good[..good.len() / 2]);
    eventually("the torn one is refused", async || {
        server.refusal().await.contains("no signed envelope").then_some(())
    })
    .await;
    assert_eq!(answer(&server).await, (1, 6.0));

    store.write(&next.seal(&SealKey::from_bytes(&[9; 32])).unwrap());
    eventually("the foreign one is refused", async || {
        server.refusal().await.contains("not by the trusted key").then_some(())
    })
    .await;
    assert_eq!(answer(&server).await, (1, 6.0));

    let mut older = next.clone();
    older.sequence = store.catalog.sequence - 1;
    store.write(&older.seal(&store.key).unwrap());
    let current = store.catalog.sequence;
    let sentence = format!("the catalog has the sequence {}, {current} was in force already", older.sequence);
    eventually("the older one is refused", async || (server.refusal().await == sentence).then_some(())).await;
    assert_eq!(answer(&server).await, (1, 6.0));

    fs_err::remove_file(store.path().join("catalog.json")).unwrap();
    eventually("the missing one is said", async || {
        server.refusal().await.contains("`catalog.json` is missing").then_some(())
    })
    .await;
    assert_eq!(answer(&server).await, (1, 6.0));

    // A good one ends it.
    store.admit(&testkit::linear("line", 2.0), 2);
    store.publish();
    server.applied(store.catalog.sequence).await;
    assert_eq!(server.list().await.catalog.unwrap().error, "");
    assert_eq!(answer(&server).await, (2, 8.0));
}

#[tokio::test]
async fn a_restart_over_a_damaged_catalog_serves_from_its_copy() {
    let mut store = store();
    let good = fs_err::read(store.path().join("catalog.json")).unwrap();
    fs_err::write(store.path().join("catalog.json"), b"{").unwrap();
    let server = Server::ready(&store).await;
    assert_eq!(answer(&server).await, (1, 6.0));
    let catalog = server.list().await.catalog.unwrap();
    assert_eq!(catalog.sequence, store.catalog.sequence);
    assert!(
        catalog.error.starts_with("the catalog is not believed: no signed envelope"),
        "{}",
        catalog.error
    );

    // The very file that the copy was made of comes back: all is well.
    fs_err::write(store.path().join("catalog.json"), good).unwrap();
    eventually("nothing is wrong any more", async || {
        server.list().await.catalog?.error.is_empty().then_some(())
    })
    .await;
    store.admit(&testkit::linear("line", 2.0), 2);
    store.publish();
    server.applied(store.catalog.sequence).await;
    assert_eq!(answer(&server).await, (2, 8.0));
}

#[tokio::test]
async fn without_any_believable_catalog_nothing_serves_and_the_server_says_why() {
    let mut store = store();
    store.key = SealKey::from_bytes(&[9; 32]);
    store.publish();
    store.publish();
    let server = Server::start(store.settings()).await;
    assert_eq!(
        server.refusal().await,
        "the catalog is not believed: the signature is not by the trusted key"
    );
    assert!(linfa_serve::is_ready(server.address).await.is_err());
}

#[tokio::test]
async fn a_damaged_blob_is_not_loaded_and_the_old_version_serves_on() {
    let mut store = store();
    let server = Server::ready(&store).await;
    store.admit(&testkit::linear("line", 2.0), 2);
    let digest = store.model("line").versions[1].files[1].digest;
    let blob = store.path().join("blobs/sha256").join(digest.hex());
    let mut bytes = fs_err::read(&blob).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs_err::write(&blob, bytes).unwrap();
    store.publish();
    server.applied(store.catalog.sequence).await;

    assert_eq!(answer(&server).await, (1, 6.0));
    let failed = server.version("line", 2).await;
    assert_eq!(failed.state(), State::Failed);
    let refusal = failed.refusal.unwrap();
    assert_eq!(refusal.check, "load");
    assert!(refusal.reason.starts_with(&format!("blob {digest} is damaged: its bytes have the hash")));
    assert_eq!(server.version("line", 1).await.state(), State::Serving);
}

#[tokio::test]
async fn golden_rows_that_this_server_does_not_repeat_keep_a_version_out() {
    // What a sidecar of another release might admit: its runtime answers otherwise.
    let mut store = store();
    let server = Server::ready(&store).await;
    let mut disagreeing = testkit::linear("line", 2.0);
    disagreeing.golden[1].scores[0] += 0.5;
    store.admit(&disagreeing, 2);
    store.admit(&testkit::linear("other", 3.0), 1);
    store.publish();
    server.applied(store.catalog.sequence).await;

    assert_eq!(answer(&server).await, (1, 6.0));
    let refusal = server.version("line", 2).await.refusal.unwrap();
    assert_eq!(
        refusal.reason,
        "row 2, score 0: the model answers 3, the training library answered 3.5 (tolerance 1e-12)"
    );
    // Another model of the same catalog is not held up.
    assert_eq!(server.still_answers("other", &ROW).await.numbers(), [10.0]);
}

#[tokio::test]
async fn a_store_that_vanishes_or_cannot_be_read_stops_nothing() {
    let store = store();
    let server = Server::ready(&store).await;
    fs_err::rename(store.path(), store.dir.path().join("elsewhere")).unwrap();
    assert!(server.refusal().await.starts_with("the catalog cannot be read: "));
    assert_eq!(answer(&server).await, (1, 6.0));
    fs_err::create_dir(store.path()).unwrap();
    fs_err::set_permissions(store.path(), std::fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(answer(&server).await, (1, 6.0));
    fs_err::remove_dir(store.path()).unwrap();
    fs_err::rename(store.dir.path().join("elsewhere"), store.path()).unwrap();
    // The very file that is in force comes back: all is well again.
    eventually("nothing is wrong any more", async || {
        server.list().await.catalog?.error.is_empty().then_some(())
    })
    .await;
    assert_eq!(answer(&server).await, (1, 6.0));
}

#[tokio::test]
async fn a_restart_over_a_damaged_default_serves_the_newest_older_version() {
    let mut store = store();
    store.admit(&testkit::linear("line", 2.0), 2);
    let digest = {
        let model = store.model("line");
        model.serving = [1, 2].map(|version| version.try_into().unwrap()).to_vec();
        model.versions[1].files[1].digest
    };
    fs_err::write(store.path().join("blobs/sha256").join(digest.hex()), b"damaged").unwrap();
    store.publish();
    let server = Server::ready(&store).await;
    assert_eq!(answer(&server).await, (1, 6.0));
    assert_eq!(server.version("line", 2).await.state(), State::Failed);
}

#[tokio::test]
async fn a_catalog_that_has_forgotten_what_serves_takes_nothing_away() {
    let mut store = store();
    store.model("line").labels = [("stable".parse().unwrap(), 1.try_into().unwrap())].into();
    store.admit(&testkit::linear("other", 3.0), 1);
    store.publish();
    let server = Server::ready(&store).await;
    let client = server.client().await;
    let known = store.catalog.models.clone();

    // What a sidecar says first whose store was wiped: a version is there, and nothing is judged.
    store.catalog.models.retain(|model| model.name.as_str() == "line");
    let model = store.model("line");
    (model.default, model.serving, model.labels) = (None, Vec::new(), Default::default());
    model.versions = vec![entry(1, Status::Pending), entry(2, Status::Pending)];
    store.publish();
    server.applied(store.catalog.sequence).await;
    assert_eq!(answer(&server).await, (1, 6.0));
    assert_eq!(server.still_answers("other", &ROW).await.numbers(), [10.0]);
    client.predict(Target::model("line").label("stable"), Input::rows(&ROW)).await.unwrap();
    linfa_serve::is_ready(server.address).await.unwrap();
    let states = server.list().await.models.into_iter().map(|model| {
        let versions = model.versions.iter().map(|version| (version.version, version.state())).collect();
        (model.name, versions, model.notes)
    });
    let note = || vec!["version 1 serves on, but the catalog does not know it any more".to_owned()];
    let expected: [(_, Vec<_>, _); 2] = [
        ("line".to_owned(), vec![(1, State::Serving), (2, State::Pending)], note()),
        ("other".to_owned(), vec![(1, State::Serving)], note()),
    ];
    assert_eq!(states.collect::<Vec<_>>(), expected);

    // An older version that is judged first does not take the newer one's place.
    store.catalog.models = known;
    store.model("line").labels.clear();
    let line = store.model("line").clone();
    store.admit(&testkit::linear("line", 2.0), 2);
    store.publish();
    server.applied(store.catalog.sequence).await;
    assert_eq!(answer(&server).await, (2, 8.0));
    *store.model("line") = line;
    store.model("line").versions.push(entry(2, Status::Pending));
    store.publish();
    server.applied(store.catalog.sequence).await;
    assert_eq!(answer(&server).await, (2, 8.0));

    // A catalog that names it decides: withdrawn is withdrawn.
    store.model("line").versions[1].status = Status::Withdrawn;
    store.publish();
    server.applied(store.catalog.sequence).await;
    assert_eq!(answer(&server).await, (1, 6.0));
    assert_eq!(server.version("line", 2).await.state(), State::Withdrawn);
}

#[tokio::test]
async fn a_version_whose_files_could_not_be_read_at_the_start_is_loaded_once_they_can() {
    let store = store();
    let (blobs, away) = (store.path().join("blobs"), store.path().join("away"));
    fs_err::rename(&blobs, &away).unwrap();
    let server = Server::start(store.settings()).await;
    server.applied(store.catalog.sequence).await;
    assert_eq!(server.version("line", 1).await.state(), State::Failed);
    assert!(linfa_serve::is_ready(server.address).await.is_err());
    // No new catalog comes: there may be no sidecar.
    fs_err::rename(away, blobs).unwrap();
    eventually("the server is ready", async || linfa_serve::is_ready(server.address).await.ok()).await;
    assert_eq!(answer(&server).await, (1, 6.0));
}

#[tokio::test]
async fn what_is_loaded_is_kept_and_needs_its_blobs_no_more() {
    let mut store = store();
    store.admit(&testkit::linear("line", 2.0), 2);
    store.model("line").serving = [1, 2].map(|version| version.try_into().unwrap()).to_vec();
    store.publish();
    let server = Server::ready(&store).await;
    fs_err::remove_dir_all(store.path().join("blobs")).unwrap();
    store.publish();
    server.applied(store.catalog.sequence).await;
    let older = Target::model("line").version(1);
    let prediction = server.client().await.predict(older, Input::rows(&ROW)).await.unwrap();
    assert_eq!(prediction.numbers(), [6.0]);
    assert_eq!(answer(&server).await, (2, 8.0));
}

#[tokio::test]
async fn other_bytes_under_the_same_number_are_loaded_anew() {
    // What a sidecar may sign that lost its store, and its memory with it.
    let mut store = store();
    let server = Server::ready(&store).await;
    store.admit(&testkit::linear("line", 2.0), 1);
    store.publish();
    server.applied(store.catalog.sequence).await;
    assert_eq!(answer(&server).await, (1, 8.0));
}

#[tokio::test]
async fn list_models_shows_checks_refusals_policy_errors_and_notes() {
    let mut store = store();
    let model = store.model("line");
    let mut rejected = entry(2, Status::Rejected);
    rejected.checks = [("layout", true, "3 files"), ("digest", false, "the hash differs")]
        .map(|(name, passed, detail)| artifact::catalog::Check {
            name: name.to_owned(),
            passed,
            detail: detail.to_owned(),
        })
        .to_vec();
    rejected.refusal = Some(Refusal { check: "digest".to_owned(), reason: "the hash differs".to_owned() });
    model.versions.push(rejected);
    model.policy_error = Some("policy.toml: unknown field `serves`".to_owned());
    model.notes.push("`notes.txt` is no version".to_owned());
    store.catalog.notes.push("`Iris` is no model's name".to_owned());
    store.publish();
    let server = Server::ready(&store).await;

    let list = server.list().await;
    assert_eq!(list.catalog.unwrap().notes, ["`Iris` is no model's name"]);
    let model = &list.models[0];
    assert_eq!(model.policy_error, "policy.toml: unknown field `serves`");
    assert_eq!(model.notes, ["`notes.txt` is no version"]);
    let version = &model.versions[1];
    assert_eq!(version.state(), State::Rejected);
    assert_eq!(version.checks.len(), 2);
    assert_eq!(version.refusal.as_ref().unwrap().reason, "the hash differs");
}
