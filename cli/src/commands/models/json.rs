//! The state of the models for programs. What is empty is null.

use std::collections::BTreeMap;

use client::pb::{Feature, ListModelsResponse, Model, ModelVersion, Signature, feature::Kind};
use serde_json::{Value, json};

use super::{features::kind, moment, state};

pub(super) fn to_json(listed: &ListModelsResponse) -> Value {
    let models: Vec<_> = listed.models.iter().map(model_to_json).collect();
    let catalog = listed.catalog.as_ref().map(|catalog| {
        json!({
            "sequence": catalog.sequence,
            "epoch": catalog.epoch,
            "issued_at": moment(catalog.issued_at).map(|issued| issued.to_string()),
            "expires_at": moment(catalog.expires_at).map(|expires| expires.to_string()),
            "stale": catalog.stale,
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
        "signature": version.signature.as_ref().map(signature_to_json),
    })
}

fn signature_to_json(signature: &Signature) -> Value {
    json!({
        "task": signature.task,
        "steps": signature.steps,
        "outputs": signature.outputs,
        "inputs": signature.inputs.iter().map(feature_to_json).collect::<Vec<_>>(),
    })
}

/// A category has no statistics, all else no categories.
fn feature_to_json(feature: &Feature) -> Value {
    let mut json = json!({ "name": feature.name, "kind": kind(feature), "missing": feature.missing });
    let more = match feature.kind() {
        Kind::Category => json!({ "categories": feature.categories, "unknown": feature.unknown }),
        _ => json!({ "min": feature.min, "max": feature.max, "mean": feature.mean, "std": feature.std }),
    };
    if let (Value::Object(json), Value::Object(more)) = (&mut json, more) {
        json.extend(more);
    }
    json
}

fn present(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{super::tests::listed, *};

    #[test]
    fn programs_read_the_same() {
        insta::assert_snapshot!(format!("{:#}", to_json(&listed())), @r#"
        {
          "catalog": {
            "epoch": 1,
            "error": "cut short",
            "expires_at": "1970-01-01T00:26:40Z",
            "issued_at": "1970-01-01T00:16:40Z",
            "notes": [
              "`Iris` is no model's name"
            ],
            "sequence": 17,
            "stale": false
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
                  "signature": null,
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
                  "signature": {
                    "inputs": [
                      {
                        "kind": "number",
                        "max": 7.9,
                        "mean": 5.8433,
                        "min": 4.3,
                        "missing": false,
                        "name": "length",
                        "std": 0.8281
                      },
                      {
                        "categories": [
                          "garden",
                          "wild"
                        ],
                        "kind": "category",
                        "missing": true,
                        "name": "site",
                        "unknown": true
                      },
                      {
                        "kind": "text",
                        "max": 120.0,
                        "mean": 31.4,
                        "min": 0.0,
                        "missing": true,
                        "name": "note",
                        "std": 0.0
                      }
                    ],
                    "outputs": [
                      "setosa",
                      "virginica"
                    ],
                    "steps": [
                      "logistic_regression"
                    ],
                    "task": "classification"
                  },
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
                  "signature": null,
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
