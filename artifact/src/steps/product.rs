//! Rows times a matrix, by the vector instructions that the processor has. A row's sums have one order, whatever the
//! batch: rows go through one kernel, four at a time, and where four are not left the rest of its work is thrown away.

use pulp::{Arch, Simd, WithSimd};

/// Rows that are multiplied together, so that each weight is read once for all of them.
const ROWS: usize = 4;
/// Outputs that are summed side by side. Rows x outputs are as many sums as fit into the registers of AVX2.
const OUTPUTS: usize = 8;

/// The map from a row x to W (x - shift), with W of outputs x inputs.
#[derive(Debug)]
pub(super) struct Product {
    shift: Vec<f64>,
    /// W in blocks of [`OUTPUTS`] of its rows, each block by columns; zeros fill the last one.
    blocks: Vec<[f64; OUTPUTS]>,
    outputs: usize,
}

impl Product {
    /// The map with the matrix `weights`, row-major and as wide as `shift` is long; neither is empty.
    pub(super) fn new(shift: Vec<f64>, weights: &[f64]) -> Self {
        let inputs = shift.len();
        let outputs = weights.len() / inputs;
        let mut blocks = vec![[0.0; OUTPUTS]; outputs.div_ceil(OUTPUTS) * inputs];
        for (output, weights) in weights.chunks_exact(inputs).enumerate() {
            let block = &mut blocks[output / OUTPUTS * inputs..][..inputs];
            for (column, weight) in block.iter_mut().zip(weights) {
                column[output % OUTPUTS] = *weight;
            }
        }
        Self { shift, blocks, outputs }
    }

    /// The length of a row that comes out.
    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Maps each row of `rows` into one of `results`. `scratch` is room to work in, whatever it holds.
    pub(super) fn run(&self, rows: &[f64], results: &mut [f64], scratch: &mut Vec<[f64; ROWS]>) {
        scratch.clear();
        scratch.resize(self.shift.len(), [0.0; ROWS]);
        Arch::new().dispatch(Run { product: self, rows, results, scratch });
    }
}

struct Run<'a> {
    product: &'a Product,
    rows: &'a [f64],
    results: &'a mut [f64],
    scratch: &'a mut [[f64; ROWS]],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { product: Product { shift, blocks, outputs }, rows, results, scratch } = self;
        let inputs = shift.len();
        for (rows, results) in rows.chunks(ROWS * inputs).zip(results.chunks_mut(ROWS * outputs)) {
            for (lane, row) in rows.chunks_exact(inputs).enumerate() {
                for ((shifted, value), shift) in scratch.iter_mut().zip(row).zip(shift) {
                    shifted[lane] = value - shift;
                }
            }
            for (block, weights) in blocks.chunks_exact(inputs).enumerate() {
                let sums = kernel::<S>(scratch, weights);
                let at = block * OUTPUTS;
                let width = OUTPUTS.min(outputs - at);
                for (result, sums) in results.chunks_exact_mut(*outputs).zip(&sums) {
                    result[at..at + width].copy_from_slice(&sums[..width]);
                }
            }
        }
    }
}

/// The products of four rows with eight rows of W, both by columns.
#[inline(always)]
fn kernel<S: Simd>(rows: &[[f64; ROWS]], weights: &[[f64; OUTPUTS]]) -> [[f64; OUTPUTS]; ROWS] {
    let mut sums = [[0.0; OUTPUTS]; ROWS];
    for (values, weights) in rows.iter().zip(weights) {
        for (sums, value) in sums.iter_mut().zip(values) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                // Whoever has vectors of several f64 in pulp has the fused instruction; elsewhere it is a slow call.
                *sum = if S::F64_LANES > 1 { value.mul_add(*weight, *sum) } else { *sum + value * weight };
            }
        }
    }
    sums
}
