//! `svm_classifier` and `svm_regressor` from `linfa_svm::Svm`. Its `alpha` and `rho` are public; the kernel, the vectors
//! and Platt's a and b are taken from its serde form.
//!
//! ```
//! use artifact::Artifact;
//! use linfa::{Dataset, traits::Fit};
//! use linfa_svm::Svm;
//!
//! # let rows = ndarray::Array2::from_shape_fn((40, 2), |(row, column)| ((row * 7 + column * 3) % 20) as f64);
//! # let inside = rows.rows().into_iter().map(|row| row[0] + row[1] > 18.0).collect();
//! let dataset = Dataset::new(rows, inside);
//! let model = Svm::<f64, bool>::params().gaussian_kernel(30.0).fit(&dataset)?;
//!
//! Artifact::from_fitted(&model, "inside", &dataset)?.named(["no", "yes"]).seal()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::HashMap;

use linfa::{Float, dataset::Pr, traits::Predict as _};
use linfa_svm::Svm;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use serde::Serialize;
use serde_json::Value;

use super::{Answers, ExportError, Fitted, narrow, wide};
use crate::{
    Exported,
    steps::{
        Kernel, Role,
        svm_classifier::{Choice, SvmClassifier},
        svm_regressor::SvmRegressor,
    },
    tensors::Tensor,
};

/// A machine for each class, in order, against all others, of one kernel. (linfa's `MultiClassModel` hides the machines
/// that it is made of.)
#[derive(Clone, Debug)]
pub struct OneVsRest<F: Float, T>(pub Vec<Svm<F, T>>);

/// Two classes, the second of which is `true`; or outlier and inlier, of a one-class machine.
impl<F: Float + Serialize> Fitted for Svm<F, bool> {
    fn role(&self) -> Role {
        Role::Classifier { classes: 2, probabilities: false }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        classifier(std::slice::from_ref(self), Choice::Decision)
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let answers: Array1<bool> = self.predict(&narrow(rows));
        Answers { choices: Some(answers.mapv(usize::from)), scores: Array2::zeros((rows.nrows(), 0)) }
    }
}

impl<F: Float + Serialize> Fitted for Svm<F, Pr> {
    fn role(&self) -> Role {
        Role::Classifier { classes: 2, probabilities: true }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        classifier(std::slice::from_ref(self), Choice::Probability)
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let second = probabilities(std::slice::from_ref(self), rows);
        let scores = Array2::from_shape_fn((rows.nrows(), 2), |(row, class)| {
            let second = second[[row, 0]];
            if class == 1 { second } else { 1.0 - second }
        });
        Answers { choices: Some(largest(&scores)), scores }
    }
}

impl<F: Float + Serialize> Fitted for OneVsRest<F, bool> {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.0.len(), probabilities: false }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        classifier(&self.0, Choice::Decision)
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let choices = largest(&decisions(&self.0, rows));
        Answers { choices: Some(choices), scores: Array2::zeros((rows.nrows(), 0)) }
    }
}

impl<F: Float + Serialize> Fitted for OneVsRest<F, Pr> {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.0.len(), probabilities: true }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        classifier(&self.0, Choice::Probability)
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let scores = probabilities(&self.0, rows);
        let sums = scores.sum_axis(Axis(1)).insert_axis(Axis(1));
        Answers { choices: Some(largest(&scores)), scores: scores / sums }
    }
}

/// linfa fits numbers of these two types alone.
macro_rules! regressor {
    ($($Float:ty),*) => {$(
        impl Fitted for Svm<$Float, $Float> {
            fn role(&self) -> Role {
                Role::Regressor { targets: 1 }
            }

            fn export(&self) -> Result<Vec<Exported>, ExportError> {
                let (kernel, tensors) = weights(std::slice::from_ref(self))?;
                Ok(vec![Exported { spec: SvmRegressor { kernel }.into(), tensors }])
            }

            fn answer(&self, rows: &Array2<f64>) -> Answers {
                let rows: Array2<$Float> = narrow(rows);
                let values: Array1<$Float> = self.predict(&rows);
                Answers::numbers(wide(values).insert_axis(Axis(1)))
            }
        }
    )*};
}

regressor!(f32, f64);

fn classifier<F: Float + Serialize, T>(
    machines: &[Svm<F, T>],
    choice: Choice,
) -> Result<Vec<Exported>, ExportError> {
    let (kernel, mut tensors) = weights(machines)?;
    if choice == Choice::Probability {
        let platt = machines.iter().map(platt).collect::<Result<Vec<_>, _>>()?;
        tensors.push(("platt".to_owned(), Tensor::floats(&[machines.len(), 2], platt.as_flattened())));
    }
    Ok(vec![Exported { spec: SvmClassifier { kernel, choice }.into(), tensors }])
}

/// linfa's decisions, rows x machines.
fn decisions<F: Float, T>(machines: &[Svm<F, T>], rows: &Array2<f64>) -> Array2<f64> {
    let rows: Array2<F> = narrow(rows);
    let decide = |(row, machine): (usize, usize)| {
        let machine = &machines[machine];
        machine.weighted_sum(&rows.row(row)) - machine.rho
    };
    wide(Array2::from_shape_fn((rows.nrows(), machines.len()), decide))
}

/// Platt's formula for linfa's decisions, rows x machines. linfa's own answer is the same in f32, whatever the model's
/// precision: too coarse to prove another by.
fn probabilities<F: Float + Serialize>(machines: &[Svm<F, Pr>], rows: &Array2<f64>) -> Array2<f64> {
    let mut scores = decisions(machines, rows);
    for (mut column, machine) in scores.columns_mut().into_iter().zip(machines) {
        // Without a and b, there is no export either.
        let [a, b] = platt(machine)
            .map_or([f64::NAN; 2], |platt| platt.map(|number| number.to_f64().unwrap_or(f64::NAN)));
        column.mapv_inplace(|decision| 1.0 / (1.0 + (a * decision + b).exp()));
    }
    scores
}

/// The first of the largest in each row.
fn largest(scores: &Array2<f64>) -> Array1<usize> {
    let largest = |row: ArrayView1<'_, f64>| {
        (0..row.len()).fold(0, |best, index| if row[index] > row[best] { index } else { best })
    };
    scores.rows().into_iter().map(largest).collect()
}

/// The kernel and the tensors of machines of one kernel.
fn weights<F: Float + Serialize, T>(
    machines: &[Svm<F, T>],
) -> Result<(Kernel, Vec<(String, Tensor)>), ExportError> {
    let forms = machines.iter().map(form).collect::<Result<Vec<_>, _>>()?;
    let kernels = forms.iter().map(|form| kernel(&form["kernel_method"])).collect::<Result<Vec<_>, _>>()?;
    let (Some(kernel), true) = (kernels.first(), kernels.windows(2).all(|pair| pair[0] == pair[1])) else {
        return Err(unsupported("the machines have not one kernel".to_owned()));
    };
    let mut tensors = if *kernel == Kernel::Linear {
        let planes = forms.iter().map(|form| numbers(&form["sep_hyperplane"]["Linear"]["data"]));
        let planes = planes.collect::<Result<Vec<Vec<F>>, _>>()?;
        let shape = [planes.len(), planes[0].len()];
        vec![("coefficients".to_owned(), Tensor::floats(&shape, planes.iter().flatten()))]
    } else {
        weighted_vectors(machines, &forms)?
    };
    let intercepts: Vec<_> = machines.iter().map(|machine| -machine.rho).collect();
    tensors.push(("intercepts".to_owned(), Tensor::floats(&[intercepts.len()], &intercepts)));
    Ok((kernel.clone(), tensors))
}

/// `support_vectors`, each of which stands there once however many machines have it, and `coefficients`.
fn weighted_vectors<F: Float, T>(
    machines: &[Svm<F, T>],
    forms: &[Value],
) -> Result<Vec<(String, Tensor)>, ExportError> {
    let mut places = HashMap::new();
    let mut vectors: Vec<F> = Vec::new();
    // vectors x machines.
    let mut coefficients: Vec<Vec<F>> = Vec::new();
    let mut inputs = 0;
    for (at, (machine, form)) in machines.iter().zip(forms).enumerate() {
        let combination = &form["sep_hyperplane"]["WeightedCombination"];
        inputs = combination["dim"][1].as_u64().and_then(|width| usize::try_from(width).ok()).unwrap_or(0);
        let rows: Vec<F> = numbers(&combination["data"])?;
        // As linfa leaves the others out.
        let alphas = machine.alpha.iter().filter(|alpha| alpha.abs() > F::cast(100.0) * F::epsilon());
        for (vector, alpha) in rows.chunks_exact(inputs.max(1)).zip(alphas) {
            let bits: Vec<_> = vector.iter().map(|value| value.to_f64().map(f64::to_bits)).collect();
            let place = *places.entry(bits).or_insert_with(|| {
                vectors.extend(vector);
                coefficients.push(vec![F::zero(); machines.len()]);
                coefficients.len() - 1
            });
            coefficients[place][at] += *alpha;
        }
    }
    if coefficients.is_empty() {
        // Nothing supports a machine that answers a constant. One vector that weighs nothing says so.
        vectors.resize(inputs, F::zero());
        coefficients.push(vec![F::zero(); machines.len()]);
    }
    let by_machine = (0..machines.len()).flat_map(|at| coefficients.iter().map(move |row| &row[at]));
    Ok(vec![
        ("support_vectors".to_owned(), Tensor::floats(&[coefficients.len(), inputs], &vectors)),
        ("coefficients".to_owned(), Tensor::floats(&[machines.len(), coefficients.len()], by_machine)),
    ])
}

fn kernel(method: &Value) -> Result<Kernel, ExportError> {
    let number = |value: &Value| value.as_f64().ok_or_else(not_finite);
    Ok(if let Some(eps) = method.get("Gaussian") {
        Kernel::Gaussian { gamma: 1.0 / number(eps)? }
    } else if let Some(polynomial) = method.get("Polynomial") {
        Kernel::Polynomial { gamma: 1.0, constant: number(&polynomial[0])?, degree: number(&polynomial[1])? }
    } else {
        Kernel::Linear
    })
}

/// Platt's a and b.
fn platt<F: Float + Serialize, T>(machine: &Svm<F, T>) -> Result<[F; 2], ExportError> {
    let numbers: Vec<F> = numbers(&form(machine)?["probability_coeffs"])?;
    numbers.try_into().map_err(|_| unsupported("it was fitted without probabilities".to_owned()))
}

fn form<F: Float + Serialize, T>(machine: &Svm<F, T>) -> Result<Value, ExportError> {
    serde_json::to_value(machine).map_err(|error| unsupported(error.to_string()))
}

/// The numbers of a JSON array, which writes NaN as null.
fn numbers<F: Float>(array: &Value) -> Result<Vec<F>, ExportError> {
    let number = |number: &Value| number.as_f64().map(F::cast).ok_or_else(not_finite);
    array.as_array().into_iter().flatten().map(number).collect()
}

fn not_finite() -> ExportError {
    unsupported("linfa fitted numbers that are not finite".to_owned())
}

fn unsupported(reason: String) -> ExportError {
    ExportError::Unsupported { what: "a support vector machine", reason }
}
