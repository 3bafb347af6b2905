//! Trees that know where a row goes that lacks an input: what they answer, and tensors that do not fit.

use artifact::{
    Artifact, Predictions,
    tensors::{Tensor, Values},
    testkit::{Parts, averages, boosted, f64s, tree, u32s, votes},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;

use super::{load, load_error};

const GAP: f64 = f64::NAN;

/// The version, with features that may all be missing.
fn with_gaps(pack: &Artifact) -> Parts {
    Parts::of(pack).edit_manifest(|manifest| {
        for input in manifest["inputs"].as_array_mut().unwrap() {
            input["missing"] = json!(true);
        }
    })
}

fn choices(parts: Parts, rows: &[[f64; 2]]) -> Vec<u32> {
    let model = load(&parts.files()).unwrap();
    let mut answers = Predictions::default();
    model.predict(&model.matrix(rows.concat()).unwrap(), &mut answers).unwrap();
    answers.choices().to_vec()
}

#[test]
fn a_row_that_lacks_an_input_goes_where_the_split_says() {
    let rows = [[GAP, 0.0], [GAP, 5.0], [GAP, GAP], [1.0, GAP], [3.0, GAP]];
    let answers = |lefts| choices(with_gaps(&tree("a")).set_tensor("0.missing_left", u32s(lefts)), &rows);
    // x < 2 is class 0; else y < 1 is class 1, and what is left is class 2.
    assert_eq!(answers([1, 0]), [0, 0, 0, 0, 2]);
    assert_eq!(answers([1, 1]), [0, 0, 0, 0, 1]);
    assert_eq!(answers([0, 1]), [1, 2, 1, 0, 1]);
    assert_eq!(answers([0, 0]), [1, 2, 2, 0, 2]);
}

#[test]
fn a_tree_that_asks_nothing_answers_rows_that_lack_everything() {
    let leaf = with_gaps(&tree("a"))
        .edit_tensors(|tensors| tensors.retain(|(name, _)| name != "0.thresholds"))
        .set_tensor("0.nodes", u32s([5]));
    assert_eq!(choices(leaf, &[[GAP, GAP], [1.0, GAP]]), [2, 2]);
}

#[test]
fn trees_that_do_not_know_gaps_take_no_feature_that_may_be_missing() {
    for (pack, kind) in [
        (tree("a"), "decision_tree"),
        (votes("a"), "voting_forest"),
        (averages("a"), "averaging_forest"),
        (boosted("a"), "boosted_forest"),
    ] {
        assert_eq!(
            load(&with_gaps(&pack).files()).unwrap_err().to_string(),
            format!(
                "step 0 (`{kind}`) takes numbers, but `x` reaches it as a number that may be missing; an imputer fills it in"
            )
        );
        // Each of them has two splits.
        let knows = with_gaps(&pack).set_tensor("0.missing_left", u32s([0, 1]));
        load(&knows.files()).unwrap();
    }
    // To know gaps is not to have some: the features say whether a request may.
    let knows = Parts::of(&tree("a")).set_tensor("0.missing_left", u32s([0, 1]));
    let error = load(&knows.files()).unwrap().matrix(vec![GAP, 1.0]).unwrap_err();
    assert_eq!(error.to_string(), "row 0, column 0: not a finite number");
}

#[test]
fn directions_that_do_not_fit_the_splits_are_refused() {
    let two_dimensions = Tensor { shape: vec![1, 2], values: Values::U32(vec![0, 1]) };
    for (tensor, sentence) in [
        (u32s([0]), " has the shape [1], expected [2]"),
        (u32s([0, 1, 0]), " has the shape [3], expected [2]"),
        (two_dimensions, " has the shape [1, 2], expected one dimension"),
        (u32s([0, 2]), ", value 1: 2 is not 0 or 1"),
        (u32s([u32::MAX, 0]), ", value 0: 4294967295 is not 0 or 1"),
        (f64s([0.0, 1.0]), " holds numbers, expected indices (U32)"),
        (u32s([]), " has the shape [0], a dimension is zero"),
    ] {
        assert_eq!(
            load_error(&tree("a"), |parts| parts.set_tensor("0.missing_left", tensor)),
            format!("tensor `0.missing_left`{sentence}")
        );
    }
    let leaf = |parts: Parts| {
        parts
            .edit_tensors(|tensors| tensors.retain(|(name, _)| name != "0.thresholds"))
            .set_tensor("0.nodes", u32s([5]))
            .set_tensor("0.missing_left", u32s([0]))
    };
    assert_eq!(load_error(&tree("a"), leaf), "tensor `0.missing_left` belongs to no step");
}

/// A tree as a book would write it down.
enum Node {
    Leaf(f64),
    Split { feature: u32, threshold: f64, missing_left: bool, sides: Box<[Node; 2]> },
}

/// Trees as the list of an artifact.
#[derive(Default)]
struct Lists {
    nodes: Vec<u32>,
    thresholds: Vec<f64>,
    lefts: Vec<u32>,
    leaves: Vec<f64>,
}

impl Node {
    fn grow(random: &mut StdRng, depth: u32) -> Self {
        if depth == 0 || random.gen_ratio(1, 4) {
            // Whole numbers, whose sums are exact.
            return Self::Leaf(random.gen_range(-100..100).into());
        }
        Self::Split {
            feature: random.gen_range(0..2),
            threshold: random.gen_range(-3..4).into(),
            missing_left: random.r#gen(),
            sides: Box::new([Self::grow(random, depth - 1), Self::grow(random, depth - 1)]),
        }
    }

    fn answer(&self, row: &[f64]) -> f64 {
        match self {
            Self::Leaf(value) => *value,
            Self::Split { feature, threshold, missing_left, sides } => {
                let value = row[*feature as usize];
                let left = if value.is_nan() { *missing_left } else { value < *threshold };
                sides[usize::from(!left)].answer(row)
            }
        }
    }

    fn list(&self, lists: &mut Lists) {
        match self {
            Self::Leaf(value) => {
                lists.nodes.push(2 * lists.leaves.len() as u32 + 1);
                lists.leaves.push(*value);
            }
            Self::Split { feature, threshold, missing_left, sides } => {
                lists.nodes.push(2 * feature);
                lists.thresholds.push(*threshold);
                lists.lefts.push((*missing_left).into());
                sides.iter().for_each(|side| side.list(lists));
            }
        }
    }
}

#[test]
fn rows_with_gaps_are_answered_as_by_hand_whatever_the_batch() {
    let mut random = StdRng::seed_from_u64(5);
    let mut answers = Predictions::default();
    for case in 0..100 {
        let trees: Vec<_> = (0..1 + case % 19).map(|_| Node::grow(&mut random, 1 + case % 17)).collect();
        let mut lists = Lists::default();
        trees.iter().for_each(|tree| tree.list(&mut lists));
        let Lists { nodes, thresholds, lefts, leaves } = lists;
        let mut parts = with_gaps(&boosted("a"))
            .edit_tensors(|tensors| tensors.retain(|(name, _)| name == "0.initial"))
            .edit_manifest(|manifest| {
                manifest["steps"][0]["link"] = json!("identity");
                manifest["output"] = json!({ "task": "regression", "targets": ["sum"] });
            })
            .set_tensor("0.initial", f64s([0.5]));
        let vector = |values| Tensor { shape: vec![leaves.len()], values };
        parts = parts.set_tensor("0.leaves", vector(Values::F64(leaves.clone())));
        let splits = vec![thresholds.len()];
        parts = parts.set_tensor("0.nodes", Tensor { shape: vec![nodes.len()], values: Values::U32(nodes) });
        if !thresholds.is_empty() {
            parts = parts
                .set_tensor("0.thresholds", Tensor { shape: splits.clone(), values: Values::F64(thresholds) })
                .set_tensor("0.missing_left", Tensor { shape: splits, values: Values::U32(lefts) });
        }
        let model = load(&parts.files()).unwrap();
        for rows in [1, 2, 7, 8, 9, 100] {
            // Every third batch has no gap at all.
            let mut cell = || match random.gen_range(0..5) {
                0 if case % 3 > 0 => GAP,
                _ => f64::from(random.gen_range(-4..5)),
            };
            let values: Vec<f64> = (0..2 * rows).map(|_| cell()).collect();
            model.predict(&model.matrix(values.clone()).unwrap(), &mut answers).unwrap();
            let expected =
                values.chunks_exact(2).map(|row| trees.iter().fold(0.5, |sum, tree| sum + tree.answer(row)));
            assert_eq!(answers.scores(), expected.collect::<Vec<_>>(), "case {case}, {rows} rows");
        }
    }
}
