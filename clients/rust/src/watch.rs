//! What changes of the models, as it does.

use tonic::Streaming;

use crate::{
    Error,
    pb::{ListModelsResponse, WatchModelsResponse},
};

/// A watch of a server's models. Ends when it is dropped.
#[derive(Debug)]
pub struct Watch {
    messages: Streaming<WatchModelsResponse>,
    state: ListModelsResponse,
}

impl Watch {
    pub(crate) fn new(messages: Streaming<WatchModelsResponse>) -> Self {
        Self { messages, state: ListModelsResponse::default() }
    }

    /// Waits for the next message: at first every model, then what has changed.
    ///
    /// # Errors
    /// [`Error::Refused`] at the end of the watch: `UNAVAILABLE` if the server stops, cannot be reached, or has let the watch last
    /// as long as it may. Then watch again.
    pub async fn next(&mut self) -> Result<WatchModelsResponse, Error> {
        let message = self.messages.message().await.map_err(|status| Error::refused(&status))?;
        let message = message.ok_or(Error::Malformed("ended without a reason"))?;
        let is_old = |name: &String| {
            message.removed.contains(name) || message.models.iter().any(|model| model.name == *name)
        };
        let state = &mut self.state;
        state.models.retain(|model| !is_old(&model.name));
        state.models.extend(message.models.iter().cloned());
        state.models.sort_by(|a, b| a.name.cmp(&b.name));
        state.catalog.clone_from(&message.catalog);
        Ok(message)
    }

    /// All that the messages have told so far, as ListModels would.
    pub fn state(&self) -> &ListModelsResponse {
        &self.state
    }
}
