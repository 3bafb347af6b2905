//! `make torture`: swaps under load, both programs killed again and again, and a flood of versions; each until so much was
//! done or its time is up.

use std::{io::Write as _, pin::pin, process::ExitCode, time::Duration};

use anyhow::Context as _;
use client::ApiKey;
use linfa_serve::shutdown;
use load::{
    KEY, Load, Pace, Plan, Programs, Report, Stand, Swapper, flood, kill_the_server, kill_the_sidecar,
    variable,
};
use tokio::time::Instant;

/// Between two swaps, so that there is a steady state to compare with.
const REST: u64 = 300;
/// Asked of nobody else, so a call has time.
const DEADLINE: Duration = Duration::from_secs(10);

/// A part gets this share of the time, in tenths.
const PARTS: [(&str, u32); 4] = [("swaps", 4), ("sidecar", 3), ("server", 2), ("flood", 1)];
const SEED: u64 = 20_261_124;

#[tokio::main]
async fn main() -> ExitCode {
    match torture().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("torture: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn torture() -> anyhow::Result<bool> {
    let seconds = variable("TORTURE_SECONDS", 3600_u32)?;
    let seed = variable("TORTURE_SEED", SEED)?;
    let only = variable("TORTURE_PART", String::new())?;
    anyhow::ensure!(
        only.is_empty() || PARTS.iter().any(|(part, _)| *part == only),
        "TORTURE_PART={only}: there are {}",
        PARTS.map(|(part, _)| part).join(", ")
    );
    let mut stopped = pin!(shutdown::signalled()?);
    let mut good = true;
    for (part, tenths) in PARTS.into_iter().filter(|(part, _)| only.is_empty() || *part == only) {
        let share = if only.is_empty() { seconds * tenths / 10 } else { seconds };
        let end = Instant::now() + Duration::from_secs(share.into());
        eprintln!("{part}: at most {share} s");
        let programs = Programs::beside_this()?;
        let run = async {
            anyhow::Ok(match part {
                "swaps" => {
                    let report = swaps(programs, end).await?;
                    (report.to_string(), report.is_good())
                }
                "sidecar" => {
                    let kills = variable("TORTURE_KILLS", 1000)?;
                    (kill_the_sidecar(programs, seed, kills, end).await?.to_string(), true)
                }
                "server" => {
                    let kills = variable("TORTURE_RESTARTS", 200)?;
                    (kill_the_server(programs, seed, kills, end).await?.to_string(), true)
                }
                _ => {
                    // A version in so many seconds at most, or fewer versions.
                    let versions = u64::from(share).clamp(5, 25);
                    (flood(programs, 20, versions).await?.to_string(), true)
                }
            })
        };
        let (said, fine) = tokio::select! {
            done = run => done.with_context(|| part)?,
            // A run that was cut short has shown nothing.
            () = &mut stopped => anyhow::bail!("{part}: stopped by a signal"),
        };
        write!(std::io::stdout(), "\n{part}\n{said}")?;
        good &= fine;
    }
    Ok(good)
}

/// Swap after swap under load.
async fn swaps(programs: Programs, end: Instant) -> anyhow::Result<Report> {
    let most = variable("TORTURE_SWAPS", 1000_usize)?;
    let connections = variable("TORTURE_CONNECTIONS", 16_usize)?;
    let pace = match variable("TORTURE_RATE", 1000_u32)? {
        0 => Pace::Closed,
        per_second => Pace::Open { per_second },
    };
    let stand = Stand::start(programs).await?;
    let mut swapper = Swapper::start(&stand, REST).await?;
    let plan =
        Plan { endpoint: stand.endpoint(), key: ApiKey::new(KEY)?, connections, pace, deadline: DEADLINE };
    let load = Load::start(&plan, swapper.expected(), swapper.serving()).await?;
    let began = Instant::now();
    let mut swaps = Vec::new();
    let mut failed = None;
    while swaps.len() < most && Instant::now() < end {
        match swapper.swap(&load).await {
            Ok(swap) => swaps.push(swap),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
        if swaps.len().is_multiple_of(100) {
            eprintln!("{} swaps after {} s", swaps.len(), began.elapsed().as_secs());
        }
    }
    let tally = load.stop().await?;
    let elapsed = began.elapsed();
    let names = swapper.expected().names();
    let report = Report { tally, swaps, names, elapsed };
    match failed {
        None => {
            stand.stop().await?;
            Ok(report)
        }
        // What was found until then is told too.
        Some(error) => Err(error.context(report.to_string())),
    }
}
