//! A fitted model as a whole: what prepares the features, then the estimator. All of it is linfa's.

use artifact::fitted::{Fitted, OfWidth};
use clap::{Args, ValueEnum};
use linfa::{DatasetBase, traits::Fit as _};
use linfa_preprocessing::{
    linear_scaling::{LinearScalerParams, ScalingMethod},
    norm_scaling::NormScaler,
};

use super::{
    algorithms::{Algorithm, Lesson},
    columns::Columns,
    preparation::Preparation,
    projection::Reduce,
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
    #[command(flatten)]
    pub(crate) columns: Columns,
    /// Make fewer features of them, by METHOD=COLUMNS: pca, fast-ica, random-projection or sparse-random-projection
    #[arg(long, value_name = "METHOD=COLUMNS")]
    pub(crate) reduce: Option<Reduce>,
}

/// How features are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scale {
    /// To mean 0 and standard deviation 1
    Standard,
    /// From 0 to 1
    MinMax,
    /// From -1 to 1, zero staying zero
    MaxAbs,
    /// Each row by the sum of its absolute values
    NormL1,
    /// Each row by the root of the sum of its squares
    NormL2,
    /// Each row by the largest of its absolute values
    NormMax,
}

impl Recipe {
    /// Fits what prepares the features, and the estimator on what that gives.
    pub(crate) fn fit(&self, part: &Part, seed: u64) -> anyhow::Result<Box<dyn Fitted>> {
        let preparation = self.prepare(part)?;
        let numbers = |part: &Part| self.fit_numbers(part, seed);
        if preparation.is_idle() { numbers(part) } else { after(Box::new(preparation), part, numbers) }
    }

    /// Fits what makes numbers of the columns.
    pub(crate) fn prepare(&self, part: &Part) -> anyhow::Result<Preparation> {
        Preparation::fit(&self.columns, self.algorithm.encode(), part)
    }

    fn fit_numbers(&self, part: &Part, seed: u64) -> anyhow::Result<Box<dyn Fitted>> {
        let estimate = |part: &Part| self.algorithm.fit(&Lesson { part, seed });
        let reduce = |part: &Part| match self.reduce {
            Some(reduce) => after(reduce.fit(&Lesson { part, seed })?, part, estimate),
            None => estimate(part),
        };
        match self.scale {
            Some(scale) => after(scale.fit(part)?, part, reduce),
            None => reduce(part),
        }
    }

    /// The same with another algorithm.
    pub(crate) fn with(&self, algorithm: Algorithm) -> Self {
        Self { algorithm, scale: self.scale, reduce: self.reduce, columns: self.columns.clone() }
    }

    /// The features' preparation in words, for the model card.
    pub(crate) fn preparation(&self) -> Option<String> {
        let scale = self.scale.and_then(|scale| scale.to_possible_value());
        let scale = scale.map(|value| format!("{} scaling", value.get_name()));
        let reduce = self.reduce.map(|reduce| format!("{} to {} columns", reduce.name(), reduce.columns));
        let parts: Vec<_> = scale.into_iter().chain(reduce).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// What prepares the features, and what is then fitted to that.
fn after(
    prepare: Box<dyn Fitted>,
    part: &Part,
    fit: impl Fn(&Part) -> anyhow::Result<Box<dyn Fitted>>,
) -> anyhow::Result<Box<dyn Fitted>> {
    let fitted = fit(&part.answered(&prepare))?;
    Ok(Box::new((prepare, fitted)))
}

impl Scale {
    /// Fits it to the features.
    pub(crate) fn fit(self, part: &Part) -> anyhow::Result<Box<dyn Fitted>> {
        let by_row = |model| Ok(Box::new(OfWidth { model, inputs: part.records.ncols() }) as Box<dyn Fitted>);
        match self {
            Self::Standard => linear(ScalingMethod::Standard(true, true), part),
            Self::MinMax => linear(ScalingMethod::MinMax(0.0, 1.0), part),
            Self::MaxAbs => linear(ScalingMethod::MaxAbs, part),
            Self::NormL1 => by_row(NormScaler::l1()),
            Self::NormL2 => by_row(NormScaler::l2()),
            Self::NormMax => by_row(NormScaler::max()),
        }
    }
}

/// Fits a scaler of columns to the features.
pub(crate) fn linear(method: ScalingMethod<f64>, part: &Part) -> anyhow::Result<Box<dyn Fitted>> {
    Ok(Box::new(LinearScalerParams::new(method).fit(&DatasetBase::from(part.records.view()))?))
}
