//! `kmeans`, as `linfa_clustering::KMeans` with Euclidean distance.

use anyhow::ensure;
use artifact::{Exported, steps::kmeans};
use linfa::{
    DatasetBase,
    traits::{Fit as _, Predict as _},
};
use linfa_clustering::KMeans;
use linfa_nn::distance::{Distance as _, L2Dist};
use ndarray::Array2;
use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256Plus;

use super::{Answers, Fitted, Hyper, Lesson, Task};

pub(super) const TASK: Task = Task::Clustering;
pub(super) const HYPER: &[&str] = &["n-clusters", "max-iterations"];

pub(super) fn fit(lesson: &Lesson<'_>, hyper: &mut Hyper) -> anyhow::Result<KMeans<f64, L2Dist>> {
    let (clusters, rows) = (hyper.n_clusters(), lesson.part.records.nrows());
    ensure!(clusters <= rows, "--n-clusters is {clusters}, there are {rows} rows to fit");
    let random = Xoshiro256Plus::seed_from_u64(lesson.seed);
    Ok(KMeans::params_with(clusters, random, L2Dist)
        .max_n_iterations(hyper.max_iterations(300))
        .fit(&DatasetBase::from(lesson.part.records.view()))?)
}

impl Fitted for KMeans<f64, L2Dist> {
    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let centroids = self.centroids();
        let scores = Array2::from_shape_fn((rows.nrows(), centroids.nrows()), |(row, cluster)| {
            L2Dist.distance(rows.row(row), centroids.row(cluster))
        });
        Answers {
            choices: Some(self.predict(rows)),
            scores,
        }
    }

    fn export(&self) -> Exported {
        kmeans::KMeans::export(self)
    }
}
