//! The server, killed at random points while versions are swapped.

use std::{fmt, time::Duration};

use client::{Client, Code, Input, Prediction};
use hdrhistogram::Histogram;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::time::{Instant, interval};

use crate::{Drops, Expected, Ground, Programs, Question, connect, converge, eventually};

const MODEL: &str = "line";
/// A kill comes within this time of a drop. The sidecar takes a third of a second, the server looks every tenth.
const LONGEST_MS: u64 = 900;

/// What killing the server came to.
#[derive(Debug)]
pub struct Restarted {
    /// How often it was killed.
    pub kills: usize,
    /// Different versions that have answered.
    pub versions: usize,
    /// Kills during whose life another version came to answer.
    pub swaps: usize,
    /// Right answers. There were no others.
    pub answers: u64,
    /// Milliseconds from each start to the first answer.
    pub first: Histogram<u64>,
}

/// Kills the server so often, or until then. Each life sees a new version dropped.
///
/// # Errors
/// If a restart does not serve, an answer is wrong, or one is by a version before the last that had answered.
pub async fn kill_the_server(
    programs: Programs,
    seed: u64,
    kills: usize,
    end: Instant,
) -> anyhow::Result<Restarted> {
    let ground = Ground::new(programs)?;
    let mut examiner = ground.examiner()?;
    let question = Question { model: MODEL.to_owned(), rows: vec![2.0, 3.0, -4.0, 0.5] };
    let expected = Expected::of(vec![question.clone()]);
    let mut drops = Drops::into_folder(ground.incoming());
    let drop = |drops: &mut Drops, version| {
        drops.drop(MODEL, version, true)?;
        expected.add(MODEL, version, &ground.incoming().join(MODEL).join(version.to_string()))?;
        anyhow::Ok(())
    };
    drop(&mut drops, 1)?;
    let sidecar = ground.sidecar()?;
    converge(&mut examiner, &drops).await?;

    let mut random = StdRng::seed_from_u64(seed);
    let mut done = Restarted {
        kills: 0,
        versions: 0,
        swaps: 0,
        answers: 0,
        first: Histogram::new_with_bounds(1, 600_000, 3)?,
    };
    let mut newest = 0;
    let mut check = |prediction: &Prediction| {
        expected.check(0, prediction)?;
        let version = prediction.model.version;
        anyhow::ensure!(version >= newest, "version {version} answers after {newest}");
        let swapped = version > newest;
        newest = version;
        anyhow::Ok(swapped)
    };
    while done.kills < kills && Instant::now() < end {
        let born = Instant::now();
        let (server, address) = ground.server().await?;
        let client = connect(address).await?;
        let ask = async |client: &Client| client.predict(MODEL, Input::rows(&question.rows)).await;
        // It listens before it has loaded anything, and says so.
        let answer = eventually("a restarted server answers", async || match ask(&client).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.code() == Some(Code::Unavailable) => Ok(None),
            Err(error) => Err(error.into()),
        });
        let answer = answer.await?;
        done.first.saturating_record(u64::try_from(born.elapsed().as_millis())?);
        done.versions += usize::from(check(&answer)?);
        done.answers += 1;

        drop(&mut drops, done.kills as u64 + 2)?;
        let life = Duration::from_millis(random.gen_range(0..LONGEST_MS));
        let dropped = Instant::now();
        let mut swapped = false;
        let mut ticks = interval(Duration::from_millis(2));
        while dropped.elapsed() < life {
            let news = check(&ask(&client).await?)?;
            done.versions += usize::from(news);
            swapped |= news;
            done.answers += 1;
            examiner.look()?;
            ticks.tick().await;
        }
        done.swaps += usize::from(swapped);
        server.kill().await?;
        done.kills += 1;
    }
    sidecar.stop().await?;
    Ok(done)
}

impl fmt::Display for Restarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, versions, swaps, answers, first } = self;
        writeln!(f, "kills       {kills:>9}   of the server; {swaps} lives saw a swap")?;
        writeln!(f, "answers     {answers:>9}   all right, by {versions} versions, never an older one")?;
        let (p50, max) = (first.value_at_quantile(0.5), first.max());
        writeln!(f, "restart     {p50:>9}   ms to the first answer, at most {max}")
    }
}
