//! `kmeans` against `linfa_clustering`, with 1 to 5 clusters.

use artifact::Output;
use linfa::{DatasetBase, Float, traits::Fit as _, traits::Predict as _};
use linfa_nn::distance::{Distance as _, L2Dist};
use rand::{SeedableRng as _, rngs::StdRng};

use proptest::strategy::Strategy as _;

use super::agreement::{Case, Data, Expected, data, exported, fixed_data, prove};

fn fit<F: Float>(data: &Data, relative: f64) -> Option<Case> {
    let clusters = 1 + data.train.nrows() % 5;
    let params = linfa_clustering::KMeans::params_with(clusters, StdRng::seed_from_u64(7), L2Dist);
    let dataset = DatasetBase::from(data.train.mapv(F::cast));
    let model = params.n_runs(1).max_n_iterations(50).tolerance(F::cast(1e-2)).fit(&dataset).ok()?;
    let wide = |value: F| value.to_f64().unwrap();
    let asked = data.asked.mapv(F::cast);
    let choices = model.predict(&asked);
    let expected = asked.rows().into_iter().zip(choices).map(|(row, choice)| {
        let centroids = model.centroids().rows().into_iter();
        let distances: Vec<_> = centroids.map(|centroid| wide(L2Dist.distance(row, centroid))).collect();
        let mut ranks = distances.clone();
        ranks.sort_unstable_by(f64::total_cmp);
        let decided = ranks.get(1).is_none_or(|second| second - ranks[0] > 2.0 * relative * second);
        Expected {
            scores: distances.iter().map(|distance| (*distance, relative * distance)).collect(),
            choice: Some(choice).filter(|_| decided),
        }
    });
    let expected = expected.collect();
    Some(Case {
        step: exported(&model),
        output: Output::Clustering { clusters },
        asked: data.asked.clone(),
        expected,
    })
}

#[test]
fn kmeans_answers_as_linfa_does() {
    prove("kmeans", data(false), |data| fit::<f64>(data, 1e-12));
}

#[test]
fn kmeans_of_f32_answers_as_linfa_does() {
    prove("kmeans f32", data(false).prop_map(Data::rounded), |data| fit::<f32>(data, 1e-4));
}

#[test]
fn a_wrong_centroid_is_caught() {
    let data = fixed_data();
    let case = fit::<f64>(&data, 1e-12).unwrap();
    let columns = data.train.ncols();
    case.check_spoilt(|_| ()).unwrap();
    case.check_spoilt(|tensors| tensors.numbers("centroids")[0] *= 1.0 + 1e-6).unwrap_err();
    // Two centroids swapped.
    case.check_spoilt(|tensors| {
        (0..columns).for_each(|column| tensors.numbers("centroids").swap(column, columns + column));
    })
    .unwrap_err();
}
