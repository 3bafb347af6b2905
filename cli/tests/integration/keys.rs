//! `linfactl keys new`: the key goes into the file and nowhere else.

use std::os::unix::fs::PermissionsExt as _;

use artifact::Digest;

use crate::{Folder, text};

#[test]
fn a_key_goes_into_a_file_of_its_owner_and_its_hash_is_printed() {
    let folder = Folder::new();
    let said =
        folder.said("keys new --id demo --scope predict:iris models:read --expires 2027-01-31 --out key");
    let key = fs_err::read_to_string(folder.path("key")).unwrap();
    let mode = fs_err::metadata(folder.path("key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let digits = key.strip_prefix("lsk_").unwrap();
    assert!(digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
    assert!(!said.contains(digits));
    let hash = Digest::of(key.as_bytes()).hex();
    insta::assert_snapshot!(said.replace(&hash, "<sha256 of the key>"), @r#"
    [[key]]
    id = "demo"
    sha256 = "<sha256 of the key>"
    scopes = ["predict:iris", "models:read"]
    expires = 2027-01-31T00:00:00Z
    "#);
}

#[test]
fn two_keys_differ() {
    let folder = Folder::new();
    let key = |name: &str| {
        folder.said(&format!("keys new --id a --scope predict:* --out {name}"));
        fs_err::read(folder.path(name)).unwrap()
    };
    assert_ne!(key("a"), key("b"));
}

#[test]
fn a_file_that_exists_is_never_overwritten() {
    let folder = Folder::with("key", "precious");
    insta::assert_snapshot!(folder.complained("keys new --id a --scope predict:* --out key"), @"linfactl: failed to open file `key`: File exists (os error 17)");
    assert_eq!(fs_err::read_to_string(folder.path("key")).unwrap(), "precious");
}

#[test]
fn what_the_server_would_not_understand_is_refused_before_a_key_is_made() {
    let folder = Folder::new();
    for wrong in [
        "keys new --id a --out key",
        "keys new --id a --scope predict --out key",
        "keys new --id a --scope predict:Iris --out key",
        "keys new --id a --scope models:write --out key",
        "keys new --id \" --scope predict:* --out key",
        "keys new --id a --scope predict:* --expires soon --out key",
    ] {
        let output = folder.run(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong}: {}", text(&output.stderr));
    }
    assert!(!folder.path("key").exists());
}
