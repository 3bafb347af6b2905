//! How good the model is on rows that it has not seen. Only finite figures are told.

use std::collections::BTreeMap;

use ndarray::{Array1, Array2, ArrayView1};
use sidecar::{
    metrics::{self, mean},
    table::Target,
};

use artifact::{fitted::Answers, steps::Role};

/// Measures `answers` of a model of that role against the targets of the same rows.
pub(crate) fn measure(target: &Target, role: &Role, answers: &Answers) -> BTreeMap<String, f64> {
    let measured = match (target, &answers.choices) {
        (Target::Classes { indices, .. }, Some(choices)) => classes(indices, choices, &answers.scores),
        (Target::Numbers { values, .. }, _) => numbers_against(values, &answers.scores),
        (_, Some(choices)) if matches!(role, Role::Mixture { .. }) => mixture(choices, &answers.scores),
        // Outliers are class 0, inliers 1; nothing says which rows are which.
        (Target::None, Some(choices)) if answers.scores.ncols() == 0 => {
            vec![("inliers", mean(choices.iter().map(|choice| *choice as f64)))]
        }
        (_, Some(choices)) => clusters(choices, &answers.scores),
        (_, None) => Vec::new(),
    };
    measured
        .into_iter()
        .filter(|(_, value)| value.is_finite())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn classes(
    truth: &Array1<usize>,
    choices: &Array1<usize>,
    probabilities: &Array2<f64>,
) -> Vec<(&'static str, f64)> {
    let pairs = || truth.iter().copied().zip(choices.iter().copied());
    let mut measured =
        vec![("accuracy", metrics::accuracy(pairs())), ("macro_f1", metrics::macro_f1(pairs()))];
    if probabilities.ncols() > 0 {
        let of_the_truth = truth.iter().enumerate().map(|(row, class)| probabilities[[row, *class]]);
        measured.push(("log_loss", metrics::log_loss(of_the_truth)));
    }
    measured
}

/// The mean over the targets, each of which counts the same.
fn numbers_against(truth: &Array2<f64>, values: &Array2<f64>) -> Vec<(&'static str, f64)> {
    let pairs = |(truth, values): (ArrayView1<'_, f64>, ArrayView1<'_, f64>)| -> Vec<_> {
        truth.iter().copied().zip(values.iter().copied()).collect()
    };
    let targets: Vec<_> = truth.columns().into_iter().zip(values.columns()).map(pairs).collect();
    let over_targets = |metric: fn(&[(f64, f64)]) -> f64| mean(targets.iter().map(|pairs| metric(pairs)));
    vec![
        ("mae", over_targets(|pairs| metrics::mae(pairs.iter().copied()))),
        ("r2", over_targets(|pairs| metrics::r2(pairs.iter().copied()))),
        ("rmse", over_targets(|pairs| metrics::rmse(pairs.iter().copied()))),
    ]
}

/// For clusters nothing is true or false: how close rows are to their own centre, and how much closer than to
/// the next one. The latter is the simplified silhouette of Hruschka et al. (2004), from -1 to 1.
fn clusters(choices: &Array1<usize>, distances: &Array2<f64>) -> Vec<(&'static str, f64)> {
    let rows = || {
        choices.iter().zip(distances.rows()).map(|(own, row)| {
            let others = row.iter().enumerate().filter(|(cluster, _)| cluster != own);
            (row[*own], others.map(|(_, distance)| *distance).fold(f64::INFINITY, f64::min))
        })
    };
    vec![
        ("mean_squared_distance", mean(rows().map(|(own, _)| own * own))),
        (
            "simplified_silhouette",
            mean(rows().map(|(own, next)| (next - own) / own.max(next).max(f64::MIN_POSITIVE))),
        ),
    ]
}

/// How sure the model is of the clusters that it chooses, from 1 / clusters to 1: the mean of their probabilities.
fn mixture(choices: &Array1<usize>, probabilities: &Array2<f64>) -> Vec<(&'static str, f64)> {
    let own = choices.iter().zip(probabilities.rows()).map(|(own, row)| row[*own]);
    vec![("mean_probability", mean(own))]
}

#[cfg(test)]
mod tests {
    use ndarray::{arr2, array};

    use super::*;

    const CLASSIFIER: Role = Role::Classifier { classes: 3, probabilities: true };
    const REGRESSOR: Role = Role::Regressor { targets: 1 };

    fn near(metrics: &BTreeMap<String, f64>, name: &str, expected: f64) {
        let found = metrics[name];
        assert!((found - expected).abs() < 1e-12, "{name}: {found}");
    }

    fn number(values: Array1<f64>) -> Target {
        Target::Numbers { names: vec!["a".into()], values: values.insert_axis(ndarray::Axis(1)) }
    }

    #[test]
    fn classes_are_measured_by_accuracy_macro_f1_and_log_loss() {
        let target =
            Target::Classes { names: vec!["a".into(), "b".into(), "c".into()], indices: array![0, 0, 1, 1] };
        let scores = arr2(&[[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.25, 0.5, 0.25], [0.25, 0.5, 0.25]]);
        let choices = Some(array![0, 1, 1, 1]);
        let metrics = measure(&target, &CLASSIFIER, &Answers { choices, scores });
        near(&metrics, "accuracy", 0.75);
        // a: precision 1, recall 1/2; b: precision 2/3, recall 1; c does not occur.
        near(&metrics, "macro_f1", f64::midpoint(2.0 / 3.0, 4.0 / 5.0));
        near(&metrics, "log_loss", 1.25 * std::f64::consts::LN_2);
    }

    #[test]
    fn a_tree_without_probabilities_has_no_log_loss() {
        let target = Target::Classes { names: vec!["a".into(), "b".into()], indices: array![0, 1] };
        let answers = Answers { choices: Some(array![0, 1]), scores: Array2::zeros((2, 0)) };
        let metrics = measure(&target, &CLASSIFIER, &answers);
        assert_eq!(metrics.into_keys().collect::<Vec<_>>(), ["accuracy", "macro_f1"]);
    }

    #[test]
    fn of_novelty_the_share_of_inliers_is_told() {
        let answers = Answers { choices: Some(array![1, 0, 1, 1]), scores: Array2::zeros((4, 0)) };
        near(&measure(&Target::None, &CLASSIFIER, &answers), "inliers", 0.75);
    }

    #[test]
    fn numbers_are_measured_by_their_distance() {
        let answers = Answers { choices: None, scores: arr2(&[[1.0], [4.0]]) };
        let metrics = measure(&number(array![1.0, 2.0]), &REGRESSOR, &answers);
        near(&metrics, "mae", 1.0);
        near(&metrics, "rmse", 2.0_f64.sqrt());
        near(&metrics, "r2", -7.0);
        // A constant target has no spread to compare with.
        let metrics = measure(&number(array![2.0, 2.0]), &REGRESSOR, &answers);
        assert!(!metrics.contains_key("r2"));
    }

    #[test]
    fn clusters_are_measured_by_how_much_closer_their_own_centre_is() {
        let answers = Answers { choices: Some(array![0, 1]), scores: arr2(&[[1.0, 4.0], [6.0, 3.0]]) };
        let metrics = measure(&Target::None, &Role::Clusterer { clusters: 2 }, &answers);
        near(&metrics, "mean_squared_distance", 5.0);
        near(&metrics, "simplified_silhouette", f64::midpoint(0.75, 0.5));
    }

    #[test]
    fn a_mixture_is_measured_by_how_sure_it_is() {
        let answers = Answers { choices: Some(array![0, 1]), scores: arr2(&[[0.75, 0.25], [0.0, 1.0]]) };
        let metrics = measure(&Target::None, &Role::Mixture { clusters: 2 }, &answers);
        assert_eq!(metrics.len(), 1);
        near(&metrics, "mean_probability", 0.875);
    }

    #[test]
    fn nothing_held_out_measures_nothing() {
        let answers = Answers { choices: None, scores: Array2::zeros((0, 1)) };
        assert!(measure(&number(array![]), &REGRESSOR, &answers).is_empty());
    }
}
