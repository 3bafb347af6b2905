//! Why a call has no answer.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorInfo, FieldViolation, PreconditionViolation, ResourceInfo, StatusExt as _};

use crate::InvalidKey;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key is none.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// The key's file cannot be read. The system's words, with the path.
    #[error("{0}")]
    KeyFile(std::io::Error),
    /// No address was given.
    #[error("no address of a server was given")]
    NoEndpoint,
    /// The server's address is none.
    #[error("`{endpoint}` is no address of a server; `http://127.0.0.1:50051` would be one")]
    Endpoint {
        /// The address.
        endpoint: String,
    },
    /// The channel would speak in the clear where the caller asked for more. [`crate::Client::over`] takes a TLS channel.
    #[error("{endpoint}: this client speaks no TLS, and would send the key in the clear")]
    Tls {
        /// The address.
        endpoint: String,
    },
    /// No server was there to answer.
    #[error("cannot reach {endpoint}: {}", innermost(cause))]
    Unreachable {
        /// The address.
        endpoint: String,
        /// What the network said. Not the error's source: the sentence has it already.
        cause: tonic::transport::Error,
    },
    /// The time was up.
    #[error("no answer within {0:?}")]
    Deadline(Duration),
    /// The server said no. Also what tonic reports when a connection breaks, as `UNAVAILABLE`.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// An answer without its parts, as from a server of another release.
    #[error("the answer has {0}")]
    Malformed(&'static str),
}

/// A status that is not OK.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The status code.
    pub code: Code,
    /// A sentence for people.
    pub message: String,
    /// The same for programs.
    pub details: Details,
}

/// The decoded `google.rpc` details of a refusal.
#[derive(Clone, Debug, Default)]
pub struct Details {
    /// `BadRequest`: what is wrong with the input, field by field.
    pub field_violations: Vec<FieldViolation>,
    /// `ResourceInfo`: the model, version or label that does not exist.
    pub resource: Option<ResourceInfo>,
    /// `PreconditionFailure`: why the version does not serve.
    pub preconditions: Vec<PreconditionViolation>,
    /// `ErrorInfo`: a reason by name, and where it arose, such as the row and step of a result that is not finite.
    pub info: Option<ErrorInfo>,
    /// `RetryInfo`: when another attempt makes sense.
    pub retry_after: Option<Duration>,
}

impl Details {
    /// The row, from 0, of the first violation or of a result that is not finite.
    pub fn row(&self) -> Option<usize> {
        self.fact("row")?.parse().ok()
    }

    /// The name of the column of the first violation.
    pub fn column(&self) -> Option<&str> {
        self.fact("column")
    }

    /// What would have fitted.
    pub fn expected(&self) -> Option<&str> {
        self.fact("expected")
    }

    /// What came instead.
    pub fn got(&self) -> Option<&str> {
        self.fact("got")
    }

    fn fact(&self, name: &str) -> Option<&str> {
        self.info.as_ref()?.metadata.get(name).map(String::as_str)
    }
}

impl Error {
    /// The gRPC code of a refusal, or of its closest kin.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::Unreachable { .. } => Some(Code::Unavailable),
            Self::Deadline(_) => Some(Code::DeadlineExceeded),
            Self::Key(_)
            | Self::KeyFile(_)
            | Self::NoEndpoint
            | Self::Endpoint { .. }
            | Self::Tls { .. }
            | Self::Malformed(_) => None,
        }
    }

    /// The details of a refusal.
    pub fn details(&self) -> Option<&Details> {
        match self {
            Self::Refused(refusal) => Some(&refusal.details),
            _ => None,
        }
    }

    pub(crate) fn unreachable(endpoint: &str, cause: tonic::transport::Error) -> Self {
        Self::Unreachable { endpoint: endpoint.to_owned(), cause }
    }

    pub(crate) fn refused(status: &Status) -> Self {
        Self::Refused(Box::new(status.into()))
    }
}

impl From<&Status> for Refusal {
    fn from(status: &Status) -> Self {
        let details = status.get_error_details();
        let violations = details.bad_request().map(|bad| bad.field_violations.clone());
        let preconditions = details.precondition_failure().map(|failure| failure.violations.clone());
        Self {
            code: status.code(),
            message: status.message().to_owned(),
            details: Details {
                field_violations: violations.unwrap_or_default(),
                resource: details.resource_info().cloned(),
                preconditions: preconditions.unwrap_or_default(),
                info: details.error_info().cloned(),
                retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
            },
        }
    }
}

/// The innermost cause: tonic's own text is `transport error` alone.
fn innermost(error: &tonic::transport::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn every_kind_of_detail_is_decoded() {
        let mut details = ErrorDetails::new();
        details
            .add_bad_request_violation("matrix.values", "3 values do not form rows of 4")
            .set_resource_info("model", "iris", "", "no such model")
            .add_precondition_failure_violation("golden", "iris/3", "row 7 differs")
            .set_error_info("RESULT_NOT_FINITE", "linfa.serve", [("row".to_owned(), "7".to_owned())])
            .set_retry_info(Some(Duration::from_millis(250)));
        let status = Status::with_error_details(Code::InvalidArgument, "a sentence", details);
        let error = Error::refused(&status);
        assert_eq!(error.to_string(), "a sentence");
        assert_eq!(error.code(), Some(Code::InvalidArgument));
        let details = error.details().unwrap();
        assert_eq!(details.field_violations[0].field, "matrix.values");
        assert_eq!(details.field_violations[0].description, "3 values do not form rows of 4");
        assert_eq!(details.resource.as_ref().unwrap().resource_name, "iris");
        assert_eq!(details.preconditions[0].r#type, "golden");
        assert_eq!(details.preconditions[0].subject, "iris/3");
        assert_eq!((details.row(), details.column()), (Some(7), None));
        assert_eq!(details.retry_after, Some(Duration::from_millis(250)));
    }

    #[test]
    fn a_status_without_details_is_a_refusal_without_details() {
        let error = Error::refused(&Status::unauthenticated("no key"));
        assert_eq!(error.code(), Some(Code::Unauthenticated));
        assert!(error.details().unwrap().field_violations.is_empty());
    }
}
