//! What a model takes, feature by feature: a number, a category or a text, with what it looked like in training.

use serde::{Deserialize, Serialize};

/// One feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Feature {
    /// Its name, unique in the model.
    pub name: String,
    /// What its values are.
    pub kind: FeatureKind,
}

/// What the values of a feature are.
#[derive(Clone, Debug, PartialEq)]
pub enum FeatureKind {
    /// Numbers.
    Number {
        /// What they looked like in training, those that were there.
        statistics: Statistics,
        /// Whether a row may lack one (NaN), since a step fills it in or knows what to do without it.
        missing: bool,
    },
    /// One of some texts.
    Category(Category),
    /// Free text.
    Text {
        /// How long the texts were in training, in characters.
        lengths: Statistics,
    },
}

/// What numbers looked like in training.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// The arithmetic mean.
    pub mean: f64,
    /// The standard deviation of the population.
    pub std: f64,
    /// The 10 %, 20 %, … 90 % quantiles.
    pub deciles: [f64; 9],
}

/// The texts that a category may be. Rows hold its position among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// They, in the order in which steps count them.
    pub categories: Vec<String>,
    /// How often each occurred in training.
    pub counts: Vec<u64>,
    /// What becomes of any other text.
    pub unknown: Unknown,
    /// The category that an empty text stands for; without one, an empty text is refused.
    pub missing_as: Option<String>,
}

/// What becomes of a text that is no category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// The row is refused.
    Refuse,
    /// The row is answered; steps see one more category, after all others.
    Ignore,
}

/// A feature whose fields do not fit together. serde adds where it stands.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeatureError {
    /// Half of what its kind needs.
    #[error("`{}`: a {kind} needs the field `{field}`", name.escape_debug())]
    Lacks { name: String, kind: &'static str, field: &'static str },
    /// A field of another kind: its meaning would silently be lost.
    #[error("`{}`: a {kind} has no field `{field}`", name.escape_debug())]
    Foreign { name: String, kind: &'static str, field: &'static str },
}

impl Feature {
    /// A number that every row has.
    pub fn number(name: impl Into<String>, statistics: Statistics) -> Self {
        Self { name: name.into(), kind: FeatureKind::Number { statistics, missing: false } }
    }
}

impl FeatureKind {
    /// The kind's name, as it stands in the manifest.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Number { .. } => "number",
            Self::Category(_) => "category",
            Self::Text { .. } => "text",
        }
    }

    /// Whether a row may lack the value: NaN for a number, an empty text for a category.
    pub fn may_be_missing(&self) -> bool {
        match self {
            Self::Number { missing, .. } => *missing,
            Self::Category(category) => category.missing_as.is_some(),
            Self::Text { .. } => true,
        }
    }

    /// Whether values come as texts.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Category(_) | Self::Text { .. })
    }
}

impl Statistics {
    /// Whether they are finite and in order.
    pub(crate) fn are_sound(&self) -> bool {
        let ends = [self.min, self.mean, self.max, self.std];
        let quantiles = || std::iter::once(self.min).chain(self.deciles).chain([self.max]);
        ends.into_iter().chain(self.deciles).all(f64::is_finite)
            && self.std >= 0.0
            && quantiles().zip(quantiles().skip(1)).all(|(low, high)| low <= high)
    }
}

impl Category {
    /// How many positions a row may hold: the categories, and one more where others are ignored.
    pub fn codes(&self) -> usize {
        self.categories.len() + usize::from(self.unknown == Unknown::Ignore)
    }
}

/// A feature as it stands in the manifest: the fields of all kinds. Without a `kind` it is a number.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    #[serde(default, skip_serializing_if = "RawKind::is_number")]
    kind: RawKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    categories: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counts: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unknown: Option<Unknown>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing_as: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    std: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deciles: Option<[f64; 9]>,
}

#[derive(Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawKind {
    #[default]
    Number,
    Category,
    Text,
}

impl RawKind {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_number(&self) -> bool {
        *self == Self::Number
    }

    fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Category => "category",
            Self::Text => "text",
        }
    }
}

impl Raw {
    fn lacks(&self, field: &'static str) -> FeatureError {
        FeatureError::Lacks { name: self.name.clone(), kind: self.kind.name(), field }
    }

    fn statistics(&mut self) -> Result<Statistics, FeatureError> {
        Ok(Statistics {
            min: self.min.take().ok_or_else(|| self.lacks("min"))?,
            max: self.max.take().ok_or_else(|| self.lacks("max"))?,
            mean: self.mean.take().ok_or_else(|| self.lacks("mean"))?,
            std: self.std.take().ok_or_else(|| self.lacks("std"))?,
            deciles: self.deciles.take().ok_or_else(|| self.lacks("deciles"))?,
        })
    }

    /// Every field that is left over is one of another kind.
    fn finish(self, kind: FeatureKind) -> Result<Feature, FeatureError> {
        let left = [
            ("categories", self.categories.is_some()),
            ("counts", self.counts.is_some()),
            ("unknown", self.unknown.is_some()),
            ("missing_as", self.missing_as.is_some()),
            ("missing", self.missing.is_some()),
            ("min", self.min.is_some()),
            ("max", self.max.is_some()),
            ("mean", self.mean.is_some()),
            ("std", self.std.is_some()),
            ("deciles", self.deciles.is_some()),
        ];
        match left.into_iter().find(|(_, is_left)| *is_left) {
            Some((field, _)) => Err(FeatureError::Foreign { name: self.name, kind: self.kind.name(), field }),
            None => Ok(Feature { name: self.name, kind }),
        }
    }
}

impl TryFrom<Raw> for Feature {
    type Error = FeatureError;

    fn try_from(mut raw: Raw) -> Result<Self, FeatureError> {
        let kind = match raw.kind {
            RawKind::Number => FeatureKind::Number {
                missing: raw.missing.take().unwrap_or_default(),
                statistics: raw.statistics()?,
            },
            RawKind::Category => FeatureKind::Category(Category {
                categories: raw.categories.take().ok_or_else(|| raw.lacks("categories"))?,
                counts: raw.counts.take().ok_or_else(|| raw.lacks("counts"))?,
                unknown: raw.unknown.take().ok_or_else(|| raw.lacks("unknown"))?,
                missing_as: raw.missing_as.take(),
            }),
            RawKind::Text => FeatureKind::Text { lengths: raw.statistics()? },
        };
        raw.finish(kind)
    }
}

impl From<Feature> for Raw {
    fn from(Feature { name, kind }: Feature) -> Self {
        let numbers = |kind, Statistics { min, max, mean, std, deciles }| Self {
            kind,
            min: Some(min),
            max: Some(max),
            mean: Some(mean),
            std: Some(std),
            deciles: Some(deciles),
            ..Self::default()
        };
        let raw = match kind {
            FeatureKind::Number { statistics, missing } => {
                Self { missing: missing.then_some(true), ..numbers(RawKind::Number, statistics) }
            }
            FeatureKind::Category(Category { categories, counts, unknown, missing_as }) => Self {
                kind: RawKind::Category,
                categories: Some(categories),
                counts: Some(counts),
                unknown: Some(unknown),
                missing_as,
                ..Self::default()
            },
            FeatureKind::Text { lengths } => numbers(RawKind::Text, lengths),
        };
        Self { name, ..raw }
    }
}
