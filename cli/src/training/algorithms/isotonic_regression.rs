//! `isotonic-regression`: the rising or falling function of one feature that is closest to the target, answered as
//! `linfa_linear::FittedIsotonicRegression` does.
//!
//! The fit is ours. linfa's pools more rows than it has to, expects them in ascending order, and does not know how to fall. What comes
//! out is given to linfa's own type, which answers what golden rows hold.

use anyhow::ensure;
use artifact::fitted::Fitted;
use clap::{Args, ValueEnum};
use linfa_linear::FittedIsotonicRegression;
use ndarray::Array1;

use super::{Fit, Lesson, Task};

#[derive(Args, Debug)]
pub(super) struct IsotonicRegression {
    /// Which way the function goes
    #[arg(long, value_enum, default_value_t = Direction::Auto)]
    direction: Direction,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Direction {
    /// As the feature and the target are correlated
    Auto,
    /// Greater targets at greater features
    Rising,
    /// Smaller targets at greater features
    Falling,
}

/// Rows that lie next to each other and have one value.
#[derive(Clone, Copy, Debug)]
struct Pool {
    /// The smallest and the largest feature.
    ends: [f64; 2],
    /// The mean of the targets.
    value: f64,
    rows: f64,
}

impl Fit for IsotonicRegression {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let (records, target) = (&lesson.part.records, lesson.part.number()?);
        ensure!(records.ncols() == 1, "isotonic regression takes one feature, not {}", records.ncols());
        let mut points: Vec<_> = records.iter().copied().zip(target).collect();
        points.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
        let rising = match self.direction {
            Direction::Auto => rises(&points),
            Direction::Rising => true,
            Direction::Falling => false,
        };
        let (knots, values) = pool(&points, rising);
        let model = serde_json::json!({ "regressor": Array1::from(knots), "response": Array1::from(values) });
        Ok(Box::new(serde_json::from_value::<FittedIsotonicRegression<f64>>(model)?))
    }
}

/// Whether feature and target are not negatively correlated.
fn rises(points: &[(f64, f64)]) -> bool {
    let rows = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(|point| of(point) / rows).sum::<f64>();
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() >= 0.0
}

/// The knots and values of the closest function of `points`, which are in the order of the feature: pools whose values are out of
/// order become one, until none are (pool adjacent violators; Best and Chakravarti 1990).
fn pool(points: &[(f64, f64)], rising: bool) -> (Vec<f64>, Vec<f64>) {
    let mut pools: Vec<Pool> = Vec::with_capacity(points.len());
    // Rows of one feature have one value from the start, whatever the order of their targets.
    for same in points.chunk_by(|(a, _), (b, _)| a == b) {
        let rows = same.len() as f64;
        let value = same.iter().map(|(_, target)| target / rows).sum();
        let mut next = Pool { ends: [same[0].0; 2], value, rows };
        let out_of_order = |last: &Pool, next: &Pool| {
            if rising { last.value >= next.value } else { last.value <= next.value }
        };
        while let Some(last) = pools.pop_if(|last| out_of_order(last, &next)) {
            let rows = last.rows + next.rows;
            // This way round no mean lies beyond what it is of.
            let value = last.value + (next.value - last.value) * (next.rows / rows);
            next = Pool { ends: [last.ends[0], next.ends[1]], value, rows };
        }
        pools.push(next);
    }
    // Level within a pool, straight to the next.
    let mut ends = pools.iter().flat_map(|pool| pool.ends.map(|end| (end, pool.value))).collect::<Vec<_>>();
    ends.dedup();
    ends.into_iter().unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The points of scikit-learn's IsotonicRegression (X_thresholds_, y_thresholds_) on the same rows.
    #[track_caller]
    fn pools_as_scikit_learn(points: &[(f64, f64)], rising: bool, knots: &[f64], values: &[f64]) {
        let found = pool(points, rising);
        assert_eq!(found.0, knots);
        assert_eq!(found.1.len(), values.len());
        for (found, expected) in found.1.iter().zip(values) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn no_more_rows_are_pooled_than_are_out_of_order() {
        // linfa's fit pools all four.
        let points = [(0.0, 0.0), (1.0, 10.0), (2.0, 12.0), (3.0, 3.0)];
        let value = 25.0 / 3.0;
        pools_as_scikit_learn(&points, true, &[0.0, 1.0, 3.0], &[0.0, value, value]);
    }

    #[test]
    fn a_pool_is_level_from_its_first_row_to_its_last() {
        // linfa's fit is 2.25 at 1.
        pools_as_scikit_learn(
            &[(0.0, 0.0), (1.0, 5.0), (2.0, 4.0)],
            true,
            &[0.0, 1.0, 2.0],
            &[0.0, 4.5, 4.5],
        );
    }

    #[test]
    fn a_falling_function_falls() {
        let points = [(0.0, 9.0), (1.0, 7.0), (2.0, 8.0), (3.0, 1.0)];
        pools_as_scikit_learn(&points, false, &[0.0, 1.0, 2.0, 3.0], &[9.0, 7.5, 7.5, 1.0]);
        assert!(!rises(&points));
    }

    #[test]
    fn rows_of_one_feature_have_one_value_whatever_their_order() {
        for targets in [[4.0, 5.0, 1.0], [1.0, 4.0, 5.0], [5.0, 4.0, 1.0]] {
            let points: Vec<_> =
                targets.map(|target| (3.3, target)).into_iter().chain([(6.0, 6.0)]).collect();
            pools_as_scikit_learn(&points, true, &[3.3, 6.0], &[10.0 / 3.0, 6.0]);
        }
        // Their mean, 6.5, is in order, though one of them is not.
        pools_as_scikit_learn(&[(0.0, 5.0), (1.0, 3.0), (1.0, 10.0)], true, &[0.0, 1.0], &[5.0, 6.5]);
    }
}
