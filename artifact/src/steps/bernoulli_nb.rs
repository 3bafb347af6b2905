//! `bernoulli_nb`: each class has a prior, and for each feature the odds that it is there. A class' score is
//! ln prior + sum ln p where a feature is there, ln (1 - p) where it is not, which is a weighted sum: an
//! intercept for a row without features, and ln (p / (1 - p)) for each feature. Bayes' rule makes probabilities of the scores.
//!
//! Tensors: `log_odds` (classes x inputs), `intercepts` (classes).

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step, affine::Affine, panels::ROWS, posterior::posterior};
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
    scores: Affine,
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
        Ok(Box::new(Loaded { threshold: self.threshold, scores: Affine::new(log_odds, intercepts, inputs) }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.scores.outputs(), probabilities: true }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        match self.threshold {
            Some(threshold) => {
                let (inputs, classes) = (rows.len() / choices.len(), self.scores.outputs());
                let mut there = Vec::new();
                for (rows, scores) in
                    rows.chunks(8 * ROWS * inputs).zip(scores.chunks_mut(8 * ROWS * classes))
                {
                    there.clear();
                    there.extend(rows.iter().map(|value| if *value > threshold { 1.0 } else { 0.0 }));
                    self.scores.run(&there, scores);
                }
            }
            None => self.scores.run(rows, scores),
        }
        posterior(scores, choices);
    }
}
