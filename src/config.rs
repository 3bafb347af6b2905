//! Everything that can be set, with its default. `bootstrap::settings` reads it; each part owns its own section.

use std::{net::SocketAddr, path::PathBuf};

use bootstrap::telemetry::Log;
use serde::{Deserialize, Serialize};

use crate::{infer::Compute, limits::Limits, web::Web};

/// The prefix of our environment variables: `LINFA_SERVE__LISTEN`, `LINFA_SERVE__LIMITS__ROWS`, …
pub const PREFIX: &str = "LINFA_SERVE";

/// The server's settings. Secrets are paths of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where gRPC is served. 0.0.0.0:50051.
    pub listen: SocketAddr,
    /// The folder that the sidecar writes: blobs and the catalog. /models/store.
    pub store: PathBuf,
    /// The folder that the server itself writes: the floor, behind which no catalog goes back. /var/lib/linfa-serve.
    pub state: PathBuf,
    /// The public keys that catalogs may be signed by, in PEM form: one, or several while it is changed.
    /// /run/secrets/catalog_public_key.
    pub catalog_public_key_file: PathBuf,
    /// Who may call: a TOML list of `[[key]]` with id, sha256, scopes and perhaps expires. /run/secrets/api_keys.
    pub api_keys_file: PathBuf,
    /// How often the store and the key files are looked at. 500 ms.
    pub reload_ms: u64,
    /// What one client may take from the others.
    pub limits: Limits,
    /// Which pages may call from browsers.
    pub web: Web,
    /// Threads and queue of long predictions.
    pub compute: Compute,
    /// How the server stops.
    pub drain: Drain,
    /// How it logs.
    pub log: Log,
}

/// How the server stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Drain {
    /// How long it says NOT_SERVING before it ends connections, so that load balancers see it. 1000 ms.
    pub notice_ms: u64,
    /// How long calls may take to finish after that. 10 s.
    pub seconds: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 50051)),
            store: PathBuf::from("/models/store"),
            state: PathBuf::from("/var/lib/linfa-serve"),
            catalog_public_key_file: PathBuf::from("/run/secrets/catalog_public_key"),
            api_keys_file: PathBuf::from("/run/secrets/api_keys"),
            reload_ms: 500,
            limits: Limits::default(),
            web: Web::default(),
            compute: Compute::default(),
            drain: Drain::default(),
            log: Log::default(),
        }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self { notice_ms: 1000, seconds: 10 }
    }
}
