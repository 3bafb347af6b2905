//! What each feature looked like in training.

use ndarray::{Array2, ArrayView1};

use crate::{Feature, feature::Statistics};

/// Statistics of every column of `records`, which has at least one row.
pub fn features(names: &[String], records: &Array2<f64>) -> Vec<Feature> {
    names.iter().zip(records.columns()).map(|(name, column)| feature(name, column)).collect()
}

fn feature(name: &str, column: ArrayView1<'_, f64>) -> Feature {
    Feature::number(name, of(&column))
}

/// Statistics of some numbers, at least one.
pub fn of(numbers: &ArrayView1<'_, f64>) -> Statistics {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Statistics {
        min: quantile(&sorted, 0.0),
        max: quantile(&sorted, 1.0),
        mean: numbers.mean().unwrap_or_default(),
        std: numbers.std(0.0),
        deciles: std::array::from_fn(|tenth| quantile(&sorted, (tenth + 1) as f64 / 10.0)),
    }
}

/// Between the two nearest values, in proportion (the default of NumPy, and type 7 of Hyndman and Fan 1996).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let part = place - place.floor();
    // Weighed so that equal neighbours give themselves, and no rounding leads out of between them.
    (sorted[below] * (1.0 - part) + sorted[above] * part).clamp(sorted[below], sorted[above])
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::FeatureKind;

    fn statistics(records: &Array2<f64>) -> Statistics {
        match features(&["a".to_owned()], records)[0].kind {
            FeatureKind::Number { statistics, .. } => statistics,
            _ => panic!("numbers are no numbers"),
        }
    }

    #[test]
    fn statistics_are_those_of_the_whole_population() {
        let records = array![[3.0], [1.0], [2.0], [4.0], [0.0]];
        let feature = statistics(&records);
        assert_eq!((feature.min, feature.max, feature.mean), (0.0, 4.0, 2.0));
        assert_eq!(feature.std, 2.0_f64.sqrt());
        let expected = [0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 3.6];
        for (found, expected) in feature.deciles.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{:?}", feature.deciles);
        }
    }

    #[test]
    fn one_row_is_its_own_statistics() {
        let feature = statistics(&array![[0.1]]);
        assert_eq!((feature.min, feature.max, feature.std), (0.1, 0.1, 0.0));
        assert_eq!(feature.deciles, [0.1; 9]);
    }
}
