//! Signs models as the `model-signing` tool does, so that a test can sign what no tool would.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use p256::{
    ecdsa::{DerSignature, SigningKey, signature::Signer as _},
    pkcs8::{EncodePublicKey as _, LineEnding},
};
use serde_json::{Value, json};

use crate::{Digest, dsse::pre_authentication_encoding};

/// Someone who signs models, with a P-256 key.
#[derive(Debug)]
pub struct Publisher(SigningKey);

impl Publisher {
    /// The same key for the same `seed`, which is not 0.
    pub fn new(seed: u8) -> Self {
        Self(SigningKey::from_slice(&[seed; 32]).expect("a scalar of the curve"))
    }

    /// The public key in PEM form.
    pub fn public_key(&self) -> String {
        self.0.verifying_key().to_public_key_pem(LineEnding::LF).expect("a public key")
    }

    /// The bundle over `files`.
    pub fn sign(&self, files: &BTreeMap<String, Digest>) -> Vec<u8> {
        self.bundle(&statement(files)).to_string().into_bytes()
    }

    /// The bundle over any statement.
    pub fn bundle(&self, statement: &Value) -> Value {
        self.seal("application/vnd.in-toto+json", &format!("{statement:#}"))
    }

    /// The bundle over a payload of any type.
    pub fn seal(&self, payload_type: &str, payload: &str) -> Value {
        let signed = pre_authentication_encoding(payload_type, payload.as_bytes());
        let signature: DerSignature = self.0.sign(&signed);
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "publicKey": { "hint": Digest::of(self.public_key().as_bytes()).hex() },
                "tlogEntries": [],
            },
            "dsseEnvelope": {
                "payload": STANDARD.encode(payload),
                "payloadType": payload_type,
                "signatures": [{ "sig": STANDARD.encode(signature.as_bytes()), "keyid": "" }],
            },
        })
    }
}

/// The statement over `files`.
pub fn statement(files: &BTreeMap<String, Digest>) -> Value {
    let all: Vec<u8> = files.values().flat_map(|digest| *digest.as_bytes()).collect();
    let resources = files
        .iter()
        .map(|(name, digest)| json!({ "name": name, "algorithm": "sha256", "digest": digest.hex() }));
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "1", "digest": { "sha256": Digest::of(&all).hex() } }],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": false,
                "ignore_paths": [".git", ".github", ".gitignore", ".gitattributes", "model.sig"],
            },
            "resources": resources.collect::<Vec<_>>(),
        },
    })
}
