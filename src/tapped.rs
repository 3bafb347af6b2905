//! A body that shows its frames to someone on their way.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tonic::{Status, body::Body};

/// Who sees the frames of a body.
pub(crate) trait Tap: Unpin {
    /// Sees the next one. An error ends the body in its place.
    fn see(&mut self, frame: &Frame<Bytes>) -> Result<(), Status>;
}

/// See the module. Drops its tap with the body.
#[derive(Debug)]
pub(crate) struct Tapped<T> {
    pub(crate) body: Body,
    pub(crate) tap: T,
}

impl<T: Tap> http_body::Body for Tapped<T> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let next = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &next
            && let Err(error) = self.tap.see(frame)
        {
            return Poll::Ready(Some(Err(error)));
        }
        next
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
