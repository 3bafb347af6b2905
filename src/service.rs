//! The services. A method takes the request apart, calls, and wraps the answer.

use std::{pin::Pin, sync::Arc, time::Duration};

use futures_util::Stream;
use tokio::sync::watch;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::{
    call::{Call, Found},
    error::ServeError,
    infer::Inference,
    keys::Caller,
    pb::{self, model_service_server::ModelService, predict_service_server::PredictService},
    registry::{Loaded, Models, Snapshot},
    stream, tensor,
    watch::Watcher,
    wire,
};

/// Answers Predict and PredictStream.
#[derive(Clone, Debug)]
pub(crate) struct Predict {
    pub(crate) models: Models,
    pub(crate) inference: Arc<Inference>,
    /// See [`crate::limits::Limits::rows`].
    pub(crate) max_rows: usize,
    /// The most numbers of one answer: more would not fit into a response.
    pub(crate) max_numbers: usize,
    pub(crate) streams: stream::Rules,
}

/// Answers ListModels, GetModel and WatchModels.
#[derive(Clone, Debug)]
pub(crate) struct Catalogue {
    pub(crate) models: Models,
    /// Ends when the server stops.
    pub(crate) stopped: watch::Receiver<()>,
    /// The longest that a watch may last.
    pub(crate) longest_watch: Duration,
}

#[tonic::async_trait]
impl PredictService for Predict {
    async fn predict(
        &self,
        request: Request<pb::PredictRequest>,
    ) -> Result<Response<pb::PredictResponse>, Status> {
        let (_, context, message) = request.into_parts();
        let call = context.get().ok_or(ServeError::Unauthenticated)?;
        Ok(Response::new(self.answer(call, message.into()).await?))
    }

    type PredictStreamStream = ReceiverStream<Result<pb::PredictResponse, Status>>;

    async fn predict_stream(
        &self,
        request: Request<Streaming<pb::PredictRequest>>,
    ) -> Result<Response<Self::PredictStreamStream>, Status> {
        Ok(Response::new(stream::Stream::new(self.clone(), request)?.answers()))
    }
}

impl Predict {
    pub(crate) async fn answer(
        &self,
        call: &Call,
        asked: wire::Asked,
    ) -> Result<pb::PredictResponse, ServeError> {
        let Call { caller, deadline, learnt, .. } = call;
        let snapshot = self.models.snapshot();
        let loaded = match find(&snapshot, caller, &asked) {
            Ok(loaded) => loaded,
            Err(error) => {
                // What is no name stays out of the log: a client could write anything of any length there.
                learnt.note(|fields| fields.asked = asked.model.parse().ok());
                return Err(error);
            }
        };
        learnt.note(|fields| fields.found = Some(Found::from(loaded.as_ref())));

        let rows = wire::rows(asked.input)?;
        let max_rows = self.max_rows.min(self.max_numbers / loaded.model.row_width()).max(1);
        let batch = tensor::batch(rows, &loaded.model, max_rows)?;
        learnt.note(|fields| *fields.rows.get_or_insert_default() += batch.rows());
        let predictions = self.inference.predict(loaded, batch, *deadline).await?;
        Ok(wire::answer(loaded, predictions))
    }
}

#[tonic::async_trait]
impl ModelService for Catalogue {
    async fn list_models(
        &self,
        _: Request<pb::ListModelsRequest>,
    ) -> Result<Response<pb::ListModelsResponse>, Status> {
        let snapshot = self.models.snapshot();
        let models = snapshot.models.values().map(wire::model).collect();
        Ok(Response::new(pb::ListModelsResponse { models, catalog: wire::catalog(&snapshot) }))
    }

    async fn get_model(
        &self,
        request: Request<pb::GetModelRequest>,
    ) -> Result<Response<pb::GetModelResponse>, Status> {
        let snapshot = self.models.snapshot();
        let model = snapshot.model(&request.get_ref().name)?;
        let (model, catalog) = (Some(wire::model(model)), wire::catalog(&snapshot));
        Ok(Response::new(pb::GetModelResponse { model, catalog }))
    }

    type WatchModelsStream = Pin<Box<dyn Stream<Item = Result<pb::WatchModelsResponse, Status>> + Send>>;

    async fn watch_models(
        &self,
        request: Request<pb::WatchModelsRequest>,
    ) -> Result<Response<Self::WatchModelsStream>, Status> {
        let (models, stopped) = (self.models.clone(), self.stopped.clone());
        let watcher = Watcher::new(models, stopped, request.metadata().as_ref(), self.longest_watch);
        Ok(Response::new(Box::pin(watcher.messages())))
    }
}

/// The version that is asked for, if the caller may ask it.
fn find<'a>(
    snapshot: &'a Snapshot,
    caller: &Caller,
    asked: &wire::Asked,
) -> Result<&'a Arc<Loaded>, ServeError> {
    // Before the look-up: a key must not learn which models there are beyond its own.
    if !asked.model.is_empty() {
        permit(caller, &asked.model)?;
    }
    let loaded = snapshot.resolve(&asked.model, &asked.choice)?;
    permit(caller, loaded.name.as_str())?;
    Ok(loaded)
}

fn permit(caller: &Caller, model: &str) -> Result<(), ServeError> {
    if caller.may_predict(model) {
        return Ok(());
    }
    // The name is the caller's own text; a scope is only said of what could be one.
    let scope = match model.parse::<artifact::Name>() {
        Ok(name) => format!("predict:{name}"),
        Err(_) => "predict:*".to_owned(),
    };
    Err(ServeError::Forbidden { scope })
}
