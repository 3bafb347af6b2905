//! The dull loop around [`Scanner::scan_once`]. Polling is the truth; a word from the file system only shortens the
//! wait, since it does not come from every kind of volume.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use notify::{
    Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};

use crate::{Judge, Looked, Scanner, Settings, StartError};

/// The next look while something has just changed, so that a good drop serves soon.
const SOON: Duration = Duration::from_millis(250);
/// No two looks follow more closely, however many events there are.
const APART: Duration = Duration::from_millis(100);

/// A sidecar that was killed while it started a judge leaves its lock to that child, for some milliseconds.
const LEFT_LOCK: Duration = Duration::from_secs(2);

/// Wakes the loop from another thread, or ends it.
#[derive(Clone, Debug)]
pub struct Bell {
    ring: SyncSender<()>,
    stop: Arc<AtomicBool>,
    judged: Arc<AtomicBool>,
}

/// The loop's end of a [`Bell`].
#[derive(Debug)]
pub struct Wakes {
    rings: Receiver<()>,
    bell: Bell,
}

/// Both ends. A ring that nobody has heard yet stands for all that follow.
pub fn bell() -> (Bell, Wakes) {
    let (ring, rings) = sync_channel(1);
    let bell = Bell { ring, stop: Arc::default(), judged: Arc::default() };
    (bell.clone(), Wakes { rings, bell })
}

impl Bell {
    /// Asks for a look.
    pub fn ring(&self) {
        // Full: the loop is about to look anyway. Gone: there is no loop.
        let _ = self.ring.try_send(());
    }

    /// Ends the loop after the look that is under way.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.ring();
    }

    /// Tells that a verdict has come.
    pub(crate) fn judged(&self) {
        self.judged.store(true, Ordering::Release);
        self.ring();
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

/// Watches the folder of models until the bell says stop.
///
/// # Errors
/// [`StartError`] if the key cannot be used or another sidecar has the store. Once it runs, nothing ends it but the bell.
pub fn run(settings: &Settings, judge: Judge, wakes: &Wakes) -> Result<(), StartError> {
    let Some(mut scanner) = open(settings, &judge, wakes)? else { return Ok(()) };
    let watcher = watch(&settings.incoming, wakes.bell.clone());
    if let Err(error) = &watcher {
        tracing::info!(%error, "no word from the file system; polling alone");
    }
    let poll = poll(settings);
    tracing::info!(incoming = %settings.incoming.display(), store = %settings.store.display(), "watching");
    while !wakes.bell.is_stopped() {
        let wait = match scanner.scan_once(Timestamp::now()) {
            Looked { more: true, .. } => Duration::ZERO,
            Looked { unsettled: true, .. } => SOON.min(poll),
            Looked { .. } => poll,
        };
        wakes.wait(wait, || scanner.take_verdicts(Timestamp::now()));
    }
    tracing::info!("stopped");
    Ok(())
}

/// Waits for a store that cannot be used yet: to start and fail again and again would mend nothing. None if the bell
/// says stop meanwhile.
fn open(settings: &Settings, judge: &Judge, wakes: &Wakes) -> Result<Option<Scanner>, StartError> {
    let mut said = None;
    let start = Instant::now();
    while !wakes.bell.is_stopped() {
        let (error, wait) = match Scanner::open(settings, judge.clone(), wakes.bell.clone()) {
            Err(error) if error.may_pass() => (error.to_string(), poll(settings)),
            Err(error) if error.is_locked() && start.elapsed() < LEFT_LOCK => (error.to_string(), APART),
            opened => return opened.map(Some),
        };
        if said.as_ref() != Some(&error) {
            tracing::error!(error, "waiting for the store");
            said = Some(error);
        }
        wakes.wait(wait, Looked::default);
    }
    Ok(None)
}

fn poll(settings: &Settings) -> Duration {
    Duration::from_millis(settings.poll_ms)
}

impl Wakes {
    /// Waits as long as that, or until the bell rings, but at least 100 ms of it. Verdicts are taken meanwhile, as
    /// they come.
    fn wait(&self, wait: Duration, mut take_verdicts: impl FnMut() -> Looked) {
        let start = Instant::now();
        let mut end = wait;
        while let Some(left) = end.checked_sub(start.elapsed()) {
            if left.is_zero() || self.rings.recv_timeout(left).is_err() || self.bell.is_stopped() {
                return;
            }
            if self.bell.judged.swap(false, Ordering::AcqRel) {
                if take_verdicts().more {
                    return;
                }
                continue;
            }
            end = end.min(APART);
        }
    }
}

fn watch(incoming: &Path, bell: Bell) -> notify::Result<RecommendedWatcher> {
    let heard = move |event: notify::Result<Event>| {
        // Our own looks open folders and files, which is an event too.
        let ours = |event: &Event| matches!(event.kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write));
        if !event.as_ref().is_ok_and(ours) {
            bell.ring();
        }
    };
    let config = Config::default().with_follow_symlinks(false);
    let mut watcher = RecommendedWatcher::new(heard, config)?;
    watcher.watch(incoming, RecursiveMode::Recursive)?;
    Ok(watcher)
}
