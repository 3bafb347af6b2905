//! Rows through an affine map: for each output the row . its weights + its bias. The kernel of every model that is linear
//! in several outputs.
//!
//! Weights lie in blocks of four outputs, and several rows go through a block at once, by the vector instructions that
//! the processor has. Each sum begins with the bias and goes over the inputs in order, whatever goes along with it, so
//! that a row's bits do not depend on its batch.

use pulp::{Arch, Simd, WithSimd};

/// Outputs that are summed in one vector register of AVX2.
const LANES: usize = 4;

/// One number for each output of a block.
type Block = [f64; LANES];

/// An affine map of one output or more.
#[derive(Debug)]
pub(super) struct Affine {
    /// For each block, for each input, the weights of the block's outputs; zeros fill the last block.
    weights: Vec<Block>,
    biases: Vec<Block>,
    inputs: usize,
    outputs: usize,
}

impl Affine {
    /// The map with the matrix `weights` (outputs x `inputs`) and as many `biases` as outputs; neither number is 0.
    pub(super) fn new(weights: &[f64], biases: &[f64], inputs: usize) -> Self {
        let outputs = biases.len();
        let blocks = outputs.div_ceil(LANES);
        let mut map = Self {
            weights: vec![[0.0; LANES]; blocks * inputs],
            biases: vec![[0.0; LANES]; blocks],
            inputs,
            outputs,
        };
        for (output, (weights, bias)) in weights.chunks_exact(inputs).zip(biases).enumerate() {
            let (block, lane) = (output / LANES, output % LANES);
            for (column, weight) in map.weights[block * inputs..].iter_mut().zip(weights) {
                column[lane] = *weight;
            }
            map.biases[block][lane] = *bias;
        }
        map
    }

    /// How many numbers there are for each row.
    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Writes the outputs of each row of `rows`; NaN in the place of one that overflows (see [`super::sums::linear`]).
    pub(super) fn run(&self, rows: &[f64], outputs: &mut [f64]) {
        Arch::new().dispatch(Run { map: self, rows, outputs });
    }
}

struct Run<'a> {
    map: &'a Affine,
    rows: &'a [f64],
    outputs: &'a mut [f64],
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        // As many sums at once as hide what one takes and yet fit into sixteen registers, with the weights.
        let (rows, outputs) = match self.map.biases.len() {
            1 => self.map.groups::<S, 8, 1>(self.rows, self.outputs),
            _ => self.map.groups::<S, 6, 2>(self.rows, self.outputs),
        };
        self.map.groups::<S, 1, 4>(rows, outputs);
    }
}

impl Affine {
    /// Answers `ROWS` rows at a time, in as many blocks at a time as told; gives back what rows are left.
    #[inline(always)]
    fn groups<'a, S: Simd, const ROWS: usize, const BLOCKS: usize>(
        &self,
        rows: &'a [f64],
        outputs: &'a mut [f64],
    ) -> (&'a [f64], &'a mut [f64]) {
        let mut groups = rows.chunks_exact(ROWS * self.inputs);
        let mut answers = outputs.chunks_exact_mut(ROWS * self.outputs);
        for (group, answers) in groups.by_ref().zip(answers.by_ref()) {
            let group: [&[f64]; ROWS] = std::array::from_fn(|row| &group[row * self.inputs..][..self.inputs]);
            let together = self.biases.len() / BLOCKS * BLOCKS;
            for first in (0..together).step_by(BLOCKS) {
                self.tile::<S, ROWS, BLOCKS>(&group, first, answers);
            }
            for first in together..self.biases.len() {
                self.tile::<S, ROWS, 1>(&group, first, answers);
            }
        }
        (groups.remainder(), answers.into_remainder())
    }

    /// The outputs of the blocks from `first` on, of these rows.
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const BLOCKS: usize>(
        &self,
        rows: &[&[f64]; ROWS],
        first: usize,
        answers: &mut [f64],
    ) {
        let weights: [&[Block]; BLOCKS] =
            std::array::from_fn(|block| &self.weights[(first + block) * self.inputs..][..self.inputs]);
        let biases: [Block; BLOCKS] = std::array::from_fn(|block| self.biases[first + block]);
        let mut sums = [biases; ROWS];
        for input in 0..self.inputs {
            // By index: iterators would keep the sums out of the registers.
            for row in 0..ROWS {
                for block in 0..BLOCKS {
                    sums[row][block] = add::<S>(sums[row][block], rows[row][input], weights[block][input]);
                }
            }
        }
        for (answers, sums) in answers.chunks_exact_mut(self.outputs).zip(&sums) {
            for (answer, sum) in answers[first * LANES..].iter_mut().zip(sums.as_flattened()) {
                *answer = if sum.is_finite() { *sum } else { f64::NAN };
            }
        }
    }
}

/// `sums` + `value` * `weights`.
#[inline(always)]
fn add<S: Simd>(sums: Block, value: f64, weights: Block) -> Block {
    std::array::from_fn(|lane| {
        // Whoever has vectors of several f64 in pulp has the fused instruction; elsewhere it is a slow call.
        let (sum, weight) = (sums[lane], weights[lane]);
        if S::F64_LANES > 1 { value.mul_add(weight, sum) } else { sum + value * weight }
    })
}
