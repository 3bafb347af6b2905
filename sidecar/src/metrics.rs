//! How good answers are, against what was true. `linfactl train` measures held-out rows by these, the check `quality`
//! the rows of evaluation.csv. A figure that is not defined is not finite.

use std::collections::BTreeMap;

use artifact::ndarray::{ArrayView1, ArrayView2};

/// The least probability that counts, as in scikit-learn: a certain and wrong answer would be infinitely bad.
const LEAST: f64 = f64::EPSILON;

/// The share of right answers. Pairs are (true, answered).
pub fn accuracy(pairs: impl Iterator<Item = (usize, usize)>) -> f64 {
    mean(pairs.map(|(truth, choice)| f64::from(u8::from(truth == choice))))
}

/// The mean, over the classes that were true or answered, of the harmonic mean of precision and recall. Pairs are (true,
/// answered).
pub fn macro_f1(pairs: impl Iterator<Item = (usize, usize)>) -> f64 {
    let mut counts: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (truth, choice) in pairs {
        // For a class: how often it was right, and how often it was told or true.
        counts.entry(truth).or_default().1 += 1.0;
        counts.entry(choice).or_default().1 += 1.0;
        if truth == choice {
            counts.entry(truth).or_default().0 += 1.0;
        }
    }
    mean(counts.values().map(|(right, told_or_true)| 2.0 * right / told_or_true))
}

/// The mean surprise, from the probabilities that were given to what was true.
pub fn log_loss(probabilities: impl Iterator<Item = f64>) -> f64 {
    mean(probabilities.map(|probability| -probability.max(LEAST).ln()))
}

/// The mean distance. Pairs are (true, answered).
pub fn mae(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    mean(pairs.map(|(truth, value)| (truth - value).abs()))
}

/// The root of the mean squared distance. Pairs are (true, answered).
pub fn rmse(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    mean(pairs.map(|(truth, value)| (truth - value).powi(2))).sqrt()
}

/// The share of the spread of what is true that the answers explain; not finite where there is no spread. Pairs are
/// (true, answered).
pub fn r2(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let centre = mean(pairs.clone().map(|(truth, _)| truth));
    let spread = mean(pairs.clone().map(|(truth, _)| (truth - centre).powi(2)));
    1.0 - mean(pairs.map(|(truth, value)| (truth - value).powi(2))) / spread
}

/// How much closer rows are to their own cluster than to the next one, from -1 to 1; not finite where there is but one
/// cluster. Takes time by the square of the rows.
///
/// Source: Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis", 1987.
pub fn silhouette(rows: ArrayView2<'_, f64>, clusters: &[usize]) -> f64 {
    let mut sizes: BTreeMap<usize, f64> = BTreeMap::new();
    for cluster in clusters {
        *sizes.entry(*cluster).or_default() += 1.0;
    }
    if sizes.len() < 2 {
        return f64::NAN;
    }
    mean(rows.rows().into_iter().zip(clusters).map(|(row, own)| {
        let mut far: BTreeMap<usize, f64> = BTreeMap::new();
        for (other, cluster) in rows.rows().into_iter().zip(clusters) {
            *far.entry(*cluster).or_default() += distance(row, other);
        }
        // The row itself is no neighbour of its own.
        let within = far[own] / (sizes[own] - 1.0);
        let others = far.iter().filter(|(cluster, _)| *cluster != own);
        let next = others.map(|(cluster, sum)| sum / sizes[cluster]).fold(f64::INFINITY, f64::min);
        let larger = within.max(next);
        // One that is alone, or lies where both are, says nothing.
        if sizes[own] < 2.0 || larger == 0.0 { 0.0 } else { (next - within) / larger }
    }))
}

fn distance(a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// The arithmetic mean; not finite if there is nothing.
pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// The figures that are not worked out beside them are what scikit-learn 1.9.1 gives for the same data.
#[cfg(test)]
mod tests {
    use artifact::ndarray::arr2;

    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
    }

    fn pairs<const N: usize, T: Copy>(
        truth: [T; N],
        answers: [T; N],
    ) -> impl Iterator<Item = (T, T)> + Clone {
        truth.into_iter().zip(answers)
    }

    #[test]
    fn classes_are_measured_as_scikit_learn_does() {
        let ten = || pairs([0, 0, 1, 1, 2, 2, 2, 1, 0, 2], [0, 1, 1, 1, 2, 2, 0, 2, 0, 2]);
        near(accuracy(ten()), 0.7);
        near(macro_f1(ten()), 0.694_444_444_444_444_3);
        // Class 2 is answered and never true.
        near(macro_f1(pairs([0, 0, 1, 1, 1], [0, 2, 1, 1, 0])), 0.433_333_333_333_333_35);
    }

    #[test]
    fn probabilities_are_measured_as_scikit_learn_does_down_to_none_at_all() {
        let of_the_truth = [0.7, 0.3, 0.8, 0.5, 0.9, 1.0, 0.1, 0.3, 1.0, 0.0];
        near(log_loss(of_the_truth.into_iter()), 4.213_251_028_223_378);
    }

    #[test]
    fn numbers_are_measured_as_scikit_learn_does() {
        let five = || pairs([3.0, -0.5, 2.0, 7.0, 4.25], [2.5, 0.0, 2.0, 8.0, 4.0]);
        near(mae(five()), 0.45);
        near(rmse(five()), 0.559_016_994_374_947_5);
        near(r2(five()), 0.949_104_234_527_687_3);
        assert!(!r2(pairs([2.0, 2.0], [1.0, 3.0])).is_finite(), "there is no spread to explain");
    }

    #[test]
    fn clusters_are_measured_as_scikit_learn_does() {
        let rows = arr2(&[
            [0.0, 0.0],
            [1.0, 0.5],
            [0.5, 1.0],
            [8.0, 8.0],
            [9.0, 8.5],
            [8.5, 7.0],
            [0.0, 9.0],
            [4.0, 4.0],
        ]);
        // Cluster 2 has one row.
        near(silhouette(rows.view(), &[0, 0, 0, 1, 1, 1, 2, 1]), 0.563_379_153_371_589_4);
        let same = arr2(&[[1.0], [1.0], [1.0], [1.0]]);
        near(silhouette(same.view(), &[0, 0, 1, 1]), 0.0);
        assert!(silhouette(same.view(), &[5, 5, 5, 5]).is_nan(), "one cluster has no next one");
    }

    #[test]
    fn nothing_has_no_figures() {
        assert!(!accuracy(std::iter::empty()).is_finite());
        assert!(!rmse(std::iter::empty()).is_finite());
        assert!(!silhouette(arr2::<f64, 1>(&[]).view(), &[]).is_finite());
    }
}
