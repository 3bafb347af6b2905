//! `linfactl predict` and `models`, as far as no server is needed.

use crate::Folder;

#[test]
fn a_missing_key_is_said_before_anything_is_sent() {
    let folder = Folder::new();
    insta::assert_snapshot!(folder.complained("predict 1,2"), @"linfactl: no API key: name its file by --key-file or LINFACTL_KEY_FILE");
    insta::assert_snapshot!(folder.complained("models --key-file none"), @"linfactl: failed to open file `none`: No such file or directory (os error 2)");
}

#[test]
fn a_key_file_that_holds_none_is_named_without_its_content() {
    let folder = Folder::with("key", "two words");
    insta::assert_snapshot!(folder.complained("models --key-file key"), @"linfactl: key holds no key: the API key is empty or has characters that no key has");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let folder = Folder::with("key", "lsk_test");
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = folder.complained(&format!("models --key-file key --server http://{address}"));
    assert_eq!(said, format!("linfactl: cannot reach http://{address}: Connection refused (os error 111)"));
}

#[test]
fn rows_that_are_none_are_refused() {
    let folder = Folder::with("rows.csv", "a,b\n1,2\n3\n");
    insta::assert_snapshot!(folder.complained("predict 1,2 1"), @"linfactl: row 2 has 1 values, row 1 has 2");
    insta::assert_snapshot!(folder.complained("predict --csv rows.csv"), @"linfactl: rows.csv: row 2 has 1 fields, the header has 2");
    for wrong in ["predict", "predict 1,x", "predict 1,2 --csv rows.csv", "predict 1 --version 1 --label a"] {
        assert_eq!(folder.run(wrong).status.code(), Some(2), "{wrong}");
    }
}
