//! `kmeans`: the nearest of some centroids, and the distance to each.
//!
//! Tensors: `centroids` (clusters x inputs).

use multiversion::multiversion;
use serde::{Deserialize, Serialize};

use super::{
    Kind, Role, Step,
    panels::{LANES, Panels, fold, least},
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
    clusters: usize,
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
        Ok(Box::new(Loaded { distance: self.distance, centroids, clusters }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Clusterer { clusters: self.clusters }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        answer(self, rows, scores, choices);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn answer(model: &Loaded, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
    match model.distance {
        Distance::L1 => measure(model, rows, scores, |sum, x, c| sum + (x - c).abs()),
        Distance::L2 => measure(model, rows, scores, |sum, x, c| sum + (x - c) * (x - c)),
        Distance::LInfinity => measure(model, rows, scores, |largest, x, c| {
            let difference = (x - c).abs();
            if difference > largest { difference } else { largest }
        }),
    }
    for (distances, choice) in scores.chunks_exact(model.clusters).zip(choices) {
        // Before the root: it can make two squares equal that are not.
        *choice = least(distances);
    }
    if model.distance == Distance::L2 {
        scores.iter_mut().for_each(|distance| *distance = distance.sqrt());
    }
}

/// The distance of each row from each centroid; the square of it, for L2.
#[inline(always)]
fn measure(model: &Loaded, rows: &[f64], distances: &mut [f64], term: impl Fn(f64, f64, f64) -> f64 + Copy) {
    let (inputs, clusters) = (model.centroids.width(), model.clusters);
    let mut rows = rows.chunks_exact(2 * inputs);
    let mut distances = distances.chunks_exact_mut(2 * clusters);
    for (pair, distances) in rows.by_ref().zip(distances.by_ref()) {
        let (first, second) = pair.split_at(inputs);
        measure_rows([first, second], model, distances, term);
    }
    if let row @ [_, ..] = rows.remainder() {
        measure_rows([row], model, distances.into_remainder(), term);
    }
}

#[inline(always)]
fn measure_rows<const ROWS: usize>(
    rows: [&[f64]; ROWS],
    model: &Loaded,
    distances: &mut [f64],
    term: impl Fn(f64, f64, f64) -> f64,
) {
    for (panel, from) in model.centroids.iter().zip((0..).step_by(LANES)) {
        let folds = fold(rows, panel, &term);
        for (distances, fold) in distances.chunks_exact_mut(model.clusters).zip(&folds) {
            // As many as there are: the last panel may be filled up.
            for (distance, fold) in distances[from..].iter_mut().zip(fold) {
                *distance = *fold;
            }
        }
    }
}
