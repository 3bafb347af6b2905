//! `svm_classifier` and `svm_regressor` against `linfa_svm`: three kernels, with and without probabilities, two classes
//! and more.

use artifact::{
    Output,
    ndarray::Array1,
    steps::{Kernel, svm_classifier::SvmClassifier, svm_regressor::SvmRegressor},
    testkit::{f64s, matrix, u32s},
};
use linfa::{
    Dataset, DatasetBase, Float,
    dataset::Pr,
    traits::{Fit as _, Predict as _},
};
use linfa_svm::{Svm, SvmParams};
use proptest::strategy::Strategy as _;

use super::agreement::{Case, Data, Expected, classes, data, fixed_data, prove};

/// Columns of one size: linfa's solver needs millions of steps where they differ by powers of ten.
fn scaled(mut data: Data) -> Data {
    for (mut train, mut asked) in data.train.columns_mut().into_iter().zip(data.asked.columns_mut()) {
        let (mean, std) = (train.mean().unwrap(), train.std(0.0).max(1e-9));
        train.mapv_inplace(|value| (value - mean) / std);
        asked.mapv_inplace(|value| (value - mean) / std);
    }
    data
}
