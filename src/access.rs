//! The access log: one line per call, whichever way it ends. Never a header, never a value of a request.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use artifact::Name;
use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use tonic::{Status, body::Body};

use crate::{
    call::{Fields, Learnt, is_open},
    gate::Place,
    status::code_name,
};

/// Written to the log when it is dropped: at the end of the answer, or when the client left.
#[derive(Debug)]
pub(crate) struct Line {
    path: String,
    started: Instant,
    /// The id of the caller's key.
    pub(crate) key: Option<Arc<str>>,
    /// What the service learns.
    pub(crate) learnt: Learnt,
    code: &'static str,
}

/// A response body that shows us the trailers, and holds what is the call's until its end.
#[derive(Debug)]
pub(crate) struct Watched {
    body: Body,
    line: Line,
    _place: Option<Place>,
}

impl Line {
    /// Of a call that comes in now.
    pub(crate) fn begin(path: &str) -> Self {
        let (path, started) = (path.to_owned(), Instant::now());
        Self { path, started, key: None, learnt: Learnt::default(), code: "CANCELLED" }
    }

    /// Sees the answer to its end.
    pub(crate) fn watch(mut self, response: Response<Body>, place: Option<Place>) -> Response<Watched> {
        self.see(response.headers());
        response.map(|body| Watched { body, line: self, _place: place })
    }

    /// Takes the code from headers or trailers that have it.
    fn see(&mut self, headers: &HeaderMap) {
        if let Some(code) = headers.get("grpc-status").and_then(|code| code.to_str().ok()) {
            self.code = code.parse().map_or("UNKNOWN", code_name);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Self { path, started, key, learnt, code } = self;
        let Fields { model, version, digest, rows } = learnt.take();
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
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
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
