//! The access log: one line per call, whichever way it ends. Never a header, never a value of a request.

use std::{sync::Arc, time::Instant};

use artifact::Name;
use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::Frame;
use tonic::{Status, body::Body};

use crate::{
    call::{Fields, Learnt, is_open},
    gate::Place,
    status::code_name,
    tapped::{Tap, Tapped},
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

/// Sees the trailers of a response, and holds what is the call's until its end.
#[derive(Debug)]
pub(crate) struct Watch {
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
    pub(crate) fn watch(mut self, response: Response<Body>, place: Option<Place>) -> Response<Tapped<Watch>> {
        self.see(response.headers());
        response.map(|body| Tapped { body, tap: Watch { line: self, _place: place } })
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
        let Fields { asked, found, rows } = learnt.take();
        let found = found.as_ref();
        // Both come from text.
        let model = found
            .and_then(|found| std::str::from_utf8(&found.name).ok())
            .or(asked.as_ref().map(Name::as_str));
        let version = found.map(|found| found.version.get());
        let digest = found.and_then(|found| std::str::from_utf8(&found.digest).ok());
        let key = key.as_deref();
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

impl Tap for Watch {
    fn see(&mut self, frame: &Frame<Bytes>) -> Result<(), Status> {
        if let Some(trailers) = frame.trailers_ref() {
            self.line.see(trailers);
        }
        Ok(())
    }
}
