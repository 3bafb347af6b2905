//! The trees of every kind of step that has some: two tensors, and the way from the root to a leaf.
//!
//! `nodes` (indices) lists the trees one after another, each from its root on: a split, then all of its left side, then
//! all of its right side. A split on input `f` is 2f, a leaf of number `k` is 2k + 1; what that number means is the
//! kind's business. `thresholds` has one number per split, in the same order, and is left out where nothing splits.
//! A row goes left if its input is below the threshold.
//!
//! So the list of a tree that asks `x0 < 2`, with leaf 0 to the left and to the right `x1 < 1`, with leaf 1 to the left and leaf 2
//! to the right, is `nodes` 0 1 2 3 5 and `thresholds` 2 1. No list has a cycle, a node of two parents or one of none.
//!
//! Trees of other libraries ask other questions, each of which one f64 threshold can ask: `x <= t` is `x < u` with the
//! next number above t. scikit-learn asks `f32(x) <= t`. Let a be the largest f32 up to t, b the next f32 and m = (a + b) / 2, which
//! is exact: since x = m is rounded to the even one of the two, u is m if that is b, and the next f64 above m if that is a.

use crate::tensors::{Parameters, TensorError};

/// The most levels below a root. A row costs as many steps, and a grown tree has a few dozen.
pub const MAX_DEPTH: u32 = 4096;
/// The most trees of a step. A row costs at least one step in each.
pub const MAX_TREES: usize = 1 << 16;

/// Ways that are gone at once: one has to wait for a node to come out of memory, eight hardly do. Measured.
const LANES: usize = 8;
/// Numbers of the rows that go through all trees before the next rows do: 128 KiB, which stay in a cache of the core beside a
/// tree. A large forest is read from memory once for each such block.
const BLOCK: usize = 1 << 14;

/// The bits of a NaN whose low half is free.
const LEAF: u64 = 0x7ff8_0000_0000_0000;

/// One or more trees, every index of which was checked.
#[derive(Debug)]
pub(super) struct Trees {
    /// The two children of a split stand side by side, the left one first.
    nodes: Vec<Node>,
    /// The position of each tree's root.
    roots: Vec<u32>,
    inputs: usize,
}

/// In a leaf the threshold is a NaN, whose low half is the leaf's number. No number is below it, so that a row that has come to
/// a leaf goes right, and `right` is the leaf itself.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    threshold: f64,
    feature: u32,
    right: u32,
}

impl Trees {
    /// Takes `nodes` and `thresholds`, for rows of `inputs` numbers, leaves numbered below `leaves` and `most` trees
    /// at most.
    ///
    /// # Errors
    /// [`TensorError`], by the first rule that is broken.
    pub(super) fn load(
        parameters: &mut Parameters<'_>,
        inputs: usize,
        leaves: usize,
        most: usize,
    ) -> Result<Self, TensorError> {
        let list = parameters.indices("nodes")?;
        let Ok(count) = u32::try_from(list.len()) else {
            return Err(parameters.refuse_shape("nodes", &[list.len()], "4294967295 nodes at most"));
        };
        let splits = list.iter().filter(|node| **node % 2 == 0).count();
        let thresholds = if splits > 0 { parameters.vector("thresholds", splits)? } else { Vec::new() };
        let mut thresholds = thresholds.into_iter();

        let mut nodes = vec![Node::default(); list.len()];
        let mut roots = Vec::new();
        // Places whose node is still to come, the next one last, and how many levels they are below the root.
        let mut open: Vec<(u32, u32)> = Vec::new();
        // Places that are given away. There are never more than nodes, so that in the end each has got one.
        let mut taken = 0;
        for (index, node) in list.into_iter().enumerate() {
            let refuse = |found: String, expected| Err(parameters.refuse("nodes", index, found, expected));
            let (place, depth) = match open.pop() {
                Some(next) => next,
                None if roots.len() == most => {
                    return refuse(format!("one tree more than {most}"), "allowed");
                }
                None => {
                    roots.push(taken);
                    taken += 1;
                    (taken - 1, 0)
                }
            };
            let number = node / 2;
            nodes[place as usize] = if node % 2 == 1 {
                if number as usize >= leaves {
                    return refuse(format!("leaf {number}"), "a class or a row of `leaves`");
                }
                Node { threshold: f64::from_bits(LEAF | u64::from(number)), feature: 0, right: place }
            } else {
                if number as usize >= inputs {
                    return refuse(format!("feature {number}"), "one of the inputs");
                }
                if depth == MAX_DEPTH {
                    return refuse(format!("node {index}"), "a leaf, 4096 levels below the root");
                }
                if count - taken < 2 {
                    return refuse(format!("node {index}"), "followed by all that is below it");
                }
                open.extend([(taken + 1, depth + 1), (taken, depth + 1)]);
                taken += 2;
                Node { threshold: thresholds.next().unwrap_or(f64::NAN), feature: number, right: taken - 1 }
            };
        }
        Ok(Self { nodes, roots, inputs })
    }

    /// How many trees there are, at least 1.
    pub(super) fn len(&self) -> usize {
        self.roots.len()
    }

    /// Tells `give` for each of `rows` (rows x inputs) and each tree: the row, the tree and the number of the leaf. Of
    /// one row it hears in the order of the trees, whatever the batch.
    pub(super) fn walk(&self, rows: &[f64], mut give: impl FnMut(usize, usize, u32)) {
        let most = (BLOCK / self.inputs).max(LANES);
        for (index, block) in rows.chunks(most * self.inputs).enumerate() {
            let count = block.len() / self.inputs;
            let (mut row, mut tree) = (0, 0);
            let (mut starts, mut places, mut ways) = ([0; LANES], [0; LANES], [(0, 0); LANES]);
            while tree < self.roots.len() {
                let mut used = 0;
                while used < LANES && tree < self.roots.len() {
                    (starts[used], places[used]) = (row * self.inputs, self.roots[tree]);
                    ways[used] = (index * most + row, tree);
                    used += 1;
                    row += 1;
                    if row == count {
                        (row, tree) = (0, tree + 1);
                    }
                }
                if used == LANES {
                    self.descend(block, &starts, &mut places);
                } else {
                    // One by one: lanes without a way would cost as much as those that have one.
                    for lane in 0..used {
                        self.descend(block, &[starts[lane]], std::array::from_mut(&mut places[lane]));
                    }
                }
                for ((row, tree), place) in ways.into_iter().zip(places).take(used) {
                    give(row, tree, self.nodes[place as usize].threshold.to_bits() as u32);
                }
            }
        }
    }

    /// Leads each lane from its place in `nodes` to a leaf, by the row that starts there in `rows`.
    fn descend<const N: usize>(&self, rows: &[f64], starts: &[usize; N], places: &mut [u32; N]) {
        loop {
            let mut moved = 0;
            for (start, place) in starts.iter().zip(places.iter_mut()) {
                let node = self.nodes[*place as usize];
                // The comparison as a number: a branch would be guessed wrong every other time.
                let next = node.right - u32::from(rows[start + node.feature as usize] < node.threshold);
                moved |= next ^ *place;
                *place = next;
            }
            if moved == 0 {
                return;
            }
        }
    }
}
