//! What the support vector steps share: kernels, and machines that weigh how similar a row is to support vectors.
//!
//! The decision of a machine is the sum of its coefficients times the kernel of row and vector, plus its intercept.
//! Machines share the vectors, so that each kernel value is computed once for all of them.
//!
//! Tensors: `support_vectors` (vectors x inputs), `coefficients` (machines x vectors), `intercepts` (machines). With the
//! linear kernel the vectors are summed up: there are none, and `coefficients` is machines x inputs.

use pulp::Simd;
use serde::{Deserialize, Serialize};

use super::{
    affine::Affine,
    exp::exp,
    panels::{Panels, Product, ROWS, Squares, Term},
    sums::{dot, finite},
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
pub(super) enum Machines {
    /// With the linear kernel.
    OfInputs(Affine),
    /// With any other.
    OfVectors(OfVectors),
}

#[derive(Debug)]
pub(super) struct OfVectors {
    kernel: Kernel,
    vectors: Panels,
    inputs: usize,
    /// machines x vectors.
    coefficients: Vec<f64>,
    intercepts: Vec<f64>,
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
        if *kernel == Kernel::Linear {
            let coefficients = parameters.matrix("coefficients", machines, inputs)?;
            let intercepts = parameters.vector("intercepts", machines)?;
            return Ok(Self::OfInputs(Affine::new(coefficients, intercepts, inputs)));
        }
        let vectors = parameters.matrix_of_any_height("support_vectors", inputs)?;
        Ok(Self::OfVectors(OfVectors {
            kernel: kernel.clone(),
            vectors: Panels::new(&vectors, inputs),
            inputs,
            coefficients: parameters.matrix("coefficients", machines, vectors.len() / inputs)?,
            intercepts: parameters.vector("intercepts", machines)?,
        }))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::OfInputs(map) => map.outputs(),
            Self::OfVectors(machines) => machines.intercepts.len(),
        }
    }

    /// Writes the decisions, rows x machines. One that overflowed is NaN.
    pub(super) fn decide(&self, rows: &[f64], decisions: &mut [f64]) {
        match self {
            Self::OfInputs(map) => map.run(rows, decisions),
            Self::OfVectors(machines) => machines.decide(rows, decisions),
        }
    }
}

impl OfVectors {
    fn decide(&self, rows: &[f64], decisions: &mut [f64]) {
        let (machines, count) = (self.intercepts.len(), self.vectors.len());
        let mut similarities = vec![0.0; ROWS * count];
        let decisions = decisions.chunks_mut(ROWS * machines);
        for (rows, decisions) in rows.chunks(ROWS * self.inputs).zip(decisions) {
            let similarities = &mut similarities[..rows.len() / self.inputs * count];
            self.kernel.compare(rows, &self.vectors, similarities);
            let decisions = decisions.chunks_exact_mut(machines);
            for (decisions, similarities) in decisions.zip(similarities.chunks_exact(count)) {
                let machines = self.coefficients.chunks_exact(count).zip(&self.intercepts);
                for (decision, (coefficients, intercept)) in decisions.iter_mut().zip(machines) {
                    *decision = finite(dot(similarities, coefficients) + intercept);
                }
            }
        }
    }
}

impl Kernel {
    /// Writes how similar each row is to each vector: rows x vectors.
    fn compare(&self, rows: &[f64], vectors: &Panels, similarities: &mut [f64]) {
        match *self {
            Self::Gaussian { gamma } => {
                vectors.fold(rows, Scaled { of: Squares, factor: -gamma, constant: 0.0 }, similarities);
                exp(similarities);
            }
            // Machines of the linear kernel have no vectors.
            Self::Linear => vectors.fold(rows, Product, similarities),
            Self::Polynomial { gamma, constant, degree } => {
                vectors.fold(rows, Scaled { of: Product, factor: gamma, constant }, similarities);
                similarities.iter_mut().for_each(|product| *product = power(*product, degree as u32));
            }
            Self::Sigmoid { gamma, constant } => {
                vectors.fold(rows, Scaled { of: Product, factor: gamma, constant }, similarities);
                similarities.iter_mut().for_each(|product| *product = product.tanh());
            }
        }
    }
}

/// `factor` times what another term comes to, + `constant`.
#[derive(Clone, Copy)]
struct Scaled<T> {
    of: T,
    factor: f64,
    constant: f64,
}

impl<T: Term> Term for Scaled<T> {
    #[inline(always)]
    fn add<S: Simd>(self, simd: S, sum: S::f64s, x: S::f64s, v: S::f64s) -> S::f64s {
        self.of.add(simd, sum, x, v)
    }

    #[inline(always)]
    fn end<S: Simd>(self, simd: S, sum: S::f64s) -> S::f64s {
        let sum = self.of.end(simd, sum);
        simd.mul_add_e_f64s(simd.splat_f64s(self.factor), sum, simd.splat_f64s(self.constant))
    }
}

/// `square` to the power of `degree`, by squaring.
fn power(mut square: f64, mut degree: u32) -> f64 {
    let mut power = 1.0;
    while degree > 0 {
        if degree % 2 == 1 {
            power *= square;
        }
        square *= square;
        degree /= 2;
    }
    power
}
