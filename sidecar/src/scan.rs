//! One look at everything: what lies in the folder of models, what the checks say of what has settled, and the
//! catalog that follows. Judging takes its time elsewhere, and verdicts are taken in as they come. Time comes in from
//! outside.

use std::{collections::BTreeMap, os::fd::AsFd as _, path::PathBuf};

use artifact::{Digest, Name, Version, files::ReadError};
use jiff::{SignedDuration, Timestamp};

use crate::{
    checks::{Failure, Report, Task, sentence},
    config::{Settings, Settle},
    incoming::{ListError, Look, Root, open_model},
    judging::{self, Judge, Outcome},
    ledger::{Ledger, bounded},
    publish::{Publisher, StartError},
    tracked::Tracked,
    turns::{Case, Turns, Verdict},
    worker::Bell,
};

/// The sidecar's state between two looks.
#[derive(Debug)]
pub struct Scanner {
    incoming: PathBuf,
    settle: Settle,
    max_version_mib: u32,
    heartbeat: SignedDuration,
    publisher: Publisher,
    models: BTreeMap<Name, Ledger>,
    turns: Turns,
    notes: Vec<String>,
    /// When the blobs of what serves were last compared with their hashes.
    proved: Option<Timestamp>,
}

/// How soon to look again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Something changed since the look before: soon, since two equal looks are needed.
    pub unsettled: bool,
    /// Versions wait, and one of them may be judged now: at once.
    pub more: bool,
}

impl Scanner {
    /// Takes the store, and goes on from its catalog. The folder of models need not be there yet. The bell is rung
    /// for every verdict.
    ///
    /// # Errors
    /// [`StartError`] if the key or the store cannot be used.
    pub fn open(settings: &Settings, judge: Judge, bell: Bell) -> Result<Self, StartError> {
        let publisher = Publisher::open(settings)?;
        let models = publisher.newest().map(|catalog| catalog.models.as_slice());
        let ledgers =
            models.unwrap_or_default().iter().map(|model| (model.name.clone(), Ledger::recovered(model)));
        Ok(Self {
            incoming: settings.incoming.clone(),
            settle: settings.settle,
            max_version_mib: settings.max_version_mib,
            heartbeat: settings.heartbeat(),
            models: ledgers.collect(),
            turns: Turns::new(judge, settings.judging, settings.max_version_mib, bell),
            notes: Vec::new(),
            proved: None,
            publisher,
        })
    }

    /// Looks once, and lets judge what has settled. Failures are in the catalog or the log, and never end the sidecar.
    pub fn scan_once(&mut self, now: Timestamp) -> Looked {
        self.take_verdicts(now);
        if self.publisher.has_lost_the_catalog() {
            // Then its blobs may be gone too.
            self.proved = None;
        }
        self.prove_blobs(now);
        let looked = match Root::open(&self.incoming) {
            // An empty volume was mounted over it, or a copy just began.
            Ok(root) if root.models.is_empty() => {
                self.no_models(root.notes, "the folder of models holds no model");
                Looked::default()
            }
            Ok(root) => self.look(&root, now),
            Err(error) => {
                self.no_models(Vec::new(), &error.to_string());
                Looked::default()
            }
        };
        self.publish(now);
        looked
    }

    /// Takes in that nothing can be said about any model.
    fn no_models(&mut self, mut notes: Vec<String>, why: &str) {
        let note = format!("{why}; nothing is withdrawn");
        if !self.notes.contains(&note) {
            tracing::warn!("{note}");
        }
        notes.push(note);
        self.notes = notes;
    }

    fn look(&mut self, root: &Root, now: Timestamp) -> Looked {
        let mut looked = Looked::default();
        self.notes = root.notes.clone();
        for name in &root.models {
            self.models.entry(name.clone()).or_insert_with(|| Ledger::new(name.clone()));
        }
        let names: Vec<_> = self.models.keys().cloned().collect();
        for name in names {
            let folder = match root.model(&name) {
                Ok(folder) => Some(folder),
                Err(ListError::Read(ReadError::Missing { .. })) => None,
                Err(error) => {
                    if let Some(ledger) = self.models.get_mut(&name) {
                        ledger.cannot_look(&error);
                    }
                    continue;
                }
            };
            let Some(ledger) = self.models.get_mut(&name) else { continue };
            looked.unsettled |= ledger.look(folder.as_ref(), now, &self.settle);
            if folder.is_none() && ledger.is_empty() {
                self.models.remove(&name);
            }
        }
        self.judge_due(now);
        looked.unsettled |= self.models.values().any(Ledger::is_unsettled);
        looked.more = self.has_more(now);
        looked
    }

    /// Takes in the verdicts that have come, and lets judge whose turn is next. Each is published at once.
    pub fn take_verdicts(&mut self, now: Timestamp) -> Looked {
        let mut looked = Looked::default();
        while let Some(verdict) = self.turns.ended() {
            self.conclude(verdict, now);
            self.judge_due(now);
            looked.more = self.has_more(now);
        }
        looked
    }

    /// Waits for one verdict and takes it in, for whoever does not wait for the bell. False if nothing is being judged.
    pub fn wait(&mut self, now: Timestamp) -> bool {
        let Some(verdict) = self.turns.wait() else { return false };
        self.conclude(verdict, now);
        self.judge_due(now);
        true
    }

    fn has_more(&self, now: Timestamp) -> bool {
        self.models.iter().any(|(name, ledger)| self.turns.next(name, ledger, now).is_some())
    }

    /// Gives each model that may have one its turn.
    fn judge_due(&mut self, now: Timestamp) {
        for name in self.turns.order(&self.models) {
            let next = self.models.get(&name).and_then(|ledger| self.turns.next(&name, ledger, now));
            if let Some((version, look)) = next {
                self.turns.take_turn(&name);
                self.begin(name, version, look, now);
            }
        }
    }

    /// Reads a version. What that alone can tell is told; all else is judged.
    fn begin(&mut self, name: Name, version: Version, look: Look, now: Timestamp) {
        let Some(tracked) = self.models.get_mut(&name).and_then(|ledger| ledger.version(version)) else {
            return;
        };
        let task = open_model(&self.incoming, &name)
            .map_err(Failure::from)
            .and_then(|model| Task::read(model.as_fd(), &version.to_string(), &look, self.max_version_mib));
        let task = match task {
            Ok(task) => Task { name: Some(name.clone()), known: tracked.known(), ..task },
            Err(failure) => {
                tracked.refuse(&name, Report::unread(failure), now, &self.settle);
                return self.publish(now);
            }
        };
        // What was admitted and has not changed is not judged again.
        if tracked.stands() && task.flaw.is_none() && task.files.entries() == tracked.entry.files {
            admit(&mut self.publisher, tracked, &name, &task, None, now, &self.settle);
            return self.publish(now);
        }
        let mark = self.turns.mark(&task);
        if let Some(refusal) = tracked.fatal(mark) {
            tracked.condemn(&name, mark, &refusal.reason, now, &self.settle);
            return self.publish(now);
        }
        let case = Case { name: name.clone(), version, look, read: now, task, mark };
        if let Err(error) = self.turns.start(case) {
            tracked.put_off(&name, judging::NAME, sentence(error), now, &self.settle);
        }
    }

    fn conclude(&mut self, Verdict { case, outcome }: Verdict, now: Timestamp) {
        let Case { name, version, look, read, task, mark } = case;
        let (publisher, settle) = (&mut self.publisher, &self.settle);
        // Of a folder that has changed meanwhile, nothing is known yet.
        let unchanged =
            |tracked: &&mut Tracked| tracked.watch.as_ref().is_some_and(|watch| *watch.seen() == look);
        let tracked = self.models.get_mut(&name).and_then(|ledger| ledger.version(version)).filter(unchanged);
        let Some(tracked) = tracked else { return };
        match outcome {
            Outcome::Judged(report) => {
                // Cut by its last newline, a manifest is another one that is whole too.
                let cut = report.is_whole() && !task.files.manifest.ends_with(b"\n");
                if cut && tracked.watch.as_mut().is_some_and(|watch| watch.defer(read, settle)) {
                    return;
                }
                match report.failure {
                    Some(_) => tracked.refuse(&name, report, read, settle),
                    None if tracked.is_other(&task.files) => {
                        let report =
                            Report::fatal(judging::NAME, "its judge passed what is not what was admitted");
                        tracked.refuse(&name, report, read, settle);
                    }
                    None => admit(publisher, tracked, &name, &task, Some(report), now, settle),
                }
            }
            Outcome::Fatal(reason) => tracked.condemn(&name, mark, &reason, now, settle),
            Outcome::Killed(reason) if tracked.killed() => tracked.condemn(&name, mark, &reason, now, settle),
            Outcome::Killed(reason) | Outcome::Unfit(reason) => {
                let reason = format!("{reason}; it is tried again");
                tracked.put_off(&name, judging::NAME, reason, now, settle);
            }
        }
        self.publish(now);
    }

    /// Compares the blobs of what serves with their hashes, once per heartbeat. A damaged one is written again from
    /// the folder of models, if it lies there still.
    fn prove_blobs(&mut self, now: Timestamp) {
        let recent =
            |then: Timestamp| (SignedDuration::ZERO..self.heartbeat).contains(&now.duration_since(then));
        if self.proved.is_some_and(recent) {
            return;
        }
        self.proved = Some(now);
        for tracked in self.models.values_mut().flat_map(Ledger::serving) {
            let damage = self.publisher.prove_blobs(&tracked.entry.files).err();
            tracked.damage = damage.map(|error| error.to_string());
            if let (Some(damage), version) = (&tracked.damage, tracked.entry.version) {
                tracing::warn!(%version, damage, "a blob of an admitted version cannot be used");
                if let Some(watch) = &mut tracked.watch {
                    watch.again();
                }
            }
        }
    }

    fn publish(&mut self, now: Timestamp) {
        let models = self.models.values_mut().map(Ledger::render).collect();
        self.publisher.publish(models, bounded(self.notes.clone()), now);
    }
}

/// Stores what passed, under the digest of the bytes that we hold ourselves.
fn admit(
    publisher: &mut Publisher,
    tracked: &mut Tracked,
    name: &Name,
    task: &Task,
    report: Option<Report>,
    now: Timestamp,
    settle: &Settle,
) {
    match publisher.store(&task.files) {
        Ok(files) => {
            let digest = Digest::of(&task.files.manifest);
            tracked.admit(name, digest, files, report.map(|report| report.checks));
        }
        Err(error) => tracked.put_off(name, "store", sentence(error), now, settle),
    }
}
