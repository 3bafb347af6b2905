//! What is known about one model: its versions, its policy, and what the catalog says of both. Looks and verdicts
//! come in; nothing is read or written here.

use std::collections::BTreeMap;

use artifact::{
    Digest, Name, Version,
    catalog::{CatalogModel, CatalogVersion, Check, Refusal, Status},
    manifest::FileEntry,
};
use jiff::Timestamp;

use crate::{
    checks::{Report, sentence},
    config::Settle,
    incoming::{ListError, Look, ModelFolder},
    policy::PolicyFile,
    settle::{Standing, Watch},
};

/// The most notes of a model, or of the folder of models.
const NOTES: usize = 20;

/// One model.
#[derive(Debug)]
pub(crate) struct Ledger {
    name: Name,
    versions: BTreeMap<Version, Tracked>,
    policy: PolicyFile,
    notes: Vec<String>,
    /// What the catalog said last; where the policy cannot be had, it goes on.
    before: Option<CatalogModel>,
}

/// One version.
#[derive(Debug)]
pub(crate) struct Tracked {
    pub(crate) entry: CatalogVersion,
    /// None until the first look after a start, and while the model is retired.
    pub(crate) watch: Option<Watch>,
    /// What is wrong with the blobs of an admitted version.
    pub(crate) damage: Option<String>,
}

impl Ledger {
    pub(crate) fn new(name: Name) -> Self {
        Self {
            name,
            versions: BTreeMap::new(),
            policy: PolicyFile::default(),
            notes: Vec::new(),
            before: None,
        }
    }

    /// Goes on from a catalog.
    pub(crate) fn recovered(model: &CatalogModel) -> Self {
        let versions = model
            .versions
            .iter()
            .map(|entry| (entry.version, Tracked::new(entry.clone())));
        Self {
            versions: versions.collect(),
            policy: PolicyFile::recovered(model),
            before: Some(model.clone()),
            ..Self::new(model.name.clone())
        }
    }

    /// Takes in a look at the model's folder, or that there is none. True if the next look should come soon.
    pub(crate) fn look(&mut self, folder: Option<&ModelFolder>, now: Timestamp, settle: &Settle) -> bool {
        let mut unsettled = false;
        self.notes = folder.map(|folder| folder.notes.clone()).unwrap_or_default();
        if let Some(folder) = folder {
            unsettled |= self.policy.look(folder.policy.clone());
        }
        if self.policy.in_force().retire {
            self.retire();
            return unsettled;
        }
        let mut looks = folder.map(|folder| folder.versions.clone()).unwrap_or_default();
        for version in looks.keys() {
            self.versions
                .entry(*version)
                .or_insert_with(|| Tracked::new(pending(*version)));
        }
        for (version, tracked) in &mut self.versions {
            tracked.look(looks.remove(version).unwrap_or(Look::Absent), now);
        }
        self.remove(now, settle);
        unsettled
    }

    /// Takes in that the folder's entries cannot be seen. Nothing else changes.
    pub(crate) fn cannot_look(&mut self, error: &ListError) {
        self.notes = vec![error.to_string()];
    }

    /// The versions to be judged now, the newest first.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<Version> {
        let due = |tracked: &Tracked| tracked.watch.as_ref().is_some_and(|watch| watch.is_due(now));
        let versions = self.versions.iter().rev();
        versions
            .filter(|(_, tracked)| due(tracked))
            .map(|(version, _)| *version)
            .collect()
    }

    /// Whether a version has changed since the look before.
    pub(crate) fn is_unsettled(&self) -> bool {
        let mut watches = self
            .versions
            .values()
            .filter_map(|tracked| tracked.watch.as_ref());
        watches.any(Watch::is_unsettled)
    }

    pub(crate) fn version(&mut self, version: Version) -> Option<&mut Tracked> {
        self.versions.get_mut(&version)
    }

    /// The versions that serve, as the catalog said last.
    pub(crate) fn serving(&mut self) -> impl Iterator<Item = &mut Tracked> {
        let serving = self
            .before
            .as_ref()
            .map(|model| model.serving.as_slice())
            .unwrap_or_default();
        let versions = self.versions.iter_mut();
        versions
            .filter(|(version, _)| serving.contains(version))
            .map(|(_, tracked)| tracked)
    }

    /// Whether nothing is known that would be lost.
    pub(crate) fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// The model as the catalog shows it.
    pub(crate) fn render(&mut self) -> CatalogModel {
        let resolved = self
            .policy
            .in_force()
            .resolve(&self.admitted(), self.before.as_ref());
        let policy_error = match self.policy.error() {
            Some(error) => Some(sentence(error)),
            None if resolved.missing.is_empty() => None,
            None => Some(resolved.missing.join("; ")),
        };
        let mut notes = self.notes.clone();
        for (version, tracked) in &self.versions {
            let kept = tracked.entry.status == Status::Admitted
                && tracked.watch.as_ref().is_some_and(|watch| !watch.is_present());
            if kept {
                notes.push(format!(
                    "version {version} has no folder and stays; `retire = true` in policy.toml withdraws the model"
                ));
            }
            notes.extend(
                tracked
                    .damage
                    .iter()
                    .map(|damage| format!("version {version}: {damage}; drop the same bytes again")),
            );
        }
        let model = CatalogModel {
            name: self.name.clone(),
            default: resolved.default,
            serving: resolved.serving,
            labels: resolved.labels,
            policy_error,
            notes: bounded(notes),
            versions: self
                .versions
                .values()
                .map(|tracked| tracked.entry.clone())
                .collect(),
        };
        self.before = Some(model.clone());
        model
    }

    fn admitted(&self) -> Vec<Version> {
        let admitted = |tracked: &Tracked| tracked.entry.status == Status::Admitted;
        let versions = self.versions.iter();
        versions
            .filter(|(_, tracked)| admitted(tracked))
            .map(|(version, _)| *version)
            .collect()
    }

    fn retire(&mut self) {
        for tracked in self.versions.values_mut() {
            // Judged anew if the model comes back.
            tracked.watch = None;
            if tracked.entry.status == Status::Admitted {
                tracked.withdraw(&self.name, "policy", "policy.toml retires the model");
            }
        }
    }

    /// Withdraws or forgets the versions whose folders were removed.
    fn remove(&mut self, now: Timestamp, settle: &Settle) {
        let removed = |tracked: &Tracked| {
            tracked
                .watch
                .as_ref()
                .is_some_and(|watch| watch.is_removed(now, settle))
        };
        self.versions.retain(|_, tracked| {
            matches!(tracked.entry.status, Status::Admitted | Status::Withdrawn) || !removed(tracked)
        });
        for version in self.admitted() {
            let leaves = self.versions.get(&version).is_some_and(removed) && self.can_spare(version);
            if let Some(tracked) = self.versions.get_mut(&version).filter(|_| leaves) {
                tracked.withdraw(&self.name, "layout", "its folder was removed");
            }
        }
    }

    /// Whether another version is there to serve in its place.
    fn can_spare(&self, version: Version) -> bool {
        let mut others = self.admitted();
        others.retain(|other| *other != version);
        let present = |other: &Version| {
            let watch = self
                .versions
                .get(other)
                .and_then(|tracked| tracked.watch.as_ref());
            watch.is_some_and(Watch::is_present)
        };
        let resolved = self.policy.in_force().resolve(&others, self.before.as_ref());
        others.iter().any(present) && !resolved.serving.is_empty()
    }
}

impl Tracked {
    fn new(entry: CatalogVersion) -> Self {
        Self {
            entry,
            watch: None,
            damage: None,
        }
    }

    fn look(&mut self, look: Look, now: Timestamp) {
        let Some(watch) = &mut self.watch else {
            self.watch = Some(Watch::new(look, now));
            return;
        };
        let judged = matches!(self.entry.status, Status::Rejected | Status::Incomplete);
        if watch.look(look, now) && judged && watch.is_present() {
            self.entry = pending(self.entry.version);
        }
    }

    /// What was admitted under this number.
    pub(crate) fn known(&self) -> Option<(Version, Digest)> {
        self.entry.digest.map(|digest| (self.entry.version, digest))
    }

    /// Whether the admitted bytes lie there, by the last verdict.
    pub(crate) fn stands(&self) -> bool {
        self.entry.status == Status::Admitted && self.entry.refusal.is_none()
    }

    /// Takes in that every check passed and the blobs are stored. No new checks: those that ran before stand.
    pub(crate) fn admit(
        &mut self,
        name: &Name,
        digest: Digest,
        files: Vec<FileEntry>,
        checks: Option<Vec<Check>>,
    ) {
        let entry = CatalogVersion {
            version: self.entry.version,
            status: Status::Admitted,
            digest: Some(digest),
            files,
            checks: checks.unwrap_or_else(|| self.entry.checks.clone()),
            refusal: None,
        };
        self.damage = None;
        if let Some(watch) = &mut self.watch {
            watch.passed();
        }
        self.record(name, entry);
    }

    /// Takes in that a check failed.
    pub(crate) fn refuse(&mut self, name: &Name, report: Report, now: Timestamp, settle: &Settle) {
        let (Some((weight, refusal)), Some(watch)) = (report.failure, &mut self.watch) else {
            return;
        };
        let standing = watch.failed(weight, now, settle);
        let refusal = standing.explain(refusal, settle);
        let status = match (self.entry.status, standing) {
            // The bytes that were admitted stay what they are, whatever was dropped over them.
            (
                Status::Admitted | Status::Withdrawn | Status::Rejected | Status::Incomplete,
                Standing::Pending,
            ) => {
                return;
            }
            (kept @ (Status::Admitted | Status::Withdrawn), _) => kept,
            (_, Standing::Pending) => Status::Pending,
            (_, Standing::Incomplete) => Status::Incomplete,
            (_, Standing::Rejected) => Status::Rejected,
        };
        let entry = CatalogVersion {
            status,
            checks: report.checks,
            refusal: Some(refusal),
            ..self.entry.clone()
        };
        self.record(name, entry);
    }

    /// Takes in that the proven bytes could not be stored.
    pub(crate) fn unstored(&mut self, name: &Name, reason: String, now: Timestamp, settle: &Settle) {
        if let Some(watch) = &mut self.watch {
            watch.retry(now, settle);
        }
        let refusal = Some(Refusal {
            check: "store".to_owned(),
            reason,
        });
        self.record(
            name,
            CatalogVersion {
                refusal,
                ..self.entry.clone()
            },
        );
    }

    fn withdraw(&mut self, name: &Name, check: &str, reason: &str) {
        let refusal = Refusal {
            check: check.to_owned(),
            reason: reason.to_owned(),
        };
        let entry = CatalogVersion {
            status: Status::Withdrawn,
            files: Vec::new(),
            refusal: Some(refusal),
            ..self.entry.clone()
        };
        self.damage = None;
        self.record(name, entry);
    }

    /// Takes over an entry, and says so in the log if it says anything new.
    fn record(&mut self, name: &Name, entry: CatalogVersion) {
        let version = entry.version;
        let news = (entry.status, &entry.refusal) != (self.entry.status, &self.entry.refusal);
        match (&entry.refusal, entry.status) {
            _ if !news => {}
            (None, status) => tracing::info!(model = %name, %version, ?status, "version judged"),
            (Some(Refusal { check, reason }), status @ (Status::Pending | Status::Withdrawn)) => {
                tracing::info!(model = %name, %version, ?status, check, reason, "version not served");
            }
            (Some(Refusal { check, reason }), status) => {
                tracing::warn!(model = %name, %version, ?status, check, reason, "version refused");
            }
        }
        self.entry = entry;
    }
}

fn pending(version: Version) -> CatalogVersion {
    CatalogVersion {
        version,
        status: Status::Pending,
        digest: None,
        files: Vec::new(),
        checks: Vec::new(),
        refusal: None,
    }
}

/// Names of what was dropped are in the notes, so that they may be many, long or hold control characters.
pub(crate) fn bounded(notes: Vec<String>) -> Vec<String> {
    let more = notes.len().saturating_sub(NOTES);
    let mut bounded: Vec<_> = notes.into_iter().take(NOTES).map(sentence).collect();
    if more > 0 {
        bounded.push(format!("and {more} more"));
    }
    bounded
}
