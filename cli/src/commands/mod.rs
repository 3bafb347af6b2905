//! The commands, one file each.

use std::io::Write;

use clap::{Parser, Subcommand};
use comfy_table::{Row, Table, presets};

mod keys;
mod models;
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

impl Command {
    /// Does it; answers go to `out`, what went wrong is the error.
    pub(crate) fn run(self, out: &mut dyn Write) -> anyhow::Result<()> {
        match self {
            Self::Train(train) => train.run(out),
            Self::Verify(verify) => verify.run(out),
            Self::Predict(predict) => predict.run(out),
            Self::Models(models) => models.run(out),
            Self::Keys(keys) => keys.run(out),
            Self::Up(up) => up.run(out),
            Self::UpSidecar(sidecar) => sidecar.run(),
            Self::UpJudge(confinement) => Ok(confinement.judge()?),
            Self::UpServer(server) => server.run(),
        }
    }
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
