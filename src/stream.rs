//! PredictStream: one message after another, each answered as Predict would. A task per stream reads, answers and hands over;
//! it goes no further than its client reads, and ends on time though nobody reads at all.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use tokio::{
    sync::{
        mpsc::{Sender, channel},
        watch,
    },
    time::{Instant, timeout_at},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, Streaming};

use crate::{
    call::Call,
    error::ServeError,
    infer::{Deadline, panicked},
    limits::{Lifetime, Limits},
    pb::{PredictRequest, PredictResponse},
    service::Predict,
};

/// What the streams of a server have in common.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// Ends when the server stops.
    stopped: watch::Receiver<()>,
    /// The longest that a stream may last.
    longest: Duration,
    /// For how many seconds the client may neither send nor read.
    idle: u64,
    /// How long one message may be computed.
    message: Duration,
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream {
    predict: Predict,
    call: Call,
    messages: Streaming<PredictRequest>,
    lifetime: Lifetime,
}

type Answer = Result<PredictResponse, Status>;

impl Rules {
    pub(crate) fn new(limits: &Limits, stopped: watch::Receiver<()>) -> Self {
        Self {
            stopped,
            longest: Duration::from_secs(limits.connection_age_seconds),
            idle: limits.stream_idle_seconds,
            message: Duration::from_secs(limits.call_seconds),
        }
    }
}

impl Stream {
    /// A stream that `predict` answers.
    pub(crate) fn new(
        predict: Predict,
        request: Request<Streaming<PredictRequest>>,
    ) -> Result<Self, ServeError> {
        let lifetime = Lifetime::of(request.metadata().as_ref(), predict.streams.longest);
        let (_, context, messages) = request.into_parts();
        let call = context.get::<Call>().ok_or(ServeError::Unauthenticated)?.clone();
        Ok(Self { predict, call, messages, lifetime })
    }

    /// The answers, of which one is made before it is read.
    pub(crate) fn answers(mut self) -> ReceiverStream<Answer> {
        // The second place is for the status at the end, which is there for a reader who has stood still.
        let (answers, read) = channel(2);
        tokio::spawn(async move {
            let Ok(end) = answers.clone().reserve_owned().await else { return };
            let ended = AssertUnwindSafe(self.run(&answers)).catch_unwind().await;
            if let Err(status) = ended.unwrap_or_else(|_| Err(panicked().into())) {
                end.send(Err(status));
            }
        });
        ReceiverStream::new(read)
    }

    async fn run(&mut self, answers: &Sender<Answer>) -> Result<(), Status> {
        while let Some(message) = self.next().await? {
            let answer = self.answer(message).await?;
            self.call.place.give_back();
            let read = timeout_at(self.while_idle(), answers.send(Ok(answer))).await;
            if read.map_err(|_| self.stood_still())?.is_err() {
                // The client has left.
                break;
            }
        }
        Ok(())
    }

    /// The next message; none once the client has sent all.
    async fn next(&mut self) -> Result<Option<PredictRequest>, Status> {
        let limit = self.while_idle();
        let message = tokio::select! {
            biased;
            _ = self.predict.streams.stopped.changed() => return Err(ServeError::Draining.into()),
            message = timeout_at(limit, self.messages.message()) => message,
        };
        message.unwrap_or_else(|_| Err(self.stood_still().into()))
    }

    async fn answer(&self, message: PredictRequest) -> Result<PredictResponse, ServeError> {
        let deadline = self.lifetime.end.min(Instant::now() + self.predict.streams.message);
        let call = Call { deadline: Deadline(deadline), ..self.call.clone() };
        let answer = self.predict.answer(&call, message.into());
        timeout_at(deadline, answer).await.map_err(|_| ServeError::DeadlineExceeded)?
    }

    /// Until when the client may do nothing.
    fn while_idle(&self) -> Instant {
        self.lifetime.end.min(Instant::now() + Duration::from_secs(self.predict.streams.idle))
    }

    /// Why it ends, when it has done nothing that long.
    fn stood_still(&self) -> ServeError {
        if Instant::now() >= self.lifetime.end {
            return self.lifetime.last_words.clone();
        }
        ServeError::StoodStill { seconds: self.predict.streams.idle }
    }
}
