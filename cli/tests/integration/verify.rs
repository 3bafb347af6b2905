//! `linfactl verify`: good and broken versions. What each check says is the sidecar's business.

use artifact::testkit;

use crate::{Folder, text};

const CHECKS: [&str; 10] = [
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

/// A folder with a sound version at `iris/1`.
fn sound() -> Folder {
    let folder = Folder::new();
    let (files, _) = testkit::classifier("iris").seal().unwrap();
    files.write(&folder.path("iris/1")).unwrap();
    folder
}

/// The first two columns of the table, without its header; the digest below it has one.
fn results(table: &str) -> Vec<(&str, &str)> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut columns = line.split_whitespace();
            Some((columns.next()?, columns.next()?))
        })
        .collect()
}

#[test]
fn a_good_version_passes_every_check() {
    let said = sound().said("verify iris/1");
    assert_eq!(results(&said), CHECKS.map(|check| (check, "passed")));
    assert!(said.trim_end().lines().last().unwrap().starts_with("sha256:"), "{said}");
}

#[test]
fn the_committed_iris_model_passes_every_check() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/iris/1");
    let said = Folder::new().said(&format!("verify {folder}"));
    assert_eq!(results(&said), CHECKS.map(|check| (check, "passed")));
}

#[test]
fn a_broken_version_ends_with_1_and_says_which_check_failed_and_why() {
    let folder = sound();
    let tensors = folder.path("iris/1/model.safetensors");
    let mut bytes = fs_err::read(&tensors).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs_err::write(&tensors, bytes).unwrap();
    let output = folder.run("verify iris/1");
    assert_eq!(output.status.code(), Some(1));
    let table = text(&output.stdout);
    let expected = [("layout", "passed"), ("manifest", "passed"), ("digest", "FAILED")];
    assert_eq!(results(&table), expected);
    let complaint = text(&output.stderr);
    let reason = complaint.trim_end().strip_prefix("linfactl: iris/1 is refused: ").unwrap();
    assert!(reason.starts_with("`model.safetensors`") && table.contains(reason), "{complaint}");
}

#[test]
fn a_folder_that_is_not_there_is_refused() {
    let said = Folder::new().complained("verify models/iris/1");
    assert!(said.contains("models/iris/1") && said.contains("No such file"), "{said}");
}
