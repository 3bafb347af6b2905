//! Time per batch of each family of models: ours against linfa's own predict, taking turns in one run on one thread.
//! `make bench-kernels` runs this, asks other libraries too, and prints the table.
//!
//! A family is a file with a function that calls [`compare`], and a line in `criterion_group!`.
#![expect(clippy::unwrap_used, reason = "a bench may fail")]

use std::hint::black_box;

use artifact::{Artifact, Batch, Digest, Manifest, Model, Predictions, fitted::Fitted, ndarray::Array2};
use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use linfa::Dataset;
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

mod bayes;
mod kmeans;
mod linear;
mod projection;
mod svm;
mod trees;

/// Rows per call.
const BATCHES: [usize; 3] = [1, 100, 10_000];

/// Measures our answer to rows of the training distribution, and `theirs`, which is to be linfa's plain predict.
fn compare<F: Fitted, T>(
    criterion: &mut Criterion,
    family: &str,
    model: &F,
    records: &Array2<f64>,
    theirs: impl Fn(&F, &Array2<f64>) -> T,
) {
    let ours = load(model, records);
    let mut group = criterion.benchmark_group(family);
    group.sample_size(20).sampling_mode(SamplingMode::Flat);
    for rows in BATCHES {
        let values: Vec<f64> = records.iter().copied().cycle().take(rows * records.ncols()).collect();
        let batch = Batch::new(values.clone(), records.ncols()).unwrap();
        let asked = Array2::from_shape_vec((rows, records.ncols()), values).unwrap();
        let mut answers = Predictions::default();
        group.bench_function(BenchmarkId::new("ours", rows), |bencher| {
            bencher.iter(|| ours.predict(black_box(&batch), &mut answers).unwrap());
        });
        group.bench_function(BenchmarkId::new("linfa", rows), |bencher| {
            bencher.iter(|| theirs(model, black_box(&asked)));
        });
    }
}

/// The model as a server has it.
fn load(model: &impl Fitted, records: &Array2<f64>) -> Model {
    let artifact = Artifact::from_fitted(model, "bench", &Dataset::from(records.clone())).unwrap();
    let files = artifact.files().unwrap();
    let manifest = Manifest::parse(&files.manifest).unwrap();
    Model::load(manifest, Digest::of(&files.manifest), &files.tensors).unwrap()
}

/// rows x columns between -1 and 1, always the same.
fn uniform(rows: usize, columns: usize) -> Array2<f64> {
    let mut random = SmallRng::seed_from_u64(7);
    Array2::from_shape_simple_fn((rows, columns), || random.r#gen::<f64>() * 2.0 - 1.0)
}

criterion_group!(
    families,
    linear::linear_regression,
    linear::logistic_regression,
    trees::decision_tree,
    trees::random_forest,
    trees::adaboost,
    bayes::gaussian_nb,
    bayes::multinomial_nb,
    bayes::bernoulli_nb,
    bayes::gaussian_mixture,
    projection::linear_projection,
    projection::norm_scaler,
    kmeans::kmeans,
    svm::svm_classifier,
    linear::multinomial_logistic_regression,
    linear::multi_task_elastic_net,
    linear::poisson_regression,
    linear::isotonic_regression,
    linear::ftrl,
);
criterion_main!(families);
