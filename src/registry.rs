//! What is served, as one immutable snapshot behind one pointer. The publisher swaps the pointer; readers take it
//! and never wait. How a snapshot comes to be is `reload.rs`'s business.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;
use artifact::{
    Name, Version,
    catalog::{CatalogModel, CatalogVersion, Refusal, Status},
};
use bytes::Bytes;
use jiff::Timestamp;

use crate::error::ServeError;

/// Everything that a request can see.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The catalog in force; none before the first.
    pub catalog: Option<CatalogInfo>,
    /// Why the newest catalog file is not the one in force.
    pub error: Option<String>,
    /// The catalog in force has expired, or is of a time that has not come: what is served is served on, but may not
    /// be the newest state.
    pub stale: bool,
    /// The models by name.
    pub models: BTreeMap<Name, Model>,
}

/// The catalog in force.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogInfo {
    /// Its sequence.
    pub sequence: u64,
    /// Its epoch.
    pub epoch: u64,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// Until when it tells the newest state.
    pub expires_at: Timestamp,
    /// What lies beside the models.
    pub notes: Vec<String>,
}

/// One model: what the catalog says, and what this server made of it.
#[derive(Clone, Debug)]
pub struct Model {
    /// The catalog's entry.
    pub entry: Arc<CatalogModel>,
    /// The version that answers when none is named. Differs from the entry's if that one could not be loaded.
    pub default: Option<Version>,
    /// The versions that answer.
    pub loaded: BTreeMap<Version, Arc<Loaded>>,
    /// Versions that should be loaded and could not.
    pub failures: BTreeMap<Version, Refusal>,
}

/// One version, ready to answer.
#[derive(Debug)]
pub struct Loaded {
    /// The model's name.
    pub name: Name,
    /// The version's number.
    pub version: Version,
    /// The model itself.
    pub model: artifact::Model,
    /// The texts that all answers share.
    pub texts: Texts,
    /// What a row costs, measured on the golden rows.
    pub nanos_per_row: f64,
}

/// What every answer of a version says in the same words.
#[derive(Debug)]
pub struct Texts {
    /// The model's name.
    pub name: Bytes,
    /// Its digest.
    pub digest: Bytes,
    /// The names of the classes. None where it does not classify.
    pub classes: Vec<Bytes>,
}

/// Which version of a model is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The policy's.
    Default,
    /// By number.
    Version(u64),
    /// By label.
    Label(String),
}

/// Where a version stands on this server.
#[derive(Debug)]
pub enum Standing<'a> {
    /// Not judged yet.
    Pending,
    /// Never finished.
    Incomplete,
    /// A check failed.
    Rejected,
    /// Proven, not served.
    Admitted,
    /// Answers.
    Serving(&'a Arc<Loaded>),
    /// Proven, but this server could not load it.
    Failed(&'a Refusal),
    /// Its folder was removed.
    Withdrawn,
}

/// The writing end.
#[derive(Debug)]
pub struct Publisher(Arc<ArcSwap<Snapshot>>);

/// The reading end.
#[derive(Clone, Debug)]
pub struct Models(Arc<ArcSwap<Snapshot>>);

/// An empty registry's two ends.
pub fn channel() -> (Publisher, Models) {
    let shared = Arc::new(ArcSwap::default());
    (Publisher(Arc::clone(&shared)), Models(shared))
}

impl Publisher {
    /// Makes `snapshot` what every later request sees.
    pub fn publish(&self, snapshot: Snapshot) {
        self.0.store(Arc::new(snapshot));
    }

    /// What was published last.
    pub fn current(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }
}

impl Models {
    /// What is served now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }
}

impl Snapshot {
    /// The version that answers a request.
    ///
    /// # Errors
    /// [`ServeError`], by what is wrong with the name or the choice.
    pub fn resolve(&self, name: &str, choice: &Choice) -> Result<&Arc<Loaded>, ServeError> {
        let model = if name.is_empty() { self.only()? } else { self.model(name)? };
        model.resolve(choice)
    }

    /// The model of that name.
    ///
    /// # Errors
    /// [`ServeError::UnknownModel`], or [`ServeError::NothingLoaded`] before the first catalog.
    pub fn model(&self, name: &str) -> Result<&Model, ServeError> {
        match self.models.get(name) {
            Some(model) => Ok(model),
            None if self.catalog.is_none() => Err(ServeError::NothingLoaded),
            None => Err(ServeError::UnknownModel { name: name.to_owned() }),
        }
    }

    /// Whether any version of any model answers.
    pub fn serves(&self) -> bool {
        self.models.values().any(Model::serves)
    }

    fn only(&self) -> Result<&Model, ServeError> {
        let mut served = self.models.values().filter(|model| model.serves());
        match (served.next(), served.next()) {
            (Some(model), None) => Ok(model),
            (None, _) => Err(ServeError::NothingLoaded),
            (Some(first), Some(second)) => {
                let names = [first, second].into_iter().chain(served);
                Err(ServeError::AmbiguousModel {
                    names: names.map(|model| model.entry.name.to_string()).collect(),
                })
            }
        }
    }
}

impl Model {
    /// Whether any version answers.
    pub fn serves(&self) -> bool {
        !self.loaded.is_empty()
    }

    /// Where one of the entry's versions stands.
    pub fn standing(&self, entry: &CatalogVersion) -> Standing<'_> {
        match (self.loaded.get(&entry.version), self.failures.get(&entry.version), entry.status) {
            (Some(loaded), ..) => Standing::Serving(loaded),
            (None, Some(failure), _) => Standing::Failed(failure),
            (None, None, Status::Pending) => Standing::Pending,
            (None, None, Status::Incomplete) => Standing::Incomplete,
            (None, None, Status::Rejected) => Standing::Rejected,
            (None, None, Status::Admitted) => Standing::Admitted,
            (None, None, Status::Withdrawn) => Standing::Withdrawn,
        }
    }

    fn resolve(&self, choice: &Choice) -> Result<&Arc<Loaded>, ServeError> {
        let name = || self.entry.name.clone();
        match choice {
            Choice::Default => match self.default.and_then(|version| self.loaded.get(&version)) {
                Some(loaded) => Ok(loaded),
                None => Err(self.none_serves()),
            },
            Choice::Version(number) => {
                let entry = self.entry.versions.iter().find(|entry| entry.version.get() == *number);
                let entry =
                    entry.ok_or_else(|| ServeError::UnknownVersion { name: name(), version: *number })?;
                self.answering(entry)
            }
            Choice::Label(label) => {
                let version =
                    self.entry.labels.get(label.as_str()).and_then(|version| self.entry.version(*version));
                let entry =
                    version.ok_or_else(|| ServeError::UnknownLabel { name: name(), label: label.clone() })?;
                self.answering(entry)
            }
        }
    }

    fn answering(&self, entry: &CatalogVersion) -> Result<&Arc<Loaded>, ServeError> {
        let (name, version) = (self.entry.name.clone(), entry.version);
        let not_served = |standing| ServeError::NotServed {
            name: name.clone(),
            version,
            standing,
            serving: self.loaded.keys().copied().collect(),
        };
        Err(match self.standing(entry) {
            Standing::Serving(loaded) => return Ok(loaded),
            Standing::Failed(failure) => refused(name, version, Some(failure)),
            Standing::Incomplete | Standing::Rejected => refused(name, version, entry.refusal.as_ref()),
            Standing::Pending => ServeError::Pending { name, version },
            Standing::Admitted => not_served("admitted"),
            Standing::Withdrawn => not_served("withdrawn"),
        })
    }

    /// Says why by the newest version, which is what the caller is waiting for.
    fn none_serves(&self) -> ServeError {
        match self.entry.versions.last().map(|newest| self.answering(newest)) {
            Some(Err(error @ (ServeError::Pending { .. } | ServeError::Refused { .. }))) => error,
            _ => ServeError::NoneServes { name: self.entry.name.clone() },
        }
    }
}

fn refused(name: Name, version: Version, refusal: Option<&Refusal>) -> ServeError {
    let (check, reason) = match refusal {
        Some(refusal) => (refusal.check.clone(), refusal.reason.clone()),
        None => ("layout".to_owned(), "the catalog gives no reason".to_owned()),
    };
    ServeError::Refused { name, version, check, reason }
}
