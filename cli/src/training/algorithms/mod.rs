//! The algorithms that can be trained. A new one is a new file here, with a `TASK`, its `HYPER`-parameters
//! and a `fit`, and one line in `algorithms!`.

use artifact::Exported;
use ndarray::{Array1, Array2};

use super::{hyper::Hyper, split::Part};

/// What a model is to learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Two classes.
    Binary,
    /// Two classes or more.
    Classification,
    /// A number.
    Regression,
    /// Groups that nobody named.
    Clustering,
}

/// A model that linfa fitted.
pub(crate) trait Fitted {
    /// What linfa itself answers to `rows`; our runtime has no part in it.
    fn answer(&self, rows: &Array2<f64>) -> Answers;

    /// The model as a step of an artifact.
    fn export(&self) -> Exported;
}

/// linfa's answers.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    /// The class or cluster of each row; none for regression.
    pub(crate) choices: Option<Array1<usize>>,
    /// Probabilities, values or distances: rows x as many as the model gives, which may be none.
    pub(crate) scores: Array2<f64>,
}

/// The rows to fit, and what makes the fit repeatable.
#[derive(Debug)]
pub(crate) struct Lesson<'a> {
    pub(crate) part: &'a Part,
    pub(crate) seed: u64,
}

macro_rules! algorithms {
    ($($(#[$doc:meta])* $name:literal => $module:ident,)*) => {
        $(mod $module;)*

        /// What to fit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
        #[expect(non_camel_case_types, reason = "each variant is named as the file that holds the algorithm")]
        pub(crate) enum Algorithm {
            $($(#[$doc])* #[value(name = $name)] $module,)*
        }

        impl Algorithm {
            /// Its name on the command line.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$module => $name,)* }
            }

            /// What it learns.
            pub(crate) fn task(self) -> Task {
                match self { $(Self::$module => $module::TASK,)* }
            }

            /// The hyper-parameters that it has.
            pub(crate) fn hyper(self) -> &'static [&'static str] {
                match self { $(Self::$module => $module::HYPER,)* }
            }

            /// Fits it.
            pub(crate) fn fit(self, lesson: &Lesson<'_>, hyper: &mut Hyper) -> anyhow::Result<Box<dyn Fitted>> {
                match self { $(Self::$module => Ok(Box::new($module::fit(lesson, hyper)?)),)* }
            }
        }
    };
}

algorithms! {
    /// Ordinary least squares: a number as a weighted sum of the features
    "linear-regression" => linear_regression,
    /// Two classes by a weighted sum of the features
    "logistic-regression" => logistic_regression,
    /// Two or more classes by a weighted sum each
    "multinomial-logistic-regression" => multinomial_logistic_regression,
    /// Groups of rows that lie close together; takes no target
    "kmeans" => kmeans,
    /// Classes by questions about one feature at a time; linfa fits another tree each time, whatever the seed
    "decision-tree" => decision_tree,
}
