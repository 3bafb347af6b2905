//! Many versions of many models at once.

use std::{fmt, time::Duration};

use anyhow::Context as _;
use tokio::time::Instant;

use crate::{Drops, Ground, Programs, connect, eventually};

/// One in so many is bad.
const BAD: u64 = 5;

/// What a flood came to.
#[derive(Debug)]
pub struct Flooded {
    /// Models.
    pub models: usize,
    /// Versions of all models together.
    pub versions: usize,
    /// How long it took to drop them.
    pub dropping: Duration,
    /// From the last drop until the newest good version of every model served.
    pub served: Duration,
    /// From the last drop until every version had its verdict.
    pub judged: Duration,
    /// The most children of the sidecar that were seen at once.
    pub children: usize,
}

/// Drops so many versions of so many models, and waits until the newest good ones serve and all are judged.
///
/// # Errors
/// If that does not come about: a version is lost, or got a wrong verdict.
pub async fn flood(programs: Programs, models: usize, versions: u64) -> anyhow::Result<Flooded> {
    let ground = Ground::new(programs)?;
    let mut examiner = ground.examiner()?;
    let mut drops = Drops::into_folder(ground.incoming());
    let names: Vec<_> = (0..models).map(|model| format!("m{model}")).collect();
    let sidecar = ground.sidecar()?;
    let (server, address) = ground.server().await?;
    let client = connect(address).await?;
    let id = sidecar.id().context("the sidecar is gone")?;

    let began = Instant::now();
    for version in 1..=versions {
        for name in &names {
            drops.drop(name, version, !version.is_multiple_of(BAD))?;
        }
    }
    let dropping = began.elapsed();
    let best = (1..=versions).rev().find(|version| !version.is_multiple_of(BAD)).context("none is good")?;

    let dropped = Instant::now();
    let (mut served, mut judged, mut children, mut amiss) = (None, None, 0, Vec::new());
    let all = eventually("the newest serve and all are judged", async || {
        children = children.max(children_of(id)?);
        if judged.is_none() {
            amiss = drops.amiss(examiner.look()?.as_ref());
            judged = amiss.is_empty().then(|| dropped.elapsed());
        }
        if served.is_none() {
            let listed = client.list_models().await?;
            let there = listed.models.iter().filter(|model| model.default_version == best).count();
            served = (there == models).then(|| dropped.elapsed());
        }
        Ok(served.zip(judged))
    });
    let all = all.await;
    let (served, judged) = all.with_context(|| format!("{amiss:#?}"))?;
    server.stop().await.context("server")?;
    sidecar.stop().await.context("sidecar")?;
    examiner.examine()?;
    Ok(Flooded { models, versions: drops.count(), dropping, served, judged, children })
}

/// How many children a process has now.
fn children_of(id: u32) -> anyhow::Result<usize> {
    let mut count = 0;
    for task in fs_err::read_dir(format!("/proc/{id}/task"))? {
        // A thread may end meanwhile; its children are then another's.
        let children = fs_err::read_to_string(task?.path().join("children")).unwrap_or_default();
        count += children.split_whitespace().count();
    }
    Ok(count)
}

impl fmt::Display for Flooded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { models, versions, dropping, served, judged, children } = self;
        let (dropping, served, judged) = (dropping.as_secs_f64(), served.as_secs_f64(), judged.as_secs_f64());
        writeln!(f, "versions    {versions:>9}   of {models} models, dropped within {dropping:.2} s")?;
        writeln!(f, "served      {served:>9.2} s after that the newest good ones served")?;
        writeln!(
            f,
            "judged      {judged:>9.2} s after that all were judged, {children} children at once at most"
        )
    }
}
