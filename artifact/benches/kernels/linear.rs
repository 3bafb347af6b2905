//! Weighted sums of 30 features, of one output and of several, behind a link; and a function of one feature.

use artifact::ndarray::{Array1, Array2};
use criterion::Criterion;
use linfa::{
    Dataset, ParamGuard as _,
    traits::{Fit as _, FitWith as _, Predict as _, PredictInplace as _},
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

pub(super) fn multinomial_logistic_regression(criterion: &mut Criterion) {
    let records = uniform(1000, 30);
    // Four classes.
    let class = |row: artifact::ndarray::ArrayView1<'_, f64>| {
        usize::from(row[0] > 0.0) + 2 * usize::from(row[1] > 0.0)
    };
    let labels: Array1<usize> = records.rows().into_iter().map(class).collect();
    let dataset = Dataset::new(records.clone(), labels);
    let model = linfa_logistic::MultiLogisticRegression::default().fit(&dataset).unwrap();
    compare(criterion, "multinomial_logistic_regression", &model, &records, |model, rows| {
        (model.predict(rows), model.predict_probabilities(rows))
    });
}

pub(super) fn multi_task_elastic_net(criterion: &mut Criterion) {
    const TARGETS: usize = 10;
    let records = uniform(1000, 30);
    let targets = Array2::from_shape_fn((1000, TARGETS), |(row, target)| records[(row, target)] * 3.0);
    let dataset = Dataset::new(records.clone(), targets);
    let model = linfa_elasticnet::MultiTaskElasticNet::params().penalty(0.01).fit(&dataset).unwrap();
    // Its predict makes room for rows x rows answers, which would be no comparison.
    compare(criterion, "multi_task_elastic_net", &model, &records, |model, rows| {
        let mut answers = Array2::zeros((rows.nrows(), TARGETS));
        model.predict_inplace(rows, &mut answers);
        answers
    });
}

pub(super) fn poisson_regression(criterion: &mut Criterion) {
    let records = uniform(1000, 30);
    let targets: Array1<f64> = records.rows().into_iter().map(|row| (row.sum() / 4.0).exp()).collect();
    let dataset = Dataset::new(records.clone(), targets);
    let model = linfa_linear::TweedieRegressor::params().alpha(0.01).fit(&dataset).unwrap();
    compare(criterion, "poisson_regression", &model, &records, |model, rows| model.predict(rows));
}

pub(super) fn isotonic_regression(criterion: &mut Criterion) {
    // In ascending order, as linfa's fit needs it; 1000 knots.
    let records = Array2::from_shape_fn((1000, 1), |(row, _)| row as f64 / 1000.0);
    let targets: Array1<f64> = records.iter().map(|x| x.sqrt()).collect();
    let dataset = Dataset::new(records.clone(), targets);
    let model = linfa_linear::IsotonicRegression::new().fit(&dataset).unwrap();
    let asked = uniform(1000, 1).mapv(f64::abs);
    compare(criterion, "isotonic_regression", &model, &asked, |model, rows| model.predict(rows));
}

pub(super) fn ftrl(criterion: &mut Criterion) {
    let records = uniform(1000, 30);
    let labels: Array1<bool> = records.rows().into_iter().map(|row| row.sum() > 0.0).collect();
    let parameters = linfa_ftrl::Ftrl::params().alpha(0.1).l1_ratio(0.01).check().unwrap();
    let model = parameters.fit_with(None, &Dataset::new(records.clone(), labels)).unwrap();
    compare(criterion, "ftrl", &model, &records, |model, rows| model.predict(rows));
}
