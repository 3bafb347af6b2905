//! `kmeans`: the nearest of some centroids, and the Euclidean distance to each.
//!
//! Tensors: `centroids` (clusters x inputs).

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step, best, sums::squared_distance};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// Clusters by Euclidean distance, as `linfa_clustering::KMeans` with `L2Dist`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KMeans {}

#[derive(Debug)]
struct Loaded {
    /// clusters x inputs.
    centroids: Vec<f64>,
    clusters: usize,
    inputs: usize,
}

impl Kind for KMeans {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let clusters = output.width();
        let centroids = parameters.matrix("centroids", clusters, inputs)?;
        Ok(Box::new(Loaded { centroids, clusters, inputs }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Clusterer { clusters: self.clusters }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        let scores = scores.chunks_exact_mut(self.clusters);
        for ((row, distances), choice) in rows.chunks_exact(self.inputs).zip(scores).zip(choices) {
            for (distance, centroid) in distances.iter_mut().zip(self.centroids.chunks_exact(self.inputs)) {
                *distance = squared_distance(row, centroid);
            }
            // Before the root: it can make two squares equal that are not.
            *choice = best(distances, f64::lt);
            distances.iter_mut().for_each(|distance| *distance = distance.sqrt());
        }
    }
}
