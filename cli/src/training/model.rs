//! A fitted model as a whole: what prepares the features, then the estimator. All of it is linfa's.

use artifact::fitted::Fitted;
use clap::{Args, ValueEnum};
use linfa::{DatasetBase, traits::Fit as _};
use linfa_preprocessing::linear_scaling::LinearScaler;

use super::{
    algorithms::{Algorithm, Lesson},
    split::Part,
};

/// What is fitted.
#[derive(Args, Debug)]
pub(crate) struct Recipe {
    #[command(flatten)]
    pub(crate) algorithm: Algorithm,
    /// Scale each feature first
    #[arg(long, value_name = "METHOD", num_args = 0..=1, require_equals = true, default_missing_value = "standard")]
    pub(crate) scale: Option<Scale>,
}

/// How features are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scale {
    /// To mean 0 and standard deviation 1
    Standard,
}

impl Recipe {
    /// Fits what prepares the features, and the estimator on what that gives.
    pub(crate) fn fit(&self, part: &Part, seed: u64) -> anyhow::Result<Box<dyn Fitted>> {
        let Some(scale) = self.scale else {
            return self.algorithm.fit(&Lesson { part, seed });
        };
        let scaler = scale.fit(part)?;
        let part = Part { records: scaler.answer(&part.records).scores, target: part.target.clone() };
        let estimator = self.algorithm.fit(&Lesson { part: &part, seed })?;
        Ok(Box::new((scaler, estimator)))
    }

    /// The same with another algorithm.
    pub(crate) fn with(&self, algorithm: Algorithm) -> Self {
        Self { algorithm, scale: self.scale }
    }

    /// The features' preparation in words, for the model card.
    pub(crate) fn preparation(&self) -> Option<String> {
        let value = self.scale?.to_possible_value()?;
        Some(format!("{} scaling", value.get_name()))
    }
}

impl Scale {
    /// Fits it to the features.
    pub(crate) fn fit(self, part: &Part) -> anyhow::Result<Box<dyn Fitted>> {
        let dataset = DatasetBase::from(part.records.view());
        Ok(match self {
            Self::Standard => Box::new(LinearScaler::standard().fit(&dataset)?),
        })
    }
}
