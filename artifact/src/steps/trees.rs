//! The trees of every kind of step that has some: their lists, and the way from the root to a leaf.
//!
//! `nodes` (indices) lists the trees one after another, each from its root on: a split, then all of its left side, then
//! all of its right side. A split on input `f` is 2f, a leaf of number `k` is 2k + 1; what that number means is the
//! kind's business. `thresholds` has one number per split, in the same order, and is left out where nothing splits.
//! A row goes left if its input is below the threshold.
//!
//! A third tensor says what becomes of a row that lacks the input: `missing_left` (indices) has a 1 for each split that sends it
//! left and a 0 for each that sends it right, in the order of `thresholds`. Without it, no input may be missing.
//!
//! So the list of a tree that asks `x0 < 2`, with leaf 0 to the left and to the right `x1 < 1`, with leaf 1 to the left and leaf 2
//! to the right, is `nodes` 0 1 2 3 5 and `thresholds` 2 1. No list has a cycle, a node of two parents or one of none.
//!
//! Trees of other libraries ask other questions, each of which one f64 threshold can ask: `x <= t` is `x < u` with the
//! next number above t. scikit-learn asks `f32(x) <= t`. Let a be the largest f32 up to t, b the next f32 and m = (a + b) / 2, which
//! is exact: since x = m is rounded to the even one of the two, u is m if that is b, and the next f64 above m if that is a.

use std::{array, hint::cold_path, iter};

use crate::tensors::{Parameters, TensorError};

/// The most levels below a root. A row costs as many steps, and a grown tree has a few dozen.
pub const MAX_DEPTH: u32 = 4096;
/// The most trees of a step. A row costs at least one step in each.
pub const MAX_TREES: usize = 1 << 16;

/// Ways that are gone at once: one has to wait for a node to come out of memory, eight hardly do. Measured.
const LANES: usize = 8;
/// Levels after which ways are looked at: all of them may have ended long before the deepest leaf.
const STRETCH: u32 = 8;
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
    roots: Vec<Root>,
    inputs: usize,
    /// Rows of a block.
    block: usize,
    /// Of each node, whether a row that lacks its input goes left; nothing at all if no input may be missing.
    missing_left: Vec<bool>,
}

/// The first node of a tree.
#[derive(Clone, Copy, Debug)]
struct Root {
    place: u32,
    /// How many levels below it the deepest leaf is.
    depth: u32,
}

/// A row goes left if its input is at most `most`, the next number below the threshold: so the comparison's carry is all that
/// has to be taken from `right`. In a leaf `most` is a NaN, whose low half is the leaf's number. No number is at most that, so
/// that a row that has come to a leaf goes right, and `right` is the leaf itself.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    most: f64,
    feature: u32,
    right: u32,
}

impl Trees {
    /// Takes the lists, for rows of `inputs` numbers, leaves numbered below `leaves` and `most` trees
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
        let lefts = if splits > 0 { lefts(parameters, splits)? } else { Some(Vec::new()) };
        let mut missing_left = if lefts.is_some() { vec![false; list.len()] } else { Vec::new() };
        let lefts = lefts.into_iter().flatten().chain(iter::repeat(0));
        let mut asked = thresholds.into_iter().zip(lefts);

        let mut nodes = vec![Node::default(); list.len()];
        let mut roots: Vec<Root> = Vec::new();
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
                    roots.push(Root { place: taken, depth: 0 });
                    taken += 1;
                    (taken - 1, 0)
                }
            };
            let number = node / 2;
            nodes[place as usize] = if node % 2 == 1 {
                if number as usize >= leaves {
                    return refuse(format!("leaf {number}"), "a class or a row of `leaves`");
                }
                if let Some(root) = roots.last_mut() {
                    root.depth = root.depth.max(depth);
                }
                Node { most: f64::from_bits(LEAF | u64::from(number)), feature: 0, right: place }
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
                let (threshold, left) = asked.next().unwrap_or_default();
                if left == 1 {
                    missing_left[place as usize] = true;
                }
                Node { most: threshold.next_down(), feature: number, right: taken - 1 }
            };
        }
        let block = (BLOCK / inputs).max(LANES);
        Ok(Self { nodes, roots, inputs, block, missing_left })
    }

    /// How many trees there are, at least 1.
    pub(super) fn len(&self) -> usize {
        self.roots.len()
    }

    /// Whether the trees answer rows that lack some inputs.
    pub(super) fn takes_missing(&self) -> bool {
        !self.missing_left.is_empty()
    }

    /// Tells `give` for each of `rows` (rows x inputs) and each tree: the row, the tree and the number of the leaf. Of
    /// one row it hears in the order of the trees, whatever the batch.
    pub(super) fn walk(&self, rows: &[f64], mut give: impl FnMut(usize, usize, u32)) {
        for (block, rows) in rows.chunks(self.block * self.inputs).enumerate() {
            let give = |row, tree, place: u32| {
                give(block * self.block + row, tree, self.nodes[place as usize].most.to_bits() as u32);
            };
            // To look for gaps here is cheaper than at each step; and to look at all numbers, than to stop at the first.
            if self.takes_missing() && rows.iter().fold(false, |gaps, value| gaps | value.is_nan()) {
                self.walk_block::<true>(rows, give);
            } else {
                self.walk_block::<false>(rows, give);
            }
        }
    }

    /// As [`Self::walk`], but `give` hears the place of the leaf. `GAPS` says whether a number may be missing.
    fn walk_block<const GAPS: bool>(&self, rows: &[f64], mut give: impl FnMut(usize, usize, u32)) {
        let count = rows.len() / self.inputs;
        let row = |index: usize| &rows[index * self.inputs..][..self.inputs];
        if count < LANES {
            for index in 0..count {
                self.walk_row::<GAPS>(row(index), |tree, place| give(index, tree, place));
            }
            return;
        }
        for (tree, root) in self.roots.iter().enumerate() {
            for first in (0..count).step_by(LANES) {
                // The last row fills the lanes that are left.
                let lanes = array::from_fn(|lane| row((first + lane).min(count - 1)));
                let places = self.descend::<GAPS>(lanes, [root.place; LANES], root.depth);
                for (row, place) in (first..count).zip(places) {
                    give(row, tree, place);
                }
            }
        }
    }

    /// Tells `give` for each tree: the tree and the place of the leaf.
    fn walk_row<const GAPS: bool>(&self, row: &[f64], mut give: impl FnMut(usize, u32)) {
        let (groups, rest) = self.roots.as_chunks::<LANES>();
        for (group, roots) in groups.iter().enumerate() {
            let depth = roots.iter().fold(0, |depth, root| root.depth.max(depth));
            let places = self.descend::<GAPS>([row; LANES], roots.map(|root| root.place), depth);
            for (lane, place) in places.into_iter().enumerate() {
                give(group * LANES + lane, place);
            }
        }
        for (index, root) in rest.iter().enumerate() {
            give(groups.len() * LANES + index, self.descend_alone::<GAPS>(row, root.place));
        }
    }

    /// Leads each lane by its row from its place to a leaf, at most `depth` levels below.
    #[inline(always)]
    fn descend<const GAPS: bool>(
        &self,
        rows: [&[f64]; LANES],
        mut places: [u32; LANES],
        mut depth: u32,
    ) -> [u32; LANES] {
        loop {
            for _ in 0..depth.min(STRETCH) {
                for (row, place) in rows.iter().zip(&mut places) {
                    let node = self.nodes[*place as usize];
                    // As a number: a branch would be guessed wrong every other time.
                    *place = node.right - u32::from(self.sends_left::<GAPS>(node, *place, row));
                }
            }
            depth = depth.saturating_sub(STRETCH);
            if depth == 0 || places.iter().all(|place| self.nodes[*place as usize].is_leaf()) {
                return places;
            }
        }
    }

    /// Leads a single row from `place` to a leaf. Nothing else can be done while a node comes out of memory, so that it is worth
    /// a guess which one will be next.
    #[inline]
    fn descend_alone<const GAPS: bool>(&self, row: &[f64], mut place: u32) -> u32 {
        loop {
            let node = self.nodes[place as usize];
            if node.is_leaf() {
                return place;
            }
            place = if self.sends_left::<GAPS>(node, place, row) {
                // Without it, the compiler would calculate, as above.
                cold_path();
                node.right - 1
            } else {
                node.right
            };
        }
    }

    /// Whether the row goes left at `node`, which stands at `place`.
    #[inline(always)]
    fn sends_left<const GAPS: bool>(&self, node: Node, place: u32, row: &[f64]) -> bool {
        let value = row[node.feature as usize];
        (value <= node.most) | (GAPS && value.is_nan() && self.missing_left[place as usize])
    }
}

impl Node {
    fn is_leaf(self) -> bool {
        self.most.is_nan()
    }
}

/// Which splits send a row left that lacks their input, each 0 or 1; none if no input may be missing.
fn lefts(parameters: &mut Parameters<'_>, splits: usize) -> Result<Option<Vec<u32>>, TensorError> {
    const NAME: &str = "missing_left";
    if !parameters.has(NAME) {
        return Ok(None);
    }
    let lefts = parameters.indices(NAME)?;
    if lefts.len() != splits {
        return Err(parameters.refuse_shape(NAME, &[lefts.len()], format!("[{splits}]")));
    }
    match lefts.iter().position(|left| *left > 1) {
        Some(index) => Err(parameters.refuse(NAME, index, lefts[index], "0 or 1")),
        None => Ok(Some(lefts)),
    }
}
