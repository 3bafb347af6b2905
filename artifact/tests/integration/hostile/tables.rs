//! Features that are no plain numbers, the steps that make numbers of them, and cells that do not fit.

use artifact::{
    Batch, BatchError, Cell, Fault, PredictError, Predictions, Series,
    tensors::{Tensor, Values},
    testkit::{Parts, f64s, linear, matrix, table, u32s, words},
};
use serde_json::{Value, json};

use super::{load, load_error, manifest_error};

/// Why the table is refused, once its manifest is changed as told.
fn table_error(change: impl FnOnce(&mut Value)) -> String {
    load_error(&table("a"), |parts| parts.edit_manifest(change))
}

fn words_error(change: impl FnOnce(&mut Value)) -> String {
    load_error(&words("a"), |parts| parts.edit_manifest(change))
}

fn tensor_error(name: &'static str, tensor: Tensor) -> String {
    load_error(&table("a"), |parts| parts.set_tensor(name, tensor))
}

#[test]
fn a_column_that_is_no_plain_number_reaches_no_step_that_computes() {
    let takes = |step, kind, feature, found| {
        format!("step {step} (`{kind}`) takes numbers, but `{feature}` reaches it as {found}")
    };
    let drop_step = |index: usize| {
        move |manifest: &mut Value| {
            manifest["steps"].as_array_mut().unwrap().remove(index);
        }
    };
    assert_eq!(
        load_error(&words("a"), |parts| parts.edit_manifest(drop_step(0))),
        takes(0, "linear_regression", "review", "a text; a vectorizer makes numbers of it")
    );
    assert_eq!(
        table_error(drop_step(0)),
        "tensor `0.values` is missing",
        "the tensors of the steps after it have moved"
    );
    assert_eq!(
        table_error(|manifest| manifest["steps"][2] = json!({ "kind": "standard_scaler" })),
        takes(2, "standard_scaler", "port", "a category; an encoder makes numbers of it")
    );
    assert_eq!(
        load_error(&linear("a", 2.0), |parts| parts.edit_manifest(|manifest| {
            manifest["inputs"][1]["missing"] = json!(true);
        })),
        takes(0, "linear_regression", "y", "a number that may be missing; an imputer fills it in")
    );
    let select = json!([{ "kind": "select_columns", "columns": [1, 2] }]);
    assert_eq!(
        table_error(|manifest| {
            manifest["steps"] = select;
            manifest["output"] = json!({ "task": "transformation", "names": ["a", "b"] });
        }),
        "step 0 (`select_columns`) takes an answer of numbers, but `sex` reaches it as a category; an encoder makes numbers of it"
    );
}

#[test]
fn hostile_imputers_are_refused() {
    let fills = |tensor| tensor_error("0.fills", tensor);
    let columns = |columns: Value| table_error(|manifest| manifest["steps"][0]["columns"] = columns);
    assert_eq!(fills(f64s([])), "tensor `0.fills` has the shape [0], a dimension is zero");
    assert_eq!(fills(f64s([1.0, 2.0])), "tensor `0.fills` has the shape [2], expected [1]");
    assert_eq!(fills(matrix([[1.0]])), "tensor `0.fills` has the shape [1, 1], expected [1]");
    assert_eq!(fills(f64s([f64::NAN])), "tensor `0.fills`, value 0: NaN is not finite");
    assert_eq!(fills(u32s([1])), "tensor `0.fills` holds indices, expected numbers (F64 or F32)");
    assert_eq!(
        load_error(&table("a"), |parts| parts
            .edit_tensors(|tensors| tensors.retain(|(name, _)| name != "0.fills"))),
        "tensor `0.fills` is missing"
    );
    assert_eq!(tensor_error("0.means", f64s([1.0])), "tensor `0.means` belongs to no step");
    assert_eq!(columns(json!([])), "step 0 (`imputer`), columns: there is none");
    assert_eq!(columns(json!([4])), "step 0 (`imputer`), columns: 4 is none of the 4 that reach the step");
    assert_eq!(columns(json!([1, 0])), "step 0 (`imputer`), columns: 0 follows 1, where they have to ascend");
    assert_eq!(columns(json!([0, 0])), "step 0 (`imputer`), columns: 0 follows 0, where they have to ascend");
    assert_eq!(
        columns(json!([2])),
        "step 0 (`imputer`) takes numbers that may be missing, but `sex` reaches it as a category; an encoder makes numbers of it"
    );
}

#[test]
fn hostile_encoders_are_refused() {
    let ordinal = |tensor| tensor_error("1.values", tensor);
    assert_eq!(ordinal(f64s([1.0])), "tensor `1.values` has the shape [1], expected [2]");
    assert_eq!(ordinal(f64s([1.0, 2.0, 3.0])), "tensor `1.values` has the shape [3], expected [2]");
    assert_eq!(ordinal(f64s([1.0, f64::INFINITY])), "tensor `1.values`, value 1: inf is not finite");
    assert_eq!(ordinal(u32s([0, 1])), "tensor `1.values` holds indices, expected numbers (F64 or F32)");
    let values = Tensor { shape: vec![2, 1], values: Values::F32(vec![0.0, 1.0]) };
    assert_eq!(ordinal(values), "tensor `1.values` has the shape [2, 1], expected [2]");
    for (step, kind) in [(1, "ordinal_encoder"), (2, "one_hot_encoder")] {
        let columns = |columns: Value| table_error(|manifest| manifest["steps"][step]["columns"] = columns);
        let said = |rule: &str| format!("step {step} (`{kind}`), columns: {rule}");
        assert_eq!(columns(json!([])), said("there is none"));
        assert_eq!(columns(json!([9])), said("9 is none of the 4 that reach the step"));
        assert_eq!(columns(json!([3, 3])), said("3 follows 3, where they have to ascend"));
        assert_eq!(columns(json!([1])), said("one of them holds numbers, where categories are encoded"));
    }
    // A category that is encoded twice is a number the second time.
    assert_eq!(
        table_error(|manifest| manifest["steps"][2]["columns"] = json!([2, 3])),
        "step 2 (`one_hot_encoder`), columns: one of them holds numbers, where categories are encoded"
    );
    assert_eq!(
        load_error(&words("a"), |parts| parts.edit_manifest(|manifest| {
            manifest["steps"][0] = json!({ "kind": "one_hot_encoder", "columns": [0] });
        })),
        "step 0 (`one_hot_encoder`) takes categories, but `review` reaches it as a text"
    );
    // One category of which the first has no column, in a row of its own.
    let alone = table_error(|manifest| {
        manifest["inputs"] = json!([manifest["inputs"][3]]);
        manifest["inputs"][0]["categories"] = json!(["S"]);
        manifest["inputs"][0]["counts"] = json!([1]);
        manifest["steps"] = json!([{ "kind": "one_hot_encoder", "columns": [0], "drop_first": true }]);
    });
    assert_eq!(alone, "step 0 (`one_hot_encoder`), columns: no column is left after the step");
}

#[test]
fn few_bytes_cannot_ask_for_rows_of_any_width() {
    let columns = vec![2; 100_000];
    let wide = |columns: &[usize]| {
        table_error(|manifest| {
            let categories: Vec<_> = (0..100).map(|category| category.to_string()).collect();
            manifest["inputs"][2]["categories"] = json!(categories);
            manifest["inputs"][2]["counts"] = json!(vec![0; 100]);
            let all: Vec<_> = (0..columns.len()).collect();
            manifest["steps"] = json!([
                { "kind": "select_columns", "columns": columns },
                { "kind": "one_hot_encoder", "columns": all },
            ]);
        })
    };
    assert_eq!(
        wide(&columns),
        "step 1 (`one_hot_encoder`) gives rows of 10000000 numbers, 100000 are allowed"
    );
    assert_eq!(
        wide(&vec![2; 100_001]),
        "step 0 (`select_columns`) gives rows of 100001 numbers, 100000 are allowed"
    );
    let select = |columns: Value| {
        table_error(|manifest| manifest["steps"][0] = json!({ "kind": "select_columns", "columns": columns }))
    };
    assert_eq!(select(json!([])), "step 0 (`select_columns`), columns: there is none");
    assert_eq!(
        select(json!([0, 7])),
        "step 0 (`select_columns`), columns: 7 is none of the 4 that reach the step"
    );
}

#[test]
fn hostile_vectorizers_are_refused() {
    let said = |rule: &str| format!("step 0 (`tf_idf`), columns: {rule}");
    let n_grams = |n_grams: Value| words_error(|manifest| manifest["steps"][0]["n_grams"] = n_grams);
    for (range, least, most) in [(json!([0, 1]), 0, 1), (json!([2, 1]), 2, 1), (json!([1, 9]), 1, 9)] {
        let rule = format!("n-grams of {least} to {most} words, where 1 to 8 are allowed");
        assert_eq!(n_grams(range), said(&rule));
    }
    let column = |column: usize| words_error(|manifest| manifest["steps"][0]["column"] = json!(column));
    assert_eq!(column(1), said("1 holds numbers, where texts are counted"));
    assert_eq!(column(2), said("2 is none of the 2 that reach the step"));
    let vocabulary = |words: Value| words_error(|manifest| manifest["steps"][0]["vocabulary"] = words);
    assert_eq!(vocabulary(json!(["good", "bad", "good"])), said("the vocabulary names an n-gram twice"));
    assert_eq!(vocabulary(json!([])), said("no column is left after the step"));
    assert_eq!(vocabulary(json!(["good"])), "tensor `0.idf` has the shape [3], expected [1]");
    let idf = |tensor| load_error(&words("a"), |parts| parts.set_tensor("0.idf", tensor));
    assert_eq!(idf(f64s([1.0])), "tensor `0.idf` has the shape [1], expected [3]");
    assert_eq!(idf(f64s([1.0, f64::NAN, 1.0])), "tensor `0.idf`, value 1: NaN is not finite");
    assert_eq!(idf(u32s([1, 1, 1])), "tensor `0.idf` holds indices, expected numbers (F64 or F32)");
    let unknown = manifest_error(&words("a"), |manifest| manifest["steps"][0]["stopwords"] = json!(["a"]));
    assert!(unknown.starts_with("unknown field `stopwords`"), "{unknown}");
}

#[test]
fn features_whose_fields_do_not_fit_together_are_refused() {
    let error =
        |change: fn(&mut Value)| manifest_error(&table("a"), |manifest| change(&mut manifest["inputs"][3]));
    let begins = |error: String, sentence: &str| assert!(error.starts_with(sentence), "{error}");
    begins(error(|port| port["min"] = json!(1)), "`port`: a category has no field `min`");
    begins(error(|port| port["missing"] = json!(true)), "`port`: a category has no field `missing`");
    begins(
        error(|port| drop(port.as_object_mut().unwrap().remove("unknown"))),
        "`port`: a category needs the field `unknown`",
    );
    begins(
        error(|port| drop(port.as_object_mut().unwrap().remove("kind"))),
        "`port`: a number needs the field `min`",
    );
    begins(error(|port| port["kind"] = json!("text")), "`port`: a text needs the field `min`");
    begins(
        error(|port| port["kind"] = json!("date")),
        "unknown variant `date`, expected one of `number`, `category`, `text`",
    );
    begins(
        error(|port| port["unknown"] = json!("guess")),
        "unknown variant `guess`, expected `refuse` or `ignore`",
    );
    begins(error(|port| port["order"] = json!(1)), "unknown field `order`");
    assert_eq!(error(|port| port["counts"] = json!([1])), "inputs: `port` has 1 counts for 2 categories");
    assert_eq!(error(|port| port["categories"] = json!(["C", "C"])), "categories: `C` occurs twice");
    assert_eq!(
        error(|port| port["categories"] = json!([])),
        "categories: 0 of them, where 1 to 100000 are allowed"
    );
    assert_eq!(
        error(|port| port["missing_as"] = json!("Q")),
        "inputs: `port` takes a missing value for `Q`, which is none of its categories"
    );
}

#[test]
fn a_cell_that_does_not_fit_its_feature_is_no_part_of_a_batch() {
    let model = load(&table("a").files().unwrap()).unwrap();
    let row = |cells: [Cell; 4]| model.row(&cells).map(|batch| batch.values().to_vec());
    let good = || [Cell::Number(1.0), Cell::Number(2.0), Cell::from("male"), Cell::from("C")];
    assert_eq!(row(good()).unwrap(), [1.0, 2.0, 1.0, 0.0]);
    let with = |place: usize, cell: Cell| {
        let mut cells = good();
        cells[place] = cell;
        row(cells)
    };
    assert!(with(0, Cell::Missing).unwrap()[0].is_nan());
    assert_eq!(with(3, Cell::Missing).unwrap()[3], 1.0, "a port that is missing is S");
    assert_eq!(with(3, Cell::from("elsewhere")).unwrap()[3], 2.0, "one more than there are");
    let said = |place, cell| with(place, cell).unwrap_err().to_string();
    assert_eq!(said(1, Cell::Missing), "row 0, column 1: not a finite number");
    assert_eq!(said(0, Cell::Number(f64::INFINITY)), "row 0, column 0: not a finite number");
    assert_eq!(said(2, Cell::Missing), "row 0, column 2: the value is missing");
    assert_eq!(said(2, Cell::from("man\u{1b}")), "row 0, column 2: `man\\u{1b}` is no category");
    assert_eq!(said(2, Cell::Number(1.0)), "column 2: a number, expected a category");
    assert_eq!(said(0, Cell::from("1")), "column 0: a text, expected a number");
    assert_eq!(model.row(&good()[..3]).unwrap_err(), BatchError::Width { found: 3, expected: 4 });
    assert_eq!(model.matrix(vec![0.0; 4]).unwrap_err().to_string(), "column 2: numbers, expected a category");
    let texts = |texts: &[&str]| Series::Texts(texts.iter().map(|text| (*text).to_owned()).collect());
    let uneven = vec![
        Series::Numbers(vec![1.0, 2.0]),
        Series::Numbers(vec![1.0, 2.0]),
        texts(&["male"]),
        texts(&["C", "S"]),
    ];
    assert_eq!(model.batch(uneven).unwrap_err(), BatchError::Uneven { column: 2, found: 1, expected: 2 });
    let many = vec![
        Series::Numbers(vec![1.0; 40]),
        Series::Numbers(vec![1.0; 40]),
        texts(&["man"; 40]),
        texts(&["C"; 40]),
    ];
    let Err(BatchError::Cells(cells)) = model.batch(many) else { panic!("nothing was wrong") };
    assert_eq!(cells.len(), 16);
    assert!(cells.iter().all(|cell| cell.column == 2 && cell.fault == Fault::Unknown("man".to_owned())));
}

#[test]
fn a_batch_is_answered_by_the_model_whose_rules_it_keeps_and_by_no_other() {
    let mut answers = Predictions::default();
    let (one, other) = (table("a").files().unwrap(), table("b").files().unwrap());
    let (one, other) = (load(&one).unwrap(), load(&other).unwrap());
    let row = [Cell::Number(1.0), Cell::Number(2.0), Cell::from("male"), Cell::from("C")];
    let batch = one.row(&row).unwrap();
    assert_eq!(one.predict(&batch, &mut answers), Ok(()));
    assert_eq!(other.predict(&batch, &mut answers), Err(PredictError::Foreign));
    // 7 is the position of no category.
    let numbers = Batch::new(vec![1.0, 2.0, 7.0, 7.0], 4).unwrap();
    assert_eq!(one.predict(&numbers, &mut answers), Err(PredictError::Foreign));
    // Two columns that may not be missing: a batch with a gap fits only the model that fills it in.
    let gaps = Parts::of(&linear("a", 2.0))
        .edit_manifest(|manifest| {
            manifest["inputs"][1]["missing"] = json!(true);
            manifest["steps"] = json!([{ "kind": "imputer", "columns": [1] }, manifest["steps"][0]]);
        })
        .set_tensors(vec![
            ("0.fills".to_owned(), f64s([10.0])),
            ("1.coefficients".to_owned(), f64s([2.0, 1.0])),
            ("1.intercept".to_owned(), f64s([1.0])),
        ])
        .files();
    let gaps = load(&gaps).unwrap();
    let batch = gaps.matrix(vec![1.0, f64::NAN, 1.0, 2.0]).unwrap();
    assert_eq!(gaps.predict(&batch, &mut answers), Ok(()));
    assert_eq!(answers.scores(), [13.0, 5.0]);
    let plain = load(&linear("a", 2.0).files().unwrap()).unwrap();
    assert_eq!(plain.predict(&batch, &mut answers), Err(PredictError::Foreign));
    assert_eq!(
        gaps.matrix(vec![f64::NAN, 1.0]).unwrap_err().to_string(),
        "row 0, column 0: not a finite number"
    );
}
