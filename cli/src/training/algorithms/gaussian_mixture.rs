//! `gaussian-mixture`, as `linfa_clustering::GaussianMixtureModel`.

use anyhow::ensure;
use artifact::fitted::Fitted;
use clap::{Args, ValueEnum};
use linfa::{DatasetBase, traits::Fit as _};
use linfa_clustering::{GaussianMixtureModel, GmmInitMethod};
use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256Plus;

use super::{Fit, Lesson, Task};

#[derive(Args, Debug)]
pub(super) struct GaussianMixture {
    /// How many clusters to find
    #[arg(long, default_value_t = 3)]
    n_clusters: usize,
    /// How often to go on from where the run before ended; the best is kept
    #[arg(long, default_value_t = 1)]
    n_runs: u64,
    /// Most iterations of a run
    #[arg(long, default_value_t = 100)]
    max_n_iterations: u64,
    /// A run ends where the likelihood grows by less
    #[arg(long, default_value_t = 1e-3)]
    tolerance: f64,
    /// Added to every variance, so that none becomes zero
    #[arg(long, default_value_t = 1e-6)]
    reg_covariance: f64,
    /// Where the clusters begin
    #[arg(long, value_enum, default_value_t = Start::Kmeans)]
    init_method: Start,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Start {
    /// At the clusters of k-means
    Kmeans,
    /// Anywhere
    Random,
}

impl Fit for GaussianMixture {
    fn task(&self) -> Task {
        Task::Clustering
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let (clusters, rows) = (self.n_clusters, lesson.part.records.nrows());
        ensure!(clusters <= rows, "--n-clusters is {clusters}, there are {rows} rows to fit");
        let random = Xoshiro256Plus::seed_from_u64(lesson.seed);
        let parameters = GaussianMixtureModel::params_with_rng(clusters, random)
            .n_runs(self.n_runs)
            .max_n_iterations(self.max_n_iterations)
            .tolerance(self.tolerance)
            .reg_covariance(self.reg_covariance)
            .init_method(match self.init_method {
                Start::Kmeans => GmmInitMethod::KMeans,
                Start::Random => GmmInitMethod::Random,
            });
        Ok(Box::new(parameters.fit(&DatasetBase::from(lesson.part.records.view()))?))
    }
}
