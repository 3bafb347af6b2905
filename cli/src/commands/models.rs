//! `linfactl models`: what serves, what was refused, and why.

mod changes;
mod features;
mod json;

use std::{collections::BTreeMap, io::Write, ops::ControlFlow};

use changes::Said;
use clap::Args;
use client::{
    Client,
    pb::{Catalog, ListModelsResponse, Model, ModelVersion, model_version::State},
};
use features::features;
use jiff::{SignedDuration, Timestamp};
use json::to_json;
use serde_json::json;

use super::{Format, short, table};
use crate::{connection::Connection, follow::follow};

/// Show what serves, what was refused, and why.
#[derive(Args, Debug)]
pub(crate) struct Models {
    #[command(flatten)]
    connection: Connection,
    /// One model alone, with the features that it takes and the figures of every check that ran
    #[arg(value_name = "NAME", conflicts_with = "watch")]
    name: Option<String>,
    /// Go on, and show what changes as it does: a line for each change, or a JSON object
    #[arg(long)]
    watch: bool,
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Models {
    pub(crate) fn run(self, out: &mut dyn Write) -> anyhow::Result<()> {
        if self.watch {
            return self.connection.with(async |client| watch(&client, self.format, out).await);
        }
        let name = self.name.as_deref();
        let listed = self.connection.with(async |client| list(&client, name).await)?;
        match self.format {
            Format::Table => write!(out, "{}", show(&listed, Timestamp::now()))?,
            Format::Json => writeln!(out, "{:#}", to_json(&listed))?,
        }
        if let (Format::Table, Some(_)) = (self.format, name) {
            write!(out, "{}{}", features(&listed), checks(&listed))?;
        }
        Ok(())
    }
}

async fn list(client: &Client, name: Option<&str>) -> anyhow::Result<ListModelsResponse> {
    let Some(name) = name else { return Ok(client.list_models().await?) };
    let found = client.get_model(name).await?;
    Ok(ListModelsResponse { models: found.model.into_iter().collect(), catalog: found.catalog })
}

/// The whole state, then what changes. Each message is out before the next one is waited for.
async fn watch(client: &Client, format: Format, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut before = None;
    follow(client, |listed, message| {
        match format {
            Format::Json => {
                let (models, catalog) = (message.models.clone(), message.catalog.clone());
                let mut line = to_json(&ListModelsResponse { models, catalog });
                line["removed"] = json!(message.removed);
                writeln!(out, "{line}")?;
            }
            Format::Table => {
                let (said, now) = (Said::of(listed), Timestamp::now());
                match &before {
                    None => write!(out, "{}", show(listed, now))?,
                    Some(before) => {
                        for line in said.since(before, now) {
                            writeln!(out, "{line}")?;
                        }
                    }
                }
                before = Some(said);
            }
        }
        out.flush()?;
        Ok(ControlFlow::Continue(()))
    })
    .await
}

/// The checks of each version, in the order in which they ran.
fn checks(listed: &ListModelsResponse) -> String {
    let versions = listed.models.iter().flat_map(|model| &model.versions);
    let rows = versions.flat_map(|version| {
        version.checks.iter().map(|check| {
            let result = if check.passed { "passed" } else { "FAILED" };
            vec![version.version.to_string(), check.name.clone(), result.to_owned(), check.detail.clone()]
        })
    });
    format!("\n{}\n", table(["VERSION", "CHECK", "RESULT", "DETAIL"], rows))
}

fn show(listed: &ListModelsResponse, now: Timestamp) -> String {
    let rows = listed.models.iter().flat_map(|model| {
        model.versions.iter().map(|version| {
            vec![
                model.name.clone(),
                version.version.to_string(),
                state(version).to_owned(),
                short(&version.digest).to_owned(),
                short(&version.signer).to_owned(),
                labels(model, version.version).join(", "),
                why(version),
            ]
        })
    });
    let mut text = if listed.models.is_empty() {
        "no models".to_owned()
    } else {
        table(["MODEL", "VERSION", "STATE", "DIGEST", "SIGNER", "LABELS", "WHY"], rows)
    };
    text += "\n";
    for model in &listed.models {
        if !model.policy_error.is_empty() {
            text += &format!("{}: policy.toml is not in force: {}\n", model.name, model.policy_error);
        }
        for note in &model.notes {
            text += &format!("{}: {note}\n", model.name);
        }
    }
    text + &catalog(listed.catalog.as_ref(), now)
}

fn catalog(catalog: Option<&Catalog>, now: Timestamp) -> String {
    let Some(catalog) = catalog else {
        return "no catalog yet: the server waits for the sidecar\n".to_owned();
    };
    let mut text: String = catalog.notes.iter().map(|note| format!("{note}\n")).collect();
    let age = moment(catalog.issued_at).map(|issued| age(now.duration_since(issued)));
    text += &match age {
        Some(age) => format!("catalog {}, signed {age} ago\n", catalog.sequence),
        None => format!("catalog {}\n", catalog.sequence),
    };
    if catalog.stale {
        text += "the catalog is stale: it has expired, and no newer one came; what serves is served on, and what was \
                 dropped since is not known here; see whether the sidecar runs\n";
    }
    if !catalog.error.is_empty() {
        text += &format!("a newer catalog is not in force: {}\n", catalog.error);
    }
    text
}

fn moment(moment: Option<prost_types::Timestamp>) -> Option<Timestamp> {
    moment.and_then(|moment| Timestamp::new(moment.seconds, moment.nanos).ok())
}

/// In the largest unit of which there are two.
fn age(age: SignedDuration) -> String {
    let seconds = age.as_secs().max(0);
    let units = [(86_400, "days"), (3600, "h"), (60, "min")];
    let fitting = units.into_iter().find(|(unit, _)| seconds >= 2 * unit);
    let (unit, name) = fitting.unwrap_or((1, "s"));
    format!("{} {name}", seconds / unit)
}

fn state(version: &ModelVersion) -> &'static str {
    match version.state() {
        State::Unspecified => "unknown",
        State::Pending => "pending",
        State::Incomplete => "incomplete",
        State::Rejected => "rejected",
        State::Admitted => "admitted",
        State::Serving => "serving",
        State::Failed => "failed",
        State::Withdrawn => "withdrawn",
    }
}

/// `default`, then the policy's labels.
fn labels(model: &Model, version: u64) -> Vec<String> {
    let sorted: BTreeMap<_, _> = model.labels.iter().collect();
    let own = sorted.into_iter().filter(|(_, labelled)| **labelled == version);
    let default = (model.default_version == version).then(|| "default".to_owned());
    default.into_iter().chain(own.map(|(label, _)| label.clone())).collect()
}

fn why(version: &ModelVersion) -> String {
    version
        .refusal
        .as_ref()
        .map_or_else(String::new, |refusal| format!("{}: {}", refusal.check, refusal.reason))
}

#[cfg(test)]
mod tests {
    use client::pb::{Check, Feature, Refusal, Signature, feature::Kind};

    use super::*;

    pub(super) fn version(number: u64, state: State, refusal: Option<(&str, &str)>) -> ModelVersion {
        ModelVersion {
            version: number,
            digest: format!("sha256:{}", number.to_string().repeat(64)),
            state: state.into(),
            refusal: refusal
                .map(|(check, reason)| Refusal { check: check.to_owned(), reason: reason.to_owned() }),
            checks: vec![Check { name: "layout".to_owned(), passed: true, detail: "3 files".to_owned() }],
            signature: (number == 2).then(signature),
            signer: if number == 2 { format!("sha256:{}", "ab".repeat(32)) } else { String::new() },
        }
    }

    fn signature() -> Signature {
        let feature = |name: &str, kind: Kind| Feature {
            name: name.to_owned(),
            kind: kind.into(),
            ..Feature::default()
        };
        let length =
            Feature { min: 4.3, max: 7.9, mean: 5.8433, std: 0.8281, ..feature("length", Kind::Number) };
        let categories = ["garden", "wild"].map(str::to_owned).to_vec();
        let site = Feature { categories, missing: true, unknown: true, ..feature("site", Kind::Category) };
        let note = Feature { max: 120.0, mean: 31.4, missing: true, ..feature("note", Kind::Text) };
        Signature {
            inputs: vec![length, site, note],
            task: "classification".to_owned(),
            outputs: vec!["setosa".to_owned(), "virginica".to_owned()],
            steps: vec!["logistic_regression".to_owned()],
        }
    }

    pub(super) fn listed() -> ListModelsResponse {
        let labels = [("stable".to_owned(), 1), ("canary".to_owned(), 2), ("blue".to_owned(), 2)];
        let iris = Model {
            name: "iris".to_owned(),
            default_version: 2,
            labels: labels.into_iter().collect(),
            versions: vec![
                version(1, State::Serving, None),
                version(2, State::Serving, None),
                version(
                    3,
                    State::Rejected,
                    Some(("digest", "`model.safetensors` is not what the manifest lists")),
                ),
            ],
            policy_error: "unknown field `serv`".to_owned(),
            notes: vec!["`notes.txt` is no version".to_owned()],
        };
        ListModelsResponse {
            models: vec![iris],
            catalog: Some(Catalog {
                sequence: 17,
                issued_at: Some(prost_types::Timestamp { seconds: 1_000, nanos: 0 }),
                notes: vec!["`Iris` is no model's name".to_owned()],
                error: "cut short".to_owned(),
                expires_at: Some(prost_types::Timestamp { seconds: 1_600, nanos: 0 }),
                epoch: 1,
                stale: false,
            }),
        }
    }

    #[test]
    fn people_read_what_serves_and_why_the_rest_does_not() {
        let now = Timestamp::from_second(1_012).unwrap();
        insta::assert_snapshot!(show(&listed(), now), @r#"
        MODEL  VERSION  STATE     DIGEST        SIGNER        LABELS                 WHY
        iris   1        serving   111111111111                stable
        iris   2        serving   222222222222  abababababab  default, blue, canary
        iris   3        rejected  333333333333                                       digest: `model.safetensors` is not what the manifest lists
        iris: policy.toml is not in force: unknown field `serv`
        iris: `notes.txt` is no version
        `Iris` is no model's name
        catalog 17, signed 12 s ago
        a newer catalog is not in force: cut short
        "#);
    }

    #[test]
    fn a_stale_catalog_is_told_with_its_age_and_what_to_look_at() {
        let mut listed = listed();
        listed.models.clear();
        listed.catalog.as_mut().unwrap().stale = true;
        let now = Timestamp::from_second(1_000 + 3 * 3600).unwrap();
        insta::assert_snapshot!(show(&listed, now), @r"
        no models
        `Iris` is no model's name
        catalog 17, signed 3 h ago
        the catalog is stale: it has expired, and no newer one came; what serves is served on, and what was dropped since is not known here; see whether the sidecar runs
        a newer catalog is not in force: cut short
        ");
        assert_eq!(age(SignedDuration::from_secs(119)), "119 s");
        assert_eq!(age(SignedDuration::from_secs(-5)), "0 s");
        assert_eq!(age(SignedDuration::from_hours(49)), "2 days");
    }

    #[test]
    fn one_model_is_shown_with_the_figures_of_its_checks() {
        let mut listed = listed();
        let version = &mut listed.models[0].versions[2];
        version.checks.push(Check {
            name: "digest".to_owned(),
            passed: false,
            detail: "`model.safetensors` is not what the manifest lists".to_owned(),
        });
        insta::assert_snapshot!(checks(&listed), @r"
        VERSION  CHECK   RESULT  DETAIL
        1        layout  passed  3 files
        2        layout  passed  3 files
        3        layout  passed  3 files
        3        digest  FAILED  `model.safetensors` is not what the manifest lists
        ");
    }

    #[test]
    fn a_server_without_a_catalog_says_so() {
        let nothing = ListModelsResponse::default();
        insta::assert_snapshot!(show(&nothing, Timestamp::UNIX_EPOCH), @r#"
        no models
        no catalog yet: the server waits for the sidecar
        "#);
    }
}
