//! When a call is asked again: it was refused for now, and there is time left.

use std::{pin::Pin, time::Duration};

use tokio::time::{Instant, sleep_until};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::{
    retry::{
        Policy,
        backoff::{Backoff as _, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff as _},
    },
    util::rng::HasherRng,
};

/// The first pause between two attempts; each further one is twice as long, plus up to half of itself by chance, so that
/// clients which were refused together do not come back together.
const SHORTEST: Duration = Duration::from_millis(50);
/// The longest of these pauses. The server may ask for a longer one.
const LONGEST: Duration = Duration::from_secs(2);
const JITTER: f64 = 0.5;

/// The attempts of one call.
#[derive(Clone, Debug)]
pub(crate) struct Attempts {
    pauses: ExponentialBackoff,
    /// When the call's time is up; none if it is asked once.
    end: Option<Instant>,
}

impl Attempts {
    /// As many as there is time for.
    pub(crate) fn until(end: Instant) -> Self {
        Self { end: Some(end), ..Self::once() }
    }

    /// One.
    pub(crate) fn once() -> Self {
        let pauses = ExponentialBackoffMaker::new(SHORTEST, LONGEST, JITTER, HasherRng::default());
        Self { pauses: pauses.unwrap_or_default().make_backoff(), end: None }
    }
}

impl<Q: Clone, A> Policy<Q, A, Status> for Attempts {
    type Future = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn retry(&mut self, _: &mut Q, result: &mut Result<A, Status>) -> Option<Self::Future> {
        let status = result.as_ref().err()?;
        let asked = status.get_details_retry_info().and_then(|info| info.retry_delay);
        let may_pass = match status.code() {
            Code::Unavailable => true,
            // Without a delay it is the message that is too large, which it stays.
            Code::ResourceExhausted => asked.is_some(),
            _ => false,
        };
        let earliest = Instant::now() + asked.unwrap_or_default();
        if !may_pass || earliest >= self.end? {
            return None;
        }
        let pause = self.pauses.next_backoff();
        Some(Box::pin(async move {
            pause.await;
            sleep_until(earliest).await;
        }))
    }

    fn clone_request(&mut self, request: &Q) -> Option<Q> {
        self.end.is_some().then(|| request.clone())
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    fn refused(code: Code, delay: Option<Duration>) -> Result<(), Status> {
        let mut details = ErrorDetails::new();
        if let Some(delay) = delay {
            details.set_retry_info(Some(delay));
        }
        Err(Status::with_error_details(code, "", details))
    }

    /// How long it is until the next attempt, if there is one.
    async fn pause(attempts: &mut Attempts, mut result: Result<(), Status>) -> Option<Duration> {
        let began = Instant::now();
        Policy::<(), _, _>::retry(attempts, &mut (), &mut result)?.await;
        Some(began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_for_now_is_asked_again_and_nothing_else() {
        let mut attempts = Attempts::until(Instant::now() + Duration::from_secs(3600));
        let delay = Some(Duration::from_secs(5));
        assert!(pause(&mut attempts, refused(Code::Unavailable, None)).await.is_some());
        assert!(pause(&mut attempts, refused(Code::Unavailable, delay)).await >= delay);
        assert!(pause(&mut attempts, refused(Code::ResourceExhausted, delay)).await >= delay);
        assert_eq!(pause(&mut attempts, refused(Code::ResourceExhausted, None)).await, None);
        assert_eq!(pause(&mut attempts, Ok(())).await, None);
        for code in [Code::InvalidArgument, Code::NotFound, Code::DeadlineExceeded, Code::Internal] {
            assert_eq!(pause(&mut attempts, refused(code, delay)).await, None, "{code:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_to_a_limit_and_are_not_all_alike() {
        let mut attempts = Attempts::until(Instant::now() + Duration::from_secs(3600));
        let mut pauses = Vec::new();
        for _ in 0..10 {
            pauses.extend(pause(&mut attempts, refused(Code::Unavailable, None)).await);
        }
        assert!(pauses[0] < SHORTEST * 2, "{pauses:?}");
        assert!(pauses[9] >= LONGEST / 2 && pauses[9] <= LONGEST * 2, "{pauses:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_no_attempt_after_the_deadline() {
        let mut attempts = Attempts::until(Instant::now() + Duration::from_secs(3));
        let refusal = || refused(Code::Unavailable, Some(Duration::from_secs(2)));
        assert!(pause(&mut attempts, refusal()).await.is_some());
        assert_eq!(pause(&mut attempts, refusal()).await, None);
        assert_eq!(pause(&mut Attempts::once(), refusal()).await, None);
    }
}
