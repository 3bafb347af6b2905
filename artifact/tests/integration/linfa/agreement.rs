//! What agreement with linfa means, and on which models and rows it is shown.

use std::cell::Cell;

use artifact::{
    Artifact, Batch, Digest, Exported, Feature, LoadError, Manifest, Model, Output, Predictions,
    feature::Statistics,
    fitted::Fitted,
    manifest::Training,
    ndarray::Array2,
    tensors::{Tensor, Values},
};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngSeed, TestRunner},
};

/// Models per test.
const MODELS: u32 = 256;
/// The models are the same each time.
const SEED: u64 = 20_261_124;
/// Rows that each model is asked.
pub(super) const ASKED: usize = 100;
/// How often the same rows stand in the largest batch.
const REPEATED: usize = 10;

/// What linfa was fitted on, and what it was then asked.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub(super) train: Array2<f64>,
    /// One number per training row, to make labels or targets of.
    pub(super) marks: Vec<f64>,
    pub(super) asked: Array2<f64>,
}

/// A model fitted by linfa, and its answers.
pub(super) struct Case {
    pub(super) step: Exported,
    pub(super) output: Output,
    pub(super) asked: Array2<f64>,
    pub(super) expected: Vec<Expected>,
}

/// linfa's answer to one row.
pub(super) struct Expected {
    /// The scores, and how far each may be off.
    pub(super) scores: Vec<(f64, f64)>,
    /// The choice, unless it hangs on the last digits.
    pub(super) choice: Option<usize>,
}

/// 20 to 80 rows of 1 to 6 columns that differ in size and place. One column in eight is constant if `constants`.
pub(super) fn data(constants: bool) -> impl Strategy<Value = Data> {
    let constant = prop::bool::weighted(if constants { 0.125 } else { 0.0 });
    let column = (-2..=2, -10.0..10.0, constant);
    (20..=80_usize, vec(column, 1..=6)).prop_flat_map(|(rows, columns)| {
        let width = columns.len();
        let values = vec(-1.0..1.0, (rows + ASKED) * width);
        (values, vec(0.0..1.0, rows)).prop_map(move |(values, marks)| {
            let value = |index: usize, value: f64| match columns[index % width] {
                (_, offset, true) => offset,
                (exponent, offset, false) => value * 10_f64.powi(exponent) + offset,
            };
            let values: Vec<_> = values.iter().enumerate().map(|(index, v)| value(index, *v)).collect();
            let table =
                |values: &[f64]| Array2::from_shape_vec((values.len() / width, width), values.to_vec());
            Data {
                train: table(&values[..rows * width]).unwrap(),
                marks,
                asked: table(&values[rows * width..]).unwrap(),
            }
        })
    })
}

/// Some data, always the same.
pub(super) fn fixed_data() -> Data {
    let tree = data(false).prop_filter("several columns", |data| data.train.ncols() > 2);
    tree.new_tree(&mut TestRunner::deterministic()).unwrap().current()
}

impl Data {
    /// The same at the precision of f32, so that both precisions can be asked the same.
    pub(super) fn rounded(mut self) -> Self {
        let round = |value: f64| f64::from(value as f32);
        self.train.mapv_inplace(round);
        self.asked.mapv_inplace(round);
        self
    }

    /// Labels from 0 to `classes` - 1, each of which occurs.
    pub(super) fn labels(&self, classes: usize) -> artifact::ndarray::Array1<usize> {
        let label = |(row, mark): (usize, &f64)| {
            if row < classes { row } else { (mark * classes as f64) as usize }
        };
        self.marks.iter().enumerate().map(label).collect()
    }
}

/// Lets linfa fit [`MODELS`] models with `fit`, and ours repeat their answers. Data that linfa cannot fit is passed
/// over, and does not count.
pub(super) fn prove(what: &str, data: impl Strategy<Value = Data>, fit: impl Fn(&Data) -> Option<Case>) {
    let (models, rows, choices) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let config = Config {
        cases: MODELS,
        failure_persistence: None,
        // There are data in f32 on which the line search of linfa's optimiser never ends. These are none of them.
        rng_seed: RngSeed::Fixed(SEED),
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let proof = runner.run(&data, |data| {
        let Some(case) = fit(&data) else {
            return Err(TestCaseError::reject("linfa does not fit this"));
        };
        case.check(&case.load()).map_err(TestCaseError::fail)?;
        models.set(models.get() + 1);
        rows.set(rows.get() + case.expected.len());
        let decided = case.expected.iter().filter(|expected| expected.choice.is_some());
        choices.set(choices.get() + decided.count());
        Ok(())
    });
    println!(
        "{what}: {} models, {} rows agreed with linfa, {} choices among them",
        models.get(),
        rows.get(),
        choices.get()
    );
    proof.unwrap();
    assert_eq!(models.get(), MODELS, "{what}");
}

impl Case {
    /// The model, through the files of a version.
    pub(super) fn load(&self) -> Model {
        self.load_with(self.step.clone())
    }

    fn load_with(&self, step: Exported) -> Model {
        self.try_load(step).unwrap()
    }

    fn try_load(&self, step: Exported) -> Result<Model, LoadError> {
        let feature = |index| Feature::number(format!("f{index}"), Statistics::default());
        let pack = Artifact {
            name: "model".parse().unwrap(),
            steps: vec![step],
            inputs: (0..self.asked.ncols()).map(feature).collect(),
            output: self.output.clone(),
            training: Training {
                library: "linfa 0.8.1".to_owned(),
                data: Digest::of(b""),
                rows: 0,
                metrics: Default::default(),
                created_at: Default::default(),
            },
            golden: Vec::new(),
        };
        let files = pack.files().unwrap();
        let manifest = Manifest::parse(&files.manifest).unwrap();
        Model::load(manifest, Digest::of(&files.manifest), &files.tensors)
    }

    /// Whether `model` answers as linfa did, and gives each row the same bits whatever the batch.
    pub(super) fn check(&self, model: &Model) -> Result<(), String> {
        let rows = self.asked.as_slice().unwrap();
        let whole = self.answers(model, rows, self.expected.len());
        for (row, (expected, (scores, choice))) in self.expected.iter().zip(&whole).enumerate() {
            if scores.len() != expected.scores.len() {
                return Err(format!(
                    "row {row}: {} scores, linfa has {}",
                    scores.len(),
                    expected.scores.len()
                ));
            }
            for (found, (theirs, slack)) in
                scores.iter().map(|bits| f64::from_bits(*bits)).zip(&expected.scores)
            {
                let agrees = (found - theirs).abs() <= *slack;
                if !agrees {
                    return Err(format!("row {row}: {found:e}, linfa answers {theirs:e}, slack {slack:e}"));
                }
            }
            if let Some(theirs) = expected.choice
                && Some(theirs as u32) != *choice
            {
                return Err(format!("row {row}: {choice:?}, linfa answers {theirs}"));
            }
        }
        for batch in [1, 2, 7] {
            if self.answers(model, rows, batch) != whole {
                return Err(format!("other bits in batches of {batch}"));
            }
        }
        let many = rows.repeat(REPEATED);
        let batch = whole.len() * REPEATED;
        if self.answers(model, &many, batch).chunks(whole.len()).any(|answers| answers != whole) {
            return Err(format!("other bits in batches of {batch}"));
        }
        Ok(())
    }

    /// The same check on the model whose parameters `spoil` has changed.
    pub(super) fn check_spoilt(&self, spoil: impl FnOnce(&mut Tensors)) -> Result<(), String> {
        let mut tensors = Tensors(self.step.tensors.clone());
        spoil(&mut tensors);
        let spoilt = Exported { tensors: tensors.0, ..self.step.clone() };
        self.check(&self.load_with(spoilt))
    }

    /// Asserts that each of these changes to the tensors is refused, with that sentence.
    pub(super) fn refuses(&self, what: &str, variants: &[Hostile]) {
        for (index, (spoil, sentence)) in variants.iter().enumerate() {
            let mut tensors = Tensors(self.step.tensors.clone());
            spoil(&mut tensors);
            let refused = self.try_load(Exported { tensors: tensors.0, ..self.step.clone() });
            let said =
                refused.map(|_| "nothing was wrong".to_owned()).unwrap_or_else(|error| error.to_string());
            assert_eq!(said, *sentence, "{what}, variant {index}");
        }
        println!("{what}: {} hostile variants refused", variants.len());
    }

    /// The bits of the scores, and the choice, row by row.
    fn answers(&self, model: &Model, rows: &[f64], batch: usize) -> Vec<(Vec<u64>, Option<u32>)> {
        let columns = self.asked.ncols();
        let mut found = Vec::new();
        let mut answers = Predictions::default();
        for values in rows.chunks(batch * columns) {
            let batch = Batch::new(values.to_vec(), columns).unwrap();
            model.predict(&batch, &mut answers).unwrap();
            for row in 0..answers.rows() {
                let scores = &answers.scores()[row * answers.width()..][..answers.width()];
                let bits = scores.iter().map(|score| score.to_bits()).collect();
                found.push((bits, answers.choices().get(row).copied()));
            }
        }
        found
    }
}

/// A change to the tensors of a step, and the sentence that it is refused with.
pub(super) type Hostile = (fn(&mut Tensors), &'static str);

/// The tensors of a step, to be spoilt.
pub(super) struct Tensors(Vec<(String, Tensor)>);

impl Tensors {
    /// Replaces a tensor, or adds one.
    pub(super) fn set(&mut self, name: &str, tensor: Tensor) {
        self.remove(name);
        self.0.push((name.to_owned(), tensor));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(other, _)| *other != name);
    }

    pub(super) fn numbers(&mut self, name: &str) -> &mut Vec<f64> {
        match &mut self.tensor(name).values {
            Values::F64(numbers) => numbers,
            other => panic!("{name}: {other:?}"),
        }
    }

    pub(super) fn indices(&mut self, name: &str) -> &mut Vec<u32> {
        match &mut self.tensor(name).values {
            Values::U32(indices) => indices,
            other => panic!("{name}: {other:?}"),
        }
    }

    fn tensor(&mut self, name: &str) -> &mut Tensor {
        &mut self.0.iter_mut().find(|(other, _)| other == name).unwrap().1
    }
}

/// The one step of a fitted model.
pub(super) fn exported(model: &impl Fitted) -> Exported {
    let mut steps = model.export().unwrap();
    assert_eq!(steps.len(), 1);
    steps.remove(0)
}

/// Class names `c0`, `c1`, …
pub(super) fn classes(count: usize) -> Output {
    Output::Classification { classes: (0..count).map(|class| format!("c{class}")).collect() }
}

/// The numbers of a tensor of `step`, widened.
pub(super) fn numbers(step: &Exported, name: &str) -> Vec<f64> {
    match &step.tensors.iter().find(|(other, _)| other == name).unwrap().1.values {
        Values::F64(numbers) => numbers.clone(),
        Values::F32(numbers) => numbers.iter().copied().map(f64::from).collect(),
        Values::U32(_) => panic!("{name} holds indices"),
    }
}

/// A model to be spoilt, of two features.
pub(super) fn of_two_features(step: Exported, output: Output) -> Case {
    Case { step, output, asked: Array2::zeros((1, 2)), expected: Vec::new() }
}

/// How far a linear score may be off: `relative` * (sum |w x| + |b|).
pub(super) fn slack<'a>(
    relative: f64,
    row: impl IntoIterator<Item = &'a f64>,
    weights: impl IntoIterator<Item = f64>,
    intercept: f64,
) -> f64 {
    let sum: f64 = row.into_iter().zip(weights).map(|(x, w)| (x * w).abs()).sum();
    relative * (sum + intercept.abs())
}
