//! Rows through an affine map: for each output the row . its weights + its bias. The kernel of every model that is linear.

use super::{
    panels::{Panels, Product},
    sums::{finite, linear},
};

/// Up to so many outputs of [`WIDE`] rows leave most of a register empty, and have sums of their own.
const FEW: usize = 4;

/// The inputs from which on the memory that an empty part of a register takes is what a row waits for.
const WIDE: usize = 256;

/// An affine map of one output or more.
#[derive(Debug)]
pub(super) struct Affine {
    weights: Weights,
    biases: Vec<f64>,
}

#[derive(Debug)]
enum Weights {
    /// outputs x inputs.
    Apart(Vec<f64>),
    Together(Panels),
}

impl Affine {
    /// The map with the matrix `weights` (as many outputs as `biases` x `inputs`); neither number is 0.
    pub(super) fn new(weights: Vec<f64>, biases: Vec<f64>, inputs: usize) -> Self {
        let apart = biases.len() == 1 || biases.len() <= FEW && inputs >= WIDE;
        let weights =
            if apart { Weights::Apart(weights) } else { Weights::Together(Panels::new(&weights, inputs)) };
        Self { weights, biases }
    }

    /// How many numbers there are for each row.
    pub(super) fn outputs(&self) -> usize {
        self.biases.len()
    }

    /// Writes the outputs of each row of `rows`; NaN in the place of one that overflows (see [`linear`]).
    pub(super) fn run(&self, rows: &[f64], outputs: &mut [f64]) {
        let count = self.outputs();
        match &self.weights {
            Weights::Apart(weights) => {
                let sums = weights.chunks_exact(weights.len() / count).zip(&self.biases);
                for (place, (weights, bias)) in sums.enumerate() {
                    linear(rows, weights, *bias, outputs.iter_mut().skip(place).step_by(count));
                }
            }
            Weights::Together(panels) => {
                panels.fold(rows, Product, outputs);
                for outputs in outputs.chunks_exact_mut(count) {
                    for (output, bias) in outputs.iter_mut().zip(&self.biases) {
                        *output = finite(*output + bias);
                    }
                }
            }
        }
    }
}
