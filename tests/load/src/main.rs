//! `make torture`: swap after swap under load, until so many were made or the time is up.

use std::{
    env, fmt,
    io::Write as _,
    pin::pin,
    process::ExitCode,
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use bootstrap::telemetry::{self, Format, Log};
use clap::{Parser, Subcommand};
use client::ApiKey;
use linfa_serve::shutdown;
use load::{KEY, Load, Pace, Plan, Report, Stand, Swapper};
use sidecar::{Confinement, Judge};

/// Between two swaps, so that there is a steady state to compare with.
const REST: u64 = 300;
/// Asked of nobody else, so a call has time.
const DEADLINE: Duration = Duration::from_secs(10);

/// Swaps models under load; how often and for how long, the variables TORTURE_… say.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Judge one version. The sidecar starts this
    #[command(hide = true)]
    Judge(Confinement),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Some(Command::Judge(confinement)) => confinement.judge().map(|()| true).map_err(Into::into),
        None => torture().map(|report| report.is_good()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("torture: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn torture() -> anyhow::Result<Report> {
    let most = variable("TORTURE_SWAPS", 1000_usize)?;
    let seconds = variable("TORTURE_SECONDS", u64::MAX)?;
    let connections = variable("TORTURE_CONNECTIONS", 16_usize)?;
    let pace = match variable("TORTURE_RATE", 1000_u32)? {
        0 => Pace::Closed,
        per_second => Pace::Open { per_second },
    };
    let _log = telemetry::start(&Log { format: Format::Pretty, filter: "warn".to_owned() })?;

    let stand = Stand::start(Judge::itself("judge"))?;
    let mut swapper = Swapper::start(&stand, REST).await?;
    let plan =
        Plan { endpoint: stand.endpoint(), key: ApiKey::new(KEY)?, connections, pace, deadline: DEADLINE };
    let load = Load::start(&plan, swapper.expected(), swapper.serving()).await?;
    let began = Instant::now();
    let mut swaps = Vec::new();
    let mut failed = None;
    let mut stopped = pin!(shutdown::signalled()?);
    while swaps.len() < most && began.elapsed().as_secs() < seconds {
        let swap = tokio::select! {
            swap = swapper.swap(&load) => swap,
            // What was found until then is told, but a run that was cut short has shown nothing.
            () = &mut stopped => Err(anyhow::anyhow!("stopped by a signal after {} swaps", swaps.len())),
        };
        match swap {
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
    stand.stop().await?;
    let report = Report { tally, swaps, names, elapsed };
    write!(std::io::stdout(), "{report}")?;
    failed.map_or(Ok(report), Err)
}

/// A number from the environment.
fn variable<T: FromStr<Err: fmt::Display>>(name: &str, default: T) -> anyhow::Result<T> {
    match env::var(name) {
        Ok(text) => text.parse().map_err(|error: T::Err| anyhow::anyhow!("{name}={text}: {error}")),
        Err(env::VarError::NotPresent) => Ok(default),
        Err(error) => Err(error).context(name.to_owned()),
    }
}
