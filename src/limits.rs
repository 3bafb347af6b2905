//! What one client may take from the others, in one table, and the deadline of a call. tonic leaves most of these
//! limits open.

use std::time::Duration;

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{error::ServeError, infer::Deadline};

/// Every limit, with its default. Sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at once; further ones are closed. Keep it below the process's limit of open files. 1024.
    pub connections: usize,
    /// How long a new connection may take to say that it speaks HTTP/2. 5 s.
    pub handshake_seconds: u64,
    /// After this long a connection is asked to end (GOAWAY), so that clients spread anew. 1800 s.
    pub connection_age_seconds: u64,
    /// A connection is asked this often whether its peer is still there; 0 for never, as tonic does. 30 s.
    pub keepalive_seconds: u64,
    /// How long the peer may take to say so. 10 s.
    pub keepalive_timeout_seconds: u64,
    /// Calls at once on one connection; tonic's default is no limit. 128.
    pub streams_per_connection: u32,
    /// Calls of one connection that wait, cancelled already, for the server to see them; one more ends it. 20.
    pub pending_resets: usize,
    /// Calls in the life of a connection that were malformed or beyond its `streams_per_connection`; one more ends
    /// it. tonic's default is no limit. 256.
    pub error_resets: usize,
    /// Calls at once in all; further ones are refused with RESOURCE_EXHAUSTED. 512.
    pub calls: usize,
    /// The same for health and reflection, which need no key, apart from it so that neither starves the other. Ample,
    /// since those who ask for health must not be kept out; not endless, since anyone may call. 4096.
    pub open_calls: usize,
    /// WatchModels at once, apart from the other calls, so that those who wait do not keep out those who ask. 64.
    pub watches: usize,
    /// PredictStream at once, apart from the other calls in the same way. 64.
    pub streams: usize,
    /// How long a stream may stand still because its client neither sends nor reads. 60 s.
    pub stream_idle_seconds: u64,
    /// The longest that a call may take, or one message of a stream, whatever its own deadline says; a watch or stream may last
    /// `connection_age_seconds`. 10 s.
    pub call_seconds: u64,
    /// A request message. 4 MiB.
    pub request_bytes: usize,
    /// The request messages of all calls at once; what is more is refused with RESOURCE_EXHAUSTED. 256 MiB.
    pub request_bytes_at_once: usize,
    /// A response message; tonic's default is no limit. 16 MiB.
    pub response_bytes: usize,
    /// The headers of one call. 8 KiB.
    pub header_bytes: u32,
    /// Rows of one call; fewer where a model's answer to so many would not fit into a response. 100 000.
    pub rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            handshake_seconds: 5,
            connection_age_seconds: 1800,
            keepalive_seconds: 30,
            keepalive_timeout_seconds: 10,
            streams_per_connection: 128,
            pending_resets: 20,
            error_resets: 256,
            calls: 512,
            open_calls: 4096,
            watches: 64,
            streams: 64,
            stream_idle_seconds: 60,
            call_seconds: 10,
            request_bytes: 4 << 20,
            request_bytes_at_once: 256 << 20,
            response_bytes: 16 << 20,
            header_bytes: 8 << 10,
            rows: 100_000,
        }
    }
}

/// How long a call that goes on may do so.
#[derive(Clone, Debug)]
pub(crate) struct Lifetime {
    pub(crate) end: Instant,
    /// What is said at the end.
    pub(crate) last_words: ServeError,
}

impl Lifetime {
    /// Of a call with these headers, which lasts `longest` if they do not ask for less.
    pub(crate) fn of(headers: &HeaderMap, longest: Duration) -> Self {
        let (lasts, last_words) = match timeout(headers) {
            Some(asked) if asked <= longest => (asked, ServeError::DeadlineExceeded),
            _ => (longest, ServeError::TooOld),
        };
        Self { end: Instant::now() + lasts, last_words }
    }
}

/// When a call with these headers has to end: when its caller says, or after `longest` if that is earlier.
pub(crate) fn deadline(headers: &HeaderMap, longest: Duration) -> Deadline {
    let asked = timeout(headers).unwrap_or(longest).min(longest);
    // A little early: at the very deadline tonic's own timer would answer, and say CANCELLED.
    Deadline(Instant::now() + asked.saturating_sub((asked / 8).min(Duration::from_millis(5))))
}

/// The caller's `grpc-timeout`: up to 8 digits and a unit. Anything else counts as none.
fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let amount = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_read_as_the_protocol_writes_it() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().unwrap());
            timeout(&headers)
        };
        assert_eq!(read("1n"), Some(Duration::from_nanos(1)));
        assert_eq!(read("250m"), Some(Duration::from_millis(250)));
        assert_eq!(read("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for bad in ["", "1", "m", "123456789m", "1x", "-1m", "1.5S", "+1S"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
