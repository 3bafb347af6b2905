//! `bernoulli_nb`: each class has a prior, and for each feature the odds that it is there. A class' score is
//! ln prior + sum ln p where a feature is there, ln (1 - p) where it is not, which is a weighted sum: an
//! intercept for a row without features, and ln (p / (1 - p)) for each feature. Bayes' rule makes probabilities of the scores.
//!
//! Tensors: `log_odds` (classes x inputs), `intercepts` (classes).

use serde::{Deserialize, Serialize};

use super::{
    Kind, Role, Step,
    posterior::posterior,
    sums::{finite, sum},
};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// A classifier of features that are there or not, as `linfa_bayes::BernoulliNb`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BernoulliNb {
    /// A feature is there where its value is above this. Without it each value counts as it is: 0, 1, or between.
    pub threshold: Option<f64>,
}

#[derive(Debug)]
struct Loaded {
    threshold: Option<f64>,
    /// classes x inputs.
    log_odds: Vec<f64>,
    intercepts: Vec<f64>,
    inputs: usize,
}

impl Kind for BernoulliNb {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let classes = output.width();
        let log_odds = parameters.matrix("log_odds", classes, inputs)?;
        let intercepts = parameters.vector("intercepts", classes)?;
        // The share of the class, and of each feature that is not there: no product of shares is above 1.
        if let Some(index) = intercepts.iter().position(|intercept| *intercept > 0.0) {
            return Err(parameters.refuse(
                "intercepts",
                index,
                intercepts[index],
                "the logarithm of a share",
            ));
        }
        Ok(Box::new(Loaded { threshold: self.threshold, log_odds, intercepts, inputs }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.intercepts.len(), probabilities: true }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        match self.threshold {
            Some(threshold) => {
                self.answer(rows, scores, choices, |x, odds| if x > threshold { odds } else { 0.0 });
            }
            None => self.answer(rows, scores, choices, |x, odds| x * odds),
        }
    }
}

impl Loaded {
    fn answer(
        &self,
        rows: &[f64],
        scores: &mut [f64],
        choices: &mut [u32],
        term: impl Fn(f64, f64) -> f64 + Copy,
    ) {
        let scores = scores.chunks_exact_mut(self.intercepts.len());
        for ((row, scores), choice) in rows.chunks_exact(self.inputs).zip(scores).zip(choices) {
            let classes = self.intercepts.iter().zip(self.log_odds.chunks_exact(self.inputs));
            for (score, (intercept, log_odds)) in scores.iter_mut().zip(classes) {
                *score = finite(sum(row, log_odds, term) + intercept);
            }
            *choice = posterior(scores);
        }
    }
}
