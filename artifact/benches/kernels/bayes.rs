//! Naive Bayes of 20 features and 3 classes, and mixtures of 3 clusters.

use artifact::{
    fitted::BernoulliNb,
    ndarray::{Array1, Array2},
};
use criterion::Criterion;
use linfa::{
    Dataset, DatasetBase,
    traits::{Fit as _, Predict as _},
};
use linfa_clustering::GaussianMixtureModel;

use super::{compare, uniform};

/// Rows and their classes, by which third of the range the sum of the row is in.
fn classified(records: Array2<f64>) -> Dataset<f64, usize, artifact::ndarray::Ix1> {
    let class = |sum: f64| usize::from(sum > -1.0) + usize::from(sum > 1.0);
    let classes: Array1<usize> = records.rows().into_iter().map(|row| class(row.sum())).collect();
    Dataset::new(records, classes)
}

pub(super) fn gaussian_nb(criterion: &mut Criterion) {
    let dataset = classified(uniform(1000, 20));
    let model = linfa_bayes::GaussianNb::params().fit(&dataset).unwrap();
    compare(criterion, "gaussian_nb", &model, dataset.records(), |model, rows| model.predict(rows));
}

pub(super) fn multinomial_nb(criterion: &mut Criterion) {
    let dataset = classified(uniform(1000, 20));
    let counts =
        DatasetBase::new(dataset.records().mapv(|value| (value * 4.0 + 4.0).floor()), dataset.targets);
    let model = linfa_bayes::MultinomialNb::params().fit(&counts).unwrap();
    compare(criterion, "multinomial_nb", &model, counts.records(), |model, rows| model.predict(rows));
}

pub(super) fn bernoulli_nb(criterion: &mut Criterion) {
    let dataset = classified(uniform(1000, 20));
    let model = linfa_bayes::BernoulliNb::params().fit(&dataset).unwrap();
    let model = BernoulliNb { model, inputs: 20, threshold: Some(0.0) };
    compare(criterion, "bernoulli_nb", &model, dataset.records(), |model, rows| model.model.predict(rows));
}

pub(super) fn gaussian_mixture(criterion: &mut Criterion) {
    for columns in [4, 20] {
        let mut records = uniform(1000, columns);
        for (index, mut row) in records.rows_mut().into_iter().enumerate() {
            row += (index % 3) as f64 * 1.5;
        }
        let model =
            GaussianMixtureModel::params(3).tolerance(0.1).fit(&DatasetBase::from(records.clone())).unwrap();
        let family = format!("gaussian_mixture of {columns}");
        compare(criterion, &family, &model, &records, |model, rows| model.predict(rows));
    }
}
