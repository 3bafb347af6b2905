//! `kmeans` from `linfa_clustering::KMeans`.

use linfa::{Float, traits::Predict as _};
use linfa_clustering::KMeans;
use linfa_nn::distance::{Distance as _, L2Dist};
use ndarray::Array2;

use super::{Answers, ExportError, Fitted, narrow, wide};
use crate::{
    Exported,
    steps::{Role, kmeans},
    tensors::Tensor,
};

impl<F: Float> Fitted for KMeans<F, L2Dist> {
    fn role(&self) -> Role {
        Role::Clusterer { clusters: self.centroids().nrows() }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        let centroids = self.centroids();
        let tensor = Tensor::floats(centroids.shape(), centroids);
        Ok(vec![Exported::new(kmeans::KMeans {}, [("centroids", tensor)])])
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let (rows, centroids) = (narrow(rows), self.centroids());
        let distance = |(row, cluster)| L2Dist.distance(rows.row(row), centroids.row(cluster));
        Answers {
            choices: Some(self.predict(&rows)),
            scores: wide(Array2::from_shape_fn((rows.nrows(), centroids.nrows()), distance)),
        }
    }
}
