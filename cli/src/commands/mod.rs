//! The commands, one file each.

use std::io::Write;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use comfy_table::{Row, Table, presets};
use indicatif::ProgressStyle;

use crate::training::algorithms;

mod history;
mod keys;
mod models;
mod pin;
mod predict;
mod train;
mod up;
mod verify;

/// Trains, verifies and inspects linfa-serve models, and calls the server.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Train(Box<train::Train>),
    Verify(verify::Verify),
    Predict(predict::Predict),
    Models(models::Models),
    History(history::History),
    Rollback(pin::Rollback),
    Pin(pin::Pin),
    Unpin(pin::Unpin),
    #[command(subcommand)]
    Keys(keys::Keys),
    Up(up::Up),
    #[command(hide = true)]
    UpSidecar(up::Sidecar),
    #[command(hide = true)]
    UpJudge(sidecar::Confinement),
    #[command(hide = true)]
    UpServer(up::Server),
}

/// How to show an answer.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

impl Cli {
    /// What the command line says; ends the program where it says nothing that can be done.
    pub(crate) fn read() -> Self {
        let flags = |train| algorithms::add_flags(train, std::env::args_os());
        let matches = Self::command().mut_subcommand("train", flags).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

impl Command {
    /// Does it; answers go to `out`, what went wrong is the error.
    pub(crate) fn run(self, out: &mut dyn Write) -> anyhow::Result<()> {
        match self {
            Self::Train(train) => train.run(out),
            Self::Verify(verify) => verify.run(out),
            Self::Predict(predict) => predict.run(out),
            Self::Models(models) => models.run(out),
            Self::History(history) => history.run(out),
            Self::Rollback(rollback) => rollback.run(out),
            Self::Pin(pin) => pin.run(out),
            Self::Unpin(unpin) => unpin.run(out),
            Self::Keys(keys) => keys.run(out),
            Self::Up(up) => up.run(out),
            Self::UpSidecar(sidecar) => sidecar.run(),
            Self::UpJudge(confinement) => Ok(confinement.judge()?),
            Self::UpServer(server) => server.run(),
        }
    }
}

/// The first 12 digits of a digest, enough to tell versions apart.
fn short(digest: &str) -> &str {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.get(..12).unwrap_or(hex)
}

/// A table without lines, so that it can be cut and pasted.
fn table<H: Into<Row>>(header: H, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// How a progress bar looks.
pub(crate) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
