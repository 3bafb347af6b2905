//! What the store keeps over starts, damage and failures.

use artifact::{catalog::Status, testkit};
use sidecar::StartError;

use crate::bench::{Bench, read_catalog};

#[test]
fn the_catalog_is_signed_when_something_changed_or_the_heartbeat_is_due() {
    let mut bench = Bench::serving_one();
    let first = bench.catalog();
    bench.look_after(58);
    assert_eq!(bench.catalog(), first);
    bench.look_after(2);
    let second = bench.catalog();
    assert_eq!(second.models, first.models);
    assert_eq!(second.issued_at, bench.now);
    assert!(second.sequence > first.sequence);
}

#[test]
fn the_sequence_is_the_clock_but_always_grows() {
    let mut bench = Bench::serving_one();
    let first = bench.catalog().sequence;
    assert_eq!(first, u64::try_from(bench.now.as_millisecond()).unwrap());
    bench.look_after(-3600);
    assert_eq!(bench.catalog().sequence, first + 1);
    bench.restart();
    bench.look_after(-60);
    assert_eq!(bench.catalog().sequence, first + 2);
}

#[test]
fn a_restart_keeps_what_is_admitted_before_anything_is_looked_at() {
    let mut bench = Bench::serving_one();
    let before = bench.catalog();
    fs_err::rename(&bench.settings.incoming, bench.dir.path().join("away")).unwrap();
    bench.restart();
    bench.look();
    assert_eq!(bench.catalog().models, before.models);
    fs_err::rename(bench.dir.path().join("away"), &bench.settings.incoming).unwrap();
    bench.settle();
    assert_eq!(bench.catalog().models, before.models);
    assert!(bench.catalog().sequence > before.sequence);
}

#[test]
fn what_is_admitted_is_not_judged_again_after_a_restart() {
    let mut bench = Bench::serving_one();
    bench.stop();
    let mut catalog = bench.catalog();
    catalog.models[0].versions[0].checks[0].detail = "as an older release put it".to_owned();
    let path = bench.settings.store.join("catalog.json");
    fs_err::write(path, catalog.seal(&Bench::key()).unwrap()).unwrap();
    bench.start();
    bench.settle_all();
    assert_eq!(bench.catalog().models, catalog.models);
}

#[test]
fn a_refused_version_stays_refused_over_a_restart() {
    let mut bench = Bench::serving_one();
    bench.drop("a/2", &testkit::linear("a", 3.0));
    bench.write("a/2/stranger", "x");
    bench.settle_all();
    let before = bench.model("a");
    bench.restart();
    for _ in 0..7 {
        bench.look();
        assert_eq!(bench.model("a"), before);
    }
    fs_err::remove_file(bench.folder("a/2/stranger")).unwrap();
    bench.settle();
    assert_eq!(bench.serving("a"), [2]);
}

#[test]
fn a_second_sidecar_on_one_store_is_refused() {
    let bench = Bench::serving_one();
    let error = bench.open().unwrap_err();
    assert!(matches!(error, StartError::Store(_)) && !error.is_config());
    assert_eq!(
        error.to_string(),
        format!(
            "the store cannot be used: another sidecar holds {}; one store has one sidecar",
            bench.settings.store.display()
        )
    );
}

#[test]
fn a_damaged_catalog_is_set_aside_and_its_copy_goes_on() {
    let mut bench = Bench::serving_one();
    let before = bench.catalog();
    bench.stop();
    let store = bench.settings.store.clone();
    let path = |name: &str| store.join(name);
    let mut bytes = fs_err::read(path("catalog.json")).unwrap();
    bytes[100] ^= 1;
    fs_err::write(path("catalog.json"), &bytes).unwrap();

    bench.start();
    assert_eq!(fs_err::read(path("catalog.damaged.json")).unwrap(), bytes);
    assert_eq!(read_catalog(&path("catalog.copy.json")).unwrap(), before);
    bench.look();
    assert_eq!(bench.catalog().models, before.models);
    assert!(bench.catalog().sequence > before.sequence);
    assert_eq!(read_catalog(&path("catalog.copy.json")).unwrap(), bench.catalog());
}

#[test]
fn a_catalog_that_someone_else_signed_is_not_gone_on_from() {
    let mut bench = Bench::serving_one();
    let genuine = bench.catalog();
    bench.stop();
    let mut forged = bench.catalog();
    forged.sequence += 1_000_000;
    forged.models.clear();
    let foreign = artifact::dsse::SealKey::from_bytes(&[8; 32]);
    let path = bench.settings.store.join("catalog.json");
    fs_err::write(&path, forged.seal(&foreign).unwrap()).unwrap();
    bench.start();
    bench.look();
    assert_eq!(bench.catalog().models, genuine.models);
    assert!(bench.catalog().sequence < forged.sequence);
}

#[test]
fn two_damaged_catalogs_and_a_wiped_store_start_anew() {
    let mut bench = Bench::serving_one();
    let before = bench.model("a");
    bench.stop();
    for name in ["catalog.json", "catalog.copy.json"] {
        fs_err::write(bench.settings.store.join(name), "{}").unwrap();
    }
    bench.start();
    bench.settle();
    assert_eq!(bench.model("a"), before);

    let sequence = bench.catalog().sequence;
    bench.stop();
    fs_err::remove_dir_all(&bench.settings.store).unwrap();
    bench.start();
    bench.settle();
    assert_eq!(bench.model("a"), before);
    assert!(bench.catalog().sequence > sequence);
}

#[test]
fn a_store_that_is_wiped_under_a_running_sidecar_is_filled_again_at_the_next_look() {
    let mut bench = Bench::serving_one();
    let before = bench.catalog();
    // The folder stays, as that of a volume does; all that is in it goes.
    let away = bench.dir.path().join("away");
    fs_err::create_dir(&away).unwrap();
    for entry in fs_err::read_dir(&bench.settings.store).unwrap() {
        let entry = entry.unwrap();
        fs_err::rename(entry.path(), away.join(entry.file_name())).unwrap();
    }
    bench.look();
    assert!(bench.blob("a", 1, "model.safetensors").exists());
    assert_eq!(bench.catalog().models, before.models);
    assert!(bench.catalog().sequence > before.sequence);
    assert!(bench.open().is_err(), "it is held again");
}

#[test]
fn a_catalog_that_is_damaged_or_removed_under_a_running_sidecar_is_written_again_at_the_next_look() {
    let mut bench = Bench::serving_one();
    let path = bench.settings.store.join("catalog.json");
    let before = bench.catalog();
    for damage in [&b"{"[..], b""] {
        fs_err::write(&path, damage).unwrap();
        bench.look();
        assert_eq!(bench.catalog().models, before.models);
    }
    fs_err::remove_file(path).unwrap();
    bench.look();
    assert_eq!(bench.catalog().models, before.models);
    // What is well is left alone.
    let mended = bench.catalog();
    bench.look();
    assert_eq!(bench.catalog(), mended);
}

#[test]
fn a_store_that_goes_away_and_comes_back_ends_nothing() {
    let mut bench = Bench::serving_one();
    let before = bench.catalog();
    let away = bench.dir.path().join("away");
    fs_err::rename(&bench.settings.store, &away).unwrap();
    bench.look();
    bench.look_after(300);
    assert!(!bench.settings.store.exists(), "a volume may come back; nothing is put into its place");
    fs_err::rename(away, &bench.settings.store).unwrap();
    bench.look();
    assert!(bench.catalog().sequence > before.sequence);
    bench.look_after(5);
    assert_eq!(bench.catalog().models, before.models);
}

#[test]
fn a_damaged_blob_is_written_again_from_the_same_bytes() {
    let mut bench = Bench::serving_one();
    let blob = bench.blob("a", 1, "model.safetensors");
    let good = fs_err::read(&blob).unwrap();
    fs_err::write(&blob, "damaged").unwrap();
    bench.look_after(60);
    assert_eq!(fs_err::read(&blob).unwrap(), good);
    assert_eq!(bench.model("a").notes, [""; 0]);

    fs_err::remove_file(&blob).unwrap();
    bench.restart();
    bench.settle();
    assert_eq!(fs_err::read(&blob).unwrap(), good);
}

#[test]
fn a_damaged_blob_without_a_folder_is_noted_and_healed_by_the_same_bytes() {
    let mut bench = Bench::serving_one();
    let blob = bench.blob("a", 1, "golden.jsonl");
    let digest = artifact::Digest::of(&fs_err::read(&blob).unwrap());
    bench.remove("a/1");
    fs_err::remove_file(&blob).unwrap();
    bench.look_after(60);
    assert_eq!(bench.serving("a"), [1]);
    assert_eq!(
        bench.model("a").notes[0],
        format!("version 1: blob {digest}: `{}` is missing; drop the same bytes again", digest.hex())
    );
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.settle();
    assert!(blob.exists());
    assert_eq!(bench.model("a").notes, [""; 0]);
}

#[test]
fn a_blob_that_was_damaged_while_nobody_looked_is_noted_at_once() {
    let mut bench = Bench::serving_one();
    let blob = bench.blob("a", 1, "golden.jsonl");
    bench.remove("a/1");
    bench.stop();
    fs_err::write(&blob, "damaged").unwrap();
    bench.start();
    bench.look();
    let notes = bench.model("a").notes;
    assert!(notes[0].starts_with("version 1: blob sha256:"), "{notes:?}");
}

#[test]
fn a_store_that_cannot_be_written_ends_nothing_and_is_tried_again() {
    let mut bench = Bench::serving_one();
    let before = bench.catalog();
    // A folder under the temporary file's name fails a write even for root.
    let (in_the_way, away) =
        (bench.settings.store.join(".catalog.json.tmp"), bench.settings.store.join(".catalog.json.away"));
    fs_err::create_dir(&in_the_way).unwrap();
    bench.drop("a/2", &testkit::linear("a", 3.0));
    bench.settle();
    assert_eq!(bench.catalog(), before, "the old catalog stays");
    fs_err::rename(in_the_way, away).unwrap();
    bench.look();
    assert_eq!(bench.serving("a"), [2]);
}

#[test]
fn a_version_whose_blobs_cannot_be_written_waits_and_says_why() {
    let mut bench = Bench::serving_one();
    let blobs = bench.settings.store.join("blobs/sha256");
    let files = testkit::linear("a", 3.0).files().unwrap();
    let in_the_way = blobs.join(format!(".{}.tmp", artifact::Digest::of(&files.tensors).hex()));
    fs_err::create_dir(&in_the_way).unwrap();
    bench.drop("a/2", &testkit::linear("a", 3.0));
    bench.settle();
    assert_eq!((bench.status("a", 2), bench.serving("a")), (Status::Pending, vec![1]));
    let said = bench.refusal("a", 2);
    assert!(
        said.starts_with("store: failed to create file `") && said.ends_with("Is a directory (os error 21)"),
        "{said}"
    );
    fs_err::remove_dir(in_the_way).unwrap();
    bench.look_after(5);
    assert_eq!((bench.status("a", 2), bench.serving("a")), (Status::Admitted, vec![2]));
}

#[test]
fn health_asks_for_a_catalog_no_older_than_two_heartbeats() {
    let mut bench = Bench::new();
    let say = |bench: &Bench, seconds| {
        let now = bench.now + jiff::SignedDuration::from_secs(seconds);
        sidecar::health(&bench.settings, now).map_err(|error| error.to_string())
    };
    assert_eq!(say(&bench, 0), Err("no catalog: `catalog.json` is missing".to_owned()));
    bench.look();
    assert_eq!(say(&bench, 120), Ok(()));
    assert_eq!(say(&bench, 121), Err("the catalog is 121 s old, expected at most 120 s".to_owned()));
    fs_err::write(bench.settings.store.join("catalog.json"), "{").unwrap();
    let said = say(&bench, 0).unwrap_err();
    assert!(said.starts_with("the catalog is not believed: no signed envelope: "), "{said}");
}

#[test]
fn a_catalog_says_until_when_it_is_the_newest_and_a_greater_epoch_begins_the_sequences_anew() {
    let mut bench = Bench::serving_one();
    let first = bench.catalog();
    assert_eq!(first.epoch, 1);
    assert_eq!(first.expires_at, first.issued_at + jiff::SignedDuration::from_mins(10));

    bench.settings.epoch = 2;
    bench.restart();
    bench.look_after(-3600);
    let second = bench.catalog();
    assert_eq!((second.epoch, &second.models), (2, &first.models));
    assert!(second.sequence < first.sequence && second.rank() > first.rank());

    // A setting that was lost takes nothing back.
    bench.settings.epoch = 1;
    bench.restart();
    bench.look_after(60);
    assert_eq!(bench.catalog().epoch, 2);
    assert!(bench.catalog().sequence > second.sequence);
}
