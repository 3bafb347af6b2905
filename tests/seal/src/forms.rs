//! The forms in which a secret is known again, and one search for all of them.

use std::{collections::BTreeSet, fmt};

use aho_corasick::AhoCorasick;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use sha2::{Digest as _, Sha256};

use crate::secrets::{Secret, What};

/// Bytes shorter than this, or of fewer different values, cannot be told from chance.
const TELLING: (usize, usize) = (16, 8);
/// What is encoded as text is searched in two pieces or more, each no longer than this: programs break such text into
/// lines, of 60 characters or more, and one piece at least lies between the breaks.
const PIECE: usize = 30;

/// How a secret is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    Plain,
    Base64,
    Hex,
    /// Its SHA-256, in any of the forms above.
    Digest,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Digest => "digest",
        })
    }
}

/// Every form of every secret.
pub(crate) struct Needles {
    secrets: Vec<Secret>,
    automaton: AhoCorasick,
    /// Whose form each pattern of the automaton is.
    owners: Vec<(usize, Form)>,
}

impl Needles {
    /// The needles, and the names of what cannot be told from chance in a model and is not among them.
    pub(crate) fn new(secrets: Vec<Secret>) -> anyhow::Result<(Self, Vec<String>)> {
        let (secrets, plain): (Vec<_>, Vec<_>) =
            secrets.into_iter().partition(|secret| telling(&secret.bytes));
        if let Some(key) =
            plain.iter().find(|secret| matches!(secret.what, What::ClientKey | What::SigningKey))
        {
            anyhow::bail!("{} is too short or too uniform to be searched for", key.name);
        }
        let (mut patterns, mut owners) = (Vec::new(), Vec::new());
        for (index, secret) in secrets.iter().enumerate() {
            for (form, pattern) in forms(secret) {
                owners.push((index, form));
                patterns.push(pattern);
            }
        }
        let unsearched = plain.into_iter().map(|secret| secret.name).collect();
        Ok((Self { secrets, automaton: AhoCorasick::new(patterns)?, owners }, unsearched))
    }

    /// What there is in the bytes.
    pub(crate) fn find(&self, bytes: &[u8]) -> impl Iterator<Item = (&Secret, Form)> {
        let found: BTreeSet<_> =
            self.automaton.find_overlapping_iter(bytes).map(|found| self.owners[found.pattern()]).collect();
        found.into_iter().map(|(index, form)| (&self.secrets[index], form))
    }
}

fn telling(bytes: &[u8]) -> bool {
    bytes.len() >= TELLING.0 && bytes.iter().collect::<BTreeSet<_>>().len() >= TELLING.1
}

fn forms(secret: &Secret) -> Vec<(Form, Vec<u8>)> {
    let mut forms = Vec::new();
    if secret.what != What::ModelFile {
        forms.push((Form::Plain, secret.bytes.clone()));
        forms.extend(base64(&secret.bytes).map(|piece| (Form::Base64, piece)));
        forms.extend(hex(&secret.bytes).map(|piece| (Form::Hex, piece)));
    }
    for bytes in std::iter::once(&secret.bytes).chain(&secret.around) {
        let digest = Sha256::digest(bytes);
        let texts = base64(&digest).chain(hex(&digest));
        forms.extend(texts.chain([digest.to_vec()]).map(|piece| (Form::Digest, piece)));
    }
    forms
}

/// Both alphabets, and the three ways in which bytes fall into groups of three: without the characters that what
/// stands before or after has a part in.
fn base64(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let texts = [STANDARD_NO_PAD, URL_SAFE_NO_PAD].into_iter().flat_map(move |engine| {
        (0..3).map(move |before| {
            let text = engine.encode([&[0; 2][..before], bytes].concat()).into_bytes();
            let whole = (before + bytes.len()) * 8 / 6;
            text[(before * 8).div_ceil(6)..whole].to_vec()
        })
    });
    texts.flat_map(pieces).collect::<Vec<_>>().into_iter()
}

fn hex(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let lower: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let upper = lower.to_uppercase();
    [lower, upper].into_iter().flat_map(|text| pieces(text.into_bytes()))
}

/// The text in equal pieces, without those that hardly vary, as zeros do.
fn pieces(text: Vec<u8>) -> Vec<Vec<u8>> {
    let size = text.len().div_ceil(text.len().div_ceil(PIECE).max(2));
    let varies = |piece: &&[u8]| piece.iter().collect::<BTreeSet<_>>().len() >= TELLING.1 / 2;
    text.chunks(size).filter(varies).map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 32 bytes as a key has them.
    fn key() -> Vec<u8> {
        Sha256::digest(b"a key").to_vec()
    }

    fn needles(what: What, bytes: &[u8]) -> (Needles, Vec<String>) {
        let secret = Secret { what, name: "it".to_owned(), bytes: bytes.into(), around: Vec::new() };
        Needles::new(vec![secret]).unwrap()
    }

    fn found(needles: &Needles, text: &[u8]) -> Vec<Form> {
        needles.find(text).map(|(_, form)| form).collect()
    }

    /// In every way in which lines of 60 to 76 characters can break the text.
    fn broken(text: &str) -> impl Iterator<Item = Vec<u8>> {
        (60..=76).flat_map(move |width| {
            (0..width).map(move |column| {
                let shifted = format!("{}{text}", ".".repeat(column)).into_bytes();
                shifted.chunks(width).collect::<Vec<_>>().join(&b'\n')
            })
        })
    }

    #[test]
    fn base64_is_known_in_both_alphabets_wherever_it_begins_and_its_lines_break() {
        for length in [16, 32, 68, 96] {
            let secret = [key(), key(), key()].concat()[..length].to_vec();
            let (needles, _) = needles(What::SigningKey, &secret);
            for (before, after) in (0..3).flat_map(|before| (0..3).map(move |after| (before, after))) {
                let among = [&[7; 2][..before], &secret, &[9; 2][..after]].concat();
                for text in [STANDARD_NO_PAD.encode(&among), URL_SAFE_NO_PAD.encode(&among)] {
                    for text in broken(&text) {
                        assert_eq!(
                            found(&needles, &text),
                            [Form::Base64],
                            "{}",
                            String::from_utf8_lossy(&text)
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn hex_is_known_in_both_cases_wherever_its_lines_break() {
        let (needles, _) = needles(What::ClientKey, &key());
        let text: String = key().iter().map(|byte| format!("{byte:02x}")).collect();
        for text in broken(&text).chain(broken(&text.to_uppercase())) {
            assert_eq!(found(&needles, &text), [Form::Hex], "{}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn a_digest_is_known_raw_in_hex_and_in_base64_and_is_all_that_is_looked_for_of_a_models_file() {
        let digest = Sha256::digest(key());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        for what in [What::Tensor, What::ModelFile] {
            let (needles, _) = needles(what, &key());
            for text in [digest.to_vec(), hex.clone().into(), STANDARD_NO_PAD.encode(digest).into()] {
                assert_eq!(found(&needles, &text), [Form::Digest]);
            }
            let plain: &[Form] = if what == What::Tensor { &[Form::Plain] } else { &[] };
            assert_eq!(found(&needles, &key()), plain);
        }
    }

    #[test]
    fn a_tensor_that_cannot_be_told_from_chance_is_named_and_a_key_that_cannot_is_an_error() {
        for bytes in [&[0; 64][..], &key()[..15]] {
            let (needles, unsearched) = needles(What::Tensor, bytes);
            assert_eq!(unsearched, ["it"]);
            assert_eq!(found(&needles, bytes), []);
            let key = Secret {
                what: What::ClientKey,
                name: String::new(),
                bytes: bytes.into(),
                around: Vec::new(),
            };
            assert!(Needles::new(vec![key]).is_err());
        }
    }
}
