//! linfactl as a user runs it: the program itself, its output and its exit codes.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test helper may fail")]

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use assert_cmd::Command;
// By its own name too, as the tour knows it.
extern crate client as linfa_serve_client;

mod contract;
mod families;
mod history;
mod keys;
mod live;
mod naive_bayes;
mod pin;
mod predict;
mod runbook;
mod tables;
mod train;
mod train_linear;
mod transformers;
mod up;
mod verify;

/// The training data that lies beside the models.
const IRIS: &str = include_str!("../../../models/iris.csv");
/// A time that makes a run repeatable.
const CREATED_AT: &str = "2026-11-24T00:00:00Z";

/// A folder of its own, with CSV files in it and models trained into it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(name: &str, text: &str) -> Self {
        let folder = Self::new();
        fs_err::write(folder.path(name), text).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `linfactl ARGUMENTS`, here, and without the caller's settings.
    fn run(&self, arguments: &str) -> Output {
        let mut command = Command::cargo_bin("linfactl").unwrap();
        command.current_dir(self.0.path()).env_remove("LINFACTL_SERVER").env_remove("LINFACTL_KEY_FILE");
        command.args(arguments.split_whitespace()).output().unwrap()
    }

    /// What it prints when it succeeds.
    fn said(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        // No progress bar where nobody watches.
        assert_eq!(text(&output.stderr), "");
        text(&output.stdout)
    }

    /// What it says when it fails.
    fn complained(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stderr).trim_end().to_owned()
    }

    /// Every file below `name`, by its path in it.
    fn files(&self, name: &str) -> Vec<(String, Vec<u8>)> {
        fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
            for entry in fs_err::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    collect(root, &path, files);
                } else {
                    let name = path.strip_prefix(root).unwrap().display().to_string();
                    files.push((name, fs_err::read(path).unwrap()));
                }
            }
        }
        let (root, mut files) = (self.path(name), Vec::new());
        collect(&root, &root, &mut files);
        files.sort();
        files
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
