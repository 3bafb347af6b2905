//! What serves though the catalog does not know it any more: a sidecar whose store was wiped begins anew, and for a
//! while, or for want of models for ever, says nothing of what it had proven before. It takes nothing away by that.
//! Only a catalog that admits or withdraws a version again decides about it. A restart forgets.

use std::collections::BTreeMap;

use artifact::{
    Name,
    catalog::{CatalogModel, CatalogVersion, Status},
};

use crate::registry::Model;

/// Adds to the models of a catalog what serves and is forgotten in it.
pub(crate) fn keep_forgotten(models: &mut BTreeMap<Name, CatalogModel>, before: &BTreeMap<Name, Model>) {
    for (name, before) in before.iter().filter(|(_, before)| before.serves()) {
        let entry = models.entry(name.clone()).or_insert_with(|| nothing_of(name.clone()));
        keep(entry, before);
    }
}

fn keep(entry: &mut CatalogModel, before: &Model) {
    let known = |status| matches!(status, Status::Admitted | Status::Withdrawn);
    for version in before.loaded.keys() {
        let Some(old) = before.entry.version(*version) else { continue };
        let found = entry.versions.iter().position(|found| found.version == *version);
        if found.is_some_and(|index| known(entry.versions[index].status)) {
            continue;
        }
        // What became of the newest bytes under this number is still worth telling.
        let refusal = found.and_then(|index| entry.versions.remove(index).refusal);
        entry.versions.push(CatalogVersion { refusal, ..old.clone() });
        entry.serving.push(*version);
        for (label, _) in before.entry.labels.iter().filter(|(_, named)| *named == version) {
            entry.labels.entry(label.clone()).or_insert(*version);
        }
        if before.default == Some(*version) {
            entry.default = entry.default.max(before.default);
        }
        let note = format!("version {version} serves on, but the catalog does not know it any more");
        if !before.entry.notes.contains(&note) {
            tracing::warn!(model = %entry.name, %version, "the catalog has forgotten what serves; it serves on");
        }
        entry.notes.push(note);
    }
    entry.versions.sort_unstable_by_key(|version| version.version);
    entry.serving.sort_unstable();
}

fn nothing_of(name: Name) -> CatalogModel {
    CatalogModel {
        name,
        default: None,
        serving: Vec::new(),
        labels: BTreeMap::new(),
        policy_error: None,
        notes: Vec::new(),
        versions: Vec::new(),
    }
}
