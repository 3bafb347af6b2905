//! W (x - shift): rows, shifted and through a linear map.

use super::{affine::Affine, panels};

/// Rows that are shifted before they go through the map together.
const ROWS: usize = 8 * panels::ROWS;

/// The map from a row x to W (x - shift), with W of outputs x inputs.
#[derive(Debug)]
pub(super) struct Product {
    shift: Vec<f64>,
    map: Affine,
}

impl Product {
    /// The map with the matrix `weights`, row-major and as wide as `shift` is long; neither is empty.
    pub(super) fn new(shift: Vec<f64>, weights: Vec<f64>) -> Self {
        let inputs = shift.len();
        let biases = vec![0.0; weights.len() / inputs];
        let map = Affine::new(weights, biases, inputs);
        Self { shift, map }
    }

    /// The length of a row that comes out.
    pub(super) fn outputs(&self) -> usize {
        self.map.outputs()
    }

    /// Maps each row of `rows` into one of `results`; NaN in the place of what overflows. `scratch` is room to work in,
    /// whatever it holds.
    pub(super) fn run(&self, rows: &[f64], results: &mut [f64], scratch: &mut Vec<f64>) {
        // Not W x - W shift, which would lose the digits of a small difference.
        let (inputs, outputs) = (self.shift.len(), self.outputs());
        for (rows, results) in rows.chunks(ROWS * inputs).zip(results.chunks_mut(ROWS * outputs)) {
            scratch.clear();
            for row in rows.chunks_exact(inputs) {
                scratch.extend(row.iter().zip(&self.shift).map(|(value, shift)| value - shift));
            }
            self.map.run(scratch, results);
        }
    }
}
