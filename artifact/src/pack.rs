//! Packing: a model's parts become the files of a version. The reverse of loading, and checked by it.

use std::path::Path;

use fs_err as fs;

use crate::{
    Digest, Feature, Files, Golden, GoldenRow, Manifest, Model, Name, Output, StepSpec,
    files::FileName,
    golden::{Agreement, GoldenError},
    manifest::{FORMAT, FileEntry, ManifestError, Training},
    model::LoadError,
    tensors::{Tensor, TensorError, Tensors},
};

/// A step as an exporter gives it: its kind, and its tensors by their names in the step.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The kind and its hyper-parameters.
    pub spec: StepSpec,
    /// The tensors.
    pub tensors: Vec<(String, Tensor)>,
}

impl Exported {
    /// A step of that kind with those tensors.
    pub fn new<const N: usize>(spec: impl Into<StepSpec>, tensors: [(&str, Tensor); N]) -> Self {
        Self { spec: spec.into(), tensors: tensors.map(|(name, tensor)| (name.to_owned(), tensor)).to_vec() }
    }
}

/// The parts of a version.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// The model's name.
    pub name: Name,
    /// Its steps, in order.
    pub steps: Vec<Exported>,
    /// Its features, as they looked in training.
    pub inputs: Vec<Feature>,
    /// What it answers.
    pub output: Output,
    /// Where it comes from.
    pub training: Training,
    /// What the training library answered.
    pub golden: Vec<GoldenRow>,
}

/// Why parts make no version.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The manifest breaks a rule.
    #[error("manifest: {0}")]
    Manifest(#[from] ManifestError),
    /// A tensor cannot be written.
    #[error("parameters: {0}")]
    Tensor(#[from] TensorError),
    /// The parameters do not fit the manifest.
    #[error("parameters: {0}")]
    Load(#[from] LoadError),
    /// The runtime does not repeat the training library's answers.
    #[error("golden rows: {0}")]
    Golden(#[from] GoldenError),
    /// The folder exists or cannot be written.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

impl Artifact {
    /// The version's files, once the runtime has loaded them and repeated every golden row.
    ///
    /// # Errors
    /// [`PackError`] if the parts do not fit together.
    pub fn seal(&self) -> Result<(Files, Agreement), PackError> {
        let files = self.files()?;
        let manifest = Manifest::parse(&files.manifest)?;
        let model = Model::load(manifest, Digest::of(&files.manifest), &files.tensors)?;
        let agreement = Golden::parse(&files.golden)?.replay(&model)?;
        Ok((files, agreement))
    }

    /// The version's files, unproven.
    ///
    /// # Errors
    /// [`PackError`] if a part cannot be written.
    pub fn files(&self) -> Result<Files, PackError> {
        let tensors: Vec<_> = self
            .steps
            .iter()
            .enumerate()
            .flat_map(|(index, step)| {
                step.tensors.iter().map(move |(name, tensor)| (format!("{index}.{name}"), tensor.clone()))
            })
            .collect();
        let tensors = Tensors::to_bytes(&tensors)?;
        let golden = Golden::to_bytes(&self.golden)?;
        let entry =
            |name, bytes: &[u8]| FileEntry { name, size: bytes.len() as u64, digest: Digest::of(bytes) };
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            name: self.name.clone(),
            steps: self.steps.iter().map(|step| step.spec.clone()).collect(),
            inputs: self.inputs.clone(),
            output: self.output.clone(),
            files: vec![entry(FileName::Tensors, &tensors), entry(FileName::Golden, &golden)],
            training: self.training.clone(),
        };
        Ok(Files { manifest: manifest.to_bytes()?, tensors, golden })
    }
}

impl Files {
    /// Writes the files into `folder`, which must not exist: a version is immutable. The manifest comes last, so
    /// that a reader never sees one whose files are missing.
    ///
    /// # Errors
    /// The system's words, with the path.
    pub fn write(&self, folder: &Path) -> Result<(), std::io::Error> {
        if let Some(parent) = folder.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::create_dir(folder)?;
        for name in [FileName::Tensors, FileName::Golden, FileName::Manifest] {
            fs::write(folder.join(name.as_str()), self.get(name))?;
        }
        Ok(())
    }
}
