//! A Gaussian machine of some 1700 support vectors with 20 features.

use artifact::ndarray::Array1;
use criterion::Criterion;
use linfa::{
    Dataset,
    traits::{Fit as _, Predict as _},
};
use linfa_svm::Svm;

use super::{compare, uniform};

pub(super) fn svm_classifier(criterion: &mut Criterion) {
    let records = uniform(1700, 20);
    // A rule that the features do not tell, so that nearly every row supports the machine.
    let targets: Array1<bool> = (0..1700).map(|row| row * 7919 % 17 < 8).collect();
    let params = Svm::<f64, bool>::params().gaussian_kernel(20.0).eps(1e-2);
    let model = params.fit(&Dataset::new(records.clone(), targets)).unwrap();
    compare(criterion, "svm_classifier", &model, &records, |model, rows| model.predict(rows));
}
