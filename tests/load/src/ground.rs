//! A temporary folder with keys, models and a store, and the two programs on it, each for as long as a test wants it.

use std::{
    io::Write as _,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use artifact::{Digest, dsse::TrustedKeys, store::Reader};
use client::{ApiKey, Client};
use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, spki::der::pem::LineEnding},
};
use tempfile::TempDir;
use tokio::time::{interval, timeout};

use crate::{Examiner, Program, Programs};

/// The only key that the server knows. It guards nothing.
pub const KEY: &str = "lsk_load";
/// Signs the catalogs of this ground.
const SEED: [u8; 32] = *b"linfa-serve load, signing nought";
/// Long enough for a loaded machine; nothing waits this long where all is well.
const PATIENCE: Duration = Duration::from_secs(300);

/// Folders and keys. Nothing runs by itself.
#[derive(Debug)]
pub struct Ground {
    dir: TempDir,
    programs: Programs,
}

impl Ground {
    /// Without models, and without a store.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn new(programs: Programs) -> anyhow::Result<Self> {
        let ground = Self { dir: tempfile::tempdir()?, programs };
        let key = SigningKey::from_bytes(&SEED);
        secret(&ground.path("signing.pem"), &key.to_pkcs8_pem(LineEnding::LF)?)?;
        secret(&ground.path("public.pem"), &key.verifying_key().to_public_key_pem(LineEnding::LF)?)?;
        let sha256 = Digest::of(KEY.as_bytes()).hex();
        let scopes = r#"["predict:*", "models:read"]"#;
        secret(
            &ground.path("keys.toml"),
            &format!("[[key]]\nid = \"load\"\nsha256 = \"{sha256}\"\nscopes = {scopes}\n"),
        )?;
        for folder in ["incoming", "state"] {
            fs_err::create_dir(ground.path(folder))?;
        }
        Ok(ground)
    }

    /// What lies there under that name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The folder of models.
    pub fn incoming(&self) -> PathBuf {
        self.path("incoming")
    }

    /// The store.
    pub fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// One who looks at the store and has seen nothing yet.
    ///
    /// # Errors
    /// If the key is none; a mistake of ours.
    pub fn examiner(&self) -> anyhow::Result<Examiner> {
        let key = TrustedKeys::from_pem(&fs_err::read_to_string(self.path("public.pem"))?)?;
        Ok(Examiner::new(Reader::new(self.store()), key))
    }

    /// Starts a sidecar. It looks more often than by default, so that more happens in a minute; all else is as shipped.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn sidecar(&self) -> anyhow::Result<Program> {
        let variables = self.sidecar_variables();
        Program::start(&self.programs.sidecar, &variables, self.path("sidecar.log")).context("sidecar")
    }

    /// The settings of that sidecar.
    pub fn sidecar_variables(&self) -> [(&'static str, String); 6] {
        let path = |name| self.path(name).display().to_string();
        [
            ("LINFA_SIDECAR__INCOMING", path("incoming")),
            ("LINFA_SIDECAR__STORE", path("store")),
            ("LINFA_SIDECAR__SIGNING_KEY_FILE", path("signing.pem")),
            ("LINFA_SIDECAR__CATALOG_PUBLIC_KEY_FILE", path("public.pem")),
            ("LINFA_SIDECAR__POLL_MS", "100".to_owned()),
            ("LINFA_SIDECAR__SETTLE__UNCHANGED_SECONDS", "1".to_owned()),
        ]
    }

    /// Starts a server, and waits until it listens. It looks more often than by default; all else is as shipped.
    ///
    /// # Errors
    /// If it cannot be started, or does not listen.
    pub async fn server(&self) -> anyhow::Result<(Program, SocketAddr)> {
        let path = |name| self.path(name).display().to_string();
        let variables = [
            ("LINFA_SERVE__LISTEN", "127.0.0.1:0".to_owned()),
            ("LINFA_SERVE__STORE", path("store")),
            ("LINFA_SERVE__STATE", path("state")),
            ("LINFA_SERVE__CATALOG_PUBLIC_KEY_FILE", path("public.pem")),
            ("LINFA_SERVE__API_KEYS_FILE", path("keys.toml")),
            ("LINFA_SERVE__RELOAD_MS", "100".to_owned()),
            ("LINFA_SERVE__DRAIN__NOTICE_MS", "0".to_owned()),
            ("LINFA_SERVE__DRAIN__SECONDS", "5".to_owned()),
        ];
        let program = Program::start(&self.programs.server, &variables, self.path("server.log"))?;
        let address = eventually("the server listens", async || Ok(address(&program.log()?))).await?;
        Ok((program, address))
    }
}

/// Connects to the server at that address.
///
/// # Errors
/// If it is not reached.
pub async fn connect(address: SocketAddr) -> anyhow::Result<Client> {
    Ok(Client::connect(&format!("http://{address}"), ApiKey::new(KEY)?).await?.without_retries())
}

/// The address in the line that says where the server listens.
fn address(log: &str) -> Option<SocketAddr> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut told = lines.filter(|line| line.get("message").is_some_and(|message| message == "listening"));
    told.next()?.get("address")?.as_str()?.parse().ok()
}

/// Waits for an event, but not for ever.
///
/// # Errors
/// If it does not come about.
pub async fn until<T>(what: &str, event: impl Future<Output = T>) -> anyhow::Result<T> {
    timeout(PATIENCE, event).await.with_context(|| format!("waited in vain until {what}"))
}

/// Looks again and again until there is something, but not for ever.
///
/// # Errors
/// If it does not come about, or a look fails.
pub async fn eventually<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let looks = async {
        let mut ticks = interval(Duration::from_millis(10));
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            ticks.tick().await;
        }
    };
    until(what, looks).await?
}

/// Writes a file that only we can read.
pub(crate) fn secret(path: &Path, content: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .with_context(|| path.display().to_string())
}
