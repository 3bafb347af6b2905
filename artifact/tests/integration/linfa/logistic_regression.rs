//! `logistic_regression` against `linfa_logistic`, with either class as its positive one.

use artifact::testkit::{f64s, matrix, u32s};
use linfa::{
    Dataset, ParamGuard as _,
    traits::{Fit as _, FitWith as _, Predict as _},
};

use proptest::strategy::Strategy as _;

use super::agreement::{Case, Data, Expected, classes, data, exported, fixed_data, prove, slack};

/// linfa's trait for both floats is private, so that the type is filled in.
macro_rules! fit {
    ($F:ty, $relative:expr) => {
        |data: &Data| {
            let dataset = Dataset::new(data.train.mapv(|value| value as $F), data.labels(2));
            let model =
                linfa_logistic::LogisticRegression::<$F>::new().max_iterations(20).fit(&dataset).ok()?;
            let asked = data.asked.mapv(|value| value as $F);
            let (probabilities, choices) = (model.predict_probabilities(&asked), model.predict(&asked));
            let positive = model.labels().pos.class;
            let expected =
                probabilities.iter().zip(choices).zip(data.asked.rows()).map(|((p, choice), row)| {
                    let weights = model.params().iter().map(|weight| f64::from(*weight));
                    // The slope of the logistic function is at most 1/4.
                    let slack =
                        slack($relative, row, weights, f64::from(model.intercept())) / 4.0 + $relative;
                    let p = f64::from(*p);
                    let mut scores = vec![(1.0 - p, slack); 2];
                    scores[positive].0 = p;
                    Expected { scores, choice: Some(choice).filter(|_| (p - 0.5).abs() > slack) }
                });
            Some(Case {
                step: exported(&model),
                output: classes(2),
                asked: data.asked.clone(),
                expected: expected.collect(),
            })
        }
    };
}

#[test]
fn logistic_regression_answers_as_linfa_does() {
    prove("logistic_regression", data(false), fit!(f64, 1e-12));
}

#[test]
fn logistic_regression_of_f32_answers_as_linfa_does() {
    prove("logistic_regression f32", data(false).prop_map(Data::rounded), fit!(f32, 1e-4));
}

/// linfa's FTRL, fed its rows one by one. It tells probabilities as f32, whatever it computes in.
fn ftrl<F: linfa::Float>(data: &Data, relative: f64) -> Option<Case> {
    let labels = data.labels(2).mapv(|label| label == 1);
    let parameters = linfa_ftrl::Ftrl::params().alpha(F::cast(0.1)).l1_ratio(F::cast(0.1)).check().ok()?;
    let rows = Dataset::new(data.train.mapv(F::cast), labels);
    let mut model = None;
    for row in rows.sample_chunks(1) {
        model = Some(parameters.fit_with(model, &row).ok()?);
    }
    let model = model?;
    let answers = model.predict(&data.asked.mapv(F::cast));
    let expected = answers.iter().zip(data.asked.rows()).map(|(p, row)| {
        let weights = model.get_weights().mapv(|weight| weight.to_f64().unwrap());
        let slack = slack(relative, row, weights, 0.0) / 4.0 + f64::from(f32::EPSILON);
        let p = f64::from(**p);
        Expected {
            scores: vec![(1.0 - p, slack), (p, slack)],
            choice: Some(usize::from(p > 0.5)).filter(|_| (p - 0.5).abs() > slack),
        }
    });
    Some(Case {
        step: exported(&model),
        output: classes(2),
        asked: data.asked.clone(),
        expected: expected.collect(),
    })
}

#[test]
fn ftrl_answers_as_linfa_does() {
    prove("ftrl", data(false), |data| ftrl::<f64>(data, 1e-12));
}

#[test]
fn ftrl_of_f32_answers_as_linfa_does() {
    prove("ftrl f32", data(false).prop_map(Data::rounded), |data| ftrl::<f32>(data, 1e-4));
}

#[test]
fn either_class_may_be_linfas_positive_one() {
    for majority in [0, 1] {
        let mut data = fixed_data();
        data.marks.fill(if majority == 0 { 0.1 } else { 0.9 });
        let dataset = Dataset::new(data.train.clone(), data.labels(2));
        let model = linfa_logistic::LogisticRegression::<f64>::new().fit(&dataset).unwrap();
        assert_eq!(model.labels().pos.class, majority);
        let case = fit!(f64, 1e-12)(&data).unwrap();
        case.check(&case.load()).unwrap();
    }
}

#[test]
fn a_wrong_parameter_is_caught() {
    let case = fit!(f64, 1e-12)(&fixed_data()).unwrap();
    case.check_spoilt(|_| ()).unwrap();
    case.check_spoilt(|tensors| tensors.numbers("coefficients")[1] *= 1.0 + 1e-6).unwrap_err();
    case.check_spoilt(|tensors| tensors.numbers("intercept")[0] *= 1.0 + 1e-6).unwrap_err();
    // The classes swapped.
    case.check_spoilt(|tensors| {
        for name in ["coefficients", "intercept"] {
            tensors.numbers(name).iter_mut().for_each(|value| *value = -*value);
        }
    })
    .unwrap_err();
}

#[test]
fn hostile_tensors_are_refused_by_name() {
    let case = fit!(f64, 1e-12)(&fixed_data()).unwrap();
    case.refuses(
        "logistic_regression",
        &[
            (|tensors| tensors.remove("coefficients"), "tensor `0.coefficients` is missing"),
            (|tensors| tensors.remove("intercept"), "tensor `0.intercept` is missing"),
            (|tensors| tensors.set("threshold", f64s([0.5])), "tensor `0.threshold` belongs to no step"),
            (
                |tensors| tensors.set("coefficients", f64s([1.0; 4])),
                "tensor `0.coefficients` has the shape [4], expected [5]",
            ),
            (
                |tensors| tensors.set("coefficients", f64s([1.0; 6])),
                "tensor `0.coefficients` has the shape [6], expected [5]",
            ),
            (
                |tensors| tensors.set("coefficients", matrix([[1.0; 5]])),
                "tensor `0.coefficients` has the shape [1, 5], expected [5]",
            ),
            (
                |tensors| tensors.set("coefficients", u32s([1; 5])),
                "tensor `0.coefficients` holds indices, expected numbers (F64 or F32)",
            ),
            (
                |tensors| tensors.numbers("coefficients")[4] = f64::NAN,
                "tensor `0.coefficients`, value 4: NaN is not finite",
            ),
            (
                |tensors| tensors.set("intercept", f64s([0.0; 2])),
                "tensor `0.intercept` has the shape [2], expected [1]",
            ),
            (
                |tensors| tensors.set("intercept", u32s([0])),
                "tensor `0.intercept` holds indices, expected numbers (F64 or F32)",
            ),
            (
                |tensors| tensors.numbers("intercept")[0] = f64::NEG_INFINITY,
                "tensor `0.intercept`, value 0: -inf is not finite",
            ),
        ],
    );
}
