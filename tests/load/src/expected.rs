//! What every version must answer to every question, worked out from its very files before it serves. No network.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use anyhow::Context as _;
use artifact::{Batch, Digest, Manifest, Model, Output, Predictions};
use client::{
    Answer, Prediction,
    pb::{Classification, Clustering, Regression, Transformation},
};

/// Rows that are asked again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The model.
    pub model: String,
    /// Row after row.
    pub rows: Vec<f64>,
}

/// The questions, and the answers of each version that is known.
#[derive(Debug)]
pub struct Expected {
    questions: Vec<Question>,
    versions: RwLock<BTreeMap<(String, u64), Arc<Answers>>>,
}

#[derive(Clone, Debug)]
struct Answers {
    digest: String,
    /// By question; none where the question is another model's.
    answers: Vec<Option<Answer>>,
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Another model answered.
    #[error("asked {asked}, {named} answered")]
    Model {
        /// Who was asked.
        asked: String,
        /// Who answered, by its own word.
        named: String,
    },
    /// It names a version that was never dropped.
    #[error("{model}: there is no version {version}")]
    Unknown {
        /// The model.
        model: String,
        /// The version that it names.
        version: u64,
    },
    /// Number and digest belong to two versions.
    #[error("{model}: version {version} is not {digest}")]
    Digest {
        /// The model.
        model: String,
        /// The version that it names.
        version: u64,
        /// The digest that it names.
        digest: String,
    },
    /// The answer is not that of the version that it names.
    #[error("{model}: version {version} answers otherwise")]
    Answer {
        /// The model.
        model: String,
        /// The version that it names.
        version: u64,
    },
    /// The answer is right, but by a version that had left before the call began, or was not to serve yet.
    #[error("{model}: version {version} does not serve now")]
    Untimely {
        /// The model.
        model: String,
        /// The version that it names.
        version: u64,
    },
}

impl Expected {
    /// No version is known yet.
    pub fn of(questions: Vec<Question>) -> Self {
        Self { questions, versions: RwLock::default() }
    }

    /// What is asked.
    pub fn questions(&self) -> &[Question] {
        &self.questions
    }

    /// Reads a version's files and works out its answers.
    ///
    /// # Errors
    /// If the files make no model, or if another version of the model gives one of the same answers: an answer
    /// would not show then who gave it.
    pub fn add(&self, model: &str, version: u64, folder: &Path) -> anyhow::Result<()> {
        let manifest = fs_err::read(folder.join("manifest.json"))?;
        let tensors = fs_err::read(folder.join("model.safetensors"))?;
        let digest = Digest::of(&manifest);
        let loaded = Model::load(Manifest::parse(&manifest)?, digest, &tensors)?;
        let ours = |question: &Question| (question.model == model).then(|| answer(&loaded, &question.rows));
        let answers: Vec<_> =
            self.questions.iter().map(|question| ours(question).transpose()).collect::<Result<_, _>>()?;

        let mut versions = self.versions.write().unwrap_or_else(PoisonError::into_inner);
        for ((_, other), known) in versions.iter().filter(|((name, _), _)| name == model) {
            let mut pairs = known.answers.iter().flatten().zip(answers.iter().flatten());
            anyhow::ensure!(
                pairs.all(|(known, new)| !same(known, new)),
                "{model}: versions {other} and {version} answer alike"
            );
        }
        let digest = digest.to_string();
        versions.insert((model.to_owned(), version), Arc::new(Answers { digest, answers }));
        Ok(())
    }

    /// Changes what is expected. For a control that shows what happens if the server answers something else.
    pub fn falsify(&self, model: &str, version: u64, mut change: impl FnMut(&mut Answer)) {
        let mut versions = self.versions.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = versions.get_mut(&(model.to_owned(), version)) {
            Arc::make_mut(known).answers.iter_mut().flatten().for_each(&mut change);
        }
    }

    /// Compares an answer, bit for bit, with what the version that it names must answer.
    ///
    /// # Errors
    /// [`Wrong`], by the first thing that is.
    pub fn check(&self, question: usize, found: &Prediction) -> Result<(), Wrong> {
        let asked = self.questions.get(question).map(|question| question.model.clone()).unwrap_or_default();
        let (model, version) = (found.model.name.clone(), found.model.version);
        if model != asked {
            return Err(Wrong::Model { asked, named: model });
        }
        let known = {
            let versions = self.versions.read().unwrap_or_else(PoisonError::into_inner);
            versions.get(&(asked, version)).cloned()
        };
        let Some(known) = known else {
            return Err(Wrong::Unknown { model, version });
        };
        if known.digest != found.model.digest {
            return Err(Wrong::Digest { model, version, digest: found.model.digest.clone() });
        }
        match known.answers.get(question) {
            Some(Some(expected)) if same(expected, &found.answer) => Ok(()),
            _ => Err(Wrong::Answer { model, version }),
        }
    }

    /// Model and version of each digest, for people.
    pub fn names(&self) -> BTreeMap<String, String> {
        let versions = self.versions.read().unwrap_or_else(PoisonError::into_inner);
        let name = |((model, version), known): (&(String, u64), &Arc<Answers>)| {
            (known.digest.clone(), format!("{model} {version}"))
        };
        versions.iter().map(name).collect()
    }
}

/// What the model answers, in the client's words.
fn answer(model: &Model, rows: &[f64]) -> anyhow::Result<Answer> {
    let batch = Batch::new(rows.to_vec(), model.manifest().inputs.len())?;
    let mut predictions = Predictions::default();
    model.predict(&batch, &mut predictions)?;
    let (scores, choices) = predictions.into_parts();
    Ok(match &model.manifest().output {
        Output::Classification { classes } => {
            let label = |choice: &u32| classes.get(*choice as usize).cloned().context("a class has no name");
            let labels = choices.iter().map(label).collect::<Result<_, _>>()?;
            Answer::Classification(Classification { labels, classes: classes.clone(), probabilities: scores })
        }
        Output::Regression { targets } => {
            Answer::Regression(Regression { values: scores, targets: targets.clone() })
        }
        Output::Clustering { .. } => {
            let (distances, probabilities) =
                if model.is_mixture() { (Vec::new(), scores) } else { (scores, Vec::new()) };
            Answer::Clustering(Clustering { cluster: choices, distances, probabilities })
        }
        Output::Transformation { names } => {
            Answer::Transformation(Transformation { values: scores, names: names.clone() })
        }
    })
}

/// Whether two answers are the same to the bit; as numbers, 0 and -0 would be too.
fn same(one: &Answer, other: &Answer) -> bool {
    let bits = |one: &[f64], other: &[f64]| {
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.to_bits() == other.to_bits())
    };
    match (one, other) {
        (Answer::Classification(one), Answer::Classification(other)) => {
            one.labels == other.labels
                && one.classes == other.classes
                && bits(&one.probabilities, &other.probabilities)
        }
        (Answer::Regression(one), Answer::Regression(other)) => {
            one.targets == other.targets && bits(&one.values, &other.values)
        }
        (Answer::Clustering(one), Answer::Clustering(other)) => {
            one.cluster == other.cluster
                && bits(&one.distances, &other.distances)
                && bits(&one.probabilities, &other.probabilities)
        }
        (Answer::Transformation(one), Answer::Transformation(other)) => {
            one.names == other.names && bits(&one.values, &other.values)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use artifact::testkit;
    use client::pb::ModelRef;

    use super::*;

    fn expected() -> (tempfile::TempDir, Expected, Prediction) {
        let dir = tempfile::tempdir().unwrap();
        let expected = Expected::of(vec![
            Question { model: "line".to_owned(), rows: vec![0.0, -1.0, 2.0, 3.0] },
            Question { model: "iris".to_owned(), rows: vec![5.1, 3.5, 1.4, 0.2] },
        ]);
        testkit::linear("line", 2.0).files().unwrap().write(&dir.path().join("1")).unwrap();
        expected.add("line", 1, &dir.path().join("1")).unwrap();
        let digest = Digest::of(&fs_err::read(dir.path().join("1/manifest.json")).unwrap()).to_string();
        let answer =
            Answer::Regression(Regression { values: vec![0.0, 8.0], targets: vec!["value".to_owned()] });
        let model = ModelRef { name: "line".to_owned(), version: 1, digest };
        (dir, expected, Prediction { model, answer })
    }

    #[test]
    fn the_answer_of_plain_arithmetic_is_right_and_one_flipped_bit_is_wrong() {
        let (_dir, expected, right) = expected();
        assert_eq!(expected.check(0, &right), Ok(()));
        let wrong = Err(Wrong::Answer { model: "line".to_owned(), version: 1 });
        for number in 0..2 {
            for bit in 0..64 {
                let mut flipped = right.clone();
                let Answer::Regression(answer) = &mut flipped.answer else { panic!("a regression") };
                answer.values[number] = f64::from_bits(answer.values[number].to_bits() ^ (1 << bit));
                assert_eq!(expected.check(0, &flipped), wrong, "bit {bit} of number {number}");
            }
        }
        let mut short = right.clone();
        let Answer::Regression(answer) = &mut short.answer else { panic!("a regression") };
        answer.values.pop();
        assert_eq!(expected.check(0, &short), wrong);
    }

    #[test]
    fn an_answer_under_another_name_is_wrong() {
        let (_dir, expected, right) = expected();
        let check = |question, change: fn(&mut ModelRef)| {
            let mut named = right.clone();
            change(&mut named.model);
            expected.check(question, &named).unwrap_err().to_string()
        };
        assert_eq!(check(1, |_| ()), "asked iris, line answered");
        assert_eq!(check(0, |model| model.version = 2), "line: there is no version 2");
        assert_eq!(check(0, |model| model.digest = "sha256:0".to_owned()), "line: version 1 is not sha256:0");
    }

    #[test]
    fn versions_that_answer_alike_are_refused() {
        // Where x is 0, every slope is right.
        let expected = Expected::of(vec![Question { model: "line".to_owned(), rows: vec![0.0, 3.0] }]);
        let dir = tempfile::tempdir().unwrap();
        let mut added = Vec::new();
        for version in 1..=2_u32 {
            let folder = dir.path().join(version.to_string());
            testkit::linear("line", f64::from(version)).files().unwrap().write(&folder).unwrap();
            added.push(expected.add("line", version.into(), &folder).map_err(|error| error.to_string()));
        }
        assert_eq!(added, [Ok(()), Err("line: versions 1 and 2 answer alike".to_owned())]);
    }
}
