//! The client: one connection, one key, one deadline. What goes over it is in `input` and `prediction`.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use tonic::{
    Code, Request, Response, Status,
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint},
};

use crate::{
    ApiKey, Error, Input, Prediction, Target, Watch,
    pb::{
        GetModelRequest, GetModelResponse, ListModelsRequest, ListModelsResponse, PredictRequest,
        WatchModelsRequest, model_service_client::ModelServiceClient,
        predict_service_client::PredictServiceClient,
    },
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

/// A client of one server. Clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    predict: RawPredict,
    models: RawModels,
    deadline: Duration,
}

impl Client {
    /// Connects to a server, such as `http://127.0.0.1:50051`.
    ///
    /// # Errors
    /// [`Error::Endpoint`] if that is no URL, [`Error::Tls`] if it begins with `https`, [`Error::Unreachable`] if
    /// nothing answers there.
    pub async fn connect(endpoint: &str, key: ApiKey) -> Result<Self, Error> {
        let invalid = || Error::Endpoint { endpoint: endpoint.to_owned() };
        let url = Endpoint::from_shared(endpoint.to_owned()).map_err(|_| invalid())?;
        match url.uri().scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err(Error::Tls { endpoint: endpoint.to_owned() });
            }
            _ => return Err(invalid()),
        }
        let [every, within] = KEEPALIVE;
        let url = url.connect_timeout(DEADLINE).http2_keep_alive_interval(every).keep_alive_timeout(within);
        let channel = url.connect().await.map_err(|cause| Error::unreachable(endpoint, cause))?;
        Ok(Self::over(channel, key))
    }

    /// A client over a channel that was made elsewhere, for TLS, proxies or several addresses.
    pub fn over(channel: Channel, key: ApiKey) -> Self {
        Self {
            predict: PredictServiceClient::with_interceptor(channel.clone(), key.clone())
                .max_decoding_message_size(MAX_ANSWER_BYTES),
            models: ModelServiceClient::with_interceptor(channel, key)
                .max_decoding_message_size(MAX_ANSWER_BYTES),
            deadline: DEADLINE,
        }
    }

    /// The same client with another deadline for each of its calls.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Predicts every row of `input`.
    ///
    /// # Errors
    /// [`Error::Refused`] with the server's reasons, [`Error::Deadline`], or [`Error::Malformed`].
    pub async fn predict(&self, target: impl Into<Target>, input: Input) -> Result<Prediction, Error> {
        let target = target.into();
        let request =
            PredictRequest { model: target.model, choice: target.choice.into(), input: Some(input.into()) };
        let mut raw = self.raw_predict();
        self.call(request, |request| async move { raw.predict(request).await }).await?.try_into()
    }

    /// Every model, with what serves, what was refused and why.
    ///
    /// # Errors
    /// As [`Client::predict`].
    pub async fn list_models(&self) -> Result<ListModelsResponse, Error> {
        let mut raw = self.raw_models();
        self.call(ListModelsRequest {}, |request| async move { raw.list_models(request).await }).await
    }

    /// One model.
    ///
    /// # Errors
    /// As [`Client::predict`]; `NOT_FOUND` if the catalog does not name it.
    pub async fn get_model(&self, name: &str) -> Result<GetModelResponse, Error> {
        let mut raw = self.raw_models();
        let request = GetModelRequest { name: name.to_owned() };
        self.call(request, |request| async move { raw.get_model(request).await }).await
    }

    /// Every model, and from then on what changes of them. The deadline is for the beginning alone.
    ///
    /// # Errors
    /// As [`Client::predict`].
    pub async fn watch(&self) -> Result<Watch, Error> {
        let mut raw = self.raw_models();
        let begun = raw.watch_models(WatchModelsRequest {});
        match tokio::time::timeout(self.deadline, begun).await {
            Ok(Ok(response)) => Ok(Watch::new(response.into_inner())),
            Ok(Err(status)) => Err(Error::refused(&status)),
            Err(_) => Err(Error::Deadline(self.deadline)),
        }
    }

    /// The generated client below [`Client::predict`]; it has no deadline of its own.
    pub fn raw_predict(&self) -> RawPredict {
        self.predict.clone()
    }

    /// The generated client below [`Client::list_models`]; it has no deadline of its own.
    pub fn raw_models(&self) -> RawModels {
        self.models.clone()
    }

    /// Tells the server the deadline, and keeps it here too: against a server that hangs, or hangs half-way through
    /// an answer, the header alone is no help.
    async fn call<Q, A, F>(&self, message: Q, send: impl FnOnce(Request<Q>) -> F) -> Result<A, Error>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let mut request = Request::new(message);
        request.set_timeout(self.deadline);
        let started = Instant::now();
        match tokio::time::timeout(self.deadline, send(request)).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            // tonic reads the same header, and calls the end of the time a cancellation.
            Ok(Err(status)) if status.code() == Code::Cancelled && started.elapsed() >= self.deadline => {
                Err(Error::Deadline(self.deadline))
            }
            Ok(Err(status)) => Err(Error::refused(&status)),
            Err(_) => Err(Error::Deadline(self.deadline)),
        }
    }
}
