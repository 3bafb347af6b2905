//! What linfa's fitted types keep private, read from the serde form that some of them have.

use ndarray::Array1;
use serde::Serialize;
use serde_json::Value;

/// The numbers of an array's field, exactly. Empty if linfa has no such field, which no step's loading lets pass.
pub(super) fn array(model: &impl Serialize, field: &str) -> Array1<f64> {
    let array = value(model, field);
    let numbers = array["data"].as_array().into_iter().flatten();
    // JSON has no other numbers than finite ones; linfa's others are nulls there.
    numbers.map(|number| number.as_f64().unwrap_or(f64::NAN)).collect()
}

/// A field as it stands in the serde form; null if linfa has no such field.
pub(super) fn value(model: &impl Serialize, field: &str) -> Value {
    let mut model = serde_json::to_value(model).unwrap_or_default();
    model.get_mut(field).map(Value::take).unwrap_or_default()
}
