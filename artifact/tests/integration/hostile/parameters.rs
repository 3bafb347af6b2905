//! model.safetensors: what the format lets through, and what each step refuses.

use artifact::{
    tensors::{Tensor, Values},
    testkit::{Parts, classifier, clusters, f64s, linear, matrix, raw_safetensors, tree, u32s},
};

use super::{load, load_error};

const INTERCEPT: &str = r#""0.intercept":{"dtype":"F64","shape":[1],"data_offsets":[16,24]}"#;

/// `linear` with a file of that header and 24 bytes of data.
fn with_header(header: &str) -> String {
    load_error(&linear("a", 2.0), |parts| {
        parts.set_file("model.safetensors", raw_safetensors(header, &[0; 24]))
    })
}

fn with_coefficients(entry: &str) -> String {
    with_header(&format!(r#"{{"0.coefficients":{entry},{INTERCEPT}}}"#))
}

#[test]
fn a_name_that_occurs_twice_is_refused() {
    let entry = r#"{"dtype":"F64","shape":[2],"data_offsets":[0,16]}"#;
    assert_eq!(
        with_header(&format!(r#"{{"0.coefficients":{entry},"0.coefficients":{entry},{INTERCEPT}}}"#)),
        "tensor `0.coefficients` occurs twice"
    );
    // The same name, spelt in another way.
    assert_eq!(
        with_header(&format!(r#"{{"0.coefficients":{entry},"\u0030.coefficients":{entry},{INTERCEPT}}}"#)),
        "tensor `0.coefficients` occurs twice"
    );
}

#[test]
fn a_tensor_that_no_step_asked_for_is_refused() {
    assert_eq!(
        load_error(&linear("a", 2.0), |parts| parts.set_tensor("0.payload", f64s([1.0]))),
        "tensor `0.payload` belongs to no step"
    );
}

#[test]
fn a_missing_tensor_is_refused() {
    assert_eq!(
        load_error(&linear("a", 2.0), |parts| {
            parts.edit_tensors(|tensors| tensors.retain(|(name, _)| name != "0.intercept"))
        }),
        "tensor `0.intercept` is missing"
    );
}

#[test]
fn a_dimension_of_zero_is_refused_however_large_the_others_are() {
    let huge = Tensor { shape: vec![1 << 40, 0], values: Values::F64(Vec::new()) };
    assert_eq!(
        load_error(&linear("a", 2.0), |parts| parts.set_tensor("0.coefficients", huge)),
        "tensor `0.coefficients` has the shape [1099511627776, 0], a dimension is zero"
    );
}

#[test]
fn a_type_that_no_step_computes_with_is_refused() {
    assert_eq!(
        with_coefficients(r#"{"dtype":"I64","shape":[2],"data_offsets":[0,16]}"#),
        "tensor `0.coefficients` has the type I64; F64, F32 and U32 are read"
    );
    assert_eq!(
        load_error(&linear("a", 2.0), |parts| parts.set_tensor("0.coefficients", u32s([2, 1]))),
        "tensor `0.coefficients` holds indices, expected numbers (F64 or F32)"
    );
    assert_eq!(
        load_error(&tree("a"), |parts| parts.set_tensor("0.nodes", f64s([0.0, 1.0, 2.0, 3.0, 5.0]))),
        "tensor `0.nodes` holds numbers, expected indices (U32)"
    );
}

#[test]
fn another_shape_than_the_models_is_refused() {
    assert_eq!(
        load_error(&linear("a", 2.0), |parts| parts.set_tensor("0.coefficients", matrix([[2.0, 1.0]]))),
        "tensor `0.coefficients` has the shape [1, 2], expected [2]"
    );
    let scalar = Tensor { shape: Vec::new(), values: Values::F64(vec![1.0]) };
    assert_eq!(
        load_error(&linear("a", 2.0), |parts| parts.set_tensor("0.intercept", scalar)),
        "tensor `0.intercept` has the shape [], expected one dimension"
    );
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    for (weight, says) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        assert_eq!(
            load_error(&linear("a", 2.0), |parts| parts.set_tensor("0.coefficients", f64s([1.0, weight]))),
            format!("tensor `0.coefficients`, value 1: {says} is not finite")
        );
    }
    let narrow = Tensor { shape: vec![2], values: Values::F32(vec![f32::NAN, 0.0]) };
    assert_eq!(
        load_error(&linear("a", 2.0), |parts| parts.set_tensor("0.coefficients", narrow)),
        "tensor `0.coefficients`, value 0: NaN is not finite"
    );
    assert_eq!(
        load_error(&clusters("a"), |parts| {
            parts.set_tensor("0.centroids", matrix([[0.0, 0.0], [10.0, f64::NAN], [0.0, 10.0]]))
        }),
        "tensor `0.centroids`, value 3: NaN is not finite"
    );
}

#[test]
fn a_scale_that_erases_or_turns_a_feature_is_refused() {
    for (scale, says) in [(0.0, "0"), (-1.0, "-1")] {
        assert_eq!(
            load_error(&classifier("a"), |parts| {
                parts.set_tensor("0.scales", f64s([1.0, 1.0, scale, 1.0]))
            }),
            format!("tensor `0.scales`, value 2: {says} is not greater than zero")
        );
    }
}

#[test]
fn torn_and_padded_files_are_refused() {
    let error =
        |bytes: &[u8]| load_error(&linear("a", 2.0), |parts| parts.set_file("model.safetensors", bytes));
    assert_eq!(error(b""), "no valid safetensors file: header too small");
    let too_large = |size| format!("the header has {size} bytes, the limit is 1048576");
    assert_eq!(error(&[0xff; 64]), too_large(u64::MAX));
    assert_eq!(error(&1_048_577_u64.to_le_bytes()), too_large(1_048_577));
    assert_eq!(error(&1_048_576_u64.to_le_bytes()), "no valid safetensors file: invalid header length");
    assert_eq!(error(&200_u64.to_le_bytes()), "no valid safetensors file: invalid header length");

    let good = Parts::of(&linear("a", 2.0)).files().tensors;
    let padded = [&good[..], &[0; 8]].concat();
    assert_eq!(error(&padded), "no valid safetensors file: incomplete metadata, file not fully covered");
    let accepted: Vec<_> = (0..good.len())
        .filter(|end| {
            let files = Parts::of(&linear("a", 2.0)).set_file("model.safetensors", &good[..*end]).files();
            load(&files).is_ok()
        })
        .collect();
    assert_eq!(accepted, Vec::<usize>::new(), "of {} lengths", good.len());
}

#[test]
fn overlapping_data_is_refused() {
    assert_eq!(
        with_coefficients(r#"{"dtype":"F64","shape":[2],"data_offsets":[8,24]}"#),
        "no valid safetensors file: invalid offset for tensor `0.coefficients`"
    );
}

#[test]
fn no_changed_byte_makes_loading_panic() {
    let good = Parts::of(&classifier("a")).files().tensors;
    let mut loaded = 0;
    for at in 0..good.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] ^= change;
            let files = Parts::of(&classifier("a")).set_file("model.safetensors", bytes).files();
            loaded += usize::from(load(&files).is_ok());
        }
    }
    // Other weights are weights too; it is the golden rows that tell them.
    assert!(loaded > 0);
}
