//! `linfactl train` with linear models: of one target and of several, with penalties and links, rising and falling.

use artifact::{Batch, Predictions};

use crate::{
    IRIS,
    train::{metric, steps, trained, two_species},
};

const PETAL_WIDTH: &str = "--target petal_width --ignore species";
const PETALS: &str = "--target petal_length --target petal_width --ignore species";

fn predict(model: &artifact::Model, row: &[f64]) -> Vec<f64> {
    let mut answers = Predictions::default();
    model.predict(&Batch::new(row.to_vec(), row.len()).unwrap(), &mut answers).unwrap();
    answers.scores().to_vec()
}

#[test]
fn penalised_linear_models_are_trained_on_centred_features_and_proven() {
    // Of features that lie far from 0 linfa alone would get the intercept wrong, and R² would be below 0.
    for algorithm in ["elastic-net --penalty 0.01", "lasso --penalty 0.01", "ridge --penalty 0.01", "lars"] {
        let model = trained(IRIS, &format!("{PETAL_WIDTH} --algorithm {algorithm}"));
        assert_eq!(steps(&model), ["standard_scaler", "linear_regression"], "{algorithm}");
        assert!(metric(&model, "r2") > 0.85, "{algorithm}: {}", metric(&model, "r2"));
        let through_the_origin =
            trained(IRIS, &format!("{PETAL_WIDTH} --algorithm {algorithm} --without-intercept"));
        assert_eq!(steps(&through_the_origin), ["linear_regression"], "{algorithm}");
    }
}

#[test]
fn a_lasso_drops_features_and_a_ridge_does_not() {
    let weights = |algorithm: &str| {
        let model = trained(IRIS, &format!("{PETAL_WIDTH} --algorithm {algorithm} --penalty 0.1"));
        let origin = predict(&model, &[0.0; 3])[0];
        let weight = |feature: usize| {
            let mut row = [0.0; 3];
            row[feature] = 1.0;
            predict(&model, &row)[0] - origin
        };
        [0, 1, 2].map(weight).into_iter().filter(|weight| weight.abs() > 1e-9).count()
    };
    assert_eq!((weights("lasso"), weights("ridge")), (1, 3));
}

/// By the normal equations: each of two equal features has the weight Σxy / (2 Σx² + rows x penalty).
#[test]
fn a_ridge_that_ends_before_its_last_iteration_has_the_weights_of_the_normal_equations() {
    let csv = format!("a,b,y\n{}", "-1,-1,-2\n1,1,2\n".repeat(20));
    for penalty in [1.0, 0.01] {
        let model =
            trained(&csv, &format!("--target y --algorithm ridge --penalty {penalty} --test-split 0"));
        let (expected, found) = (2.0 * 80.0 / (80.0 + 40.0 * penalty), predict(&model, &[1.0, 1.0])[0]);
        assert!((found - expected).abs() < 1e-3, "{penalty}: {found}, not {expected}");
    }
}

#[test]
fn models_of_several_targets_are_trained_and_proven() {
    for algorithm in [
        "multi-task-elastic-net --penalty 0.01",
        "pls --n-components 2",
        "pls --kind canonical --n-components 2",
        "pls --kind cca",
    ] {
        let model = trained(IRIS, &format!("{PETALS} --algorithm {algorithm}"));
        assert_eq!(model.manifest().output.names(), ["petal_length", "petal_width"], "{algorithm}");
        assert_eq!(predict(&model, &[5.1, 3.5]).len(), 2, "{algorithm}");
    }
    let model = trained(IRIS, &format!("{PETALS} --algorithm multi-task-elastic-net --penalty 0.01"));
    assert!(metric(&model, "r2") > 0.7, "{}", metric(&model, "r2"));
}

#[test]
fn generalized_linear_models_are_trained_and_proven() {
    for (algorithm, link) in [
        ("poisson --alpha 0.01", "log"),
        ("gamma --alpha 0.01", "log"),
        ("tweedie --power 1.5 --alpha 0.01", "log"),
        ("tweedie --power 0 --alpha 0.01", "identity"),
    ] {
        let model = trained(IRIS, &format!("{PETAL_WIDTH} --algorithm {algorithm} --scale"));
        let step = serde_json::to_value(&model.manifest().steps[1]).unwrap();
        assert_eq!(step, serde_json::json!({ "kind": "generalized_linear_model", "link": link }));
        assert!(metric(&model, "r2") > 0.5, "{algorithm}: {}", metric(&model, "r2"));
    }
}

#[test]
fn an_isotonic_regression_rises_or_falls_as_the_data_do() {
    let csv = |sign: f64| {
        let rows = (0..60).map(|row| {
            let (x, dent) = (f64::from(row * 37 % 60), f64::from(row % 7));
            format!("{x},{}\n", sign * (x + dent))
        });
        format!("x,y\n{}", rows.collect::<String>())
    };
    for sign in [1.0, -1.0] {
        let model = trained(&csv(sign), "--target y --algorithm isotonic-regression");
        assert_eq!(steps(&model), ["isotonic_regression"]);
        assert!(metric(&model, "r2") > 0.9, "{}", metric(&model, "r2"));
        let answers = [-10.0, 0.0, 15.5, 30.0, 45.5, 60.0, 70.0].map(|x| sign * predict(&model, &[x])[0]);
        assert!(answers.is_sorted(), "{answers:?}");
        assert!(answers[0] < answers[6]);
    }
}

#[test]
fn ftrl_is_trained_and_proven() {
    let model =
        trained(&two_species(), "--target species --algorithm ftrl --alpha 0.1 --beta 1 --passes 20 --scale");
    assert_eq!(steps(&model), ["standard_scaler", "logistic_regression"]);
    assert!(metric(&model, "accuracy") > 0.8, "{}", metric(&model, "accuracy"));
}

#[test]
fn what_a_linear_model_cannot_learn_is_refused_in_a_sentence() {
    let folder = crate::Folder::with("iris.csv", IRIS);
    for (arguments, says) in [
        (format!("{PETALS} --algorithm lasso"), "this algorithm learns one target, not 2"),
        (
            format!("{PETAL_WIDTH} --algorithm isotonic-regression"),
            "isotonic regression takes one feature, not 3",
        ),
        (
            format!("{PETAL_WIDTH} --algorithm tweedie --link logit"),
            "the logit link needs a target whose mean is between 0 and 1, it is ",
        ),
    ] {
        let refused = folder.complained(&format!("train --csv iris.csv --name m --out models {arguments}"));
        assert!(refused.contains(says), "{refused}");
        assert!(!folder.path("models").exists());
    }
}
