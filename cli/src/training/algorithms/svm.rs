//! `svm`, `svr` and `one-class-svm`, as `linfa_svm` has them.

use anyhow::{bail, ensure};
use artifact::fitted::{Fitted, svm::OneVsRest};
use clap::{Args, ValueEnum};
use linfa::{Dataset, DatasetBase, Float, dataset::Pr, traits::Fit as _};
use linfa_svm::{Svm as Machine, SvmParams};
use ndarray::Array1;

use super::{Fit, Lesson, Task};

/// What all machines are told.
#[derive(Args, Debug)]
struct Solver {
    /// How similar two rows are
    #[arg(long, value_enum, default_value_t = Kernel::Linear)]
    kernel: Kernel,
    /// Width of the Gaussian kernel exp(-|x - y|² / eps) [default: the number of features]
    #[arg(long, value_name = "EPS")]
    gaussian_eps: Option<f64>,
    /// Constant of the polynomial kernel (x . y + constant)^degree
    #[arg(long, value_name = "CONSTANT", default_value_t = 1.0)]
    polynomial_constant: f64,
    /// Degree of the polynomial kernel
    #[arg(long, value_name = "DEGREE", default_value_t = 3)]
    polynomial_degree: u16,
    /// The solver stops where the gradients differ less
    #[arg(long, default_value_t = 1e-7)]
    eps: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kernel {
    Linear,
    Gaussian,
    Polynomial,
}

#[derive(Args, Debug)]
pub(super) struct Svm {
    #[command(flatten)]
    solver: Solver,
    /// Cost of a mistake on the second of two classes; of more classes, on the one that a machine is for
    #[arg(long, default_value_t = 1.0)]
    c_pos: f64,
    /// Cost of a mistake on the other rows
    #[arg(long, default_value_t = 1.0)]
    c_neg: f64,
    /// The share of mistakes to bear, above 0 and at most 1, instead of costs
    #[arg(long)]
    nu: Option<f64>,
    /// Give probabilities, by Platt's method
    #[arg(long)]
    probability: bool,
}

#[derive(Args, Debug)]
pub(super) struct Svr {
    #[command(flatten)]
    solver: Solver,
    /// Cost of a mistake
    #[arg(long, default_value_t = 1.0)]
    c: f64,
    /// Mistakes below it cost nothing
    #[arg(long, default_value_t = 0.1)]
    loss_eps: f64,
    /// The share of mistakes to bear, above 0 and at most 1, instead of --loss-eps
    #[arg(long)]
    nu: Option<f64>,
}

#[derive(Args, Debug)]
pub(super) struct OneClassSvm {
    #[command(flatten)]
    solver: Solver,
    /// The share of the rows that may be outliers, above 0 and at most 1
    #[arg(long, default_value_t = 0.1)]
    nu: f64,
}

impl Solver {
    fn tell<F: Float, T>(&self, parameters: SvmParams<F, T>, lesson: &Lesson<'_>) -> SvmParams<F, T> {
        let parameters = parameters.eps(F::cast(self.eps));
        match self.kernel {
            Kernel::Linear => parameters.linear_kernel(),
            Kernel::Gaussian => {
                let eps = self.gaussian_eps.unwrap_or(lesson.part.records.ncols() as f64);
                parameters.gaussian_kernel(F::cast(eps))
            }
            Kernel::Polynomial => {
                let degree = F::cast(self.polynomial_degree);
                parameters.polynomial_kernel(F::cast(self.polynomial_constant), degree)
            }
        }
    }
}

impl Svm {
    fn tell<T>(
        &self,
        parameters: SvmParams<f64, T>,
        lesson: &Lesson<'_>,
    ) -> anyhow::Result<SvmParams<f64, T>> {
        let parameters = self.solver.tell(parameters, lesson);
        Ok(match self.nu {
            None => parameters.pos_neg_weights(self.c_pos, self.c_neg),
            // It divides the weights by what it calls r, but not those of a linear machine.
            Some(_) if self.solver.kernel == Kernel::Linear => {
                bail!(
                    "linfa fits no right linear machine with --nu; use --c-pos and --c-neg, or another --kernel"
                )
            }
            Some(nu) => parameters.nu_weight(nu),
        })
    }
}

/// The classes as a machine for each learns them: the second of two, or each of more.
fn ones_against_the_rest(classes: &Array1<usize>) -> Vec<Array1<bool>> {
    let count = classes.iter().max().map_or(0, |last| last + 1);
    let ones = if count <= 2 { 1..2 } else { 0..count };
    ones.map(|one| classes.mapv(|class| class == one)).collect()
}

/// linfa has no trait for what fits both types.
macro_rules! machines {
    ($T:ty, $svm:expr, $lesson:expr) => {{
        let parameters = $svm.tell(Machine::<f64, $T>::params(), $lesson)?;
        let part = $lesson.part;
        let mut machines = Vec::new();
        for targets in ones_against_the_rest(part.classes()?) {
            let machine = parameters.fit(&Dataset::new(part.records.clone(), targets))?;
            // linfa does not look whether there is a solution.
            ensure!(machine.rho.is_finite(), "a class has too few rows for --nu; use a smaller one");
            machines.push(machine);
        }
        let fitted: Box<dyn Fitted> = match <[_; 1]>::try_from(machines) {
            Ok([machine]) => Box::new(machine),
            Err(machines) => Box::new(OneVsRest(machines)),
        };
        fitted
    }};
}

impl Fit for Svm {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        Ok(if self.probability { machines!(Pr, self, lesson) } else { machines!(bool, self, lesson) })
    }
}

impl Fit for Svr {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let parameters = self.solver.tell(Machine::<f64, f64>::params(), lesson);
        let parameters = match self.nu {
            None => parameters.c_svr(self.c, Some(self.loss_eps)),
            Some(nu) => parameters.nu_svr(nu, Some(self.c)),
        };
        let dataset = Dataset::new(lesson.part.records.clone(), lesson.part.number()?);
        Ok(Box::new(parameters.fit(&dataset)?))
    }
}

impl Fit for OneClassSvm {
    fn task(&self) -> Task {
        Task::Novelty
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let parameters = self.solver.tell(Machine::<f64, Pr>::params(), lesson).nu_weight(self.nu);
        let model: Machine<f64, bool> = parameters.fit(&DatasetBase::from(lesson.part.records.clone()))?;
        Ok(Box::new(model))
    }
}
