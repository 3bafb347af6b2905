//! What the store keeps and what is removed from it, by a sidecar at work.

use std::time::{Duration, Instant};

use artifact::{catalog::Status, store::Reader, testkit};

use crate::bench::Bench;

fn blobs(bench: &Bench) -> usize {
    fs_err::read_dir(bench.settings.store.join("blobs/sha256")).unwrap().count()
}

/// Versions 1 to 3 of `a`, of which the first is then withdrawn; how many blobs the other two have.
fn withdrawn(grace_seconds: u32) -> (Bench, usize) {
    let mut bench = Bench::idle();
    bench.settings.blob_grace_seconds = grace_seconds;
    bench.start();
    for version in [2, 3] {
        bench.drop(&format!("a/{version}"), &testkit::linear("a", f64::from(version)));
    }
    bench.settle_all();
    let needed = blobs(&bench);
    bench.drop("a/1", &testkit::linear("a", 1.0));
    bench.settle_all();
    assert_eq!(bench.status("a", 1), Status::Admitted);
    assert!(blobs(&bench) > needed);
    bench.remove("a/1");
    bench.look();
    bench.look_after(5);
    assert_eq!(bench.status("a", 1), Status::Withdrawn);
    (bench, needed)
}

#[test]
fn the_blobs_of_a_withdrawn_version_are_removed_after_the_grace_and_all_others_stay() {
    let (mut bench, needed) = withdrawn(1);
    let begun = Instant::now();
    while blobs(&bench) > needed {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} blobs, {needed} are needed", blobs(&bench));
        bench.look();
    }
    bench.look();
    assert_eq!(blobs(&bench), needed);
    for version in [2, 3] {
        let files = bench.version("a", version).files;
        Reader::new(&bench.settings.store).version(&files).unwrap();
    }
    // Its bytes may come back under its number.
    bench.drop("a/1", &testkit::linear("a", 1.0));
    bench.settle();
    assert_eq!(bench.status("a", 1), Status::Admitted);
    Reader::new(&bench.settings.store).version(&bench.version("a", 1).files).unwrap();
}

#[test]
fn neither_a_clock_that_jumps_nor_a_start_removes_a_blob_early() {
    let (mut bench, _) = withdrawn(3600);
    let before = blobs(&bench);
    for seconds in [86_400 * 365, -86_400 * 730, 86_400 * 365] {
        bench.look_after(seconds);
        bench.restart();
        bench.look_after(7200);
    }
    assert_eq!(blobs(&bench), before);
}
