//! `policy.toml`: which of a model's admitted versions serve, and what is required of new ones. Parsing and resolving;
//! no file is opened here.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use artifact::{Name, Version, catalog::CatalogModel, catalog::Status, files::ReadError};
use serde::{Deserialize, de::DeserializeOwned};

use crate::require::{Require, Requirements};

/// Which versions serve.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Policy {
    /// The versions that answer.
    serve: Serve,
    /// Names for versions; a labelled version is served too.
    labels: BTreeMap<Name, Version>,
    /// Whether the model is to leave altogether.
    pub(crate) retire: bool,
    /// Whether new versions may take and give something else than what serves.
    breaking: bool,
    /// Whether what the repository requires does not hold here.
    ignore_defaults: bool,
    /// What is required of new versions.
    require: Require,
}

/// The policy.toml beside the models: what is required of new versions of every model that does not say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Defaults {
    require: Require,
}

/// What a policy.toml may hold.
pub(crate) trait Rules: DeserializeOwned + Default {
    /// The rule that its values break together.
    fn broken(&self) -> Option<PolicyError> {
        None
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "serve is `{ latest = 1 }` or more, `\"all\"`, or a list of versions")]
enum Serve {
    // First: a structure of one field would also take a list of one number.
    List(BTreeSet<Version>),
    Latest(Latest),
    All(All),
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Latest {
    latest: NonZeroUsize,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum All {
    All,
}

/// Why policy.toml is not in force.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PolicyError {
    /// No plain, readable file of bounded size.
    #[error("{0}")]
    Read(ReadError),
    /// Not text.
    #[error("policy.toml is not UTF-8")]
    Encoding,
    /// Not TOML, or a key or value that this release does not know.
    #[error("policy.toml, line {line}: {message}")]
    Toml { line: usize, message: String },
    /// A list that names nothing serves nothing, which only `retire` may mean.
    #[error("policy.toml: serve lists no version; `retire = true` withdraws a model")]
    Nothing,
}

/// What a policy comes to with the versions that there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub(crate) default: Option<Version>,
    pub(crate) serving: Vec<Version>,
    pub(crate) labels: BTreeMap<Name, Version>,
    /// What the policy names and cannot have, a sentence each.
    pub(crate) missing: Vec<String>,
}

/// A policy file over time. What is in force is the last good one that two looks saw.
#[derive(Debug, Default)]
pub(crate) struct PolicyFile<P = Policy> {
    seen: Option<Result<Option<Vec<u8>>, ReadError>>,
    in_force: P,
    /// Whether a good one was seen since the start.
    known: bool,
    error: Option<PolicyError>,
}

impl Rules for Defaults {}

impl Rules for Policy {
    fn broken(&self) -> Option<PolicyError> {
        let nothing = matches!(&self.serve, Serve::List(versions) if versions.is_empty());
        nothing.then_some(PolicyError::Nothing)
    }
}

fn parse<P: Rules>(bytes: &[u8]) -> Result<P, PolicyError> {
    let text = std::str::from_utf8(bytes).map_err(|_| PolicyError::Encoding)?;
    let policy: P = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        PolicyError::Toml {
            line: text[..start.min(text.len())].matches('\n').count() + 1,
            message: error.message().to_owned(),
        }
    })?;
    match policy.broken() {
        Some(error) => Err(error),
        None => Ok(policy),
    }
}

impl Policy {
    /// What is required of a new version, key by key: this policy's, else the repository's.
    pub(crate) fn requirements(&self, defaults: &Defaults) -> Requirements {
        let require =
            if self.ignore_defaults { self.require.clone() } else { self.require.or(&defaults.require) };
        require.resolve(self.breaking)
    }

    /// Whether it speaks of this very version.
    pub(crate) fn names(&self, version: Version) -> bool {
        let listed = matches!(&self.serve, Serve::List(versions) if versions.contains(&version));
        listed || self.labels.values().any(|labelled| *labelled == version)
    }

    /// Chooses among the `admitted` versions, in order. Where the policy names one that is not among them, what
    /// served before goes on.
    pub(crate) fn resolve(&self, admitted: &[Version], before: Option<&CatalogModel>) -> Resolved {
        let mut resolved = Resolved::default();
        let is_admitted = |version: &Version| admitted.contains(version);
        let mut serving: BTreeSet<Version> = match &self.serve {
            Serve::Latest(Latest { latest }) => admitted.iter().rev().take(latest.get()).copied().collect(),
            Serve::All(All::All) => admitted.iter().copied().collect(),
            Serve::List(versions) => {
                for version in versions.iter().filter(|version| !is_admitted(version)) {
                    resolved.missing.push(format!("serve names version {version}, which is not admitted"));
                }
                versions.iter().copied().filter(is_admitted).collect()
            }
        };
        if serving.is_empty() {
            serving = before.map(chosen).unwrap_or_default().into_iter().filter(is_admitted).collect();
        }
        resolved.default = serving.last().copied();
        for (label, version) in &self.labels {
            let before = before.and_then(|model| model.labels.get(label)).copied();
            let kept = before.filter(is_admitted);
            if is_admitted(version) {
                resolved.labels.insert(label.clone(), *version);
            } else if let Some(kept) = kept {
                resolved.labels.insert(label.clone(), kept);
                resolved.missing.push(format!(
                    "label `{label}` names version {version}, which is not admitted; it stays at version {kept}"
                ));
            } else {
                resolved
                    .missing
                    .push(format!("label `{label}` names version {version}, which is not admitted"));
            }
        }
        serving.extend(resolved.labels.values());
        resolved.serving = serving.into_iter().collect();
        resolved
    }
}

impl PolicyFile {
    /// Goes on from a catalog: what it shows stays in force until a good file was seen.
    pub(crate) fn recovered(model: &CatalogModel) -> Self {
        let has = |status| model.versions.iter().any(|entry| entry.status == status);
        let in_force = Policy {
            serve: if has(Status::Admitted) { Serve::List(chosen(model)) } else { Serve::default() },
            labels: model.labels.clone(),
            retire: has(Status::Withdrawn) && !has(Status::Admitted),
            ..Policy::default()
        };
        Self { in_force, ..Self::default() }
    }
}

impl<P: Rules> PolicyFile<P> {
    /// Takes in a look at the file. True if it should be looked at again soon.
    pub(crate) fn look(&mut self, file: Result<Option<Vec<u8>>, ReadError>) -> bool {
        if self.seen.as_ref() != Some(&file) {
            self.seen = Some(file);
            return true;
        }
        let parsed = match file {
            Ok(None) => Ok(P::default()),
            Ok(Some(bytes)) => parse(&bytes),
            Err(error) => Err(PolicyError::Read(error)),
        };
        match parsed {
            Ok(policy) => {
                self.in_force = policy;
                self.known = true;
                self.error = None;
            }
            Err(error) => self.error = Some(error),
        }
        false
    }

    pub(crate) fn in_force(&self) -> &P {
        &self.in_force
    }

    /// The same, unless no good file was seen yet. What a catalog shows does not tell what is required.
    pub(crate) fn known(&self) -> Option<&P> {
        self.known.then_some(&self.in_force)
    }

    pub(crate) fn error(&self) -> Option<&PolicyError> {
        self.error.as_ref()
    }
}

/// What the policy itself chose: above the default there are only versions that serve for their label.
fn chosen(model: &CatalogModel) -> BTreeSet<Version> {
    let chosen = |version: &Version| Some(*version) <= model.default;
    model.serving.iter().copied().filter(chosen).collect()
}

impl Default for Serve {
    fn default() -> Self {
        Self::Latest(Latest { latest: NonZeroUsize::MIN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_readmes_are_policies() {
        for readme in [include_str!("../README.md"), include_str!("../../README.md")] {
            let examples: Vec<_> = readme.split("```toml\n").skip(1).collect();
            assert!(!examples.is_empty());
            for example in examples {
                let example = example.split("```").next().unwrap();
                assert_eq!(parse::<Policy>(example.as_bytes()).err(), None, "{example}");
            }
        }
    }
}
