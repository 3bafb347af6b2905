//! `schema`: the version takes and gives what the serving one does, so that whoever calls it today can go on.

use artifact::{Manifest, Output, Version};

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
    Ok(())
}
