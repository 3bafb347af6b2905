//! `linfactl train` of models that answer other columns, and of the same before an estimator.

use artifact::{Batch, Predictions};

use crate::{
    Folder, IRIS,
    train::{metric, steps, trained},
};

#[test]
fn every_transformer_is_trained_and_proven() {
    for (algorithm, step, columns) in [
        ("standard-scaler --without-mean", "standard_scaler", 4),
        ("min-max-scaler --min -1", "standard_scaler", 4),
        ("max-abs-scaler", "standard_scaler", 4),
        ("norm-scaler --norm l1", "norm_scaler", 4),
        ("pca --whiten", "linear_projection", 2),
        ("fast-ica --ncomponents 3", "linear_projection", 3),
        ("whitening --method zca", "linear_projection", 4),
        ("random-projection --target-dim 2", "linear_projection", 2),
        ("sparse-random-projection --target-dim 3", "linear_projection", 3),
    ] {
        let model = trained(IRIS, &format!("--ignore species --algorithm {algorithm}"));
        assert_eq!(steps(&model), [step], "{algorithm}");
        assert_eq!(model.manifest().output.names().len(), columns, "{algorithm}");
    }
}

#[test]
fn a_min_max_scaler_answers_in_the_range_that_it_was_told() {
    let model = trained(IRIS, "--ignore species --algorithm min-max-scaler --min -3 --max 7 --test-split 0");
    let mut answers = Predictions::default();
    let rows = vec![4.3, 2.0, 1.0, 0.1, 7.9, 4.4, 6.9, 2.5];
    model.predict(&Batch::new(rows, 4).unwrap(), &mut answers).unwrap();
    let near = |(found, right): (&f64, &f64)| (found - right).abs() < 1e-12;
    assert!(answers.scores().iter().zip(&[-3.0, -3.0, -3.0, -3.0, 7.0, 7.0, 7.0, 7.0]).all(near));
}

#[test]
fn features_are_scaled_and_reduced_before_an_estimator() {
    let gaussian = "--target species --algorithm gaussian-nb";
    for (arguments, expected) in [
        ("--scale=min-max", vec!["standard_scaler", "gaussian_nb"]),
        ("--scale=max-abs", vec!["standard_scaler", "gaussian_nb"]),
        ("--scale=norm-l1", vec!["norm_scaler", "gaussian_nb"]),
        ("--scale=norm-l2", vec!["norm_scaler", "gaussian_nb"]),
        ("--scale=norm-max", vec!["norm_scaler", "gaussian_nb"]),
        ("--reduce fast-ica=3", vec!["linear_projection", "gaussian_nb"]),
        ("--reduce random-projection=3", vec!["linear_projection", "gaussian_nb"]),
        ("--scale --reduce pca=2", vec!["standard_scaler", "linear_projection", "gaussian_nb"]),
    ] {
        let model = trained(IRIS, &format!("{gaussian} {arguments}"));
        assert_eq!(steps(&model), expected, "{arguments}");
        assert!(metric(&model, "accuracy") > 0.7, "{arguments}");
    }
}

#[test]
fn what_cannot_be_projected_is_refused_in_a_sentence() {
    let folder = Folder::with("iris.csv", IRIS);
    let iris = "train --csv iris.csv --ignore species --name m --out models --algorithm";
    for (algorithm, sentence) in [
        ("pca --embedding-size 5", "pca: 5 columns cannot be made of 4 features"),
        (
            "fast-ica --ncomponents 5",
            "fast-ica: Invalid value encountered: ncomponents cannot be greater than the min(120, 4), got 5",
        ),
        ("min-max-scaler --min 2", "min-max-scaler: --min 2 is not below --max 1"),
        ("kmeans --reduce pca=9", "--reduce pca=9: 9 columns cannot be made of 4 features"),
    ] {
        let said = folder.complained(&format!("{iris} {algorithm}"));
        assert_eq!(said, format!("linfactl: {sentence}"));
    }
    assert!(!folder.path("models").exists());
    for (reduce, sentence) in [
        ("pca", "it is METHOD=COLUMNS, as in pca=2"),
        ("pca=0", "`0` is no number of columns"),
        (
            "svd=2",
            "there is no method `svd`; there are pca, fast-ica, random-projection, sparse-random-projection",
        ),
    ] {
        let output = folder.run(&format!("{iris} kmeans --reduce {reduce}"));
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(sentence), "{said}");
    }
}
