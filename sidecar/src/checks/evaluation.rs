//! evaluation.csv as one model takes it: its features in its order, and what is true for each row.

use std::collections::{BTreeMap, BTreeSet};

use artifact::{
    Manifest, Output,
    ndarray::{Array2, Axis},
};

use crate::table::{Table, TableError, Target, Wanted};

/// More rows tell no more, and would take memory that judging needs.
const MAX_ROWS: usize = 100_000;

/// Rows with what is true for them.
#[derive(Debug)]
pub(super) struct Evaluation {
    /// rows x features.
    pub(super) rows: Array2<f64>,
    pub(super) truth: Truth,
}

/// What is true for each row.
#[derive(Debug)]
pub(super) enum Truth {
    /// The position of its class in the manifest.
    Classes(Vec<usize>),
    /// rows x targets.
    Numbers(Array2<f64>),
    /// Nothing is known.
    None,
}

/// Why the file cannot be used, one variant per rule. It is not the version's fault.
#[derive(Debug, thiserror::Error)]
pub(super) enum EvaluationError {
    /// Judging would take too much memory.
    #[error("evaluation.csv has {0} lines, of which {MAX_ROWS} are read at most; draw some of them")]
    TooLong(usize),
    /// No table of numbers, or not with these columns.
    #[error("evaluation.csv: {0}")]
    Table(#[from] TableError),
    /// A guess could measure by the wrong column.
    #[error(
        "evaluation.csv: which column is true is not clear, besides the features there is {}; `target` in [require.quality] \
         of policy.toml says it",
        if .0.is_empty() { "none".to_owned() } else { .0.join(", ") }
    )]
    Target(Vec<String>),
    /// A misspelt class would count as a mistake of every model.
    #[error("evaluation.csv: row {row}: `{class}` is no class of the model")]
    Class { row: usize, class: String },
}

impl Evaluation {
    /// Reads the file for the model of that manifest. `target` names the column of what is true.
    pub(super) fn read(
        bytes: &[u8],
        manifest: &Manifest,
        target: Option<&str>,
    ) -> Result<Self, EvaluationError> {
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        if lines > MAX_ROWS + 1 {
            return Err(EvaluationError::TooLong(lines));
        }
        let columns = Columns::of(bytes, manifest)?;
        match &manifest.output {
            Output::Classification { classes } => {
                let target = match (target, columns.others.as_slice()) {
                    (Some(target), _) => target.to_owned(),
                    (None, [only]) => only.clone(),
                    (None, _) => return Err(EvaluationError::Target(columns.others)),
                };
                let ignored = columns.others_but(std::slice::from_ref(&target));
                let table = Table::read(bytes, Wanted::Classes(&target), &ignored)?;
                let truth = Truth::Classes(indices(&table.target, classes)?);
                Ok(Self { rows: columns.select(&table, &columns.features)?, truth })
            }
            Output::Regression { targets } => {
                let targets = match (target, targets.as_slice()) {
                    (Some(target), [_]) => vec![target.to_owned()],
                    _ => targets.clone(),
                };
                let table = Table::read(bytes, Wanted::Nothing, &columns.others_but(&targets))?;
                let truth = Truth::Numbers(columns.select(&table, &targets)?);
                Ok(Self { rows: columns.select(&table, &columns.features)?, truth })
            }
            Output::Clustering { .. } | Output::Transformation { .. } => {
                let table = Table::read(bytes, Wanted::Nothing, &columns.others)?;
                Ok(Self { rows: columns.select(&table, &columns.features)?, truth: Truth::None })
            }
        }
    }
}

/// The names of columns.
struct Columns {
    /// As they stand in the file.
    all: Vec<String>,
    /// As the model takes them.
    features: Vec<String>,
    /// Those of the file that are no features.
    others: Vec<String>,
}

impl Columns {
    fn of(bytes: &[u8], manifest: &Manifest) -> Result<Self, TableError> {
        let all = Table::header(bytes)?;
        let features: Vec<_> = manifest.inputs.iter().map(|feature| feature.name.clone()).collect();
        let known: BTreeSet<_> = features.iter().collect();
        let others = all.iter().filter(|column| !known.contains(column)).cloned().collect();
        Ok(Self { all, features, others })
    }

    fn others_but(&self, kept: &[String]) -> Vec<String> {
        self.others.iter().filter(|column| !kept.contains(column)).cloned().collect()
    }

    /// Those columns of the table, in that order.
    fn select(&self, table: &Table, names: &[String]) -> Result<Array2<f64>, TableError> {
        let places: BTreeMap<_, _> = table.columns.iter().zip(0..).collect();
        let missing = |name: &String| TableError::NoColumn { name: name.clone(), columns: self.all.clone() };
        let columns: Result<Vec<usize>, _> =
            names.iter().map(|name| places.get(name).copied().ok_or_else(|| missing(name))).collect();
        Ok(table.values.select(Axis(1), &columns?))
    }
}

fn indices(target: &Target, classes: &[String]) -> Result<Vec<usize>, EvaluationError> {
    let Target::Classes { names, indices } = target else { return Ok(Vec::new()) };
    let places: BTreeMap<_, _> = classes.iter().zip(0..).collect();
    let class_of = |(row, index): (usize, &usize)| {
        let class = &names[*index];
        let place = places.get(class).copied();
        place.ok_or_else(|| EvaluationError::Class { row, class: class.clone() })
    };
    (1..).zip(indices).map(class_of).collect()
}

#[cfg(test)]
mod tests {
    use artifact::{ndarray::array, testkit};

    use super::*;

    fn manifest(pack: &artifact::Artifact) -> Manifest {
        Manifest::parse(&pack.files().unwrap().manifest).unwrap()
    }

    fn read(pack: &artifact::Artifact, text: &str, target: Option<&str>) -> Result<Evaluation, String> {
        Evaluation::read(text.as_bytes(), &manifest(pack), target).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_may_come_in_any_order_and_the_one_that_is_no_feature_is_true() {
        let found = read(&testkit::binary("a"), "kind,y,x\nyes,1,2\nno,3,4\n", None).unwrap();
        assert_eq!(found.rows, array![[2.0, 1.0], [4.0, 3.0]]);
        assert!(matches!(found.truth, Truth::Classes(truth) if truth == [1, 0]));
    }

    #[test]
    fn a_regression_is_measured_by_the_column_of_its_target_or_the_one_that_is_named() {
        let text = "value,x,y,id,other\n1,2,3,a,10\n";
        for (target, expected) in [(None, 1.0), (Some("other"), 10.0)] {
            let found = read(&testkit::linear("a", 2.0), text, target).unwrap();
            assert!(matches!(found.truth, Truth::Numbers(truth) if truth == array![[expected]]));
            assert_eq!(found.rows, array![[2.0, 3.0]]);
        }
    }

    #[test]
    fn clusters_need_features_alone() {
        let found = read(&testkit::clusters("a"), "name,x,y\nq,2,3\n", None).unwrap();
        assert_eq!(found.rows, array![[2.0, 3.0]]);
        assert!(matches!(found.truth, Truth::None));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let say = |text: &str, target| read(&testkit::binary("a"), text, target).unwrap_err();
        assert_eq!(
            say("x,y,a,b\n1,2,yes,no\n", None),
            "evaluation.csv: which column is true is not clear, besides the features there is a, b; `target` in \
             [require.quality] of policy.toml says it"
        );
        assert!(say("x,y\n1,2\n", None).contains("besides the features there is none; `target`"));
        assert_eq!(
            say("x,y,a\n1,2,yes\n", Some("kind")),
            "evaluation.csv: there is no column `kind`; there are x, y, a"
        );
        assert_eq!(say("x,kind\n1,yes\n", None), "evaluation.csv: there is no column `y`; there are x, kind");
        assert_eq!(
            say("x,y,kind\n1,2,yes\n1,2,maybe\n", None),
            "evaluation.csv: row 2: `maybe` is no class of the model"
        );
        assert_eq!(
            say("x,y,kind\n1,NaN,yes\n", None),
            "evaluation.csv: row 1, column `y`: `NaN` is not a finite number"
        );
        let long = |rows| format!("x,y,kind\n{}", "1,2,yes\n".repeat(rows));
        assert_eq!(
            say(&long(100_001), None),
            "evaluation.csv has 100002 lines, of which 100000 are read at most; draw some of them"
        );
        assert_eq!(read(&testkit::binary("a"), &long(100_000), None).unwrap().rows.nrows(), 100_000);
        assert_eq!(say("", None), "evaluation.csv: it is empty; a header and rows are needed");
        assert_eq!(say("x,y,kind\n", None), "evaluation.csv: it has a header, but no rows");
        assert_eq!(
            read(&testkit::linear("a", 2.0), "x,y,price\n1,2,3\n", None).unwrap_err(),
            "evaluation.csv: there is no column `value`; there are x, y, price"
        );
    }
}
