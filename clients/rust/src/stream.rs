//! The answers of a stream, as they come.

use std::time::Duration;

use tokio::time::timeout;
use tonic::Streaming;

use crate::{Error, Prediction, pb::PredictResponse};

/// One answer for each input of a stream, in their order. Ends when it is dropped.
#[derive(Debug)]
pub struct Predictions {
    answers: Streaming<PredictResponse>,
    patience: Duration,
}

impl Predictions {
    pub(crate) fn new(answers: Streaming<PredictResponse>, patience: Duration) -> Self {
        Self { answers, patience }
    }

    /// Waits for the next answer; none once every input is answered.
    ///
    /// # Errors
    /// [`Error::Refused`] for the first input that has no answer, which ends the stream; [`Error::Deadline`] if nothing comes
    /// for as long as the client's deadline; [`Error::Malformed`].
    pub async fn next(&mut self) -> Result<Option<Prediction>, Error> {
        match timeout(self.patience, self.answers.message()).await {
            Ok(Ok(answer)) => answer.map(Prediction::try_from).transpose(),
            Ok(Err(status)) => Err(Error::refused(&status)),
            Err(_) => Err(Error::Deadline(self.patience)),
        }
    }
}
