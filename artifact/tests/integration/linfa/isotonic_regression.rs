//! `isotonic_regression` against `linfa_linear::FittedIsotonicRegression`.

use artifact::{
    Batch, Output, Predictions,
    ndarray::{Array1, Axis},
    tensors::Values,
    testkit::{f64s, matrix, u32s},
};
use linfa::{Dataset, traits::Fit as _, traits::Predict as _};
use proptest::strategy::Strategy as _;

use super::agreement::{Case, Data, Expected, data, exported, fixed_data, prove};

/// The first column alone, its training rows in ascending order: linfa takes no others.
fn ascending(mut data: Data) -> Data {
    let mut column = data.train.column(0).to_vec();
    column.sort_unstable_by(f64::total_cmp);
    data.train = Array1::from(column).insert_axis(Axis(1));
    data.asked = data.asked.column(0).to_owned().insert_axis(Axis(1));
    data.rounded()
}

/// The knots and values of the case's step.
fn points(case: &Case) -> (Vec<f64>, Vec<f64>) {
    let numbers = |index: usize| match &case.step.tensors[index].1.values {
        Values::F64(numbers) => numbers.clone(),
        other => panic!("{other:?}"),
    };
    (numbers(0), numbers(1))
}

fn fit<F: linfa_linear::Float + serde::Serialize + serde::de::DeserializeOwned>(
    data: &Data,
    relative: f64,
) -> Option<Case> {
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
        step: exported(&model),
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

#[test]
fn a_model_that_linfa_fitted_on_rows_out_of_order_is_refused() {
    // linfa pools the targets in the order of the feature, but takes the feature's values in the order of the rows.
    let mut data = ascending(fixed_data());
    data.train.invert_axis(Axis(0));
    let case = fit::<f64>(&data, 1e-12).unwrap();
    case.refuses(
        "rows out of order",
        &[(|_| (), "tensor `0.knots`, value 1: -7.824472904205322 is not greater than the one before")],
    );
}

#[test]
fn beyond_its_knots_and_on_them_the_answer_is_a_value_itself() {
    let case = fit::<f64>(&ascending(fixed_data()), 1e-12).unwrap();
    let (knots, values) = points(&case);
    let asked: Vec<f64> = knots.iter().copied().chain([f64::MIN, f64::MAX]).collect();
    let mut answers = Predictions::default();
    case.load().predict(&Batch::new(asked, 1).unwrap(), &mut answers).unwrap();
    let ends = [values[0], values[values.len() - 1]];
    assert_eq!(answers.scores(), [values, ends.to_vec()].concat());
}

#[test]
fn hostile_tensors_are_refused_by_name() {
    let mut case = fit::<f64>(&ascending(fixed_data()), 1e-12).unwrap();
    case.step.tensors = [("knots", [1.0, 2.0, 4.0]), ("values", [0.0, 5.0, 5.0])]
        .map(|(name, values)| (name.to_owned(), f64s(values)))
        .to_vec();
    case.load();
    case.refuses(
        "isotonic_regression",
        &[
            (|tensors| tensors.remove("knots"), "tensor `0.knots` is missing"),
            (|tensors| tensors.remove("values"), "tensor `0.values` is missing"),
            (|tensors| tensors.set("weights", f64s([1.0])), "tensor `0.weights` belongs to no step"),
            (
                |tensors| tensors.set("knots", matrix([[1.0, 2.0, 4.0]])),
                "tensor `0.knots` has the shape [1, 3], expected one dimension",
            ),
            (
                |tensors| tensors.set("knots", u32s([1, 2, 4])),
                "tensor `0.knots` holds indices, expected numbers (F64 or F32)",
            ),
            (
                |tensors| tensors.numbers("knots")[1] = f64::NAN,
                "tensor `0.knots`, value 1: NaN is not finite",
            ),
            (
                |tensors| tensors.numbers("knots")[2] = 2.0,
                "tensor `0.knots`, value 2: 2 is not greater than the one before",
            ),
            (
                |tensors| tensors.numbers("knots").swap(0, 1),
                "tensor `0.knots`, value 1: 1 is not greater than the one before",
            ),
            (
                |tensors| tensors.set("values", f64s([0.0, 5.0])),
                "tensor `0.values` has the shape [2], expected [3]",
            ),
            (
                |tensors| tensors.numbers("values")[2] = f64::INFINITY,
                "tensor `0.values`, value 2: inf is not finite",
            ),
            (
                |tensors| tensors.numbers("values")[1] = 6.0,
                "tensor `0.values`, value 2: 5 is not at least the one before, as the last is",
            ),
            (
                |tensors| tensors.set("values", f64s([9.0, 5.0, 6.0])),
                "tensor `0.values`, value 2: 6 is not at most the one before, as the last is",
            ),
            (
                |tensors| tensors.set("knots", f64s([f64::MIN, 0.0, f64::MAX])),
                "tensor `0.knots`, value 2: inf is not a distance from the first that a number can tell",
            ),
        ],
    );
}

#[test]
fn rows_of_several_values_are_refused() {
    let mut case = fit::<f64>(&ascending(fixed_data()), 1e-12).unwrap();
    case.asked = fixed_data().asked;
    case.refuses("rows of 5", &[(|_| (), "rows of 5 values reach a step that takes 1")]);
}
