//! `linear_regression` against `linfa_linear`.

use artifact::{
    Output,
    testkit::{f64s, matrix, u32s},
};
use linfa::{Dataset, Float, traits::Fit as _, traits::Predict as _};

use proptest::strategy::Strategy as _;

use super::agreement::{Case, Data, Expected, data, exported, fixed_data, prove, slack};

fn fit<F: Float>(data: &Data, relative: f64) -> Option<Case> {
    let train = data.train.mapv(F::cast);
    let targets = train.rows().into_iter().zip(&data.marks).map(|(row, mark)| row.sum() + F::cast(*mark));
    let dataset = Dataset::new(train.clone(), targets.collect());
    let model = linfa_linear::LinearRegression::new().fit(&dataset).ok()?;
    let wide = |value: F| value.to_f64().unwrap();
    if !model.params().iter().all(|weight| weight.is_finite()) {
        return None;
    }
    let answers = model.predict(&data.asked.mapv(F::cast));
    let expected = answers.iter().zip(data.asked.rows()).map(|(answer, row)| {
        let weights = model.params().iter().copied().map(wide);
        Expected {
            scores: vec![(wide(*answer), slack(relative, row, weights, wide(model.intercept())))],
            choice: None,
        }
    });
    Some(Case {
        step: exported(&model),
        output: Output::Regression { targets: vec!["y".to_owned()] },
        asked: data.asked.clone(),
        expected: expected.collect(),
    })
}

#[test]
fn linear_regression_answers_as_linfa_does() {
    prove("linear_regression", data(false), |data| fit::<f64>(data, 1e-12));
}

#[test]
fn linear_regression_of_f32_answers_as_linfa_does() {
    prove("linear_regression f32", data(false).prop_map(Data::rounded), |data| fit::<f32>(data, 1e-4));
}

#[test]
fn a_wrong_parameter_is_caught() {
    let case = fit::<f64>(&fixed_data(), 1e-12).unwrap();
    case.check_spoilt(|_| ()).unwrap();
    case.check_spoilt(|tensors| tensors.numbers("coefficients")[1] *= 1.0 + 1e-6).unwrap_err();
    case.check_spoilt(|tensors| tensors.numbers("coefficients").swap(0, 1)).unwrap_err();
    case.check_spoilt(|tensors| tensors.numbers("intercept")[0] = 0.0).unwrap_err();
}

#[test]
fn hostile_tensors_are_refused_by_name() {
    fit::<f64>(&fixed_data(), 1e-12).unwrap().refuses(
        "linear_regression",
        &[
            (|tensors| tensors.remove("coefficients"), "tensor `0.coefficients` is missing"),
            (|tensors| tensors.remove("intercept"), "tensor `0.intercept` is missing"),
            (|tensors| tensors.set("bias", f64s([1.0])), "tensor `0.bias` belongs to no step"),
            (
                |tensors| tensors.set("coefficients", f64s([1.0])),
                "tensor `0.coefficients` has the shape [1], expected [5]",
            ),
            (
                |tensors| tensors.set("coefficients", matrix([[1.0; 5]])),
                "tensor `0.coefficients` has the shape [1, 5], expected [5]",
            ),
            (
                |tensors| tensors.set("coefficients", u32s([1, 2, 3, 4, 5])),
                "tensor `0.coefficients` holds indices, expected numbers (F64 or F32)",
            ),
            (
                |tensors| tensors.numbers("coefficients")[2] = f64::NAN,
                "tensor `0.coefficients`, value 2: NaN is not finite",
            ),
            (
                |tensors| tensors.numbers("coefficients")[3] = f64::NEG_INFINITY,
                "tensor `0.coefficients`, value 3: -inf is not finite",
            ),
            (
                |tensors| tensors.set("intercept", f64s([1.0, 2.0])),
                "tensor `0.intercept` has the shape [2], expected [1]",
            ),
            (
                |tensors| tensors.numbers("intercept")[0] = f64::INFINITY,
                "tensor `0.intercept`, value 0: inf is not finite",
            ),
        ],
    );
}
