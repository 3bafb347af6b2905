//! What a publisher signs: an in-toto statement that lists the files of a model with their hashes. Whether the
//! signature is genuine was found out before; here is whether the statement is about these files.

use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{BundleError, FILE, MAX_FILES};
use crate::Digest;

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE: &str = "https://model_signing/signature/v1.0";
/// What the tool leaves out by itself. None of it may lie in a version's folder anyway.
const LEFT_OUT: [&str; 5] = [".git", ".gitattributes", ".github", ".gitignore", FILE];

/// What kind of statement it is. Of another kind, the rest may look otherwise.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    #[serde(rename = "_type")]
    statement_type: String,
    predicate_type: String,
}

#[derive(Deserialize)]
struct Statement {
    subject: Vec<Subject>,
    predicate: Predicate,
}

#[derive(Deserialize)]
struct Subject {
    digest: SubjectDigest,
}

#[derive(Deserialize)]
struct SubjectDigest {
    sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    serialization: Serialization,
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Serialization {
    method: String,
    hash_type: String,
    allow_symlinks: bool,
    #[serde(default)]
    ignore_paths: Vec<String>,
}

/// The specification has readers ignore further fields.
#[derive(Deserialize)]
struct Resource {
    name: String,
    algorithm: String,
    digest: String,
}

/// Whether the statement lists `files`: all of them, and nothing else.
pub(crate) fn check(payload: &[u8], files: &BTreeMap<String, Digest>) -> Result<(), BundleError> {
    let kind: Kind = serde_json::from_slice(payload).map_err(BundleError::Statement)?;
    if kind.statement_type != STATEMENT_TYPE {
        return Err(BundleError::StatementType { found: kind.statement_type });
    }
    if kind.predicate_type != PREDICATE_TYPE {
        return Err(BundleError::PredicateType { found: kind.predicate_type });
    }
    let Statement { subject, predicate } = serde_json::from_slice(payload).map_err(BundleError::Statement)?;
    let [Subject { digest: subject }] = subject.as_slice() else {
        return Err(BundleError::Subjects { found: subject.len() });
    };
    predicate.serialization.check()?;
    let signed = listed(predicate.resources)?;
    if root(&signed).hex() != subject.sha256 {
        return Err(BundleError::Root);
    }
    compare(signed, files)
}

impl Serialization {
    fn check(self) -> Result<(), BundleError> {
        if self.method != "files" {
            return Err(BundleError::Method { found: self.method });
        }
        if self.hash_type != "sha256" {
            return Err(BundleError::HashType { found: self.hash_type });
        }
        if self.allow_symlinks {
            return Err(BundleError::Symlinks);
        }
        match self.ignore_paths.into_iter().find(|path| !LEFT_OUT.contains(&path.as_str())) {
            Some(path) => Err(BundleError::LeftOut { path }),
            None => Ok(()),
        }
    }
}

/// The files with their hashes, in the order in which they are listed.
fn listed(resources: Vec<Resource>) -> Result<Vec<(String, Digest)>, BundleError> {
    if !(1..=MAX_FILES).contains(&resources.len()) {
        return Err(BundleError::Files { found: resources.len() });
    }
    let mut signed: Vec<(String, Digest)> = Vec::with_capacity(resources.len());
    for Resource { name, algorithm, digest } in resources {
        // The order of bytes is the order of code points.
        if signed.last().is_some_and(|(before, _)| *before >= name) {
            return Err(BundleError::Order { name });
        }
        if name.split('/').any(|part| matches!(part, "" | "." | "..")) || name.contains('\0') {
            return Err(BundleError::Path { name });
        }
        if algorithm != "sha256" {
            return Err(BundleError::Algorithm { name, found: algorithm });
        }
        match Digest::from_hex(&digest) {
            Ok(digest) => signed.push((name, digest)),
            Err(_) => return Err(BundleError::NoHash { name }),
        }
    }
    Ok(signed)
}

/// The hash of all hashes, one after the other.
fn root(signed: &[(String, Digest)]) -> Digest {
    let hash = signed.iter().fold(Sha256::new(), |hash, (_, digest)| hash.chain_update(digest.as_bytes()));
    Digest::from(<[u8; 32]>::from(hash.finalize()))
}

fn compare(signed: Vec<(String, Digest)>, files: &BTreeMap<String, Digest>) -> Result<(), BundleError> {
    let unsigned = |name: &&String| signed.iter().all(|(listed, _)| listed != *name);
    if let Some(name) = files.keys().find(unsigned) {
        return Err(BundleError::Unsigned { name: name.clone() });
    }
    for (name, signed) in signed {
        match files.get(&name) {
            None => return Err(BundleError::Missing { name }),
            Some(found) if *found != signed => {
                return Err(BundleError::Hash { name, found: *found, signed });
            }
            Some(_) => {}
        }
    }
    Ok(())
}
