//! What must not get about, read from where it belongs.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ed25519_dalek::{SigningKey, pkcs8::DecodePrivateKey as _};
use safetensors::SafeTensors;

/// A kind of secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The text that a client sends.
    ClientKey,
    /// What the sidecar signs with.
    SigningKey,
    /// A model's parameters: they come by the volume, so that no image holds one.
    Tensor,
    /// A file of a model. Its contents are found by its tensors; its hash names it.
    ModelFile,
}

/// Bytes that must not get about.
pub(crate) struct Secret {
    pub(crate) what: What,
    /// For the report.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Whose hashes are looked for beside the hash of `bytes`: the same with what a file has around it.
    pub(crate) around: Vec<Vec<u8>>,
}

/// The secrets of the deployment in a folder: the keys in secrets/, and every model in models/.
pub(crate) fn of(folder: &Path) -> anyhow::Result<Vec<Secret>> {
    let mut secrets = keys(&folder.join("secrets"))?;
    let before = secrets.len();
    for model in folders(&folder.join("models"))? {
        for version in folders(&model)? {
            secrets.append(&mut version_of(&version)?);
        }
    }
    anyhow::ensure!(secrets.len() > before, "no model in {}", folder.display());
    Ok(secrets)
}

fn keys(folder: &Path) -> anyhow::Result<Vec<Secret>> {
    let mut secrets = Vec::new();
    for path in within(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // The demo client's, and those that were made for others.
        if name.ends_with("_api_key") {
            let text = fs_err::read_to_string(path)?.trim().to_owned();
            let around = vec![format!("{text}\n").into()];
            secrets.push(Secret { what: What::ClientKey, name, bytes: text.into(), around });
        }
    }
    anyhow::ensure!(!secrets.is_empty(), "no client's key in {}", folder.display());

    let pem = fs_err::read_to_string(folder.join("catalog_signing_key.pem"))?;
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let seed = SigningKey::from_pkcs8_pem(pem.trim()).context("catalog_signing_key.pem")?.to_bytes();
    let signing = |name: &str, bytes: &[u8], around| Secret {
        what: What::SigningKey,
        name: format!("signing key ({name})"),
        bytes: bytes.into(),
        around,
    };
    let whole = vec![pem.as_bytes().into(), pem.trim().into()];
    secrets.extend([signing("PEM", body.as_bytes(), whole), signing("seed", &seed, Vec::new())]);
    Ok(secrets)
}

/// What a version folder holds. One whose parameters cannot be read, which the sidecar refuses, is one tensor.
fn version_of(folder: &Path) -> anyhow::Result<Vec<Secret>> {
    let names: Vec<_> = folder.iter().rev().take(2).map(|part| part.to_string_lossy()).collect();
    let name = |of: &str| format!("{}/{} {of}", names[1], names[0]);
    let secret = |what, of: &str, bytes: &[u8]| Secret {
        what,
        name: name(of),
        bytes: bytes.into(),
        around: Vec::new(),
    };
    let mut secrets = Vec::new();
    for file in ["manifest.json", "model.safetensors"] {
        let path = folder.join(file);
        if path.exists() {
            secrets.push(secret(What::ModelFile, file, &fs_err::read(path)?));
        }
    }
    if let Some(file) = secrets.iter().find(|secret| secret.name.ends_with("model.safetensors")) {
        let tensors = match SafeTensors::deserialize(&file.bytes) {
            Ok(tensors) => tensors.iter().map(|(of, view)| secret(What::Tensor, of, view.data())).collect(),
            Err(_) => vec![secret(What::Tensor, "unreadable parameters", &file.bytes)],
        };
        secrets.extend(tensors);
    }
    Ok(secrets)
}

fn folders(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    Ok(within(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

fn within(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder)? {
        found.push(entry?.path());
    }
    found.sort();
    Ok(found)
}
