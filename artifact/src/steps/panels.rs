//! Many vectors side by side, so that a row meets as many of them at once as a register of the processor holds: the inner
//! loop of every step that multiplies a row with a matrix, or compares it with centroids or support vectors.
//!
//! Distances are made of differences, never as |x|² + |v|² - 2 x·v: that matrix product is faster, but loses every digit
//! of a small distance. A row and a vector are folded in the order of the features, whatever goes along with them, so
//! that a row's bits do not depend on its batch. They do on the processor, by what fused instructions do not round.

use pulp::{Arch, Simd, WithSimd};

/// Rows that go through two panels together: as many sums at once as hide what one takes and yet fit into sixteen
/// registers, with what they are made of.
pub(super) const ROWS: usize = 6;

/// What a row and a vector come to, feature by feature.
pub(super) trait Term: Copy {
    /// The next `sum`, lane by lane. The first one is 0; `x` is the row's value of the feature, `v` the vectors' values.
    fn add<S: Simd>(self, simd: S, sum: S::f64s, x: S::f64s, v: S::f64s) -> S::f64s;

    /// What is made of the last `sum`; it stays as it is, if the term does not say.
    #[inline(always)]
    fn end<S: Simd>(self, _: S, sum: S::f64s) -> S::f64s {
        sum
    }
}

/// x · v
#[derive(Clone, Copy)]
pub(super) struct Product;

impl Term for Product {
    #[inline(always)]
    fn add<S: Simd>(self, simd: S, sum: S::f64s, x: S::f64s, v: S::f64s) -> S::f64s {
        simd.mul_add_e_f64s(x, v, sum)
    }
}

/// |x - v|²
#[derive(Clone, Copy)]
pub(super) struct Squares;

impl Term for Squares {
    #[inline(always)]
    fn add<S: Simd>(self, simd: S, sum: S::f64s, x: S::f64s, v: S::f64s) -> S::f64s {
        let difference = simd.sub_f64s(x, v);
        simd.mul_add_e_f64s(difference, difference, sum)
    }
}

/// Vectors of one width, in panels of as many as a register of this processor holds.
#[derive(Debug)]
pub(super) struct Panels {
    /// For each panel, for each feature, the vectors' values of it; zeros fill the last panel.
    values: Vec<f64>,
    vectors: usize,
    width: usize,
}

impl Panels {
    /// Arranges `vectors` (vectors x `width`, row-major); neither number is 0.
    pub(super) fn new(vectors: &[f64], width: usize) -> Self {
        let lanes = Arch::new().dispatch(Lanes);
        let panel = |panel: &[f64]| {
            let cells = (0..width).flat_map(|feature| (0..lanes).map(move |lane| lane * width + feature));
            cells.map(|cell| panel.get(cell).copied().unwrap_or_default()).collect::<Vec<_>>()
        };
        let values = vectors.chunks(lanes * width).flat_map(panel).collect();
        Self { values, vectors: vectors.len() / width, width }
    }

    /// How many vectors there are.
    pub(super) fn len(&self) -> usize {
        self.vectors
    }

    /// Writes what each row of `rows` and each vector come to by `term`: rows x vectors.
    pub(super) fn fold(&self, rows: &[f64], term: impl Term, folds: &mut [f64]) {
        Arch::new().dispatch(Fold { panels: self, rows, term, folds });
    }
}

/// Finds out how many numbers a register holds.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F64_LANES
    }
}

struct Fold<'a, T> {
    panels: &'a Panels,
    rows: &'a [f64],
    term: T,
    folds: &'a mut [f64],
}

impl<T: Term> WithSimd for Fold<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.groups::<S, ROWS, 2>(simd).groups::<S, 1, 4>(simd);
    }
}

impl<T: Term> Fold<'_, T> {
    /// Folds `ROWS` rows at a time with `PANELS` panels at a time; gives back the rows that are left.
    #[inline(always)]
    fn groups<S: Simd, const ROWS: usize, const PANELS: usize>(self, simd: S) -> Self {
        let Self { panels: &Panels { ref values, vectors, width }, term, .. } = self;
        let (panels, _) = S::as_simd_f64s(values);
        let mut groups = self.rows.chunks_exact(ROWS * width);
        let mut folds = self.folds.chunks_exact_mut(ROWS * vectors);
        for (rows, folds) in groups.by_ref().zip(folds.by_ref()) {
            let rows: [&[f64]; ROWS] = std::array::from_fn(|row| &rows[row * width..][..width]);
            let mut several = panels.chunks_exact(PANELS * width);
            let mut from = 0;
            for panels in several.by_ref() {
                let panels: [&[S::f64s]; PANELS] =
                    std::array::from_fn(|panel| &panels[panel * width..][..width]);
                store(simd, tile(simd, term, rows, panels), folds, vectors, from);
                from += PANELS * S::F64_LANES;
            }
            for panel in several.remainder().chunks_exact(width) {
                store(simd, tile(simd, term, rows, [panel]), folds, vectors, from);
                from += S::F64_LANES;
            }
        }
        Self { rows: groups.remainder(), folds: folds.into_remainder(), ..self }
    }
}

/// What each of the rows and each vector of the panels come to.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize, const PANELS: usize>(
    simd: S,
    term: impl Term,
    rows: [&[f64]; ROWS],
    panels: [&[S::f64s]; PANELS],
) -> [[S::f64s; PANELS]; ROWS] {
    let mut sums = [[simd.splat_f64s(0.0); PANELS]; ROWS];
    for feature in 0..panels[0].len() {
        // By index: iterators would keep the sums out of the registers.
        for row in 0..ROWS {
            let x = simd.splat_f64s(rows[row][feature]);
            for panel in 0..PANELS {
                sums[row][panel] = term.add(simd, sums[row][panel], x, panels[panel][feature]);
            }
        }
    }
    for sum in sums.as_flattened_mut() {
        *sum = term.end(simd, *sum);
    }
    sums
}

/// Writes each row of `sums` into one of `folds` (of `vectors` numbers each), from the vector `from` on; of the last
/// panel, as many as there are vectors.
#[inline(always)]
fn store<S: Simd, const ROWS: usize, const PANELS: usize>(
    simd: S,
    sums: [[S::f64s; PANELS]; ROWS],
    folds: &mut [f64],
    vectors: usize,
    from: usize,
) {
    for (folds, sums) in folds.chunks_exact_mut(vectors).zip(sums) {
        for (folds, sums) in folds[from..].chunks_mut(S::F64_LANES).zip(sums) {
            simd.partial_store_f64s(folds, sums);
        }
    }
}

/// The position of the least value, the lowest of several; 0 if there is none.
pub(super) fn least(values: &[f64]) -> u32 {
    Arch::new().dispatch(Least(values))
}

struct Least<'a>(&'a [f64]);

impl WithSimd for Least<'_> {
    type Output = u32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> u32 {
        let (registers, rest) = S::as_simd_f64s(self.0);
        let mut lanes = simd.splat_f64s(f64::INFINITY);
        for register in registers {
            lanes = simd.min_f64s(*register, lanes);
        }
        let least = rest.iter().copied().fold(simd.reduce_min_f64s(lanes), f64::min);
        // By eights, which takes one comparison where there is room for them. (pulp 0.22 has `first_true_m64s`, which counts
        // from the wrong end of a mask of AVX-512.)
        let eights = self.0.as_chunks::<8>().0.iter();
        let before = 8 * eights
            .take_while(|eight| !eight.iter().fold(false, |is, value| is | (*value == least)))
            .count();
        let position =
            self.0[before..].iter().position(|value| *value == least).map_or(0, |after| before + after);
        u32::try_from(position).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{Panels, Product, Squares, least};

    /// rows x 5, all different.
    fn table(rows: usize) -> Vec<f64> {
        (0..rows * 5).map(|cell| (cell as f64 * 0.7).sin()).collect()
    }

    #[test]
    fn every_row_meets_every_vector_whatever_their_numbers() {
        for (rows, vectors) in [(1, 1), (1, 40), (5, 3), (6, 16), (13, 17), (20, 100)] {
            let (x, v) = (table(rows), table(vectors));
            let panels = Panels::new(&v, 5);
            assert_eq!(panels.len(), vectors);
            let (mut products, mut squares) =
                (vec![f64::NAN; rows * vectors], vec![f64::NAN; rows * vectors]);
            panels.fold(&x, Product, &mut products);
            panels.fold(&x, Squares, &mut squares);
            for (pair, (product, square)) in products.iter().zip(&squares).enumerate() {
                let x = &x[pair / vectors * 5..][..5];
                let v = &v[pair % vectors * 5..][..5];
                let right: f64 = x.iter().zip(v).map(|(x, v)| x * v).sum();
                assert!(
                    (product - right).abs() < 1e-14,
                    "{rows} x {vectors}, {pair}: {product}, not {right}"
                );
                let right: f64 = x.iter().zip(v).map(|(x, v)| (x - v) * (x - v)).sum();
                assert!((square - right).abs() < 1e-14, "{rows} x {vectors}, {pair}: {square}, not {right}");
            }
        }
    }

    #[test]
    fn a_row_has_the_same_bits_alone_and_among_others() {
        let (x, panels) = (table(20), Panels::new(&table(37), 5));
        let (mut together, mut alone) = (vec![0.0; 20 * 37], vec![0.0; 37]);
        panels.fold(&x, Squares, &mut together);
        for (row, together) in x.chunks_exact(5).zip(together.chunks_exact(37)) {
            panels.fold(row, Squares, &mut alone);
            assert_eq!(alone, together);
        }
    }

    #[test]
    fn the_least_is_the_first_of_several_wherever_they_stand() {
        for len in 1..40 {
            for at in 0..len {
                let mut values = vec![f64::INFINITY; len];
                values[at..].fill(-1.0);
                assert_eq!(least(&values), at as u32, "{len}");
            }
            assert_eq!(least(&vec![f64::INFINITY; len]), 0);
        }
    }
}
