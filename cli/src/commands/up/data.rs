//! The data folder of `up`: keys and the store. What is there is kept; the files are named as `secrets/generate`
//! names them, and only their owner may read them.

use std::{
    io::Write as _,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use artifact::Digest;
use bootstrap::secret;
use ed25519_dalek::{
    SigningKey,
    pkcs8::{
        DecodePrivateKey as _, EncodePrivateKey as _, EncodePublicKey as _, KeypairBytes,
        spki::der::pem::LineEnding,
    },
};
use fs_err::{self as fs, os::unix::fs::OpenOptionsExt as _};
use secrecy::ExposeSecret as _;

use crate::commands::keys;

/// A data folder.
pub(super) struct Data(PathBuf);

impl Data {
    /// Makes what is missing in the folder of that name, or in the one that belongs to these models.
    pub(super) fn open(folder: Option<PathBuf>, models: &Path) -> anyhow::Result<Self> {
        let folder = match folder {
            Some(folder) => folder,
            None => user_folder()?.join(name(models)),
        };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("cannot make the data folder {}", folder.display()))?;
        let data = Self(fs::canonicalize(folder)?);
        ensure!(
            !data.0.starts_with(models),
            "the data folder {} lies in the folder of models, which is watched; choose another by --data",
            data.0.display()
        );
        fs::create_dir_all(data.state())?;
        data.keys_of_catalogs()?;
        data.keys_of_clients()?;
        Ok(data)
    }

    /// A folder that is there.
    pub(super) fn at(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    pub(super) fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    pub(super) fn signing_key(&self) -> PathBuf {
        self.0.join("catalog_signing_key.pem")
    }

    pub(super) fn public_key(&self) -> PathBuf {
        self.0.join("catalog_public_key.pem")
    }

    pub(super) fn client_key(&self) -> PathBuf {
        self.0.join("client_api_key")
    }

    pub(super) fn api_keys(&self) -> PathBuf {
        self.0.join("api_keys.toml")
    }

    fn keys_of_catalogs(&self) -> anyhow::Result<()> {
        let path = self.signing_key();
        let key = if path.exists() {
            let pem = secret::read(&path)?;
            SigningKey::from_pkcs8_pem(pem.expose_secret())
                .ok()
                .with_context(|| format!("{} holds no Ed25519 private key in PEM form", path.display()))?
        } else {
            let secret_key = keys::random()?;
            // Without the public half, as openssl writes it; it cannot read the other form.
            let pem = KeypairBytes { secret_key, public_key: None }.to_pkcs8_pem(LineEnding::LF)?;
            write(&path, &pem)?;
            SigningKey::from_bytes(&secret_key)
        };
        write(&self.public_key(), &key.verifying_key().to_public_key_pem(LineEnding::LF)?)
    }

    fn keys_of_clients(&self) -> anyhow::Result<()> {
        let (path, hashes) = (self.client_key(), self.api_keys());
        if path.exists() && hashes.exists() {
            return Ok(());
        }
        if hashes.exists() {
            let (path, hashes) = (path.display(), hashes.display());
            bail!(
                "{path} is gone, and {hashes} knows its hash alone; remove that too to have both made anew"
            );
        }
        if !path.exists() {
            write(&path, &keys::generate()?)?;
        }
        let scopes = ["predict:*", "models:read"].map(str::to_owned);
        let key = secret::read(&path)?;
        write(&hashes, &keys::entry("local", &scopes, None, key.expose_secret()))
    }
}

/// Where programs keep what they have made for this user, by the XDG Base Directory Specification.
fn user_folder() -> anyhow::Result<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let given = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).and_then(absolute);
    let usual = || std::env::home_dir().and_then(absolute).map(|home| home.join(".local/share"));
    let folder = given.or_else(usual).context("no home folder is known; name a data folder by --data")?;
    Ok(folder.join("linfa-serve"))
}

/// Folders of models do not share a store: one's models would be served along with the other's.
fn name(models: &Path) -> String {
    let last = models.file_name().unwrap_or_default().to_string_lossy();
    let digest = Digest::of(models.as_os_str().as_encoded_bytes()).hex();
    format!("{last}-{}", digest.chars().take(8).collect::<String>())
}

/// Complete before it has its name, so that no start finds half a key.
fn write(path: &Path, content: &str) -> anyhow::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    Ok(fs::rename(temporary, path)?)
}
