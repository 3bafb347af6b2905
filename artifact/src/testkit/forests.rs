//! One small model of each kind that is made of trees, over the features `x` and `y`.

use super::{classes, f64s, golden, matrix, pack, u32s};
use crate::{
    Artifact, Exported, Output,
    steps::{
        averaging_forest::AveragingForest,
        boosted_forest::{BoostedForest, Link},
        decision_tree::DecisionTree,
        voting_forest::VotingForest,
    },
};

/// A tree: `low` where x < 2, else `middle` where y < 1, else `high`.
pub fn tree(name: &str) -> Artifact {
    // The rows include both sides of each threshold, and the threshold itself.
    let rows = [
        ([1.0, 5.0], 0),
        ([1.999, 0.0], 0),
        ([2.0, 0.5], 1),
        ([9.0, 0.999], 1),
        ([2.0, 1.0], 2),
        ([5.0, 7.0], 2),
    ];
    let golden = rows.map(|(row, class)| golden(row, Some(class), Vec::new()));
    let tree =
        Exported::new(DecisionTree {}, [("nodes", u32s([0, 1, 2, 3, 5])), ("thresholds", f64s([2.0, 1.0]))]);
    pack(name, ["x", "y"], classes(["low", "middle", "high"]), vec![tree], golden.to_vec())
}

/// Rows on all sides of the trees that ask first for x < 2, then for y < 1.
const ROWS: [[f64; 2]; 4] = [[1.0, 0.0], [2.0, 0.5], [1.5, 1.0], [3.0, 2.0]];

/// Three trees that vote, the last one always for `high`.
pub fn votes(name: &str) -> Artifact {
    let golden = ROWS.map(|[x, y]| {
        let mut votes = [0.0, 0.0, 0.5];
        votes[if x < 2.0 { 0 } else { 1 }] += 1.0;
        votes[if y < 1.0 { 0 } else { 2 }] += 0.75;
        let choice = if votes[2] > 1.0 { 2 } else { u32::from(votes[1] > votes[0]) };
        golden([x, y], Some(choice), votes.map(|votes| votes / 2.25).to_vec())
    });
    let forest = Exported::new(
        VotingForest {},
        [
            ("nodes", u32s([0, 1, 3, 2, 1, 5, 5])),
            ("thresholds", f64s([2.0, 1.0])),
            ("weights", f64s([1.0, 0.75, 0.5])),
        ],
    );
    pack(name, ["x", "y"], classes(["low", "middle", "high"]), vec![forest], golden.to_vec())
}

/// Two trees whose two numbers are averaged.
pub fn averages(name: &str) -> Artifact {
    let golden = ROWS.map(|[x, y]| {
        let [first, second] = if x < 2.0 { [1.0, 8.0] } else { [4.0, 0.0] };
        let other = if y < 1.0 { -2.0 } else { 0.5 };
        golden([x, y], None, vec![(first + other) / 2.0, second / 2.0])
    });
    let forest = Exported::new(
        AveragingForest {},
        [
            ("nodes", u32s([0, 1, 3, 2, 5, 7])),
            ("thresholds", f64s([2.0, 1.0])),
            ("leaves", matrix([[1.0, 8.0], [4.0, 0.0], [-2.0, 0.0], [0.5, 0.0]])),
        ],
    );
    let output = Output::Regression { targets: vec!["first".to_owned(), "second".to_owned()] };
    pack(name, ["x", "y"], output, vec![forest], golden.to_vec())
}

/// Two trees whose sum says how much sooner `yes` than `no`.
pub fn boosted(name: &str) -> Artifact {
    let golden = ROWS.map(|[x, y]| {
        let sum: f64 = -0.5 + if x < 2.0 { -1.0 } else { 2.0 } + if y < 1.0 { 0.25 } else { 3.0 };
        let odds = sum.exp();
        golden([x, y], Some(u32::from(sum > 0.0)), vec![1.0 / (1.0 + odds), odds / (1.0 + odds)])
    });
    let forest = Exported::new(
        BoostedForest { link: Link::Logistic },
        [
            ("nodes", u32s([0, 1, 3, 2, 5, 7])),
            ("thresholds", f64s([2.0, 1.0])),
            ("leaves", f64s([-1.0, 2.0, 0.25, 3.0])),
            ("initial", f64s([-0.5])),
        ],
    );
    pack(name, ["x", "y"], classes(["no", "yes"]), vec![forest], golden.to_vec())
}
