//! `pls`: partial least squares, as `linfa_pls` has it in three kinds.

use artifact::fitted::Fitted;
use clap::{Args, ValueEnum};
use linfa::{DatasetBase, traits::Fit as _};
use linfa_pls::{PlsCanonical, PlsCca, PlsRegression};

use super::{Fit, Lesson, Task};

#[derive(Args, Debug)]
pub(super) struct Pls {
    /// What the components are chosen for
    #[arg(long, value_enum, default_value_t = Kind::Regression)]
    kind: Kind,
    /// How many components to keep: at most as many as there are features, and for all but regression as there are targets
    #[arg(long, default_value_t = 1)]
    n_components: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// To tell the targets
    Regression,
    /// For features and targets alike, by their covariance
    Canonical,
    /// For features and targets alike, by their correlation
    Cca,
}

impl Fit for Pls {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let dataset = DatasetBase::new(lesson.part.records.view(), lesson.part.numbers()?.view());
        Ok(match self.kind {
            Kind::Regression => Box::new(PlsRegression::params(self.n_components).fit(&dataset)?),
            Kind::Canonical => Box::new(PlsCanonical::params(self.n_components).fit(&dataset)?),
            Kind::Cca => Box::new(PlsCca::params(self.n_components).fit(&dataset)?),
        })
    }
}
