//! What the columns of a file are to a model: numbers, categories or texts, and what becomes of those that no algorithm
//! computes with. The flags and their meaning; `preparation.rs` fits what they ask for.

use std::{collections::BTreeMap, io::Read, str::FromStr};

use anyhow::{bail, ensure};
use artifact::feature::Unknown;
use clap::{Args, ValueEnum};
use sidecar::table::{Reading, Survey, Table};

use super::texts::Texts;

/// The columns of the file.
#[derive(Args, Clone, Debug)]
pub(crate) struct Columns {
    /// Columns that are no features, such as a row's id
    #[arg(long, value_name = "COLUMN")]
    pub(crate) ignore: Vec<String>,
    /// Columns of categories that look like numbers; a column without any number is one of categories anyhow
    #[arg(long, value_name = "COLUMN", help_heading = "Columns")]
    category: Vec<String>,
    /// Columns of free text, whose words are weighed
    #[arg(long, value_name = "COLUMN", help_heading = "Columns")]
    text: Vec<String>,
    /// The file has no header; its columns are called c0, c1, …
    #[arg(long, help_heading = "Columns")]
    pub(crate) no_header: bool,
    /// Fill in missing values by mean, median, most-frequent or constant=VALUE, in all columns or in one. Without it
    /// they are refused
    #[arg(long, value_name = "[COLUMN:]METHOD", help_heading = "Columns")]
    impute: Vec<Of<Impute>>,
    /// Make numbers of categories by one-hot, one-hot-drop-first or ordinal, in all columns or in one [default: one-hot, or
    /// one-hot-drop-first where the algorithm has no answer if columns are sums of others]
    #[arg(long, value_name = "[COLUMN:]METHOD", help_heading = "Columns")]
    encode: Vec<Of<Encode>>,
    /// What becomes of a request with a category that the file does not have [default: refuse]
    #[arg(long, value_name = "WHAT", help_heading = "Columns")]
    unknown: Option<OnUnknown>,
    #[command(flatten)]
    pub(crate) texts: Texts,
}

/// A method, of one column or of all.
#[derive(Clone, Debug, PartialEq)]
struct Of<T> {
    column: Option<String>,
    method: T,
}

/// What is filled in where a value is missing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Impute {
    Mean,
    Median,
    MostFrequent,
    Constant(String),
}

/// How categories become numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encode {
    /// A column for each category. In sum they are 1, as the intercept is.
    #[default]
    OneHot,
    /// A column for each but the first, which is 0 in all of them.
    OneHotDropFirst,
    /// Its position, in one column.
    Ordinal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnUnknown {
    /// It is refused
    Refuse,
    /// It is answered as none of the categories: 0 in all columns of one-hot, -1 as ordinal. With one-hot-drop-first that is
    /// the first category's answer
    Ignore,
}

impl Columns {
    /// How each column of the file is to be read. The file is read once to see what they hold.
    pub(crate) fn readings(
        &self,
        file: impl Read,
        targets: &[String],
    ) -> anyhow::Result<BTreeMap<String, Reading>> {
        let survey = Table::survey(file, !self.no_header)?;
        let named = self.impute.iter().map(|of| &of.column).chain(self.encode.iter().map(|of| &of.column));
        for column in named.flatten() {
            ensure!(survey.contains_key(column), "there is no column `{column}`");
        }
        let mut readings: BTreeMap<_, _> =
            self.ignore.iter().map(|column| (column.clone(), Reading::Ignored)).collect();
        for (column, survey) in survey {
            if !targets.contains(&column) && !self.ignore.contains(&column) {
                let reading = self.reading(&column, &survey)?;
                readings.insert(column, reading);
            }
        }
        Ok(readings)
    }

    fn reading(&self, column: &String, survey: &Survey) -> anyhow::Result<Reading> {
        if self.text.contains(column) {
            return Ok(Reading::Texts);
        }
        let inferred = survey.numbers == 0 && survey.others > 0;
        // A category that mostly occurs once is a row's own name, or a text.
        if inferred && survey.distinct * 2 > survey.others && !self.category.contains(column) {
            bail!(
                "column `{column}` has {} different texts in {} rows; --ignore {column}, --text {column} or --category {column} \
                 says what it is",
                survey.distinct,
                survey.others
            );
        }
        let is_category = inferred || self.category.contains(column);
        Ok(match (is_category, self.imputed(column, is_category)?) {
            (true, None) => Reading::Categories,
            (true, Some(_)) => Reading::CategoriesOrNothing,
            (false, None) => Reading::Numbers,
            (false, Some(_)) => Reading::NumbersOrNothing,
        })
    }

    /// What is filled in where a value of that column is missing, if anything is.
    pub(crate) fn imputed(&self, column: &str, is_category: bool) -> anyhow::Result<Option<&Impute>> {
        let numeric = |method: &Impute| matches!(method, Impute::Mean | Impute::Median);
        match of(&self.impute, column) {
            Some(Of { column: Some(_), method }) if is_category && numeric(method) => {
                bail!(
                    "column `{column}` holds categories, which have no mean or median; most-frequent or constant=VALUE does"
                )
            }
            // The mean of all columns is that of all numbers.
            Some(Of { column: None, method }) if is_category && numeric(method) => Ok(None),
            Some(Of { column: None, method: Impute::Constant(value) })
                if !is_category && value.parse::<f64>().is_err() =>
            {
                Ok(None)
            }
            found => Ok(found.map(|of| &of.method)),
        }
    }

    /// How the categories of that column become numbers, `otherwise` if nothing was said.
    pub(crate) fn encoded(&self, column: &str, otherwise: Encode) -> Encode {
        of(&self.encode, column).map_or(otherwise, |of| of.method)
    }

    /// What becomes of a text that is no category.
    pub(crate) fn unknown(&self) -> Unknown {
        match self.unknown {
            Some(OnUnknown::Ignore) => Unknown::Ignore,
            Some(OnUnknown::Refuse) | None => Unknown::Refuse,
        }
    }
}

/// What was said of that column, else what was said of all.
fn of<'a, T>(all: &'a [Of<T>], column: &str) -> Option<&'a Of<T>> {
    let own = all.iter().rfind(|of| of.column.as_deref() == Some(column));
    own.or_else(|| all.iter().rfind(|of| of.column.is_none()))
}

impl<T: FromStr<Err = String>> FromStr for Of<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text.parse(), text.split_once(':')) {
            (Ok(method), _) => Ok(Self { column: None, method }),
            (Err(error), None) => Err(error),
            (Err(_), Some((column, method))) => {
                Ok(Self { column: Some(column.to_owned()), method: method.parse()? })
            }
        }
    }
}

impl FromStr for Impute {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("constant=")) {
            ("mean", _) => Ok(Self::Mean),
            ("median", _) => Ok(Self::Median),
            ("most-frequent", _) => Ok(Self::MostFrequent),
            (_, Some(value)) if !value.is_empty() => Ok(Self::Constant(value.to_owned())),
            _ => Err("a method is mean, median, most-frequent or constant=VALUE".to_owned()),
        }
    }
}

impl FromStr for Encode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ValueEnum::from_str(text, false)
            .map_err(|_| "a method is one-hot, one-hot-drop-first or ordinal".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches as _};

    use super::*;

    #[test]
    fn a_method_is_of_one_column_or_of_all_and_the_column_goes_first() {
        let flags = ["", "--impute=mean", "--impute=age:constant=a:b", "--impute=port:most-frequent"];
        let matches = Columns::augment_args(Command::new("")).get_matches_from(flags);
        let columns = Columns::from_arg_matches(&matches).unwrap();
        let imputed = |column, is_category| columns.imputed(column, is_category).unwrap().cloned();
        assert_eq!(imputed("fare", false), Some(Impute::Mean));
        assert_eq!(imputed("sex", true), None);
        assert_eq!(imputed("port", true), Some(Impute::MostFrequent));
        assert_eq!(imputed("age", true), Some(Impute::Constant("a:b".to_owned())));
        assert_eq!(
            "age:mode".parse::<Of<Impute>>().unwrap_err(),
            "a method is mean, median, most-frequent or constant=VALUE"
        );
    }
}
