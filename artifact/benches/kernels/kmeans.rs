//! 100 centroids of 64 features.

use artifact::ndarray::Array2;
use criterion::Criterion;
use linfa::{
    DatasetBase,
    traits::{Fit as _, Predict as _},
};
use linfa_clustering::KMeans;
use linfa_nn::distance::{Distance, L1Dist, L2Dist, LInfDist};
use rand::{SeedableRng as _, rngs::SmallRng};

use super::{compare, uniform};

fn fit<D: Distance<f64> + std::fmt::Debug>(records: &Array2<f64>, distance: D) -> KMeans<f64, D> {
    let params = KMeans::params_with(100, SmallRng::seed_from_u64(7), distance);
    params.n_runs(1).max_n_iterations(5).tolerance(1.0).fit(&DatasetBase::from(records.view())).unwrap()
}

/// linfa gives the nearest centroid, ours the distance to each as well.
pub(super) fn kmeans(criterion: &mut Criterion) {
    let records = uniform(1000, 64);
    let model = fit(&records, L2Dist);
    compare(criterion, "kmeans", &model, &records, |model, rows| model.predict(rows));
    let model = fit(&records, L1Dist);
    compare(criterion, "kmeans L1", &model, &records, |model, rows| model.predict(rows));
    let model = fit(&records, LInfDist);
    compare(criterion, "kmeans L-infinity", &model, &records, |model, rows| model.predict(rows));
}
