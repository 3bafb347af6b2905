//! Whose turn it is to be judged, and what is being judged. Models take turns; of each model one version at a time, the
//! newest first. A thread waits for each child, so that nobody else does.

use std::{
    collections::BTreeMap,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use artifact::{Digest, Name, Version};
use jiff::Timestamp;

use crate::{
    checks::Task,
    config::Judging,
    incoming::Look,
    judging::{Judge, Outcome, mark},
    ledger::Ledger,
    worker::Bell,
};

/// The versions that are being judged.
#[derive(Debug)]
pub(crate) struct Turns {
    judge: Judge,
    limits: Judging,
    /// A version with more bytes is judged beside small ones only, so that memory suffices for all.
    large: u64,
    bell: Bell,
    /// The models whose turn it is, and whether the version is a large one.
    running: BTreeMap<Name, bool>,
    /// Whose turn it was last.
    last: Option<Name>,
    ended: (Sender<Verdict>, Receiver<Verdict>),
}

/// One version that is to be judged.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: Name,
    pub(crate) version: Version,
    /// The folder as it was when its files were read, and when that was.
    pub(crate) look: Look,
    pub(crate) read: Timestamp,
    pub(crate) task: Task,
    /// What a fatal verdict is remembered by.
    pub(crate) mark: Digest,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) case: Case,
    pub(crate) outcome: Outcome,
}

impl Turns {
    pub(crate) fn new(judge: Judge, limits: Judging, max_version_mib: u32, bell: Bell) -> Self {
        Self {
            judge,
            limits,
            large: u64::from(max_version_mib) << 18,
            bell,
            running: BTreeMap::new(),
            last: None,
            ended: channel(),
        }
    }

    /// The models in the order of their turns.
    pub(crate) fn order(&self, models: &BTreeMap<Name, Ledger>) -> Vec<Name> {
        let (before, after): (Vec<_>, Vec<_>) =
            models.keys().cloned().partition(|name| self.last.as_ref().is_some_and(|last| name <= last));
        after.into_iter().chain(before).collect()
    }

    /// The version of that model that may be judged now.
    pub(crate) fn next(&self, name: &Name, ledger: &Ledger, now: Timestamp) -> Option<(Version, Look)> {
        if self.running.len() >= self.limits.at_once as usize || self.running.contains_key(name) {
            return None;
        }
        let (version, look) = ledger.due(now)?;
        let crowded = look.bytes() > self.large && self.running.values().any(|large| *large);
        (!crowded).then(|| (version, look.clone()))
    }

    /// Takes in that a model has its turn.
    pub(crate) fn take_turn(&mut self, name: &Name) {
        self.last = Some(name.clone());
    }

    pub(crate) fn mark(&self, task: &Task) -> Digest {
        mark(task, &self.limits)
    }

    /// Starts to judge.
    pub(crate) fn start(&mut self, case: Case) -> io::Result<()> {
        let (name, large) = (case.name.clone(), case.look.bytes() > self.large);
        let (judge, limits) = (self.judge.clone(), self.limits);
        let (ended, bell) = (self.ended.0.clone(), self.bell.clone());
        thread::Builder::new().name("judging".to_owned()).spawn(move || {
            // A model whose thread ends without a word would never have its turn again.
            let judged = catch_unwind(AssertUnwindSafe(|| judge.judge(&case.task, &limits)));
            let outcome =
                judged.unwrap_or_else(|_| Outcome::Unfit("a bug of the sidecar; see its log".to_owned()));
            // Nobody hears that a sidecar that is gone was told.
            let _ = ended.send(Verdict { case, outcome });
            bell.judged();
        })?;
        self.running.insert(name, large);
        Ok(())
    }

    /// A verdict that has come.
    pub(crate) fn ended(&mut self) -> Option<Verdict> {
        let verdict = self.ended.1.try_recv().ok();
        self.note(verdict)
    }

    /// Waits for a verdict. None if nothing is being judged.
    pub(crate) fn wait(&mut self) -> Option<Verdict> {
        let verdict = if self.running.is_empty() { None } else { self.ended.1.recv().ok() };
        self.note(verdict)
    }

    fn note(&mut self, verdict: Option<Verdict>) -> Option<Verdict> {
        if let Some(verdict) = &verdict {
            self.running.remove(&verdict.case.name);
        }
        verdict
    }
}
