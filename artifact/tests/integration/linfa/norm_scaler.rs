//! `norm_scaler` against `linfa_preprocessing::norm_scaling`, and where linfa has no answer.

use artifact::{
    Output, StepSpec,
    fitted::OfWidth,
    ndarray::{Array2, array},
    steps::norm_scaler::{Norm, NormScaler},
    testkit::f64s,
};
use linfa::{Float, traits::Transformer as _};
use linfa_preprocessing::norm_scaling;
use proptest::strategy::Strategy as _;

use super::agreement::{Case, Data, Expected, data, exported, fixed_data, of_two_features, prove};

const NORMS: [Norm; 3] = [Norm::L1, Norm::L2, Norm::Max];

fn theirs(norm: Norm) -> norm_scaling::NormScaler {
    match norm {
        Norm::L1 => norm_scaling::NormScaler::l1(),
        Norm::L2 => norm_scaling::NormScaler::l2(),
        Norm::Max => norm_scaling::NormScaler::max(),
    }
}

fn fit<F: Float>(data: &Data, model: &norm_scaling::NormScaler, relative: f64) -> Option<Case> {
    let scaled = model.transform(data.asked.mapv(F::cast));
    let expected = scaled.rows().into_iter().map(|row| {
        let scores = row.iter().map(|value| value.to_f64().unwrap());
        Expected { scores: scores.map(|value| (value, relative * value.abs())).collect(), choice: None }
    });
    let expected = expected.collect();
    Some(Case {
        step: exported(&OfWidth { model: model.clone(), inputs: data.asked.ncols() }),
        output: names(data.asked.ncols()),
        asked: data.asked.clone(),
        expected,
    })
}

fn names(columns: usize) -> Output {
    Output::Transformation { names: (0..columns).map(|index| format!("z{index}")).collect() }
}

/// That the norm brings the rows `asked` to the rows `right`.
fn scales(norm: Norm, asked: Array2<f64>, right: &Array2<f64>) {
    let expected = right.rows().into_iter().map(|row| Expected {
        scores: row.iter().map(|value| (*value, 1e-15 * value.abs())).collect(),
        choice: None,
    });
    let step = artifact::Exported::new(NormScaler { norm }, []);
    let case = Case { step, output: names(asked.ncols()), expected: expected.collect(), asked };
    case.check(&case.load()).unwrap();
}

#[test]
fn norm_scaler_answers_as_linfa_does() {
    for norm in NORMS {
        let what = format!("norm_scaler {norm:?}");
        prove(&what, data(true), |data| fit::<f64>(data, &theirs(norm), 1e-12));
        let rounded = data(true).prop_map(Data::rounded);
        prove(&format!("{what} f32"), rounded, |data| fit::<f32>(data, &theirs(norm), 1e-4));
    }
}

/// linfa divides zero by zero. A row of zeros has no direction, and scikit-learn leaves it as it is.
#[test]
fn a_row_of_zeros_stays_as_it_is() {
    let zeros = array![[0.0_f64, 0.0, -0.0]];
    assert!(norm_scaling::NormScaler::l2().transform(zeros.clone()).iter().all(|value| value.is_nan()));
    for norm in NORMS {
        scales(norm, zeros.clone(), &zeros);
    }
}

/// linfa's squares overflow, which makes zeros of such a row, or vanish, which makes infinities of it.
#[test]
fn a_row_of_huge_or_tiny_values_is_scaled_as_any_other() {
    let l2 = norm_scaling::NormScaler::l2();
    assert_eq!(l2.transform(array![[3e200, 4e200]]), array![[0.0, 0.0]]);
    assert!(l2.transform(array![[3e-200_f64, 4e-200]])[(0, 0)].is_infinite());

    scales(Norm::L2, array![[3e200, 4e200], [-3e-200, 4e-200]], &array![[0.6, 0.8], [-0.6, 0.8]]);
    let ends = array![[f64::MAX, f64::MAX], [0.0, -f64::MIN_POSITIVE], [5e-324, 0.0]];
    scales(Norm::L1, ends.clone(), &array![[0.5, 0.5], [0.0, -1.0], [1.0, 0.0]]);
    let root = 0.5_f64.sqrt();
    scales(Norm::L2, ends.clone(), &array![[root, root], [0.0, -1.0], [1.0, 0.0]]);
    scales(Norm::Max, ends, &array![[1.0, 1.0], [0.0, -1.0], [1.0, 0.0]]);
}

#[test]
fn another_norm_is_caught() {
    let data = fixed_data();
    for norm in NORMS {
        let mut case = fit::<f64>(&data, &theirs(norm), 1e-12).unwrap();
        let right = case.step.clone();
        case.check(&case.load()).unwrap();
        for other in NORMS {
            case.step = artifact::Exported::new(NormScaler { norm: other }, []);
            assert_eq!(case.check(&case.load()).is_ok(), case.step == right, "{norm:?}, {other:?}");
        }
    }
}

#[test]
fn a_hostile_norm_scaler_is_refused() {
    let case = of_two_features(artifact::Exported::new(NormScaler { norm: Norm::L2 }, []), names(2));
    case.load();
    case.refuses(
        "norm_scaler",
        &[(|tensors| tensors.set("lengths", f64s([1.0])), "tensor `0.lengths` belongs to no step")],
    );
    for (spec, sentence) in [
        (r#"{"kind":"norm_scaler"}"#, "missing field `norm`"),
        (r#"{"kind":"norm_scaler","norm":"l3"}"#, "unknown variant `l3`, expected one of `l1`, `l2`, `max`"),
        (r#"{"kind":"norm_scaler","norm":"L2"}"#, "unknown variant `L2`, expected one of `l1`, `l2`, `max`"),
        (r#"{"kind":"norm_scaler","norm":2}"#, "invalid type: integer `2`, expected string or map"),
        (r#"{"kind":"norm_scaler","norm":null}"#, "invalid type: null, expected string or map"),
        (r#"{"kind":"norm_scaler","norm":["l2"]}"#, "invalid type: sequence, expected string or map"),
        (r#"{"kind":"norm_scaler","norm":"l2","axis":0}"#, "unknown field `axis`, expected `norm`"),
        (r#"{"kind":"norm_scaler","norm":"l2","norm":"l1"}"#, "duplicate field `norm`"),
        (r#"{"kind":"NormScaler","norm":"l2"}"#, "unknown variant `NormScaler`"),
    ] {
        let said = serde_json::from_str::<StepSpec>(spec).unwrap_err().to_string();
        assert!(said.starts_with(sentence), "{spec}: {said}");
    }
}
