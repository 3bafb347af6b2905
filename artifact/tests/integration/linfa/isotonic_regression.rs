//! `isotonic_regression` against `linfa_linear::FittedIsotonicRegression`.

use artifact::{
    Output,
    ndarray::{Array1, Axis},
    steps::isotonic_regression::IsotonicRegression,
};
use linfa::{Dataset, traits::Fit as _, traits::Predict as _};
use proptest::strategy::Strategy as _;

use super::agreement::{Case, Data, Expected, data, fixed_data, prove};

/// The first column alone, its training rows in ascending order: linfa takes no others.
fn ascending(mut data: Data) -> Data {
    let mut column = data.train.column(0).to_vec();
    column.sort_unstable_by(f64::total_cmp);
    data.train = Array1::from(column).insert_axis(Axis(1));
    data.asked = data.asked.column(0).to_owned().insert_axis(Axis(1));
    data.rounded()
}

fn fit<F: linfa_linear::Float + serde::Serialize>(data: &Data, relative: f64) -> Option<Case> {
    // Upwards on the whole, with dents.
    let rows = data.marks.iter().enumerate();
    let target: Array1<F> = rows.map(|(row, mark)| F::cast(row as f64 / 10.0 + 4.0 * mark)).collect();
    let largest = target.iter().fold(0.0_f64, |a, b| a.max(b.to_f64().unwrap().abs()));
    let dataset = Dataset::new(data.train.mapv(F::cast), target);
    let model = linfa_linear::IsotonicRegression::new().fit(&dataset).ok()?;
    let answers = model.predict(&data.asked.mapv(F::cast));
    let expected = answers.iter().map(|answer| Expected {
        scores: vec![(answer.to_f64().unwrap(), relative * largest)],
        choice: None,
    });
    Some(Case {
        step: IsotonicRegression::export(&model),
        output: Output::Regression { targets: vec!["y".to_owned()] },
        asked: data.asked.clone(),
        expected: expected.collect(),
    })
}

#[test]
fn isotonic_regression_answers_as_linfa_does() {
    prove("isotonic_regression", data(false).prop_map(ascending), |data| fit::<f64>(data, 1e-12));
}

#[test]
fn isotonic_regression_of_f32_answers_as_linfa_does() {
    prove("isotonic_regression f32", data(false).prop_map(ascending), |data| fit::<f32>(data, 1e-4));
}

#[test]
fn a_wrong_parameter_is_caught() {
    let case = fit::<f64>(&ascending(fixed_data()), 1e-12).unwrap();
    case.check_spoilt(|_| ()).unwrap();
    case.check_spoilt(|tensors| tensors.numbers("knots")[1] += 1e-6).unwrap_err();
    case.check_spoilt(|tensors| *tensors.numbers("values").last_mut().unwrap() += 1e-6).unwrap_err();
}
