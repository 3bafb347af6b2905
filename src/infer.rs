//! Where a prediction is computed: at once on the thread that has the request if it is cheap, else on a fixed pool
//! with a bounded queue. A full queue refuses; a caller that left or whose deadline passed costs nothing more.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use artifact::{Batch, PredictError, Predictions};
use serde::{Deserialize, Serialize};
use tokio::{sync::oneshot, time::Instant};

use crate::{
    error::{Reason, ServeError, Violation},
    registry::Loaded,
};

/// Work up to this length does not hold up the other calls of its thread.
const INLINE: Duration = Duration::from_micros(100);

/// What a byte of free text costs, in nanoseconds: measured are 17 where words are counted one by one, and 52 with n-grams of up to
/// eight of them, the most that there are.
const NANOS_PER_BYTE: f64 = 50.0;

/// How much may be computed at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compute {
    /// Threads for predictions that take longer than 100 us; 0 (default) stands for the number of cores.
    pub threads: usize,
    /// Such predictions that may wait for a thread; one more is refused. Default 64.
    pub queue: usize,
}

/// When an answer is no longer wanted.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(pub Instant);

/// Computes predictions.
#[derive(Debug)]
pub(crate) struct Inference {
    jobs: SyncSender<Job>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Default for Compute {
    fn default() -> Self {
        Self { threads: 0, queue: 64 }
    }
}

impl Deadline {
    fn check(self) -> Result<(), ServeError> {
        if Instant::now() < self.0 { Ok(()) } else { Err(ServeError::DeadlineExceeded) }
    }
}

impl Inference {
    /// Starts the pool; its threads end when the last handle is dropped.
    pub(crate) fn start(compute: &Compute) -> std::io::Result<Self> {
        let threads = match compute.threads {
            0 => thread::available_parallelism()?.get(),
            threads => threads,
        };
        let (jobs, queue) = sync_channel(compute.queue);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name("predict".to_owned()).spawn(move || work(&queue))?;
        }
        Ok(Self { jobs })
    }

    /// The answers of `loaded` to every row of `batch`.
    pub(crate) async fn predict(
        &self,
        loaded: &Arc<Loaded>,
        batch: Batch,
        deadline: Deadline,
    ) -> Result<Predictions, ServeError> {
        deadline.check()?;
        if nanos(loaded, &batch) <= INLINE.as_nanos() as f64 {
            return guarded(|| compute(loaded, &batch));
        }
        let loaded = Arc::clone(loaded);
        self.queue(deadline, move || guarded(|| compute(&loaded, &batch))).await
    }

    async fn queue<T: Send + 'static>(
        &self,
        deadline: Deadline,
        work: impl FnOnce() -> Result<T, ServeError> + Send + 'static,
    ) -> Result<T, ServeError> {
        let (answer, answered) = oneshot::channel();
        let job = move || {
            // Closed: the client has left, and its call was dropped with the other end.
            if !answer.is_closed() {
                let _ = answer.send(deadline.check().and_then(|()| work()));
            }
        };
        self.jobs.try_send(Box::new(job)).map_err(|_| ServeError::Full)?;
        answered.await.unwrap_or_else(|_| Err(panicked()))
    }
}

/// About how long `batch` takes. Rows are measured when the model is loaded, but texts may be of any length.
fn nanos(loaded: &Loaded, batch: &Batch) -> f64 {
    let bytes: usize = batch.texts().iter().map(String::len).sum();
    loaded.nanos_per_row * batch.rows() as f64 + NANOS_PER_BYTE * bytes as f64
}

/// Runs `work`; a panic in it is an error of this one call.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, ServeError>) -> Result<T, ServeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()))
}

/// The error of a call that panicked, under an id that the log has too.
pub(crate) fn panicked() -> ServeError {
    use std::hash::{BuildHasher as _, RandomState};

    let id = format!("{:016x}", RandomState::new().hash_one(Instant::now()));
    tracing::error!(id, "a call panicked; the line before says where");
    ServeError::Panicked { id }
}

fn compute(loaded: &Loaded, batch: &Batch) -> Result<Predictions, ServeError> {
    let mut predictions = Predictions::default();
    match loaded.model.predict(batch, &mut predictions) {
        Ok(()) => Ok(predictions),
        Err(PredictError::NotFinite { row, step, kind }) => Err(ServeError::NotFinite { row, step, kind }),
        // The batch was made for this very model.
        Err(error @ (PredictError::Width { .. } | PredictError::Foreign)) => {
            Err(ServeError::Input(vec![Violation::new(Reason::WidthMismatch, "input", error.to_string())]))
        }
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        // Jobs do not panic, and run after the lock is released.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::Pin, pin::pin, task::Poll};

    use artifact::{Digest, Manifest, Model, Series, testkit};

    use super::*;
    use crate::registry::Texts;

    /// Polls once, which sends the job; its answer is not there yet.
    async fn begin<F: Future>(mut future: Pin<&mut F>) {
        std::future::poll_fn(|context| {
            assert!(future.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
    }

    fn later() -> Deadline {
        Deadline(Instant::now() + Duration::from_secs(60))
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_takes_work_again_when_it_is_not() {
        let inference = Inference::start(&Compute { threads: 1, queue: 1 }).unwrap();
        let (started, has_started) = std::sync::mpsc::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let mut running = pin!(inference.queue(later(), move || {
            started.send(()).unwrap();
            Ok(released.recv().is_ok())
        }));
        begin(running.as_mut()).await;
        tokio::task::spawn_blocking(move || has_started.recv().unwrap()).await.unwrap();
        let mut waiting = pin!(inference.queue(later(), || Ok(2)));
        begin(waiting.as_mut()).await;
        // The thread is busy, and `waiting` fills the queue.
        assert_eq!(inference.queue(later(), || Ok(3)).await, Err(ServeError::Full));
        release.send(()).unwrap();
        assert_eq!((running.await, waiting.await), (Ok(true), Ok(2)));
        assert_eq!(inference.queue(later(), || Ok(4)).await, Ok(4));
    }

    #[tokio::test]
    async fn a_short_text_is_answered_at_once_and_a_long_one_waits_for_the_pool() {
        let files = testkit::words("a").files().unwrap();
        let manifest = Manifest::parse(&files.manifest).unwrap();
        let model = Model::load(manifest, Digest::of(&files.manifest), &files.tensors).unwrap();
        let texts = Texts { name: "a".into(), digest: "sha256:00".into(), classes: Vec::new() };
        let (name, version) = ("a".parse().unwrap(), "1".parse().unwrap());
        let loaded = Arc::new(Loaded { name, version, model, texts, nanos_per_row: 1000.0 });
        let row = |text: String| {
            loaded.model.batch(vec![Series::Texts(vec![text]), Series::Numbers(vec![1.0])]).unwrap()
        };

        let inference = Inference::start(&Compute { threads: 1, queue: 2 }).unwrap();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let mut holding = pin!(inference.queue(later(), move || Ok(released.recv().is_ok())));
        begin(holding.as_mut()).await;
        let answer = inference.predict(&loaded, row("good".to_owned()), later()).await.unwrap();
        assert_eq!(answer.scores(), [3.0]);
        let mut long = pin!(inference.predict(&loaded, row("good ".repeat(1000)), later()));
        begin(long.as_mut()).await;
        release.send(()).unwrap();
        assert_eq!(holding.await, Ok(true));
        assert_eq!(long.await.unwrap().scores(), [2001.0]);
    }

    #[tokio::test]
    async fn nothing_is_computed_after_the_deadline_or_for_a_caller_that_left() {
        let inference = Inference::start(&Compute { threads: 1, queue: 4 }).unwrap();
        let passed = Deadline(Instant::now());
        let late: Result<(), _> = inference.queue(passed, || panic!("computed after the deadline")).await;
        assert_eq!(late, Err(ServeError::DeadlineExceeded));

        let (release, released) = std::sync::mpsc::channel::<()>();
        let mut holding = pin!(inference.queue(later(), move || Ok(released.recv().is_ok())));
        begin(holding.as_mut()).await;
        let (ran, has_run) = std::sync::mpsc::channel();
        let mut left = Box::pin(inference.queue(later(), move || Ok(ran.send(()).is_ok())));
        begin(left.as_mut()).await;
        drop(left);
        release.send(()).unwrap();
        assert_eq!(holding.await, Ok(true));
        assert_eq!(inference.queue(later(), || Ok(())).await, Ok(()));
        assert!(has_run.try_recv().is_err(), "the abandoned job ran");
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_its_call_alone() {
        let inference = Inference::start(&Compute { threads: 1, queue: 1 }).unwrap();
        let panics = || guarded(|| -> Result<(), _> { panic!("planted") });
        let error = inference.queue(later(), panics).await.unwrap_err();
        assert!(matches!(&error, ServeError::Panicked { id } if id.len() == 16), "{error}");
        assert!(!error.to_string().contains("planted"));
        assert_eq!(inference.queue(later(), || Ok(1)).await, Ok(1));
    }
}
