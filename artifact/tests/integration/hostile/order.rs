//! Steps and what the manifest says that they answer.

use artifact::testkit::{binary, classifier, clusters, f64s, linear, tree};
use serde_json::json;

use super::load_error;

#[test]
fn an_estimator_before_another_step_is_refused() {
    assert_eq!(
        load_error(&linear("a", 2.0), |parts| {
            parts.edit_manifest(|manifest| {
                manifest["steps"] = json!([{"kind": "linear_regression"}, {"kind": "standard_scaler"}]);
            })
        }),
        "step 0 (`linear_regression`) is no transformer; only the last step may be an estimator"
    );
}

#[test]
fn a_transformer_in_the_end_is_no_classifier() {
    assert_eq!(
        load_error(&classifier("a"), |parts| {
            parts.edit_manifest(|manifest| drop(manifest["steps"].as_array_mut().unwrap().pop()))
        }),
        "the last step (`standard_scaler`) gives a transformation, the manifest says classification"
    );
}

#[test]
fn another_task_than_the_manifests_is_refused() {
    let output =
        |output: serde_json::Value| move |manifest: &mut serde_json::Value| manifest["output"] = output;
    assert_eq!(
        load_error(&binary("a"), |parts| {
            parts.edit_manifest(output(json!({"task": "regression", "targets": ["yes"]})))
        }),
        "the last step (`logistic_regression`) gives a classification, the manifest says regression"
    );
    assert_eq!(
        load_error(&clusters("a"), |parts| {
            parts.edit_manifest(output(json!({"task": "classification", "classes": ["a", "b", "c"]})))
        }),
        "the last step (`kmeans`) gives a clustering, the manifest says classification"
    );
}

#[test]
fn another_number_of_classes_than_the_parameters_is_refused() {
    let classes = |classes: serde_json::Value| {
        move |manifest: &mut serde_json::Value| manifest["output"]["classes"] = classes
    };
    assert_eq!(
        load_error(&binary("a"), |parts| parts.edit_manifest(classes(json!(["a", "b", "c"])))),
        "the last step (`logistic_regression`) gives 2 classes, the manifest names 3"
    );
    assert_eq!(
        load_error(&classifier("a"), |parts| parts.edit_manifest(classes(json!(["setosa", "virginica"])))),
        "tensor `1.coefficients` has the shape [3, 4], expected [2, 4]"
    );
    assert_eq!(
        load_error(&tree("a"), |parts| parts.edit_manifest(classes(json!(["low", "middle"])))),
        "tensor `0.nodes`, value 4: leaf 2 is not a class or a row of `leaves`"
    );
    assert_eq!(
        load_error(&clusters("a"), |parts| {
            parts.edit_manifest(|manifest| manifest["output"]["clusters"] = json!(4))
        }),
        "tensor `0.centroids` has the shape [3, 2], expected [4, 2]"
    );
    assert_eq!(
        load_error(&linear("a", 2.0), |parts| {
            parts.edit_manifest(|manifest| manifest["output"]["targets"] = json!(["a", "b"]))
        }),
        "the last step (`linear_regression`) gives 1 targets, the manifest names 2"
    );
}

#[test]
fn another_number_of_inputs_than_the_parameters_is_refused() {
    let without_one = |parts: artifact::testkit::Parts| {
        parts.edit_manifest(|manifest| drop(manifest["inputs"].as_array_mut().unwrap().pop()))
    };
    assert_eq!(
        load_error(&linear("a", 2.0), without_one),
        "tensor `0.coefficients` has the shape [2], expected [1]"
    );
    assert_eq!(
        load_error(&classifier("a"), without_one),
        "tensor `0.offsets` has the shape [4], expected [3]"
    );
    assert_eq!(
        load_error(&tree("a"), without_one),
        "tensor `0.nodes`, value 2: feature 1 is not one of the inputs"
    );
    assert_eq!(
        load_error(&clusters("a"), without_one),
        "tensor `0.centroids` has the shape [3, 2], expected [3, 1]"
    );
}

#[test]
fn the_steps_of_another_kind_do_not_take_the_tensors() {
    assert_eq!(
        load_error(&linear("a", 2.0), |parts| {
            parts.edit_manifest(|manifest| manifest["steps"][0]["kind"] = json!("standard_scaler"))
        }),
        "tensor `0.offsets` is missing"
    );
    assert_eq!(
        load_error(&linear("a", 2.0), |parts| parts.set_tensor("1.offsets", f64s([0.0]))),
        "tensor `1.offsets` belongs to no step"
    );
}
