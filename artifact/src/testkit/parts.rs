//! The parts of one version, to be spoilt on purpose. The manifest's sizes and digests follow the files, so that a
//! test breaks the one rule it means and no other.

use std::path::Path;

use serde_json::Value;

use crate::{
    Artifact, Digest, Files,
    files::FileName,
    tensors::{Tensor, Tensors},
};

/// A version that is being changed. Every method takes and gives the whole.
#[derive(Clone, Debug)]
pub struct Parts {
    files: Files,
    /// What else lies in the folder.
    others: Vec<(String, Vec<u8>)>,
    reseal: bool,
}

impl Parts {
    /// The parts of a good version.
    pub fn of(pack: &Artifact) -> Self {
        Self { files: pack.files().expect("a fixture can be written"), others: Vec::new(), reseal: true }
    }

    /// Changes the manifest, as JSON. Nothing is mended afterwards: a size or digest that is set here stays.
    pub fn edit_manifest(mut self, edit: impl FnOnce(&mut Value)) -> Self {
        let mut manifest = serde_json::from_slice(&self.files.manifest).expect("the manifest is JSON");
        edit(&mut manifest);
        self.files.manifest = serde_json::to_vec_pretty(&manifest).expect("JSON can be written");
        self
    }

    /// Changes the golden rows, as JSON.
    pub fn edit_golden(self, edit: impl FnOnce(&mut Vec<Value>)) -> Self {
        let lines = self.files.golden.trim_ascii_end().split(|byte| *byte == b'\n');
        let mut rows =
            lines.map(|line| serde_json::from_slice(line).expect("a golden row is JSON")).collect();
        edit(&mut rows);
        let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
        self.set_file(FileName::Golden.as_str(), lines)
    }

    /// Changes the tensors, named with their step's index as in `0.offsets`.
    pub fn edit_tensors(self, edit: impl FnOnce(&mut Vec<(String, Tensor)>)) -> Self {
        let tensors = Tensors::parse(&self.files.tensors).expect("the tensors are readable");
        let mut tensors = tensors.into_iter().collect();
        edit(&mut tensors);
        self.set_tensors(tensors)
    }

    /// Replaces one tensor, or adds it.
    pub fn set_tensor(self, name: &str, tensor: Tensor) -> Self {
        self.edit_tensors(|tensors| {
            tensors.retain(|(other, _)| other != name);
            tensors.push((name.to_owned(), tensor));
        })
    }

    /// Replaces all tensors.
    pub fn set_tensors(self, tensors: Vec<(String, Tensor)>) -> Self {
        let bytes = Tensors::to_bytes(&tensors).expect("shapes and values agree");
        self.set_file(FileName::Tensors.as_str(), bytes)
    }

    /// Replaces a file, or adds one that does not belong there (which only [`Parts::write`] shows).
    pub fn set_file(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        match name {
            "manifest.json" => self.files.manifest = bytes,
            "model.safetensors" => self.files.tensors = bytes,
            "golden.jsonl" => self.files.golden = bytes,
            _ => self.others.push((name.to_owned(), bytes)),
        }
        if self.reseal && name != "manifest.json" { self.resealed() } else { self }
    }

    /// From here on the manifest's sizes and digests stay as they are, whatever the files become.
    pub fn without_resealing(mut self) -> Self {
        self.reseal = false;
        self
    }

    /// The version's files.
    pub fn files(&self) -> Files {
        self.files.clone()
    }

    /// Writes the version into `folder`, made if need be; the manifest last.
    pub fn write(&self, folder: &Path) {
        fs_err::create_dir_all(folder).expect("a test can make a folder");
        let write = |name: &str, bytes: &[u8]| {
            fs_err::write(folder.join(name), bytes).expect("a test can write a file");
        };
        for (name, bytes) in &self.others {
            write(name, bytes);
        }
        for name in [FileName::Tensors, FileName::Golden, FileName::Manifest] {
            write(name.as_str(), self.files.get(name));
        }
    }

    fn resealed(self) -> Self {
        let files = self.files.clone();
        self.edit_manifest(|manifest| {
            for entry in manifest["files"].as_array_mut().into_iter().flatten() {
                let listed = FileName::LISTED.into_iter().find(|name| entry["name"] == name.as_str());
                if let Some(bytes) = listed.map(|name| files.get(name)) {
                    entry["size"] = bytes.len().into();
                    entry["digest"] = Digest::of(bytes).to_string().into();
                }
            }
        })
    }
}

/// A safetensors file of that header and data, right or wrong.
pub fn raw_safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), data].concat()
}

#[cfg(test)]
mod tests {
    use crate::{
        Golden, Manifest, Model,
        testkit::{self, Parts, f64s},
    };

    #[test]
    fn untouched_parts_are_the_pack() {
        let pack = testkit::linear("a", 2.0);
        assert_eq!(Parts::of(&pack).files(), pack.files().unwrap());
    }

    #[test]
    fn edits_keep_the_manifest_in_step_unless_told_otherwise() {
        let edit = |parts: Parts| {
            parts.set_tensor("0.intercept", f64s([2.0])).edit_golden(|rows| rows.truncate(1)).files()
        };
        let files = edit(Parts::of(&testkit::linear("a", 2.0)));
        let manifest = Manifest::parse(&files.manifest).unwrap();
        assert_eq!(manifest.files, files.entries()[1..]);
        let model = Model::load(manifest, files.entries()[0].digest, &files.tensors).unwrap();
        assert_eq!(
            Golden::parse(&files.golden).unwrap().replay(&model).unwrap_err().to_string(),
            "row 1, score 0: the model answers 2, the training library answered 1 (tolerance 1e-12)"
        );

        let files = edit(Parts::of(&testkit::linear("a", 2.0)).without_resealing());
        assert_ne!(Manifest::parse(&files.manifest).unwrap().files, files.entries()[1..]);
    }

    #[test]
    fn a_written_version_holds_its_files_and_what_was_added() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/1");
        Parts::of(&testkit::tree("a")).set_file("stray.txt", "x").write(&folder);
        let mut names: Vec<_> = fs_err::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["golden.jsonl", "manifest.json", "model.safetensors", "stray.txt"]);
    }
}
