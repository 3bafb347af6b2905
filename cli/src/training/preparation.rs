//! What makes plain numbers of a table's columns: gaps are filled in, categories encoded, texts weighed. Fitted on the rows
//! that are fitted; linfa has none of it but the counting of words.

use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use artifact::{
    Exported, Feature, FeatureKind,
    feature::{Category, Unknown},
    fitted::{Answers, ExportError, Fitted, statistics},
    steps::{Role, imputer::Imputer, one_hot_encoder::OneHotEncoder, ordinal_encoder::OrdinalEncoder},
    tensors::{Tensor, Values},
};
use ndarray::{Array2, ArrayView1};
use sidecar::table::Content;

use super::{
    columns::{Columns, Encode, Impute},
    split::{Part, Shape},
    texts::Weights,
};

/// What an ordinal encoder gives for a text that is no category, where such texts are not refused.
const NO_CATEGORY: f64 = -1.0;

/// The preparation of every column, in order.
pub(crate) struct Preparation {
    shape: Arc<Shape>,
    columns: Vec<Prepared>,
}

/// The preparation of one column, with its feature.
struct Prepared {
    feature: Feature,
    becomes: Becomes,
}

enum Becomes {
    /// The number, or the fill where it is missing.
    Number { fill: Option<f64> },
    /// A column for each category but the first `dropped`.
    OneHot { dropped: usize, categories: usize, missing: Option<usize> },
    /// The position of the category.
    Ordinal { missing: Option<usize> },
    /// A weight for each word.
    Weights(Box<Weights>),
}

impl Preparation {
    /// Fits it to some rows. Categories of which the flags say nothing become numbers by `encode`.
    pub(crate) fn fit(columns: &Columns, encode: Encode, part: &Part) -> anyhow::Result<Self> {
        let prepared = part.shape.columns.iter().zip(&part.shape.contents).zip(part.records.columns());
        let prepared = prepared.map(|((name, content), values)| {
            let prepared = Prepared::fit(columns, encode, &part.shape, name, content, values);
            prepared.with_context(|| format!("column `{name}`"))
        });
        let prepared = Self { shape: Arc::clone(&part.shape), columns: prepared.collect::<Result<_, _>>()? };
        ensure!(prepared.width() > 0, "every feature has one category alone; there is nothing to learn from");
        Ok(prepared)
    }

    /// The features, as they were in the rows that it was fitted to.
    pub(crate) fn features(&self) -> Vec<Feature> {
        self.columns.iter().map(|column| column.feature.clone()).collect()
    }

    /// Whether all columns are numbers that are always there.
    pub(crate) fn is_idle(&self) -> bool {
        self.columns.iter().all(|column| matches!(column.becomes, Becomes::Number { fill: None }))
    }

    fn width(&self) -> usize {
        self.columns.iter().map(|column| column.becomes.width()).sum()
    }

    /// The columns of the file that become such ones.
    fn those(&self, wanted: impl Fn(&Becomes) -> bool) -> Vec<usize> {
        (0..)
            .zip(&self.columns)
            .filter(|(_, column)| wanted(&column.becomes))
            .map(|(place, _)| place)
            .collect()
    }

    /// Where a column of the file stands once those that are `done` have taken their room.
    fn place(&self, column: usize, done: impl Fn(&Becomes) -> bool) -> usize {
        let before = self.columns[..column].iter().map(|column| &column.becomes);
        before.map(|becomes| if done(becomes) { becomes.width() } else { 1 }).sum()
    }
}

impl Prepared {
    fn fit(
        columns: &Columns,
        encode: Encode,
        shape: &Shape,
        name: &str,
        content: &Content,
        values: ArrayView1<'_, f64>,
    ) -> anyhow::Result<Self> {
        let present: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        let (kind, becomes) = match content {
            Content::Numbers => {
                let fill =
                    columns.imputed(name, false)?.map(|impute| number(impute, &present)).transpose()?;
                if present.is_empty() {
                    bail!("every value is missing in the rows to fit; --ignore {name} leaves it out");
                }
                let statistics = statistics::of(&ArrayView1::from(&present));
                (FeatureKind::Number { statistics, missing: fill.is_some() }, Becomes::Number { fill })
            }
            Content::Categories(names) => {
                let mut names = names.clone();
                let missing = columns.imputed(name, true)?;
                let missing = missing.map(|impute| category(impute, &present, &mut names)).transpose()?;
                let mut counts = vec![0; names.len()];
                present.iter().for_each(|position| counts[*position as usize] += 1);
                let categories = names.len();
                let becomes = match columns.encoded(name, encode) {
                    Encode::OneHot => Becomes::OneHot { dropped: 0, categories, missing },
                    Encode::OneHotDropFirst => Becomes::OneHot { dropped: 1, categories, missing },
                    Encode::Ordinal => Becomes::Ordinal { missing },
                };
                let missing_as = missing.map(|missing| names[missing].clone());
                let unknown = columns.unknown();
                (FeatureKind::Category(Category { categories: names, counts, unknown, missing_as }), becomes)
            }
            Content::Texts => {
                let texts: Vec<_> =
                    present.iter().map(|place| shape.texts[*place as usize].clone()).collect();
                let length = |text: &String| text.chars().count() as f64;
                let lengths: Vec<_> = texts.iter().map(length).collect();
                let lengths = statistics::of(&ArrayView1::from(&lengths));
                (FeatureKind::Text { lengths }, Becomes::Weights(Box::new(columns.texts.fit(texts)?)))
            }
        };
        Ok(Self { feature: Feature { name: name.to_owned(), kind }, becomes })
    }
}

/// What fills in a number. Of equally frequent ones the least.
fn number(impute: &Impute, present: &[f64]) -> anyhow::Result<f64> {
    let mut sorted = present.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let fill = match impute {
        Impute::Constant(value) => value.parse().ok(),
        _ if sorted.is_empty() => None,
        Impute::Mean => Some(sorted.iter().sum::<f64>() / sorted.len() as f64),
        Impute::Median if sorted.len().is_multiple_of(2) => {
            Some(f64::midpoint(sorted[middle - 1], sorted[middle]))
        }
        Impute::Median => Some(sorted[middle]),
        Impute::MostFrequent => {
            let runs = sorted.chunk_by(|a, b| a == b);
            runs.rev().max_by_key(|run| run.len()).and_then(|run| run.first().copied())
        }
    };
    fill.filter(|fill: &f64| fill.is_finite()).with_context(|| format!("{impute:?} is no number to fill in"))
}

/// The category that fills in; a constant that is none yet becomes one. Of equally frequent ones the first.
fn category(impute: &Impute, present: &[f64], names: &mut Vec<String>) -> anyhow::Result<usize> {
    match impute {
        Impute::Constant(value) => {
            let found = names.iter().position(|name| name == value);
            Ok(found.unwrap_or_else(|| {
                names.push(value.clone());
                names.len() - 1
            }))
        }
        Impute::MostFrequent => {
            let mut counts = vec![0_usize; names.len()];
            present.iter().for_each(|position| counts[*position as usize] += 1);
            let most = (0..counts.len()).rev().max_by_key(|position| counts[*position]);
            most.context("every value is missing in the rows to fit")
        }
        Impute::Mean | Impute::Median => bail!("categories have no mean or median"),
    }
}

impl Becomes {
    fn width(&self) -> usize {
        match self {
            Self::Number { .. } | Self::Ordinal { .. } => 1,
            Self::OneHot { dropped, categories, .. } => categories - dropped,
            Self::Weights(weights) => weights.width(),
        }
    }

    /// Writes what becomes of a value.
    fn write(&self, value: f64, texts: &[String], numbers: &mut Vec<f64>) {
        let or = |missing: Option<usize>| match missing {
            Some(missing) if value.is_nan() => missing as f64,
            _ => value,
        };
        match self {
            Self::Number { fill } => numbers.push(fill.filter(|_| value.is_nan()).unwrap_or(value)),
            Self::Ordinal { missing } => numbers.push(or(*missing)),
            Self::OneHot { dropped, categories, missing } => {
                let own = or(*missing);
                numbers.extend((*dropped..*categories).map(|position| f64::from(position as f64 == own)));
            }
            Self::Weights(weights) => numbers.extend(weights.of(&texts[value as usize])),
        }
    }
}

impl Fitted for Preparation {
    fn role(&self) -> Role {
        Role::Transformer { columns: self.width() }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        let vector = |values: Vec<f64>| Tensor { shape: vec![values.len()], values: Values::F64(values) };
        let mut steps = Vec::new();

        let columns = self.those(|becomes| matches!(becomes, Becomes::Number { fill: Some(_) }));
        if !columns.is_empty() {
            let fill = |column: &Prepared| match column.becomes {
                Becomes::Number { fill } => fill,
                _ => None,
            };
            let fills = self.columns.iter().filter_map(fill).collect();
            steps.push(Exported::new(Imputer { columns }, [("fills", vector(fills))]));
        }
        let columns = self.those(|becomes| matches!(becomes, Becomes::Ordinal { .. }));
        if !columns.is_empty() {
            let values = |place: &usize| match &self.columns[*place].feature.kind {
                FeatureKind::Category(category) => {
                    let unknown = (category.unknown == Unknown::Ignore).then_some(NO_CATEGORY);
                    let positions = (0..category.categories.len()).map(|position| position as f64);
                    positions.chain(unknown).collect()
                }
                FeatureKind::Number { .. } | FeatureKind::Text { .. } => Vec::new(),
            };
            let values = columns.iter().flat_map(values).collect();
            steps.push(Exported::new(OrdinalEncoder { columns }, [("values", vector(values))]));
        }
        // Each step of one-hot, and then of each text, finds the columns where those before it have left them. The last text
        // goes first, so that it moves no other.
        let whole = |becomes: &Becomes| matches!(becomes, Becomes::OneHot { dropped: 0, .. });
        let cut = |becomes: &Becomes| matches!(becomes, Becomes::OneHot { dropped: 1.., .. });
        let columns = self.those(whole);
        if !columns.is_empty() {
            steps.push(Exported::new(OneHotEncoder { columns, drop_first: false }, []));
        }
        let columns: Vec<_> = self.those(cut).into_iter().map(|column| self.place(column, whole)).collect();
        if !columns.is_empty() {
            steps.push(Exported::new(OneHotEncoder { columns, drop_first: true }, []));
        }
        for (place, column) in self.columns.iter().enumerate().rev() {
            if let Becomes::Weights(weights) = &column.becomes {
                let column = self.place(place, |becomes| !matches!(becomes, Becomes::Weights(_)));
                steps.push(weights.step(column));
            }
        }
        Ok(steps)
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let mut numbers = Vec::with_capacity(rows.nrows() * self.width());
        for row in rows.rows() {
            for (value, column) in row.iter().zip(&self.columns) {
                column.becomes.write(*value, &self.shape.texts, &mut numbers);
            }
        }
        let shape = (rows.nrows(), self.width());
        Answers::numbers(Array2::from_shape_vec(shape, numbers).unwrap_or_default())
    }
}
