//! `linear_regression` against every fitted type of linfa that is such a map, of one target and of three.

use artifact::{
    Output,
    fitted::Fitted,
    ndarray::{Array1, Array2, Axis},
    testkit::{f64s, matrix, u32s},
};
use linfa::{
    Dataset, Float,
    traits::{Fit as _, Predict as _, PredictInplace as _},
};
use linfa_elasticnet::{ElasticNet, MultiTaskElasticNet};
use linfa_lars::Lars;
use linfa_pls::{PlsCanonical, PlsCca, PlsRegression};
use proptest::strategy::Strategy as _;

use super::agreement::{Case, Data, Expected, data, exported, fixed_data, prove};

/// A number per row that the columns tell in part.
fn target<F: Float>(data: &Data) -> Array1<F> {
    let rows = data.train.rows().into_iter().zip(&data.marks);
    rows.map(|(row, mark)| F::cast(row.sum() + mark)).collect()
}

/// Three numbers per row, of other sizes and places.
fn targets<F: Float>(data: &Data) -> Array2<F> {
    Array2::from_shape_fn((data.train.nrows(), 3), |(row, target)| {
        let (first, mark) = (data.train[(row, 0)], data.marks[row]);
        F::cast([first + mark, 100.0 * mark - first, mark * mark - 5.0][target])
    })
}

/// The case of a model that answers by `predict`, rows x targets. What it is made of is told by its answers alone.
/// `mean` is what the model subtracts from the columns first.
fn case<F: Float>(
    data: &Data,
    relative: f64,
    mean: Array1<f64>,
    model: &impl Fitted,
    predict: impl Fn(&Array2<F>) -> Array2<F>,
) -> Option<Case> {
    let predict = |rows: Array2<f64>| predict(&rows.mapv(F::cast)).mapv(|value| value.to_f64().unwrap());
    let width = data.asked.ncols();
    let origin = predict(Array2::zeros((1, width)));
    let weights = predict(Array2::eye(width)) - &origin;
    if !weights.iter().chain(&origin).all(|weight| weight.is_finite()) {
        return None;
    }
    let answers = predict(data.asked.clone());
    let size = (data.asked.mapv(f64::abs) + mean.mapv(f64::abs)).dot(&weights.mapv(f64::abs));
    let slack = (size + origin.mapv(f64::abs)) * relative;
    let expected = answers.rows().into_iter().zip(slack.rows()).map(|(answers, slack)| Expected {
        scores: answers.iter().copied().zip(slack.iter().copied()).collect(),
        choice: None,
    });
    Some(Case {
        step: exported(model),
        output: Output::Regression { targets: (0..answers.ncols()).map(|t| format!("t{t}")).collect() },
        asked: data.asked.clone(),
        expected: expected.collect(),
    })
}

fn ordinary<F: Float>(data: &Data, relative: f64) -> Option<Case> {
    let dataset = Dataset::new(data.train.mapv(F::cast), target::<F>(data));
    let model = linfa_linear::LinearRegression::new().fit(&dataset).ok()?;
    case(data, relative, Array1::zeros(data.asked.ncols()), &model, |rows: &Array2<F>| {
        model.predict(rows).insert_axis(Axis(1))
    })
}

/// Between lasso and ridge, one of which is in three models each.
fn elastic_net<F: Float>(data: &Data, relative: f64) -> Option<Case> {
    let l1_ratio = F::cast([0.0, 0.5, 1.0][data.train.nrows() % 3]);
    let dataset = Dataset::new(data.train.mapv(F::cast), target::<F>(data));
    let parameters = ElasticNet::params().penalty(F::cast(0.1)).l1_ratio(l1_ratio).max_iterations(100);
    let model = parameters.fit(&dataset).ok()?;
    case(data, relative, Array1::zeros(data.asked.ncols()), &model, |rows: &Array2<F>| {
        model.predict(rows).insert_axis(Axis(1))
    })
}

fn multi_task_elastic_net<F: Float>(data: &Data, relative: f64) -> Option<Case> {
    let dataset = Dataset::new(data.train.mapv(F::cast), targets::<F>(data));
    let parameters = MultiTaskElasticNet::params().penalty(F::cast(0.1)).max_iterations(100);
    let model = parameters.fit(&dataset).ok()?;
    case(data, relative, Array1::zeros(data.asked.ncols()), &model, |rows: &Array2<F>| {
        // `predict` makes room for rows x rows answers.
        let mut answers = Array2::zeros((rows.nrows(), 3));
        model.predict_inplace(rows, &mut answers);
        answers
    })
}

fn lars<F: Float>(data: &Data, relative: f64) -> Option<Case> {
    let dataset = Dataset::new(data.train.mapv(F::cast), target::<F>(data));
    let model = Lars::params().n_nonzero_coefs(3).fit(&dataset).ok()?;
    case(data, relative, Array1::zeros(data.asked.ncols()), &model, |rows: &Array2<F>| {
        model.predict(rows).insert_axis(Axis(1))
    })
}

macro_rules! pls {
    ($name:ident, $Model:ident) => {
        fn $name<F: Float + serde::Serialize>(data: &Data, relative: f64) -> Option<Case> {
            let dataset = Dataset::new(data.train.mapv(F::cast), targets::<F>(data));
            let components = data.train.ncols().min(2);
            let model = $Model::<F>::params(components).fit(&dataset).ok()?;
            let mean = data.train.mean_axis(Axis(0)).unwrap();
            case(data, relative, mean, &model, |rows: &Array2<F>| model.predict(rows))
        }
    };
}

pls!(pls_regression, PlsRegression);
pls!(pls_canonical, PlsCanonical);
pls!(pls_cca, PlsCca);

const OF_SEVERAL_TARGETS: [fn(&Data, f64) -> Option<Case>; 4] =
    [multi_task_elastic_net::<f64>, pls_regression::<f64>, pls_canonical::<f64>, pls_cca::<f64>];

macro_rules! proofs {
    ($($fit:ident => $test:ident, $test_of_f32:ident;)*) => {
        $(
            #[test]
            fn $test() {
                prove(stringify!($fit), data(false), |data| $fit::<f64>(data, 1e-12));
            }

            #[test]
            fn $test_of_f32() {
                let data = data(false).prop_map(Data::rounded);
                prove(concat!(stringify!($fit), " f32"), data, |data| $fit::<f32>(data, 1e-4));
            }
        )*
    };
}

proofs! {
    ordinary => linear_regression_answers_as_linfa_does, linear_regression_of_f32_answers_as_linfa_does;
    elastic_net => elastic_nets_answer_as_linfa_does, elastic_nets_of_f32_answer_as_linfa_does;
    multi_task_elastic_net => multi_task_elastic_nets_answer_as_linfa_does, multi_task_elastic_nets_of_f32_answer_as_linfa_does;
    lars => least_angle_regression_answers_as_linfa_does, least_angle_regression_of_f32_answers_as_linfa_does;
    pls_regression => pls_regression_answers_as_linfa_does, pls_regression_of_f32_answers_as_linfa_does;
    pls_canonical => canonical_pls_answers_as_linfa_does, canonical_pls_of_f32_answers_as_linfa_does;
    pls_cca => canonical_correlation_answers_as_linfa_does, canonical_correlation_of_f32_answers_as_linfa_does;
}

#[test]
fn a_wrong_parameter_is_caught() {
    for fit in [ordinary::<f64> as fn(&Data, f64) -> Option<Case>, elastic_net::<f64>, lars::<f64>]
        .into_iter()
        .chain(OF_SEVERAL_TARGETS)
    {
        let case = fit(&fixed_data(), 1e-12).unwrap();
        case.check_spoilt(|_| ()).unwrap();
        case.check_spoilt(|tensors| tensors.numbers("coefficients")[1] += 1e-6).unwrap_err();
        case.check_spoilt(|tensors| tensors.numbers("coefficients").swap(0, 1)).unwrap_err();
        case.check_spoilt(|tensors| tensors.numbers("intercept")[0] = 0.0).unwrap_err();
    }
}

#[test]
fn targets_that_change_places_are_caught() {
    for fit in OF_SEVERAL_TARGETS {
        let case = fit(&fixed_data(), 1e-12).unwrap();
        case.check_spoilt(|tensors| tensors.numbers("intercept").swap(0, 1)).unwrap_err();
        let inputs = case.asked.ncols();
        case.check_spoilt(|tensors| tensors.numbers("coefficients").rotate_left(inputs)).unwrap_err();
    }
}

#[test]
fn hostile_tensors_are_refused_by_name() {
    ordinary::<f64>(&fixed_data(), 1e-12).unwrap().refuses(
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
                "tensor `0.coefficients` has the shape [5], expected [2, 5]",
            ),
            (
                |tensors| tensors.numbers("intercept")[0] = f64::INFINITY,
                "tensor `0.intercept`, value 0: inf is not finite",
            ),
        ],
    );
}

#[test]
fn hostile_tensors_of_several_targets_are_refused_by_name() {
    multi_task_elastic_net::<f64>(&fixed_data(), 1e-12).unwrap().refuses(
        "linear_regression of three targets",
        &[
            (
                |tensors| tensors.set("coefficients", f64s([1.0; 5])),
                "tensor `0.coefficients` has the shape [5], expected [3, 5]",
            ),
            (
                |tensors| tensors.set("coefficients", matrix([[1.0; 3]; 5])),
                "tensor `0.coefficients` has the shape [5, 3], expected [3, 5]",
            ),
            (
                |tensors| tensors.set("coefficients", matrix([[1.0; 5]; 4])),
                "tensor `0.coefficients` has the shape [4, 5], expected [3, 5]",
            ),
            (
                |tensors| tensors.numbers("coefficients")[14] = f64::INFINITY,
                "tensor `0.coefficients`, value 14: inf is not finite",
            ),
            (
                |tensors| tensors.set("intercept", f64s([1.0; 1])),
                "tensor `0.coefficients` has the shape [3, 5], expected [5]",
            ),
            (
                |tensors| tensors.set("intercept", matrix([[1.0; 3]])),
                "tensor `0.intercept` has the shape [1, 3], expected one dimension",
            ),
        ],
    );
}
