//! The store: one writer, and no byte that was not proven.

use std::path::Path;

use artifact::{
    Digest, Files,
    files::FileName,
    store::{Reader, WriteError, Writer},
    testkit,
};

fn store() -> (tempfile::TempDir, Writer, Files) {
    let dir = tempfile::tempdir().unwrap();
    let writer = Writer::open(dir.path()).unwrap();
    (dir, writer, testkit::linear("a", 2.0).files().unwrap())
}

fn blob(root: &Path, digest: Digest) -> std::path::PathBuf {
    root.join("blobs/sha256").join(digest.hex())
}

#[test]
fn what_was_put_is_what_is_read() {
    let (dir, mut writer, files) = store();
    let entries = writer.put_version(&files).unwrap();
    assert_eq!(writer.reader().version(&entries).unwrap(), files);
    assert_eq!(Reader::new(dir.path()).version(&entries).unwrap(), files);
}

#[test]
fn a_damaged_blob_is_not_read_and_is_mended_by_the_next_put() {
    let (dir, mut writer, files) = store();
    let entries = writer.put_version(&files).unwrap();
    let digest = Digest::of(&files.tensors);
    let mut bytes = files.tensors.clone();
    bytes[70] ^= 1;
    fs_err::write(blob(dir.path(), digest), &bytes).unwrap();
    assert_eq!(
        writer.reader().version(&entries).unwrap_err().to_string(),
        format!("blob {digest} is damaged: its bytes have the hash {}", Digest::of(&bytes))
    );
    writer.put_version(&files).unwrap();
    assert_eq!(writer.reader().version(&entries).unwrap(), files);
}

#[test]
fn a_missing_a_long_and_a_linked_blob_are_not_read() {
    let (dir, mut writer, files) = store();
    let entries = writer.put_version(&files).unwrap();
    let digest = Digest::of(&files.golden);
    let path = blob(dir.path(), digest);
    let error = || writer.reader().version(&entries).unwrap_err().to_string();

    fs_err::write(&path, [&files.golden[..], b"\n"].concat()).unwrap();
    let size = files.golden.len();
    assert_eq!(
        error(),
        format!("blob {digest}: `{}` has {} bytes, the limit is {size}", digest.hex(), size + 1)
    );

    let elsewhere = dir.path().join("elsewhere");
    fs_err::write(&elsewhere, &files.golden).unwrap();
    fs_err::remove_file(&path).unwrap();
    assert_eq!(error(), format!("blob {digest}: `{}` is missing", digest.hex()));

    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert_eq!(
        error(),
        format!("blob {digest}: `{}` is a symbolic link; only plain files are read", digest.hex())
    );
}

#[test]
fn a_file_that_the_catalog_does_not_list_is_not_read() {
    let (_dir, mut writer, files) = store();
    let mut entries = writer.put_version(&files).unwrap();
    entries.retain(|entry| entry.name != FileName::Golden);
    assert_eq!(
        writer.reader().version(&entries).unwrap_err().to_string(),
        "the catalog lists no golden.jsonl"
    );
}

#[test]
fn a_second_writer_is_refused_until_the_first_is_gone() {
    let (dir, writer, _) = store();
    let error = Writer::open(dir.path()).unwrap_err();
    assert!(matches!(error, WriteError::Locked(_)));
    assert_eq!(
        error.to_string(),
        format!("another sidecar holds {}; one store has one sidecar", dir.path().display())
    );
    drop(writer);
    Writer::open(dir.path()).unwrap();
}

#[test]
fn a_copy_of_the_newest_catalog_is_kept() {
    let (_dir, mut writer, _) = store();
    let reader = writer.reader();
    assert_eq!(reader.catalog().unwrap_err().to_string(), "`catalog.json` is missing");
    assert_eq!(reader.catalog_copy().unwrap_err().to_string(), "`catalog.copy.json` is missing");
    for bytes in [b"1", b"2"] {
        writer.put_catalog(bytes).unwrap();
        assert_eq!(reader.catalog().unwrap(), bytes);
        assert_eq!(reader.catalog_copy().unwrap(), bytes);
    }
}

#[test]
fn a_wiped_store_is_held_again_unless_another_sidecar_was_faster() {
    let (dir, mut writer, files) = store();
    let wipe = || {
        for entry in fs_err::read_dir(dir.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                fs_err::remove_dir_all(path).unwrap()
            } else {
                fs_err::remove_file(path).unwrap()
            }
        }
    };
    wipe();
    writer.put_version(&files).unwrap();
    assert!(matches!(Writer::open(dir.path()), Err(WriteError::Locked(_))));

    wipe();
    writer.put_catalog(b"1").unwrap();
    assert!(matches!(Writer::open(dir.path()), Err(WriteError::Locked(_))));

    wipe();
    let faster = Writer::open(dir.path()).unwrap();
    assert!(matches!(writer.put_version(&files), Err(WriteError::Locked(_))));
    assert!(matches!(writer.put_catalog(b"1"), Err(WriteError::Locked(_))));
    drop(faster);
    writer.put_catalog(b"1").unwrap();

    fs_err::remove_dir_all(dir.path()).unwrap();
    assert!(matches!(writer.put_version(&files), Err(WriteError::System(_))));
    assert!(!dir.path().exists());
}

#[test]
fn a_store_that_went_away_is_told_by_its_path() {
    let (dir, mut writer, files) = store();
    let entries = writer.put_version(&files).unwrap();
    let root = dir.path().to_owned();
    drop(dir);
    assert_eq!(
        Reader::new(&root).catalog().unwrap_err().to_string(),
        format!("`{}` is missing", root.display())
    );
    assert!(writer.reader().version(&entries).unwrap_err().to_string().ends_with("is missing"));
    assert!(matches!(writer.put_version(&files), Err(WriteError::System(_))));
    assert!(matches!(writer.put_catalog(b"1"), Err(WriteError::System(_))));
}

#[test]
fn a_store_that_cannot_be_opened_is_told_in_the_systems_words() {
    let long = "n".repeat(300);
    assert_eq!(
        Reader::new(&long).catalog().unwrap_err().to_string(),
        format!("`{long}` cannot be read: File name too long (os error 36)")
    );
    let (dir, _writer, _) = store();
    let file = dir.path().join(".lock");
    assert_eq!(
        Reader::new(&file).catalog().unwrap_err().to_string(),
        format!("`{}` is a file where a folder belongs; only plain files are read", file.display())
    );
}

#[test]
fn a_write_that_fails_leaves_no_half_file_and_the_old_catalog() {
    let (dir, mut writer, files) = store();
    writer.put_catalog(b"1").unwrap();
    // A folder where the file belongs: the rename fails after everything was written.
    fs_err::create_dir(blob(dir.path(), Digest::of(&files.tensors))).unwrap();
    assert!(matches!(writer.put_version(&files), Err(WriteError::System(_))));
    let left = fs_err::read_dir(dir.path().join("blobs/sha256")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!left.iter().any(|name| name.ends_with(".tmp")), "{left:?}");
    assert_eq!(writer.reader().catalog().unwrap(), b"1");
}
