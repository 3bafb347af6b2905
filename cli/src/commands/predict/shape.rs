//! An answer as a table, for people and for programs.

use client::{Answer, Prediction};
use serde_json::{Map, Value, json};

use crate::commands::table;

/// An answer as a table would have it: what is chosen, if anything, and named numbers.
pub(super) struct Shape<'a> {
    /// What the choice is called, and one per row.
    choice: Option<(&'static str, Vec<String>)>,
    /// What the numbers are, and the name of each.
    numbers: &'static str,
    names: Vec<String>,
    /// rows x names.
    values: &'a [f64],
}

impl<'a> Shape<'a> {
    pub(super) fn of(answer: &'a Answer) -> Self {
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

    /// What the columns are called: that of the choice, if there is one, and one for each number.
    pub(super) fn header(&self) -> impl Iterator<Item = &str> {
        let numbers = if self.values.is_empty() { &[] } else { self.names.as_slice() };
        self.choice.iter().map(|(name, _)| *name).chain(numbers.iter().map(String::as_str))
    }

    /// Each row's choice and numbers.
    pub(super) fn rows(&self) -> Vec<(Option<&str>, &[f64])> {
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

/// For people, to six digits after the point.
pub(super) fn show(prediction: &Prediction) -> String {
    let shape = Shape::of(&prediction.answer);
    let mut header = vec!["ROW".to_owned()];
    header.extend(shape.header().map(str::to_owned));
    if shape.choice.is_some() {
        header[1].make_ascii_uppercase();
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

/// For programs.
pub(super) fn to_json(prediction: &Prediction) -> Value {
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
}
