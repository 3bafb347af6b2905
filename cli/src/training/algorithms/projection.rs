//! `pca`, `fast-ica`, `whitening`, `random-projection` and `sparse-random-projection`: other columns, each a weighted sum of
//! the features.

use anyhow::ensure;
use artifact::fitted::Fitted;
use clap::{Args, ValueEnum};
use linfa::{DatasetBase, traits::Fit as _};
use linfa_ica::fast_ica::GFunc;
use linfa_preprocessing::whitening::Whitener;

use super::{Fit, Lesson, Task};
use crate::training::projection::{self, Left};

#[derive(Args, Debug)]
pub(super) struct Pca {
    /// How many columns are left
    #[arg(long, default_value_t = 2)]
    embedding_size: usize,
    /// Give each of them the variance 1
    #[arg(long)]
    whiten: bool,
}

impl Fit for Pca {
    fn task(&self) -> Task {
        Task::Transformation
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        projection::pca(lesson, self.embedding_size, self.whiten)
    }
}

#[derive(Args, Debug)]
pub(super) struct FastIca {
    /// How many columns are left [default: as many as there are features]
    #[arg(long)]
    ncomponents: Option<usize>,
    /// What tells signals from their mixtures
    #[arg(long, value_enum, default_value_t = Contrast::Logcosh)]
    gfunc: Contrast,
    /// The factor in logcosh, from 1 to 2
    #[arg(long, default_value_t = 1.0)]
    alpha: f64,
    /// Most iterations
    #[arg(long, default_value_t = 200)]
    max_iter: usize,
    /// The search stops where the directions turn by less
    #[arg(long, default_value_t = 1e-4)]
    tol: f64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Contrast {
    /// For most signals
    Logcosh,
    /// Where there are outliers
    Exp,
    /// Where there are none
    Cube,
}

impl Fit for FastIca {
    fn task(&self) -> Task {
        Task::Transformation
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let gfunc = match self.gfunc {
            Contrast::Logcosh => GFunc::Logcosh(self.alpha),
            Contrast::Exp => GFunc::Exp,
            Contrast::Cube => GFunc::Cube,
        };
        let parameters =
            linfa_ica::fast_ica::FastIca::params().gfunc(gfunc).max_iter(self.max_iter).tol(self.tol);
        projection::fast_ica(
            lesson,
            match self.ncomponents {
                Some(columns) => parameters.ncomponents(columns),
                None => parameters,
            },
        )
    }
}

#[derive(Args, Debug)]
pub(super) struct Whitening {
    /// Of the maps that leave no correlation, which
    #[arg(long, value_enum, default_value_t = Map::Pca)]
    method: Map,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Map {
    /// To principal components
    Pca,
    /// The one that changes rows least
    Zca,
    /// A triangular one
    Cholesky,
}

impl Fit for Whitening {
    fn task(&self) -> Task {
        Task::Transformation
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let records = &lesson.part.records;
        ensure!(records.nrows() > 1, "one row has no correlations");
        let whitener = match self.method {
            Map::Pca => Whitener::pca(),
            Map::Zca => Whitener::zca(),
            Map::Cholesky => Whitener::cholesky(),
        };
        Ok(Box::new(whitener.fit(&DatasetBase::from(records.view()))?))
    }
}

/// What both random projections are told.
#[derive(Args, Debug)]
pub(super) struct RandomProjection {
    /// How many columns are left [default: as --eps needs]
    #[arg(long)]
    target_dim: Option<usize>,
    /// Keep distances within this share, above 0 and below 1
    #[arg(long, default_value_t = 0.1)]
    eps: f64,
}

#[derive(Args, Debug)]
pub(super) struct SparseRandomProjection {
    #[command(flatten)]
    hyper: RandomProjection,
}

impl RandomProjection {
    fn left(&self) -> Left {
        self.target_dim.map_or(Left::Within(self.eps), Left::Columns)
    }
}

impl Fit for RandomProjection {
    fn task(&self) -> Task {
        Task::Transformation
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        projection::random(lesson, self.left())
    }
}

impl Fit for SparseRandomProjection {
    fn task(&self) -> Task {
        Task::Transformation
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        projection::sparse_random(lesson, self.hyper.left())
    }
}
