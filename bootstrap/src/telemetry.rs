//! The log: one line per event on standard error, as JSON for machines or as text for people. A thread of its own
//! writes it, many lines at a time: a call does not wait for its line, and a reader that stalls holds up nothing.

use std::{
    io::{self, BufWriter, IsTerminal as _, Stderr, Write},
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Serialize};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::json::JsonLines;

/// The most lines that wait to be written, of some 300 bytes each; further ones are lost, and their number is logged.
const WAITING_LINES: usize = 16 << 10;

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
    _writing: WorkerGuard,
}

/// Standard error, and whether all lines came this far.
struct Output {
    stderr: BufWriter<Stderr>,
    lost: Arc<OnceLock<ErrorCounter>>,
    told: usize,
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
pub fn start(log: &Log) -> Result<Running, InvalidFilter> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|_| InvalidFilter)?;
    let lost = Arc::default();
    let output = Output { stderr: BufWriter::new(io::stderr()), lost: Arc::clone(&lost), told: 0 };
    let builder = NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES).thread_name("log");
    let (writer, writing) = builder.finish(output);
    let _ = lost.set(writer.error_counter());
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

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stderr.write(bytes)
    }

    /// Called whenever no line waits.
    fn flush(&mut self) -> io::Result<()> {
        self.stderr.flush()?;
        let lost = self.lost.get().map_or(0, ErrorCounter::dropped_lines);
        if lost > self.told {
            tracing::warn!(lines = lost - self.told, "lines of the log were lost: it is read too slowly");
            self.told = lost;
        }
        Ok(())
    }
}
