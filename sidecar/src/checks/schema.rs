//! `schema`: the version takes and gives what the serving one does, so that whoever calls it today can go on.

use std::collections::BTreeSet;

use artifact::{Feature, FeatureKind, Manifest, Output, Version, feature::Unknown};

use super::{Failure, serving::Serving};

pub(super) const NAME: &str = "schema";

/// What differs, one variant per rule. Positions count from 1.
#[derive(Debug, PartialEq, thiserror::Error)]
enum SchemaError {
    /// Every call would be answered in other terms.
    #[error("it answers a {found}, version {version} a {expected}")]
    Task { found: &'static str, expected: &'static str, version: Version },
    /// Rows of the old width would be refused.
    #[error("it has {found} {what}, version {version} has {expected}")]
    Count { what: &'static str, found: usize, expected: usize, version: Version },
    /// The values of a row would land in other features, and the answers be read as others.
    #[error("number {position} of its {what} is `{found}`, in version {version} it is `{expected}`")]
    Name { what: &'static str, position: usize, found: String, expected: String, version: Version },
    /// Texts would be sent where numbers belong, or the other way round.
    #[error("its feature `{name}` is a {found}, in version {version} it is a {expected}")]
    Kind { name: String, found: &'static str, expected: &'static str, version: Version },
    /// Rows that are answered today would be refused.
    #[error("its feature `{name}` {rule}, in version {version} it may")]
    Narrower { name: String, rule: String, version: Version },
}

/// Compares what goes in and what comes out.
pub(super) fn compare(
    manifest: &Manifest,
    serving: Option<&Serving>,
    required: bool,
) -> Result<((), String), Failure> {
    let Some(serving) = serving else {
        return Ok(((), "no earlier version to compare with".to_owned()));
    };
    let detail = match differ(manifest, serving.model.manifest(), serving.version) {
        Ok(()) => format!("as version {}", serving.version),
        Err(error) if required => {
            return Err(Failure::sure(format_args!("{error}; `breaking = true` in policy.toml allows that")));
        }
        Err(error) => format!("{error}, which policy.toml allows"),
    };
    Ok(((), detail))
}

fn differ(manifest: &Manifest, expected: &Manifest, version: Version) -> Result<(), SchemaError> {
    let (found, task) = (manifest.output.task(), expected.output.task());
    if found != task {
        return Err(SchemaError::Task { found, expected: task, version });
    }
    let features =
        |manifest: &Manifest| manifest.inputs.iter().map(|feature| feature.name.clone()).collect::<Vec<_>>();
    let answers = match manifest.output {
        Output::Classification { .. } => "classes",
        Output::Regression { .. } => "targets",
        Output::Clustering { .. } => "clusters",
        Output::Transformation { .. } => "columns",
    };
    for (what, found, expected) in [
        ("features", features(manifest), features(expected)),
        (answers, manifest.output.names(), expected.output.names()),
    ] {
        if found.len() != expected.len() {
            let (found, expected) = (found.len(), expected.len());
            return Err(SchemaError::Count { what, found, expected, version });
        }
        let mut pairs = (1..).zip(found.into_iter().zip(expected));
        if let Some((position, (found, expected))) = pairs.find(|(_, (found, expected))| found != expected) {
            return Err(SchemaError::Name { what, position, found, expected, version });
        }
    }
    let mut features = manifest.inputs.iter().zip(&expected.inputs);
    features.try_for_each(|(found, expected)| takes_as_much(found, expected, version))
}

/// Whether a feature takes all that it took.
fn takes_as_much(feature: &Feature, expected: &Feature, version: Version) -> Result<(), SchemaError> {
    let name = || feature.name.clone();
    let (found, before) = (&feature.kind, &expected.kind);
    if found.name() != before.name() {
        return Err(SchemaError::Kind {
            name: name(),
            found: found.name(),
            expected: before.name(),
            version,
        });
    }
    let narrower = |rule| Err(SchemaError::Narrower { name: name(), rule, version });
    if before.may_be_missing() && !found.may_be_missing() {
        return narrower("may not be missing".to_owned());
    }
    let (FeatureKind::Category(found), FeatureKind::Category(before)) = (found, before) else {
        return Ok(());
    };
    if found.unknown == Unknown::Ignore {
        return Ok(());
    }
    if before.unknown == Unknown::Ignore {
        return narrower("may not be another text than its categories".to_owned());
    }
    let known: BTreeSet<_> = found.categories.iter().collect();
    match before.categories.iter().find(|category| !known.contains(category)) {
        Some(lost) => narrower(format!("may not be `{lost}`")),
        None => Ok(()),
    }
}
