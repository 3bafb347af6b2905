//! `gaussian_nb`: each class has a prior and, per feature, a bell curve of its own; the features count as independent.
//! A class' score is ln prior - 1/2 sum (ln(2 pi variance) + (x - mean)^2 / variance), and Bayes' rule makes
//! probabilities of the scores.
//!
//! Tensors: `priors` (classes), `means`, `variances` (classes x inputs each).

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::{
    Kind, Role, Step,
    posterior::{log_shares, posterior},
    sums::sum,
};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// A classifier by bell curves, as `linfa_bayes::GaussianNb`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianNb {}

#[derive(Debug)]
struct Loaded {
    /// Per class, the score at the top of all its curves.
    peaks: Vec<f64>,
    /// classes x inputs: mean, and 1 / standard deviation.
    curves: Vec<(f64, f64)>,
    inputs: usize,
}

impl Kind for GaussianNb {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let classes = output.width();
        let mut peaks = log_shares(parameters, "priors", classes)?;
        let means = parameters.matrix("means", classes, inputs)?;
        let variances = parameters.matrix("variances", classes, inputs)?;
        // A subnormal one has no reciprocal: beside the mean, infinity times zero.
        if let Some(index) = variances.iter().position(|variance| *variance < f64::MIN_POSITIVE) {
            let found = format!("{:?}", variances[index]);
            return Err(parameters.refuse("variances", index, found, "a normal number above zero"));
        }
        for (peak, variances) in peaks.iter_mut().zip(variances.chunks_exact(inputs)) {
            *peak -= 0.5 * variances.iter().map(|variance| TAU.ln() + variance.ln()).sum::<f64>();
        }
        let curves =
            means.into_iter().zip(variances.iter().map(|variance| variance.sqrt().recip())).collect();
        Ok(Box::new(Loaded { peaks, curves, inputs }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.peaks.len(), probabilities: true }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        for (row, scores) in rows.chunks_exact(self.inputs).zip(scores.chunks_exact_mut(self.peaks.len())) {
            let classes = self.peaks.iter().zip(self.curves.chunks_exact(self.inputs));
            for (score, (peak, curves)) in scores.iter_mut().zip(classes) {
                // Scaled before it is squared, so that only what is truly too large overflows. One class that does is
                // impossible beside one that does not; if all do, there is no answer.
                let squares = sum(row, curves, |x, (mean, scale)| {
                    let deviation = (x - mean) * scale;
                    deviation * deviation
                });
                *score = peak - 0.5 * squares;
            }
        }
        posterior(scores, choices);
    }
}
