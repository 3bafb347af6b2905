//! `standard-scaler`, as `linfa_preprocessing::linear_scaling` has it.

use artifact::fitted::Fitted;
use clap::Args;
use linfa::{DatasetBase, traits::Fit as _};
use linfa_preprocessing::linear_scaling::LinearScaler;
use ndarray::Array2;

use super::{Fit, Lesson, Task};
use crate::training::model::Scale;

#[derive(Args, Debug)]
pub(super) struct StandardScaler {}

impl Fit for StandardScaler {
    fn task(&self) -> Task {
        Task::Transformation
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        Scale::Standard.fit(lesson.part)
    }
}

/// Fits a model on features of mean 0, which the model is given together with the centring; on the features as they are if `centre`
/// is false.
pub(super) fn centred(
    lesson: &Lesson<'_>,
    centre: bool,
    fit: impl FnOnce(&Array2<f64>) -> anyhow::Result<Box<dyn Fitted>>,
) -> anyhow::Result<Box<dyn Fitted>> {
    let records = &lesson.part.records;
    if !centre {
        return fit(records);
    }
    let centring = LinearScaler::standard_no_std().fit(&DatasetBase::from(records.view()))?;
    let model = fit(&centring.answer(records).scores)?;
    Ok(Box::new((centring, model)))
}
