//! `gaussian_mixture`: clusters that are bell curves in all directions, each with its weight in the whole. A cluster's score
//! is ln weight + ln det U - 1/2 (d ln(2 pi) + |(x - mean) U|^2), where U is upper triangular and U U^T the inverse of
//! its covariance; Bayes' rule makes probabilities of the scores.
//!
//! Tensors: `weights` (clusters), `means` (clusters x inputs), `precision_factors` (clusters x inputs x inputs): each U.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use super::{
    Kind, Role, Step, panels,
    posterior::{log_shares, posterior},
    product::Product,
    sums::squared_length,
};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// Rows that are answered together: enough to use each cluster's matrix well, few enough to stay in the cache.
const ROWS: usize = 8 * panels::ROWS;

/// Clusters of any shape, with the probability of each, as `linfa_clustering::GaussianMixtureModel`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianMixture {}

#[derive(Debug)]
struct Loaded {
    /// Per cluster, its score at its mean, and the map to a row whose squared length is the distance from there.
    clusters: Vec<(f64, Product)>,
    inputs: usize,
}

impl Kind for GaussianMixture {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        const FACTORS: &str = "precision_factors";
        let count = output.width();
        let log_weights = log_shares(parameters, "weights", count)?;
        let means = parameters.matrix("means", count, inputs)?;
        let factors = parameters.numbers(FACTORS, &[count, inputs, inputs])?;
        for (index, factor) in factors.iter().enumerate() {
            let (row, column) = (index / inputs % inputs, index % inputs);
            // Its determinant is the product of its diagonal, if it is triangular.
            if row == column && *factor <= 0.0 {
                return Err(parameters.refuse(FACTORS, index, factor, "greater than zero"));
            }
            if row > column && *factor != 0.0 {
                return Err(parameters.refuse(FACTORS, index, factor, "zero, as it is below the diagonal"));
            }
        }
        let clusters = log_weights.into_iter().zip(means.chunks_exact(inputs));
        let clusters =
            clusters.zip(factors.chunks_exact(inputs * inputs)).map(|((log_weight, mean), factor)| {
                let log_det: f64 = factor.iter().step_by(inputs + 1).map(|diagonal| diagonal.ln()).sum();
                let transposed: Vec<_> =
                    (0..inputs).flat_map(|column| factor[column..].iter().step_by(inputs)).copied().collect();
                let peak = log_weight + log_det - 0.5 * inputs as f64 * TAU.ln();
                (peak, Product::new(mean.to_vec(), transposed))
            });
        Ok(Box::new(Loaded { clusters: clusters.collect(), inputs }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Mixture { clusters: self.clusters.len() }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        let count = self.clusters.len();
        let (mut mapped, mut scratch) = (vec![0.0; rows.len().min(ROWS * self.inputs)], Vec::new());
        let parts = rows.chunks(ROWS * self.inputs).zip(scores.chunks_mut(ROWS * count));
        for ((rows, scores), choices) in parts.zip(choices.chunks_mut(ROWS)) {
            for (cluster, (peak, product)) in self.clusters.iter().enumerate() {
                let mapped = &mut mapped[..rows.len()];
                product.run(rows, mapped, &mut scratch);
                let own = scores[cluster..].iter_mut().step_by(count);
                for (score, row) in own.zip(mapped.chunks_exact(self.inputs)) {
                    *score = peak - 0.5 * squared_length(row);
                }
            }
            posterior(scores, choices);
        }
    }
}
