//! `kmeans` from `linfa_clustering::KMeans`.

use linfa::{Float, traits::Predict as _};
use linfa_clustering::KMeans;
use linfa_nn::distance::{Distance as _, L1Dist, L2Dist, LInfDist};
use ndarray::Array2;

use super::{Answers, ExportError, Fitted, narrow, wide};
use crate::{
    Exported,
    steps::{Role, kmeans},
    tensors::Tensor,
};

macro_rules! fitted {
    ($($Distance:ident => $distance:expr,)*) => {$(
        impl<F: Float> Fitted for KMeans<F, $Distance> {
            fn role(&self) -> Role {
                Role::Clusterer { clusters: self.centroids().nrows() }
            }

            fn export(&self) -> Result<Vec<Exported>, ExportError> {
                let centroids = self.centroids();
                let tensor = Tensor::floats(centroids.shape(), centroids);
                let kind = kmeans::KMeans { distance: $distance };
                Ok(vec![Exported::new(kind, [("centroids", tensor)])])
            }

            fn answer(&self, rows: &Array2<f64>) -> Answers {
                let (rows, centroids) = (narrow(rows), self.centroids());
                let distance = |(row, cluster)| $Distance.distance(rows.row(row), centroids.row(cluster));
                Answers {
                    choices: Some(self.predict(&rows)),
                    scores: wide(Array2::from_shape_fn((rows.nrows(), centroids.nrows()), distance)),
                }
            }
        }
    )*};
}

fitted! {
    L1Dist => kmeans::Distance::L1,
    L2Dist => kmeans::Distance::L2,
    LInfDist => kmeans::Distance::LInfinity,
}
