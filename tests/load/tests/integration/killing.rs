use std::time::Duration;

use artifact::catalog::Status;
use load::{Drops, Fault, Ground, converge, flood, kill_the_server, kill_the_sidecar};
use tokio::time::Instant;

/// The number of kills ends each of these tests, not the time.
fn in_an_hour() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

#[tokio::test]
async fn thirty_kills_of_the_sidecar_leave_no_half_catalog_and_lose_no_version() {
    let killed = kill_the_sidecar(crate::programs(), 1, 30, in_an_hour()).await.unwrap();
    println!("{killed}");
    assert_eq!(killed.kills, 30);
    assert!(killed.versions > 4, "{killed}");
    assert!(killed.catalogs > 1 && killed.looks > 30, "{killed}");
}

#[tokio::test]
async fn a_server_that_is_killed_during_swaps_serves_after_each_start() {
    let restarted = kill_the_server(crate::programs(), 1, 10, in_an_hour()).await.unwrap();
    println!("{restarted}");
    assert_eq!(restarted.kills, 10);
    assert!(restarted.versions > 1 && restarted.answers > 10, "{restarted}");
}

#[tokio::test]
async fn sixty_versions_of_six_models_at_once_all_get_the_verdict_they_must() {
    let flooded = flood(crate::programs(), 6, 10).await.unwrap();
    println!("{flooded}");
    assert_eq!(flooded.versions, 60);
    // As many as are set by default.
    assert!((1..=2).contains(&flooded.children), "{flooded}");
}

#[tokio::test]
async fn versions_of_one_model_are_judged_one_at_a_time() {
    let flooded = flood(crate::programs(), 1, 20).await.unwrap();
    println!("{flooded}");
    assert_eq!(flooded.children, 1, "{flooded}");
}

/// A store with one admitted version, and who has seen it.
async fn store() -> (Ground, Drops, load::Examiner) {
    let ground = Ground::new(crate::programs()).unwrap();
    let mut examiner = ground.examiner().unwrap();
    let mut drops = Drops::into_folder(ground.incoming());
    drops.drop("line", 1, true).unwrap();
    let sidecar = ground.sidecar().unwrap();
    converge(&mut examiner, &drops).await.unwrap();
    sidecar.stop().await.unwrap();
    examiner.examine().unwrap();
    (ground, drops, examiner)
}

#[tokio::test]
async fn a_half_blob_and_an_absent_one_are_found() {
    let (ground, _, mut examiner) = store().await;
    let catalog = examiner.look().unwrap().unwrap();
    let entry = catalog.models[0].versions[0].files[1].clone();
    let blob = ground.store().join("blobs/sha256").join(entry.digest.hex());
    let bytes = fs_err::read(&blob).unwrap();
    fs_err::remove_file(&blob).unwrap();
    fs_err::write(&blob, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(examiner.examine(), Err(Fault::Absent { .. })));
    fs_err::remove_file(&blob).unwrap();
    assert!(matches!(examiner.examine(), Err(Fault::Absent { .. })));
    fs_err::write(&blob, &bytes).unwrap();
    examiner.examine().unwrap();
}

#[tokio::test]
async fn a_half_catalog_an_older_one_and_none_are_found() {
    let (ground, mut drops, mut examiner) = store().await;
    let file = ground.store().join("catalog.json");
    let old = fs_err::read(&file).unwrap();
    drops.drop("line", 2, true).unwrap();
    let sidecar = ground.sidecar().unwrap();
    converge(&mut examiner, &drops).await.unwrap();
    sidecar.stop().await.unwrap();
    let new = fs_err::read(&file).unwrap();
    fs_err::write(&file, &old).unwrap();
    assert!(matches!(examiner.look(), Err(Fault::Back { .. })));
    fs_err::write(&file, &new[..new.len() / 2]).unwrap();
    assert!(matches!(examiner.look(), Err(Fault::Unbelieved(_))));
    fs_err::remove_file(&file).unwrap();
    assert!(matches!(examiner.look(), Err(Fault::Unreadable(_))));
    fs_err::write(&file, &new).unwrap();
    examiner.examine().unwrap();
}

#[tokio::test]
async fn a_lost_version_and_a_wrong_verdict_are_found() {
    let (_ground, mut drops, mut examiner) = store().await;
    let mut catalog = examiner.look().unwrap().unwrap();
    assert_eq!(drops.amiss(Some(&catalog)), [""; 0]);
    catalog.models[0].versions[0].status = Status::Rejected;
    assert_eq!(drops.amiss(Some(&catalog)), ["line 1: Some(Rejected), not Admitted"]);
    drops.drop("line", 2, false).unwrap();
    assert!(
        drops.amiss(examiner.look().unwrap().as_ref()).contains(&"line 2: None, not Rejected".to_owned())
    );
}
