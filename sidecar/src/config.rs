//! What can be set from outside, with every default. Nothing is opened here.

use std::{collections::HashMap, path::Path, path::PathBuf};

use bootstrap::{
    settings::{self, SettingsError},
    telemetry::Log,
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// Variables begin with this, as in `LINFA_SIDECAR__POLL_MS`.
const PREFIX: &str = "LINFA_SIDECAR";

/// All settings of the sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where models are dropped. Default: `/models/incoming`.
    pub incoming: PathBuf,
    /// What the server reads. Default: `/models/store`.
    pub store: PathBuf,
    /// The Ed25519 key that signs the catalog, as PKCS #8 in PEM form. Default: `/run/secrets/catalog_signing_key`.
    pub signing_key_file: PathBuf,
    /// Milliseconds between two looks, if nothing happens. Default: 1000.
    pub poll_ms: u64,
    /// MiB of a version's files together; judging takes some times as much memory. Default: 128.
    pub max_version_mib: u32,
    /// The catalog is signed anew at least this often, so that silence means trouble. Default: 60.
    pub heartbeat_seconds: u32,
    /// When a folder that does not change is taken to be finished.
    pub settle: Settle,
    /// What judging one version may take.
    pub judging: Judging,
    /// The log.
    pub log: Log,
}

/// What a child that judges may take of the machine, and how many there are. What takes more is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Judging {
    /// MiB of memory of each child. Loading alone takes up to four times a version's bytes. Default: 768.
    pub memory_mib: u32,
    /// Seconds of processor time. Default: 30.
    pub cpu_seconds: u32,
    /// Seconds from start to end. Default: 120.
    pub wall_seconds: u32,
    /// Children at once, each for another model. Default: 2.
    pub at_once: u32,
}

/// How long a folder must stay as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settle {
    /// Seconds until bytes that are wrong count as what was meant, and a removed folder as removed. Default: 5.
    pub unchanged_seconds: u32,
    /// Seconds until a copy that lacks bytes counts as given up. Default: 60.
    pub incomplete_seconds: u32,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Unknown, mistyped or secret-carrying.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A poll of 0 ms burns a core; one of an hour is no watch.
    #[error("{key}: expected {expected}")]
    Range {
        /// The key.
        key: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
}

impl Settings {
    /// Reads the settings from an optional file and from `environment`.
    ///
    /// # Errors
    /// [`ConfigError`], by the first rule that is broken.
    pub fn load(file: Option<&Path>, environment: HashMap<String, String>) -> Result<Self, ConfigError> {
        let settings: Self = settings::load(PREFIX, file, environment)?;
        let range = |key, expected| Err(ConfigError::Range { key, expected });
        if !(10..=60_000).contains(&settings.poll_ms) {
            return range("poll_ms", "10 to 60000 milliseconds");
        }
        if !(1..=1024).contains(&settings.max_version_mib) {
            return range("max_version_mib", "1 to 1024 MiB");
        }
        if !(1..=3600).contains(&settings.heartbeat_seconds) {
            return range("heartbeat_seconds", "1 to 3600 seconds");
        }
        if !(1..=3600).contains(&settings.settle.unchanged_seconds) {
            return range("settle.unchanged_seconds", "1 to 3600 seconds");
        }
        if !(1..=86_400).contains(&settings.settle.incomplete_seconds) {
            return range("settle.incomplete_seconds", "1 to 86400 seconds");
        }
        if !(64..=65_536).contains(&settings.judging.memory_mib) {
            return range("judging.memory_mib", "64 to 65536 MiB");
        }
        if !(1..=3600).contains(&settings.judging.cpu_seconds) {
            return range("judging.cpu_seconds", "1 to 3600 seconds");
        }
        if !(1..=3600).contains(&settings.judging.wall_seconds) {
            return range("judging.wall_seconds", "1 to 3600 seconds");
        }
        if !(1..=64).contains(&settings.judging.at_once) {
            return range("judging.at_once", "1 to 64 versions");
        }
        Ok(settings)
    }

    pub(crate) fn heartbeat(&self) -> SignedDuration {
        SignedDuration::from_secs(self.heartbeat_seconds.into())
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            incoming: "/models/incoming".into(),
            store: "/models/store".into(),
            signing_key_file: "/run/secrets/catalog_signing_key".into(),
            poll_ms: 1000,
            max_version_mib: 128,
            heartbeat_seconds: 60,
            settle: Settle::default(),
            judging: Judging::default(),
            log: Log::default(),
        }
    }
}

impl Settle {
    pub(crate) fn unchanged(&self) -> SignedDuration {
        SignedDuration::from_secs(self.unchanged_seconds.into())
    }

    pub(crate) fn incomplete(&self) -> SignedDuration {
        SignedDuration::from_secs(self.incomplete_seconds.into())
    }
}

impl Default for Settle {
    fn default() -> Self {
        Self { unchanged_seconds: 5, incomplete_seconds: 60 }
    }
}

impl Default for Judging {
    fn default() -> Self {
        Self { memory_mib: 768, cpu_seconds: 30, wall_seconds: 120, at_once: 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Result<Settings, String> {
        let environment = HashMap::from([(name.to_owned(), value.to_owned())]);
        Settings::load(None, environment).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_needs_to_be_set() {
        assert_eq!(Settings::load(None, HashMap::new()).unwrap(), Settings::default());
    }

    #[test]
    fn a_path_to_the_key_is_no_secret_but_the_key_is() {
        let settings = with("LINFA_SIDECAR__SIGNING_KEY_FILE", "/tmp/key").unwrap();
        assert_eq!(settings.signing_key_file, Path::new("/tmp/key"));
        let error = with("LINFA_SIDECAR__SIGNING_KEY", "hunter2").unwrap_err();
        assert!(error.starts_with("LINFA_SIDECAR__SIGNING_KEY would carry a secret"), "{error}");
    }

    #[test]
    fn what_cannot_be_used_is_named_with_what_belongs_there() {
        assert_eq!(
            with("LINFA_SIDECAR__POLL_MS", "0").unwrap_err(),
            "poll_ms: expected 10 to 60000 milliseconds"
        );
        assert_eq!(
            with("LINFA_SIDECAR__HEARTBEAT_SECONDS", "0").unwrap_err(),
            "heartbeat_seconds: expected 1 to 3600 seconds"
        );
        assert_eq!(
            with("LINFA_SIDECAR__SETTLE__UNCHANGED_SECONDS", "0").unwrap_err(),
            "settle.unchanged_seconds: expected 1 to 3600 seconds"
        );
        for (variable, said) in [
            ("LINFA_SIDECAR__JUDGING__MEMORY_MIB", "judging.memory_mib: expected 64 to 65536 MiB"),
            ("LINFA_SIDECAR__JUDGING__CPU_SECONDS", "judging.cpu_seconds: expected 1 to 3600 seconds"),
            ("LINFA_SIDECAR__JUDGING__WALL_SECONDS", "judging.wall_seconds: expected 1 to 3600 seconds"),
            ("LINFA_SIDECAR__JUDGING__AT_ONCE", "judging.at_once: expected 1 to 64 versions"),
        ] {
            assert_eq!(with(variable, "0").unwrap_err(), said);
        }
        let seconds = with("LINFA_SIDECAR__SETTLE__UNCHANGED_SECONDS", "2").unwrap();
        assert_eq!(seconds.settle.unchanged_seconds, 2);
    }
}
