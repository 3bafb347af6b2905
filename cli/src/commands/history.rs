//! `linfactl history`: every verdict ever given about a model, from the store's own record of them.

use std::{io::Write, path::PathBuf};

use artifact::{
    Name,
    catalog::{CatalogVersion, Status},
    store::{
        Reader,
        history::{Entry, Event, History as Record, Serving},
    },
};
use clap::Args;
use serde_json::json;

use super::{Format, short, table};

/// Show every verdict ever given about a model, and what served when. The oldest comes first.
#[derive(Args, Debug)]
pub(crate) struct History {
    /// The model's name
    #[arg(value_name = "NAME")]
    name: Name,
    /// The store that the sidecar writes
    #[arg(long, value_name = "DIR", env = "LINFACTL_STORE", default_value = "/models/store")]
    store: PathBuf,
    /// How to show it; JSON has the figures of every check
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl History {
    pub(crate) fn run(self, out: &mut dyn Write) -> anyhow::Result<()> {
        let mut record = Reader::new(&self.store).history()?;
        record.entries.retain(|entry| entry.model == self.name);
        match self.format {
            Format::Table => write!(out, "{}", show(&self.name, &record))?,
            Format::Json => writeln!(
                out,
                "{:#}",
                json!({ "model": self.name, "entries": record.entries, "unread": record.unread })
            )?,
        }
        Ok(())
    }
}

fn show(name: &Name, record: &Record) -> String {
    let mut text = match record.entries.as_slice() {
        [] => format!("no verdict about {name} is kept"),
        entries => table(["TIME", "VERSION", "VERDICT", "DIGEST", "WHY"], entries.iter().map(row)),
    };
    text.push('\n');
    if record.unread > 0 {
        text += &format!("lines that cannot be read, of this model or another: {}\n", record.unread);
    }
    text
}

fn row(entry: &Entry) -> Vec<String> {
    let at = format!("{:.0}", entry.at);
    match &entry.event {
        Event::Verdict(verdict) => vec![
            at,
            verdict.version.to_string(),
            status(verdict.status).to_owned(),
            verdict.digest.map(|digest| short(&digest.to_string()).to_owned()).unwrap_or_default(),
            why(verdict),
        ],
        Event::Serving(serving) => {
            vec![at, String::new(), "serving".to_owned(), String::new(), serves(serving)]
        }
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Pending => "pending",
        Status::Incomplete => "incomplete",
        Status::Rejected => "rejected",
        Status::Admitted => "admitted",
        Status::Withdrawn => "withdrawn",
    }
}

fn why(verdict: &CatalogVersion) -> String {
    let refusal = verdict.refusal.as_ref();
    refusal.map_or_else(String::new, |refusal| format!("{}: {}", refusal.check, refusal.reason))
}

fn serves(serving: &Serving) -> String {
    let versions = serving.versions.iter().map(|version| {
        let labels = serving.labels.iter().filter(|(_, labelled)| *labelled == version);
        let default = (serving.default == Some(*version)).then_some("default");
        let names: Vec<_> = default.into_iter().chain(labels.map(|(label, _)| label.as_str())).collect();
        match names.as_slice() {
            [] => version.to_string(),
            names => format!("{version} ({})", names.join(", ")),
        }
    });
    let versions: Vec<_> = versions.collect();
    if versions.is_empty() { "no version".to_owned() } else { versions.join(", ") }
}

#[cfg(test)]
mod tests {
    use artifact::{Digest, catalog::Refusal};

    use super::*;

    fn entry(second: i64, event: Event) -> Entry {
        Entry { at: jiff::Timestamp::from_second(second).unwrap(), model: "iris".parse().unwrap(), event }
    }

    fn verdict(version: u64, status: Status, refusal: Option<&str>) -> Event {
        Event::Verdict(CatalogVersion {
            version: version.try_into().unwrap(),
            status,
            digest: (status == Status::Admitted).then(|| Digest::of(b"1")),
            files: Vec::new(),
            checks: Vec::new(),
            refusal: refusal.map(|reason| Refusal { check: "digest".to_owned(), reason: reason.to_owned() }),
            fatal: None,
            signer: None,
        })
    }

    #[test]
    fn people_read_what_was_decided_and_what_served_in_order() {
        let one = 1.try_into().unwrap();
        let labels = [("stable".parse().unwrap(), one)].into();
        let entries = vec![
            entry(0, verdict(1, Status::Admitted, None)),
            entry(0, Event::Serving(Serving { default: Some(one), versions: vec![one], labels })),
            entry(60, verdict(2, Status::Rejected, Some("the hash differs"))),
            entry(61, Event::Serving(Serving::default())),
        ];
        let name = "iris".parse().unwrap();
        insta::assert_snapshot!(show(&name, &Record { entries, unread: 1 }), @r"
        TIME                  VERSION  VERDICT   DIGEST        WHY
        1970-01-01T00:00:00Z  1        admitted  6b86b273ff34
        1970-01-01T00:00:00Z           serving                 1 (default, stable)
        1970-01-01T00:01:00Z  2        rejected                digest: the hash differs
        1970-01-01T00:01:01Z           serving                 no version
        lines that cannot be read, of this model or another: 1
        ");
        insta::assert_snapshot!(show(&name, &Record::default()), @"no verdict about iris is kept");
    }
}
