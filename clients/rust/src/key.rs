//! The API key: the one secret that a client holds. It is never shown.

use std::{fmt, path::Path, str::FromStr};

use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::Interceptor,
};

use crate::Error;

/// An API key. As an interceptor it adds `authorization: Bearer KEY` to every call.
#[derive(Clone)]
pub struct ApiKey(MetadataValue<Ascii>);

/// A text that no header can carry; it is not repeated, since it may be a secret all the same.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the API key is empty or has characters that no key has")]
pub struct InvalidKey;

impl ApiKey {
    /// Reads a key from its file, without the white space around it.
    ///
    /// # Errors
    /// [`Error::KeyFile`] if it cannot be read, [`Error::Key`] if it holds no key.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self::new(fs_err::read_to_string(path.as_ref()).map_err(Error::KeyFile)?.trim())?)
    }

    /// Makes a key of its text.
    ///
    /// # Errors
    /// [`InvalidKey`] if it is empty or anything but visible ASCII.
    pub fn new(key: &str) -> Result<Self, InvalidKey> {
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidKey);
        }
        let mut header: MetadataValue<Ascii> = format!("Bearer {key}").parse().map_err(|_| InvalidKey)?;
        // Keeps it out of debug output, and out of the table that HTTP/2 compresses headers with.
        header.set_sensitive(true);
        Ok(Self(header))
    }
}

impl FromStr for ApiKey {
    type Err = InvalidKey;

    fn from_str(key: &str) -> Result<Self, InvalidKey> {
        Self::new(key)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl Interceptor for ApiKey {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_into_the_header_and_into_no_debug_output() {
        let mut key = ApiKey::new("lsk_s3cret").unwrap();
        let request = key.call(Request::new(())).unwrap();
        assert_eq!(request.metadata().get("authorization").unwrap(), "Bearer lsk_s3cret");
        for shown in [format!("{key:?}"), format!("{request:?}")] {
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_without_being_repeated() {
        for bad in ["", "two words", "line\n", "clé"] {
            assert_eq!(ApiKey::new(bad).unwrap_err(), InvalidKey, "{bad:?}");
        }
    }
}
