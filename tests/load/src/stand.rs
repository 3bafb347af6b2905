//! A true sidecar and a true server, each on threads of its own, on temporary folders. They meet in the store alone.

use std::{
    io::Write as _,
    net::{SocketAddr, TcpListener},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::Context as _;
use artifact::Digest;
use client::{ApiKey, Client};
use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, spki::der::pem::LineEnding},
};
use sidecar::Judge;
use tempfile::TempDir;
use tokio::{
    sync::oneshot,
    time::{interval, timeout},
};

/// The only key that the server knows. It guards nothing.
pub const KEY: &str = "lsk_load";
/// Signs the catalogs of this stand.
const SEED: [u8; 32] = *b"linfa-serve load, signing nought";
/// Long enough for a loaded machine; nothing waits this long where all is well.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sidecar and server at work.
#[derive(Debug)]
pub struct Stand {
    dir: TempDir,
    address: SocketAddr,
    sidecar: Worker,
    server: Worker,
}

/// A thread, and what ends it when it is dropped.
#[derive(Debug)]
struct Worker {
    end: End,
    thread: thread::JoinHandle<anyhow::Result<()>>,
}

#[derive(Debug)]
enum End {
    Sidecar(sidecar::Bell),
    /// Ends by being dropped too.
    Server {
        _stop: oneshot::Sender<()>,
    },
}

impl Stand {
    /// Starts both on an empty folder of models, with that program to judge. They look more often than by default, so that more swaps fit into a
    /// minute; all else is as shipped.
    ///
    /// # Errors
    /// If a file cannot be written, or a socket or thread is not to be had.
    pub fn start(judge: Judge) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let path = |name: &str| dir.path().join(name);
        let key = SigningKey::from_bytes(&SEED);
        secret(&path("signing.pem"), &key.to_pkcs8_pem(LineEnding::LF)?)?;
        secret(&path("public.pem"), &key.verifying_key().to_public_key_pem(LineEnding::LF)?)?;
        let sha256 = Digest::of(KEY.as_bytes()).hex();
        let scopes = r#"["predict:*", "models:read"]"#;
        secret(
            &path("keys.toml"),
            &format!("[[key]]\nid = \"load\"\nsha256 = \"{sha256}\"\nscopes = {scopes}\n"),
        )?;
        fs_err::create_dir(path("incoming"))?;

        let settings = sidecar::Settings {
            incoming: path("incoming"),
            store: path("store"),
            signing_key_file: path("signing.pem"),
            poll_ms: 100,
            settle: sidecar::Settle { unchanged_seconds: 1, ..sidecar::Settle::default() },
            ..sidecar::Settings::default()
        };
        let (bell, wakes) = sidecar::bell();
        let thread = thread::Builder::new()
            .name("sidecar".to_owned())
            .spawn(move || Ok(sidecar::run(&settings, judge, &wakes)?))?;
        let sidecar = Worker { end: End::Sidecar(bell), thread };

        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let settings = linfa_serve::Settings {
            listen: address,
            store: path("store"),
            catalog_public_key_file: path("public.pem"),
            api_keys_file: path("keys.toml"),
            reload_ms: 100,
            drain: linfa_serve::config::Drain { notice_ms: 0, seconds: 5 },
            ..linfa_serve::Settings::default()
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("server".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                let stopped = async { drop(stopped.await) };
                Ok(linfa_serve::run(listener, settings, stopped).await?)
            })
        })?;
        let server = Worker { end: End::Server { _stop: stop }, thread };
        Ok(Self { dir, address, sidecar, server })
    }

    /// Where the server listens.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The folder of models.
    pub fn incoming(&self) -> PathBuf {
        self.dir.path().join("incoming")
    }

    /// A folder that neither program sees.
    pub fn aside(&self) -> PathBuf {
        self.dir.path().join("aside")
    }

    /// Waits until that version of that model is the default.
    ///
    /// # Errors
    /// If that does not come about.
    pub async fn serves(&self, model: &str, version: u64) -> anyhow::Result<()> {
        let client = async || Client::connect(&self.endpoint(), ApiKey::new(KEY).ok()?).await.ok();
        let default =
            async || client().await?.get_model(model).await.ok()?.model.map(|model| model.default_version);
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
        let asked = async {
            let client = Client::connect(&self.endpoint(), ApiKey::new(KEY)?).await?;
            anyhow::Ok(client.list_models().await?)
        };
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

impl Worker {
    async fn stop(self) -> anyhow::Result<()> {
        let Self { end, thread } = self;
        drop(end);
        let joined = tokio::task::spawn_blocking(|| thread.join()).await?;
        joined.map_err(|_| anyhow::anyhow!("panicked"))?
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if let Self::Sidecar(bell) = self {
            bell.stop();
        }
    }
}

/// Waits for an event, but not for ever.
///
/// # Errors
/// If it does not come about.
pub async fn until<T>(what: &str, event: impl Future<Output = T>) -> anyhow::Result<T> {
    timeout(PATIENCE, event).await.with_context(|| format!("waited in vain until {what}"))
}

/// Writes a file that only we can read.
fn secret(path: &Path, content: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .with_context(|| path.display().to_string())
}
