//! The same checks on one folder, for whoever asks before they drop it.

use artifact::testkit::{self, Parts};

fn checks(verdict: &sidecar::Verdict) -> Vec<(&str, bool)> {
    let checks = verdict.checks.iter();
    checks.map(|check| (check.name.as_str(), check.passed)).collect()
}

#[test]
fn a_good_folder_passes_every_check() {
    let dir = tempfile::tempdir().unwrap();
    let pack = testkit::binary("a");
    Parts::of(&pack).write(&dir.path().join("a/1"));
    let verdict = sidecar::verify(&dir.path().join("a/1"));
    assert_eq!(verdict.refusal, None);
    assert_eq!(verdict.digest, Some(artifact::Digest::of(&pack.files().unwrap().manifest)));
    let names = [
        "layout",
        "manifest",
        "digest",
        "signature",
        "parameters",
        "golden",
        "probe",
        "latency",
        "schema",
        "quality",
    ];
    assert_eq!(checks(&verdict), names.map(|name| (name, true)));
}

#[test]
fn the_folders_name_counts_only_where_it_is_a_models() {
    let dir = tempfile::tempdir().unwrap();
    let parts = Parts::of(&testkit::binary("a"));
    parts.write(&dir.path().join("b/1"));
    parts.write(&dir.path().join("target/out"));
    let refusal = sidecar::verify(&dir.path().join("b/1")).refusal.unwrap();
    assert_eq!(
        (refusal.check.as_str(), refusal.reason.as_str()),
        ("manifest", "the manifest is of model `a`, the folder is of `b`")
    );
    assert_eq!(sidecar::verify(&dir.path().join("target/out")).refusal, None);
}

#[test]
fn a_bad_folder_shows_the_checks_up_to_the_one_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    Parts::of(&testkit::linear("a", 2.0))
        .edit_golden(|rows| rows[0]["scores"][0] = 9.0.into())
        .write(&dir.path().join("a/1"));
    let verdict = sidecar::verify(&dir.path().join("a/1"));
    assert_eq!(
        checks(&verdict),
        [
            ("layout", true),
            ("manifest", true),
            ("digest", true),
            ("signature", true),
            ("parameters", true),
            ("golden", false)
        ]
    );
    assert_eq!(verdict.refusal.unwrap().check, "golden");
}

#[test]
fn a_missing_folder_and_a_file_are_refused_by_path() {
    let dir = tempfile::tempdir().unwrap();
    let missing = sidecar::verify(&dir.path().join("none"));
    assert_eq!(checks(&missing), [("layout", false)]);
    let reason = missing.refusal.unwrap().reason;
    assert!(
        reason.contains("none") && reason.ends_with("No such file or directory (os error 2)"),
        "{reason}"
    );

    fs_err::write(dir.path().join("1"), "x").unwrap();
    assert_eq!(
        sidecar::verify(&dir.path().join("1")).refusal.unwrap().reason,
        "`1` is a file where a folder belongs; only plain files are read"
    );
}
