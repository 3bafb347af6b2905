//! One look at everything: what lies in the folder of models, what the checks say of what has settled, and the
//! catalog that follows. Time comes in from outside.

use std::{collections::BTreeMap, path::PathBuf};

use artifact::{Digest, Files, Name, Version, bundle::PublisherKeys, files::ReadError};
use jiff::{SignedDuration, Timestamp};

use crate::{
    checks::{self, Report, Task, Trust, sentence},
    config::{Settings, Settle},
    incoming::{ListError, ModelFolder, Root},
    ledger::{Ledger, bounded},
    policy::{Defaults, PolicyFile},
    publish::{Publisher, StartError, publisher_keys},
    require::Requirements,
};

/// The sidecar's state between two looks.
#[derive(Debug)]
pub struct Scanner {
    incoming: PathBuf,
    settle: Settle,
    max_version_mib: u32,
    heartbeat: SignedDuration,
    publisher: Publisher,
    /// Whose signatures on models count.
    keys: PublisherKeys,
    models: BTreeMap<Name, Ledger>,
    /// What is required of every model's new versions.
    defaults: PolicyFile<Defaults>,
    notes: Vec<String>,
    /// When the blobs of what serves were last compared with their hashes.
    proved: Option<Timestamp>,
}

/// What a new version is judged by, beside what lies in its folder.
struct Asked {
    require: Requirements,
    serving: Option<Files>,
    evaluation: Option<Vec<u8>>,
}

/// How soon to look again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Something changed since the look before: soon, since two equal looks are needed.
    pub unsettled: bool,
    /// Versions wait to be judged: at once.
    pub more: bool,
}

impl Scanner {
    /// Takes the store, and goes on from its catalog. The folder of models need not be there yet.
    ///
    /// # Errors
    /// [`StartError`] if the key or the store cannot be used.
    pub fn open(settings: &Settings) -> Result<Self, StartError> {
        let keys = publisher_keys(settings)?;
        let publisher = Publisher::open(settings)?;
        for key in keys.iter() {
            tracing::info!(%key, "signatures of this publisher count");
        }
        let models = publisher.newest().map(|catalog| catalog.models.as_slice());
        let ledgers =
            models.unwrap_or_default().iter().map(|model| (model.name.clone(), Ledger::recovered(model)));
        Ok(Self {
            incoming: settings.incoming.clone(),
            settle: settings.settle,
            max_version_mib: settings.max_version_mib,
            heartbeat: settings.heartbeat(),
            models: ledgers.collect(),
            defaults: PolicyFile::default(),
            notes: Vec::new(),
            proved: None,
            keys,
            publisher,
        })
    }

    /// Looks once. At most one version of each model is judged, so that a model with many bad ones does not hold up
    /// the others. Failures are in the catalog or the log, and never end the sidecar.
    pub fn scan_once(&mut self, now: Timestamp) -> Looked {
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
        let mut looked = Looked { unsettled: self.defaults.look(root.policy.clone()), more: false };
        self.notes = root.notes.clone();
        self.notes.extend(self.defaults_error());
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
            self.look_at(&name, folder.as_ref(), now, &mut looked);
        }
        looked
    }

    fn look_at(&mut self, name: &Name, folder: Option<&ModelFolder>, now: Timestamp, looked: &mut Looked) {
        let Some(ledger) = self.models.get_mut(name) else {
            return;
        };
        looked.unsettled |= ledger.look(folder, self.defaults.known(), now, &self.settle);
        let Some(folder) = folder else {
            if ledger.is_empty() {
                self.models.remove(name);
            }
            return;
        };
        let due = ledger.due(now);
        looked.more |= due.len() > 1;
        if let Some(version) = due.first() {
            self.judge(name, folder, *version, now);
            // Others need not wait for what is judged after this one.
            self.publish(now);
        }
        looked.unsettled |= self.models.get(name).is_some_and(Ledger::is_unsettled);
    }

    fn judge(&mut self, name: &Name, folder: &ModelFolder, version: Version, now: Timestamp) {
        let Some(ledger) = self.models.get(name) else {
            return;
        };
        let asked = self.asked(ledger, folder, version);
        let Some(look) = ledger.watch(version).map(|watch| watch.seen().clone()) else {
            return;
        };
        let task = Task::read(folder.fd(), &version.to_string(), &look, self.max_version_mib).map(|task| {
            let repeated = ledger.repeated(version, Digest::of(&task.files.manifest));
            Task { name: Some(name.clone()), trust: Trust { keys: self.keys.clone(), repeated }, ..task }
        });
        let Some(tracked) = self.models.get_mut(name).and_then(|ledger| ledger.version(version)) else {
            return;
        };
        let task = match task {
            Ok(task) => Task { known: tracked.known(), ..task },
            Err(failure) => return tracked.refuse(name, Report::unread(failure), now, &self.settle),
        };
        // What was admitted and has not changed is not judged again, unless by now it is signed; and then nothing else
        // is asked of it than when it was admitted.
        let admitted = tracked.stands() && task.flaw.is_none() && task.files.entries() == tracked.entry.files;
        let is_signed = task.signature.is_some() && !self.keys.is_empty();
        let stands = admitted && (tracked.entry.signer.is_some() || !is_signed);
        let task = match asked {
            _ if admitted => task,
            Ok(Asked { require, serving, evaluation }) => Task { require, serving, evaluation, ..task },
            Err(Some(why)) => return tracked.hold(name, why, now, &self.settle),
            Err(None) => return,
        };
        let report = if stands { None } else { Some(checks::judge(&task, &mut |_| {})) };
        if let Some(report) = &report {
            // Cut by its last newline, a manifest is another one that is whole too.
            let cut = report.is_whole() && !task.files.manifest.ends_with(b"\n");
            if cut && tracked.watch.as_mut().is_some_and(|watch| watch.defer(now, &self.settle)) {
                return;
            }
        }
        if let Some(report) = report.as_ref().filter(|report| report.failure.is_some()) {
            return tracked.refuse(name, report.clone(), now, &self.settle);
        }
        match self.publisher.store(&task.files) {
            Ok(files) => {
                let digest = Digest::of(&task.files.manifest);
                tracked.admit(name, digest, files, report);
            }
            Err(error) => tracked.unstored(name, sentence(error), now, &self.settle),
        }
    }

    /// What a new version is judged by. If that is not known, why, unless the next look will show it.
    fn asked(
        &self,
        ledger: &Ledger,
        folder: &ModelFolder,
        version: Version,
    ) -> Result<Asked, Option<String>> {
        let Some(require) = ledger.require() else {
            let unknown = self.defaults.known().is_none();
            let error = ledger.policy_error().or_else(|| self.defaults_error().filter(|_| unknown));
            return Err(error.map(|error| {
                format!(
                    "{error}; until it can be read nobody knows what is required, and nothing new is admitted"
                )
            }));
        };
        // What cannot be read cannot serve after a restart either, and a new version may be the mend.
        let before = ledger.before(version);
        let serving = before.and_then(|(version, files)| Some((version, self.publisher.files(files).ok()?)));
        let (version, serving) = serving.unzip();
        let (evaluation, unreadable) = match folder.evaluation() {
            Ok(bytes) => (bytes, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let require = Requirements { serving: version, unreadable, ..require.clone() };
        Ok(Asked { require, serving, evaluation })
    }

    fn defaults_error(&self) -> Option<String> {
        self.defaults.error().map(|error| format!("beside the models, {error}"))
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
            let damage = self.publisher.files(&tracked.entry.files).err();
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
        let decided = self.models.values_mut().flat_map(|ledger| ledger.decided(now)).collect();
        self.publisher.record(decided);
        self.publisher.publish(models, bounded(self.notes.clone()), now);
    }
}
