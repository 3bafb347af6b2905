//! A process of ours: how it is started, how its end is noticed, and how it is told to end.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, ensure};
use fs_err as fs;
use tokio::process::{self, ChildStdin, Command};

/// Where the children write what they do.
pub(super) enum Log {
    /// To our own standard error.
    Inherited,
    /// To a file for each, in this folder.
    Files(PathBuf),
}

/// A running child.
pub(super) struct Child {
    name: &'static str,
    process: process::Child,
    /// The child lives for as long as this is open. It closes by itself when we die, in whatever way.
    lifeline: Option<ChildStdin>,
}

impl Log {
    /// Makes the folder, if there is to be one.
    pub(super) fn open(folder: Option<&Path>) -> anyhow::Result<Self> {
        let Some(folder) = folder else { return Ok(Self::Inherited) };
        fs::create_dir_all(folder)?;
        Ok(Self::Files(folder.to_owned()))
    }

    fn of(&self, name: &str) -> anyhow::Result<Stdio> {
        Ok(match self {
            Self::Inherited => Stdio::inherit(),
            Self::Files(folder) => {
                let path = folder.join(format!("{name}.log"));
                fs::OpenOptions::new().create(true).append(true).open(path)?.into_parts().0.into()
            }
        })
    }
}

impl Child {
    pub(super) fn start(name: &'static str, mut command: Command, log: &Log) -> anyhow::Result<Self> {
        // A terminal sends Ctrl-C to a whole group of processes; only we are to get it, since the order counts.
        command.process_group(0).stdin(Stdio::piped()).stderr(log.of(name)?);
        let mut process = command.spawn().with_context(|| format!("the {name} cannot be started"))?;
        let lifeline = process.stdin.take();
        Ok(Self { name, process, lifeline })
    }

    /// Waits for an end that nobody asked for, and says it.
    pub(super) async fn failure(&mut self) -> anyhow::Error {
        match self.process.wait().await {
            Ok(status) => anyhow::anyhow!("the {} ended by itself ({status}); all is stopped", self.name),
            Err(error) => error.into(),
        }
    }

    /// Tells it to end, and waits until it has.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        self.lifeline = None;
        let status = self.process.wait().await?;
        ensure!(status.success(), "the {} did not end well ({status})", self.name);
        Ok(())
    }
}
