//! The access log: one line per call, whichever way it ends. Never a header, never a value of a request.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use artifact::Name;
use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use crate::{
    call::{Call, Fields, is_open},
    infer::panicked,
    status::{code_name, refuse},
};

/// Written to the log when it is dropped: at the end of the answer, or when the client left.
struct Line {
    path: String,
    started: Instant,
    call: Call,
    code: &'static str,
}

/// A response body that shows us the trailers.
struct Watched {
    body: Body,
    line: Line,
}

/// Logs the call, and turns a panic anywhere in it into its error.
pub(crate) async fn log(mut request: Request, next: Next) -> Response {
    let call = Call::default();
    request.extensions_mut().insert(call.clone());
    let path = request.uri().path().to_owned();
    let mut line = Line { path, started: Instant::now(), call, code: "CANCELLED" };
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = answered.unwrap_or_else(|_| refuse(panicked()));
    line.see(response.headers());
    response.map(|body| Body::new(Watched { body, line }))
}

impl Line {
    /// Takes the code from headers or trailers that have it.
    fn see(&mut self, headers: &HeaderMap) {
        if let Some(code) = headers.get("grpc-status").and_then(|code| code.to_str().ok()) {
            self.code = code.parse().map_or("UNKNOWN", code_name);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Self { path, started, call, code } = self;
        let Fields { key, model, version, digest, rows } = call.take();
        let (key, model) = (key.as_deref(), model.as_ref().map(Name::as_str));
        let digest = digest.map(|digest| digest.to_string());
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        // Probes come every few seconds and say nothing new.
        if is_open(path) {
            tracing::debug!(target: "access", method = path, code, duration_us = micros, "call");
        } else {
            tracing::info!(
                target: "access",
                method = path, code, duration_us = micros, key, model, version, digest, rows, "call"
            );
        }
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            self.line.see(trailers);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
