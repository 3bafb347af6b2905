//! `generalized_linear_model` against `linfa_linear::TweedieRegressor`, of each link and of distributions from the
//! normal one to the inverse Gaussian.

use artifact::{
    Output, StepSpec,
    ndarray::{Array1, Axis},
    steps::generalized_linear_model::{GeneralizedLinearModel, Link},
    testkit::{f64s, matrix, u32s},
};
use linfa::{Dataset, traits::Fit as _, traits::Predict as _};
use linfa_linear::TweedieRegressor;
use proptest::strategy::Strategy as _;

use super::agreement::{Case, Data, Expected, data, exported, fixed_data, prove, slack};

const SHAPES: [(f64, linfa_linear::Link); 6] = [
    (0.0, linfa_linear::Link::Identity),
    (1.0, linfa_linear::Link::Log),
    (1.5, linfa_linear::Link::Log),
    (2.0, linfa_linear::Link::Log),
    (3.0, linfa_linear::Link::Log),
    (0.0, linfa_linear::Link::Logit),
];

/// The columns between -1 and 1, so that exponentials of them stay numbers.
fn tamed(mut data: Data) -> Data {
    let largest = data.train.mapv(f64::abs).fold_axis(Axis(0), 0.0_f64, |a, b| a.max(*b));
    data.train /= &largest;
    data.asked /= &largest;
    data.rounded()
}

/// linfa's trait for both floats is private, so that the type is filled in.
macro_rules! fit {
    ($F:ty, $relative:expr) => {
        |data: &Data| {
            let (power, link) = SHAPES[data.train.nrows() % SHAPES.len()];
            // Above 0, as the distributions ask, and below 1, as the logit does.
            let target: Array1<$F> = data.marks.iter().map(|mark| (0.1 + 0.8 * mark) as $F).collect();
            let dataset = Dataset::new(data.train.mapv(|value| value as $F), target);
            let parameters = TweedieRegressor::params().power(power as $F).link(link).alpha(0.01);
            let model = parameters.max_iter(20).fit(&dataset).ok()?;
            let answers = model.predict(&data.asked.mapv(|value| value as $F));
            let expected = answers.iter().zip(data.asked.rows()).map(|(answer, row)| {
                let weights = model.coef.iter().map(|weight| f64::from(*weight));
                let (answer, score) =
                    (f64::from(*answer), slack($relative, row, weights, f64::from(model.intercept)));
                let slack = match link {
                    linfa_linear::Link::Identity => score,
                    // The slopes of exp and of the logistic function; and their own rounding.
                    linfa_linear::Link::Log => answer * (score + $relative),
                    linfa_linear::Link::Logit => score / 4.0 + $relative,
                };
                Expected { scores: vec![(answer, slack)], choice: None }
            });
            Some(Case {
                step: exported(&model),
                output: Output::Regression { targets: vec!["y".to_owned()] },
                asked: data.asked.clone(),
                expected: expected.collect(),
            })
        }
    };
}

#[test]
fn generalized_linear_models_answer_as_linfa_does() {
    prove("generalized_linear_model", data(false).prop_map(tamed), fit!(f64, 1e-12));
}

#[test]
fn generalized_linear_models_of_f32_answer_as_linfa_does() {
    prove("generalized_linear_model f32", data(false).prop_map(tamed), fit!(f32, 1e-4));
}

#[test]
fn a_wrong_parameter_or_link_is_caught() {
    let mut case = fit!(f64, 1e-12)(&tamed(fixed_data())).unwrap();
    case.check_spoilt(|_| ()).unwrap();
    case.check_spoilt(|tensors| tensors.numbers("coefficients")[1] *= 1.0 + 1e-6).unwrap_err();
    case.check_spoilt(|tensors| tensors.numbers("intercept")[0] *= 1.0 + 1e-6).unwrap_err();
    let right = case.step.spec.clone();
    for link in [Link::Identity, Link::Log, Link::Logit] {
        let spec = StepSpec::from(GeneralizedLinearModel { link });
        case.step.spec = spec.clone();
        assert_eq!(case.check(&case.load()).is_ok(), spec == right, "{link:?}");
    }
}

#[test]
fn hostile_tensors_are_refused_by_name() {
    fit!(f64, 1e-12)(&tamed(fixed_data())).unwrap().refuses(
        "generalized_linear_model",
        &[
            (|tensors| tensors.remove("coefficients"), "tensor `0.coefficients` is missing"),
            (|tensors| tensors.remove("intercept"), "tensor `0.intercept` is missing"),
            (|tensors| tensors.set("power", f64s([1.5])), "tensor `0.power` belongs to no step"),
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
                |tensors| tensors.numbers("coefficients")[0] = f64::NAN,
                "tensor `0.coefficients`, value 0: NaN is not finite",
            ),
            (
                |tensors| tensors.numbers("coefficients")[4] = f64::INFINITY,
                "tensor `0.coefficients`, value 4: inf is not finite",
            ),
            (
                |tensors| tensors.set("intercept", f64s([0.0; 5])),
                "tensor `0.intercept` has the shape [5], expected [1]",
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
