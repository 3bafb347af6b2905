//! `gaussian_nb`, `multinomial_nb` and `bernoulli_nb` against `linfa_bayes`, with 2 to 4 classes.
//!
//! linfa's probabilities are not asked: it takes the exponential of each score as it is, which far from the data is zero for every
//! class, and answers infinity or NaN. Its scores are sound, and Bayes' rule makes probabilities of them here.

use artifact::{
    Exported, fitted,
    ndarray::{Array1, Array2, ArrayView1},
    steps::{bernoulli_nb::BernoulliNb, gaussian_nb::GaussianNb, multinomial_nb::MultinomialNb},
    testkit::{f64s, matrix, u32s},
};
use linfa::{Dataset, Float, traits::Fit as _, traits::Predict as _};
use linfa_bayes::NaiveBayes;
use proptest::strategy::Strategy as _;
use serde::{Serialize, de::DeserializeOwned};

use super::agreement::{
    Case, Data, Expected, Hostile, classes, data, exported, fixed_data, numbers, of_two_features, prove,
};

/// What linfa answers to `asked`, by its scores and its choices. `slack` is how far the score of a class may be off.
fn expected<'a, F: Float>(
    model: &'a impl NaiveBayes<'a, F, usize>,
    asked: &Array2<F>,
    choices: &Array1<usize>,
    relative: f64,
    slack: impl Fn(usize, usize) -> f64,
) -> Vec<Expected> {
    let scores = model.joint_log_likelihood(asked.view());
    let answer = |row: usize| {
        let scores: Vec<f64> = (0..scores.len()).map(|class| scores[&class][row].to_f64().unwrap()).collect();
        // A probability moves by at most twice what a score does.
        let slack = 2.0 * (0..scores.len()).map(|class| slack(row, class)).fold(0.0, f64::max) + relative;
        let probabilities = softmax(&scores);
        let mut ranks = probabilities.clone();
        ranks.sort_unstable_by(|a, b| b.total_cmp(a));
        Expected {
            scores: probabilities.iter().map(|p| (*p, slack)).collect(),
            choice: Some(choices[row]).filter(|_| ranks[0] - ranks[1] > slack),
        }
    };
    (0..asked.nrows()).map(answer).collect()
}

fn softmax(scores: &[f64]) -> Vec<f64> {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|score| (score - largest).exp()).sum();
    scores.iter().map(|score| (score - largest).exp() / sum).collect()
}

fn gaussian<F: Float + Serialize + DeserializeOwned>(data: &Data, relative: f64) -> Option<Case> {
    let count = 2 + data.train.nrows() % 3;
    let dataset = Dataset::new(data.train.mapv(F::cast), data.labels(count));
    let model = linfa_bayes::GaussianNb::params().fit(&dataset).ok()?;
    let step = exported(&model);
    let (means, variances) = (numbers(&step, "means"), numbers(&step, "variances"));
    if variances.iter().any(|variance| *variance <= 0.0) {
        // The one feature is constant: linfa divides zero by zero, and predicting panics.
        return None;
    }
    let asked = data.asked.mapv(F::cast);
    let columns = asked.ncols();
    let slack = |row: usize, class: usize| {
        let curves = (class * columns..).zip(data.asked.row(row));
        let terms =
            curves.map(|(at, x)| variances[at].ln().abs() + 2.0 + (x - means[at]).powi(2) / variances[at]);
        relative * (2.0 + terms.sum::<f64>())
    };
    let expected = expected(&model, &asked, &model.predict(&asked), relative, slack);
    Some(Case { step, output: classes(count), asked: data.asked.clone(), expected })
}

/// The data as counts.
fn counts(mut data: Data) -> Data {
    for table in [&mut data.train, &mut data.asked] {
        table.mapv_inplace(|value| value.abs().floor());
    }
    data
}

fn multinomial<F: Float + Serialize + DeserializeOwned>(data: &Data, relative: f64) -> Option<Case> {
    let count = 2 + data.train.nrows() % 3;
    let dataset = Dataset::new(data.train.mapv(F::cast), data.labels(count));
    let model = linfa_bayes::MultinomialNb::params().fit(&dataset).ok()?;
    let step = exported(&model);
    let shares = numbers(&step, "log_shares");
    let asked = data.asked.mapv(F::cast);
    let slack = |row: usize, class: usize| weighted(relative, data.asked.row(row), &shares, class);
    let expected = expected(&model, &asked, &model.predict(&asked), relative, slack);
    Some(Case { step, output: classes(count), asked: data.asked.clone(), expected })
}

fn weighted(relative: f64, row: ArrayView1<'_, f64>, weights: &[f64], class: usize) -> f64 {
    let terms = row.iter().zip(&weights[class * row.len()..]).map(|(x, weight)| (x * weight).abs());
    relative * (10.0 + terms.sum::<f64>())
}

fn bernoulli<F: Float>(data: &Data, threshold: Option<f64>, relative: f64) -> Option<Case> {
    let count = 2 + data.train.nrows() % 3;
    let dataset = Dataset::new(data.train.mapv(F::cast), data.labels(count));
    let bound = threshold.map(F::cast);
    let model = linfa_bayes::BernoulliNb::params().binarize(bound).fit(&dataset).ok()?;
    let model = fitted::BernoulliNb { model, inputs: data.train.ncols(), threshold: bound };
    let step = exported(&model);
    let odds = numbers(&step, "log_odds");
    let asked = data.asked.mapv(F::cast);
    // linfa's predict compares with the threshold, but its scores and probabilities take a row as it is.
    let there = |value: f64| threshold.map_or(value, |threshold| f64::from(u8::from(value > threshold)));
    let compared = data.asked.mapv(there);
    let slack = |row: usize, class: usize| weighted(relative, compared.row(row), &odds, class);
    let choices = model.model.predict(&asked);
    let expected = expected(&model.model, &compared.mapv(F::cast), &choices, relative, slack);
    Some(Case { step, output: classes(count), asked: data.asked.clone(), expected })
}

/// With a threshold that is among the values, so that it shows on which side of it an equal one is.
fn at_a_value<F: Float>(data: &Data, relative: f64) -> Option<Case> {
    bernoulli::<F>(data, Some(data.asked[(0, 0)]), relative)
}

/// The data as features that are there or not.
fn bits(mut data: Data) -> Data {
    for table in [&mut data.train, &mut data.asked] {
        table.mapv_inplace(|value| f64::from(u8::from(value.fract().abs() > 0.5)));
    }
    data
}

#[test]
fn gaussian_nb_answers_as_linfa_does() {
    prove("gaussian_nb", data(true), |data| gaussian::<f64>(data, 1e-12));
}

#[test]
fn gaussian_nb_of_f32_answers_as_linfa_does() {
    prove("gaussian_nb f32", data(false).prop_map(Data::rounded), |data| gaussian::<f32>(data, 1e-4));
}

#[test]
fn multinomial_nb_answers_as_linfa_does() {
    prove("multinomial_nb", data(true).prop_map(counts), |data| multinomial::<f64>(data, 1e-12));
}

#[test]
fn multinomial_nb_of_f32_answers_as_linfa_does() {
    prove("multinomial_nb f32", data(true).prop_map(counts), |data| multinomial::<f32>(data, 1e-4));
}

#[test]
fn bernoulli_nb_answers_as_linfa_does() {
    prove("bernoulli_nb", data(true), |data| at_a_value::<f64>(data, 1e-12));
}

#[test]
fn bernoulli_nb_of_f32_answers_as_linfa_does() {
    prove("bernoulli_nb f32", data(true).prop_map(Data::rounded), |data| at_a_value::<f32>(data, 1e-4));
}

#[test]
fn bernoulli_nb_without_a_threshold_answers_as_linfa_does() {
    prove("bernoulli_nb of bits", data(true).prop_map(bits), |data| bernoulli::<f64>(data, None, 1e-12));
}

#[test]
fn a_row_far_from_every_class_has_the_probabilities_that_linfa_loses() {
    let mut case = gaussian::<f64>(&fixed_data(), 1e-12).unwrap();
    case.asked *= 1e4;
    let (priors, means) = (numbers(&case.step, "priors"), numbers(&case.step, "means"));
    let variances = numbers(&case.step, "variances");
    let columns = case.asked.ncols();
    for (row, expected) in case.asked.rows().into_iter().zip(&mut case.expected) {
        let density = |at: usize, x: f64| (x - means[at]).powi(2) / variances[at] + variances[at].ln();
        let score = |class: usize| {
            priors[class].ln()
                - 0.5 * row.iter().enumerate().map(|(i, x)| density(class * columns + i, *x)).sum::<f64>()
        };
        let scores: Vec<_> = (0..priors.len()).map(score).collect();
        // linfa: exp of this, over the sum of such.
        assert!(scores.iter().all(|score| score.exp() == 0.0));
        let probabilities = softmax(&scores);
        let sure = probabilities.iter().position(|p| *p > 0.999);
        *expected = Expected { scores: probabilities.iter().map(|p| (*p, 1e-3)).collect(), choice: sure };
    }
    assert!(case.expected.iter().all(|expected| expected.choice.is_some()));
    case.check(&case.load()).unwrap();
}

#[test]
fn a_wrong_parameter_of_naive_bayes_is_caught() {
    let gaussian = gaussian::<f64>(&fixed_data(), 1e-12).unwrap();
    gaussian.check_spoilt(|_| ()).unwrap();
    gaussian.check_spoilt(|tensors| tensors.numbers("means")[1] *= 1.0 + 1e-6).unwrap_err();
    gaussian.check_spoilt(|tensors| tensors.numbers("variances").swap(0, 1)).unwrap_err();
    gaussian.check_spoilt(|tensors| tensors.numbers("priors").reverse()).unwrap_err();

    let multinomial = multinomial::<f64>(&counts(fixed_data()), 1e-12).unwrap();
    multinomial.check_spoilt(|_| ()).unwrap();
    multinomial.check_spoilt(|tensors| tensors.numbers("log_shares").swap(0, 1)).unwrap_err();
    multinomial.check_spoilt(|tensors| tensors.numbers("priors").reverse()).unwrap_err();

    let bernoulli = at_a_value::<f64>(&fixed_data(), 1e-12).unwrap();
    bernoulli.check_spoilt(|_| ()).unwrap();
    bernoulli.check_spoilt(|tensors| tensors.numbers("log_odds")[0] *= 1.0 + 1e-6).unwrap_err();
    bernoulli.check_spoilt(|tensors| tensors.numbers("intercepts")[0] *= 1.0 + 1e-6).unwrap_err();
    let mut other = at_a_value::<f64>(&fixed_data(), 1e-12).unwrap();
    other.step = Exported { spec: BernoulliNb { threshold: None }.into(), ..other.step };
    other.check(&other.load()).unwrap_err();
}

/// What is refused of priors, whatever they belong to.
const PRIORS: [Hostile; 6] = [
    (|tensors| tensors.remove("priors"), "tensor `0.priors` is missing"),
    (
        |tensors| tensors.set("priors", u32s([1, 3])),
        "tensor `0.priors` holds indices, expected numbers (F64 or F32)",
    ),
    (|tensors| tensors.set("priors", f64s([1.0])), "tensor `0.priors` has the shape [1], expected [2]"),
    (|tensors| tensors.numbers("priors")[1] = f64::NAN, "tensor `0.priors`, value 1: NaN is not finite"),
    (
        |tensors| tensors.set("priors", f64s([1.0, 0.0])),
        "tensor `0.priors`, value 1: 0 is not greater than zero",
    ),
    (|tensors| tensors.set("priors", f64s([0.25, 0.5])), "tensor `0.priors`, value 1: the sum 0.75 is not 1"),
];

#[test]
fn hostile_gaussian_nb_is_refused() {
    let tensors = [
        ("priors", f64s([0.25, 0.75])),
        ("means", matrix([[0.0, 1.0], [2.0, 3.0]])),
        ("variances", matrix([[1.0, 2.0], [3.0, 4.0]])),
    ];
    let case = of_two_features(Exported::new(GaussianNb {}, tensors), classes(2));
    case.load();
    case.refuses("gaussian_nb, priors", &PRIORS);
    case.refuses(
        "gaussian_nb",
        &[
            (|tensors| tensors.remove("variances"), "tensor `0.variances` is missing"),
            (|tensors| tensors.set("sigma", f64s([1.0])), "tensor `0.sigma` belongs to no step"),
            (
                |tensors| tensors.set("means", matrix([[0.0, 1.0]])),
                "tensor `0.means` has the shape [1, 2], expected [2, 2]",
            ),
            (
                |tensors| tensors.set("variances", f64s([1.0; 4])),
                "tensor `0.variances` has the shape [4], expected [2, 2]",
            ),
            (
                |tensors| tensors.numbers("means")[3] = f64::INFINITY,
                "tensor `0.means`, value 3: inf is not finite",
            ),
            (
                |tensors| tensors.numbers("variances")[2] = 0.0,
                "tensor `0.variances`, value 2: 0.0 is not a normal number above zero",
            ),
            (
                |tensors| tensors.numbers("variances")[1] = -1.0,
                "tensor `0.variances`, value 1: -1.0 is not a normal number above zero",
            ),
            (
                |tensors| tensors.numbers("variances")[0] = 1.5e-320,
                "tensor `0.variances`, value 0: 1.5e-320 is not a normal number above zero",
            ),
        ],
    );
}

#[test]
fn hostile_multinomial_nb_is_refused() {
    let (small, large) = (0.25_f64.ln(), 0.75_f64.ln());
    let tensors = [("priors", f64s([0.25, 0.75])), ("log_shares", matrix([[small, large], [large, small]]))];
    let case = of_two_features(Exported::new(MultinomialNb {}, tensors), classes(2));
    case.load();
    case.refuses("multinomial_nb, priors", &PRIORS);
    case.refuses(
        "multinomial_nb",
        &[
            (|tensors| tensors.remove("log_shares"), "tensor `0.log_shares` is missing"),
            (|tensors| tensors.set("counts", f64s([1.0])), "tensor `0.counts` belongs to no step"),
            (
                |tensors| tensors.set("log_shares", matrix([[0.0], [0.0]])),
                "tensor `0.log_shares` has the shape [2, 1], expected [2, 2]",
            ),
            (
                |tensors| tensors.numbers("log_shares")[0] = f64::NEG_INFINITY,
                "tensor `0.log_shares`, value 0: -inf is not finite",
            ),
            (
                |tensors| tensors.set("log_shares", matrix([[0.0, 0.0], [0.0, 0.0]])),
                "tensor `0.log_shares`, value 1: the sum 2 is not 1",
            ),
            (
                |tensors| tensors.numbers("log_shares")[3] = 800.0,
                "tensor `0.log_shares`, value 3: the sum inf is not 1",
            ),
        ],
    );
}

#[test]
fn hostile_bernoulli_nb_is_refused() {
    let tensors = [("log_odds", matrix([[1.0, -1.0], [0.5, 2.0]])), ("intercepts", f64s([-1.0, -2.0]))];
    let case = of_two_features(Exported::new(BernoulliNb { threshold: Some(0.0) }, tensors), classes(2));
    case.load();
    case.refuses(
        "bernoulli_nb",
        &[
            (|tensors| tensors.remove("log_odds"), "tensor `0.log_odds` is missing"),
            (|tensors| tensors.remove("intercepts"), "tensor `0.intercepts` is missing"),
            (|tensors| tensors.set("threshold", f64s([1.0])), "tensor `0.threshold` belongs to no step"),
            (
                |tensors| tensors.set("log_odds", matrix([[1.0, -1.0, 0.0], [0.5, 2.0, 0.0]])),
                "tensor `0.log_odds` has the shape [2, 3], expected [2, 2]",
            ),
            (
                |tensors| tensors.set("log_odds", matrix([[1.0, -1.0]])),
                "tensor `0.log_odds` has the shape [1, 2], expected [2, 2]",
            ),
            (
                |tensors| tensors.set("intercepts", f64s([-1.0])),
                "tensor `0.intercepts` has the shape [1], expected [2]",
            ),
            (
                |tensors| tensors.set("intercepts", u32s([1, 2])),
                "tensor `0.intercepts` holds indices, expected numbers (F64 or F32)",
            ),
            (
                |tensors| tensors.numbers("log_odds")[2] = f64::INFINITY,
                "tensor `0.log_odds`, value 2: inf is not finite",
            ),
            (
                |tensors| tensors.numbers("intercepts")[0] = f64::NAN,
                "tensor `0.intercepts`, value 0: NaN is not finite",
            ),
            (
                |tensors| tensors.numbers("intercepts")[1] = 0.5,
                "tensor `0.intercepts`, value 1: 0.5 is not the logarithm of a share",
            ),
        ],
    );
}
