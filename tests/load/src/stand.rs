//! A sidecar and a server at work, each a process of its own, on temporary folders. They meet in the store alone.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context as _;
use tokio::time::interval;

use crate::{Ground, Program, Programs, connect, until};

/// Sidecar and server at work.
#[derive(Debug)]
pub struct Stand {
    ground: Ground,
    address: SocketAddr,
    sidecar: Program,
    server: Program,
}

impl Stand {
    /// Starts both on an empty folder of models.
    ///
    /// # Errors
    /// If a file cannot be written, or a program does not start.
    pub async fn start(programs: Programs) -> anyhow::Result<Self> {
        let ground = Ground::new(programs)?;
        let sidecar = ground.sidecar()?;
        let (server, address) = ground.server().await?;
        Ok(Self { ground, address, sidecar, server })
    }

    /// Where the server listens.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The folder of models.
    pub fn incoming(&self) -> PathBuf {
        self.ground.incoming()
    }

    /// A folder that neither program sees.
    pub fn aside(&self) -> PathBuf {
        self.ground.path("aside")
    }

    /// Waits until that version of that model is the default.
    ///
    /// # Errors
    /// If that does not come about.
    pub async fn serves(&self, model: &str, version: u64) -> anyhow::Result<()> {
        let default = async || {
            let client = connect(self.address).await.ok()?;
            client.get_model(model).await.ok()?.model.map(|model| model.default_version)
        };
        let serves = async {
            let mut ticks = interval(Duration::from_millis(20));
            while default().await != Some(version) {
                ticks.tick().await;
            }
        };
        until(&format!("{model} {version} serves"), serves).await
    }

    /// What the server says of its models, for when something did not happen.
    pub async fn state(&self) -> String {
        let asked = async { anyhow::Ok(connect(self.address).await?.list_models().await?) };
        asked.await.map_or_else(|error| format!("{error:#}"), |models| format!("{models:#?}"))
    }

    /// Stops the server alone, as one that fails would.
    ///
    /// # Errors
    /// If the server failed by itself.
    pub async fn stop_server(self) -> anyhow::Result<()> {
        self.server.stop().await
    }

    /// Stops both.
    ///
    /// # Errors
    /// If one has failed.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.server.stop().await.context("server")?;
        self.sidecar.stop().await.context("sidecar")
    }
}
