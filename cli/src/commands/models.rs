//! `linfactl models`: what serves, what was refused, and why.

use std::{collections::BTreeMap, io::Write};

use clap::Args;
use client::pb::{Catalog, ListModelsResponse, Model, ModelVersion, model_version::State};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Format, table};
use crate::connection::Connection;

/// Show what serves, what was refused, and why.
#[derive(Args, Debug)]
pub(crate) struct Models {
    #[command(flatten)]
    connection: Connection,
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Models {
    pub(crate) fn run(self, out: &mut dyn Write) -> anyhow::Result<()> {
        let listed = self.connection.with(async |client| client.list_models().await)?;
        match self.format {
            Format::Table => write!(out, "{}", show(&listed, Timestamp::now()))?,
            Format::Json => writeln!(out, "{:#}", to_json(&listed))?,
        }
        Ok(())
    }
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
    let age = issued_at(catalog).map(|issued| now.duration_since(issued).as_secs().max(0));
    text += &match age {
        Some(seconds) => format!("catalog {}, signed {seconds} s ago\n", catalog.sequence),
        None => format!("catalog {}\n", catalog.sequence),
    };
    if !catalog.error.is_empty() {
        text += &format!("a newer catalog is not in force: {}\n", catalog.error);
    }
    text
}

fn issued_at(catalog: &Catalog) -> Option<Timestamp> {
    let issued = catalog.issued_at?;
    Timestamp::new(issued.seconds, issued.nanos).ok()
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

/// The first 12 digits, enough to tell versions apart.
fn short(digest: &str) -> &str {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.get(..12).unwrap_or(hex)
}

fn to_json(listed: &ListModelsResponse) -> Value {
    let models: Vec<_> = listed.models.iter().map(model_to_json).collect();
    let catalog = listed.catalog.as_ref().map(|catalog| {
        json!({
            "sequence": catalog.sequence,
            "issued_at": issued_at(catalog).map(|issued| issued.to_string()),
            "notes": catalog.notes,
            "error": present(&catalog.error),
        })
    });
    json!({ "models": models, "catalog": catalog })
}

fn model_to_json(model: &Model) -> Value {
    let versions: Vec<_> = model.versions.iter().map(version_to_json).collect();
    json!({
        "name": model.name,
        "default_version": (model.default_version != 0).then_some(model.default_version),
        "labels": model.labels.iter().collect::<BTreeMap<_, _>>(),
        "policy_error": present(&model.policy_error),
        "notes": model.notes,
        "versions": versions,
    })
}

fn version_to_json(version: &ModelVersion) -> Value {
    let checks = version
        .checks
        .iter()
        .map(|check| json!({ "name": check.name, "passed": check.passed, "detail": check.detail }));
    json!({
        "version": version.version,
        "digest": present(&version.digest),
        "signer": present(&version.signer),
        "state": state(version),
        "refusal": version.refusal.as_ref().map(|refusal| {
            json!({ "check": refusal.check, "reason": refusal.reason })
        }),
        "checks": checks.collect::<Vec<_>>(),
    })
}

fn present(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use client::pb::{Check, Refusal};

    use super::*;

    fn version(number: u64, state: State, refusal: Option<(&str, &str)>) -> ModelVersion {
        ModelVersion {
            version: number,
            digest: format!("sha256:{}", number.to_string().repeat(64)),
            state: state.into(),
            refusal: refusal
                .map(|(check, reason)| Refusal { check: check.to_owned(), reason: reason.to_owned() }),
            checks: vec![Check { name: "layout".to_owned(), passed: true, detail: "3 files".to_owned() }],
            signature: None,
            signer: if number == 2 { format!("sha256:{}", "ab".repeat(32)) } else { String::new() },
        }
    }

    fn listed() -> ListModelsResponse {
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
    fn a_server_without_a_catalog_says_so() {
        let nothing = ListModelsResponse::default();
        insta::assert_snapshot!(show(&nothing, Timestamp::UNIX_EPOCH), @r#"
        no models
        no catalog yet: the server waits for the sidecar
        "#);
    }

    #[test]
    fn programs_read_the_same() {
        insta::assert_snapshot!(format!("{:#}", to_json(&listed())), @r#"
        {
          "catalog": {
            "error": "cut short",
            "issued_at": "1970-01-01T00:16:40Z",
            "notes": [
              "`Iris` is no model's name"
            ],
            "sequence": 17
          },
          "models": [
            {
              "default_version": 2,
              "labels": {
                "blue": 2,
                "canary": 2,
                "stable": 1
              },
              "name": "iris",
              "notes": [
                "`notes.txt` is no version"
              ],
              "policy_error": "unknown field `serv`",
              "versions": [
                {
                  "checks": [
                    {
                      "detail": "3 files",
                      "name": "layout",
                      "passed": true
                    }
                  ],
                  "digest": "sha256:1111111111111111111111111111111111111111111111111111111111111111",
                  "refusal": null,
                  "signer": null,
                  "state": "serving",
                  "version": 1
                },
                {
                  "checks": [
                    {
                      "detail": "3 files",
                      "name": "layout",
                      "passed": true
                    }
                  ],
                  "digest": "sha256:2222222222222222222222222222222222222222222222222222222222222222",
                  "refusal": null,
                  "signer": "sha256:abababababababababababababababababababababababababababababababab",
                  "state": "serving",
                  "version": 2
                },
                {
                  "checks": [
                    {
                      "detail": "3 files",
                      "name": "layout",
                      "passed": true
                    }
                  ],
                  "digest": "sha256:3333333333333333333333333333333333333333333333333333333333333333",
                  "refusal": {
                    "check": "digest",
                    "reason": "`model.safetensors` is not what the manifest lists"
                  },
                  "signer": null,
                  "state": "rejected",
                  "version": 3
                }
              ]
            }
          ]
        }
        "#);
    }
}
