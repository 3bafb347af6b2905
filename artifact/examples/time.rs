//! What a row costs in a version's folder, on one thread and without a network:
//!
//! ```text
//! cargo run --release -p linfa-serve-artifact --example time -- FOLDER ROWS [BATCH...]
//! ```
//!
//! ROWS is a file of 64-bit floats, little-endian and row-major, as numpy's `tofile` writes them. Its rows are asked in
//! batches, one after the other and over and over, so that no branch is learnt by heart from one row. For each batch
//! size (1, 100 and 10000 unless told) it prints the size and the median of the nanoseconds per row.
#![expect(clippy::print_stdout, reason = "a program's answer")]

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use artifact::{Batch, Digest, Golden, Manifest, Model, Predictions};
use rustix::time::{ClockId, clock_gettime};

/// How often each batch size is timed.
const ROUNDS: usize = 5;
/// How long each of these takes at least.
const ROUND: Duration = Duration::from_millis(20);

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let mut path = |name| arguments.next().map(PathBuf::from).with_context(|| format!("{name} is missing"));
    let model = load(&path("FOLDER")?)?;
    let rows = read(&path("ROWS")?, &model)?;
    let mut batches = Vec::new();
    for argument in arguments {
        let size = argument.to_str().and_then(|text| text.parse().ok()).filter(|size| *size > 0);
        batches.push(size.with_context(|| format!("{} is no batch size", argument.display()))?);
    }
    if batches.is_empty() {
        batches = vec![1, 100, 10_000];
    }
    for size in batches {
        println!("{size} {:.1}", nanos_per_row(&model, &batches_of(size, &rows, &model)?)?);
    }
    Ok(())
}

/// The model, as a server loads it.
fn load(folder: &Path) -> anyhow::Result<Model> {
    let manifest = fs_err::read(folder.join("manifest.json"))?;
    let tensors = fs_err::read(folder.join("model.safetensors"))?;
    let model = Model::load(Manifest::parse(&manifest)?, Digest::of(&manifest), &tensors)?;
    Golden::parse(&fs_err::read(folder.join("golden.jsonl"))?)?.replay(&model)?;
    Ok(model)
}

/// The values of full rows, at least one.
fn read(path: &Path, model: &Model) -> anyhow::Result<Vec<f64>> {
    let bytes = fs_err::read(path)?;
    let (values, rest) = bytes.as_chunks();
    let columns = model.manifest().inputs.len();
    let full = rest.is_empty() && !values.is_empty() && values.len().is_multiple_of(columns);
    ensure!(full, "{}: {} bytes do not form rows of {columns} 64-bit floats", path.display(), bytes.len());
    Ok(values.iter().copied().map(f64::from_le_bytes).collect())
}

/// All rows in batches of `size`; the first rows again where the last batch is not full.
fn batches_of(size: usize, rows: &[f64], model: &Model) -> anyhow::Result<Vec<Batch>> {
    let columns = model.manifest().inputs.len();
    let batches = (rows.len() / columns).div_ceil(size);
    let values: Vec<f64> = rows.iter().copied().cycle().take(batches * size * columns).collect();
    values.chunks(size * columns).map(|batch| Ok(model.matrix(batch.to_vec())?)).collect()
}

/// The median of several rounds, in time of the processor: what else runs on the machine does not count.
fn nanos_per_row(model: &Model, batches: &[Batch]) -> anyhow::Result<f64> {
    let mut answers = Predictions::default();
    let mut rounds = [0.0; ROUNDS];
    let rows: usize = batches.iter().map(Batch::rows).sum();
    for nanos in &mut rounds {
        let (mut asked, started) = (0, processor());
        while processor() - started < ROUND {
            for batch in batches {
                model.predict(black_box(batch), &mut answers)?;
            }
            asked += rows;
        }
        *nanos = (processor() - started).as_nanos() as f64 / asked as f64;
    }
    rounds.sort_by(f64::total_cmp);
    Ok(rounds[ROUNDS / 2])
}

/// How long this thread has run.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
