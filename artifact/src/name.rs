//! What a model and a version may be called. One spelling each, so that a folder names one thing.

use std::{borrow::Borrow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A model's name: `[a-z][a-z0-9_-]{0,62}`.
///
/// Lower case only: a file system that folds case must not make two models one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Name(String);

/// A version: `[1-9][0-9]{0,17}`. No leading zero, so that `1` and `01` cannot both exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u64", try_from = "u64")]
pub struct Version(u64);

/// A text or number that is no name or version.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// See [`Name`].
    #[error("a model's name is a lower-case letter and up to 62 of a-z, 0-9, _ and -")]
    Name,
    /// See [`Version`].
    #[error("a version is a number of 1 to 18 digits without a leading zero")]
    Version,
}

const MAX_VERSION: u64 = 999_999_999_999_999_999;

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Version {
    /// The version as a number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        let mut bytes = text.bytes();
        let starts_well = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
        let goes_on_well = bytes.all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if starts_well && goes_on_well && text.len() <= 63 { Ok(Self(text)) } else { Err(InvalidName::Name) }
    }
}

impl TryFrom<u64> for Version {
    type Error = InvalidName;

    fn try_from(number: u64) -> Result<Self, InvalidName> {
        if (1..=MAX_VERSION).contains(&number) { Ok(Self(number)) } else { Err(InvalidName::Version) }
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        text.to_owned().try_into()
    }
}

impl FromStr for Version {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        // `parse` alone would also take "+1" and "01".
        if text.starts_with(|c: char| c.is_ascii_digit() && c != '0') {
            text.parse::<u64>().map_err(|_| InvalidName::Version)?.try_into()
        } else {
            Err(InvalidName::Version)
        }
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl From<Version> for u64 {
    fn from(version: Version) -> Self {
        version.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        for good in ["a", "iris", "wine-2_b", &"a".repeat(63)] {
            assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
        }
        for bad in ["", "Iris", "1ris", "-a", "a.b", "a/b", "..", "ä", &"a".repeat(64)] {
            assert_eq!(bad.parse::<Name>(), Err(InvalidName::Name), "{bad:?}");
        }
    }

    #[test]
    fn a_map_by_name_is_asked_with_text() {
        let map = std::collections::BTreeMap::from([("iris".parse::<Name>().unwrap(), 1)]);
        assert_eq!((map.get("iris"), map.get("wine")), (Some(&1), None));
    }

    #[test]
    fn versions_have_one_spelling() {
        let seven: Version = "7".parse().unwrap();
        assert_eq!((seven.get(), seven.to_string()), (7, "7".to_owned()));
        assert_eq!("999999999999999999".parse::<Version>().unwrap().get(), MAX_VERSION);
        for bad in ["", "0", "01", "+1", "-1", "1.0", "1e3", "1000000000000000000", " 1"] {
            assert_eq!(bad.parse::<Version>(), Err(InvalidName::Version), "{bad:?}");
        }
    }
}
