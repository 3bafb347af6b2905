//! The public keys of publishers: EC keys in PEM form, several in one file, each with an id and perhaps a name.

use std::fmt;

use p256::{
    ecdsa::signature::Verifier as _,
    pkcs8::{DecodePublicKey as _, EncodePublicKey as _, LineEnding},
};
use serde::{Deserialize, Serialize};

use crate::Digest;

/// The most keys of a file.
const MAX_KEYS: usize = 64;
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// Keys that are trusted to sign models. None by default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PublisherKeys(Vec<PublisherKey>);

/// One of them.
#[derive(Clone, Debug)]
pub struct PublisherKey {
    id: Digest,
    name: Option<String>,
    /// The one form that is hashed, whatever the file's line ends and point compression.
    pem: String,
    key: Key,
}

/// The curves that the specification asks for. Each signs with the hash of its strength.
#[derive(Clone, Debug)]
enum Key {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
}

/// Why a file is no set of keys, one variant per rule. Says nothing of the content: it may be a private key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// An empty file would trust nobody, which is said by not naming one.
    #[error("it holds no public key")]
    Empty,
    /// A private key for one, or a certificate.
    #[error("line {line}: only public keys (`BEGIN PUBLIC KEY`) and comments (`# name`) belong here")]
    Foreign {
        /// Where, from 1.
        line: usize,
    },
    /// Cut short, or of another kind: RSA and Ed25519 do not sign models.
    #[error("line {line}: no EC public key on the curve P-256, P-384 or P-521")]
    Key {
        /// Where it begins, from 1.
        line: usize,
    },
    /// Two names for one key.
    #[error("line {line}: the same key as before")]
    Twice {
        /// Where it begins, from 1.
        line: usize,
    },
    /// Each signature might be tried with all of them.
    #[error("it holds more than {MAX_KEYS} keys")]
    TooMany,
}

impl PublisherKeys {
    /// Reads public keys in PEM form, as `openssl ec -pubout` writes them. A comment above a key is its name.
    ///
    /// # Errors
    /// [`KeysError`], by the first rule that is broken.
    pub fn from_pem(text: &str) -> Result<Self, KeysError> {
        let mut keys: Vec<PublisherKey> = Vec::new();
        let mut name = None;
        let mut lines = text.lines().map(str::trim).zip(1..);
        while let Some((text, line)) = lines.next() {
            if let Some(comment) = text.strip_prefix('#') {
                name = Some(comment.trim().to_owned()).filter(|name| !name.is_empty());
            } else if text == BEGIN {
                let mut pem = format!("{BEGIN}\n");
                for (text, _) in lines.by_ref() {
                    pem += text;
                    pem.push('\n');
                    if text == END {
                        break;
                    }
                }
                let key = PublisherKey::from_pem(&pem, name.take()).ok_or(KeysError::Key { line })?;
                if keys.iter().any(|other| other.id == key.id) {
                    return Err(KeysError::Twice { line });
                }
                keys.push(key);
            } else if !text.is_empty() {
                return Err(KeysError::Foreign { line });
            }
        }
        match keys.len() {
            0 => Err(KeysError::Empty),
            1..=MAX_KEYS => Ok(Self(keys)),
            _ => Err(KeysError::TooMany),
        }
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys, as they stand in the file.
    pub fn iter(&self) -> impl Iterator<Item = &PublisherKey> {
        self.0.iter()
    }

    /// The key that a bundle's hint names.
    pub(super) fn named(&self, hint: &str) -> Option<&PublisherKey> {
        self.0.iter().find(|key| key.id.hex() == hint)
    }
}

impl PublisherKey {
    /// The SHA-256 of the key in PEM form, which is what a bundle calls it by.
    pub fn id(&self) -> Digest {
        self.id
    }

    /// What the comment above it says.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether `signature`, in DER form, is this key's over `message`.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.key {
            Key::P256(key) => p256::ecdsa::DerSignature::try_from(signature)
                .and_then(|signature| key.verify(message, &signature)),
            Key::P384(key) => p384::ecdsa::DerSignature::try_from(signature)
                .and_then(|signature| key.verify(message, &signature)),
            Key::P521(key) => p521::ecdsa::DerSignature::try_from(signature)
                .and_then(|signature| key.verify(message, &signature)),
        };
        verified.is_ok()
    }

    fn from_pem(pem: &str, name: Option<String>) -> Option<Self> {
        let key = p256::ecdsa::VerifyingKey::from_public_key_pem(pem)
            .map(Key::P256)
            .or_else(|_| p384::ecdsa::VerifyingKey::from_public_key_pem(pem).map(Key::P384))
            .or_else(|_| p521::ecdsa::VerifyingKey::from_public_key_pem(pem).map(Key::P521))
            .ok()?;
        let pem = match &key {
            Key::P256(key) => key.to_public_key_pem(LineEnding::LF),
            Key::P384(key) => key.to_public_key_pem(LineEnding::LF),
            Key::P521(key) => key.to_public_key_pem(LineEnding::LF),
        };
        let pem = pem.ok()?;
        Some(Self { id: Digest::of(pem.as_bytes()), name, pem, key })
    }
}

impl From<PublisherKeys> for String {
    fn from(keys: PublisherKeys) -> Self {
        let name =
            |key: &PublisherKey| key.name.as_ref().map(|name| format!("# {name}\n")).unwrap_or_default();
        keys.iter().map(|key| name(key) + &key.pem).collect()
    }
}

impl TryFrom<String> for PublisherKeys {
    type Error = KeysError;

    fn try_from(text: String) -> Result<Self, KeysError> {
        if text.is_empty() { Ok(Self::default()) } else { Self::from_pem(&text) }
    }
}

impl fmt::Display for PublisherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.id.hex()),
            None => f.write_str(&self.id.hex()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P256: &str = include_str!("../../tests/fixtures/signed/p256.pem");
    const P521: &str = include_str!("../../tests/fixtures/signed/p521.pem");
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n";
    // An Ed25519 key, as `openssl pkey -pubout` writes it.
    const ED25519: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    fn say(text: &str) -> String {
        PublisherKeys::from_pem(text).unwrap_err().to_string()
    }

    #[test]
    fn a_comment_above_a_key_is_its_name() {
        let text = format!("# keys of ours\n\n#  team a \n{P256}\n{P521}");
        let keys = PublisherKeys::from_pem(&text).unwrap();
        let shown: Vec<_> = keys.iter().map(|key| (key.name(), key.to_string())).collect();
        let [first, second] = [P256, P521].map(|pem| Digest::of(pem.as_bytes()).hex());
        assert_eq!(shown, [(Some("team a"), format!("team a ({first})")), (None, second)]);
    }

    #[test]
    fn the_id_does_not_depend_on_how_the_file_is_written() {
        let id = |text: &str| PublisherKeys::from_pem(text).unwrap().iter().next().unwrap().id();
        let plain = Digest::of(P256.as_bytes());
        assert_eq!(id(P256), plain);
        assert_eq!(id(&P256.replace('\n', "\r\n")), plain);
        assert_eq!(id(P256.trim()), plain);
        assert_eq!(id(&P256.replace('\n', " \n  ")), plain);
    }

    #[test]
    fn keys_go_through_json_as_they_are() {
        let keys = PublisherKeys::from_pem(&format!("{P521}# a\n{P256}")).unwrap();
        let json = serde_json::to_string(&keys).unwrap();
        let back: PublisherKeys = serde_json::from_str(&json).unwrap();
        let shown = |keys: &PublisherKeys| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(shown(&back), shown(&keys));
        let none = serde_json::to_string(&PublisherKeys::default()).unwrap();
        assert!(serde_json::from_str::<PublisherKeys>(&none).unwrap().is_empty());
        assert!(!keys.is_empty());
    }

    #[test]
    fn what_is_no_public_ec_key_is_refused_by_its_line_and_not_shown() {
        assert_eq!(say(""), "it holds no public key");
        assert_eq!(say("# team a\n"), "it holds no public key");
        let foreign = "only public keys (`BEGIN PUBLIC KEY`) and comments (`# name`) belong here";
        assert_eq!(say(&format!("\n{PRIVATE}")), format!("line 2: {foreign}"));
        assert_eq!(say(&format!("{P256}hunter2")), format!("line 5: {foreign}"));
        let no_key = "no EC public key on the curve P-256, P-384 or P-521";
        assert_eq!(say(&format!("{P256}{ED25519}")), format!("line 5: {no_key}"));
        assert_eq!(say(P256.trim_end_matches("-----END PUBLIC KEY-----\n")), format!("line 1: {no_key}"));
        assert_eq!(say(&P256.replacen('M', "N", 1)), format!("line 1: {no_key}"));
        assert_eq!(say(&format!("{P256}# again\n{P256}")), "line 6: the same key as before");
    }

    #[test]
    fn a_file_has_at_most_64_keys() {
        let pem = |seed: u8| crate::testkit::Publisher::new(seed).public_key();
        let most: String = (1..=64).map(pem).collect();
        assert_eq!(PublisherKeys::from_pem(&most).unwrap().iter().count(), 64);
        assert_eq!(say(&(most + P256)), "it holds more than 64 keys");
    }
}
