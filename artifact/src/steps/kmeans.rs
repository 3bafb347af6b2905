//! `kmeans`: the nearest of some centroids, and the distance to each.
//!
//! Tensors: `centroids` (clusters x inputs).

use pulp::Simd;
use serde::{Deserialize, Serialize};

use super::{
    Kind, Role, Step,
    panels::{Panels, Squares, Term, least},
};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// Clusters by distance, as `linfa_clustering::KMeans`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KMeans {
    /// How far a row is from a centroid. Euclidean, if the manifest does not say.
    #[serde(default)]
    pub distance: Distance,
}

/// A distance of two vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    /// The sum of the differences.
    L1,
    /// The root of the sum of their squares.
    #[default]
    L2,
    /// The largest difference.
    LInfinity,
}

#[derive(Debug)]
struct Loaded {
    distance: Distance,
    centroids: Panels,
}

impl Kind for KMeans {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let clusters = output.width();
        let centroids = Panels::new(&parameters.matrix("centroids", clusters, inputs)?, inputs);
        Ok(Box::new(Loaded { distance: self.distance, centroids }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Clusterer { clusters: self.centroids.len() }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        match self.distance {
            Distance::L1 => self.centroids.fold(rows, Differences, scores),
            Distance::L2 => self.centroids.fold(rows, Root, scores),
            Distance::LInfinity => self.centroids.fold(rows, Largest, scores),
        }
        for (distances, choice) in scores.chunks_exact(self.centroids.len()).zip(choices) {
            *choice = least(distances);
        }
    }
}

/// The sum of the differences.
#[derive(Clone, Copy)]
struct Differences;

impl Term for Differences {
    #[inline(always)]
    fn add<S: Simd>(self, simd: S, sum: S::f64s, x: S::f64s, c: S::f64s) -> S::f64s {
        simd.add_f64s(sum, simd.abs_f64s(simd.sub_f64s(x, c)))
    }
}

/// The root of the sum of their squares. It is taken while the next panels are summed, since it has a unit of its own.
#[derive(Clone, Copy)]
struct Root;

impl Term for Root {
    #[inline(always)]
    fn add<S: Simd>(self, simd: S, sum: S::f64s, x: S::f64s, c: S::f64s) -> S::f64s {
        Squares.add(simd, sum, x, c)
    }

    #[inline(always)]
    fn end<S: Simd>(self, simd: S, sum: S::f64s) -> S::f64s {
        simd.sqrt_f64s(sum)
    }
}

/// The largest difference.
#[derive(Clone, Copy)]
struct Largest;

impl Term for Largest {
    #[inline(always)]
    fn add<S: Simd>(self, simd: S, largest: S::f64s, x: S::f64s, c: S::f64s) -> S::f64s {
        simd.max_f64s(largest, simd.abs_f64s(simd.sub_f64s(x, c)))
    }
}
