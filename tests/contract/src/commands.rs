//! What a suite asks for while it runs.

use clap::{Parser, Subcommand};

use crate::{Stand, models};

/// A change of what the server runs on.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Drop one more version of a model; prints its number
    Drop {
        /// The model
        model: String,
    },
    /// The same without the manifest, so that it is pending; prints its number
    Hold {
        /// The model
        model: String,
    },
    /// Complete what was held
    Release {
        /// The model
        model: String,
    },
    /// Restart the server; returns when it answers again
    Restart,
}

#[derive(Parser)]
#[command(no_binary_name = true)]
struct Words {
    #[command(subcommand)]
    command: Command,
}

impl Command {
    /// The command of these words.
    ///
    /// # Errors
    /// If they are none.
    pub fn of(words: &[String]) -> anyhow::Result<Self> {
        Ok(Words::try_parse_from(words)?.command)
    }

    /// Does it; what it prints.
    ///
    /// # Errors
    /// If a file cannot be written, or the server does not come back.
    pub fn run(self, stand: &Stand) -> anyhow::Result<String> {
        let folder = stand.models();
        match self {
            Self::Drop { model } => Ok(format!("{}\n", models::drop_next(&folder, &model)?)),
            Self::Hold { model } => Ok(format!("{}\n", models::hold_next(&folder, &model)?)),
            Self::Release { model } => models::release(&folder, &model).map(|()| String::new()),
            Self::Restart => stand.restart().map(|()| String::new()),
        }
    }
}
