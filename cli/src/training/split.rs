//! Which rows are learned from, and which are held out to measure the model by.

use anyhow::{Context as _, ensure};
use ndarray::{Array1, Array2, Axis};
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_xoshiro::Xoshiro256Plus;
use sidecar::table::{Table, Target};

/// Some rows of a table.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// rows x features.
    pub(crate) records: Array2<f64>,
    /// One per row, if there is any.
    pub(crate) target: Target,
}

/// Shuffles the rows and holds `share` of them out: (rows to fit, rows held out).
pub(crate) fn split(table: &Table, share: f64, seed: u64) -> anyhow::Result<(Part, Part)> {
    let rows = table.values.nrows();
    let held_out = (rows as f64 * share).round() as usize;
    ensure!(held_out < rows, "--test-split {share} leaves none of {rows} rows to fit");
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut Xoshiro256Plus::seed_from_u64(seed));
    let (held_out, fit) = order.split_at(held_out);
    let (fit, held_out) = (Part::of(table, fit), Part::of(table, held_out));
    fit.knows_all_classes()?;
    Ok((fit, held_out))
}

impl Part {
    fn of(table: &Table, rows: &[usize]) -> Self {
        let target = match &table.target {
            Target::None => Target::None,
            Target::Classes { names, indices } => {
                Target::Classes { names: names.clone(), indices: indices.select(Axis(0), rows) }
            }
            Target::Numbers(numbers) => Target::Numbers(numbers.select(Axis(0), rows)),
        };
        Self { records: table.values.select(Axis(0), rows), target }
    }

    /// The classes' indices.
    pub(crate) fn classes(&self) -> anyhow::Result<&Array1<usize>> {
        match &self.target {
            Target::Classes { indices, .. } => Some(indices),
            Target::None | Target::Numbers(_) => None,
        }
        .context("this algorithm learns classes")
    }

    /// The targets' numbers.
    pub(crate) fn numbers(&self) -> anyhow::Result<&Array1<f64>> {
        match &self.target {
            Target::Numbers(numbers) => Some(numbers),
            Target::None | Target::Classes { .. } => None,
        }
        .context("this algorithm learns numbers")
    }

    /// A class without a row to learn from would not be in the model at all.
    fn knows_all_classes(&self) -> anyhow::Result<()> {
        if let Target::Classes { names, indices } = &self.target {
            let mut known = vec![false; names.len()];
            indices.iter().for_each(|index| known[*index] = true);
            if let Some(lost) = known.iter().position(|known| !known) {
                anyhow::bail!(
                    "every row of class `{}` is held out; use another --seed or a smaller --test-split",
                    names[lost]
                );
            }
        }
        Ok(())
    }
}
