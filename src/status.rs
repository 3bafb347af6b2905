//! How an error is told to a client: the one place that names gRPC codes and google.rpc details.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use crate::error::{Facts, ServeError, Violation};

/// The domain of google.rpc.ErrorInfo.
const DOMAIN: &str = "linfa.serve";
/// How long to wait before another try.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// What a full server asks for: a slot is free again within milliseconds.
const RETRY_WHEN_FULL: Duration = Duration::from_millis(50);

/// The most bytes of a message, and of all violations together. Both travel as headers, and clients take some 8 KiB
/// of these; a request may hold names of any length.
const MESSAGE_BYTES: usize = 1024;
const VIOLATION_BYTES: usize = 2048;
/// The most bytes of one fact of a violation.
const FACT_BYTES: usize = 256;

impl From<ServeError> for Status {
    fn from(error: ServeError) -> Self {
        let message = short(&error.to_string());
        let (code, details) = match error {
            ServeError::NothingLoaded => {
                (Code::Unavailable, ErrorDetails::with_retry_info(Some(RETRY_AFTER)))
            }
            ServeError::Draining => (Code::Unavailable, ErrorDetails::with_retry_info(Some(RETRY_AFTER))),
            ServeError::TooOld => (Code::Unavailable, ErrorDetails::with_retry_info(Some(RETRY_AFTER))),
            ServeError::Pending { .. } | ServeError::Unread { .. } => {
                (Code::Unavailable, ErrorDetails::with_retry_info(Some(RETRY_AFTER)))
            }
            ServeError::Full => {
                (Code::ResourceExhausted, ErrorDetails::with_retry_info(Some(RETRY_WHEN_FULL)))
            }
            ServeError::DeadlineExceeded | ServeError::StoodStill { .. } => {
                (Code::DeadlineExceeded, ErrorDetails::new())
            }
            ServeError::UnknownModel { name } => (Code::NotFound, missing("model", name, &message)),
            ServeError::UnknownVersion { name, version } => {
                (Code::NotFound, missing("version", format!("{name}/{version}"), &message))
            }
            ServeError::UnknownLabel { name, label } => {
                (Code::NotFound, missing("label", format!("{name}/{label}"), &message))
            }
            ServeError::AmbiguousModel { names } => {
                let served = short(&format!("several models are served: {}", names.join(", ")));
                (Code::InvalidArgument, ErrorDetails::with_bad_request_violation("model", served))
            }
            ServeError::Refused { name, version, check, reason } => {
                (Code::FailedPrecondition, unmet(check, format!("{name}/{version}"), short(&reason)))
            }
            ServeError::NotServed { name, version, .. } => {
                (Code::FailedPrecondition, unmet("policy", format!("{name}/{version}"), &message))
            }
            ServeError::NoneServes { name } => {
                (Code::FailedPrecondition, unmet("policy", name.to_string(), &message))
            }
            ServeError::Input(violations) => {
                let info = violations.first().map(|first| (first.reason, facts(&first.facts)));
                let mut details = bad_request(violations);
                if let Some((reason, facts)) = info {
                    details.set_error_info(reason.as_str(), DOMAIN, facts);
                }
                (Code::InvalidArgument, details)
            }
            ServeError::NotProtobuf(_) => (Code::InvalidArgument, ErrorDetails::new()),
            ServeError::NotFinite { row, step, .. } => {
                let mut details = ErrorDetails::with_bad_request_violation(format!("rows[{row}]"), &message);
                let place = [("row", row), ("step", step)].map(|(key, at)| (key.to_owned(), at.to_string()));
                details.set_error_info("RESULT_NOT_FINITE", DOMAIN, HashMap::from(place));
                (Code::OutOfRange, details)
            }
            ServeError::Unauthenticated => (Code::Unauthenticated, ErrorDetails::new()),
            ServeError::Forbidden { .. } => (Code::PermissionDenied, ErrorDetails::new()),
            ServeError::Panicked { .. } => (Code::Internal, ErrorDetails::new()),
        };
        Status::with_error_details(code, message, details)
    }
}

/// The name of a code, as the access log shows it: `OK`, `NOT_FOUND`, …; `-` for what is no code.
pub(crate) fn code_name(code: i32) -> &'static str {
    match Code::from_i32(code) {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

fn missing(kind: &str, name: String, message: &str) -> ErrorDetails {
    ErrorDetails::with_resource_info(kind, short(&name), "", message)
}

fn unmet(check: impl Into<String>, subject: String, reason: impl Into<String>) -> ErrorDetails {
    ErrorDetails::with_precondition_failure_violation(check, subject, reason)
}

fn bad_request(violations: Vec<Violation>) -> ErrorDetails {
    let mut room = VIOLATION_BYTES;
    let fields = violations.into_iter().map(|violation| FieldViolation {
        field: short(&violation.field),
        description: short(&violation.description),
        reason: violation.reason.as_str().to_owned(),
        localized_message: None,
    });
    let fitting = fields.enumerate().take_while(|(index, field)| {
        let size = field.field.len() + field.description.len();
        room = room.saturating_sub(size);
        // The first is told whatever its length.
        *index == 0 || room > 0
    });
    ErrorDetails::with_bad_request(fitting.map(|(_, field)| field).collect::<Vec<_>>())
}

/// What is known of a violation besides its sentence, by name.
fn facts(facts: &Facts) -> HashMap<String, String> {
    let row = facts.row.map(|row| row.to_string());
    let known =
        [("row", &row), ("column", &facts.column), ("expected", &facts.expected), ("got", &facts.got)];
    let told =
        known.into_iter().filter_map(|(name, fact)| Some((name.to_owned(), cut(fact.as_ref()?, FACT_BYTES))));
    told.collect()
}

fn short(text: &str) -> String {
    cut(text, MESSAGE_BYTES)
}

fn cut(text: &str, bytes: usize) -> String {
    match text.char_indices().map(|(at, _)| at).find(|at| *at >= bytes) {
        Some(end) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
