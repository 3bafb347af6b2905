//! What the health service says. `live`: the process answers. The empty name and the services: ready, which means
//! that a catalog was applied and a model serves. `models/NAME`: that model serves. And the asking of it, for the
//! container's health check.

use std::{
    collections::BTreeSet,
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
/// The names that say whether the server is ready.
const READY: [&str; 3] = ["", "linfa.serve.v1.PredictService", "linfa.serve.v1.ModelService"];

/// The writing end of the health service.
pub(crate) struct Health {
    reporter: HealthReporter,
    /// Names that have been reported besides the fixed ones.
    models: BTreeSet<String>,
}

impl Health {
    /// Live, and not ready.
    pub(crate) async fn new(reporter: HealthReporter) -> Self {
        let health = Self {
            reporter,
            models: BTreeSet::new(),
        };
        // The reporter is born with "" as serving.
        health.ready(false).await;
        health.report(LIVE, true).await;
        health
    }

    /// Tells what the snapshot serves.
    pub(crate) async fn show(&mut self, snapshot: &Snapshot) {
        for (name, model) in &snapshot.models {
            let name = format!("models/{name}");
            self.report(&name, model.serves()).await;
            self.models.insert(name);
        }
        self.ready(snapshot.serves()).await;
    }

    /// Not ready any more, nor is any model.
    pub(crate) async fn withdraw(&self) {
        self.ready(false).await;
        for name in &self.models {
            self.report(name, false).await;
        }
    }

    /// Ends every watch, which would else hold its connection open.
    pub(crate) async fn end_watches(&mut self) {
        for name in READY
            .into_iter()
            .chain([LIVE])
            .chain(self.models.iter().map(String::as_str))
        {
            self.reporter.clear_service_status(name).await;
        }
    }

    async fn ready(&self, ready: bool) {
        for name in READY {
            self.report(name, ready).await;
        }
    }

    async fn report(&self, name: &str, serving: bool) {
        let status = if serving {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        self.reporter.set_service_status(name, status).await;
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

/// Asks the server that listens on `listen` whether it is ready.
///
/// # Errors
/// [`NotReady`].
pub async fn is_ready(listen: SocketAddr) -> Result<(), NotReady> {
    // Who listens everywhere is asked on the loopback.
    let host = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let address = SocketAddr::new(host, listen.port());
    let failed = |said: String| NotReady::Failed { address, said };
    let asking = async {
        let endpoint =
            Endpoint::try_from(format!("http://{address}")).map_err(|error| failed(error.to_string()))?;
        let channel = endpoint
            .connect()
            .await
            .map_err(|_| failed("cannot be reached".to_owned()))?;
        let answer = HealthClient::new(channel)
            .check(HealthCheckRequest::default())
            .await;
        answer.map_err(|status| failed(status.message().to_owned()))
    };
    let answer = timeout(LIMIT, asking)
        .await
        .map_err(|_| NotReady::Silent { address })??;
    match answer.into_inner().status() {
        health_check_response::ServingStatus::Serving => Ok(()),
        _ => Err(NotReady::NotServing { address }),
    }
}
