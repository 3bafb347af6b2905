//! How much is answered at once: so many calls, and so many bytes of their requests. A limit of each message alone
//! leaves their sum open: the most calls at once, each with nearly the largest message and its last byte missing, hold
//! all of that at the same time.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use bytes::Bytes;
use http_body::Frame;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Status, body::Body};

use crate::{
    call::Kind,
    error::ServeError,
    limits::Limits,
    tapped::{Tap, Tapped},
};

/// Lets calls in. Each kind has a room of its own, so that none starves another.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    keyed: Room,
    watches: Room,
    streams: Room,
    open: Room,
    draining: Arc<AtomicBool>,
}

/// What is free.
#[derive(Clone, Debug)]
struct Room {
    calls: Arc<Semaphore>,
    bytes: Arc<AtomicUsize>,
}

/// What one call has taken, until the last handle is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Place(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    free: Arc<AtomicUsize>,
    bytes: AtomicUsize,
    /// Of these, those that came last, with one frame.
    last: AtomicUsize,
    _call: OwnedSemaphorePermit,
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Self {
        let bytes = Arc::new(AtomicUsize::new(limits.request_bytes_at_once));
        Self {
            keyed: Room::new(limits.calls, Arc::clone(&bytes)),
            watches: Room::new(limits.watches, Arc::clone(&bytes)),
            streams: Room::new(limits.streams, bytes),
            // Their messages are so small that the number of calls bounds the sum.
            open: Room::new(limits.open_calls, Arc::new(AtomicUsize::new(usize::MAX))),
            draining: Arc::default(),
        }
    }

    /// From now on only the calls that need no key are let in.
    pub(crate) fn close(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// A place for a call.
    pub(crate) fn enter(&self, kind: Kind) -> Result<Place, ServeError> {
        let room = match kind {
            Kind::Open => return self.open.enter(),
            Kind::Watch => &self.watches,
            Kind::Stream => &self.streams,
            Kind::Keyed => &self.keyed,
        };
        if self.draining.load(Ordering::Relaxed) {
            return Err(ServeError::Draining);
        }
        room.enter()
    }
}

impl Room {
    fn new(calls: usize, bytes: Arc<AtomicUsize>) -> Self {
        Self { calls: Arc::new(Semaphore::new(calls.min(Semaphore::MAX_PERMITS))), bytes }
    }

    fn enter(&self) -> Result<Place, ServeError> {
        let call = Arc::clone(&self.calls).try_acquire_owned().map_err(|_| ServeError::Full)?;
        let free = Arc::clone(&self.bytes);
        Ok(Place(Arc::new(Taken {
            free,
            bytes: AtomicUsize::new(0),
            last: AtomicUsize::new(0),
            _call: call,
        })))
    }
}

impl Place {
    /// The call's body, which from now on takes room as it comes.
    pub(crate) fn weigh(&self, body: Body) -> Tapped<Self> {
        Tapped { body, tap: self.clone() }
    }

    fn take(&self, bytes: usize) -> Result<(), ServeError> {
        let Self(taken) = self;
        let less = |free: usize| free.checked_sub(bytes);
        taken.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).map_err(|_| ServeError::Full)?;
        taken.bytes.fetch_add(bytes, Ordering::Relaxed);
        taken.last.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Gives back what a message took that is answered. The last frame stays counted: the next message may begin in it.
    pub(crate) fn give_back(&self) {
        let Self(taken) = self;
        let last = taken.last.load(Ordering::Relaxed);
        let before = taken.bytes.swap(last, Ordering::Relaxed);
        taken.free.fetch_add(before.saturating_sub(last), Ordering::Relaxed);
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.free.fetch_add(*self.bytes.get_mut(), Ordering::Relaxed);
    }
}

impl Tap for Place {
    fn see(&mut self, frame: &Frame<Bytes>) -> Result<(), Status> {
        Ok(self.take(frame.data_ref().map_or(0, Bytes::len))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(calls: usize, request_bytes_at_once: usize) -> Gate {
        Gate::new(&Limits {
            calls,
            open_calls: 1,
            watches: 1,
            streams: 1,
            request_bytes_at_once,
            ..Limits::default()
        })
    }

    #[test]
    fn bytes_are_free_again_when_their_call_has_left() {
        let gate = gate(2, 10);
        let (one, other) = (gate.enter(Kind::Keyed).unwrap(), gate.enter(Kind::Watch).unwrap());
        let body = one.weigh(Body::empty());
        assert_eq!(one.take(6), Ok(()));
        assert_eq!(other.take(5), Err(ServeError::Full));
        assert_eq!(other.take(4), Ok(()));
        drop(one);
        assert_eq!(other.take(1), Err(ServeError::Full), "the body may still come");
        drop(body);
        assert_eq!(other.take(6), Ok(()));
    }

    #[test]
    fn a_stream_holds_the_bytes_of_one_message_and_those_that_came_with_its_end() {
        let gate = gate(1, 10);
        let (stream, other) = (gate.enter(Kind::Stream).unwrap(), gate.enter(Kind::Keyed).unwrap());
        for _ in 0..100 {
            assert_eq!(stream.take(5), Ok(()));
            assert_eq!(stream.take(2), Ok(()));
            stream.give_back();
        }
        assert_eq!(other.take(9), Err(ServeError::Full));
        assert_eq!(other.take(8), Ok(()));
        drop(stream);
        assert_eq!(other.take(2), Ok(()));
    }

    #[test]
    fn the_kinds_of_calls_do_not_take_each_others_places() {
        let (gate, kinds) = (gate(1, 10), [Kind::Keyed, Kind::Watch, Kind::Stream, Kind::Open]);
        let held = kinds.map(|kind| gate.enter(kind).unwrap());
        for kind in kinds {
            assert_eq!(gate.enter(kind).unwrap_err(), ServeError::Full, "{kind:?}");
        }
        drop(held);
        assert!(kinds.iter().all(|kind| gate.enter(*kind).is_ok()));
        gate.close();
        assert_eq!(gate.enter(Kind::Keyed).unwrap_err(), ServeError::Draining);
        assert_eq!(gate.enter(Kind::Watch).unwrap_err(), ServeError::Draining);
        assert_eq!(gate.enter(Kind::Stream).unwrap_err(), ServeError::Draining);
        assert!(gate.enter(Kind::Open).is_ok());
    }
}
