//! Machines as linfa fitted them. Of a `linfa_svm::Svm`, `alpha` and `rho` are public; the kernel, the vectors and Platt's
//! a and b are taken from its serde form.

use std::collections::HashMap;

use linfa_svm::Svm;
use serde::Serialize;
use serde_json::Value;

use super::Kernel;
use crate::tensors::Tensor;

/// The kernel and the tensors of machines that have one kernel and one width. What linfa should not have fitted, such as
/// NaN, is refused when the model is loaded.
pub(in crate::steps) fn tensors<F: linfa::Float + Serialize, T>(
    machines: &[Svm<F, T>],
) -> (Kernel, Vec<(String, Tensor)>) {
    let forms: Vec<_> = machines.iter().map(form).collect();
    let kernel = forms.first().map_or(Kernel::Linear, |form| kernel(&form["kernel_method"]));
    let mut tensors = if kernel == Kernel::Linear {
        let rows: Vec<Vec<F>> =
            forms.iter().map(|form| numbers(&form["sep_hyperplane"]["Linear"]["data"])).collect();
        let shape = [rows.len(), rows.first().map_or(0, Vec::len)];
        vec![("coefficients".to_owned(), Tensor::floats(&shape, rows.iter().flatten()))]
    } else {
        weighted_vectors(machines, &forms)
    };
    let intercepts: Vec<_> = machines.iter().map(|machine| -machine.rho).collect();
    tensors.push(("intercepts".to_owned(), Tensor::floats(&[intercepts.len()], &intercepts)));
    (kernel, tensors)
}

/// Platt's a and b of each machine.
pub(in crate::steps) fn platt<F: linfa::Float + Serialize, T>(machines: &[Svm<F, T>]) -> Tensor {
    let platt: Vec<Vec<F>> =
        machines.iter().map(|machine| numbers(&form(machine)["probability_coeffs"])).collect();
    Tensor::floats(&[platt.len(), 2], platt.iter().flatten())
}

/// `support_vectors`, each of which stands there once however many machines have it, and `coefficients`.
fn weighted_vectors<F: linfa::Float, T>(machines: &[Svm<F, T>], forms: &[Value]) -> Vec<(String, Tensor)> {
    let mut places = HashMap::new();
    let mut vectors: Vec<F> = Vec::new();
    // vectors x machines.
    let mut coefficients: Vec<Vec<F>> = Vec::new();
    let mut inputs = 0;
    for (at, (machine, form)) in machines.iter().zip(forms).enumerate() {
        let combination = &form["sep_hyperplane"]["WeightedCombination"];
        inputs = combination["dim"][1].as_u64().and_then(|width| usize::try_from(width).ok()).unwrap_or(0);
        let rows: Vec<F> = numbers(&combination["data"]);
        // As linfa drops them.
        let alphas = machine.alpha.iter().filter(|alpha| alpha.abs() > F::cast(100.0) * F::epsilon());
        for (vector, alpha) in rows.chunks_exact(inputs.max(1)).zip(alphas) {
            let bits: Vec<_> =
                vector.iter().map(|value| value.to_f64().unwrap_or(f64::NAN).to_bits()).collect();
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
    vec![
        ("support_vectors".to_owned(), Tensor::floats(&[coefficients.len(), inputs], &vectors)),
        ("coefficients".to_owned(), Tensor::floats(&[machines.len(), coefficients.len()], by_machine)),
    ]
}

fn kernel(method: &Value) -> Kernel {
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    if let Some(eps) = method.get("Gaussian") {
        Kernel::Gaussian { gamma: 1.0 / number(eps) }
    } else if let Some(polynomial) = method.get("Polynomial") {
        Kernel::Polynomial { gamma: 1.0, constant: number(&polynomial[0]), degree: number(&polynomial[1]) }
    } else {
        Kernel::Linear
    }
}

fn form<F: linfa::Float + Serialize, T>(machine: &Svm<F, T>) -> Value {
    serde_json::to_value(machine).unwrap_or_default()
}

/// The numbers of a JSON array, which writes NaN as null.
fn numbers<F: linfa::Float>(array: &Value) -> Vec<F> {
    let numbers = array.as_array().into_iter().flatten();
    numbers.map(|number| F::cast(number.as_f64().unwrap_or(f64::NAN))).collect()
}
