//! Signed envelopes: DSSE 1.0 with Ed25519. What is signed, and what a reader does with it, is the catalog's
//! business.
//!
//! Source: the protocol of secure-systems-lab/dsse, version 1.0.2: the signature covers PAE(type, payload);
//! a reader verifies first, then compares the type, then parses those very bytes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{
    Signature, Signer as _, SigningKey, VerifyingKey,
    pkcs8::{DecodePrivateKey as _, DecodePublicKey as _},
};
use serde::{Deserialize, Serialize};

/// Signs; holds the private key, and never shows it.
pub struct SealKey(SigningKey);

/// Verifies; holds the public key.
#[derive(Clone, Debug)]
pub struct TrustedKey(VerifyingKey);

/// Why an envelope is not believed, one variant per rule.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// No envelope: cut short, damaged, or something else altogether.
    #[error("no signed envelope: {0}")]
    Json(#[from] serde_json::Error),
    /// The payload or a signature is no base64.
    #[error("no signed envelope: not base64")]
    Base64,
    /// Changed after it was signed, or signed by someone else.
    #[error("the signature is not by the trusted key")]
    Signature,
    /// A genuine signature over something that is no such document.
    #[error("signed, but of the type `{found}`")]
    Type {
        /// The type of what was signed.
        found: String,
    },
}

/// A file that holds no Ed25519 key in PEM form. Says nothing of the content.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no Ed25519 {0} key in PEM form")]
pub struct InvalidKey(&'static str);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Envelope {
    payload_type: String,
    payload: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeSignature {
    sig: String,
}

impl SealKey {
    /// Reads a PKCS #8 private key in PEM form, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn from_pem(pem: &str) -> Result<Self, InvalidKey> {
        SigningKey::from_pkcs8_pem(pem.trim()).map(Self).map_err(|_| InvalidKey("private"))
    }

    /// A key from 32 secret bytes.
    pub fn from_bytes(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// The public half.
    pub fn trusted(&self) -> TrustedKey {
        TrustedKey(self.0.verifying_key())
    }

    /// Signs `payload` as a document of the type `payload_type`.
    ///
    /// # Errors
    /// [`EnvelopeError::Json`] if the envelope cannot be written.
    pub fn seal(&self, payload_type: &str, payload: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let signature = self.0.sign(&pre_authentication_encoding(payload_type, payload));
        Ok(serde_json::to_vec(&Envelope {
            payload_type: payload_type.to_owned(),
            payload: STANDARD.encode(payload),
            signatures: vec![EnvelopeSignature { sig: STANDARD.encode(signature.to_bytes()) }],
        })?)
    }
}

impl TrustedKey {
    /// Reads a public key in PEM form, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn from_pem(pem: &str) -> Result<Self, InvalidKey> {
        VerifyingKey::from_public_key_pem(pem.trim()).map(Self).map_err(|_| InvalidKey("public"))
    }

    /// The signed payload of a document of the type `payload_type`.
    ///
    /// # Errors
    /// [`EnvelopeError`], by the first rule that is broken.
    pub fn unseal(&self, payload_type: &str, envelope: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let envelope: Envelope = serde_json::from_slice(envelope)?;
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| EnvelopeError::Base64);
        let payload = decode(&envelope.payload)?;
        let signed = pre_authentication_encoding(&envelope.payload_type, &payload);
        let genuine = envelope.signatures.iter().any(|signature| {
            decode(&signature.sig)
                .ok()
                .and_then(|bytes| Signature::from_slice(&bytes).ok())
                .is_some_and(|signature| self.0.verify_strict(&signed, &signature).is_ok())
        });
        if !genuine {
            return Err(EnvelopeError::Signature);
        }
        if envelope.payload_type != payload_type {
            return Err(EnvelopeError::Type { found: envelope.payload_type });
        }
        Ok(payload)
    }
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(secret)")
    }
}

/// What a signature covers.
pub(crate) fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SealKey {
        SealKey::from_bytes(&[7; 32])
    }

    #[test]
    fn what_was_sealed_is_what_is_unsealed() {
        let envelope = key().seal("text/plain", b"hello").unwrap();
        assert_eq!(key().trusted().unseal("text/plain", &envelope).unwrap(), b"hello");
    }

    #[test]
    fn the_encoding_is_the_protocols() {
        // The example of protocol.md.
        assert_eq!(
            pre_authentication_encoding("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn the_private_key_is_not_shown() {
        assert_eq!(format!("{:?}", key()), "SealKey(secret)");
    }

    #[test]
    fn no_single_flipped_bit_is_believed() {
        let envelope = key().seal("text/plain", b"hello").unwrap();
        let mut believed = Vec::new();
        for bit in 0..envelope.len() * 8 {
            let mut flipped = envelope.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if key().trusted().unseal("text/plain", &flipped).is_ok() {
                believed.push(bit);
            }
        }
        assert_eq!(believed, Vec::<usize>::new(), "of {} bits", envelope.len() * 8);
    }

    #[test]
    fn a_foreign_signature_and_another_type_are_refused() {
        let foreign = SealKey::from_bytes(&[8; 32]).seal("text/plain", b"hello").unwrap();
        assert!(matches!(key().trusted().unseal("text/plain", &foreign), Err(EnvelopeError::Signature)));
        let other = key().seal("text/html", b"hello").unwrap();
        assert!(matches!(key().trusted().unseal("text/plain", &other), Err(EnvelopeError::Type { .. })));
    }
}
