//! The kinds of steps that a model may consist of. A new one is a new file here and one line in `steps!`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

mod affine;
mod columns;
mod exp;
mod machines;
mod panels;
mod posterior;
mod product;
mod sums;
pub mod trees;
mod words;

pub use columns::{Column, Placed, StepError, TableKind};
pub use machines::{Kernel, MAX_DEGREE};
pub use words::Words;

/// The choice of a row whose scores overflowed, by a step that shows no scores.
pub const UNDECIDED: u32 = u32::MAX;

/// A step whose parameters were checked. Everything that it indexes with was proven at load.
pub trait Step: fmt::Debug + Send + Sync {
    /// What the step gives, and how wide.
    fn role(&self) -> Role;

    /// Answers each row of `rows` (rows x the width that the step was loaded for, C-contiguous, finite unless the step takes
    /// missing numbers).
    ///
    /// `scores` has rows x [`Role::width`] values; `choices` has one per row if [`Role::chooses`], else none.
    /// Writes all of both, allocates nothing per row, and gives a row the same bits whatever the batch. What
    /// overflowed is a score that is not finite, or a choice of [`UNDECIDED`].
    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]);

    /// Whether it answers rows that lack some numbers: NaN, where a feature may be missing.
    fn takes_missing(&self) -> bool {
        false
    }

    /// The same for a step that reads free texts. The cells of a text column are positions in `texts`.
    fn run_with_texts(&self, rows: &[f64], _texts: &[String], scores: &mut [f64], choices: &mut [u32]) {
        self.run(rows, scores, choices);
    }
}

/// What a step gives for a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Another row.
    Transformer {
        /// Its width.
        columns: usize,
    },
    /// A class; its probabilities too, or nothing else.
    Classifier {
        /// How many classes there are.
        classes: usize,
        /// Whether the scores hold one probability per class, or nothing.
        probabilities: bool,
    },
    /// One number per target.
    Regressor {
        /// How many targets there are.
        targets: usize,
    },
    /// A cluster, and the distance to each.
    Clusterer {
        /// How many clusters there are.
        clusters: usize,
    },
    /// A cluster, and the probability of each.
    Mixture {
        /// How many clusters there are.
        clusters: usize,
    },
}

/// One kind of step over plain numbers, as it stands in the manifest: its hyper-parameters. What takes other columns is a
/// [`TableKind`].
pub trait Kind {
    /// Takes the step's tensors and checks them. `inputs` is the width of the rows that reach it, `output` what
    /// the manifest says that the whole model answers.
    ///
    /// # Errors
    /// [`TensorError`], by the first rule that is broken.
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError>;
}

macro_rules! steps {
    ($($name:literal => $module:ident::$Kind:ident,)*) => {
        $(pub mod $module;)*

        /// One step in the manifest: its kind and its hyper-parameters.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        #[expect(missing_docs, reason = "each variant holds the documented type of its name")]
        pub enum StepSpec {
            $(#[serde(rename = $name)] $Kind($module::$Kind),)*
        }

        impl StepSpec {
            /// The names of all kinds.
            pub const KINDS: &[&str] = &[$($name),*];

            /// The kind's name, as it stands in the manifest.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$Kind(_) => $name,)* }
            }

            /// See [`TableKind::load_table`].
            pub(crate) fn load(
                &self,
                inputs: &[Column],
                output: &Output,
                parameters: &mut Parameters<'_>,
            ) -> Result<Placed, StepError> {
                match self { $(Self::$Kind(kind) => kind.load_table(inputs, output, parameters),)* }
            }
        }

        $(impl From<$module::$Kind> for StepSpec {
            fn from(kind: $module::$Kind) -> Self { Self::$Kind(kind) }
        })*
    };
}

steps! {
    "averaging_forest" => averaging_forest::AveragingForest,
    "bernoulli_nb" => bernoulli_nb::BernoulliNb,
    "boosted_forest" => boosted_forest::BoostedForest,
    "count_vectorizer" => count_vectorizer::CountVectorizer,
    "decision_tree" => decision_tree::DecisionTree,
    "gaussian_mixture" => gaussian_mixture::GaussianMixture,
    "gaussian_nb" => gaussian_nb::GaussianNb,
    "generalized_linear_model" => generalized_linear_model::GeneralizedLinearModel,
    "imputer" => imputer::Imputer,
    "isotonic_regression" => isotonic_regression::IsotonicRegression,
    "kmeans" => kmeans::KMeans,
    "linear_projection" => linear_projection::LinearProjection,
    "linear_regression" => linear_regression::LinearRegression,
    "logistic_regression" => logistic_regression::LogisticRegression,
    "multinomial_logistic_regression" => multinomial_logistic_regression::MultinomialLogisticRegression,
    "multinomial_nb" => multinomial_nb::MultinomialNb,
    "norm_scaler" => norm_scaler::NormScaler,
    "one_hot_encoder" => one_hot_encoder::OneHotEncoder,
    "ordinal_encoder" => ordinal_encoder::OrdinalEncoder,
    "select_columns" => select_columns::SelectColumns,
    "standard_scaler" => standard_scaler::StandardScaler,
    "svm_classifier" => svm_classifier::SvmClassifier,
    "svm_regressor" => svm_regressor::SvmRegressor,
    "tf_idf" => tf_idf::TfIdf,
    "voting_forest" => voting_forest::VotingForest,
}

impl Role {
    /// Numbers per row in the scores.
    pub fn width(&self) -> usize {
        match *self {
            Self::Transformer { columns: width }
            | Self::Classifier { classes: width, probabilities: true }
            | Self::Regressor { targets: width }
            | Self::Clusterer { clusters: width }
            | Self::Mixture { clusters: width } => width,
            Self::Classifier { probabilities: false, .. } => 0,
        }
    }

    /// Whether the step chooses a class or cluster for each row.
    pub fn chooses(&self) -> bool {
        matches!(self, Self::Classifier { .. } | Self::Clusterer { .. } | Self::Mixture { .. })
    }

    /// The task of a model that ends in such a step.
    pub fn task(&self) -> &'static str {
        match self {
            Self::Transformer { .. } => "transformation",
            Self::Classifier { .. } => "classification",
            Self::Regressor { .. } => "regression",
            Self::Clusterer { .. } | Self::Mixture { .. } => "clustering",
        }
    }
}

/// The position of the first value that no other is `better` than; 0 if there are none.
fn best(values: &[f64], better: fn(&f64, &f64) -> bool) -> u32 {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if better(value, &values[best]) {
            best = index;
        }
    }
    u32::try_from(best).unwrap_or(u32::MAX)
}
