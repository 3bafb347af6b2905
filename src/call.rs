//! What is known of one call besides its message. Travels in the extensions of its request.

use std::sync::{Arc, Mutex, PoisonError};

use artifact::Name;

use crate::{infer::Deadline, keys::Caller, registry::Loaded};

/// A call that was let in.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) caller: Caller,
    pub(crate) deadline: Deadline,
    pub(crate) learnt: Learnt,
}

/// What the service learns of the call, for the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learnt(Arc<Mutex<Fields>>);

/// See [`Learnt`].
#[derive(Debug, Default)]
pub(crate) struct Fields {
    /// The name that was asked for, where no model was found.
    pub(crate) asked: Option<Name>,
    pub(crate) found: Option<Arc<Loaded>>,
    pub(crate) rows: Option<usize>,
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

/// Health and reflection tell nothing that needs a key.
pub(crate) fn is_open(path: &str) -> bool {
    path.starts_with("/grpc.health.v1.") || path.starts_with("/grpc.reflection.")
}
