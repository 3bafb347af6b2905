//! `linfactl train` of naive Bayes and of mixtures.

use artifact::Output;

use crate::{
    Folder, IRIS,
    train::{metric, steps, trained},
};

#[test]
fn a_gaussian_nb_is_trained_and_proven() {
    let model = trained(IRIS, "--target species --algorithm gaussian-nb");
    assert_eq!(steps(&model), ["gaussian_nb"]);
    assert!(metric(&model, "accuracy") > 0.9);
    assert!(metric(&model, "log_loss") < 0.3);
}

/// linfa prints each class to standard error, which nobody is to see: `trained` asserts that nothing is there.
#[test]
fn a_multinomial_nb_is_trained_and_proven_in_silence() {
    let model = trained(IRIS, "--target species --algorithm multinomial-nb --alpha 0.5");
    assert_eq!(steps(&model), ["multinomial_nb"]);
    assert!(metric(&model, "accuracy") > 0.6);
    assert_eq!(
        Folder::with("a.csv", "x,y,class\n1,2,a\n-1,3,b\n4,4,a\n1,3,b\n").complained(
            "train --csv a.csv --target class --algorithm multinomial-nb --test-split 0 --name m --out models"
        ),
        "linfactl: multinomial-nb: it learns from counts, which are not below 0"
    );
}

#[test]
fn a_bernoulli_nb_is_trained_and_proven_with_its_threshold() {
    let model = trained(IRIS, "--target species --algorithm bernoulli-nb --binarize 0.25 --scale");
    assert_eq!(steps(&model), ["standard_scaler", "bernoulli_nb"]);
    let spec = serde_json::to_value(&model.manifest().steps[1]).unwrap();
    assert_eq!(spec, serde_json::json!({"kind": "bernoulli_nb", "threshold": 0.25}));
    assert!(metric(&model, "accuracy") > 0.6);
}

#[test]
fn a_gaussian_mixture_is_trained_and_proven_and_says_how_sure_it_is() {
    let model = trained(IRIS, "--ignore species --algorithm gaussian-mixture");
    assert_eq!(steps(&model), ["gaussian_mixture"]);
    assert_eq!(model.manifest().output, Output::Clustering { clusters: 3 });
    assert!(model.is_mixture());
    assert!(metric(&model, "mean_probability") > 0.9);
}
