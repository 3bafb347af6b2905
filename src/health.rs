//! What the health service says. `live`: the process answers. The empty name and the services: ready, which means
//! that a catalog was applied and a model serves. `models/NAME`: that model serves. `catalog`: it is fresh; a stale one
//! makes nothing unready. And the asking of it, for the container's health check.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic_health::{
    ServingStatus,
    pb::{HealthCheckRequest, health_check_response, health_client::HealthClient},
    server::HealthReporter,
};

use crate::registry::Snapshot;

const LIVE: &str = "live";
const MODELS: &str = "models/";
const CATALOG: &str = "catalog";
/// The names that say whether the server is ready.
const READY: [&str; 3] = ["", "linfa.serve.v1.PredictService", "linfa.serve.v1.ModelService"];

/// The writing end of the health service.
pub(crate) struct Health {
    reporter: HealthReporter,
    /// What was said last of every name. Said again, it would wake every watcher for nothing.
    said: BTreeMap<String, bool>,
}

impl Health {
    /// Live, and not ready.
    pub(crate) async fn new(reporter: HealthReporter) -> Self {
        let mut health = Self { reporter, said: BTreeMap::new() };
        // The reporter is born with "" as serving.
        health.ready(false).await;
        health.say(LIVE, true).await;
        health.say(CATALOG, false).await;
        health
    }

    /// Tells what the snapshot serves.
    pub(crate) async fn show(&mut self, snapshot: &Snapshot) {
        let serving: BTreeMap<_, _> =
            snapshot.models.iter().map(|(name, model)| (format!("{MODELS}{name}"), model.serves())).collect();
        let gone: Vec<_> = self.models().filter(|name| !serving.contains_key(name)).collect();
        for (name, serves) in gone.into_iter().map(|name| (name, false)).chain(serving) {
            self.say(&name, serves).await;
        }
        self.say(CATALOG, snapshot.catalog.is_some() && !snapshot.stale).await;
        self.ready(snapshot.serves()).await;
    }

    /// Not ready any more, nor is any model.
    pub(crate) async fn withdraw(&mut self) {
        self.ready(false).await;
        for name in self.models().collect::<Vec<_>>() {
            self.say(&name, false).await;
        }
    }

    /// Ends every watch, which would else hold its connection open.
    pub(crate) async fn end_watches(&mut self) {
        for name in std::mem::take(&mut self.said).into_keys() {
            self.reporter.clear_service_status(&name).await;
        }
    }

    fn models(&self) -> impl Iterator<Item = String> + use<'_> {
        self.said.keys().filter(|name| name.starts_with(MODELS)).cloned()
    }

    async fn ready(&mut self, ready: bool) {
        for name in READY {
            self.say(name, ready).await;
        }
    }

    async fn say(&mut self, name: &str, serving: bool) {
        if self.said.insert(name.to_owned(), serving) != Some(serving) {
            let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
            self.reporter.set_service_status(name, status).await;
        }
    }
}

/// Why a server is not ready.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Nobody answers.
    #[error("no answer from {address} within {}", LIMIT.as_secs())]
    Silent {
        /// Who was asked.
        address: SocketAddr,
    },
    /// It cannot be reached, or says something else.
    #[error("{address}: {said}")]
    Failed {
        /// Who was asked.
        address: SocketAddr,
        /// What came back.
        said: String,
    },
    /// It answers, but no model serves.
    #[error("{address} is not ready")]
    NotServing {
        /// Who was asked.
        address: SocketAddr,
    },
}

const LIMIT: Duration = Duration::from_secs(2);

/// Where this machine reaches who listens on `listen`: who listens everywhere is asked on the loopback.
pub fn reached_at(listen: SocketAddr) -> SocketAddr {
    let host = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(host, listen.port())
}

/// Asks the server that listens on `listen` whether it is ready.
///
/// # Errors
/// [`NotReady`].
pub async fn is_ready(listen: SocketAddr) -> Result<(), NotReady> {
    let address = reached_at(listen);
    let failed = |said: String| NotReady::Failed { address, said };
    let asking = async {
        let endpoint =
            Endpoint::try_from(format!("http://{address}")).map_err(|error| failed(error.to_string()))?;
        let channel = endpoint.connect().await.map_err(|_| failed("cannot be reached".to_owned()))?;
        let answer = HealthClient::new(channel).check(HealthCheckRequest::default()).await;
        answer.map_err(|status| failed(status.message().to_owned()))
    };
    let answer = timeout(LIMIT, asking).await.map_err(|_| NotReady::Silent { address })??;
    match answer.into_inner().status() {
        health_check_response::ServingStatus::Serving => Ok(()),
        _ => Err(NotReady::NotServing { address }),
    }
}
