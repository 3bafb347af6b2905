//! evaluation.csv as one model takes it: its features in its order, and what is true for each row.

use std::collections::BTreeMap;

use artifact::{
    Batch, BatchError, Fault, FeatureKind, Manifest, Model, Output,
    ndarray::{Array2, Axis},
};

use crate::table::{Layout, Reading, Table, TableError, Target, Wanted};

/// More rows tell no more, and would take memory that judging needs.
const MAX_ROWS: usize = 100_000;

/// Rows with what is true for them.
#[derive(Debug)]
pub(super) struct Evaluation {
    /// As the model takes them.
    pub(super) rows: Batch,
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
    /// A category that the model does not know, or none where it needs one.
    #[error("evaluation.csv: row {row}, column `{column}`: {fault}")]
    Cell { row: usize, column: String, fault: Fault },
    /// The columns were read as the model takes them, against all checks before.
    #[error("evaluation.csv: {0}")]
    Rows(BatchError),
    /// A misspelt class would count as a mistake of every model.
    #[error("evaluation.csv: row {row}: `{class}` is no class of the model")]
    Class { row: usize, class: String },
}

impl Evaluation {
    /// Reads the file for that model. `target` names the column of what is true.
    pub(super) fn read(bytes: &[u8], model: &Model, target: Option<&str>) -> Result<Self, EvaluationError> {
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        if lines > MAX_ROWS + 1 {
            return Err(EvaluationError::TooLong(lines));
        }
        let manifest = model.manifest();
        let columns = Columns::of(bytes, manifest)?;
        match &manifest.output {
            Output::Classification { classes } => {
                let target = match (target, columns.others.as_slice()) {
                    (Some(target), _) => target.to_owned(),
                    (None, [only]) => only.clone(),
                    (None, _) => return Err(EvaluationError::Target(columns.others)),
                };
                let table = columns.read(bytes, Wanted::Classes(&target), std::slice::from_ref(&target))?;
                let truth = Truth::Classes(indices(&table.target, classes)?);
                Ok(Self { rows: columns.batch(&table, model)?, truth })
            }
            Output::Regression { targets } => {
                let targets = match (target, targets.as_slice()) {
                    (Some(target), [_]) => vec![target.to_owned()],
                    _ => targets.clone(),
                };
                let table = columns.read(bytes, Wanted::Nothing, &targets)?;
                let places = columns.places(&table, targets.iter())?;
                let truth = Truth::Numbers(table.values.select(Axis(1), &places));
                Ok(Self { rows: columns.batch(&table, model)?, truth })
            }
            Output::Clustering { .. } | Output::Transformation { .. } => {
                let table = columns.read(bytes, Wanted::Nothing, &[])?;
                Ok(Self { rows: columns.batch(&table, model)?, truth: Truth::None })
            }
        }
    }
}

/// The names of columns.
struct Columns {
    /// As they stand in the file.
    all: Vec<String>,
    /// As the model takes them, and how they are read.
    features: BTreeMap<String, Reading>,
    /// Those of the file that are no features.
    others: Vec<String>,
}

impl Columns {
    fn of(bytes: &[u8], manifest: &Manifest) -> Result<Self, TableError> {
        let all = Table::header(bytes)?;
        let reading = |kind: &FeatureKind| match kind {
            FeatureKind::Number { missing: false, .. } => Reading::Numbers,
            FeatureKind::Number { missing: true, .. } => Reading::NumbersOrNothing,
            // What is none of the categories is the model's to say.
            FeatureKind::Category(_) | FeatureKind::Text { .. } => Reading::CategoriesOrNothing,
        };
        let features = manifest.inputs.iter();
        let features: BTreeMap<_, _> =
            features.map(|feature| (feature.name.clone(), reading(&feature.kind))).collect();
        let others = all.iter().filter(|column| !features.contains_key(*column)).cloned().collect();
        Ok(Self { all, features, others })
    }

    /// Reads the features and the columns that are `kept`.
    fn read(&self, bytes: &[u8], target: Wanted<'_>, kept: &[String]) -> Result<Table, TableError> {
        let ignored = self.others.iter().filter(|column| !kept.contains(column));
        let mut readings = self.features.clone();
        readings.extend(ignored.map(|column| (column.clone(), Reading::Ignored)));
        Table::read(bytes, &Layout { header: true, target, readings: &readings })
    }

    /// Where those columns stand in the table.
    fn places<'a>(
        &self,
        table: &Table,
        names: impl Iterator<Item = &'a String>,
    ) -> Result<Vec<usize>, TableError> {
        let places: BTreeMap<_, _> = table.columns.iter().zip(0..).collect();
        let missing = |name: &String| TableError::NoColumn { name: name.clone(), columns: self.all.clone() };
        names.map(|name| places.get(name).copied().ok_or_else(|| missing(name))).collect()
    }

    /// The features, in the model's order.
    fn batch(&self, table: &Table, model: &Model) -> Result<Batch, EvaluationError> {
        let features = &model.manifest().inputs;
        let places = self.places(table, features.iter().map(|feature| &feature.name))?;
        let columns = places.into_iter().map(|place| table.series(place)).collect();
        model.batch(columns).map_err(|error| match error {
            BatchError::Cells(cells) if !cells.is_empty() => EvaluationError::Cell {
                row: cells[0].row + 1,
                column: features[cells[0].column].name.clone(),
                fault: cells[0].fault.clone(),
            },
            error => EvaluationError::Rows(error),
        })
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
    use artifact::{Digest, ndarray::array, testkit};

    use super::*;

    fn model(pack: &artifact::Artifact) -> Model {
        let files = pack.files().unwrap();
        let manifest = Manifest::parse(&files.manifest).unwrap();
        Model::load(manifest, Digest::of(&files.manifest), &files.tensors).unwrap()
    }

    fn read(pack: &artifact::Artifact, text: &str, target: Option<&str>) -> Result<Evaluation, String> {
        Evaluation::read(text.as_bytes(), &model(pack), target).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_may_come_in_any_order_and_the_one_that_is_no_feature_is_true() {
        let found = read(&testkit::binary("a"), "kind,y,x\nyes,1,2\nno,3,4\n", None).unwrap();
        assert_eq!(found.rows.view(), array![[2.0, 1.0], [4.0, 3.0]]);
        assert!(matches!(found.truth, Truth::Classes(truth) if truth == [1, 0]));
    }

    #[test]
    fn a_regression_is_measured_by_the_column_of_its_target_or_the_one_that_is_named() {
        let text = "value,x,y,id,other\n1,2,3,a,10\n";
        for (target, expected) in [(None, 1.0), (Some("other"), 10.0)] {
            let found = read(&testkit::linear("a", 2.0), text, target).unwrap();
            assert!(matches!(found.truth, Truth::Numbers(truth) if truth == array![[expected]]));
            assert_eq!(found.rows.view(), array![[2.0, 3.0]]);
        }
    }

    #[test]
    fn clusters_need_features_alone() {
        let found = read(&testkit::clusters("a"), "name,x,y\nq,2,3\n", None).unwrap();
        assert_eq!(found.rows.view(), array![[2.0, 3.0]]);
        assert!(matches!(found.truth, Truth::None));
    }

    #[test]
    fn a_table_is_read_as_its_model_takes_it() {
        let table = testkit::table("a");
        let text = "fate,port,sex,fare,age\nlost,S,male,7.25,22\nsurvived,,female,8,\n";
        let found = read(&table, text, None).unwrap();
        assert_eq!(found.rows.values()[..4], [22.0, 7.25, 1.0, 1.0]);
        assert!(found.rows.values()[4].is_nan());
        assert_eq!(found.rows.values()[5..], [8.0, 0.0, 1.0]);
        assert_eq!(
            read(&table, &text.replace("female", "man"), None).unwrap_err(),
            "evaluation.csv: row 2, column `sex`: `man` is no category"
        );
        assert_eq!(
            read(&table, &text.replace("female", ""), None).unwrap_err(),
            "evaluation.csv: row 2, column `sex`: the value is missing"
        );
        let words = testkit::words("a");
        let found = read(&words, "review,stars,value\ngood,1,3\n,2,2\n", None).unwrap();
        assert_eq!(found.rows.texts(), ["good", ""]);
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
        assert_eq!(read(&testkit::binary("a"), &long(100_000), None).unwrap().rows.rows(), 100_000);
        assert_eq!(say("", None), "evaluation.csv: it is empty; a header and rows are needed");
        assert_eq!(say("x,y,kind\n", None), "evaluation.csv: it has a header, but no rows");
        assert_eq!(
            read(&testkit::linear("a", 2.0), "x,y,price\n1,2,3\n", None).unwrap_err(),
            "evaluation.csv: there is no column `value`; there are x, y, price"
        );
    }
}
