//! An event as a line of JSON, for machines: when, how grave, the fields, where from. Spans are not shown; there are
//! none. Every call has a line, and tracing-subscriber's own form of it takes three times as long.

use std::{fmt, io::Write as _};

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
use serde::Serialize;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context};

/// Longer than nearly every line.
const LINE_BYTES: usize = 512;
/// To the microsecond.
const TIME: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// Writes each event to what `W` makes.
#[derive(Debug)]
pub(crate) struct JsonLines<W>(pub(crate) W);

/// A line that grows.
struct Line(Vec<u8>);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = Line(Vec::with_capacity(LINE_BYTES));
        line.0.extend_from_slice(b"{\"timestamp\":\"");
        // Neither memory nor a time of these centuries fails.
        let _ = TIME.print_timestamp(&Timestamp::now(), &mut line.0);
        line.0.push(b'"');
        line.name("level");
        line.text(metadata.level().as_str());
        event.record(&mut line);
        line.name("target");
        line.text(metadata.target());
        line.0.extend_from_slice(b"}\n");
        // There is no other place to tell of it.
        let _ = self.0.make_writer().write_all(&line.0);
    }
}

impl Line {
    fn name(&mut self, name: &str) {
        self.0.push(b',');
        self.text(name);
        self.0.push(b':');
    }

    /// Nearly every text is what it is in JSON, too: it is looked at without an end in between, many bytes at a time.
    fn text(&mut self, text: &str) {
        let plain = |byte: u8| (byte >= b' ') & (byte != b'"') & (byte != b'\\');
        if text.bytes().fold(true, |all, byte| all & plain(byte)) {
            self.0.push(b'"');
            self.0.extend_from_slice(text.as_bytes());
            self.0.push(b'"');
        } else {
            self.value(text);
        }
    }

    fn value(&mut self, value: impl Serialize) {
        // Memory does not fail, and no value is a map with a key that is no text.
        let _ = serde_json::to_writer(&mut self.0, &value);
    }

    fn field(&mut self, field: &Field, value: impl Serialize) {
        self.name(field.name());
        self.value(value);
    }
}

impl Visit for Line {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field.name());
        self.text(value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.field(field, format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn an_event_is_one_line_of_json_whatever_its_fields_hold() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines = tracing_subscriber::registry().with(JsonLines(Arc::new(file.reopen().unwrap())));
        let error = "no \"such\" \u{1b}file\n";
        tracing::subscriber::with_default(lines, || {
            tracing::warn!(target: "access", error, shown = %error, rows = 3_u64, change = -1_i64, half = 0.5,
                good = true, absent = None::<u64>, "a\tcall");
        });
        let written = fs_err::read_to_string(file.path()).unwrap();
        assert_eq!(written.matches('\n').count(), 1);
        let mut line: serde_json::Value = serde_json::from_str(&written).unwrap();
        let timestamp = line.as_object_mut().unwrap().remove("timestamp").unwrap();
        assert!(timestamp.as_str().unwrap().parse::<Timestamp>().is_ok(), "{timestamp}");
        let wanted = serde_json::json!({
            "level": "WARN", "message": "a\tcall", "error": error, "shown": error, "rows": 3, "change": -1,
            "half": 0.5, "good": true, "target": "access",
        });
        assert_eq!(line, wanted);
    }
}
