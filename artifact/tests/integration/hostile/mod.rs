//! Hostile and broken versions, one rule at a time, and the sentence that each is refused with.

mod bundle;
mod catalog;
mod gaps;
mod golden;
mod manifest;
mod order;
mod parameters;
mod predict;
mod store;
mod tables;
mod trees;

use artifact::{Artifact, Digest, Files, Golden, LoadError, Manifest, Model, testkit::Parts};

/// The model of those files, without its golden rows.
fn load(files: &Files) -> Result<Model, LoadError> {
    let manifest = Manifest::parse(&files.manifest).unwrap();
    Model::load(manifest, Digest::of(&files.manifest), &files.tensors)
}

/// Why the parameters of a version are refused, once they are changed as told.
fn load_error(pack: &Artifact, change: impl FnOnce(Parts) -> Parts) -> String {
    load(&change(Parts::of(pack)).files()).unwrap_err().to_string()
}

/// Why the manifest of a version is refused, once it is changed as told.
fn manifest_error(pack: &Artifact, change: impl FnOnce(&mut serde_json::Value)) -> String {
    let files = Parts::of(pack).edit_manifest(change).files();
    Manifest::parse(&files.manifest).unwrap_err().to_string()
}

/// Why the golden rows of a version are refused, once it is changed as told.
fn golden_error(pack: &Artifact, change: impl FnOnce(Parts) -> Parts) -> String {
    let files = change(Parts::of(pack)).files();
    let model = load(&files).unwrap();
    let replay = Golden::parse(&files.golden).and_then(|golden| golden.replay(&model));
    replay.unwrap_err().to_string()
}
