//! `standard-scaler`, `min-max-scaler`, `max-abs-scaler` and `norm-scaler`, as `linfa_preprocessing` has them.

use artifact::fitted::Fitted;
use clap::{Args, ValueEnum};
use linfa::{DatasetBase, traits::Fit as _};
use linfa_preprocessing::linear_scaling::{LinearScaler, ScalingMethod};
use ndarray::{Array2, ArrayView1};

use super::{Fit, Lesson, Task};
use crate::training::model::{Scale, linear};

#[derive(Args, Debug)]
pub(super) struct StandardScaler {
    /// Leave the mean as it is
    #[arg(long)]
    without_mean: bool,
    /// Leave the standard deviation as it is
    #[arg(long)]
    without_std: bool,
}

#[derive(Args, Debug)]
pub(super) struct MinMaxScaler {
    /// What the least value becomes
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    min: f64,
    /// What the largest value becomes
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    max: f64,
}

#[derive(Args, Debug)]
pub(super) struct MaxAbsScaler {}

#[derive(Args, Debug)]
pub(super) struct NormScaler {
    /// What a row's length is
    #[arg(long, value_enum, default_value_t = Norm::L2)]
    norm: Norm,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Norm {
    /// The sum of its absolute values
    L1,
    /// The root of the sum of its squares
    L2,
    /// The largest of its absolute values
    Max,
}

impl Fit for StandardScaler {
    fn task(&self) -> Task {
        Task::Transformation
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        linear(ScalingMethod::Standard(!self.without_mean, !self.without_std), lesson.part)
    }
}

impl Fit for MinMaxScaler {
    fn task(&self) -> Task {
        Task::Transformation
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        anyhow::ensure!(self.min < self.max, "--min {} is not below --max {}", self.min, self.max);
        linear(ScalingMethod::MinMax(self.min, self.max), lesson.part)
    }
}

impl Fit for MaxAbsScaler {
    fn task(&self) -> Task {
        Task::Transformation
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        Scale::MaxAbs.fit(lesson.part)
    }
}

impl Fit for NormScaler {
    fn task(&self) -> Task {
        Task::Transformation
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        match self.norm {
            Norm::L1 => Scale::NormL1,
            Norm::L2 => Scale::NormL2,
            Norm::Max => Scale::NormMax,
        }
        .fit(lesson.part)
    }
}

/// The share of a feature's largest value that rounding may leave of a mean that is 0.
const ROUNDING: f64 = 1e-12;

/// Fits a model on features of mean 0, which the model is given together with the centring; on the features as they are if `centre`
/// is false, or if all means are 0 already, as after --scale.
pub(super) fn centred(
    lesson: &Lesson<'_>,
    centre: bool,
    fit: impl FnOnce(&Array2<f64>) -> anyhow::Result<Box<dyn Fitted>>,
) -> anyhow::Result<Box<dyn Fitted>> {
    let records = &lesson.part.records;
    let is_central = |column: ArrayView1<'_, f64>| {
        let largest = column.fold(0.0_f64, |largest, value| largest.max(value.abs()));
        column.mean().is_some_and(|mean| mean.abs() <= ROUNDING * largest)
    };
    if !centre || records.columns().into_iter().all(is_central) {
        return fit(records);
    }
    let centring = LinearScaler::standard_no_std().fit(&DatasetBase::from(records.view()))?;
    let model = fit(&centring.answer(records).scores)?;
    Ok(Box::new((centring, model)))
}
