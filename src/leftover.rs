//! What still comes of a request of HTTP/1.1 that is refused before its body was read. Over HTTP/2 the peer is told to stop;
//! here the connection would be closed while it sends, and a browser then shows its page no answer, but a failed fetch.

use std::{
    convert::Infallible,
    mem,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::Either;
use http::{Request, Response, Version};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt as _, Limited};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};
use tonic::{Status, body::Body};
use tower_service::Service;

/// Reads, before it passes an answer on, what nobody has read of the call's body.
#[derive(Clone, Debug)]
pub(crate) struct Leftover<S> {
    pub(crate) service: S,
    /// How much of it, in bytes; of what is longer, no more.
    pub(crate) most: usize,
    /// How long the call may take in all.
    pub(crate) longest: Duration,
}

impl<S> Service<Request<Body>> for Leftover<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.version() == Version::HTTP_2 {
            return Either::Left(self.service.call(request));
        }
        let (most, end) = (self.most, Instant::now() + self.longest);
        let (back, mut returned) = oneshot::channel();
        let answered = self.service.call(request.map(|body| Body::new(Lent { body, back: Some(back) })));
        Either::Right(Box::pin(async move {
            let answer = answered.await;
            // A stream still reads its own.
            if let Ok(body) = returned.try_recv() {
                let _ = timeout_at(end, skip(Limited::new(body, most))).await;
            }
            answer
        }))
    }
}

async fn skip(mut body: Limited<Body>) {
    while let Some(Ok(_)) = body.frame().await {}
}

/// A body that is given back by whoever drops it.
#[derive(Debug)]
struct Lent {
    body: Body,
    back: Option<oneshot::Sender<Body>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(back) = self.back.take() {
            let _ = back.send(mem::take(&mut self.body));
        }
    }
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
