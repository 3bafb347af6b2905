//! What policy.toml requires of a version beyond being sound: the keys of `[require]`, and what those of a model and of
//! the repository come to. Whether a version has it is for the checks to say.

use artifact::Version;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// The keys of `[require]`. One that is not set is for the repository's policy.toml to set, or requires nothing.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Require {
    /// Whether a publisher must have signed it. Default: false.
    signature: Option<bool>,
    /// Whether it must take and give what the serving version does. Default: true.
    schema: Option<bool>,
    /// What a row may cost.
    latency: Latency,
    /// How good its answers must be.
    quality: Quality,
}

/// What is required of one version, and what it is compared with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Requirements {
    /// Whether a publisher must have signed it.
    pub(crate) signature: bool,
    /// Whether it must take and give what the serving version does.
    pub(crate) schema: bool,
    /// What a row may cost.
    pub(crate) latency: Latency,
    /// How good its answers must be.
    pub(crate) quality: Quality,
    /// The version that serves and that it would take over from.
    pub(crate) serving: Option<Version>,
    /// Why there is an evaluation.csv that cannot be read.
    pub(crate) unreadable: Option<String>,
}

/// What a row may cost, asked alone, at its fastest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Latency {
    /// In nanoseconds on the machine that judges.
    #[serde(deserialize_with = "positive")]
    pub(crate) budget_ns_per_row: Option<f64>,
    /// As a multiple of what it costs the serving version.
    #[serde(deserialize_with = "positive")]
    pub(crate) times_serving: Option<f64>,
}

/// How good its answers to evaluation.csv must be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Quality {
    /// What counts. Default: the first of the model's task.
    pub(crate) metric: Option<Metric>,
    /// By how much it may be worse than the serving version.
    #[serde(deserialize_with = "not_negative")]
    pub(crate) margin: Option<f64>,
    /// The least, serving version or not.
    #[serde(deserialize_with = "finite")]
    pub(crate) at_least: Option<f64>,
    /// The most, serving version or not.
    #[serde(deserialize_with = "finite")]
    pub(crate) at_most: Option<f64>,
    /// The column that holds what is true. Default: the targets' names, or the one column that is no feature.
    pub(crate) target: Option<String>,
}

/// A figure of how good answers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Metric {
    Accuracy,
    LogLoss,
    MacroF1,
    R2,
    Rmse,
    Silhouette,
}

impl Require {
    /// These, and where they say nothing, those of `others`.
    pub(crate) fn or(&self, others: &Self) -> Self {
        let (latency, quality) = (&self.latency, &self.quality);
        Self {
            signature: self.signature.or(others.signature),
            schema: self.schema.or(others.schema),
            latency: Latency {
                budget_ns_per_row: latency.budget_ns_per_row.or(others.latency.budget_ns_per_row),
                times_serving: latency.times_serving.or(others.latency.times_serving),
            },
            quality: Quality {
                metric: quality.metric.or(others.quality.metric),
                margin: quality.margin.or(others.quality.margin),
                at_least: quality.at_least.or(others.quality.at_least),
                at_most: quality.at_most.or(others.quality.at_most),
                target: quality.target.clone().or_else(|| others.quality.target.clone()),
            },
        }
    }

    /// What they come to. One that is `breaking` need not fit what serves.
    pub(crate) fn resolve(self, breaking: bool) -> Requirements {
        Requirements {
            signature: self.signature.unwrap_or(false),
            schema: self.schema.unwrap_or(true) && !breaking,
            latency: self.latency,
            quality: self.quality,
            serving: None,
            unreadable: None,
        }
    }
}

impl Quality {
    /// Whether anything is required at all.
    pub(crate) fn is_required(&self) -> bool {
        self.margin().is_some() || self.at_least.is_some() || self.at_most.is_some()
    }

    /// By how much it may be worse than the serving version. A metric alone means: by nothing.
    pub(crate) fn margin(&self) -> Option<f64> {
        let alone = self.metric.is_some() && self.at_least.is_none() && self.at_most.is_none();
        self.margin.or(alone.then_some(0.0))
    }
}

impl Metric {
    /// Those of a task; the first one counts where policy.toml does not say.
    pub(crate) fn of(task: &str) -> &'static [Self] {
        match task {
            "classification" => &[Self::Accuracy, Self::LogLoss, Self::MacroF1],
            "regression" => &[Self::R2, Self::Rmse],
            "clustering" => &[Self::Silhouette],
            _ => &[],
        }
    }

    /// As policy.toml has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::LogLoss => "log_loss",
            Self::MacroF1 => "macro_f1",
            Self::R2 => "r2",
            Self::Rmse => "rmse",
            Self::Silhouette => "silhouette",
        }
    }

    /// By how much the first figure is worse than the second.
    pub(crate) fn worse(self, found: f64, other: f64) -> f64 {
        match self {
            Self::LogLoss | Self::Rmse => found - other,
            Self::Accuracy | Self::MacroF1 | Self::R2 | Self::Silhouette => other - found,
        }
    }
}

fn positive<'de, D: Deserializer<'de>>(value: D) -> Result<Option<f64>, D::Error> {
    number(value, "a number above 0", |number| number > 0.0)
}

fn not_negative<'de, D: Deserializer<'de>>(value: D) -> Result<Option<f64>, D::Error> {
    number(value, "0 or more", |number| number >= 0.0)
}

fn finite<'de, D: Deserializer<'de>>(value: D) -> Result<Option<f64>, D::Error> {
    number(value, "a number", |_| true)
}

fn number<'de, D: Deserializer<'de>>(
    value: D,
    expected: &str,
    fits: fn(f64) -> bool,
) -> Result<Option<f64>, D::Error> {
    let number = Option::deserialize(value)?;
    if number.is_none_or(|number: f64| number.is_finite() && fits(number)) {
        Ok(number)
    } else {
        Err(D::Error::custom(format_args!("expected {expected}")))
    }
}
