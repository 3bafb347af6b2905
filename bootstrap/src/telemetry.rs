//! The log: one line per event on standard error, as JSON for machines or as text for people.

use std::io::IsTerminal as _;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

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

/// The filter cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("log.filter is no list of `target=level`")]
pub struct InvalidFilter;

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
/// [`InvalidFilter`].
pub fn start(log: &Log) -> Result<(), InvalidFilter> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|_| InvalidFilter)?;
    let mut lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if !std::io::stderr().is_terminal() {
        lines = lines.with_ansi(false);
    }
    // Fails only where a log runs already, as in tests.
    let _ = match log.format {
        Format::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
        Format::Pretty => lines.try_init(),
    };
    // Where, and never what: a panic's words may hold a value of a request.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic");
    }));
    Ok(())
}
