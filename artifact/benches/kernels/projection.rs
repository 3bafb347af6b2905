//! Linear maps of 20 features to 8 and of 200 to 50, and rows of 20 features scaled to length.

use artifact::fitted::OfWidth;
use criterion::Criterion;
use linfa::{
    DatasetBase,
    traits::{Fit as _, Predict as _, Transformer as _},
};
use linfa_preprocessing::norm_scaling::NormScaler;
use linfa_reduction::Pca;

use super::{compare, uniform};

pub(super) fn linear_projection(criterion: &mut Criterion) {
    for (inputs, columns) in [(20, 8), (200, 50)] {
        let records = uniform(1000, inputs);
        let model = Pca::params(columns).fit(&DatasetBase::from(records.clone())).unwrap();
        let family = format!("linear_projection of {inputs} to {columns}");
        compare(criterion, &family, &model, &records, |model, rows| model.predict(rows));
    }
}

pub(super) fn norm_scaler(criterion: &mut Criterion) {
    let model = OfWidth { model: NormScaler::l2(), inputs: 20 };
    // linfa scales rows in place: the copy is what a server would have to make.
    compare(criterion, "norm_scaler", &model, &uniform(1000, 20), |model, rows| {
        model.model.transform(rows.clone())
    });
}
