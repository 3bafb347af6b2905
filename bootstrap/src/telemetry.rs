//! The log: one line per event on standard error, as JSON for machines or as text for people.

use std::io::{self, IsTerminal as _};

use serde::{Deserialize, Serialize};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{
    json::JsonLines,
    lines::{self, Writing},
};

/// How to log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `json` (default) or `pretty`.
    pub format: Format,
    /// What to log, in the language of `tracing_subscriber::EnvFilter`: `info`, `linfa_serve=debug,warn`, …
    pub filter: String,
}

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "String")]
pub enum Format {
    /// One JSON object.
    Json,
    /// Text, with colours on a terminal.
    Pretty,
}

/// The log of the process. Dropped, it writes out what still waits, for a second at most.
#[must_use = "lines are lost where it is dropped at once"]
#[derive(Debug)]
pub struct Running {
    _writing: Writing,
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("log.filter is no list of `target=level`")]
    Filter,
    /// The system gives no thread to write it.
    #[error("no thread for the log: {0}")]
    Thread(#[from] io::Error),
}

impl Default for Log {
    fn default() -> Self {
        Self { format: Format::Json, filter: "info".to_owned() }
    }
}

impl TryFrom<String> for Format {
    type Error = &'static str;

    // By hand: the derived form is told of an unknown name by the settings library, which repeats it.
    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.as_str() {
            "json" => Ok(Self::Json),
            "pretty" => Ok(Self::Pretty),
            _ => Err("expected `json` or `pretty`"),
        }
    }
}

/// Starts the log of this process, panics included. A second call changes nothing.
///
/// # Errors
/// [`LogError`].
pub fn start(log: &Log) -> Result<Running, LogError> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|_| LogError::Filter)?;
    let (writer, writing) = lines::start(io::stderr(), |lines| {
        tracing::warn!(lines, "lines of the log were lost: it is read too slowly");
    })?;
    let events = tracing_subscriber::registry().with(filter);
    // Fails only where a log runs already, as in tests.
    let _ = match log.format {
        Format::Json => events.with(JsonLines(writer)).try_init(),
        Format::Pretty => {
            let lines = tracing_subscriber::fmt::layer().with_writer(writer);
            events.with(lines.with_ansi(io::stderr().is_terminal())).try_init()
        }
    };
    // Where, and never what: a panic's words may hold a value of a request.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic");
    }));
    Ok(Running { _writing: writing })
}
