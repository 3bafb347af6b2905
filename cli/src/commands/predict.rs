//! `linfactl predict`: asks the server, and shows what it answered row by row.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use client::{Answer, Choice, Input, Prediction, Series, Target};
use fs_err as fs;
use serde_json::{Map, Value, json};
use sidecar::table::{Layout, Reading, Survey, Table, Wanted};

use super::{Format, table};
use crate::connection::Connection;

/// Ask the server for predictions.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  linfactl predict --model iris 5.1,3.5,1.4,0.2 6.7,3.0,5.2,2.3
  linfactl predict --model iris --csv flowers.csv --ignore species --format json")]
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
    /// How to show the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The values of one row.
#[derive(Clone, Debug)]
struct Row(Vec<f64>);

impl Predict {
    pub(crate) fn run(self, out: &mut dyn Write) -> anyhow::Result<()> {
        let input = self.input()?;
        let choice = match (self.version, self.label) {
            (Some(version), _) => Choice::Version(version),
            (None, Some(label)) => Choice::Label(label),
            (None, None) => Choice::Default,
        };
        let target = Target::model(self.model).choice(choice);
        let prediction = self.connection.with(async |client| Ok(client.predict(target, input).await?))?;
        match self.format {
            Format::Table => writeln!(out, "{}", show(&prediction))?,
            Format::Json => writeln!(out, "{:#}", to_json(&prediction))?,
        }
        Ok(())
    }

    fn input(&self) -> anyhow::Result<Input> {
        let Some(path) = &self.csv else {
            return positions(&self.rows);
        };
        let table = self.table(path).with_context(|| path.display().to_string())?;
        let series = |column| match table.series(column) {
            artifact::Series::Numbers(numbers) => Series::Numbers(numbers),
            artifact::Series::Texts(texts) => Series::Texts(texts),
        };
        Ok(Input::columns((0..).zip(&table.columns).map(|(column, name)| (name, series(column)))))
    }

    /// The file, whose columns are numbers unless a cell is none. What may be missing is the model's to say.
    fn table(&self, path: &Path) -> anyhow::Result<Table> {
        let survey = Table::survey(fs::File::open(path)?, true)?;
        let reading = |(column, survey): (String, Survey)| {
            let is_text = survey.others > 0 || self.text.contains(&column);
            (column, if is_text { Reading::CategoriesOrNothing } else { Reading::NumbersOrNothing })
        };
        let mut readings: BTreeMap<_, _> = survey.into_iter().map(reading).collect();
        readings.extend(self.ignore.iter().map(|column| (column.clone(), Reading::Ignored)));
        let layout = Layout { header: true, target: Wanted::Nothing, readings: &readings };
        Ok(Table::read(fs::File::open(path)?, &layout)?)
    }
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

/// An answer as a table would have it: what is chosen, if anything, and named numbers.
struct Shape<'a> {
    /// What the choice is called, and one per row.
    choice: Option<(&'static str, Vec<String>)>,
    /// What the numbers are, and the name of each.
    numbers: &'static str,
    names: Vec<String>,
    /// rows x names.
    values: &'a [f64],
}

impl<'a> Shape<'a> {
    fn of(answer: &'a Answer) -> Self {
        match answer {
            Answer::Classification(answer) => Self {
                choice: Some(("label", answer.labels.clone())),
                numbers: "probabilities",
                names: answer.classes.clone(),
                values: &answer.probabilities,
            },
            Answer::Regression(answer) => Self {
                choice: None,
                numbers: "values",
                names: answer.targets.clone(),
                values: &answer.values,
            },
            Answer::Clustering(answer) => {
                let (numbers, values) = if answer.distances.is_empty() {
                    ("probabilities", &answer.probabilities)
                } else {
                    ("distances", &answer.distances)
                };
                let clusters = values.len().checked_div(answer.cluster.len()).unwrap_or(0);
                Self {
                    choice: Some(("cluster", answer.cluster.iter().map(u32::to_string).collect())),
                    numbers,
                    names: (0..clusters).map(|cluster| cluster.to_string()).collect(),
                    values,
                }
            }
            Answer::Transformation(answer) => {
                Self { choice: None, numbers: "values", names: answer.names.clone(), values: &answer.values }
            }
        }
    }

    /// Each row's choice and numbers.
    fn rows(&self) -> Vec<(Option<&str>, &[f64])> {
        let numbers = |row: usize| {
            let width = self.names.len();
            self.values.get(row * width..(row + 1) * width).unwrap_or_default()
        };
        match &self.choice {
            Some((_, choices)) => choices
                .iter()
                .enumerate()
                .map(|(row, choice)| (Some(choice.as_str()), numbers(row)))
                .collect(),
            None => (0..self.values.len().checked_div(self.names.len()).unwrap_or(0))
                .map(|row| (None, numbers(row)))
                .collect(),
        }
    }
}

fn show(prediction: &Prediction) -> String {
    let shape = Shape::of(&prediction.answer);
    let mut header = vec!["ROW".to_owned()];
    header.extend(shape.choice.as_ref().map(|(name, _)| name.to_uppercase()));
    if !shape.values.is_empty() {
        header.extend(shape.names.iter().cloned());
    }
    let rows = shape.rows().into_iter().enumerate().map(|(index, (choice, numbers))| {
        let mut cells = vec![(index + 1).to_string()];
        cells.extend(choice.map(str::to_owned));
        cells.extend(numbers.iter().map(|number| format!("{number:.6}")));
        cells
    });
    let model = &prediction.model;
    format!("{}\n{} version {}, {}", table(header, rows), model.name, model.version, model.digest)
}

fn to_json(prediction: &Prediction) -> Value {
    let shape = Shape::of(&prediction.answer);
    let rows = shape.rows().into_iter().map(|(choice, numbers)| {
        let mut row = Map::new();
        if let (Some((name, _)), Some(choice)) = (&shape.choice, choice) {
            // Clusters are numbers, classes are names even where they look like numbers.
            let value = match &prediction.answer {
                Answer::Clustering(_) => choice.parse::<u32>().map_or(Value::Null, Value::from),
                _ => Value::from(choice),
            };
            row.insert((*name).to_owned(), value);
        }
        if !numbers.is_empty() {
            let named = shape.names.iter().cloned().zip(numbers.iter().map(|number| json!(number)));
            row.insert(shape.numbers.to_owned(), Value::Object(named.collect()));
        }
        Value::Object(row)
    });
    let model = &prediction.model;
    json!({
        "model": { "name": model.name, "version": model.version, "digest": model.digest },
        "rows": rows.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use client::pb::{Classification, Clustering, ModelRef, Regression};

    use super::*;

    fn prediction(answer: Answer) -> Prediction {
        Prediction {
            model: ModelRef { name: "iris".to_owned(), version: 2, digest: "sha256:00".to_owned() },
            answer,
        }
    }

    fn classified() -> Prediction {
        prediction(Answer::Classification(Classification {
            labels: vec!["setosa".into(), "virginica".into()],
            classes: vec!["setosa".into(), "virginica".into()],
            probabilities: vec![0.98, 0.02, 0.25, 0.75],
        }))
    }

    #[test]
    fn classes_are_shown_with_their_probabilities() {
        insta::assert_snapshot!(show(&classified()), @r#"
        ROW  LABEL      setosa    virginica
        1    setosa     0.980000  0.020000
        2    virginica  0.250000  0.750000
        iris version 2, sha256:00
        "#);
        insta::assert_snapshot!(format!("{:#}", to_json(&classified())), @r#"
        {
          "model": {
            "digest": "sha256:00",
            "name": "iris",
            "version": 2
          },
          "rows": [
            {
              "label": "setosa",
              "probabilities": {
                "setosa": 0.98,
                "virginica": 0.02
              }
            },
            {
              "label": "virginica",
              "probabilities": {
                "setosa": 0.25,
                "virginica": 0.75
              }
            }
          ]
        }
        "#);
    }

    #[test]
    fn a_tree_has_classes_without_probabilities() {
        let answer = prediction(Answer::Classification(Classification {
            labels: vec!["7".into()],
            classes: vec!["7".into(), "8".into()],
            probabilities: Vec::new(),
        }));
        insta::assert_snapshot!(show(&answer), @r#"
        ROW  LABEL
        1    7
        iris version 2, sha256:00
        "#);
        insta::assert_snapshot!(to_json(&answer), @r#"{"model":{"digest":"sha256:00","name":"iris","version":2},"rows":[{"label":"7"}]}"#);
    }

    #[test]
    fn numbers_and_clusters_have_their_own_columns() {
        let numbers = prediction(Answer::Regression(Regression {
            values: vec![1.5, -2.0],
            targets: vec!["price".into()],
        }));
        insta::assert_snapshot!(show(&numbers), @r#"
        ROW  price
        1    1.500000
        2    -2.000000
        iris version 2, sha256:00
        "#);
        insta::assert_snapshot!(to_json(&numbers), @r#"{"model":{"digest":"sha256:00","name":"iris","version":2},"rows":[{"values":{"price":1.5}},{"values":{"price":-2.0}}]}"#);
        let clusters = prediction(Answer::Clustering(Clustering {
            cluster: vec![1],
            distances: vec![4.0, 0.5],
            ..Clustering::default()
        }));
        insta::assert_snapshot!(show(&clusters), @r#"
        ROW  CLUSTER  0         1
        1    1        4.000000  0.500000
        iris version 2, sha256:00
        "#);
        insta::assert_snapshot!(to_json(&clusters), @r#"{"model":{"digest":"sha256:00","name":"iris","version":2},"rows":[{"cluster":1,"distances":{"0":4.0,"1":0.5}}]}"#);
        let mixture = prediction(Answer::Clustering(Clustering {
            cluster: vec![1],
            probabilities: vec![0.25, 0.75],
            ..Clustering::default()
        }));
        insta::assert_snapshot!(to_json(&mixture), @r#"{"model":{"digest":"sha256:00","name":"iris","version":2},"rows":[{"cluster":1,"probabilities":{"0":0.25,"1":0.75}}]}"#);
    }

    #[test]
    fn rows_are_numbers_between_commas_and_all_of_one_width() {
        assert_eq!(row("1, -2.5,3e2").unwrap().0, [1.0, -2.5, 300.0]);
        assert_eq!(row("1,,2").unwrap_err(), "`` is not a number");
        let rows = [Row(vec![1.0, 2.0]), Row(vec![3.0])];
        assert_eq!(positions(&rows).unwrap_err().to_string(), "row 2 has 1 values, row 1 has 2");
    }
}
