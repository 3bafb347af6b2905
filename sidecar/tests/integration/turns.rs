//! Whose turn it is to be judged, and what happens meanwhile. The judges are shell scripts, so that a test decides when
//! they end.

use artifact::{
    catalog::Status,
    testkit::{self, Parts},
};

use crate::{
    bench::Bench,
    judging::{CREDULOUS, script},
};

#[test]
fn a_model_whose_judge_hangs_holds_up_no_other_and_the_looks_go_on() {
    let mut bench = Bench::idle();
    let gate = bench.dir.path().join("gate");
    rustix::fs::mkfifoat(rustix::fs::CWD, &gate, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let gate = gate.display();
    // It hangs as long as nobody opens the gate.
    bench.judge =
        script(&format!(r#"head -c 400 | grep -q '"name":"hangs"' && read opened <{gate}; {CREDULOUS}"#));
    bench.settings.judging.wall_seconds = 3600;
    bench.start();
    bench.drop("hangs/1", &testkit::linear("hangs", 2.0));
    bench.drop("hangs/2", &testkit::linear("hangs", 2.0));
    for version in 1..=3 {
        bench.drop(&format!("good/{version}"), &testkit::linear("good", 2.0));
    }
    bench.look_pending();
    for serving in [3, 3, 3] {
        assert!(bench.verdict());
        assert_eq!(bench.serving("good"), [serving]);
    }
    assert!(bench.model("good").versions.iter().all(|version| version.status == Status::Admitted));
    assert!(bench.model("hangs").versions.iter().all(|version| version.status == Status::Pending));
    // What hangs does not even hold up the heartbeat.
    bench.scan_after(61);
    assert_eq!(bench.catalog().issued_at, bench.now);
    bench.drop("late/1", &testkit::linear("late", 2.0));
    bench.look_pending();
    assert!(bench.verdict());
    assert_eq!(bench.serving("late"), [1]);

    fs_err::write(gate.to_string(), "\n").unwrap();
    assert!(bench.verdict());
    assert_eq!(bench.status("hangs", 2), Status::Admitted, "the newest had the turn");
    fs_err::write(gate.to_string(), "\n").unwrap();
    assert!(bench.verdict());
    assert_eq!(bench.status("hangs", 1), Status::Admitted);
}

#[test]
fn of_many_versions_none_is_lost_and_no_two_of_a_model_are_judged_at_once() {
    let mut bench = Bench::idle();
    let path = |name: &str| bench.dir.path().join(name);
    let (judged, wrong) = (path("judged"), path("wrong"));
    fs_err::create_dir(&judged).unwrap();
    fs_err::write(&wrong, "").unwrap();
    // Each marks its model while it judges; it is wrong to find the mark, or more than two.
    bench.judge = script(&format!(
        r#"cd {judged}; name=$(head -c 400 | grep -ao '"name":"[a-z]*"')
        mkdir "$name" || echo "$name" >>{wrong}
        [ $(ls | wc -l) -le 2 ] || ls >>{wrong}
        rmdir "$name"; {CREDULOUS}"#,
        judged = judged.display(),
        wrong = wrong.display()
    ));
    bench.start();
    for name in ["a", "b", "c"] {
        for version in 1..=12 {
            bench.drop(&format!("{name}/{version}"), &testkit::linear(name, 2.0));
        }
    }
    for version in 13..=36 {
        bench.drop(&format!("c/{version}"), &testkit::linear("c", 2.0));
    }
    bench.settle();
    for (name, versions) in [("a", 12), ("b", 12), ("c", 36)] {
        let model = bench.model(name);
        assert_eq!(model.versions.len(), versions);
        assert!(model.versions.iter().all(|version| version.status == Status::Admitted));
    }
    assert_eq!(fs_err::read_to_string(wrong).unwrap(), "");
}

#[test]
fn a_verdict_on_bytes_that_have_changed_meanwhile_counts_for_nothing() {
    let mut bench = Bench::idle();
    let gate = bench.dir.path().join("gate");
    rustix::fs::mkfifoat(rustix::fs::CWD, &gate, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    bench.judge = script(&format!("read opened <{}; {CREDULOUS}", gate.display()));
    bench.start();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.look_pending();
    bench.remove("a/1");
    bench.drop("a/1", &testkit::linear("a", 3.0));
    bench.scan_after(1);
    fs_err::write(&gate, "\n").unwrap();
    assert!(bench.verdict());
    assert_eq!((bench.status("a", 1), bench.serving("a")), (Status::Pending, vec![]));
    bench.scan_after(1);
    fs_err::write(&gate, "\n").unwrap();
    assert!(bench.verdict());
    let manifest = testkit::linear("a", 3.0).files().unwrap().manifest;
    assert_eq!(bench.version("a", 1).digest, Some(artifact::Digest::of(&manifest)));
}

#[test]
fn large_versions_are_judged_one_after_the_other_and_small_ones_beside_them() {
    let mut bench = Bench::idle();
    let gate = bench.dir.path().join("gate");
    rustix::fs::mkfifoat(rustix::fs::CWD, &gate, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    bench.judge = script(&format!(
        r#"head -c 400 | grep -q '"name":"large' && read opened <{}; {CREDULOUS}"#,
        gate.display()
    ));
    bench.settings.max_version_mib = 4;
    bench.settings.judging.at_once = 8;
    bench.start();
    for name in ["large-a", "large-b"] {
        let parts = Parts::of(&testkit::linear(name, 2.0));
        bench.drop_parts(&format!("{name}/1"), &parts.set_file("README.md", vec![b' '; (1 << 20) + 1]));
    }
    bench.drop("small/1", &testkit::linear("small", 2.0));
    bench.look_pending();
    assert!(bench.verdict());
    assert_eq!(bench.serving("small"), [1]);
    for (admitted, waits) in [("large-a", Some("large-b")), ("large-b", None)] {
        fs_err::write(&gate, "\n").unwrap();
        assert!(bench.verdict());
        assert_eq!(bench.serving(admitted), [1]);
        assert!(waits.is_none_or(|name| bench.status(name, 1) == Status::Pending));
    }
}
