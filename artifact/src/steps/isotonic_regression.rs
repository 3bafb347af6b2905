//! `isotonic_regression`: a monotone function of one feature: through the points (knot, value), straight between
//! them, level beyond them.
//!
//! Tensors: `knots` (points, ascending), `values` (points, all ascending or all descending).

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// A monotone function of one feature, as `linfa_linear::FittedIsotonicRegression`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IsotonicRegression {}

#[derive(Debug)]
struct Loaded {
    /// At least one, each greater than the one before.
    knots: Vec<f64>,
    /// One per knot. Two of them, as two knots, are no further apart than a number can tell.
    values: Vec<f64>,
}

impl Kind for IsotonicRegression {
    fn load(
        &self,
        inputs: usize,
        _: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let knots = parameters.numbers_of_any_length("knots")?;
        if inputs != 1 {
            return Err(TensorError::Inputs { found: inputs, expected: 1 });
        }
        let values = parameters.vector("values", knots.len())?;
        let refuse = |name, list: &[f64], broken: fn(&[f64; 2]) -> bool, expected| match list
            .array_windows()
            .position(broken)
        {
            Some(before) => Err(parameters.refuse(name, before + 1, list[before + 1], expected)),
            None => Ok(()),
        };
        refuse("knots", &knots, |[a, b]| a >= b, "greater than the one before")?;
        if values.first() <= values.last() {
            refuse("values", &values, |[a, b]| a > b, "at least the one before, as the last is")?;
        } else {
            refuse("values", &values, |[a, b]| a < b, "at most the one before, as the last is")?;
        }
        for (name, list) in [("knots", &knots), ("values", &values)] {
            let last = list.len() - 1;
            let distance = list[last] - list[0];
            // Infinity divided by infinity is not a number.
            if !distance.is_finite() {
                return Err(parameters.refuse(
                    name,
                    last,
                    distance,
                    "a distance from the first that a number can tell",
                ));
            }
        }
        Ok(Box::new(Loaded { knots, values }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Regressor { targets: 1 }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], _: &mut [u32]) {
        for (x, value) in rows.iter().zip(scores) {
            *value = self.at(*x);
        }
    }
}

impl Loaded {
    fn at(&self, x: f64) -> f64 {
        let Self { knots, values } = self;
        let above = knots.partition_point(|knot| *knot <= x);
        if above == 0 {
            return values[0];
        }
        let below = above - 1;
        if above == knots.len() {
            return values[below];
        }
        let share = (x - knots[below]) / (knots[above] - knots[below]);
        values[below] + share * (values[above] - values[below])
    }
}
