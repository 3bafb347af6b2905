//! What is known about one model: its versions, its policy, and what the catalog says of both. Looks and verdicts
//! come in; nothing is read or written here.

use std::collections::BTreeMap;

use artifact::{
    Name, Version,
    catalog::{CatalogModel, Status},
};
use jiff::Timestamp;

use crate::{
    checks::sentence,
    config::Settle,
    incoming::{ListError, Look, ModelFolder},
    policy::PolicyFile,
    settle::Watch,
    tracked::Tracked,
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
        let versions = model.versions.iter().map(|entry| (entry.version, Tracked::recovered(entry.clone())));
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
            self.versions.entry(*version).or_insert_with(|| Tracked::new(*version));
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

    /// The newest version that is to be judged now, as it was seen last.
    pub(crate) fn due(&self, now: Timestamp) -> Option<(Version, &Look)> {
        self.versions.iter().rev().find_map(|(version, tracked)| {
            let watch = tracked.watch.as_ref().filter(|watch| watch.is_due(now))?;
            Some((*version, watch.seen()))
        })
    }

    /// Whether a version has changed since the look before.
    pub(crate) fn is_unsettled(&self) -> bool {
        let mut watches = self.versions.values().filter_map(|tracked| tracked.watch.as_ref());
        watches.any(Watch::is_unsettled)
    }

    pub(crate) fn version(&mut self, version: Version) -> Option<&mut Tracked> {
        self.versions.get_mut(&version)
    }

    /// The versions that serve, as the catalog said last.
    pub(crate) fn serving(&mut self) -> impl Iterator<Item = &mut Tracked> {
        let serving = self.before.as_ref().map(|model| model.serving.as_slice()).unwrap_or_default();
        let versions = self.versions.iter_mut();
        versions.filter(|(version, _)| serving.contains(version)).map(|(_, tracked)| tracked)
    }

    /// Whether nothing is known that would be lost.
    pub(crate) fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// The model as the catalog shows it.
    pub(crate) fn render(&mut self) -> CatalogModel {
        let resolved = self.policy.in_force().resolve(&self.admitted(), self.before.as_ref());
        let policy_error = match self.policy.error() {
            Some(error) => Some(sentence(error)),
            None if resolved.missing.is_empty() => None,
            None => Some(sentence(resolved.missing.join("; "))),
        };
        let mut notes = self.notes.clone();
        for (version, tracked) in &self.versions {
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
            versions: self.versions.values().map(|tracked| tracked.entry.clone()).collect(),
        };
        self.before = Some(model.clone());
        model
    }

    fn admitted(&self) -> Vec<Version> {
        let admitted = |tracked: &Tracked| tracked.entry.status == Status::Admitted;
        let versions = self.versions.iter();
        versions.filter(|(_, tracked)| admitted(tracked)).map(|(version, _)| *version).collect()
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
        let removed =
            |tracked: &Tracked| tracked.watch.as_ref().is_some_and(|watch| watch.is_removed(now, settle));
        self.versions.retain(|_, tracked| {
            matches!(tracked.entry.status, Status::Admitted | Status::Withdrawn) || !removed(tracked)
        });
        for version in self.admitted() {
            let can_spare = self.can_spare(version);
            match self.versions.get_mut(&version) {
                Some(tracked) if removed(tracked) && can_spare => {
                    tracked.withdraw(&self.name, "layout", "its folder was removed");
                }
                Some(tracked) if removed(tracked) => self.notes.push(format!(
                    "version {version} has no folder and stays; `retire = true` in policy.toml withdraws the model"
                )),
                _ => {}
            }
        }
    }

    /// Whether another version is there to serve in its place.
    fn can_spare(&self, version: Version) -> bool {
        let mut others = self.admitted();
        others.retain(|other| *other != version);
        let present = |other: &Version| {
            let watch = self.versions.get(other).and_then(|tracked| tracked.watch.as_ref());
            watch.is_some_and(Watch::is_present)
        };
        let resolved = self.policy.in_force().resolve(&others, self.before.as_ref());
        others.iter().any(present) && !resolved.serving.is_empty()
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
