//! Which rows are learned from, and which are held out to measure the model by.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use artifact::fitted::Fitted;
use ndarray::{Array1, Array2, Axis};
use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_xoshiro::Xoshiro256Plus;
use sidecar::table::{Content, Table, Target};

/// What the columns of a table hold.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// Their names.
    pub(crate) columns: Vec<String>,
    pub(crate) contents: Vec<Content>,
    /// What the cells of free texts are positions in.
    pub(crate) texts: Vec<String>,
}

/// Some rows of a table.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// What the columns hold, until they are prepared and hold numbers alone.
    pub(crate) shape: Arc<Shape>,
    /// rows x features.
    pub(crate) records: Array2<f64>,
    /// One per row, if there is any.
    pub(crate) target: Target,
}

/// Shuffles the rows and holds `share` of them out: (rows to fit, rows held out).
pub(crate) fn split(table: Table, share: f64, seed: u64) -> anyhow::Result<(Part, Part)> {
    let rows = table.values.nrows();
    let held_out = (rows as f64 * share).round() as usize;
    ensure!(held_out < rows, "--test-split {share} leaves none of {rows} rows to fit");
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut Xoshiro256Plus::seed_from_u64(seed));
    let (held_out, fit) = order.split_at(held_out);
    let Table { columns, contents, values, texts, target, .. } = table;
    let shape = Arc::new(Shape { columns, contents, texts });
    let part = |rows: &[usize]| Part::of(&shape, &values, &target, rows);
    let (fit, held_out) = (part(fit), part(held_out));
    fit.knows_all_classes()?;
    Ok((fit, held_out))
}

impl Part {
    fn of(shape: &Arc<Shape>, records: &Array2<f64>, target: &Target, rows: &[usize]) -> Self {
        let target = match target {
            Target::None => Target::None,
            Target::Classes { names, indices } => {
                Target::Classes { names: names.clone(), indices: indices.select(Axis(0), rows) }
            }
            Target::Numbers { names, values } => {
                Target::Numbers { names: names.clone(), values: values.select(Axis(0), rows) }
            }
        };
        Self { shape: Arc::clone(shape), records: records.select(Axis(0), rows), target }
    }

    /// One of `folds` parts of equal size is held out: (rows to fit, rows held out). The rows are shuffled already.
    pub(crate) fn fold(&self, fold: usize, folds: usize) -> anyhow::Result<(Self, Self)> {
        let (held_out, fit): (Vec<_>, Vec<_>) =
            (0..self.records.nrows()).partition(|row| row % folds == fold);
        let part = |rows: &[usize]| Self::of(&self.shape, &self.records, &self.target, rows);
        let (fit, held_out) = (part(&fit), part(&held_out));
        fit.knows_all_classes()?;
        Ok((fit, held_out))
    }

    /// The same with what a transformer makes of the rows.
    pub(crate) fn answered(&self, transformer: &impl Fitted) -> Self {
        let records = transformer.answer(&self.records).scores;
        Self { shape: Arc::default(), records, target: self.target.clone() }
    }

    /// The classes' indices.
    pub(crate) fn classes(&self) -> anyhow::Result<&Array1<usize>> {
        match &self.target {
            Target::Classes { indices, .. } => Some(indices),
            Target::None | Target::Numbers { .. } => None,
        }
        .context("this algorithm learns classes")
    }

    /// The targets' numbers, rows x targets.
    pub(crate) fn numbers(&self) -> anyhow::Result<&Array2<f64>> {
        match &self.target {
            Target::Numbers { values, .. } => Some(values),
            Target::None | Target::Classes { .. } => None,
        }
        .context("this algorithm learns numbers")
    }

    /// The numbers of the only target.
    pub(crate) fn number(&self) -> anyhow::Result<Array1<f64>> {
        let numbers = self.numbers()?;
        ensure!(numbers.ncols() == 1, "this algorithm learns one target, not {}", numbers.ncols());
        Ok(numbers.column(0).to_owned())
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
