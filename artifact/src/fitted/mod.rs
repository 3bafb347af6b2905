//! From a model that linfa fitted to the parts of a version: its steps, statistics of its features, and golden rows that hold
//! what linfa itself answers.
//!
//! ```
//! use artifact::Artifact;
//! use linfa::{Dataset, traits::Fit};
//! use ndarray::array;
//!
//! let dataset = Dataset::new(array![[0.0, 1.0], [1.0, 3.0], [2.0, 2.0], [3.0, 5.0]], array![2.0, 7.0, 6.0, 13.0]);
//! let model = linfa_linear::LinearRegression::new().fit(&dataset)?;
//!
//! let folder = tempfile::tempdir()?;
//! let (files, _) = Artifact::from_fitted(&model, "demand", &dataset)?.seal()?;
//! files.write(&folder.path().join("demand/1"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Labels are the indices of classes, and [`Artifact::named`] gives the classes names. What comes before the estimator is
//! exported with it, as a pair:
//!
//! ```
//! use artifact::Artifact;
//! use linfa::traits::{Fit, Transformer};
//! use linfa_logistic::MultiLogisticRegression;
//! use linfa_preprocessing::linear_scaling::LinearScaler;
//!
//! # let rows = ndarray::Array2::from_shape_fn((60, 2), |(row, column)| ((row * 7 + column * 3) % 20) as f64 + (row % 3 * 30) as f64);
//! # let dataset = linfa::Dataset::new(rows, (0..60).map(|row| row % 3).collect());
//! let scaler = LinearScaler::standard().fit(&dataset)?;
//! let model = MultiLogisticRegression::default().fit(&scaler.transform(dataset.clone()))?;
//!
//! let artifact = Artifact::from_fitted(&(&scaler, &model), "sizes", &dataset)?.named(["small", "medium", "large"]);
//! assert_eq!(artifact.steps.len(), 2);
//! artifact.seal()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use jiff::Timestamp;
use linfa::{DatasetBase, Float};
use ndarray::{Array, Array1, Array2, ArrayBase, Data, Dimension, Ix2};

use crate::{
    Artifact, Digest, Exported, Output, golden::MAX_TOLERANCE, manifest::Training, name::InvalidName,
    steps::Role,
};

pub mod golden;
pub mod statistics;
pub mod words;

mod decision_tree;
mod ftrl;
mod gaussian_mixture;
mod generalized_linear_model;
mod hidden;
mod isotonic_regression;
mod kmeans;
mod linear_projection;
mod linear_regression;
mod logistic_regression;
mod naive_bayes;
mod norm_scaler;
mod pls;
mod standard_scaler;
pub mod svm;
mod voting_forest;

pub use hidden::OfWidth;
pub use naive_bayes::BernoulliNb;

/// What fits the models, as the manifest names it.
pub const LIBRARY: &str = "linfa 0.8.1";

/// A model that linfa fitted, or several of which each reads what the one before it gives.
pub trait Fitted {
    /// What the last of them gives.
    fn role(&self) -> Role;

    /// The steps that answer as the model does.
    ///
    /// # Errors
    /// [`ExportError`] if no step does.
    fn export(&self) -> Result<Vec<Exported>, ExportError>;

    /// What linfa itself answers to `rows` (rows x features); our runtime has no part in it.
    fn answer(&self, rows: &Array2<f64>) -> Answers;

    /// How far our runtime may be off in the golden rows, relative to the larger of 1 and the answer.
    fn tolerance(&self) -> f64 {
        tolerance::<f64>()
    }
}

/// linfa's answers.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The class or cluster of each row; none for regression and transformation.
    pub choices: Option<Array1<usize>>,
    /// Probabilities, values, distances or transformed rows: rows x as many as the model gives, which may be none.
    pub scores: Array2<f64>,
}

/// Why a fitted model is no artifact.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Something that a runtime in another process cannot repeat, such as a function of the caller's.
    #[error("{what} cannot be exported: {reason}")]
    Unsupported {
        /// The linfa type, or the part of it.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// No name of a model.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// Rows that show too little.
    #[error(transparent)]
    Golden(#[from] golden::Lost),
}

impl Answers {
    /// Answers that are numbers alone.
    pub fn numbers(scores: Array2<f64>) -> Self {
        Self { choices: None, scores }
    }
}

/// What stands for a model answers as it does.
macro_rules! stands_for_a_model {
    ($($Pointer:ty),*) => {$(
        impl<T: Fitted + ?Sized> Fitted for $Pointer {
            fn role(&self) -> Role {
                (**self).role()
            }

            fn export(&self) -> Result<Vec<Exported>, ExportError> {
                (**self).export()
            }

            fn answer(&self, rows: &Array2<f64>) -> Answers {
                (**self).answer(rows)
            }

            fn tolerance(&self) -> f64 {
                (**self).tolerance()
            }
        }
    )*};
}

stands_for_a_model!(&T, Box<T>);

impl<A: Fitted, B: Fitted> Fitted for (A, B) {
    fn role(&self) -> Role {
        self.1.role()
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        let mut steps = self.0.export()?;
        steps.extend(self.1.export()?);
        Ok(steps)
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        self.1.answer(&self.0.answer(rows).scores)
    }

    fn tolerance(&self) -> f64 {
        self.0.tolerance().max(self.1.tolerance())
    }
}

impl Artifact {
    /// The artifact of a model that was fitted on `dataset`, whose rows become statistics and golden rows. Features are named
    /// as in the dataset, or by number if it names none; classes, targets and columns by number.
    ///
    /// # Errors
    /// [`ExportError`] if the model cannot be exported, or no row shows what one of its classes looks like.
    pub fn from_fitted<F: Float, D: Data<Elem = F>, T>(
        model: &impl Fitted,
        name: &str,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
    ) -> Result<Self, ExportError> {
        /// The drawn golden rows are the same each time.
        const SEED: u64 = 42;

        let records = wide(dataset.records().to_owned());
        let names = match dataset.feature_names() {
            [] => (0..records.ncols()).map(|column| format!("x{column}")).collect(),
            names => names.to_vec(),
        };
        let inputs = statistics::features(&names, &records);
        let output = output(&model.role());
        let golden = golden::rows(model, &[&records], &inputs, &[], &output, SEED)?;
        let bytes: Vec<u8> = records.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok(Self {
            name: name.parse()?,
            steps: model.export()?,
            inputs,
            output,
            training: Training {
                library: LIBRARY.to_owned(),
                data: Digest::of(&bytes),
                rows: records.nrows() as u64,
                metrics: Default::default(),
                created_at: now(),
            },
            golden,
        })
    }

    /// The same with these names of its classes, targets or columns, which are as many as it has; clusters have none.
    #[must_use]
    pub fn named<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        let given = names.into_iter().map(Into::into).collect();
        match &mut self.output {
            Output::Classification { classes: names }
            | Output::Regression { targets: names }
            | Output::Transformation { names } => *names = given,
            Output::Clustering { .. } => {}
        }
        self
    }

    /// The same with these names of its features, which are as many as it has.
    #[must_use]
    pub fn of_features<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        for (feature, name) in self.inputs.iter_mut().zip(names) {
            feature.name = name.into();
        }
        self
    }
}

/// The time in whole seconds: more would say nothing.
pub fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default()
}

/// Rows at the precision of a model.
fn narrow<F: Float>(rows: &Array2<f64>) -> Array2<F> {
    rows.mapv(F::cast)
}

/// Numbers of a model's precision, exactly.
fn wide<F: Float, D: Dimension>(numbers: Array<F, D>) -> Array<f64, D> {
    // linfa's floats are f32 and f64, which both have an f64.
    numbers.mapv(|number| number.to_f64().unwrap_or(f64::NAN))
}

/// How far our runtime, which computes in f64, may be off from a model that computes in `F`.
fn tolerance<F: Float>() -> f64 {
    if F::epsilon().to_f64() > Some(f64::EPSILON) { MAX_TOLERANCE } else { 1e-9 }
}

/// What a model of that role answers, named by number.
pub fn output(role: &Role) -> Output {
    let numbered = |prefix: &str, count: usize| (0..count).map(|index| format!("{prefix}{index}")).collect();
    match *role {
        Role::Classifier { classes, .. } => Output::Classification { classes: numbered("", classes) },
        Role::Regressor { targets } => Output::Regression { targets: numbered("y", targets) },
        Role::Clusterer { clusters } | Role::Mixture { clusters } => Output::Clustering { clusters },
        Role::Transformer { columns } => Output::Transformation { names: numbered("x", columns) },
    }
}
