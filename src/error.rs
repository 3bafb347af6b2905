//! What can become of a request instead of an answer. No transport here: `status.rs` says how each is told.

use artifact::{Name, Version};

/// Why a request has no answer. `Display` is what the client reads.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ServeError {
    /// No catalog has been applied yet.
    #[error("no models are loaded yet; try again shortly")]
    NothingLoaded,
    /// The server is about to stop.
    #[error("the server is shutting down; call another one")]
    Draining,
    /// As many calls as the server takes are being answered.
    #[error("the server is full; try again shortly")]
    Full,
    /// A watch or stream is as old as connections may become. Its key may be no good any more, and other servers be nearer.
    #[error("the call has lasted as long as a connection may; call again")]
    TooOld,
    /// The client of a stream neither sends nor reads.
    #[error("the stream stood still for {seconds} s: no message came, or no answer was read")]
    StoodStill {
        /// For how long.
        seconds: u64,
    },
    /// The caller's deadline, or the server's own limit.
    #[error("the deadline passed before the answer was computed")]
    DeadlineExceeded,

    /// The catalog names no such model.
    #[error("there is no model `{name}`")]
    UnknownModel {
        /// What was asked for.
        name: String,
    },
    /// The model has no such version.
    #[error("model `{name}` has no version {version}")]
    UnknownVersion {
        /// The model.
        name: Name,
        /// What was asked for.
        version: u64,
    },
    /// The model has no such label.
    #[error("model `{name}` has no label `{label}`")]
    UnknownLabel {
        /// The model.
        name: Name,
        /// What was asked for.
        label: String,
    },
    /// No model was named, and it cannot be guessed.
    #[error("model: several models are served, name one of them: {}", .names.join(", "))]
    AmbiguousModel {
        /// What is served.
        names: Vec<String>,
    },
    /// A check refused that version.
    #[error("version {version} of model `{name}` was refused by the check `{check}`: {reason}")]
    Refused {
        /// The model.
        name: Name,
        /// The version.
        version: Version,
        /// The check that failed.
        check: String,
        /// Why.
        reason: String,
    },
    /// The version is still being copied or judged.
    #[error("version {version} of model `{name}` is not judged yet; try again shortly")]
    Pending {
        /// The model.
        name: Name,
        /// The version.
        version: Version,
    },
    /// Proven, but its files cannot be read just now.
    #[error("version {version} of model `{name}` cannot be loaded yet: {reason}")]
    Unread {
        /// The model.
        name: Name,
        /// The version.
        version: Version,
        /// What is wrong with which file.
        reason: String,
    },
    /// Proven, but not what the policy serves; or withdrawn.
    #[error("version {version} of model `{name}` is {standing}, but not served; {}", Serving(.serving))]
    NotServed {
        /// The model.
        name: Name,
        /// The version.
        version: Version,
        /// `admitted` or `withdrawn`.
        standing: &'static str,
        /// What serves instead.
        serving: Vec<Version>,
    },
    /// The model is known, but no version of it was ever good enough.
    #[error("model `{name}` has no version that serves")]
    NoneServes {
        /// The model.
        name: Name,
    },

    /// The input does not fit the model. Says the first violation; the details say all.
    #[error("{}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Input(Vec<Violation>),
    /// The bytes are no message of the expected type.
    #[error("the message is no valid protobuf of its type: {0}")]
    NotProtobuf(String),
    /// The input is finite, the result is not.
    #[error("row {row}: the result of step {step} (`{kind}`) is too large for a number")]
    NotFinite {
        /// The row, from 0.
        row: usize,
        /// The step, from 0.
        step: usize,
        /// Its kind.
        kind: &'static str,
    },

    /// No key, an unknown one, or one that has expired: one text for all, so that nobody learns which.
    #[error("a valid API key is needed, as `authorization: Bearer KEY`")]
    Unauthenticated,
    /// The key is good, but not for this.
    #[error("the API key lacks the scope `{scope}`")]
    Forbidden {
        /// What it would need.
        scope: String,
    },
    /// A bug of ours. The log has the rest under this id.
    #[error("internal error {id}; the server's log has it under this id")]
    Panicked {
        /// Names the line in the log.
        id: String,
    },
}

/// One way in which an input does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {description}")]
pub struct Violation {
    /// The path of the field in the request, as in `matrix.values[3]`.
    pub field: String,
    /// What was expected and what came, with the row and the column's name.
    pub description: String,
    /// The rule, for programs.
    pub reason: Reason,
    /// The rest of the description, for programs.
    pub facts: Facts,
}

/// Where an input does not fit, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The row, from 0.
    pub row: Option<usize>,
    /// The column's name.
    pub column: Option<String>,
    /// What would fit.
    pub expected: Option<String>,
    /// What came.
    pub got: Option<String>,
}

/// The rules that an input can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Neither matrix nor frame.
    InputMissing,
    /// More than one encoding at once.
    EncodingAmbiguous,
    /// Bytes that end in the middle of a number or a row.
    BytesTorn,
    /// Values that end in the middle of a row.
    ValuesRagged,
    /// Another number of features.
    WidthMismatch,
    /// No rows.
    RowsMissing,
    /// More rows than a call may have.
    RowsTooMany,
    /// NaN or infinite.
    NotFinite,
    /// A column that the model does not know.
    ColumnUnknown,
    /// A feature that no column gives.
    ColumnMissing,
    /// Two columns of one name.
    ColumnDuplicate,
    /// Columns of different lengths.
    ColumnRagged,
    /// Texts where numbers belong.
    ColumnText,
    /// Numbers where texts belong.
    ColumnValues,
    /// A matrix for a model that takes texts.
    FrameNeeded,
    /// An empty text where a category is needed.
    ValueMissing,
    /// A text that is none of the feature's categories.
    CategoryUnknown,
}

impl Reason {
    /// As google.rpc wants it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InputMissing => "INPUT_MISSING",
            Self::EncodingAmbiguous => "ENCODING_AMBIGUOUS",
            Self::BytesTorn => "BYTES_TORN",
            Self::ValuesRagged => "VALUES_RAGGED",
            Self::WidthMismatch => "WIDTH_MISMATCH",
            Self::RowsMissing => "ROWS_MISSING",
            Self::RowsTooMany => "ROWS_TOO_MANY",
            Self::NotFinite => "NOT_FINITE",
            Self::ColumnUnknown => "COLUMN_UNKNOWN",
            Self::ColumnMissing => "COLUMN_MISSING",
            Self::ColumnDuplicate => "COLUMN_DUPLICATE",
            Self::ColumnRagged => "COLUMN_RAGGED",
            Self::ColumnText => "COLUMN_TEXT",
            Self::ColumnValues => "COLUMN_VALUES",
            Self::FrameNeeded => "FRAME_NEEDED",
            Self::ValueMissing => "VALUE_MISSING",
            Self::CategoryUnknown => "CATEGORY_UNKNOWN",
        }
    }
}

impl Violation {
    /// One violation.
    pub fn new(reason: Reason, field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into(), reason, facts: Facts::default() }
    }

    /// The same, in that row.
    #[must_use]
    pub fn row(mut self, row: usize) -> Self {
        self.facts.row = Some(row);
        self
    }

    /// The same, in the column of that name.
    #[must_use]
    pub fn column(mut self, name: &str) -> Self {
        self.facts.column = Some(name.to_owned());
        self
    }

    /// The same, with what would fit and what came.
    #[must_use]
    pub fn unlike(mut self, expected: impl ToString, got: impl ToString) -> Self {
        (self.facts.expected, self.facts.got) = (Some(expected.to_string()), Some(got.to_string()));
        self
    }
}

impl From<Violation> for ServeError {
    fn from(violation: Violation) -> Self {
        Self::Input(vec![violation])
    }
}

struct Serving<'a>(&'a [Version]);

impl std::fmt::Display for Serving<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            [] => f.write_str("no version is"),
            versions => {
                let numbers: Vec<_> = versions.iter().map(ToString::to_string).collect();
                write!(f, "served: {}", numbers.join(", "))
            }
        }
    }
}
