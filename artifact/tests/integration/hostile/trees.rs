//! Trees that are none, and what their leaves must not hold.

use artifact::{
    Artifact,
    tensors::{Tensor, Values},
    testkit::{Parts, averages, boosted, f64s, matrix, tree, u32s, votes},
};
use serde_json::json;

use super::{load, load_error};

/// Each of these tensors in the place of the model's own is refused, with that sentence.
fn refuses<const N: usize>(model: &Artifact, variants: [(&str, Tensor, &str); N]) {
    for (name, tensor, sentence) in variants {
        assert_eq!(
            load_error(model, |parts| parts.set_tensor(name, tensor)),
            format!("tensor `{name}`{sentence}")
        );
    }
}

fn indices(values: impl IntoIterator<Item = u32>) -> Tensor {
    let values: Vec<_> = values.into_iter().collect();
    Tensor { shape: vec![values.len()], values: Values::U32(values) }
}

/// Neither a cycle nor a node of two parents can be written down; a list can only be too short or too long.
#[test]
fn lists_that_are_no_tree_are_refused() {
    refuses(
        &tree("a"),
        [
            ("0.nodes", u32s([0, 1, 2, 3]), ", value 2: node 2 is not followed by all that is below it"),
            ("0.nodes", u32s([0, 0]), ", value 0: node 0 is not followed by all that is below it"),
            ("0.nodes", u32s([0, 1, 2, 3, 5, 5]), ", value 5: one tree more than 1 is not allowed"),
            ("0.nodes", u32s([0, 1, 4, 3, 5]), ", value 2: feature 2 is not one of the inputs"),
            (
                "0.nodes",
                u32s([0, 1, u32::MAX - 1, 3, 5]),
                ", value 2: feature 2147483647 is not one of the inputs",
            ),
            ("0.nodes", u32s([0, 1, 2, 3, 7]), ", value 4: leaf 3 is not a class or a row of `leaves`"),
            (
                "0.nodes",
                u32s([0, 1, 2, 3, u32::MAX]),
                ", value 4: leaf 2147483647 is not a class or a row of `leaves`",
            ),
            (
                "0.nodes",
                Tensor { shape: vec![1, 5], values: Values::U32(vec![0, 1, 2, 3, 5]) },
                " has the shape [1, 5], expected one dimension",
            ),
            ("0.thresholds", f64s([2.0, 1.0, 0.0]), " has the shape [3], expected [2]"),
            ("0.thresholds", f64s([f64::NAN, 1.0]), ", value 0: NaN is not finite"),
            ("0.thresholds", u32s([2, 1]), " holds indices, expected numbers (F64 or F32)"),
        ],
    );
    // Nothing splits, so that nothing asks for a threshold.
    assert_eq!(
        load_error(&tree("a"), |parts| parts.set_tensor("0.nodes", u32s([1]))),
        "tensor `0.thresholds` belongs to no step"
    );
}

/// `tree` as a chain of that many splits, each with a leaf to its left.
fn chain(splits: usize) -> Parts {
    let nodes = (0..splits).flat_map(|_| [0, 1]).chain([1]);
    Parts::of(&tree("a"))
        .set_tensor("0.nodes", indices(nodes))
        .set_tensor("0.thresholds", Tensor { shape: vec![splits], values: Values::F64(vec![0.0; splits]) })
}

#[test]
fn a_tree_may_be_4096_levels_deep_and_no_deeper() {
    load(&chain(4096).files()).unwrap();
    assert_eq!(
        load(&chain(4097).files()).unwrap_err().to_string(),
        "tensor `0.nodes`, value 8192: node 8192 is not a leaf, 4096 levels below the root"
    );
}

#[test]
fn a_forest_may_have_65536_trees_and_no_more() {
    let forest = |trees: usize| {
        Parts::of(&votes("a"))
            .edit_tensors(|tensors| tensors.retain(|(name, _)| name != "0.thresholds"))
            .set_tensor("0.nodes", indices((0..trees).map(|_| 1)))
            .set_tensor("0.weights", Tensor { shape: vec![trees], values: Values::F64(vec![1.0; trees]) })
            .files()
    };
    load(&forest(1 << 16)).unwrap();
    assert_eq!(
        load(&forest((1 << 16) + 1)).unwrap_err().to_string(),
        "tensor `0.nodes`, value 65536: one tree more than 65536 is not allowed"
    );
}

#[test]
fn votes_that_count_nothing_or_less_are_refused() {
    refuses(
        &votes("a"),
        [
            ("0.weights", f64s([1.0, 0.0, 0.5]), ", value 1: 0 is not greater than zero"),
            ("0.weights", f64s([1.0, 1.0, -0.5]), ", value 2: -0.5 is not greater than zero"),
            ("0.weights", f64s([1.0, f64::INFINITY, 1.0]), ", value 1: inf is not finite"),
            ("0.weights", f64s([1e308, 1e308, 1.0]), ", value 0: the sum of all from here on is not finite"),
            ("0.weights", f64s([1.0, 1.0]), " has the shape [2], expected [3]"),
            ("0.weights", u32s([1, 1, 1]), " holds indices, expected numbers (F64 or F32)"),
            ("0.nodes", u32s([0, 1, 3, 2, 1, 5, 7]), ", value 6: leaf 3 is not a class or a row of `leaves`"),
            ("0.nodes", u32s([0, 1, 3, 4, 1, 5, 5]), ", value 3: feature 2 is not one of the inputs"),
            ("0.nodes", u32s([0, 1, 3, 2, 1]), ", value 3: node 3 is not followed by all that is below it"),
            ("0.payload", f64s([1.0]), " belongs to no step"),
        ],
    );
    // Another tree, for which there is no weight.
    assert_eq!(
        load_error(&votes("a"), |parts| parts.set_tensor("0.nodes", u32s([0, 1, 3, 2, 1, 5, 5, 1]))),
        "tensor `0.weights` has the shape [3], expected [4]"
    );
}

#[test]
fn leaves_that_hold_no_answer_are_refused() {
    refuses(
        &averages("a"),
        [
            ("0.leaves", matrix([[1.0], [4.0], [-2.0], [0.5]]), " has the shape [4, 1], expected rows of 2"),
            ("0.leaves", f64s([1.0, 4.0, -2.0, 0.5]), " has the shape [4], expected rows of 2"),
            ("0.leaves", matrix([[1.0, 8.0], [4.0, f64::NAN]]), ", value 3: NaN is not finite"),
            ("0.leaves", u32s([1, 4, 2, 5]), " has the shape [4], expected rows of 2"),
        ],
    );
    assert_eq!(
        load_error(&averages("a"), |parts| parts.set_tensor("0.leaves", matrix([[1.0, 8.0], [4.0, 0.0]]))),
        "tensor `0.nodes`, value 4: leaf 2 is not a class or a row of `leaves`"
    );
    // The same leaves as probabilities.
    let classifier = |leaves| {
        load_error(&averages("a"), |parts| {
            parts.set_tensor("0.leaves", matrix(leaves)).edit_manifest(|manifest| {
                manifest["output"] = json!({"task": "classification", "classes": ["no", "yes"]});
            })
        })
    };
    let good = [0.5, 0.5];
    assert_eq!(
        classifier([good, [1.5, -0.5], good, good]),
        "tensor `0.leaves`, value 3: -0.5 is not a probability"
    );
    assert_eq!(
        classifier([good, good, [0.5, 0.25], good]),
        "tensor `0.leaves`, value 4: the sum of row 2, 0.75, is not 1"
    );
}

#[test]
fn sums_that_do_not_fit_the_answer_are_refused() {
    refuses(
        &boosted("a"),
        [
            ("0.initial", f64s([0.0, 0.0]), " has the shape [2], expected [1]"),
            ("0.initial", f64s([f64::NAN]), ", value 0: NaN is not finite"),
            ("0.leaves", f64s([-1.0, 2.0, f64::NEG_INFINITY, 3.0]), ", value 2: -inf is not finite"),
            ("0.leaves", matrix([[-1.0, 2.0, 0.25, 3.0]]), " has the shape [1, 4], expected one dimension"),
            ("0.nodes", u32s([0, 1, 3, 2, 5, 9]), ", value 5: leaf 4 is not a class or a row of `leaves`"),
        ],
    );
    let of = |link, classes: &[&str]| {
        load_error(&boosted("a"), |parts| {
            parts.set_tensor("0.initial", f64s([0.0, 0.0, 0.0])).edit_manifest(|manifest| {
                manifest["steps"][0]["link"] = json!(link);
                manifest["output"]["classes"] = json!(classes);
            })
        })
    };
    assert_eq!(
        of("softmax", &["a", "b", "c"]),
        "tensor `0.nodes`, value 0: the number of trees, 2, is not a multiple of the sums"
    );
    assert_eq!(of("identity", &["a", "b"]), "tensor `0.initial` has the shape [3], expected [2]");
    assert_eq!(of("logistic", &["a", "b", "c"]), "tensor `0.initial` has the shape [3], expected [1]");
}

fn answers(files: &artifact::Files, row: [f64; 2]) -> Result<(Vec<f64>, Vec<u32>), artifact::PredictError> {
    let mut answers = artifact::Predictions::default();
    let batch = artifact::Batch::new(row.to_vec(), 2).unwrap();
    load(files).unwrap().predict(&batch, &mut answers)?;
    Ok(answers.into_parts())
}

#[test]
fn a_tie_of_votes_goes_to_the_lowest_class() {
    let files = Parts::of(&votes("a"))
        .set_tensor("0.nodes", u32s([5, 3, 0, 3, 5]))
        .set_tensor("0.thresholds", f64s([2.0]))
        .set_tensor("0.weights", f64s([1.0, 0.5, 0.5]))
        .files();
    // `high` was voted for first, `middle` as often.
    assert_eq!(answers(&files, [1.0, 0.0]), Ok((vec![0.0, 0.5, 0.5], vec![1])));
    assert_eq!(answers(&files, [2.0, 0.0]), Ok((vec![0.0, 0.25, 0.75], vec![2])));
}

#[test]
fn a_sum_that_overflows_is_no_confident_answer() {
    let files = |leaves| Parts::of(&boosted("a")).set_tensor("0.leaves", f64s(leaves)).files();
    let overflow = artifact::PredictError::NotFinite { row: 0, step: 0, kind: "boosted_forest" };
    for sign in [1.0, -1.0] {
        let files = files([0.0, 1e308, 0.0, 1e308].map(|leaf| sign * leaf));
        assert_eq!(answers(&files, [2.0, 1.0]), Err(overflow.clone()));
        // One such leaf is still a number, however large.
        let certain = if sign > 0.0 { (vec![0.0, 1.0], vec![1]) } else { (vec![1.0, 0.0], vec![0]) };
        assert_eq!(answers(&files, [2.0, 0.0]), Ok(certain));
    }
}
