//! `manifest.json`: what a model is. Parsing proves every rule that one file can show by itself; whether the
//! parameters fit is [`crate::Model::load`]'s to say.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    Digest, Feature, Name, StepSpec,
    feature::{Category, FeatureKind},
    files::FileName,
};

/// The one format that this release reads and writes.
pub const FORMAT: &str = "linfa-serve/1";

/// Limits of one manifest and of what it may ask for.
pub mod limits {
    /// Bytes of manifest.json.
    pub const MANIFEST_BYTES: u64 = 4 << 20;
    /// Bytes of model.safetensors. Loading takes up to four times as much: the file, its tensors, and f32 widened to f64.
    pub const FILE_BYTES: u64 = 128 << 20;
    /// Bytes of golden.jsonl. Two of them can become a number of eight.
    pub const GOLDEN_BYTES: u64 = 16 << 20;
    /// Steps of a model.
    pub const STEPS: usize = 16;
    /// Features, classes, targets or columns.
    pub const WIDTH: usize = 100_000;
    /// Bytes of a feature's, class's or target's name.
    pub const LABEL_BYTES: usize = 256;
}

/// What a model is: its steps, what it takes and gives, the files that belong to it, and how it came to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always [`FORMAT`].
    pub format: String,
    /// The model's name, the same as its folder's.
    pub name: Name,
    /// Transformers in order, then an estimator (or one more transformer).
    pub steps: Vec<StepSpec>,
    /// The features, in the order in which rows hold them.
    pub inputs: Vec<Feature>,
    /// What the model answers.
    pub output: Output,
    /// The other files of the version.
    pub files: Vec<FileEntry>,
    /// Where the model comes from.
    pub training: Training,
}

/// What a model answers, by its task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case", deny_unknown_fields)]
pub enum Output {
    /// One class per row.
    Classification {
        /// Their names; a step's class index counts in this order.
        classes: Vec<String>,
    },
    /// One number per target and row.
    Regression {
        /// The targets' names.
        targets: Vec<String>,
    },
    /// One cluster per row.
    Clustering {
        /// How many clusters there are.
        clusters: usize,
    },
    /// Another row per row.
    Transformation {
        /// The new columns' names.
        names: Vec<String>,
    },
}

/// One file beside the manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name in the version's folder.
    pub name: FileName,
    /// Its length in bytes.
    pub size: u64,
    /// The hash of its content.
    pub digest: Digest,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The library that fitted the model and its version, as in `linfa 0.8.1`.
    pub library: String,
    /// The hash of the training data.
    pub data: Digest,
    /// Rows that the model was fitted on.
    pub rows: u64,
    /// Measured on rows that were held out, by the metric's name.
    pub metrics: std::collections::BTreeMap<String, f64>,
    /// When the model was fitted.
    pub created_at: jiff::Timestamp,
}

/// Why a manifest is refused, one variant per rule.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, not this structure, or a field that this release does not know (a misspelt or newer one, whose
    /// meaning would silently be lost).
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Made for another release.
    #[error("the format is `{found}`, this release reads `{FORMAT}`")]
    Format {
        /// What the manifest says.
        found: String,
    },
    /// Empty, or so long that loading it would be the attack.
    #[error("{what}: {count} of them, where 1 to {max} are allowed")]
    Count {
        /// The list.
        what: &'static str,
        /// Its length.
        count: usize,
        /// Its limit.
        max: usize,
    },
    /// Empty or overlong names make answers ambiguous or huge; control characters would reach terminals and logs.
    #[error("{what}: `{}` is empty, longer than {} bytes or holds control characters", name.escape_debug(), limits::LABEL_BYTES)]
    Label {
        /// The list.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Two features of one name make a request by name ambiguous.
    #[error("{what}: `{name}` occurs twice")]
    Duplicate {
        /// The list.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Statistics that contradict themselves; the probe needs sound ranges.
    #[error("inputs: the statistics of `{name}` are not finite or not in order")]
    Statistics {
        /// The feature.
        name: String,
    },
    /// Frequencies of other categories than there are.
    #[error("inputs: `{name}` has {counts} counts for {categories} categories")]
    Counts {
        /// The feature.
        name: String,
        /// How many counts there are.
        counts: usize,
        /// How many categories.
        categories: usize,
    },
    /// Rows without a value would get one that no step knows.
    #[error("inputs: `{name}` takes a missing value for `{}`, which is none of its categories", category.escape_debug())]
    MissingAs {
        /// The feature.
        name: String,
        /// What a missing value stands for.
        category: String,
    },
    /// A version consists of exactly the files that the format names.
    #[error("files: `{name}` is not listed exactly once")]
    Files {
        /// The file.
        name: FileName,
    },
    /// Reading it would exhaust memory.
    #[error("files: `{name}` has {size} bytes, the limit is {max}")]
    FileSize {
        /// The file.
        name: FileName,
        /// Its length.
        size: u64,
        /// The limit.
        max: u64,
    },
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// [`ManifestError`], by the first rule that is broken.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_slice(bytes)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The manifest as bytes, ready to be written and hashed.
    ///
    /// # Errors
    /// [`ManifestError`] if [`Manifest::parse`] would refuse them.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        self.check()?;
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn check(&self) -> Result<(), ManifestError> {
        if self.format != FORMAT {
            return Err(ManifestError::Format { found: self.format.clone() });
        }
        count("steps", self.steps.len(), limits::STEPS)?;
        labels("inputs", self.inputs.iter().map(|feature| &feature.name))?;
        self.inputs.iter().try_for_each(sound)?;
        match &self.output {
            Output::Classification { classes } => labels("classes", classes.iter())?,
            Output::Regression { targets } => labels("targets", targets.iter())?,
            Output::Clustering { clusters } => count("clusters", *clusters, limits::WIDTH)?,
            Output::Transformation { names } => labels("names", names.iter())?,
        }
        for name in FileName::LISTED {
            if self.files.iter().filter(|file| file.name == name).count() != 1 {
                return Err(ManifestError::Files { name });
            }
        }
        for file in &self.files {
            if !FileName::LISTED.contains(&file.name) {
                return Err(ManifestError::Files { name: file.name });
            }
            let max = match file.name {
                FileName::Golden => limits::GOLDEN_BYTES,
                FileName::Manifest | FileName::Tensors => limits::FILE_BYTES,
            };
            if file.size > max {
                return Err(ManifestError::FileSize { name: file.name, size: file.size, max });
            }
        }
        Ok(())
    }
}

impl Output {
    /// The task's name, as it stands in the manifest.
    pub fn task(&self) -> &'static str {
        match self {
            Self::Classification { .. } => "classification",
            Self::Regression { .. } => "regression",
            Self::Clustering { .. } => "clustering",
            Self::Transformation { .. } => "transformation",
        }
    }

    /// How many classes, targets, clusters or columns there are.
    pub fn width(&self) -> usize {
        match self {
            Self::Classification { classes: names }
            | Self::Regression { targets: names }
            | Self::Transformation { names } => names.len(),
            Self::Clustering { clusters } => *clusters,
        }
    }

    /// Whether an answer has a choice: one class or cluster per row.
    pub fn chooses(&self) -> bool {
        matches!(self, Self::Classification { .. } | Self::Clustering { .. })
    }

    /// The names of what the model answers: classes, targets, columns or numbered clusters.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Classification { classes: names }
            | Self::Regression { targets: names }
            | Self::Transformation { names } => names.clone(),
            Self::Clustering { clusters } => (0..*clusters).map(|cluster| cluster.to_string()).collect(),
        }
    }
}

/// Whether what is told of a feature holds together.
fn sound(feature: &Feature) -> Result<(), ManifestError> {
    let name = || feature.name.clone();
    match &feature.kind {
        FeatureKind::Number { statistics, .. } | FeatureKind::Text { lengths: statistics } => {
            if !statistics.are_sound() {
                return Err(ManifestError::Statistics { name: name() });
            }
        }
        FeatureKind::Category(Category { categories, counts, missing_as, .. }) => {
            labels("categories", categories.iter())?;
            if counts.len() != categories.len() {
                let (counts, categories) = (counts.len(), categories.len());
                return Err(ManifestError::Counts { name: name(), counts, categories });
            }
            if let Some(category) = missing_as.as_ref().filter(|category| !categories.contains(category)) {
                return Err(ManifestError::MissingAs { name: name(), category: category.clone() });
            }
        }
    }
    Ok(())
}

fn count(what: &'static str, count: usize, max: usize) -> Result<(), ManifestError> {
    if (1..=max).contains(&count) { Ok(()) } else { Err(ManifestError::Count { what, count, max }) }
}

fn labels<'a>(
    what: &'static str,
    names: impl ExactSizeIterator<Item = &'a String>,
) -> Result<(), ManifestError> {
    count(what, names.len(), limits::WIDTH)?;
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() || name.len() > limits::LABEL_BYTES || name.chars().any(char::is_control) {
            return Err(ManifestError::Label { what, name: name.chars().take(64).collect() });
        }
        if !seen.insert(name) {
            return Err(ManifestError::Duplicate { what, name: name.clone() });
        }
    }
    Ok(())
}
