//! `linear_projection` against linfa's principal and independent components, whitening and random projections.

use std::panic::{AssertUnwindSafe, catch_unwind};

use artifact::{
    Exported, Output,
    fitted::{Fitted, OfWidth},
    ndarray::{Array2, ArrayView1},
    steps::linear_projection::LinearProjection,
    tensors::{Tensor, Values},
    testkit::{f64s, matrix, u32s},
};
use linfa::{
    DatasetBase, Float,
    traits::{Fit as _, Predict as _, Transformer},
};
use linfa_ica::fast_ica::FastIca;
use linfa_preprocessing::whitening::Whitener;
use linfa_reduction::{
    Pca,
    random_projection::{GaussianRandomProjection, SparseRandomProjection},
};
use proptest::strategy::Strategy as _;
use rand::{SeedableRng as _, rngs::StdRng};
use serde::{Serialize, de::DeserializeOwned};

use super::agreement::{Case, Data, Expected, data, exported, fixed_data, numbers, of_two_features, prove};

/// The case of a map that linfa answers with `mapped`.
fn case<F: Float>(step: Exported, mapped: &Array2<F>, data: &Data, relative: f64) -> Option<Case> {
    if !mapped.iter().all(|value| value.is_finite()) {
        return None;
    }
    let (mean, components) = (numbers(&step, "mean"), numbers(&step, "components"));
    let slack = |row: ArrayView1<'_, f64>, component: &[f64]| {
        let terms =
            row.iter().zip(&mean).zip(component).map(|((x, mean), weight)| ((x - mean) * weight).abs());
        relative * terms.sum::<f64>()
    };
    let expected = mapped.rows().into_iter().zip(data.asked.rows()).map(|(mapped, row)| {
        let columns = mapped.iter().zip(components.chunks(row.len()));
        let scores = columns.map(|(value, component)| (value.to_f64().unwrap(), slack(row, component)));
        Expected { scores: scores.collect(), choice: None }
    });
    let expected = expected.collect();
    let names = (0..mapped.ncols()).map(|index| format!("z{index}")).collect();
    Some(Case { step, output: Output::Transformation { names }, asked: data.asked.clone(), expected })
}

/// How many columns are to be left, so that each number from 1 to all of them occurs.
fn left(data: &Data) -> usize {
    1 + data.train.nrows() % data.train.ncols()
}

/// What linfa fits, if it does: on some data its search for directions meets a NaN and panics.
fn fitted<M>(fit: impl Fn() -> Option<M>) -> Option<M> {
    catch_unwind(AssertUnwindSafe(fit)).ok().flatten()
}

fn pca(data: &Data, whiten: bool) -> Option<Case> {
    let dataset = DatasetBase::from(data.train.clone());
    let model = fitted(|| Pca::params(left(data)).whiten(whiten).fit(&dataset).ok())?;
    case(exported(&model), &model.predict(&data.asked), data, 1e-12)
}

fn fast_ica<F: Float + Serialize + DeserializeOwned>(data: &Data, relative: f64) -> Option<Case> {
    let dataset = DatasetBase::from(data.train.mapv(F::cast));
    let model = fitted(|| FastIca::params().ncomponents(left(data)).random_state(7).fit(&dataset).ok())?;
    let mapped = model.predict(&data.asked.mapv(F::cast));
    case(exported(&model), &mapped, data, relative)
}

fn whitened<F: Float>(data: &Data, whitener: &Whitener, relative: f64) -> Option<Case> {
    let model = whitener.fit(&DatasetBase::from(data.train.mapv(F::cast))).ok()?;
    let mapped = model.transform(data.asked.mapv(F::cast));
    case(exported(&model), &mapped, data, relative)
}

fn projected<F: Float, M>(model: M, data: &Data, relative: f64) -> Option<Case>
where
    M: Transformer<Array2<F>, Array2<F>>,
    OfWidth<M>: Fitted,
{
    let mapped = model.transform(data.asked.mapv(F::cast));
    let step = exported(&OfWidth { model, inputs: data.train.ncols() });
    case(step, &mapped, data, relative)
}

macro_rules! random {
    ($Projection:ident, $F:ty, $relative:expr) => {
        |data: &Data| {
            let params = $Projection::<$F>::params_with_rng(StdRng::seed_from_u64(7)).target_dim(left(data));
            let model = params.fit(&DatasetBase::from(data.train.mapv(|value| value as $F))).ok()?;
            projected::<$F, _>(model, data, $relative)
        }
    };
}

#[test]
fn principal_components_answer_as_linfas_do() {
    prove("linear_projection pca", data(false), |data| pca(data, false));
    prove("linear_projection pca, whitened", data(false), |data| pca(data, true));
}

#[test]
fn independent_components_answer_as_linfas_do() {
    prove("linear_projection fast_ica", data(false), |data| fast_ica::<f64>(data, 1e-12));
    let rounded = data(false).prop_map(Data::rounded);
    prove("linear_projection fast_ica f32", rounded, |data| fast_ica::<f32>(data, 1e-4));
}

#[test]
fn whitening_answers_as_linfas_does_by_each_method() {
    for (method, whitener) in
        [("pca", Whitener::pca()), ("zca", Whitener::zca()), ("cholesky", Whitener::cholesky())]
    {
        let what = format!("linear_projection whitening by {method}");
        prove(&what, data(false), |data| whitened::<f64>(data, &whitener, 1e-12));
        let rounded = data(false).prop_map(Data::rounded);
        prove(&format!("{what} f32"), rounded, |data| whitened::<f32>(data, &whitener, 1e-4));
    }
}

#[test]
fn random_projections_answer_as_linfas_do() {
    prove("linear_projection gaussian", data(true), random!(GaussianRandomProjection, f64, 1e-12));
    prove("linear_projection sparse", data(true), random!(SparseRandomProjection, f64, 1e-12));
    let rounded = || data(true).prop_map(Data::rounded);
    prove("linear_projection gaussian f32", rounded(), random!(GaussianRandomProjection, f32, 1e-4));
    prove("linear_projection sparse f32", rounded(), random!(SparseRandomProjection, f32, 1e-4));
}

/// More outputs than the product sums side by side, and more rows than it multiplies together.
#[test]
fn a_wide_projection_answers_as_linfas_does() {
    let value = |row: usize, column: usize| ((row * 37 + column * 101) % 64) as f64 / 8.0 - 4.0;
    let table = |rows: usize, first: usize| {
        Array2::from_shape_fn((rows, 300), |(row, column)| value(first + row, column))
    };
    let data = Data { train: table(400, 0), marks: Vec::new(), asked: table(30, 400) };
    for columns in [7, 8, 9, 21, 300] {
        let params = GaussianRandomProjection::<f64>::params_with_rng(StdRng::seed_from_u64(7));
        let model = params.target_dim(columns).fit(&DatasetBase::from(data.train.clone())).unwrap();
        let case = projected::<f64, _>(model, &data, 1e-12).unwrap();
        case.check(&case.load()).unwrap();
    }
}

#[test]
fn a_wrong_parameter_of_a_projection_is_caught() {
    let case = pca(&fixed_data(), false).unwrap();
    case.check_spoilt(|_| ()).unwrap();
    case.check_spoilt(|tensors| tensors.numbers("mean")[0] *= 1.0 + 1e-6).unwrap_err();
    case.check_spoilt(|tensors| tensors.numbers("components")[1] *= 1.0 + 1e-6).unwrap_err();
    case.check_spoilt(|tensors| tensors.numbers("components").swap(0, 1)).unwrap_err();
}

#[test]
fn a_hostile_projection_is_refused() {
    let tensors = [("mean", f64s([1.0, 2.0])), ("components", matrix([[1.0, 0.5], [0.0, 2.0], [3.0, 4.0]]))];
    let names = ["a", "b", "c"].map(str::to_owned).to_vec();
    let output = Output::Transformation { names };
    let case = of_two_features(Exported::new(LinearProjection {}, tensors), output);
    case.load();
    case.refuses(
        "linear_projection",
        &[
            (|tensors| tensors.remove("mean"), "tensor `0.mean` is missing"),
            (|tensors| tensors.remove("components"), "tensor `0.components` is missing"),
            (|tensors| tensors.set("sigma", f64s([1.0])), "tensor `0.sigma` belongs to no step"),
            (|tensors| tensors.set("mean", f64s([1.0])), "tensor `0.mean` has the shape [1], expected [2]"),
            (
                |tensors| tensors.set("components", matrix([[1.0], [0.5]])),
                "tensor `0.components` has the shape [2, 1], expected rows of 2",
            ),
            (
                |tensors| tensors.set("components", f64s([1.0, 0.5])),
                "tensor `0.components` has the shape [2], expected rows of 2",
            ),
            (
                |tensors| tensors.set("components", matrix([[1.0, 0.5]])),
                "the last step (`linear_projection`) gives 1 columns, the manifest names 3",
            ),
            (
                |tensors| {
                    let values = Values::F32(vec![0.0; 200_002]);
                    tensors.set("components", Tensor { shape: vec![100_001, 2], values });
                },
                "step 0 (`linear_projection`) gives rows of 100001 numbers, 100000 are allowed",
            ),
            (
                |tensors| tensors.set("mean", u32s([1, 2])),
                "tensor `0.mean` holds indices, expected numbers (F64 or F32)",
            ),
            (
                |tensors| tensors.numbers("mean")[0] = f64::NEG_INFINITY,
                "tensor `0.mean`, value 0: -inf is not finite",
            ),
            (
                |tensors| tensors.numbers("components")[5] = f64::NAN,
                "tensor `0.components`, value 5: NaN is not finite",
            ),
        ],
    );
}
