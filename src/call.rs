//! What is known of one call besides its message. Travels in the extensions of its request.

use std::sync::{Arc, Mutex, PoisonError};

use artifact::{Name, Version};
use bytes::Bytes;

use crate::{
    gate::Place,
    infer::Deadline,
    keys::Caller,
    registry::{Loaded, Texts},
};

/// A call that was let in.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) caller: Caller,
    pub(crate) deadline: Deadline,
    pub(crate) learnt: Learnt,
    pub(crate) place: Place,
}

/// What the service learns of the call, for the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learnt(Arc<Mutex<Fields>>);

/// See [`Learnt`].
#[derive(Debug, Default)]
pub(crate) struct Fields {
    /// The name that was asked for, where no model was found.
    pub(crate) asked: Option<Name>,
    pub(crate) found: Option<Found>,
    /// In all messages of the call.
    pub(crate) rows: Option<usize>,
}

/// The version that answered last. Not the version itself, which a stream that stands still would keep in memory.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) name: Bytes,
    pub(crate) version: Version,
    pub(crate) digest: Bytes,
}

impl From<&Loaded> for Found {
    fn from(loaded: &Loaded) -> Self {
        let Texts { name, digest, .. } = &loaded.texts;
        Self { name: name.clone(), version: loaded.version, digest: digest.clone() }
    }
}

impl Learnt {
    /// Adds what was learnt.
    pub(crate) fn note(&self, learnt: impl FnOnce(&mut Fields)) {
        learnt(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What was learnt.
    pub(crate) fn take(&self) -> Fields {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The service of a path `/SERVICE/METHOD`.
pub(crate) fn service(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or_default();
    path.split_once('/').map_or("", |(service, _)| service)
}

/// Which room of the gate a call takes a place in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Needs no key.
    Open,
    /// WatchModels, which goes on until someone ends it.
    Watch,
    /// PredictStream, which goes on as long as its client sends.
    Stream,
    /// Any other.
    Keyed,
}

impl Kind {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            _ if is_open(path) => Self::Open,
            "/linfa.serve.v1.ModelService/WatchModels" => Self::Watch,
            "/linfa.serve.v1.PredictService/PredictStream" => Self::Stream,
            _ => Self::Keyed,
        }
    }
}

/// Health and reflection tell nothing that needs a key.
pub(crate) fn is_open(path: &str) -> bool {
    path.starts_with("/grpc.health.v1.") || path.starts_with("/grpc.reflection.")
}
