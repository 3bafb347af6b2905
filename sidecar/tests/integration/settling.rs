//! From the first byte of a copy to a verdict.

use artifact::{
    catalog::Status,
    testkit::{self, Parts},
};
use sidecar::Looked;

use crate::bench::Bench;

#[test]
fn a_good_version_is_admitted_when_two_looks_saw_the_same() {
    let mut bench = Bench::new();
    bench.drop("iris/1", &testkit::classifier("iris"));
    let first = bench.look();
    assert_eq!(bench.status("iris", 1), Status::Pending);
    assert_eq!(first, Looked { unsettled: true, more: false });
    let second = bench.look();
    assert_eq!(second, Looked::default());

    let version = bench.version("iris", 1);
    assert_eq!(version.status, Status::Admitted);
    assert_eq!(version.refusal, None);
    let checks: Vec<_> = version
        .checks
        .iter()
        .map(|check| (check.name.as_str(), check.passed, check.detail.as_str()))
        .collect();
    let digest = version.digest.unwrap().to_string();
    let bytes: u64 = version.files.iter().map(|file| file.size).sum();
    let worst = checks[4].2;
    assert_eq!(
        checks,
        [
            ("layout", true, format!("3 files, {bytes} bytes").as_str()),
            ("manifest", true, "classification, 4 features, 2 steps"),
            ("digest", true, &digest),
            ("parameters", true, "standard_scaler, multinomial_logistic_regression; 456 bytes"),
            ("golden", true, worst),
            ("probe", true, "256 rows, sound, and each alone as among the others"),
        ]
    );
    assert!(
        worst.starts_with("6 rows, worst difference ") && worst.ends_with(" % of the tolerance"),
        "{worst}"
    );
    let model = bench.model("iris");
    assert_eq!(model.default, Some(1.try_into().unwrap()));
    assert_eq!(bench.serving("iris"), [1]);
}

#[test]
fn every_change_asks_for_another_look_soon() {
    let mut bench = Bench::new();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.settle();
    let soon = Looked { unsettled: true, more: false };
    bench.drop("a/2", &testkit::linear("a", 3.0));
    assert_eq!((bench.look(), bench.look()), (soon, Looked::default()));
    bench.write("a/policy.toml", "serve = [1]");
    assert_eq!((bench.look(), bench.look()), (soon, Looked::default()));
}

#[test]
fn a_difference_to_the_librarys_answer_is_told_as_a_share_of_what_is_tolerated() {
    let mut bench = Bench::new();
    let parts = Parts::of(&testkit::linear("a", 2.0)).edit_golden(|rows| {
        rows[0]["scores"][0] = (1.0 + 5e-5).into();
        rows[0]["tolerance"] = 1e-4.into();
    });
    bench.drop_parts("a/1", &parts);
    bench.settle_all();
    let detail = &bench.version("a", 1).checks[4].detail;
    assert_eq!(detail, "5 rows, worst difference 50.0 % of the tolerance");
}

#[test]
fn every_kind_of_model_is_admitted_and_its_blobs_are_its_files() {
    let mut bench = Bench::new();
    let packs = [
        testkit::linear("linear", 2.0),
        testkit::classifier("classifier"),
        testkit::binary("binary"),
        testkit::clusters("clusters"),
        testkit::tree("tree"),
    ];
    for pack in &packs {
        bench.drop(&format!("{}/7", pack.name), pack);
    }
    bench.settle();
    let store = artifact::store::Reader::new(&bench.settings.store);
    for pack in &packs {
        let version = bench.version(pack.name.as_str(), 7);
        assert_eq!(version.status, Status::Admitted, "{}", pack.name);
        assert_eq!(store.version(&version.files).unwrap(), pack.files().unwrap());
    }
}

#[test]
fn a_half_copied_version_is_pending_then_incomplete_and_admitted_once_complete() {
    let mut bench = Bench::new();
    let files = testkit::linear("a", 2.0).files().unwrap();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.write("a/1/model.safetensors", &files.tensors[..10]);
    fs_err::remove_file(bench.folder("a/1/golden.jsonl")).unwrap();
    bench.settle();
    assert_eq!(bench.status("a", 1), Status::Pending);
    assert_eq!(bench.refusal("a", 1), "layout: `golden.jsonl` is missing");

    bench.write("a/1/golden.jsonl", &files.golden);
    bench.look_after(59);
    bench.look_after(1);
    let short = format!("layout: `model.safetensors` has 10 of {} bytes", files.tensors.len());
    assert_eq!(bench.refusal("a", 1), short);
    bench.look_after(58);
    assert_eq!(bench.status("a", 1), Status::Pending);
    bench.look_after(1);
    assert_eq!(bench.status("a", 1), Status::Incomplete);
    assert_eq!(bench.refusal("a", 1), format!("{short}, and nothing has changed for 60 s"));

    bench.write("a/1/model.safetensors", &files.tensors);
    bench.look();
    assert_eq!(bench.status("a", 1), Status::Pending);
    bench.look();
    assert_eq!(bench.status("a", 1), Status::Admitted);
}

#[test]
fn no_moment_of_a_copy_is_refused_whatever_the_order_of_its_files() {
    let mut bench = Bench::new();
    let files = testkit::binary("a").files().unwrap();
    let all = [
        ("manifest.json", &files.manifest),
        ("model.safetensors", &files.tensors),
        ("golden.jsonl", &files.golden),
    ];
    for (version, order) in
        [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].into_iter().enumerate()
    {
        let version = version as u64 + 1;
        fs_err::create_dir_all(bench.folder(&format!("a/{version}"))).unwrap();
        for file in order {
            let (name, bytes) = all[file];
            // The manifest's last byte is a newline, without which it is another manifest.
            for length in [1, bytes.len() / 2, bytes.len() - 2, bytes.len() - 1, bytes.len()] {
                bench.write(&format!("a/{version}/{name}"), &bytes[..length]);
                bench.settle();
                let status = bench.status("a", version);
                let whole = file == order[2] && length == bytes.len();
                let expected = if whole { Status::Admitted } else { Status::Pending };
                assert_eq!(status, expected, "version {version}, {length} bytes of {name}");
            }
        }
    }
}

#[test]
fn a_manifest_without_a_last_newline_is_judged_once_nothing_has_changed_for_5_s() {
    let mut bench = Bench::new();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    let manifest = testkit::linear("a", 2.0).files().unwrap().manifest;
    bench.write("a/1/manifest.json", manifest.trim_ascii_end());
    bench.look_after(1);
    bench.look_after(4);
    assert_eq!(bench.status("a", 1), Status::Pending);
    bench.look();
    assert_eq!(bench.status("a", 1), Status::Admitted);
}

#[test]
fn a_copied_folder_is_a_new_version_of_the_same_digest() {
    let mut bench = Bench::new();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.settle();
    bench.drop("a/2", &testkit::linear("a", 2.0));
    bench.settle();
    assert_eq!(bench.serving("a"), [2]);
    assert_eq!(bench.version("a", 2).digest, bench.version("a", 1).digest);
}

#[test]
fn a_wrong_hash_is_refused_once_nothing_has_changed_for_5_s() {
    let mut bench = Bench::new();
    let parts = Parts::of(&testkit::linear("a", 2.0)).without_resealing();
    let mut golden = parts.files().golden;
    golden[2] ^= 1;
    bench.drop_parts("a/1", &parts.set_file("golden.jsonl", golden));
    bench.settle();
    assert_eq!(bench.status("a", 1), Status::Pending);
    bench.look_after(3);
    assert_eq!(bench.status("a", 1), Status::Pending);
    bench.look();
    assert_eq!(bench.status("a", 1), Status::Rejected);
    let said = bench.refusal("a", 1);
    assert!(said.starts_with("digest: `golden.jsonl` has the hash sha256:"), "{said}");
    let checks = bench.version("a", 1).checks;
    let ran: Vec<_> = checks.iter().map(|check| (check.name.as_str(), check.passed)).collect();
    assert_eq!(ran, [("layout", true), ("manifest", true), ("digest", false)]);
}

#[test]
fn bytes_that_change_are_judged_again() {
    let mut bench = Bench::new();
    let pack = testkit::linear("a", 2.0);
    bench.drop("a/1", &pack);
    bench.write("a/1/manifest.json", "{");
    bench.settle_all();
    assert_eq!(bench.status("a", 1), Status::Rejected);
    assert_eq!(bench.refusal("a", 1), "manifest: EOF while parsing an object at line 1 column 1");
    bench.write("a/1/manifest.json", pack.files().unwrap().manifest);
    bench.settle();
    assert_eq!(bench.status("a", 1), Status::Admitted);
}

#[test]
fn a_temporary_name_that_goes_away_in_time_is_no_extra_file() {
    let mut bench = Bench::new();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.write("a/1/.README.md.x7Yz", "# a");
    bench.settle();
    assert_eq!(bench.status("a", 1), Status::Pending);
    fs_err::rename(bench.folder("a/1/.README.md.x7Yz"), bench.folder("a/1/README.md")).unwrap();
    bench.settle();
    assert_eq!(bench.status("a", 1), Status::Admitted);
}

#[test]
fn a_clock_that_is_set_back_holds_nothing_up() {
    let mut bench = Bench::new();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.look();
    bench.look_after(-7200);
    assert_eq!(bench.status("a", 1), Status::Admitted);
    assert_eq!(bench.catalog().issued_at, bench.now);
}

#[test]
fn a_version_serves_before_the_next_model_is_judged() {
    let mut bench = Bench::new();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.drop("b/1", &testkit::linear("b", 2.0));
    bench.look();
    bench.look();
    assert_eq!((bench.serving("a"), bench.serving("b")), (vec![1], vec![1]));
    // Two catalogs came of that look, one after each verdict.
    let clock = u64::try_from(bench.now.as_millisecond()).unwrap();
    assert_eq!(bench.catalog().sequence, clock + 1);
}

#[test]
fn a_model_with_many_bad_versions_does_not_hold_up_a_good_one() {
    let mut bench = Bench::idle();
    bench.settings.judging.at_once = 1;
    bench.start();
    let bad = Parts::of(&testkit::linear("a", 2.0)).edit_golden(|rows| rows[0]["scores"][0] = 5.0.into());
    for version in 1..=20 {
        bench.drop_parts(&format!("a/{version}"), &bad);
    }
    bench.drop("b/1", &testkit::linear("b", 2.0));
    bench.look();
    assert_eq!(
        bench.scan_after(5),
        Looked { unsettled: false, more: false },
        "one is judged, and there is no room"
    );
    assert!(bench.verdict() && bench.verdict());
    assert_eq!(bench.status("b", 1), Status::Admitted);
    let versions = bench.model("a").versions;
    let judged: Vec<_> = versions.iter().filter(|version| version.status == Status::Rejected).collect();
    assert_eq!(judged.len(), 1, "one turn");
    assert_eq!(judged[0].version.get(), 20, "the newest");
}

#[test]
fn a_short_file_is_waited_for_whatever_else_is_wrong_with_the_folder() {
    let mut bench = Bench::new();
    let files = testkit::linear("a", 2.0).files().unwrap();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.write("a/1/model.safetensors", &files.tensors[..10]);
    bench.write("a/1/.golden.jsonl.x7Yz", "{");
    fs_err::hard_link(bench.folder("a/1/golden.jsonl"), bench.dir.path().join("golden")).unwrap();
    bench.settle_all();
    assert_eq!(bench.status("a", 1), Status::Pending);
    let said = bench.refusal("a", 1);
    assert_eq!(said, format!("layout: `model.safetensors` has 10 of {} bytes", files.tensors.len()));
}
