//! Weighted sums of 30 features.

use artifact::ndarray::Array1;
use criterion::Criterion;
use linfa::{
    Dataset,
    traits::{Fit as _, Predict as _},
};

use super::{compare, uniform};

pub(super) fn linear_regression(criterion: &mut Criterion) {
    let records = uniform(1000, 30);
    let targets: Array1<f64> = records.rows().into_iter().map(|row| row.sum()).collect();
    let model = linfa_linear::LinearRegression::new().fit(&Dataset::new(records.clone(), targets)).unwrap();
    compare(criterion, "linear_regression", &model, &records, |model, rows| model.predict(rows));
}

pub(super) fn logistic_regression(criterion: &mut Criterion) {
    let records = uniform(1000, 30);
    let labels: Array1<usize> = records.rows().into_iter().map(|row| usize::from(row.sum() > 0.0)).collect();
    let dataset = Dataset::new(records.clone(), labels);
    let model = linfa_logistic::LogisticRegression::default().fit(&dataset).unwrap();
    // Both the class and its probability, as ours gives both.
    compare(criterion, "logistic_regression", &model, &records, |model, rows| {
        (model.predict(rows), model.predict_probabilities(rows))
    });
}
