//! Runs a target over inputs, and writes down what it does to the process.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Mutex, MutexGuard, PoisonError},
};

use artifact::testkit::targets::{TARGETS, Target};

use crate::{BESIDES, MEMORY, TIMES};

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) inputs: usize,
    pub(crate) accepted: usize,
    /// Inputs on which the target panicked, some of them.
    pub(crate) panics: Vec<String>,
    /// Inputs that took more than they may, some of them.
    pub(crate) bloated: Vec<String>,
    /// The most bytes that any input took.
    pub(crate) most: usize,
    /// The most bytes beyond the fixed sum, per byte of input.
    pub(crate) times: usize,
}

/// What the process allocates is counted for one test at a time.
pub(crate) fn whole() -> MutexGuard<'static, ()> {
    static WHOLE: Mutex<()> = Mutex::new(());
    let whole = WHOLE.lock().unwrap_or_else(PoisonError::into_inner);
    // What is made once is no input's.
    for (_, target) in TARGETS {
        target(&[0; 9]);
    }
    whole
}

/// Some are enough to look into.
fn note(found: &mut Vec<String>, input: &[u8], said: String) {
    if found.len() < 3 {
        found.push(format!("{said}: {}", String::from_utf8_lossy(&input[..input.len().min(2000)])));
    }
}

pub(crate) fn run(_: &MutexGuard<'_, ()>, target: Target, inputs: impl Iterator<Item = Vec<u8>>) -> Seen {
    let mut seen = Seen::default();
    // A panic is what is looked for here: it is written down, not printed.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    for input in inputs {
        seen.inputs += 1;
        MEMORY.reset_peak_usage();
        let before = MEMORY.peak_usage();
        let result = panic::catch_unwind(AssertUnwindSafe(|| target(&input)));
        let took = MEMORY.peak_usage().saturating_sub(before);
        match result {
            Ok(accepted) => seen.accepted += usize::from(accepted),
            Err(payload) => {
                let said = payload.downcast_ref::<String>().cloned();
                let said = said.or_else(|| payload.downcast_ref::<&str>().map(|said| (*said).to_owned()));
                note(&mut seen.panics, &input, said.unwrap_or_default());
            }
        }
        seen.most = seen.most.max(took);
        seen.times = seen.times.max(took.saturating_sub(BESIDES) / input.len().max(1));
        if took > TIMES * input.len() + BESIDES {
            note(&mut seen.bloated, &input, format!("{took} bytes"));
        }
    }
    panic::set_hook(hook);
    seen
}
