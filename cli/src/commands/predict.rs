//! `linfactl predict`: asks the server, and shows what it answered row by row.

mod shape;
mod stream;

use std::{
    collections::BTreeMap,
    io::Write,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use client::{Choice, Input, Series, Target};
use fs_err as fs;
use indicatif::ProgressBar;
use shape::{show, to_json};
use sidecar::table::{Layout, Reading, Rows, Survey, Table, Wanted};

use stream::{Unfinished, ask};

use super::{Format, style};
use crate::connection::Connection;

/// Ask the server for predictions.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  linfactl predict --model iris 5.1,3.5,1.4,0.2 6.7,3.0,5.2,2.3
  linfactl predict --model iris --csv flowers.csv --ignore species --format json
  linfactl predict --model iris --csv millions.csv --out answers.csv")]
pub(crate) struct Predict {
    #[command(flatten)]
    connection: Connection,
    /// The model's name; may be left out if the server has one model
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    model: String,
    /// A version [default: the one that the model's policy says]
    #[arg(long, value_name = "N", conflicts_with = "label")]
    version: Option<u64>,
    /// A label, instead of a version
    #[arg(long, value_name = "LABEL")]
    label: Option<String>,
    /// Rows by position, their values separated by commas. If a row begins with a minus, put -- before the first one
    #[arg(value_name = "VALUES", required_unless_present = "csv", conflicts_with = "csv", value_parser = row)]
    rows: Vec<Row>,
    /// Rows from a CSV file, whose header names the features in any order
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Columns of the CSV file that are no features
    #[arg(long, value_name = "COLUMN", requires = "csv")]
    ignore: Vec<String>,
    /// Columns of the CSV file to send as texts though they hold numbers alone
    #[arg(long, value_name = "COLUMN", requires = "csv")]
    text: Vec<String>,
    /// Write the answers to a file, as CSV. The rows are asked over one stream, some at a time, so that there may be millions of
    /// them; one version answers all, or there is no file
    #[arg(long = "out", value_name = "FILE", requires = "csv", conflicts_with = "format")]
    answers: Option<PathBuf>,
    /// How many rows are asked at a time: fewer where the server finds a message too large
    #[arg(long, value_name = "ROWS", default_value = "1000", requires = "answers")]
    batch: NonZeroUsize,
    /// How to show the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The values of one row.
#[derive(Clone, Debug)]
struct Row(Vec<f64>);

impl Predict {
    pub(crate) fn run(self, out: &mut dyn Write) -> anyhow::Result<()> {
        let choice = match (self.version, &self.label) {
            (Some(version), _) => Choice::Version(version),
            (None, Some(label)) => Choice::Label(label.clone()),
            (None, None) => Choice::Default,
        };
        let target = Target::model(&self.model).choice(choice);
        if let (Some(csv), Some(answers)) = (&self.csv, &self.answers) {
            let mut file = Unfinished::of(answers)?;
            let said = self.answer(csv, file.content(), target).with_context(|| csv.display().to_string())?;
            file.finish()?;
            return Ok(writeln!(out, "{said}")?);
        }
        let input = self.input()?;
        let prediction = self.connection.with(async |client| Ok(client.predict(target, input).await?))?;
        match self.format {
            Format::Table => writeln!(out, "{}", show(&prediction))?,
            Format::Json => writeln!(out, "{:#}", to_json(&prediction))?,
        }
        Ok(())
    }

    /// Writes the answers to all rows of a file.
    fn answer(&self, csv: &Path, answers: impl Write, target: Target) -> anyhow::Result<String> {
        let file = fs::File::open(csv)?;
        let progress = ProgressBar::new(file.metadata()?.len())
            .with_style(style("{msg} {wide_bar} {bytes}/{total_bytes} ({eta})"))
            .with_message("asking");
        let rows = Rows::of(progress.wrap_read(file), &layout(&self.readings(csv)?))?;
        let said = self
            .connection
            .with(async |client| ask(&client, target, rows, self.batch.get(), answers).await)?;
        progress.finish_and_clear();
        Ok(said)
    }

    fn input(&self) -> anyhow::Result<Input> {
        let Some(path) = &self.csv else {
            return positions(&self.rows);
        };
        let table =
            || Ok::<_, anyhow::Error>(Table::read(fs::File::open(path)?, &layout(&self.readings(path)?))?);
        Ok(columns(&table().with_context(|| path.display().to_string())?))
    }

    /// The columns are numbers unless a cell is none. What may be missing is the model's to say.
    fn readings(&self, path: &Path) -> anyhow::Result<BTreeMap<String, Reading>> {
        let survey = Table::survey(fs::File::open(path)?, true)?;
        let reading = |(column, survey): (String, Survey)| {
            let is_text = survey.others > 0 || self.text.contains(&column);
            (column, if is_text { Reading::CategoriesOrNothing } else { Reading::NumbersOrNothing })
        };
        let mut readings: BTreeMap<_, _> = survey.into_iter().map(reading).collect();
        readings.extend(self.ignore.iter().map(|column| (column.clone(), Reading::Ignored)));
        Ok(readings)
    }
}

fn layout(readings: &BTreeMap<String, Reading>) -> Layout<'_> {
    Layout { header: true, target: Wanted::Nothing, readings }
}

/// The rows of a table by the names of their columns.
fn columns(table: &Table) -> Input {
    let series = |column| match table.series(column) {
        artifact::Series::Numbers(numbers) => Series::Numbers(numbers),
        artifact::Series::Texts(texts) => Series::Texts(texts),
    };
    Input::columns((0..).zip(&table.columns).map(|(column, name)| (name, series(column))))
}

/// Rows of one width. The server would see only how many values there are in all.
fn positions(rows: &[Row]) -> anyhow::Result<Input> {
    let width = rows.first().map_or(0, |row| row.0.len());
    if let Some(other) = rows.iter().position(|row| row.0.len() != width) {
        anyhow::bail!("row {} has {} values, row 1 has {width}", other + 1, rows[other].0.len());
    }
    let values: Vec<_> = rows.iter().flat_map(|row| &row.0).copied().collect();
    Ok(Input::rows_of(u32::try_from(width)?, &values))
}

fn row(text: &str) -> Result<Row, String> {
    let value = |text: &str| text.trim().parse().map_err(|_| format!("`{}` is not a number", text.trim()));
    text.split(',').map(value).collect::<Result<_, _>>().map(Row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbers_between_commas_and_all_of_one_width() {
        assert_eq!(row("1, -2.5,3e2").unwrap().0, [1.0, -2.5, 300.0]);
        assert_eq!(row("1,,2").unwrap_err(), "`` is not a number");
        let rows = [Row(vec![1.0, 2.0]), Row(vec![3.0])];
        assert_eq!(positions(&rows).unwrap_err().to_string(), "row 2 has 1 values, row 1 has 2");
    }
}
