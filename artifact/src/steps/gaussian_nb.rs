//! `gaussian_nb`: each class has a prior and, per feature, a bell curve of its own; the features count as independent.
//! A class' score is ln prior - 1/2 sum (ln(2 pi variance) + (x - mean)^2 / variance), and Bayes' rule makes
//! probabilities of the scores.
//!
//! Tensors: `priors` (classes), `means`, `variances` (classes x inputs each).

#[cfg(feature = "linfa")]
use std::collections::BTreeMap;
use std::f64::consts::TAU;

#[cfg(feature = "linfa")]
use ndarray::Ix1;
use serde::{Deserialize, Serialize};

#[cfg(feature = "linfa")]
use super::hidden::{Hidden, fields, numbers};
use super::{
    Kind, Role, Step,
    posterior::{log_shares, posterior},
    sums::sum,
};
#[cfg(feature = "linfa")]
use crate::{Exported, tensors::Tensor};
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

#[cfg(feature = "linfa")]
impl GaussianNb {
    /// The step that answers as `model` does, whose labels are class indices. linfa knows the classes of the training
    /// rows alone: if one never occurred there, the tensors will not fit the manifest.
    ///
    /// # Errors
    /// If linfa serialises its model in another form than 0.8.1 does; it shows its numbers in no other way.
    pub fn export<F>(model: &linfa_bayes::GaussianNb<F, usize>) -> Result<Exported, serde_json::Error>
    where
        F: linfa::Float + Serialize + serde::de::DeserializeOwned,
    {
        #[derive(Deserialize)]
        #[serde(bound = "F: serde::de::DeserializeOwned")]
        struct Model<F> {
            class_info: BTreeMap<usize, Class<F>>,
        }
        #[derive(Deserialize)]
        #[serde(bound = "F: serde::de::DeserializeOwned")]
        struct Class<F> {
            prior: F,
            theta: Hidden<F, Ix1>,
            sigma: Hidden<F, Ix1>,
        }

        let classes = fields::<Model<F>>(model)?.class_info;
        let inputs = classes.values().next().map_or(0, |class| class.theta.len());
        let matrix = |array: fn(&Class<F>) -> &Hidden<F, Ix1>| {
            let values: Vec<_> = classes.values().flat_map(|class| numbers(array(class))).collect();
            Tensor::floats(&[classes.len(), inputs], &values)
        };
        let priors: Vec<_> = classes.values().map(|class| class.prior).collect();
        Ok(Exported::new(
            Self {},
            [
                ("priors", Tensor::floats(&[priors.len()], &priors)),
                ("means", matrix(|class| &class.theta)),
                ("variances", matrix(|class| &class.sigma)),
            ],
        ))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.peaks.len(), probabilities: true }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        let scores = scores.chunks_exact_mut(self.peaks.len());
        for ((row, scores), choice) in rows.chunks_exact(self.inputs).zip(scores).zip(choices) {
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
            *choice = posterior(scores);
        }
    }
}
