//! `kmeans`, as `linfa_clustering::KMeans`.

use anyhow::ensure;
use artifact::fitted::Fitted;
use clap::{Args, ValueEnum};
use linfa::{DatasetBase, traits::Fit as _};
use linfa_nn::distance::{L1Dist, L2Dist, LInfDist};
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
    /// How far two rows are apart
    #[arg(long, value_enum, default_value_t = Distance::L2)]
    distance: Distance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Distance {
    /// The sum of the differences
    L1,
    /// The root of the sum of their squares
    L2,
    /// The largest difference
    LInfinity,
}

impl Fit for KMeans {
    fn task(&self) -> Task {
        Task::Clustering
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let (clusters, rows) = (self.n_clusters, lesson.part.records.nrows());
        ensure!(clusters <= rows, "--n-clusters is {clusters}, there are {rows} rows to fit");
        match self.distance {
            Distance::L1 => fit(self, lesson, L1Dist),
            Distance::L2 => fit(self, lesson, L2Dist),
            Distance::LInfinity => fit(self, lesson, LInfDist),
        }
    }
}

fn fit<D>(hyper: &KMeans, lesson: &Lesson<'_>, distance: D) -> anyhow::Result<Box<dyn Fitted>>
where
    D: linfa_nn::distance::Distance<f64> + std::fmt::Debug + 'static,
    linfa_clustering::KMeans<f64, D>: Fitted,
{
    let random = Xoshiro256Plus::seed_from_u64(lesson.seed);
    let parameters = linfa_clustering::KMeans::params_with(hyper.n_clusters, random, distance)
        .n_runs(hyper.n_runs)
        .max_n_iterations(hyper.max_n_iterations)
        .tolerance(hyper.tolerance);
    Ok(Box::new(parameters.fit(&DatasetBase::from(lesson.part.records.view()))?))
}
