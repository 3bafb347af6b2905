//! What linfa's types keep to themselves, and how exporters come by it all the same: from the form in which they are
//! serialised, or by asking a linear model for each feature alone.

use ndarray::{Array2, ArrayBase, Dimension, OwnedRepr};
use serde::{Serialize, de::DeserializeOwned};

use super::ExportError;

/// A model of which linfa does not tell how many features it takes: a random projection, or a scaler of rows. With another
/// width than its own, linfa panics.
#[derive(Clone, Copy, Debug)]
pub struct OfWidth<M> {
    /// The model.
    pub model: M,
    /// How many features it takes.
    pub inputs: usize,
}

/// Rows that a model is asked together.
const ROWS: usize = 256;

/// An array as linfa serialises it: what is not finite has become nothing.
pub(super) type Hidden<F, D> = ArrayBase<OwnedRepr<Option<F>>, D>;

/// Reads those fields of `model` that `M` has, by their names. `what` is linfa's type.
///
/// # Errors
/// [`ExportError::Unsupported`] if linfa serialises the type in another form than 0.8.1 does.
pub(super) fn fields<M: DeserializeOwned>(
    what: &'static str,
    model: &impl Serialize,
) -> Result<M, ExportError> {
    let read = serde_json::to_value(model).and_then(serde_json::from_value);
    read.map_err(|error| ExportError::Unsupported { what, reason: error.to_string() })
}

/// The numbers of `array`; NaN, which loading refuses by its position, where one was not finite.
pub(super) fn numbers<F: linfa::Float, D: Dimension>(array: &Hidden<F, D>) -> Vec<F> {
    array.iter().map(|value| value.unwrap_or(F::nan())).collect()
}

/// A row for each of `inputs` features, in order and some at a time: `value` there and zero elsewhere.
pub(super) fn unit_rows<F: linfa::Float>(inputs: usize, value: F) -> impl Iterator<Item = Array2<F>> {
    (0..inputs).step_by(ROWS).map(move |first| {
        Array2::from_shape_fn((ROWS.min(inputs - first), inputs), |(row, column)| {
            if column == first + row { value } else { F::zero() }
        })
    })
}
