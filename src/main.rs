//! The server's process: command line, settings, log, socket, run, exit code.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use bootstrap::{EX_CONFIG, memory, settings, telemetry};
use clap::{Parser, Subcommand};
use linfa_serve::{Settings, config, run, shutdown};

/// Serves the models that the sidecar has proven.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// A TOML file of settings; variables LINFA_SERVE__SECTION__KEY win over it.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Print the settings in force, secrets as paths, and leave.
    #[arg(long)]
    check_config: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Ask the server of these settings whether it is ready; exit 0 if it is.
    Health,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let settings = match settings::load(config::PREFIX, arguments.config.as_deref(), settings::environment())
    {
        Ok(settings) => settings,
        Err(error) => return fail(EX_CONFIG, &error.into()),
    };
    if arguments.check_config {
        #[expect(clippy::print_stdout, reason = "this is the command's answer")]
        {
            print!("{}", settings::show(&settings));
        }
        return ExitCode::SUCCESS;
    }
    let done = match arguments.command {
        Some(Command::Health) => health(&settings),
        None => serve(settings),
    };
    done.map_or_else(|error| fail(1, &error), |()| ExitCode::SUCCESS)
}

#[tokio::main]
async fn serve(settings: Settings) -> anyhow::Result<()> {
    memory::guard()?;
    let _log = telemetry::start(&settings.log)?;
    let shutdown = shutdown::signalled()?;
    let listener = tokio::net::TcpListener::bind(settings.listen)
        .await
        .with_context(|| format!("cannot listen on {}", settings.listen))?;
    run(listener, settings, shutdown).await?;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn health(settings: &Settings) -> anyhow::Result<()> {
    linfa_serve::is_ready(settings.listen).await?;
    Ok(())
}

fn fail(code: u8, error: &anyhow::Error) -> ExitCode {
    eprintln!("linfa-serve: {error:#}");
    ExitCode::from(code)
}
