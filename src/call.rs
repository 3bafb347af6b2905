//! What the layers of one call tell each other about it: who, which model, how much. Travels in its extensions.

use std::sync::{Arc, Mutex, PoisonError};

use artifact::{Digest, Name};

/// What is learnt about a call while it is answered. In its extensions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call(Arc<Mutex<Fields>>);

/// See [`Call`].
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) key: Option<Arc<str>>,
    pub(crate) model: Option<Name>,
    pub(crate) version: Option<u64>,
    pub(crate) digest: Option<Digest>,
    pub(crate) rows: Option<usize>,
}

impl Call {
    /// Adds what was learnt.
    pub(crate) fn note(&self, learnt: impl FnOnce(&mut Fields)) {
        learnt(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What was learnt.
    pub(crate) fn take(&self) -> Fields {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Health and reflection tell nothing that needs a key.
pub(crate) fn is_open(path: &str) -> bool {
    path.starts_with("/grpc.health.v1.") || path.starts_with("/grpc.reflection.")
}
