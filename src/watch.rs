//! WatchModels: the whole state at once, then what is new of it. A watch remembers how far it has told and which
//! models there were, no more; whoever reads slowly is told the newest state when he reads on.

use std::{collections::BTreeSet, time::Duration};

use artifact::Name;
use futures_util::{Stream, stream};
use http::HeaderMap;
use tokio::{sync::watch, time::timeout_at};
use tonic::Status;

use crate::{
    error::ServeError,
    limits::Lifetime,
    pb::WatchModelsResponse,
    registry::{Models, Snapshot},
    wire,
};

/// One watch.
#[derive(Debug)]
pub(crate) struct Watcher {
    models: Models,
    /// Ends when the server stops.
    stopped: watch::Receiver<()>,
    lifetime: Lifetime,
    told: Option<Told>,
}

/// What the last message left the reader with.
#[derive(Debug, Default)]
struct Told {
    revision: u64,
    names: BTreeSet<Name>,
}

impl Watcher {
    /// A watch with these headers, which lasts `longest` if they do not ask for less.
    pub(crate) fn new(
        models: Models,
        stopped: watch::Receiver<()>,
        headers: &HeaderMap,
        longest: Duration,
    ) -> Self {
        Self { models, stopped, lifetime: Lifetime::of(headers, longest), told: None }
    }

    /// The messages, made as they are read.
    pub(crate) fn messages(self) -> impl Stream<Item = Result<WatchModelsResponse, Status>> + Send {
        stream::unfold(Some(self), async |watcher| {
            let mut watcher = watcher?;
            let message = watcher.next().await;
            let rest = message.is_ok().then_some(watcher);
            Some((message.map_err(Status::from), rest))
        })
    }

    async fn next(&mut self) -> Result<WatchModelsResponse, ServeError> {
        loop {
            let snapshot = self.models.snapshot();
            if self.told.as_ref().is_none_or(|told| told.revision != snapshot.revision) {
                return Ok(self.tell(&snapshot));
            }
            let news = async {
                tokio::select! {
                    _ = self.stopped.changed() => Err(ServeError::Draining),
                    () = self.models.changed() => Ok(()),
                }
            };
            timeout_at(self.lifetime.end, news).await.map_err(|_| self.lifetime.last_words.clone())??;
        }
    }

    fn tell(&mut self, snapshot: &Snapshot) -> WatchModelsResponse {
        let names = snapshot.models.keys().cloned().collect();
        let told = self.told.replace(Told { revision: snapshot.revision, names }).unwrap_or_default();
        let changed = snapshot.models.values().filter(|model| model.changed > told.revision);
        let removed = told.names.iter().filter(|name| !snapshot.models.contains_key(*name));
        WatchModelsResponse {
            models: changed.map(wire::model).collect(),
            removed: removed.map(Name::to_string).collect(),
            catalog: wire::catalog(snapshot),
        }
    }
}
