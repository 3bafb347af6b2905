//! What the support vector steps share: kernels, and machines that weigh how similar a row is to support vectors.
//!
//! The decision of a machine is the sum of its coefficients times the kernel of row and vector, plus its intercept.
//! Machines share the vectors, so that each kernel value is computed once for all of them.
//!
//! Tensors: `support_vectors` (vectors x inputs), `coefficients` (machines x vectors), `intercepts` (machines). With the
//! linear kernel the vectors are summed up: there are none, and `coefficients` is machines x inputs.

use multiversion::multiversion;
use serde::{Deserialize, Serialize};

use super::{
    exp::exp,
    panels::{LANES, Lanes, Panels, fold},
    sums::linear,
};
use crate::tensors::{Parameters, TensorError};

/// The largest degree of a polynomial: 2^1024 is no number any more.
pub const MAX_DEGREE: f64 = 1023.0;

/// How similar two vectors are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Kernel {
    /// x . v
    Linear,
    /// exp(-gamma |x - v|²), which linfa writes as exp(-|x - v|² / eps).
    Gaussian {
        /// How fast it falls, greater than zero.
        gamma: f64,
    },
    /// (gamma x . v + constant)^degree. linfa has no gamma: it is 1 there.
    Polynomial {
        /// The scale of the product.
        gamma: f64,
        /// scikit-learn's `coef0`.
        constant: f64,
        /// The power: a whole number, since the base may be negative; at most [`MAX_DEGREE`].
        degree: f64,
    },
    /// tanh(gamma x . v + constant), which scikit-learn has and linfa has not.
    Sigmoid {
        /// The scale of the product.
        gamma: f64,
        /// scikit-learn's `coef0`.
        constant: f64,
    },
}

/// Machines over one set of support vectors.
#[derive(Debug)]
pub(super) struct Machines {
    weights: Weights,
    intercepts: Vec<f64>,
    inputs: usize,
}

#[derive(Debug)]
enum Weights {
    /// machines x inputs.
    OfInputs(Vec<f64>),
    OfVectors {
        kernel: Kernel,
        vectors: Panels,
        /// panels x machines. A lane that fills up the last panel weighs 0.
        coefficients: Vec<Lanes>,
    },
}

impl Kernel {
    fn check(&self, parameters: &Parameters<'_>) -> Result<(), TensorError> {
        match *self {
            // Or far vectors would weigh most.
            Self::Gaussian { gamma } if gamma.is_nan() || gamma <= 0.0 => {
                Err(parameters.refuse_setting("gamma", gamma, "greater than zero"))
            }
            Self::Polynomial { degree, .. }
                if degree.fract() != 0.0 || !(0.0..=MAX_DEGREE).contains(&degree) =>
            {
                Err(parameters.refuse_setting("degree", degree, "a whole number from 0 to 1023"))
            }
            Self::Linear | Self::Gaussian { .. } | Self::Polynomial { .. } | Self::Sigmoid { .. } => Ok(()),
        }
    }
}

impl Machines {
    /// Takes the tensors of `machines` machines.
    pub(super) fn load(
        kernel: &Kernel,
        machines: usize,
        inputs: usize,
        parameters: &mut Parameters<'_>,
    ) -> Result<Self, TensorError> {
        kernel.check(parameters)?;
        let weights = if *kernel == Kernel::Linear {
            Weights::OfInputs(parameters.matrix("coefficients", machines, inputs)?)
        } else {
            let vectors = parameters.matrix_of_any_height("support_vectors", inputs)?;
            let count = vectors.len() / inputs;
            let rows = parameters.matrix("coefficients", machines, count)?;
            let panels = (0..count).step_by(LANES);
            let coefficients = panels.flat_map(|panel| {
                let of_panel = move |row: &[f64]| {
                    std::array::from_fn(|lane| row.get(panel + lane).copied().unwrap_or_default())
                };
                rows.chunks_exact(count).map(of_panel)
            });
            Weights::OfVectors {
                kernel: kernel.clone(),
                coefficients: coefficients.collect(),
                vectors: Panels::new(&vectors, inputs),
            }
        };
        Ok(Self { weights, intercepts: parameters.vector("intercepts", machines)?, inputs })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.intercepts.len()
    }

    /// Writes the decisions, rows x machines. One that overflowed is NaN.
    pub(super) fn decide(&self, rows: &[f64], decisions: &mut [f64]) {
        let machines = self.len();
        match &self.weights {
            Weights::OfInputs(coefficients) => {
                let rows = rows.chunks_exact(self.inputs);
                for (row, decisions) in rows.zip(decisions.chunks_exact_mut(machines)) {
                    let machines = coefficients.chunks_exact(self.inputs).zip(&self.intercepts);
                    for (decision, (coefficients, intercept)) in decisions.iter_mut().zip(machines) {
                        *decision = linear(row, coefficients, *intercept);
                    }
                }
            }
            Weights::OfVectors { kernel, vectors, coefficients } => {
                weigh(kernel, vectors, coefficients, rows, machines, decisions);
                for decisions in decisions.chunks_exact_mut(machines) {
                    for (decision, intercept) in decisions.iter_mut().zip(&self.intercepts) {
                        let sum = *decision + intercept;
                        *decision = if sum.is_finite() { sum } else { f64::NAN };
                    }
                }
            }
        }
    }
}

/// Writes the sums of coefficients times kernel values, rows x machines.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn weigh(
    kernel: &Kernel,
    vectors: &Panels,
    coefficients: &[Lanes],
    rows: &[f64],
    machines: usize,
    sums: &mut [f64],
) {
    let product = |sum: f64, x: f64, v: f64| sum + x * v;
    let distance = |sum: f64, x: f64, v: f64| sum + (x - v) * (x - v);
    match *kernel {
        // Machines of the linear kernel have no vectors.
        Kernel::Linear => {
            weigh_by(vectors, coefficients, rows, machines, sums, product, |products| *products)
        }
        Kernel::Gaussian { gamma } => {
            weigh_by(vectors, coefficients, rows, machines, sums, distance, |distances| {
                exp(&scale(distances, -gamma, 0.0))
            });
        }
        Kernel::Polynomial { gamma, constant, degree } => {
            weigh_by(vectors, coefficients, rows, machines, sums, product, |products| {
                power(scale(products, gamma, constant), degree as u32)
            });
        }
        Kernel::Sigmoid { gamma, constant } => {
            weigh_by(vectors, coefficients, rows, machines, sums, product, |products| {
                scale(products, gamma, constant).map(f64::tanh)
            });
        }
    }
}

#[inline(always)]
fn weigh_by(
    vectors: &Panels,
    coefficients: &[Lanes],
    rows: &[f64],
    machines: usize,
    sums: &mut [f64],
    term: impl Fn(f64, f64, f64) -> f64,
    kernel: impl Fn(&Lanes) -> Lanes,
) {
    let inputs = vectors.width();
    // The sums of two rows, lane by lane.
    let mut lanes = vec![[0.0; LANES]; 2 * machines];
    let mut rows = rows.chunks_exact(2 * inputs);
    let mut sums = sums.chunks_exact_mut(2 * machines);
    for (pair, sums) in rows.by_ref().zip(sums.by_ref()) {
        let (first, second) = pair.split_at(inputs);
        weigh_rows([first, second], vectors, coefficients, &mut lanes, sums, &term, &kernel);
    }
    if let row @ [_, ..] = rows.remainder() {
        let lanes = &mut lanes[..machines];
        weigh_rows([row], vectors, coefficients, lanes, sums.into_remainder(), &term, &kernel);
    }
}

#[inline(always)]
fn weigh_rows<const ROWS: usize>(
    rows: [&[f64]; ROWS],
    vectors: &Panels,
    coefficients: &[Lanes],
    lanes: &mut [Lanes],
    sums: &mut [f64],
    term: impl Fn(f64, f64, f64) -> f64,
    kernel: impl Fn(&Lanes) -> Lanes,
) {
    let machines = lanes.len() / ROWS;
    lanes.fill([0.0; LANES]);
    for (panel, coefficients) in vectors.iter().zip(coefficients.chunks_exact(machines)) {
        let folds = fold(rows, panel, &term);
        for (fold, lanes) in folds.iter().zip(lanes.chunks_exact_mut(machines)) {
            let values = kernel(fold);
            for (lanes, coefficients) in lanes.iter_mut().zip(coefficients) {
                for ((lane, value), coefficient) in lanes.iter_mut().zip(&values).zip(coefficients) {
                    *lane += value * coefficient;
                }
            }
        }
    }
    for (sum, lanes) in sums.iter_mut().zip(lanes) {
        *sum = lanes.iter().sum();
    }
}

/// `factor` * lane + `offset`.
#[inline(always)]
fn scale(lanes: &Lanes, factor: f64, offset: f64) -> Lanes {
    let mut scaled = *lanes;
    for lane in &mut scaled {
        *lane = *lane * factor + offset;
    }
    scaled
}

/// Each lane to the power of `degree`, by squaring.
#[inline(always)]
fn power(mut squares: Lanes, mut degree: u32) -> Lanes {
    let mut powers = [1.0; LANES];
    while degree > 0 {
        for (power, square) in powers.iter_mut().zip(&mut squares) {
            if degree % 2 == 1 {
                *power *= *square;
            }
            *square *= *square;
        }
        degree /= 2;
    }
    powers
}
