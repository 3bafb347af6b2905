//! Where a secret may be, and why. Whatever else is found is a finding.

use crate::{
    forms::{Form, Needles},
    report::Check,
    secrets::What,
};

/// A place, and all that can be read there.
pub(crate) type Place = (String, Vec<u8>);

const ANY: [Form; 4] = [Form::Plain, Form::Base64, Form::Hex, Form::Digest];

/// What, in which form, by which check, in which place (empty: any), and why. Who may have which secret file is the business of the mounts.
type Row = (What, &'static [Form], Check, &'static str, &'static str);
const ALLOWED: [Row; 4] = [
    (
        What::ClientKey,
        &[Form::Digest],
        Check::SecretFiles,
        "/run/secrets/api_keys",
        "the server knows callers by the hash of their key",
    ),
    (
        What::SigningKey,
        &ANY,
        Check::SecretFiles,
        "/run/secrets/catalog_signing_key",
        "the sidecar signs with it",
    ),
    (What::ClientKey, &ANY, Check::SecretFiles, "/run/secrets/client_api_key", "linfactl sends it"),
    (
        What::ModelFile,
        &[Form::Digest],
        Check::Log,
        "",
        "a manifest's hash is the name of a model; a refusal tells which hash a file has",
    ),
];

/// Searches places and describes what should not be there.
pub(crate) fn search(needles: &Needles, check: Check, places: &[Place]) -> Vec<String> {
    let mut findings = Vec::new();
    for (place, content) in places {
        for (secret, form) in needles.find(content) {
            let allowed = ALLOWED.iter().any(|(what, forms, by, at, _why)| {
                secret.what == *what
                    && forms.contains(&form)
                    && check == *by
                    && (at.is_empty() || at == place)
            });
            if !allowed {
                let colon = if place.is_empty() { "" } else { ": " };
                findings.push(format!("{place}{colon}{}, {form}", secret.name));
            }
        }
    }
    findings
}
