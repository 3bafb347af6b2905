//! `standard_scaler` against all methods of `linfa_preprocessing::linear_scaling`.

use artifact::{
    Output,
    testkit::{f64s, matrix, u32s},
};
use linfa::{DatasetBase, Float, traits::Fit as _, traits::Transformer as _};
use linfa_preprocessing::linear_scaling::{LinearScaler, LinearScalerParams, ScalingMethod};

use proptest::strategy::Strategy as _;

use super::agreement::{Case, Data, Expected, data, exported, fixed_data, prove};

fn fit<F: Float>(data: &Data, params: &LinearScalerParams<F>, relative: f64) -> Option<Case> {
    let model = params.fit(&DatasetBase::from(data.train.mapv(F::cast))).ok()?;
    let wide = |value: F| value.to_f64().unwrap();
    let scaled = model.transform(data.asked.mapv(F::cast));
    // linfa's own terms: each may be off by a rounding.
    let slack = |value: f64, offset: F, scale: F| {
        let (stretch, shift) = match *model.method() {
            ScalingMethod::Standard(..) => (1.0, wide(offset)),
            ScalingMethod::MinMax(min, max) => (wide(max - min), wide(min)),
            ScalingMethod::MaxAbs => (1.0, 0.0),
        };
        relative * ((value.abs() + wide(offset).abs()) * wide(scale) * stretch + shift.abs())
    };
    let expected = scaled.rows().into_iter().zip(data.asked.rows()).map(|(scaled, row)| {
        let columns = model.offsets().iter().zip(model.scales());
        let scores = scaled.iter().zip(row).zip(columns);
        Expected {
            scores: scores
                .map(|((scaled, value), (offset, scale))| (wide(*scaled), slack(*value, *offset, *scale)))
                .collect(),
            choice: None,
        }
    });
    Some(Case {
        step: exported(&model),
        output: Output::Transformation {
            names: (0..data.asked.ncols()).map(|index| format!("z{index}")).collect(),
        },
        asked: data.asked.clone(),
        expected: expected.collect(),
    })
}

#[test]
fn standard_scaler_answers_as_linfa_does() {
    prove("standard_scaler", data(true), |data| fit(data, &LinearScaler::<f64>::standard(), 1e-12));
}

#[test]
fn standard_scaler_of_f32_answers_as_linfa_does() {
    prove("standard_scaler f32", data(true).prop_map(Data::rounded), |data| {
        fit(data, &LinearScaler::<f32>::standard(), 1e-4)
    });
}

#[test]
fn every_other_linear_scaler_becomes_the_same_step() {
    for (what, params) in [
        ("standard_scaler standard_no_mean", LinearScaler::<f64>::standard_no_mean()),
        ("standard_scaler standard_no_std", LinearScaler::standard_no_std()),
        ("standard_scaler min_max", LinearScaler::min_max()),
        ("standard_scaler min_max_range", LinearScaler::min_max_range(-3.0, 7.0)),
        ("standard_scaler max_abs", LinearScaler::max_abs()),
    ] {
        prove(what, data(true), |data| fit(data, &params, 1e-12));
    }
}

#[test]
fn a_wrong_parameter_is_caught() {
    let case = fit(&fixed_data(), &LinearScaler::<f64>::standard(), 1e-12).unwrap();
    case.check_spoilt(|_| ()).unwrap();
    case.check_spoilt(|tensors| tensors.numbers("scales")[0] *= 1.0 + 1e-6).unwrap_err();
    case.check_spoilt(|tensors| tensors.numbers("offsets")[0] *= 1.0 + 1e-6).unwrap_err();
    case.check_spoilt(|tensors| tensors.numbers("offsets").swap(0, 1)).unwrap_err();
}

#[test]
fn hostile_tensors_are_refused_by_name() {
    let case = fit(&fixed_data(), &LinearScaler::<f64>::standard(), 1e-12).unwrap();
    case.refuses(
        "standard_scaler",
        &[
            (|tensors| tensors.remove("offsets"), "tensor `0.offsets` is missing"),
            (|tensors| tensors.remove("scales"), "tensor `0.scales` is missing"),
            (|tensors| tensors.set("means", f64s([0.5])), "tensor `0.means` belongs to no step"),
            (
                |tensors| tensors.set("offsets", f64s([1.0; 4])),
                "tensor `0.offsets` has the shape [4], expected [5]",
            ),
            (
                |tensors| tensors.set("scales", matrix([[1.0; 5]])),
                "tensor `0.scales` has the shape [1, 5], expected [5]",
            ),
            (
                |tensors| tensors.set("offsets", u32s([1; 5])),
                "tensor `0.offsets` holds indices, expected numbers (F64 or F32)",
            ),
            (
                |tensors| tensors.numbers("offsets")[1] = f64::NAN,
                "tensor `0.offsets`, value 1: NaN is not finite",
            ),
            (
                |tensors| tensors.numbers("scales")[2] = f64::INFINITY,
                "tensor `0.scales`, value 2: inf is not finite",
            ),
            (
                |tensors| tensors.numbers("scales")[3] = 0.0,
                "tensor `0.scales`, value 3: 0 is not greater than zero",
            ),
            (
                |tensors| tensors.numbers("scales")[4] = -1.0,
                "tensor `0.scales`, value 4: -1 is not greater than zero",
            ),
        ],
    );
}
