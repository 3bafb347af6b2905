//! `ftrl`: follow the regularised leader, proximal, as `linfa_ftrl` has it. It learns from one row after the other.

use anyhow::Context as _;
use artifact::fitted::Fitted;
use clap::Args;
use linfa::{Dataset, ParamGuard as _, traits::FitWith as _};
use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256Plus;

use super::{Fit, Lesson, Task};

#[derive(Args, Debug)]
pub(super) struct Ftrl {
    /// The learning rate
    #[arg(long, default_value_t = 0.005)]
    alpha: f64,
    /// What holds the learning rate back while little has been learnt
    #[arg(long, default_value_t = 0.0)]
    beta: f64,
    /// Strength of the L1 penalty, from 0 to 1
    #[arg(long, default_value_t = 0.5)]
    l1_ratio: f64,
    /// Strength of the L2 penalty, from 0 to 1
    #[arg(long, default_value_t = 0.5)]
    l2_ratio: f64,
    /// How often to go through the rows
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    passes: u32,
}

impl Fit for Ftrl {
    fn task(&self) -> Task {
        Task::Binary
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let random = Xoshiro256Plus::seed_from_u64(lesson.seed);
        let parameters = linfa_ftrl::Ftrl::params_with_rng(random)
            .alpha(self.alpha)
            .beta(self.beta)
            .l1_ratio(self.l1_ratio)
            .l2_ratio(self.l2_ratio)
            .check()?;
        let labels = lesson.part.classes()?.mapv(|class| class == 1);
        let rows = Dataset::new(lesson.part.records.to_owned(), labels);
        let mut model = None;
        for _ in 0..self.passes {
            for row in rows.sample_chunks(1) {
                model = Some(parameters.fit_with(model, &row)?);
            }
        }
        Ok(Box::new(model.context("there is no row to learn from")?))
    }
}
