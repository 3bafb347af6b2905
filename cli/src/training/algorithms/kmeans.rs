//! `kmeans`, as `linfa_clustering::KMeans` with Euclidean distance.

use anyhow::ensure;
use artifact::fitted::Fitted;
use clap::Args;
use linfa::{DatasetBase, traits::Fit as _};
use linfa_nn::distance::L2Dist;
use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256Plus;

use super::{Fit, Lesson, Task};

#[derive(Args, Debug)]
pub(super) struct KMeans {
    /// How many clusters to find
    #[arg(long, default_value_t = 3)]
    n_clusters: usize,
    /// How often to start anew; the best run is kept
    #[arg(long, default_value_t = 10)]
    n_runs: usize,
    /// Most iterations of a run
    #[arg(long, default_value_t = 300)]
    max_n_iterations: u64,
    /// A run ends where the centres move less
    #[arg(long, default_value_t = 1e-4)]
    tolerance: f64,
}

impl Fit for KMeans {
    fn task(&self) -> Task {
        Task::Clustering
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let (clusters, rows) = (self.n_clusters, lesson.part.records.nrows());
        ensure!(clusters <= rows, "--n-clusters is {clusters}, there are {rows} rows to fit");
        let random = Xoshiro256Plus::seed_from_u64(lesson.seed);
        let parameters = linfa_clustering::KMeans::params_with(clusters, random, L2Dist)
            .n_runs(self.n_runs)
            .max_n_iterations(self.max_n_iterations)
            .tolerance(self.tolerance);
        Ok(Box::new(parameters.fit(&DatasetBase::from(lesson.part.records.view()))?))
    }
}
