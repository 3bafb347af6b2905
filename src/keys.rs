//! Who may call: API keys by their hash, each with scopes and perhaps an end. The file is read again when it
//! changes; one that cannot be used leaves the last good set in force.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use artifact::{Digest, Name};
use bootstrap::secret::SecretError;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use crate::reread::Reread;

/// A set of keys that is swapped as a whole.
pub(crate) type KeyRing = Arc<ArcSwap<Keys>>;

/// All keys of one file.
#[derive(Debug, Default)]
pub(crate) struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    caller: Caller,
    sha256: Digest,
    expires: Option<Timestamp>,
}

/// Who called: the key's id and what it may do.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) id: Arc<str>,
    scopes: Arc<[Scope]>,
}

/// One thing that a key allows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    /// `predict:*`
    PredictAll,
    /// `predict:NAME`
    Predict(Name),
    /// `models:read`
    ModelsRead,
}

/// Why a key file is not used. Never says what stands in it but for ids and scopes.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file itself.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Not the form that it must have. The parser's own words would repeat the line.
    #[error("{} is no list of [[key]] entries with id, sha256, scopes and perhaps expires", .0.display())]
    Form(PathBuf),
    /// A hash in another form would never match.
    #[error("key `{id}`: sha256 is not 64 lower-case hexadecimal digits")]
    Hash {
        /// The key.
        id: String,
    },
    /// A misspelt scope would silently allow nothing.
    #[error("key `{id}`: `{scope}` is no scope; there are predict:NAME, predict:* and models:read")]
    Scope {
        /// The key.
        id: String,
        /// What stands there.
        scope: String,
    },
    /// A misspelt date would silently never expire.
    #[error("key `{id}`: expires is no RFC 3339 time such as 2027-01-31T00:00:00Z")]
    Expires {
        /// The key.
        id: String,
    },
    /// The log could not tell them apart.
    #[error("key `{id}` occurs twice")]
    Duplicate {
        /// The key.
        id: String,
    },
}

/// The key file and what was last read from it.
#[derive(Debug)]
pub(crate) struct KeyFile {
    file: Reread,
    ring: KeyRing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    key: Vec<RawKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    id: String,
    sha256: String,
    scopes: Vec<String>,
    expires: Option<toml::Value>,
}

impl KeyFile {
    /// Reads the file, which must be good at the start.
    pub(crate) fn open(path: &Path) -> Result<(Self, KeyRing), KeyFileError> {
        let (file, text) = Reread::open(path)?;
        let ring = Arc::new(ArcSwap::from_pointee(Keys::parse(path, text.expose_secret())?));
        Ok((Self { file, ring: Arc::clone(&ring) }, ring))
    }

    /// Reads the file again.
    pub(crate) fn reload_once(&mut self) {
        match self.file.news(Keys::parse) {
            None => {}
            Some(Ok(keys)) => {
                tracing::info!("new API keys are in force");
                self.ring.store(Arc::new(keys));
            }
            Some(Err(error)) => {
                tracing::error!(error, "the API keys cannot be read; the last good ones stay in force");
            }
        }
    }
}

impl Keys {
    fn parse(path: &Path, text: &str) -> Result<Self, KeyFileError> {
        let file: RawFile = toml::from_str(text).map_err(|_| KeyFileError::Form(path.to_owned()))?;
        let mut keys: Vec<Key> = Vec::with_capacity(file.key.len());
        for raw in file.key {
            if keys.iter().any(|key| *key.caller.id == *raw.id) {
                return Err(KeyFileError::Duplicate { id: raw.id });
            }
            keys.push(raw.check()?);
        }
        Ok(Self(keys))
    }

    /// Whose key this is. Every entry is compared in full, so that the time tells nothing.
    pub(crate) fn caller(&self, key: &[u8], now: Timestamp) -> Option<Caller> {
        let presented = Digest::of(key);
        let mut found = None;
        for key in &self.0 {
            let equal = bool::from(presented.as_bytes().ct_eq(key.sha256.as_bytes()));
            if equal && key.expires.is_none_or(|expires| now < expires) {
                found = Some(&key.caller);
            }
        }
        found.cloned()
    }
}

impl Caller {
    /// Whether the key lets its holder predict with `model`.
    pub(crate) fn may_predict(&self, model: &str) -> bool {
        self.scopes.iter().any(|scope| match scope {
            Scope::PredictAll => true,
            Scope::Predict(name) => name.as_str() == model,
            Scope::ModelsRead => false,
        })
    }

    /// Whether the key lets its holder predict with any model at all.
    pub(crate) fn may_predict_something(&self) -> bool {
        self.scopes.iter().any(|scope| *scope != Scope::ModelsRead)
    }

    /// Whether the key lets its holder see the models.
    pub(crate) fn may_read_models(&self) -> bool {
        self.scopes.contains(&Scope::ModelsRead)
    }
}

impl RawKey {
    fn check(self) -> Result<Key, KeyFileError> {
        let Self { id, sha256, scopes, expires } = self;
        let sha256 = Digest::from_hex(&sha256).map_err(|_| KeyFileError::Hash { id: id.clone() })?;
        let scopes = scopes
            .into_iter()
            .map(|scope| Scope::parse(&scope).ok_or(KeyFileError::Scope { id: id.clone(), scope }))
            .collect::<Result<_, _>>()?;
        let expires = expires
            .map(|time| match time {
                toml::Value::String(text) => text.parse(),
                other => other.to_string().parse(),
            })
            .transpose()
            .map_err(|_| KeyFileError::Expires { id: id.clone() })?;
        Ok(Key { caller: Caller { id: id.into(), scopes }, sha256, expires })
    }
}

impl Scope {
    fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("models", "read") => Some(Self::ModelsRead),
            ("predict", "*") => Some(Self::PredictAll),
            ("predict", name) => name.parse().ok().map(Self::Predict),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Keys, String> {
        Keys::parse(Path::new("keys.toml"), text).map_err(|error| error.to_string())
    }

    fn entry(id: &str, key: &str, scopes: &str, rest: &str) -> String {
        let sha256 = Digest::of(key.as_bytes()).hex();
        format!("[[key]]\nid = \"{id}\"\nsha256 = \"{sha256}\"\nscopes = {scopes}\n{rest}\n")
    }

    #[test]
    fn a_key_is_known_by_its_hash_and_has_its_scopes() {
        let text =
            entry("a", "one", r#"["predict:iris"]"#, "") + &entry("b", "two", r#"["models:read"]"#, "");
        let keys = parse(&text).unwrap();
        let a = keys.caller(b"one", Timestamp::now()).unwrap();
        assert_eq!(&*a.id, "a");
        assert!(a.may_predict("iris") && !a.may_predict("wine") && !a.may_read_models());
        let b = keys.caller(b"two", Timestamp::now()).unwrap();
        assert!(b.may_read_models() && !b.may_predict("iris") && !b.may_predict_something());
        for wrong in [&b"three"[..], b"", b"on", b"one "] {
            assert!(keys.caller(wrong, Timestamp::now()).is_none());
        }
    }

    #[test]
    fn a_key_ends_when_it_says() {
        let end: Timestamp = "2027-01-31T00:00:00Z".parse().unwrap();
        let second = jiff::SignedDuration::from_secs(1);
        for expires in ["expires = 2027-01-31T00:00:00Z", "expires = \"2027-01-31T00:00:00Z\""] {
            let keys = parse(&entry("a", "one", r#"["predict:*"]"#, expires)).unwrap();
            assert!(keys.caller(b"one", end - second).is_some());
            assert!(keys.caller(b"one", end).is_none());
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        let said = |text: &str| parse(text).unwrap_err();
        assert_eq!(
            said(&entry("a", "one", r#"["predict"]"#, "")),
            "key `a`: `predict` is no scope; there are predict:NAME, predict:* and models:read"
        );
        assert_eq!(
            said(&entry("a", "one", "[]", "expires = \"soon\"")),
            "key `a`: expires is no RFC 3339 time such as 2027-01-31T00:00:00Z"
        );
        assert_eq!(
            said("[[key]]\nid = \"a\"\nsha256 = \"hunter2\"\nscopes = []"),
            "key `a`: sha256 is not 64 lower-case hexadecimal digits"
        );
        assert_eq!(said(&entry("a", "one", "[]", "").repeat(2)), "key `a` occurs twice");
        assert!(!said("key = hunter2").contains("hunter2"));
    }
}
