//! A client that calls on and on while other things happen.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use client::{ApiKey, Client, Input};

use crate::{
    command::{PATIENCE, wait_for},
    stack::{FLOWER, Stack},
};

/// How many more calls must be answered to show that they go on.
const CALLS: usize = 25;

/// Calls at a steady pace from a thread of its own; every answer must be what was answered at first.
pub(crate) struct Caller {
    answered: Arc<AtomicUsize>,
    failures: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Caller {
    pub(crate) fn start(stack: &Stack, expected: String) -> Self {
        let (answered, failures, stop) = <(Arc<AtomicUsize>, Arc<Mutex<Vec<_>>>, Arc<AtomicBool>)>::default();
        let (endpoint, key) = (stack.endpoint.clone(), stack.copy.read("secrets/client_api_key"));
        let thread = thread::spawn({
            let (answered, failures, stop) =
                (Arc::clone(&answered), Arc::clone(&failures), Arc::clone(&stop));
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let client = Client::connect(&endpoint, ApiKey::new(key.trim()).unwrap())
                        .await
                        .unwrap()
                        .without_retries();
                    let mut pace = tokio::time::interval(Duration::from_millis(5));
                    while !stop.load(Ordering::Acquire) {
                        pace.tick().await;
                        match client.predict("iris", Input::rows(&FLOWER)).await {
                            Ok(answer) if format!("{answer:?}") == expected => {
                                answered.fetch_add(1, Ordering::AcqRel);
                            }
                            other => failures
                                .lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .push(format!("{other:?}")),
                        }
                    }
                });
            }
        });
        Self { answered, failures, stop, thread }
    }

    /// Waits until that many more calls were answered.
    pub(crate) fn goes_on(&self) {
        let before = self.answered.load(Ordering::Acquire);
        wait_for("calls are answered", PATIENCE, || {
            (self.answered.load(Ordering::Acquire) >= before + CALLS).then_some(())
        });
    }

    /// How many calls were answered, and what came instead of an answer.
    pub(crate) fn stop(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap();
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (self.answered.load(Ordering::Acquire), failures)
    }

    /// Waits until a call was answered otherwise than at first.
    pub(crate) fn fails(&self) {
        wait_for("a call fails", PATIENCE, || {
            (!self.failures.lock().unwrap_or_else(PoisonError::into_inner).is_empty()).then_some(())
        });
    }
}
