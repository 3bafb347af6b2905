//! `multinomial_logistic_regression` against `linfa_logistic`, with 2 to 4 classes.

use artifact::testkit::{f64s, matrix, u32s};
use linfa::{Dataset, traits::Fit as _, traits::Predict as _};

use proptest::strategy::Strategy as _;

use super::agreement::{Case, Data, Expected, classes, data, exported, fixed_data, prove, slack};

/// linfa's trait for both floats is private, so that the type is filled in.
macro_rules! fit {
    ($F:ty, $relative:expr) => {
        |data: &Data| {
            let count = 2 + data.train.nrows() % 3;
            let dataset = Dataset::new(data.train.mapv(|value| value as $F), data.labels(count));
            let model =
                linfa_logistic::MultiLogisticRegression::<$F>::new().max_iterations(20).fit(&dataset).ok()?;
            let asked = data.asked.mapv(|value| value as $F);
            let (probabilities, choices) = (model.predict_probabilities(&asked), model.predict(&asked));
            let rows = probabilities.rows().into_iter().zip(choices).zip(data.asked.rows());
            let expected = rows.map(|((probabilities, choice), row)| {
                let slacks = model.params().columns().into_iter().zip(model.intercept()).map(
                    |(weights, intercept)| {
                        slack(
                            $relative,
                            row,
                            weights.iter().map(|weight| f64::from(*weight)),
                            f64::from(*intercept),
                        )
                    },
                );
                // A probability moves by at most twice what a score does.
                let slack = 2.0 * slacks.fold(0.0, f64::max) + $relative;
                let mut ranks: Vec<_> = probabilities.iter().map(|p| f64::from(*p)).collect();
                ranks.sort_unstable_by(|a, b| b.total_cmp(a));
                Expected {
                    scores: probabilities.iter().map(|p| (f64::from(*p), slack)).collect(),
                    choice: Some(choice).filter(|_| ranks[0] - ranks[1] > slack),
                }
            });
            Some(Case {
                step: exported(&model),
                output: classes(count),
                asked: data.asked.clone(),
                expected: expected.collect(),
            })
        }
    };
}

#[test]
fn multinomial_logistic_regression_answers_as_linfa_does() {
    prove("multinomial_logistic_regression", data(false), fit!(f64, 1e-12));
}

#[test]
fn multinomial_logistic_regression_of_f32_answers_as_linfa_does() {
    prove("multinomial_logistic_regression f32", data(false).prop_map(Data::rounded), fit!(f32, 1e-4));
}

#[test]
fn a_wrong_parameter_is_caught() {
    let case = fit!(f64, 1e-12)(&fixed_data()).unwrap();
    let columns = case.asked.ncols();
    case.check_spoilt(|_| ()).unwrap();
    case.check_spoilt(|tensors| tensors.numbers("coefficients")[1] *= 1.0 + 1e-6).unwrap_err();
    case.check_spoilt(|tensors| tensors.numbers("intercepts")[0] *= 1.0 + 1e-6).unwrap_err();
    // Two classes swapped.
    case.check_spoilt(|tensors| {
        (0..columns).for_each(|column| tensors.numbers("coefficients").swap(column, columns + column));
        tensors.numbers("intercepts").swap(0, 1);
    })
    .unwrap_err();
}

#[test]
fn hostile_tensors_are_refused_by_name() {
    let case = fit!(f64, 1e-12)(&fixed_data()).unwrap();
    case.refuses(
        "multinomial_logistic_regression",
        &[
            (|tensors| tensors.remove("coefficients"), "tensor `0.coefficients` is missing"),
            (|tensors| tensors.remove("intercepts"), "tensor `0.intercepts` is missing"),
            (|tensors| tensors.set("classes", u32s([0, 1, 2])), "tensor `0.classes` belongs to no step"),
            (
                |tensors| tensors.set("coefficients", f64s([1.0; 10])),
                "tensor `0.coefficients` has the shape [10], expected [2, 5]",
            ),
            (
                |tensors| tensors.set("coefficients", matrix([[1.0; 5]; 3])),
                "tensor `0.coefficients` has the shape [3, 5], expected [2, 5]",
            ),
            (
                |tensors| tensors.set("coefficients", matrix([[1.0; 2]; 5])),
                "tensor `0.coefficients` has the shape [5, 2], expected [2, 5]",
            ),
            (
                |tensors| tensors.set("coefficients", u32s([1; 5])),
                "tensor `0.coefficients` has the shape [5], expected [2, 5]",
            ),
            (
                |tensors| tensors.numbers("coefficients")[7] = f64::INFINITY,
                "tensor `0.coefficients`, value 7: inf is not finite",
            ),
            (
                |tensors| tensors.set("intercepts", f64s([0.0; 3])),
                "tensor `0.intercepts` has the shape [3], expected [2]",
            ),
            (
                |tensors| tensors.set("intercepts", u32s([0; 2])),
                "tensor `0.intercepts` holds indices, expected numbers (F64 or F32)",
            ),
            (
                |tensors| tensors.numbers("intercepts")[1] = f64::NAN,
                "tensor `0.intercepts`, value 1: NaN is not finite",
            ),
        ],
    );
}
