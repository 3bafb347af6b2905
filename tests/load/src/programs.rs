//! The two programs as processes of this machine: how they are started, killed and stopped.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::until;

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The program that proves.
    pub sidecar: PathBuf,
    /// The program that serves.
    pub server: PathBuf,
}

/// A process that we have started. It does not outlive this.
#[derive(Debug)]
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Programs {
    /// Those that were built with the program that runs now.
    ///
    /// # Errors
    /// If it does not know where it is.
    pub fn beside_this() -> anyhow::Result<Self> {
        let own = std::env::current_exe()?;
        let folder = own.parent().context("this program lies in no folder")?;
        Ok(Self { sidecar: folder.join("load-sidecar"), server: folder.join("load-serve") })
    }
}

impl Program {
    /// Starts a program with these variables and no others. Its log goes to that file, which is written anew.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(program: &Path, variables: &[(&str, String)], log: PathBuf) -> anyhow::Result<Self> {
        let file = fs_err::File::create(&log)?.into_parts().0;
        let child = Command::new(program)
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| program.display().to_string())?;
        Ok(Self { child, log })
    }

    /// Its number, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it has said so far.
    ///
    /// # Errors
    /// If the file is gone.
    pub fn log(&self) -> anyhow::Result<String> {
        Ok(fs_err::read_to_string(&self.log)?)
    }

    /// SIGKILL. It is gone when this returns.
    ///
    /// # Errors
    /// If it had ended by itself before, which it should not.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            anyhow::bail!("ended by itself with {status}:\n{}", self.log()?);
        }
        self.child.kill().await?;
        Ok(())
    }

    /// SIGTERM, and waits for its end.
    ///
    /// # Errors
    /// If it ends otherwise than with 0, or not at all.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(id) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            kill_process(id, Signal::TERM)?;
        }
        let status = until("a program has ended", self.child.wait()).await??;
        anyhow::ensure!(status.success(), "ended with {status}:\n{}", self.log()?);
        Ok(())
    }
}
