//! What every call passes before a service sees it, in this order: a line of the log, a key, a place, a deadline.
//! One layer: each would cost every call its own allocations.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::Router;
use futures_util::FutureExt as _;
use http::{Request, Response, header::AUTHORIZATION};
use tokio::time::timeout_at;
use tonic::{Status, body::Body};
use tower_service::Service;

use crate::{
    access::{Line, Watch},
    auth,
    call::{Call, Kind, service},
    error::ServeError,
    gate::{Gate, Place},
    infer::panicked,
    keys::KeyRing,
    limits,
    pb::predict_service_server::{PredictServiceServer, SERVICE_NAME},
    service::Predict,
    tapped::Tapped,
};

/// The whole of what the transport calls. It is cloned for every call, so what it is made of is shared.
#[derive(Clone, Debug)]
pub(crate) struct Door(Arc<Parts>);

/// What a door is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) keys: KeyRing,
    pub(crate) gate: Gate,
    /// The longest that a call may take.
    pub(crate) longest: Duration,
    /// Apart from the others, so that a prediction does not pay for finding its way among them.
    pub(crate) predict: PredictServiceServer<Predict>,
    pub(crate) others: Router,
}

impl From<Parts> for Door {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Service<Request<Body>> for Door {
    type Response = Response<Tapped<Watch>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Tapped<Watch>>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self(parts) = self.clone();
        Box::pin(async move {
            let mut line = Line::begin(request.uri().path());
            // Whatever panics, only its own call ends.
            let answered = AssertUnwindSafe(parts.answer(request, &mut line)).catch_unwind().await;
            let (response, place) = answered
                .unwrap_or_else(|_| Err(panicked()))
                .unwrap_or_else(|error| (Status::from(error).into_http(), None));
            Ok(line.watch(response, place))
        })
    }
}

impl Parts {
    /// The answer, and what to hold until its end.
    async fn answer(
        &self,
        mut request: Request<Body>,
        line: &mut Line,
    ) -> Result<(Response<Body>, Option<Place>), ServeError> {
        let kind = Kind::of(request.uri().path());
        let caller = match kind {
            Kind::Open => None,
            Kind::Watch | Kind::Stream | Kind::Keyed => {
                Some(auth::caller(&self.keys.load(), request.uri().path(), request.headers())?)
            }
        };
        // From here on nothing can log it.
        request.headers_mut().remove(AUTHORIZATION);
        line.key = caller.as_ref().map(|caller| caller.id.clone());
        let place = self.gate.enter(kind)?;
        let deadline = limits::deadline(request.headers(), self.longest);
        if let Some(caller) = caller {
            let (learnt, place) = (line.learnt.clone(), place.clone());
            request.extensions_mut().insert(Call { caller, deadline, learnt, place });
        }
        let request = request.map(|body| place.weigh(body));
        let is_predict = service(request.uri().path()) == SERVICE_NAME;
        let answered = async {
            let Ok(response) = match is_predict {
                true => self.predict.clone().call(request).await,
                false => self.others.clone().call(request).await.map(|response| response.map(Body::new)),
            };
            response
        };
        let response = timeout_at(deadline.0, answered).await.map_err(|_| ServeError::DeadlineExceeded)?;
        // A watch goes on after its answer has begun, and is a call until it ends. So does a stream, whose task has the place.
        Ok((response, matches!(kind, Kind::Watch | Kind::Open).then_some(place)))
    }
}
