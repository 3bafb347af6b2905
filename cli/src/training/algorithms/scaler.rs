//! `standard-scaler`, as `linfa_preprocessing::linear_scaling` has it.

use artifact::fitted::Fitted;
use clap::Args;

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
