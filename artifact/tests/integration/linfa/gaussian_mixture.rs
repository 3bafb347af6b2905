//! `gaussian_mixture` against `linfa_clustering`, with 1 to 3 clusters.

use artifact::{
    Exported, Output,
    ndarray::{Array2, ArrayView1, array},
    steps::gaussian_mixture::GaussianMixture,
    tensors::{Tensor, Values},
    testkit::{f64s, matrix, u32s},
};
use linfa::{DatasetBase, Float, traits::Fit as _, traits::Predict as _};
use linfa_clustering::GaussianMixtureModel;
use proptest::strategy::Strategy as _;
use rand::{SeedableRng as _, rngs::StdRng};
use serde::{Serialize, de::DeserializeOwned};

use super::agreement::{Case, Data, Expected, data, exported, fixed_data, numbers, of_two_features, prove};

fn fit<F: Float + Serialize + DeserializeOwned>(data: &Data, clusters: usize, relative: f64) -> Option<Case> {
    let dataset = DatasetBase::from(data.train.mapv(F::cast));
    let params = GaussianMixtureModel::params_with_rng(clusters, StdRng::seed_from_u64(7));
    let model = params.tolerance(F::cast(1e-2)).reg_covariance(F::cast(1e-3)).fit(&dataset).ok()?;
    let step = exported(&model);
    let asked = data.asked.mapv(F::cast);
    let (probabilities, choices) = (model.predict_proba(&asked), model.predict(&asked));
    let rows = probabilities.rows().into_iter().zip(choices).zip(data.asked.rows());
    let expected = rows.map(|((probabilities, choice), row)| {
        let slack = 2.0 * relative * magnitude(&step, row) + relative;
        let probabilities: Vec<_> = probabilities.iter().map(|p| p.to_f64().unwrap()).collect();
        if !probabilities.iter().all(|p| p.is_finite()) {
            // Far from all clusters linfa has no answer.
            return Expected { scores: vec![(0.5, 0.5 + relative); clusters], choice: None };
        }
        let mut ranks = probabilities.clone();
        ranks.sort_unstable_by(|a, b| b.total_cmp(a));
        let decided = ranks.get(1).is_none_or(|second| ranks[0] - second > slack);
        Expected {
            scores: probabilities.iter().map(|p| (*p, slack)).collect(),
            choice: Some(choice).filter(|_| decided),
        }
    });
    let expected = expected.collect();
    Some(Case { step, output: Output::Clustering { clusters }, asked: data.asked.clone(), expected })
}

/// The largest sum of absolute terms in the score of a cluster.
fn magnitude(step: &Exported, row: ArrayView1<'_, f64>) -> f64 {
    let (means, factors) = (numbers(step, "means"), numbers(step, "precision_factors"));
    let width = row.len();
    let clusters = means.chunks(width).zip(factors.chunks(width * width));
    let magnitudes = clusters.map(|(mean, factor)| {
        let mapped = (0..width).map(|column| {
            let terms =
                (0..width).map(|input| ((row[input] - mean[input]) * factor[input * width + column]).abs());
            terms.sum::<f64>().powi(2)
        });
        let determinant = factor.iter().step_by(width + 1).map(|diagonal| diagonal.ln().abs());
        mapped.sum::<f64>() + determinant.sum::<f64>() + width as f64 + 10.0
    });
    magnitudes.fold(0.0, f64::max)
}

fn clusters(data: &Data) -> usize {
    1 + data.train.nrows() % 3
}

#[test]
fn gaussian_mixture_answers_as_linfa_does() {
    prove("gaussian_mixture", data(false), |data| fit::<f64>(data, clusters(data), 1e-12));
}

#[test]
fn gaussian_mixture_of_f32_answers_as_linfa_does() {
    prove("gaussian_mixture f32", data(false).prop_map(Data::rounded), |data| {
        fit::<f32>(data, clusters(data), 1e-4)
    });
}

/// linfa 0.8.1 takes the exponential of each score as it is. Where that is zero for all clusters it answers infinite
/// probabilities and cluster 0. Right is the share of each by the same formula, from the differences of the scores.
#[test]
fn a_row_far_from_every_cluster_belongs_to_the_one_that_linfa_overlooks() {
    let spread = [[-1.0, -0.5], [0.0, 1.0], [1.0, -0.3], [0.4, 0.2], [-0.5, 0.9]];
    let around = |x: f64, y: f64| spread.iter().flat_map(move |[a, b]| [a + x, b + y]);
    let train: Vec<f64> = around(0.0, 0.0).chain(around(9.0, 9.0)).collect();
    let train = Array2::from_shape_vec((10, 2), train).unwrap();
    let params = GaussianMixtureModel::params_with_rng(2, StdRng::seed_from_u64(7));
    let model = params.fit(&DatasetBase::from(train)).unwrap();
    // The cluster that is not linfa's first.
    let (other, mean) = (1, model.means().row(1));
    let side = if mean[0] > 5.0 { 1.0 } else { -1.0 };
    let asked = array![[mean[0] + 300.0 * side, mean[1] + 300.0 * side]];
    assert!(model.predict_proba(&asked).iter().all(|p| p.is_infinite()));
    assert_eq!(model.predict(&asked)[0], 0);

    let score = |cluster: usize| {
        let precision = &model.precisions().index_axis(artifact::ndarray::Axis(0), cluster).to_owned();
        let deviation = &asked.row(0) - &model.means().row(cluster);
        let determinant = precision[(0, 0)] * precision[(1, 1)] - precision[(0, 1)] * precision[(1, 0)];
        model.weights()[cluster].ln() + 0.5 * (determinant.ln() - deviation.dot(&precision.dot(&deviation)))
    };
    let share = 1.0 / (1.0 + (score(1 - other) - score(other)).exp());
    let case = Case {
        step: exported(&model),
        output: Output::Clustering { clusters: 2 },
        asked: asked.clone(),
        expected: vec![Expected { scores: vec![(1.0 - share, 1e-9), (share, 1e-9)], choice: Some(other) }],
    };
    case.check(&case.load()).unwrap();
}

#[test]
fn a_wrong_parameter_of_a_mixture_is_caught() {
    let data = fixed_data();
    let case = fit::<f64>(&data, 2, 1e-12).unwrap();
    let columns = data.train.ncols();
    case.check_spoilt(|_| ()).unwrap();
    case.check_spoilt(|tensors| tensors.numbers("means")[0] *= 1.0 + 1e-6).unwrap_err();
    case.check_spoilt(|tensors| tensors.numbers("precision_factors")[1] *= 1.0 + 1e-6).unwrap_err();
    case.check_spoilt(|tensors| tensors.numbers("precision_factors")[columns + 1] *= 1.0 + 1e-6).unwrap_err();
    case.check_spoilt(|tensors| tensors.numbers("weights").reverse()).unwrap_err();
}

#[test]
fn a_hostile_mixture_is_refused() {
    let factors =
        Tensor { shape: vec![2, 2, 2], values: Values::F64(vec![1.0, 0.5, 0.0, 2.0, 3.0, -0.5, 0.0, 4.0]) };
    let tensors = [
        ("weights", f64s([0.25, 0.75])),
        ("means", matrix([[0.0, 1.0], [2.0, 3.0]])),
        ("precision_factors", factors),
    ];
    let output = Output::Clustering { clusters: 2 };
    let case = of_two_features(Exported::new(GaussianMixture {}, tensors), output);
    case.load();
    case.refuses(
        "gaussian_mixture",
        &[
            (|tensors| tensors.remove("precision_factors"), "tensor `0.precision_factors` is missing"),
            (|tensors| tensors.set("covariances", f64s([1.0])), "tensor `0.covariances` belongs to no step"),
            (
                |tensors| tensors.set("precision_factors", matrix([[1.0, 0.5], [0.0, 2.0]])),
                "tensor `0.precision_factors` has the shape [2, 2], expected [2, 2, 2]",
            ),
            (
                |tensors| tensors.set("means", matrix([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])),
                "tensor `0.means` has the shape [2, 3], expected [2, 2]",
            ),
            (
                |tensors| tensors.set("weights", f64s([1.0])),
                "tensor `0.weights` has the shape [1], expected [2]",
            ),
            (
                |tensors| tensors.set("weights", u32s([1, 3])),
                "tensor `0.weights` holds indices, expected numbers (F64 or F32)",
            ),
            (
                |tensors| tensors.set("weights", f64s([1.25, -0.25])),
                "tensor `0.weights`, value 1: -0.25 is not greater than zero",
            ),
            (
                |tensors| tensors.set("weights", f64s([0.5, 0.75])),
                "tensor `0.weights`, value 1: the sum 1.25 is not 1",
            ),
            (
                |tensors| tensors.numbers("means")[1] = f64::NAN,
                "tensor `0.means`, value 1: NaN is not finite",
            ),
            (
                |tensors| tensors.numbers("precision_factors")[3] = 0.0,
                "tensor `0.precision_factors`, value 3: 0 is not greater than zero",
            ),
            (
                |tensors| tensors.numbers("precision_factors")[7] = -4.0,
                "tensor `0.precision_factors`, value 7: -4 is not greater than zero",
            ),
            (
                |tensors| tensors.numbers("precision_factors")[6] = 1.0,
                "tensor `0.precision_factors`, value 6: 1 is not zero, as it is below the diagonal",
            ),
        ],
    );
}
