//! `kmeans` against `linfa_clustering`, with each distance.

use artifact::{
    Exported, Output,
    fitted::Fitted,
    ndarray::{Array2, array},
    steps::kmeans::{self, KMeans},
    tensors::{Tensor, Values},
    testkit::{f64s, matrix},
};
use linfa::{DatasetBase, Float, traits::Fit as _, traits::Predict as _};
use linfa_nn::distance::{Distance, L1Dist, L2Dist, LInfDist};
use rand::{SeedableRng as _, rngs::StdRng};

use proptest::strategy::Strategy as _;

use super::agreement::{Case, Data, Expected, data, exported, fixed_data, prove};

/// linfa's model with `distance`, of 1 to 37 clusters: less than a panel, and several.
fn fit<F: Float, D: Distance<F>>(distance: D, data: &Data, relative: f64) -> Option<Case>
where
    linfa_clustering::KMeans<F, D>: Fitted,
{
    let rows = data.train.nrows();
    let clusters = 1 + if rows.is_multiple_of(2) { rows % 5 } else { rows.min(37) - 1 };
    let random = StdRng::seed_from_u64(7);
    let params = linfa_clustering::KMeans::params_with(clusters, random, distance.clone());
    let dataset = DatasetBase::from(data.train.mapv(F::cast));
    let model = params.n_runs(1).max_n_iterations(10).tolerance(F::cast(1e-2)).fit(&dataset).ok()?;
    let wide = |value: F| value.to_f64().unwrap();
    let asked = data.asked.mapv(F::cast);
    let choices = model.predict(&asked);
    let expected = asked.rows().into_iter().zip(choices).map(|(row, choice)| {
        let centroids = model.centroids().rows().into_iter();
        let distances: Vec<_> = centroids.map(|centroid| wide(distance.distance(row, centroid))).collect();
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
    prove("kmeans L1", data(false), |data| fit::<f64, _>(L1Dist, data, 1e-12));
    prove("kmeans L2", data(false), |data| fit::<f64, _>(L2Dist, data, 1e-12));
    prove("kmeans L-infinity", data(false), |data| fit::<f64, _>(LInfDist, data, 1e-12));
}

#[test]
fn kmeans_of_f32_answers_as_linfa_does() {
    let rounded = || data(false).prop_map(Data::rounded);
    prove("kmeans L1 f32", rounded(), |data| fit::<f32, _>(L1Dist, data, 1e-4));
    prove("kmeans L2 f32", rounded(), |data| fit::<f32, _>(L2Dist, data, 1e-4));
    prove("kmeans L-infinity f32", rounded(), |data| fit::<f32, _>(LInfDist, data, 1e-4));
}

#[test]
fn a_wrong_centroid_is_caught() {
    let data = fixed_data();
    let case = fit::<f64, _>(L2Dist, &data, 1e-12).unwrap();
    let columns = data.train.ncols();
    case.check_spoilt(|_| ()).unwrap();
    case.check_spoilt(|tensors| tensors.numbers("centroids")[0] *= 1.0 + 1e-6).unwrap_err();
    // Two centroids swapped.
    case.check_spoilt(|tensors| {
        (0..columns).for_each(|column| tensors.numbers("centroids").swap(column, columns + column));
    })
    .unwrap_err();
    // Another distance.
    let spec = KMeans { distance: kmeans::Distance::L1 }.into();
    let wrong = Case { step: Exported { spec, ..case.step.clone() }, ..case };
    wrong.check(&wrong.load()).unwrap_err();
}

/// By hand: `clusters` of two inputs.
fn by_hand(centroids: &[[f64; 2]], asked: Array2<f64>, expected: Vec<Expected>) -> Case {
    let values = Values::F64(centroids.as_flattened().to_vec());
    let centroids = Tensor { shape: vec![centroids.len(), 2], values };
    let output = Output::Clustering { clusters: centroids.shape[0] };
    Case { step: Exported::new(KMeans::default(), [("centroids", centroids)]), output, asked, expected }
}

#[test]
fn a_small_distance_far_from_the_origin_keeps_its_digits() {
    // |x|² + |c|² - 2 x.c is 0 here, or worse: the squares have no digits left for a distance of 1e-3.
    let asked = array![[1e9, 1e9], [1e9 + 1e-3, 1e9]];
    let step = 1e9 + 1e-3 - 1e9;
    let expected = [(0, [0.0, step]), (1, [step, 0.0])].map(|(choice, distances)| Expected {
        scores: distances.map(|distance| (distance, 0.0)).to_vec(),
        choice: Some(choice),
    });
    let case = by_hand(&[[1e9, 1e9], [1e9 + 1e-3, 1e9]], asked, expected.into());
    case.check(&case.load()).unwrap();
}

#[test]
fn the_lowest_of_equally_near_clusters_is_chosen() {
    // Twenty centroids, in two panels; all at one distance.
    let centroids: Vec<_> = (0..20).map(|at| if at % 2 == 0 { [3.0, 4.0] } else { [-4.0, 3.0] }).collect();
    let expected = Expected { scores: vec![(5.0, 0.0); 20], choice: Some(0) };
    let case = by_hand(&centroids, array![[0.0, 0.0]], vec![expected]);
    case.check(&case.load()).unwrap();
}

#[test]
fn hostile_tensors_are_refused_by_name() {
    by_hand(&[[0.0, 0.0], [1.0, 1.0]], array![[0.0, 0.0]], Vec::new()).refuses(
        "kmeans",
        &[
            (|tensors| tensors.remove("centroids"), "tensor `0.centroids` is missing"),
            (|tensors| tensors.set("inertia", f64s([1.0])), "tensor `0.inertia` belongs to no step"),
            (
                |tensors| tensors.set("centroids", matrix([[0.0; 2]; 3])),
                "tensor `0.centroids` has the shape [3, 2], expected [2, 2]",
            ),
            (
                |tensors| tensors.set("centroids", matrix([[0.0; 2]])),
                "tensor `0.centroids` has the shape [1, 2], expected [2, 2]",
            ),
            (
                |tensors| tensors.set("centroids", matrix([[0.0; 3]; 2])),
                "tensor `0.centroids` has the shape [2, 3], expected [2, 2]",
            ),
            (
                |tensors| tensors.set("centroids", f64s([0.0; 4])),
                "tensor `0.centroids` has the shape [4], expected [2, 2]",
            ),
            (
                |tensors| {
                    tensors.set("centroids", Tensor { shape: vec![2, 2], values: Values::U32(vec![0; 4]) });
                },
                "tensor `0.centroids` holds indices, expected numbers (F64 or F32)",
            ),
            (
                |tensors| tensors.numbers("centroids")[0] = f64::NAN,
                "tensor `0.centroids`, value 0: NaN is not finite",
            ),
            (
                |tensors| tensors.numbers("centroids")[3] = f64::INFINITY,
                "tensor `0.centroids`, value 3: inf is not finite",
            ),
            (
                |tensors| {
                    tensors.set(
                        "centroids",
                        Tensor {
                            shape: vec![2, 2],
                            values: Values::F32(vec![0.0, f32::NEG_INFINITY, 0.0, 0.0]),
                        },
                    );
                },
                "tensor `0.centroids`, value 1: -inf is not finite",
            ),
        ],
    );
}
