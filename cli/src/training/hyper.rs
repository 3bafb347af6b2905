//! Hyper-parameters, by linfa's names. An algorithm says which it has; any other was meant for another algorithm, and
//! is refused instead of being ignored.

use anyhow::bail;
use clap::Args;

/// What can be chosen about the fit.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Hyper-parameters")]
pub(crate) struct Hyper {
    /// Strength of the L2 penalty of the logistic regressions [default: 1]
    #[arg(long)]
    alpha: Option<f64>,
    /// Most iterations of the logistic regressions [default: 100] and of kmeans [default: 300]
    #[arg(long)]
    max_iterations: Option<u64>,
    /// Most levels of a decision tree [default: no limit]
    #[arg(long)]
    max_depth: Option<usize>,
    /// Clusters of kmeans [default: 3]
    #[arg(long)]
    n_clusters: Option<usize>,
    /// What was taken, for the model card.
    #[arg(skip)]
    taken: Vec<(&'static str, String)>,
}

impl Hyper {
    pub(crate) fn alpha(&mut self) -> f64 {
        let alpha = self.alpha.unwrap_or(1.0);
        self.took("alpha", alpha)
    }

    pub(crate) fn max_iterations(&mut self, default: u64) -> u64 {
        let iterations = self.max_iterations.unwrap_or(default);
        self.took("max-iterations", iterations)
    }

    pub(crate) fn max_depth(&mut self) -> Option<usize> {
        let depth = self.max_depth;
        self.took("max-depth", depth.map_or("none".to_owned(), |depth| depth.to_string()));
        depth
    }

    pub(crate) fn n_clusters(&mut self) -> usize {
        let clusters = self.n_clusters.unwrap_or(3);
        self.took("n-clusters", clusters)
    }

    /// What the algorithm took, as it was or by default.
    pub(crate) fn taken(&self) -> &[(&'static str, String)] {
        &self.taken
    }

    /// Refuses what an algorithm that has the parameters `own` would ignore.
    pub(crate) fn refuse_all_but(&self, own: &[&str], algorithm: &str) -> anyhow::Result<()> {
        let given = [
            ("alpha", self.alpha.is_some()),
            ("max-iterations", self.max_iterations.is_some()),
            ("max-depth", self.max_depth.is_some()),
            ("n-clusters", self.n_clusters.is_some()),
        ];
        match given.iter().find(|(name, given)| *given && !own.contains(name)) {
            Some((name, _)) => bail!("{algorithm} has no --{name}"),
            None => Ok(()),
        }
    }

    fn took<T: ToString>(&mut self, name: &'static str, value: T) -> T {
        self.taken.push((name, value.to_string()));
        value
    }
}
