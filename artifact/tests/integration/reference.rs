//! Models whose answers were computed outside of this project, by scikit-learn or from a published table: what linfa and we
//! might both get wrong. Each is a file in `fixtures/reference`, written by the script beside it.

use std::{collections::BTreeSet, path::Path};

use artifact::{
    Artifact, Digest, Exported, Feature, GoldenRow, Output, StepSpec,
    manifest::Training,
    tensors::{Tensor, Values},
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    /// What computed the answers.
    source: String,
    steps: Vec<Step>,
    inputs: Vec<Feature>,
    output: Output,
    golden: Vec<GoldenRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    spec: StepSpec,
    tensors: std::collections::BTreeMap<String, Flat>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flat {
    shape: Vec<usize>,
    #[serde(flatten)]
    values: Numbers,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Numbers {
    F64(Vec<f64>),
    F32(Vec<f32>),
    U32(Vec<u32>),
}

impl Reference {
    fn artifact(self) -> Artifact {
        Artifact {
            name: "reference".parse().unwrap(),
            steps: self.steps.into_iter().map(Step::exported).collect(),
            inputs: self.inputs,
            output: self.output,
            training: Training {
                library: self.source,
                data: Digest::of(b""),
                rows: 0,
                metrics: Default::default(),
                created_at: Default::default(),
            },
            golden: self.golden,
        }
    }
}

impl Step {
    fn exported(self) -> Exported {
        let tensor = |flat: Flat| Tensor {
            shape: flat.shape,
            values: match flat.values {
                Numbers::F64(values) => Values::F64(values),
                Numbers::F32(values) => Values::F32(values),
                Numbers::U32(values) => Values::U32(values),
            },
        };
        let tensors = self.tensors.into_iter().map(|(name, flat)| (name, tensor(flat)));
        Exported { spec: self.spec, tensors: tensors.collect() }
    }
}

#[test]
fn every_reference_is_answered_as_its_source_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reference");
    let mut files: Vec<_> = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort_unstable();
    let mut shown = BTreeSet::new();
    for path in files {
        let name = path.file_stem().unwrap().display().to_string();
        let reference: Reference = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
        shown.extend(reference.steps.iter().map(|step| step.spec.kind()));
        let (source, rows) = (reference.source.clone(), reference.golden.len());
        let (_, agreement) = reference.artifact().seal().unwrap_or_else(|error| panic!("{name}: {error}"));
        println!("{name}: {rows} rows as {source}, {:.0e} of what is allowed", agreement.worst);
    }
    let missing: Vec<_> = StepSpec::KINDS.iter().filter(|kind| !shown.contains(*kind)).collect();
    assert!(missing.is_empty(), "no reference has a step of {missing:?}");
}
