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

/// Verifies; holds the public keys that are trusted: one, and while keys are changed the old one and the new one.
#[derive(Clone, Debug)]
pub struct TrustedKeys(Vec<VerifyingKey>);

/// Why an envelope is not believed, one variant per rule.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// No envelope: cut short, damaged, or something else altogether.
    #[error("no signed envelope: {0}")]
    Json(#[from] serde_json::Error),
    /// The payload or a signature is no base64.
    #[error("no signed envelope: not base64")]
    Base64,
    /// Each one that is tried costs a hash of the payload, and we sign once.
    #[error("no signed envelope: {found} signatures, expected 1")]
    Signatures {
        /// How many there are.
        found: usize,
    },
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
    pub fn trusted(&self) -> TrustedKeys {
        TrustedKeys(vec![self.0.verifying_key()])
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

impl TrustedKeys {
    /// Reads public keys in PEM form, one after the other, each as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// [`InvalidKey`] if one is none, or there is none.
    pub fn from_pem(pem: &str) -> Result<Self, InvalidKey> {
        let blocks = pem.trim().split_inclusive("-----END PUBLIC KEY-----");
        let keys: Result<Vec<_>, _> =
            blocks.map(|block| VerifyingKey::from_public_key_pem(block.trim())).collect();
        match keys {
            Ok(keys) if !keys.is_empty() => Ok(Self(keys)),
            _ => Err(InvalidKey("public")),
        }
    }

    /// These keys and those.
    #[must_use]
    pub fn and(mut self, others: &Self) -> Self {
        self.0.extend(&others.0);
        self
    }

    /// Whether what `key` signs is believed.
    pub fn trust(&self, key: &SealKey) -> bool {
        self.0.contains(&key.0.verifying_key())
    }

    /// The signed payload of a document of the type `payload_type`.
    ///
    /// # Errors
    /// [`EnvelopeError`], by the first rule that is broken.
    pub fn unseal(&self, payload_type: &str, envelope: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let envelope: Envelope = serde_json::from_slice(envelope)?;
        let [signature] = envelope.signatures.as_slice() else {
            return Err(EnvelopeError::Signatures { found: envelope.signatures.len() });
        };
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| EnvelopeError::Base64);
        let payload = decode(&envelope.payload)?;
        let signed = pre_authentication_encoding(&envelope.payload_type, &payload);
        let signature = Signature::from_slice(&decode(&signature.sig)?);
        let genuine = signature
            .is_ok_and(|signature| self.0.iter().any(|key| key.verify_strict(&signed, &signature).is_ok()));
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
    use ed25519_dalek::pkcs8::{EncodePublicKey as _, spki::der::pem::LineEnding};

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
    fn every_trusted_key_is_believed_and_no_other() {
        let pem = |key: &SealKey| key.0.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
        let keys = [7, 8, 9].map(|byte| SealKey::from_bytes(&[byte; 32]));
        let believed = |trusted: &TrustedKeys| {
            keys.iter()
                .map(|key| {
                    let envelope = key.seal("text/plain", b"hello").unwrap();
                    let unsealed = trusted.unseal("text/plain", &envelope).is_ok();
                    assert_eq!(unsealed, trusted.trust(key));
                    unsealed
                })
                .collect::<Vec<_>>()
        };
        let one = TrustedKeys::from_pem(&pem(&keys[0])).unwrap();
        assert_eq!(believed(&one), [true, false, false]);
        let two = TrustedKeys::from_pem(&(pem(&keys[0]) + "\n" + &pem(&keys[2]))).unwrap();
        assert_eq!(believed(&two), [true, false, true]);
        assert_eq!(believed(&one.and(&keys[1].trusted())), [true, true, false]);
    }

    #[test]
    fn a_file_with_no_key_or_anything_but_keys_is_refused_whole() {
        let good = key().0.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
        for bad in ["", "hello", &good.repeat(2)[..good.len() + 40], &format!("{good}hello")] {
            assert_eq!(TrustedKeys::from_pem(bad).unwrap_err(), InvalidKey("public"), "{bad}");
        }
    }

    #[test]
    fn an_envelope_has_one_signature() {
        let mut envelope: Envelope =
            serde_json::from_slice(&key().seal("text/plain", b"hello").unwrap()).unwrap();
        let signature = envelope.signatures.remove(0).sig;
        for count in [0, 2, 1000] {
            envelope.signatures = (0..count).map(|_| EnvelopeSignature { sig: signature.clone() }).collect();
            let bytes = serde_json::to_vec(&envelope).unwrap();
            assert_eq!(
                key().trusted().unseal("text/plain", &bytes).unwrap_err().to_string(),
                format!("no signed envelope: {count} signatures, expected 1")
            );
        }
    }

    #[test]
    fn a_foreign_signature_and_another_type_are_refused() {
        let foreign = SealKey::from_bytes(&[8; 32]).seal("text/plain", b"hello").unwrap();
        assert!(matches!(key().trusted().unseal("text/plain", &foreign), Err(EnvelopeError::Signature)));
        let other = key().seal("text/html", b"hello").unwrap();
        assert!(matches!(key().trusted().unseal("text/plain", &other), Err(EnvelopeError::Type { .. })));
    }
}
