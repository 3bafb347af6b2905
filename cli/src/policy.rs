//! A model's policy.toml, changed as a person would change it: one key is set, all else stays as it is written.

use std::{
    fs::Permissions,
    io::Write as _,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::fs::PermissionsExt as _,
    },
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use artifact::{
    Name, Version,
    files::{self, ReadError},
};
use fs_err as fs;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Value};

const FILE: &str = "policy.toml";
/// The sidecar reads no more.
const MAX_BYTES: u64 = 64 << 10;

/// A policy and the folder that it lies in.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    folder: PathBuf,
    opened: OwnedFd,
    policy: DocumentMut,
}

impl PolicyFile {
    /// The policy of a model in the folder `models`; an empty one if it has none.
    pub(crate) fn open(models: &Path, model: &Name) -> anyhow::Result<Self> {
        let root = files::open_root(models)?;
        let folder = models.join(model.as_str());
        let opened = files::open_folder(root.as_fd(), model.as_str())
            .with_context(|| format!("{} is no model", folder.display()))?;
        let bytes = match files::read(opened.as_fd(), FILE, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(ReadError::Missing { .. }) => Vec::new(),
            Err(error) => return Err(error).with_context(|| folder.display().to_string()),
        };
        sidecar::check_policy(&bytes)
            .with_context(|| format!("{} is no policy; mend it first", folder.join(FILE).display()))?;
        let policy = std::str::from_utf8(&bytes)?.parse()?;
        Ok(Self { folder, opened, policy })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// Whether that version's folder is there.
    pub(crate) fn has(&self, version: Version) -> Result<(), ReadError> {
        files::open_folder(self.opened.as_fd(), &version.to_string()).map(drop)
    }

    /// The value of `key`, on one line.
    pub(crate) fn value(&self, key: &str) -> Option<String> {
        let value = self.policy.get(key)?.clone().into_value().ok()?;
        Some(value.decorated("", "").to_string())
    }

    /// The versions that `serve` lists; none if it says something else.
    pub(crate) fn pinned(&self) -> Option<Vec<i64>> {
        self.policy.get("serve")?.as_array()?.iter().map(Value::as_integer).collect()
    }

    /// Lets these versions serve and no others. True if that is new.
    pub(crate) fn pin(&mut self, versions: &[Version]) -> bool {
        let numbers = versions.iter().filter_map(|version| i64::try_from(version.get()).ok());
        self.serve(Value::Array(Array::from_iter(numbers)))
    }

    /// Lets the newest version serve. True if that is new.
    pub(crate) fn unpin(&mut self) -> bool {
        self.serve(Value::InlineTable(InlineTable::from_iter([("latest", 1)])))
    }

    fn serve(&mut self, value: Value) -> bool {
        let before = self.value("serve");
        match self.policy.get_mut("serve") {
            Some(Item::Value(old)) => {
                let decor = old.decor().clone();
                *old = value;
                *old.decor_mut() = decor;
            }
            // A table of its own has its comments above it, and stands where no plain key may follow.
            Some(Item::Table(old)) if !old.is_dotted() => {
                let above = old.decor().prefix().cloned().unwrap_or_default();
                self.policy.insert("serve", Item::Value(value));
                if let Some(mut key) = self.policy.key_mut("serve") {
                    key.leaf_decor_mut().set_prefix(above);
                }
            }
            _ => {
                self.policy.insert("serve", Item::Value(value));
            }
        }
        self.value("serve") != before
    }

    /// Writes it: complete before it has its name, by which alone the sidecar knows it.
    pub(crate) fn save(&self) -> anyhow::Result<()> {
        let text = self.policy.to_string();
        sidecar::check_policy(text.as_bytes()).context("the change would break the policy")?;
        let mode = fs::symlink_metadata(self.path()).map_or(0o644, |file| file.permissions().mode() & 0o777);
        let mut file = tempfile::Builder::new()
            .prefix(".policy.toml.")
            .tempfile_in(&self.folder)
            .with_context(|| format!("cannot write in {}", self.folder.display()))?;
        file.write_all(text.as_bytes())?;
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
        file.as_file().sync_all()?;
        file.persist(self.path())?;
        fs::File::open(&self.folder)?.sync_all()?;
        Ok(())
    }
}
