//! What linfa's types keep to themselves, and how exporters come by it all the same: from the form in which they are
//! serialised.

use ndarray::{ArrayBase, Dimension, OwnedRepr};
use serde::{Serialize, de::DeserializeOwned};

use super::ExportError;

/// An array as linfa serialises it: what is not finite has become nothing.
pub(super) type Hidden<F, D> = ArrayBase<OwnedRepr<Option<F>>, D>;

/// Reads those fields of `model` that `M` has, by their names. `what` is the type of `model`.
///
/// # Errors
/// [`ExportError::Unsupported`] with the first field that is not there, or is of another type.
pub(super) fn fields<M: DeserializeOwned>(
    what: &'static str,
    model: &impl Serialize,
) -> Result<M, ExportError> {
    serde_json::to_value(model)
        .and_then(serde_json::from_value)
        .map_err(|error| ExportError::Unsupported { what, reason: error.to_string() })
}

/// The numbers of `array`; NaN, which loading refuses by its position, where one was not finite.
pub(super) fn numbers<F: linfa::Float, D: Dimension>(array: &Hidden<F, D>) -> Vec<F> {
    array.iter().map(|value| value.unwrap_or(F::nan())).collect()
}
