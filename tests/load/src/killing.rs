//! The sidecar, killed at random points while versions arrive.

use std::{fmt, path::Path, time::Duration};

use anyhow::Context as _;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::time::{Instant, interval};

use crate::{Drops, Examiner, Ground, Programs, eventually};

const MODELS: [&str; 4] = ["ash", "birch", "cedar", "elm"];
/// A kill comes within this time of a start. Until its second look at a version the sidecar takes a third of a second.
const LONGEST_MS: u64 = 700;

/// What killing the sidecar came to.
#[derive(Debug, Default)]
pub struct Killed {
    /// How often it was killed.
    pub kills: usize,
    /// Kills that left a file half written, or written and not named.
    pub halves: usize,
    /// Versions that were dropped.
    pub versions: usize,
    /// Catalogs that were read, and how many of them were different.
    pub looks: u64,
    /// Different ones.
    pub catalogs: u64,
    /// Reads that a new catalog has overtaken.
    pub overtaken: u64,
    /// From the last start until every version was in the catalog as it must be.
    pub converged: Duration,
}

/// Kills the sidecar so often, or until then, and lets it come to its end. Every second kill is aimed: it comes while a
/// file is being written, if one is seen. A version is dropped before every fourth kill, every fifth of them bad.
///
/// # Errors
/// If the store was ever as it must not be, or does not become as it must be.
pub async fn kill_the_sidecar(
    programs: Programs,
    seed: u64,
    kills: usize,
    end: Instant,
) -> anyhow::Result<Killed> {
    let ground = Ground::new(programs)?;
    let mut examiner = ground.examiner()?;
    let mut drops = Drops::into_folder(ground.incoming());
    let mut random = StdRng::seed_from_u64(seed);
    let mut killed = Killed::default();
    while killed.kills < kills && Instant::now() < end {
        let told = || format!("seed {seed}, kill {}", killed.kills + 1);
        let sidecar = ground.sidecar()?;
        let life = Duration::from_millis(random.gen_range(0..LONGEST_MS));
        let mut arrival = (killed.kills % 4 == 1).then(|| life.mul_f64(random.r#gen::<f64>() / 2.0));
        let aimed = !killed.kills.is_multiple_of(2);
        let mut passed = random.gen_range(0..4);
        let born = Instant::now();
        let mut ticks = interval(Duration::from_millis(1));
        while born.elapsed() < life {
            if arrival.take_if(|arrival| born.elapsed() >= *arrival).is_some() {
                let number = drops.count();
                let model = MODELS.get(number % MODELS.len()).context("no model")?;
                let version = (number / MODELS.len()) as u64 + 1;
                drops.drop(model, version, number % 5 != 4)?;
            }
            examiner.look().with_context(told)?;
            killed.looks += 1;
            if !aimed {
                ticks.tick().await;
            } else if !halves(&ground.store())?.is_empty() {
                if passed == 0 {
                    break;
                }
                passed -= 1;
            }
        }
        sidecar.kill().await?;
        examiner.examine().with_context(told)?;
        killed.halves += usize::from(!halves(&ground.store())?.is_empty());
        killed.kills += 1;
    }

    let sidecar = ground.sidecar()?;
    let born = Instant::now();
    converge(&mut examiner, &drops).await?;
    killed.converged = born.elapsed();
    sidecar.stop().await?;
    examiner.examine()?;
    let halves = halves(&ground.store())?;
    anyhow::ensure!(halves.is_empty(), "left in the store: {halves:?}");
    killed.versions = drops.count();
    (killed.catalogs, killed.overtaken) = (examiner.catalogs, examiner.overtaken);
    Ok(killed)
}

/// Waits until every version is in the catalog as it must be, and looks at the store meanwhile.
///
/// # Errors
/// If that does not come about, or the store is ever as it must not be.
pub async fn converge(examiner: &mut Examiner, drops: &Drops) -> anyhow::Result<()> {
    let mut amiss = Vec::new();
    let done = async || {
        amiss = drops.amiss(examiner.look()?.as_ref());
        Ok(amiss.is_empty().then_some(()))
    };
    let done = eventually("every version is in the catalog as it must be", done).await;
    done.with_context(|| format!("{amiss:#?}"))
}

/// The temporary files in the store.
///
/// # Errors
/// If a folder cannot be read.
pub fn halves(store: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in [store.to_owned(), store.join("blobs/sha256")] {
        if folder.exists() {
            for entry in fs_err::read_dir(folder)? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                if name.ends_with(".tmp") {
                    found.push(name);
                }
            }
        }
    }
    Ok(found)
}

impl fmt::Display for Killed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, halves, versions, looks, catalogs, overtaken, converged } = self;
        writeln!(f, "kills       {kills:>9}   of the sidecar; {halves} left a temporary file")?;
        writeln!(
            f,
            "versions    {versions:>9}   each as it must be {:.2} s after the last start",
            converged.as_secs_f64()
        )?;
        writeln!(
            f,
            "looks       {looks:>9}   at {catalogs} catalogs; {overtaken} read twice, for a new one came"
        )
    }
}
