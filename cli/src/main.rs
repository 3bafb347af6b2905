//! linfactl: trains, verifies and inspects models, and calls the server. This file is a table of contents.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

mod commands;
mod connection;
mod follow;
mod policy;
mod training;

fn main() -> ExitCode {
    let command = commands::Cli::read().command;
    match command.run(&mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is closed too, the exit code alone tells.
            let _ = writeln!(io::stderr(), "linfactl: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
