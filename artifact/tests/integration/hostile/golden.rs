//! golden.jsonl.

use artifact::{
    Golden,
    golden::MAX_ROWS,
    tensors::{Tensor, Values},
    testkit::{Parts, binary, classifier, clusters, f64s, linear, tree},
};
use serde_json::json;

use super::{golden_error, load};

#[test]
fn another_choice_than_the_librarys_is_refused() {
    assert_eq!(
        golden_error(&tree("a"), |parts| parts.edit_golden(|rows| rows[2]["choice"] = json!(2))),
        "row 3: the model answers `middle`, the training library answered `high`"
    );
    // A golden row may name a class that does not exist.
    assert_eq!(
        golden_error(&tree("a"), |parts| parts.edit_golden(|rows| rows.push({
            let mut row = rows[0].clone();
            row["choice"] = json!(7);
            row
        }))),
        "row 7: the model answers `low`, the training library answered `7`"
    );
}

#[test]
fn other_scores_than_the_librarys_are_refused() {
    assert_eq!(
        golden_error(&linear("a", 2.0), |parts| parts.set_tensor("0.intercept", f64s([1.5]))),
        "row 1, score 0: the model answers 1.5, the training library answered 1 (tolerance 1e-12)"
    );
    assert_eq!(
        golden_error(&clusters("a"), |parts| parts.edit_golden(|rows| rows[1]["scores"][2] = json!(14.0))),
        "row 2, score 2: the model answers 14.317821063276353, the training library answered 14 (tolerance 1e-12)"
    );
}

#[test]
fn a_difference_within_the_tolerance_passes_and_is_told() {
    let files = Parts::of(&linear("a", 2.0))
        .edit_golden(|rows| {
            rows[0]["scores"][0] = json!(1.0 + 5e-5);
            rows[0]["tolerance"] = json!(1e-4);
        })
        .files();
    let agreement = Golden::parse(&files.golden).unwrap().replay(&load(&files).unwrap()).unwrap();
    assert_eq!(agreement.rows, 5);
    assert!((agreement.worst - 0.5).abs() < 1e-3, "{agreement:?}");
}

#[test]
fn a_tolerance_above_the_cap_is_refused() {
    for (tolerance, says) in [(1.1e-4, "1.1e-4"), (1e300, "1e300"), (-1e-9, "-1e-9")] {
        assert_eq!(
            golden_error(&linear("a", 2.0), |parts| {
                parts.edit_golden(|rows| rows[1]["tolerance"] = json!(tolerance))
            }),
            format!("row 2 asks for a tolerance of {says}, the cap is 1e-4")
        );
    }
}

#[test]
fn every_class_and_cluster_must_occur() {
    assert_eq!(
        golden_error(&classifier("a"), |parts| parts
            .edit_golden(|rows| rows.retain(|row| row["choice"] != 1))),
        "no row shows class or cluster 1 (`versicolor`)"
    );
    assert_eq!(
        golden_error(&clusters("a"), |parts| parts.edit_golden(|rows| rows.retain(|row| row["choice"] != 2))),
        "no row shows class or cluster 2 (`2`)"
    );
}

#[test]
fn rows_of_another_width_are_refused() {
    let edited = |edit: fn(&mut serde_json::Value)| {
        golden_error(&binary("a"), |parts| parts.edit_golden(|rows| edit(&mut rows[1])))
    };
    assert_eq!(edited(|row| row["input"] = json!([1.0])), "row 2 has 1 values, expected 2");
    assert_eq!(edited(|row| row["input"] = json!([])), "row 2 has 0 values, expected 2");
    assert_eq!(edited(|row| row["scores"] = json!([0.5])), "row 2 has 1 scores, expected 2");
    let no_choice = |row: &mut serde_json::Value| drop(row.as_object_mut().unwrap().remove("choice"));
    assert_eq!(
        golden_error(&binary("a"), |parts| parts.edit_golden(|rows| no_choice(&mut rows[1]))),
        "row 2 has 0 choices, expected 1"
    );
    assert_eq!(
        golden_error(&linear("a", 2.0), |parts| parts.edit_golden(|rows| rows[0]["choice"] = json!(0))),
        "row 1 has 1 choices, expected 0"
    );
    assert_eq!(
        golden_error(&linear("a", 2.0), |parts| parts.edit_golden(|rows| rows[0]["scores"] = json!([]))),
        "row 1 has 0 scores, expected 1"
    );
}

#[test]
fn a_class_alone_is_enough_and_no_scores_are_compared() {
    let files = Parts::of(&classifier("a"))
        .edit_golden(|rows| rows.iter_mut().for_each(|row| row["scores"] = json!([])))
        .files();
    let agreement = Golden::parse(&files.golden).unwrap().replay(&load(&files).unwrap()).unwrap();
    assert_eq!((agreement.rows, agreement.worst), (6, 0.0));
}

#[test]
fn lines_that_are_no_rows_are_refused() {
    let error =
        |golden: &str| golden_error(&linear("a", 2.0), |parts| parts.set_file("golden.jsonl", golden));
    let row = r#"{"input":[0,0],"scores":[1],"tolerance":0}"#;
    assert_eq!(
        error(&format!("{row}\n{{\"input\"")),
        "row 2: EOF while parsing an object at line 1 column 8"
    );
    assert_eq!(error(&format!("{row}\n\n{row}\n")), "row 2: EOF while parsing a value at line 1 column 0");
    assert_eq!(error(&row.replace("[0,0]", "[0,NaN]")), "row 1: expected value at line 1 column 13");
    assert_eq!(error(&row.replace("[0,0]", "[0,1e999]")), "row 1: number out of range at line 1 column 17");
    assert_eq!(
        error(&row.replace("scores", "score")),
        "row 1: unknown field `score`, expected one of `input`, `choice`, `scores`, `tolerance` at line 1 column 22"
    );
}

#[test]
fn no_rows_and_too_many_are_refused() {
    let error =
        |golden: String| golden_error(&linear("a", 2.0), |parts| parts.set_file("golden.jsonl", golden));
    for nothing in ["", "\n", " \n \n"] {
        assert_eq!(error(nothing.to_owned()), "0 rows, where 1 to 10000 are allowed");
    }
    let row = "{\"input\":[0,0],\"scores\":[1],\"tolerance\":0}\n";
    assert_eq!(error(row.repeat(MAX_ROWS + 1)), "10001 rows, where 1 to 10000 are allowed");
    let files = Parts::of(&linear("a", 2.0)).set_file("golden.jsonl", row.repeat(MAX_ROWS)).files();
    let agreement = Golden::parse(&files.golden).unwrap().replay(&load(&files).unwrap()).unwrap();
    assert_eq!(agreement.rows, MAX_ROWS);
}

#[test]
fn rows_times_parameters_are_bounded() {
    const CLUSTERS: usize = 100_000;
    let centroids = Tensor { shape: vec![CLUSTERS, 16], values: Values::F32(vec![0.0; CLUSTERS * 16]) };
    let error = golden_error(&clusters("a"), |parts| {
        parts
            .set_tensor("0.centroids", centroids)
            .edit_manifest(|manifest| {
                let feature = manifest["inputs"][0].clone();
                manifest["inputs"] = (0..16)
                    .map(|index| {
                        let mut feature = feature.clone();
                        feature["name"] = json!(format!("f{index}"));
                        feature
                    })
                    .collect();
                manifest["output"]["clusters"] = json!(CLUSTERS);
            })
            .edit_golden(|rows| *rows = vec![rows[0].clone(); 2_685])
    });
    assert_eq!(error, "2685 rows for a model of 1600000 parameters, 2684 are allowed");
}

#[test]
fn a_row_that_the_model_cannot_answer_is_refused() {
    assert_eq!(
        golden_error(&linear("a", 2.0), |parts| {
            parts.edit_golden(|rows| rows[3]["input"] = json!([1e308, 0.0]))
        }),
        "row 4: the result of step 0 (`linear_regression`) is not finite"
    );
}
