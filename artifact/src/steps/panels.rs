//! Many vectors side by side, so that a row meets sixteen of them at once: the inner loop of every step that compares
//! a row with centroids or support vectors.
//!
//! Differences are taken directly, never as |x|² + |v|² - 2 x·v: that matrix product is faster, but loses every digit
//! of a small distance. A row and a vector are summed in the order of the features, without fused operations, so that
//! the bits are the same in every batch and on every processor.
//!
//! What is generic here is inlined into a function of its user that carries
//! `#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]`: that attribute compiles it once for
//! each width of vector registers, and chooses when it runs.

/// Vectors that stand side by side.
pub(super) const LANES: usize = 16;

/// One number for each of the vectors of a panel.
pub(super) type Lanes = [f64; LANES];

/// Vectors of one width, in panels of [`LANES`]. The last vector fills up the last panel: whatever overflows there
/// overflows where it counts too.
#[derive(Debug)]
pub(super) struct Panels {
    /// For each panel, for each feature, the vectors' values of it.
    values: Vec<Lanes>,
    width: usize,
}

impl Panels {
    /// Arranges `vectors` (vectors x `width`, row-major); `width` is at least 1.
    pub(super) fn new(vectors: &[f64], width: usize) -> Self {
        let panels = vectors.chunks(LANES * width);
        let values = panels.flat_map(|panel| {
            (0..width).map(move |feature| {
                let last = panel.len() - width + feature;
                std::array::from_fn(|lane| panel.get(lane * width + feature).copied().unwrap_or(panel[last]))
            })
        });
        Self { values: values.collect(), width }
    }

    /// The features of a vector.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The panels, each for [`fold`].
    pub(super) fn iter(&self) -> impl Iterator<Item = &[Lanes]> {
        self.values.chunks_exact(self.width)
    }
}

/// For each row and each vector of the panel: `term(so far, the row's value, the vector's value)` over the features,
/// from 0. Rows that go together share the loads.
#[inline(always)]
pub(super) fn fold<const ROWS: usize>(
    rows: [&[f64]; ROWS],
    panel: &[Lanes],
    term: impl Fn(f64, f64, f64) -> f64,
) -> [Lanes; ROWS] {
    // One check for each row, and none in the loop.
    let rows = rows.map(|row| &row[..panel.len()]);
    let mut folds = [[0.0; LANES]; ROWS];
    for (feature, vectors) in panel.iter().enumerate() {
        for (row, fold) in rows.iter().zip(&mut folds) {
            for (fold, vector) in fold.iter_mut().zip(vectors) {
                *fold = term(*fold, row[feature], *vector);
            }
        }
    }
    folds
}

/// The position of the least value, the lowest of several; 0 if there is none.
#[inline(always)]
pub(super) fn least(values: &[f64]) -> u32 {
    let less = |a: f64, b: f64| if b < a { b } else { a };
    let (panels, rest) = values.as_chunks::<LANES>();
    let mut lanes = [f64::INFINITY; LANES];
    for panel in panels {
        for (lane, value) in lanes.iter_mut().zip(panel) {
            *lane = less(*lane, *value);
        }
    }
    let least = lanes.iter().chain(rest).copied().fold(f64::INFINITY, less);
    let position = values.iter().position(|value| *value == least).unwrap_or_default();
    u32::try_from(position).unwrap_or(u32::MAX)
}
