//! The client: connections, one key, one deadline. What goes over it is in `input` and `prediction`.

use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{
    Code, Request, Response, Status,
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint},
};
use tower::{ServiceExt as _, retry::Retry, service_fn};

use crate::{
    ApiKey, Error, Input, Prediction, Predictions, Target, Watch,
    pb::{
        GetModelRequest, GetModelResponse, ListModelsRequest, ListModelsResponse, WatchModelsRequest,
        model_service_client::ModelServiceClient, predict_service_client::PredictServiceClient,
    },
    retry::Attempts,
};

/// How long a call may take, unless [`Client::with_deadline`] says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// How often a connection is asked whether the server is still there, while a call is under way on it, and how long that
/// may take. Without it a watch would wait for ever on a server that is cut off.
const KEEPALIVE: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(10)];
/// The most bytes of one answer. tonic's own 4 MiB are few for a large batch over many classes.
pub const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The generated client of predictions, with the key.
pub type RawPredict = PredictServiceClient<InterceptedService<Channel, ApiKey>>;
/// The generated client of model states, with the key.
pub type RawModels = ModelServiceClient<InterceptedService<Channel, ApiKey>>;

/// A client of one server, or of several that serve the same. Clones share the connections, which come back by themselves.
#[derive(Clone, Debug)]
pub struct Client {
    predict: RawPredict,
    models: RawModels,
    deadline: Duration,
    retries: bool,
}

impl Client {
    /// Connects to a server, such as `http://127.0.0.1:50051`.
    ///
    /// # Errors
    /// [`Error::Endpoint`] if that is no URL, [`Error::Tls`] if it begins with `https`, [`Error::Unreachable`] if
    /// nothing answers there.
    pub async fn connect(endpoint: &str, key: ApiKey) -> Result<Self, Error> {
        let channel = url(endpoint)?.connect().await.map_err(|cause| Error::unreachable(endpoint, cause))?;
        Ok(Self::over(channel, key))
    }

    /// A client of several servers that serve the same. Each call goes to one of those that are there, the less busy of two
    /// by chance. They are connected when they are needed.
    ///
    /// # Errors
    /// [`Error::NoEndpoint`], [`Error::Endpoint`] or [`Error::Tls`], by the first address that is none.
    pub fn balanced<'a>(endpoints: impl IntoIterator<Item = &'a str>, key: ApiKey) -> Result<Self, Error> {
        let endpoints = endpoints.into_iter().map(url).collect::<Result<Vec<_>, _>>()?;
        if endpoints.is_empty() {
            return Err(Error::NoEndpoint);
        }
        Ok(Self::over(Channel::balance_list(endpoints.into_iter()), key))
    }

    /// A client over a channel that was made elsewhere, as for TLS or a proxy.
    pub fn over(channel: Channel, key: ApiKey) -> Self {
        Self {
            predict: PredictServiceClient::with_interceptor(channel.clone(), key.clone())
                .max_decoding_message_size(MAX_ANSWER_BYTES),
            models: ModelServiceClient::with_interceptor(channel, key)
                .max_decoding_message_size(MAX_ANSWER_BYTES),
            deadline: DEADLINE,
            retries: true,
        }
    }

    /// The same client with another deadline for each of its calls, all attempts together.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// The same client, which asks once: what is refused for now is an error at once.
    #[must_use]
    pub fn without_retries(self) -> Self {
        Self { retries: false, ..self }
    }

    /// Predicts every row of `input`.
    ///
    /// # Errors
    /// [`Error::Refused`] with the server's reasons, [`Error::Deadline`], or [`Error::Malformed`].
    pub async fn predict(
        &self,
        target: impl Into<Target>,
        input: impl Into<Input>,
    ) -> Result<Prediction, Error> {
        let request = target.into().request(input.into());
        let raw = &self.predict;
        self.call(request, |request| async { raw.clone().predict(request).await }).await?.try_into()
    }

    /// Predicts one input after the other over one call: what is too large for one message, or never ends. Each input is
    /// taken when the one before it is on its way, so that neither side holds more than a few of them. Each is
    /// answered by the version that serves then.
    ///
    /// The deadline is for the beginning, and for each wait for an answer. A stream is never begun anew by itself.
    ///
    /// # Errors
    /// As [`Client::predict`].
    pub async fn predict_stream<S>(&self, target: impl Into<Target>, inputs: S) -> Result<Predictions, Error>
    where
        S: Stream<Item = Input> + Send + 'static,
    {
        let target = target.into();
        let requests = inputs.map(move |input| target.clone().request(input));
        let mut raw = self.raw_predict();
        let begun = timeout(self.deadline, raw.predict_stream(requests)).await;
        let begun = begun.map_err(|_| Error::Deadline(self.deadline))?;
        let answers = begun.map_err(|status| Error::refused(&status))?.into_inner();
        Ok(Predictions::new(answers, self.deadline))
    }

    /// Every model, with what serves, what was refused and why.
    ///
    /// # Errors
    /// As [`Client::predict`].
    pub async fn list_models(&self) -> Result<ListModelsResponse, Error> {
        let raw = &self.models;
        self.call(ListModelsRequest {}, |request| async { raw.clone().list_models(request).await }).await
    }

    /// One model.
    ///
    /// # Errors
    /// As [`Client::predict`]; `NOT_FOUND` if the catalog does not name it.
    pub async fn get_model(&self, name: &str) -> Result<GetModelResponse, Error> {
        let raw = &self.models;
        let request = GetModelRequest { name: name.to_owned() };
        self.call(request, |request| async { raw.clone().get_model(request).await }).await
    }

    /// Every model, and from then on what changes of them. The deadline is for the beginning alone.
    ///
    /// # Errors
    /// As [`Client::predict`].
    pub async fn watch(&self) -> Result<Watch, Error> {
        let raw = &self.models;
        // The header would end the watch.
        let begin = |request: Request<_>| async { raw.clone().watch_models(request.into_inner()).await };
        Ok(Watch::new(self.call(WatchModelsRequest {}, begin).await?))
    }

    /// The generated client below [`Client::predict`]; it has no deadline of its own, and asks once.
    pub fn raw_predict(&self) -> RawPredict {
        self.predict.clone()
    }

    /// The generated client below [`Client::list_models`]; it has no deadline of its own, and asks once.
    pub fn raw_models(&self) -> RawModels {
        self.models.clone()
    }

    /// Tells the server the deadline, and keeps it here too: against a server that hangs, or hangs half-way through
    /// an answer, the header alone is no help.
    async fn call<Q: Clone, A, F>(
        &self,
        message: Q,
        send: impl Fn(Request<Q>) -> F + Clone,
    ) -> Result<A, Error>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let end = Instant::now() + self.deadline;
        let attempt = service_fn(move |message| {
            let mut request = Request::new(message);
            request.set_timeout(end.saturating_duration_since(Instant::now()));
            send(request)
        });
        let attempts = if self.retries { Attempts::until(end) } else { Attempts::once() };
        match timeout_at(end, Retry::new(attempts, attempt).oneshot(message)).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            // tonic reads the same header, and calls the end of the time a cancellation.
            Ok(Err(status)) if status.code() == Code::Cancelled && Instant::now() >= end => {
                Err(Error::Deadline(self.deadline))
            }
            Ok(Err(status)) => Err(Error::refused(&status)),
            Err(_) => Err(Error::Deadline(self.deadline)),
        }
    }
}

fn url(endpoint: &str) -> Result<Endpoint, Error> {
    let invalid = || Error::Endpoint { endpoint: endpoint.to_owned() };
    let url = Endpoint::from_shared(endpoint.to_owned()).map_err(|_| invalid())?;
    match url.uri().scheme_str() {
        Some("http") => {}
        Some("https") => return Err(Error::Tls { endpoint: endpoint.to_owned() }),
        _ => return Err(invalid()),
    }
    let [every, within] = KEEPALIVE;
    Ok(url.connect_timeout(DEADLINE).http2_keep_alive_interval(every).keep_alive_timeout(within))
}
