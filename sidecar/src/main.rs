//! The program `linfa-sidecar`: a table of contents.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use bootstrap::{EX_CONFIG, memory, settings, telemetry};
use clap::{Parser, Subcommand};
use jiff::Timestamp;
use sidecar::{Confinement, Judge, Settings, StartError};

/// Watches a folder of models, proves every version, and signs the catalog of what may be served.
#[derive(Parser)]
#[command(name = "linfa-sidecar", version)]
struct Arguments {
    /// Settings as TOML; variables LINFA_SIDECAR__… win over them
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the settings that would be used, and leave
    #[arg(long)]
    check_config: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Exit with 0 if the catalog is no older than two heartbeats, else with 1
    Health,
    /// Judge the one version that comes by standard input. The sidecar starts this
    #[command(hide = true)]
    Judge(Confinement),
}

fn main() -> ExitCode {
    let Arguments { config, check_config, command } = Arguments::parse();
    let config = config.as_deref();
    match command {
        // It has no settings and no log: it is shut in before anything else.
        Some(Command::Judge(confinement)) => end(confinement.judge().map_err(Into::into)),
        Some(Command::Health) => {
            configured(config, |settings| Ok(sidecar::health(settings, Timestamp::now())?))
        }
        None if check_config => configured(config, show),
        None => configured(config, watch),
    }
}

/// Does it with the settings, and with a log that lasts as long.
fn configured(config: Option<&Path>, act: impl FnOnce(&Settings) -> anyhow::Result<()>) -> ExitCode {
    let (settings, log) = match prepare(config) {
        Ok(prepared) => prepared,
        Err(error) => return fail(&error, EX_CONFIG),
    };
    let done = act(&settings);
    // What it says comes before what is said of its end.
    drop(log);
    end(done)
}

fn prepare(config: Option<&Path>) -> anyhow::Result<(Settings, telemetry::Running)> {
    let settings = Settings::load(config, settings::environment())?;
    let log = telemetry::start(&settings.log)?;
    Ok((settings, log))
}

fn end(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let config = error.downcast_ref().is_some_and(StartError::is_config);
            fail(&error, if config { EX_CONFIG } else { 1 })
        }
    }
}

fn show(settings: &Settings) -> anyhow::Result<()> {
    std::io::stdout().write_all(settings::show(settings).as_bytes())?;
    Ok(())
}

fn watch(settings: &Settings) -> anyhow::Result<()> {
    memory::guard()?;
    let (bell, wakes) = sidecar::bell();
    sidecar::stop_at_signals(bell)?;
    Ok(sidecar::run(settings, Judge::itself("judge"), &wakes)?)
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    // There is nowhere else to say that standard error is gone.
    let _ = writeln!(std::io::stderr(), "linfa-sidecar: {error}");
    ExitCode::from(code)
}
