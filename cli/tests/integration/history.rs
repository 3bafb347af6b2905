//! `linfactl history`, on a store that a sidecar writes.

use std::os::unix::fs::PermissionsExt;

use jiff::{SignedDuration, Timestamp};
use sidecar::{Judge, Scanner, Settings};

use crate::Folder;

/// Any Ed25519 key in PEM.
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH
-----END PRIVATE KEY-----
";

/// Looks often enough, with a clock of its own, that everything has settled.
fn judge(folder: &Folder) {
    let settings = Settings {
        incoming: folder.path("models"),
        store: folder.path("store"),
        signing_key_file: folder.path("key.pem"),
        ..Settings::default()
    };
    let judge = Judge::child(env!("CARGO_BIN_EXE_linfactl"), ["up-judge"]);
    let mut scanner = Scanner::open(&settings, judge, sidecar::bell().0).unwrap();
    let mut now = Timestamp::now();
    for _ in 0..20 {
        now += SignedDuration::from_secs(1);
        scanner.scan_once(now);
        while scanner.wait(now) {}
    }
}

#[test]
fn every_verdict_is_told_also_those_that_the_catalog_has_forgotten() {
    let folder = Folder::with("key.pem", KEY);
    fs_err::set_permissions(folder.path("key.pem"), PermissionsExt::from_mode(0o600)).unwrap();
    crate::up::copy(&crate::up::repository().join("models/iris/1"), &folder.path("models/iris/1"));
    crate::up::copy(&folder.path("models/iris/1"), &folder.path("models/iris/2"));
    fs_err::write(folder.path("models/iris/2/extra"), "").unwrap();
    judge(&folder);
    fs_err::remove_dir_all(folder.path("models/iris/2")).unwrap();
    judge(&folder);

    let said = folder.said("history iris --store store");
    let lines: Vec<_> = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    let verdict = |version, verdict| {
        lines.iter().position(|line| line.len() > 2 && (line[1], line[2]) == (version, verdict))
    };
    assert!(verdict("1", "admitted").is_some() && verdict("2", "rejected").is_some(), "{said}");
    assert!(said.contains("layout: `extra` does not belong"), "{said}");
    assert!(said.contains("1 (default)"), "{said}");

    let json: serde_json::Value =
        serde_json::from_str(&folder.said("history iris --store store --format json")).unwrap();
    let first = &json["entries"][0]["event"]["verdict"];
    assert!(first["checks"].as_array().is_some_and(|checks| !checks.is_empty()), "{json:#}");
    assert_eq!(json["unread"], 0);

    insta::assert_snapshot!(folder.said("history wine --store store"), @"no verdict about wine is kept");
    insta::assert_snapshot!(folder.complained("history iris --store nowhere"), @"linfactl: `nowhere` is missing");
}
