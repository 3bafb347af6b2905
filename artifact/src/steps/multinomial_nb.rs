//! `multinomial_nb`: each class has a prior, and a share of each feature in all that is counted. A class' score is
//! ln prior + sum x ln share, and Bayes' rule makes probabilities of the scores.
//!
//! Tensors: `priors` (classes), `log_shares` (classes x inputs): the natural logarithm of each share.

use serde::{Deserialize, Serialize};

use super::{
    Kind, Role, Step,
    posterior::{log_shares, posterior, whole},
    sums::linear,
};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// A classifier of counts, as `linfa_bayes::MultinomialNb`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultinomialNb {}

#[derive(Debug)]
struct Loaded {
    log_priors: Vec<f64>,
    /// classes x inputs.
    log_shares: Vec<f64>,
    inputs: usize,
}

impl Kind for MultinomialNb {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let classes = output.width();
        let log_priors = log_shares(parameters, "priors", classes)?;
        let log_shares = parameters.matrix("log_shares", classes, inputs)?;
        for (class, shares) in log_shares.chunks_exact(inputs).enumerate() {
            let last = (class + 1) * inputs - 1;
            whole(parameters, "log_shares", last, shares.iter().map(|share| share.exp()).sum())?;
        }
        Ok(Box::new(Loaded { log_priors, log_shares, inputs }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.log_priors.len(), probabilities: true }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        let scores = scores.chunks_exact_mut(self.log_priors.len());
        for ((row, scores), choice) in rows.chunks_exact(self.inputs).zip(scores).zip(choices) {
            let classes = self.log_priors.iter().zip(self.log_shares.chunks_exact(self.inputs));
            for (score, (log_prior, log_shares)) in scores.iter_mut().zip(classes) {
                *score = linear(row, log_shares, *log_prior);
            }
            *choice = posterior(scores);
        }
    }
}
