//! Brings up a server with the models of the cases and lets clients' suites run against it; and what a suite asks for while it
//! runs. `README.md` says how the two talk.

use std::{env, io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, Parser};
use contract::{Command, Reports, RustSuite, Stand, Suite, Where};
use tokio::runtime::Runtime;

/// The contract of the clients.
#[derive(Parser)]
enum Contract {
    /// Run suites, each against a stand of its own; all that there are, if none is named
    Run(Run),
    /// Start a stand in a new folder, tell its variables, and leave it running
    Up(Up),
    /// Stop the stand of that folder
    Down {
        /// The folder
        folder: PathBuf,
    },
    /// The suite of the Rust client
    Rust,
    /// What a suite asks for
    #[command(flatten)]
    Act(Command),
}

#[derive(Args)]
struct Run {
    /// As `python` or `typescript-browser`
    suites: Vec<String>,
    /// Those that are programs of their own run in containers of this image
    #[arg(long)]
    image: Option<String>,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Up {
    /// The folder, which must not exist
    folder: PathBuf,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Place {
    /// Not the containers but `linfactl up` of this program
    #[arg(long, value_name = "PROGRAM")]
    linfactl: Option<PathBuf>,
}

fn main() -> ExitCode {
    let done = match Contract::parse() {
        Contract::Run(run) => run.run(),
        Contract::Up(up) => up.run(),
        Contract::Down { folder } => Stand::of(&folder).and_then(|stand| stand.stop()).map(|()| true),
        Contract::Rust => rust(),
        Contract::Act(command) => act(command).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("contract: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Run {
    /// Whether every case of every suite holds.
    fn run(self) -> anyhow::Result<bool> {
        let mut reports = Vec::new();
        for suite in Suite::find(&self.suites)? {
            let folder = tempfile::Builder::new().prefix("linfa-contract-").tempdir()?;
            let stand = Stand::start(folder.path(), self.place.place()?);
            let image = self.image.as_deref();
            let ran = stand.as_ref().map_or(Ok(None), |stand| suite.run(stand, image).map(Some));
            // It goes whatever has happened.
            if let Ok(stand) = &stand {
                stand.stop()?;
            }
            stand?;
            if let Some(report) = ran? {
                say(&report.to_string())?;
                reports.push(report);
            }
        }
        let reports = Reports(reports);
        say(&format!("\n{reports}"))?;
        Ok(reports.holds())
    }
}

impl Up {
    fn run(self) -> anyhow::Result<bool> {
        fs_err::create_dir(&self.folder)?;
        let stand = Stand::start(&fs_err::canonicalize(&self.folder)?, self.place.place()?)?;
        for (name, value) in stand.variables(&env::current_exe()?) {
            say(&format!("export {name}={value}\n"))?;
        }
        Ok(true)
    }
}

impl Place {
    fn place(&self) -> anyhow::Result<Where> {
        Ok(match &self.linfactl {
            Some(program) => Where::Linfactl(fs_err::canonicalize(program)?),
            None => Where::Compose,
        })
    }
}

fn rust() -> anyhow::Result<bool> {
    let say_line = |line: &str| say(&format!("{line}\n"));
    Runtime::new()?.block_on(async { RustSuite::new(stand()?).await?.run(say_line).await })
}

fn act(command: Command) -> anyhow::Result<()> {
    say(&command.run(&stand()?)?)
}

/// The stand of the suite that this is run by.
fn stand() -> anyhow::Result<Stand> {
    let folder = env::var_os("CONTRACT_STAND").context("CONTRACT_STAND names the stand's folder")?;
    Stand::of(folder.as_ref())
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
