//! Publisher signatures: a `model.sig` as the `model-signing` tool makes it with an EC key. Given the bytes of the
//! bundle, the hashes of what lies beside it and the keys that are trusted, it says whose signature that is. No I/O.
//!
//! Source: OpenSSF Model Signing 1.0 (ossf/model-signing-spec, spec/v1.0.md, sections 4 to 8), with the method `key`:
//! a Sigstore bundle around a DSSE envelope around an in-toto statement that lists the files and their hashes. The
//! signature is verified first; then those very bytes are parsed.

mod keys;
pub(crate) mod statement;

use std::collections::BTreeMap;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use serde::{Deserialize, de::IgnoredAny};

pub use self::keys::{KeysError, PublisherKey, PublisherKeys};
use crate::{Digest, dsse::pre_authentication_encoding};

/// The file that holds the bundle.
pub const FILE: &str = "model.sig";
/// The most bytes of a bundle.
pub const MAX_BYTES: u64 = 4 << 20;
/// The most files that a bundle may list.
pub const MAX_FILES: usize = 100;

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// Why a signature is not believed, one variant per rule, in the order in which they are looked at.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Parsing it would exhaust memory.
    #[error("it has {size} bytes, the limit is {MAX_BYTES}")]
    TooLarge {
        /// Its length.
        size: u64,
    },
    /// Cut short, damaged, or something else altogether.
    #[error("no signature bundle: {0}")]
    Json(serde_json::Error),
    /// Another format, whose rules may differ.
    #[error("a bundle of the type `{found}`, not `{MEDIA_TYPE}`")]
    MediaType {
        /// What it says.
        found: String,
    },
    /// Certificates and identities need a certificate authority or a log to ask; only pinned keys work offline.
    #[error("signed by a certificate; only signatures by a key are verified (`model_signing sign key`)")]
    NotByKey,
    /// A signature over a document of another kind must not pass for one over a model.
    #[error("it signs a document of the type `{found}`, not `{PAYLOAD_TYPE}`")]
    PayloadType {
        /// What it says.
        found: String,
    },
    /// Which of them counts would be a guess.
    #[error("it has {found} signatures, not one")]
    Signatures {
        /// How many.
        found: usize,
    },
    /// Damaged.
    #[error("its {what} is not base64")]
    Base64 {
        /// Payload or signature.
        what: &'static str,
    },
    /// Someone signed, but nobody who is trusted.
    #[error("signed by the key {hint}, which is no publisher key")]
    UnknownKey {
        /// What the bundle calls the key.
        hint: String,
    },
    /// Changed after it was signed, or signed by another key than it says.
    #[error("the signature is not by the publisher key {}", .id.hex())]
    NotSigned {
        /// The key that the bundle names.
        id: Digest,
    },
    /// As above, of a bundle that names no key.
    #[error("the signature is by none of the publisher keys")]
    ByNone,
    /// A genuine signature over something else.
    #[error("signed, but no statement: {0}")]
    Statement(serde_json::Error),
    /// A statement of another version.
    #[error("signed, but a statement of the type `{found}`")]
    StatementType {
        /// What it says.
        found: String,
    },
    /// A statement about something else than the files of a model.
    #[error("signed, but of the kind `{found}`")]
    PredicateType {
        /// What it says.
        found: String,
    },
    /// One model is signed at a time.
    #[error("signed, but about {found} subjects, not one")]
    Subjects {
        /// How many.
        found: usize,
    },
    /// Files hashed in pieces. The specification lets a verifier refuse them.
    #[error("signed by the method `{found}`; only whole files are verified (`files`)")]
    Method {
        /// What it says.
        found: String,
    },
    /// Only the hash that every implementation has.
    #[error("signed with the hash `{found}`; only `sha256` is verified")]
    HashType {
        /// What it says.
        found: String,
    },
    /// What a link led to when it was signed is not what it leads to here.
    #[error("signed with symbolic links followed; sign without `--allow_symlinks`")]
    Symlinks,
    /// What the publisher left out may be exchanged without breaking the signature.
    #[error("signed with `{path}` left out; sign without `--ignore-paths`")]
    LeftOut {
        /// The path.
        path: String,
    },
    /// A signature over nothing, or over more than a version has.
    #[error("signed over {found} files, not 1 to {MAX_FILES}")]
    Files {
        /// How many.
        found: usize,
    },
    /// Two readers could take different ones of two entries.
    #[error("signed, but the files are not in order, or twice: `{name}`")]
    Order {
        /// The first that is out of place.
        name: String,
    },
    /// Could lead out of the folder, or name one file in two ways.
    #[error("signed, but `{name}` is no plain relative path")]
    Path {
        /// The path.
        name: String,
    },
    /// A hash that is weaker than the others could hide behind them.
    #[error("signed, but `{name}` is hashed by `{found}`")]
    Algorithm {
        /// The file.
        name: String,
        /// What it says.
        found: String,
    },
    /// Not 64 lower-case hexadecimal digits.
    #[error("signed, but `{name}` has no hash")]
    NoHash {
        /// The file.
        name: String,
    },
    /// The statement contradicts itself.
    #[error("signed, but the hash of all files together is not that of the subject")]
    Root,
    /// Not copied yet, or removed.
    #[error("`{name}` was signed and is missing")]
    Missing {
        /// The file.
        name: String,
    },
    /// Changed after it was signed, or signed for another model.
    #[error("`{name}` is not what was signed; it has the hash {}, signed was {}", .found.hex(), .signed.hex())]
    Hash {
        /// The file.
        name: String,
        /// What lies there.
        found: Digest,
        /// What was signed.
        signed: Digest,
    },
    /// Slipped in after it was signed.
    #[error("`{name}` was not signed; remove it, or sign again")]
    Unsigned {
        /// The file.
        name: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Bundle {
    media_type: String,
    verification_material: Material,
    dsse_envelope: Envelope,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Material {
    public_key: Option<KeyHint>,
    x509_certificate_chain: Option<IgnoredAny>,
    certificate: Option<IgnoredAny>,
}

/// Absent in bundles of tools before 1.1, which had the key's own bytes here.
#[derive(Deserialize)]
struct KeyHint {
    hint: Option<String>,
}

/// The key's id in a signature is advice, which the hint gives already.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    sig: String,
}

/// The key that signed `files`: all of them, and nothing else. `files` are the names and hashes of whatever lies
/// beside the bundle.
///
/// # Errors
/// [`BundleError`], by the first rule that is broken.
pub fn verify<'keys>(
    bundle: &[u8],
    files: &BTreeMap<String, Digest>,
    keys: &'keys PublisherKeys,
) -> Result<&'keys PublisherKey, BundleError> {
    if bundle.len() as u64 > MAX_BYTES {
        return Err(BundleError::TooLarge { size: bundle.len() as u64 });
    }
    let bundle: Bundle = serde_json::from_slice(bundle).map_err(BundleError::Json)?;
    let (key, payload) = bundle.unseal(keys)?;
    statement::check(&payload, files)?;
    Ok(key)
}

impl Bundle {
    /// The key that signed, and what it signed.
    fn unseal(self, keys: &PublisherKeys) -> Result<(&PublisherKey, Vec<u8>), BundleError> {
        if self.media_type != MEDIA_TYPE {
            return Err(BundleError::MediaType { found: self.media_type });
        }
        let material = self.verification_material;
        if material.certificate.is_some() || material.x509_certificate_chain.is_some() {
            return Err(BundleError::NotByKey);
        }
        let envelope = self.dsse_envelope;
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(BundleError::PayloadType { found: envelope.payload_type });
        }
        let [signature] = envelope.signatures.as_slice() else {
            return Err(BundleError::Signatures { found: envelope.signatures.len() });
        };
        let payload = decode("payload", &envelope.payload)?;
        let signature = decode("signature", &signature.sig)?;
        let signed = pre_authentication_encoding(PAYLOAD_TYPE, &payload);
        let key = match material.public_key.and_then(|key| key.hint) {
            Some(hint) => {
                let key = keys.named(&hint).ok_or(BundleError::UnknownKey { hint })?;
                let signed = key.has_signed(&signed, &signature);
                signed.then_some(key).ok_or(BundleError::NotSigned { id: key.id() })
            }
            None => keys.iter().find(|key| key.has_signed(&signed, &signature)).ok_or(BundleError::ByNone),
        };
        Ok((key?, payload))
    }
}

/// Both alphabets: DSSE asks for that.
fn decode(what: &'static str, text: &str) -> Result<Vec<u8>, BundleError> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).map_err(|_| BundleError::Base64 { what })
}
