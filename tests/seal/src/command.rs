//! Commands that must succeed.

use std::process::{Command, Output};

use anyhow::{Context as _, ensure};

/// Runs a command that must succeed; both its outputs.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<Output> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(output)
}

/// Runs a command that must succeed; its standard output.
pub(crate) fn stdout(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    Ok(output(command)?.stdout)
}

/// `docker ARGUMENTS`, which must succeed; its standard output.
pub(crate) fn docker(arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    stdout(Command::new("docker").args(arguments))
}
