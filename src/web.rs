//! gRPC-Web, for pages in browsers: off unless the settings name their origins. A call becomes an ordinary one before the door
//! sees it, so that every limit, key and line of the log is the same for it.

use std::time::Duration;

use http::{
    HeaderName, HeaderValue, Method, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde::{Deserialize, Serialize};
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::Layer as _;
use tower_http::cors::{AllowOrigin, Cors, CorsLayer};

use crate::{door::Door, leftover::Leftover, limits::Limits};

/// What clients send besides their key: what they are, and their deadline.
const SENT: [&str; 3] = ["x-grpc-web", "x-user-agent", "grpc-timeout"];
/// Where the status of a call is that has no answer.
const TOLD: [&str; 3] = ["grpc-status", "grpc-message", "grpc-status-details-bin"];
/// How long a browser may remember what it was allowed; Chromium takes no more.
const REMEMBERED: Duration = Duration::from_secs(7200);

/// Of a refused body so many times the largest message is read, and thrown away: a page that sends too much is to be told so.
const READ: usize = 4;

/// Which pages may call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    /// The origins of pages that may call, separated by spaces. Empty (default) for none: then neither gRPC-Web nor HTTP/1.1
    /// is spoken.
    pub origins: Origins,
}

/// Origins of pages, as `https://app.example.org`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origins(Vec<HeaderValue>);

/// A text that is no list of origins. It is not repeated, as no setting is.
#[derive(Debug, thiserror::Error)]
#[error("expected origins such as `https://app.example.org`, separated by spaces, without a path")]
pub struct InvalidOrigins;

impl TryFrom<String> for Origins {
    type Error = InvalidOrigins;

    fn try_from(text: String) -> Result<Self, InvalidOrigins> {
        text.split_whitespace().map(origin).collect::<Option<_>>().map(Self).ok_or(InvalidOrigins)
    }
}

impl From<Origins> for String {
    fn from(Origins(origins): Origins) -> Self {
        let texts: Vec<_> = origins.iter().filter_map(|origin| origin.to_str().ok()).collect();
        texts.join(" ")
    }
}

/// As browsers write it, which is compared byte by byte: scheme, host and perhaps port.
fn origin(text: &str) -> Option<HeaderValue> {
    let uri: Uri = text.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let is_origin =
        matches!(scheme, "http" | "https") && text == format!("{scheme}://{authority}").to_lowercase();
    is_origin.then(|| text.parse().ok()).flatten()
}

impl Web {
    /// Whether it is spoken at all.
    pub(crate) fn is_on(&self) -> bool {
        !self.origins.0.is_empty()
    }

    /// The door, for pages of these origins too.
    pub(crate) fn open(&self, door: Door, limits: &Limits) -> Cors<Leftover<GrpcWebService<Door>>> {
        let names = |names: [&'static str; 3]| names.map(HeaderName::from_static);
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::list(self.origins.0.clone()))
            .allow_methods([Method::POST])
            .allow_headers([AUTHORIZATION, CONTENT_TYPE].into_iter().chain(names(SENT)).collect::<Vec<_>>())
            .expose_headers(names(TOLD))
            .max_age(REMEMBERED);
        cors.layer(Leftover {
            longest: Duration::from_secs(limits.call_seconds),
            most: limits.request_bytes.saturating_mul(READ),
            service: GrpcWebLayer::new().layer(door),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_write_them() {
        let text = "https://app.example.org http://localhost:8080 http://127.0.0.1";
        let origins = Origins::try_from(text.to_owned()).unwrap();
        assert_eq!(origins.0.len(), 3);
        assert_eq!(String::from(origins), text);
        assert_eq!(Origins::try_from("  ".to_owned()).unwrap(), Origins::default());
        for bad in
            ["*", "null", "app.example.org", "https://app.example.org/", "https://App.example.org", "ftp://a"]
        {
            let said = Origins::try_from(bad.to_owned()).unwrap_err().to_string();
            assert!(said.starts_with("expected origins"), "{bad}");
        }
    }
}
