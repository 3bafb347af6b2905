//! Fixtures: small models made by hand, whose golden answers come from plain arithmetic and never from the
//! runtime; [`Parts`], which turns a good version into a hostile one; and [`Publisher`], who signs. For tests only,
//! hence free to panic.
#![expect(clippy::expect_used, reason = "a fixture that cannot be built is a bug of the test")]

use std::collections::BTreeMap;

use crate::{
    Artifact, Cell, Digest, Exported, Feature, FeatureKind, GoldenRow, Output,
    feature::{Category, Statistics, Unknown},
    manifest::Training,
    steps::{
        Words, gaussian_mixture::GaussianMixture, imputer::Imputer, kmeans::KMeans,
        linear_regression::LinearRegression, logistic_regression::LogisticRegression,
        multinomial_logistic_regression::MultinomialLogisticRegression, one_hot_encoder::OneHotEncoder,
        ordinal_encoder::OrdinalEncoder, standard_scaler::StandardScaler, tf_idf::TfIdf,
    },
    tensors::{Tensor, Values},
};

pub mod attacks;
pub mod targets;

mod forests;
mod parts;
mod publisher;

pub use forests::{averages, boosted, tree, votes};
pub use parts::{Parts, raw_safetensors};
pub use publisher::{Publisher, statement};

/// Far above rounding, far below any difference that a wrong parameter makes.
const TOLERANCE: f64 = 1e-12;

/// `value` = `slope` * x + y + 1, over the features `x` and `y`. Other slopes differ wherever x is not 0.
pub fn linear(name: &str, slope: f64) -> Artifact {
    let rows = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [2.0, 3.0], [-4.0, 0.5]];
    let golden = rows.map(|[x, y]| golden([x, y], None, vec![slope * x + y + 1.0]));
    let regression = Exported::new(
        LinearRegression {},
        [("coefficients", f64s([slope, 1.0])), ("intercept", f64s([1.0]))],
    );
    let output = Output::Regression { targets: vec!["value".to_owned()] };
    pack(name, ["x", "y"], output, vec![regression], golden.to_vec())
}

/// `sum` = 2x + y + 1 and `difference` = x - y, over the features `x` and `y`.
pub fn pair(name: &str) -> Artifact {
    let rows = [[0.0, 0.0], [1.0, 2.0], [-4.0, 0.5]];
    let golden = rows.map(|[x, y]| golden([x, y], None, vec![2.0 * x + y + 1.0, x - y]));
    let regression = Exported::new(
        LinearRegression {},
        [("coefficients", matrix([[2.0, 1.0], [1.0, -1.0]])), ("intercept", f64s([1.0, 0.0]))],
    );
    let output = Output::Regression { targets: ["sum", "difference"].map(str::to_owned).to_vec() };
    pack(name, ["x", "y"], output, vec![regression], golden.to_vec())
}

/// A standard scaler, then multinomial logistic regression, over the features and classes of the iris data.
/// `[5.1, 3.5, 1.4, 0.2]` is `setosa`.
pub fn classifier(name: &str) -> Artifact {
    sharper(name, 1.0)
}

/// The same classifier with every score times `sharpness`, above 0: the same classes, other probabilities.
pub fn sharper(name: &str, sharpness: f64) -> Artifact {
    const OFFSETS: [f64; 4] = [5.8, 3.0, 3.75, 1.2];
    const SCALES: [f64; 4] = [1.25, 2.0, 0.5, 1.25];
    let coefficients: [[f64; 4]; 3] =
        [[-1.0, 1.0, -2.0, -2.0], [0.5, -0.5, 0.5, -0.5], [0.5, -0.5, 2.0, 2.5]]
            .map(|class| class.map(|coefficient| coefficient * sharpness));
    let intercepts = [-0.5, 1.5, -1.0].map(|intercept| intercept * sharpness);
    let rows = [
        ([5.1, 3.5, 1.4, 0.2], 0),
        ([4.6, 3.1, 1.5, 0.2], 0),
        ([6.0, 2.9, 4.5, 1.5], 1),
        ([5.5, 2.4, 3.8, 1.1], 1),
        ([6.3, 3.3, 6.0, 2.5], 2),
        ([7.7, 2.8, 6.7, 2.0], 2),
    ];
    let golden = rows.map(|(row, class)| {
        let exps = [0, 1, 2].map(|class| {
            let mut score = intercepts[class];
            for column in 0..4 {
                score += coefficients[class][column] * SCALES[column] * (row[column] - OFFSETS[column]);
            }
            score.exp()
        });
        let sum = exps[0] + exps[1] + exps[2];
        golden(row, Some(class), exps.map(|exp| exp / sum).to_vec())
    });
    let scaler = Exported::new(StandardScaler {}, [("offsets", f64s(OFFSETS)), ("scales", f64s(SCALES))]);
    let regression = Exported::new(
        MultinomialLogisticRegression {},
        [("coefficients", matrix(coefficients)), ("intercepts", f64s(intercepts))],
    );
    pack(
        name,
        ["sepal_length", "sepal_width", "petal_length", "petal_width"],
        classes(["setosa", "versicolor", "virginica"]),
        vec![scaler, regression],
        golden.to_vec(),
    )
}

/// Logistic regression of the classes `no` and `yes` over the features `x` and `y`: `yes` where 2x > y - 0.5.
pub fn binary(name: &str) -> Artifact {
    let rows = [([0.0, 0.0], 1), ([1.0, 1.0], 1), ([-1.0, 2.0], 0), ([0.0, 3.0], 0)];
    let golden = rows.map(|([x, y], class)| {
        let odds = (2.0 * x - y + 0.5_f64).exp();
        golden([x, y], Some(class), vec![1.0 / (1.0 + odds), odds / (1.0 + odds)])
    });
    let regression = Exported::new(
        LogisticRegression {},
        [("coefficients", f64s([2.0, -1.0])), ("intercept", f64s([0.5]))],
    );
    pack(name, ["x", "y"], classes(["no", "yes"]), vec![regression], golden.to_vec())
}

/// Three clusters over the features `x` and `y`, around (0, 0), (10, 0) and (0, 10).
pub fn clusters(name: &str) -> Artifact {
    const CENTROIDS: [[f64; 2]; 3] = [[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]];
    let rows = [([1.0, 1.0], 0), ([13.0, 4.0], 1), ([-3.0, 6.0], 2), ([4.0, 3.0], 0)];
    let golden = rows.map(|([x, y], cluster): ([f64; 2], u32)| {
        let distances = CENTROIDS.map(|[a, b]| (x - a).hypot(y - b));
        golden([x, y], Some(cluster), distances.to_vec())
    });
    let kmeans = Exported::new(KMeans::default(), [("centroids", matrix(CENTROIDS))]);
    pack(name, ["x", "y"], Output::Clustering { clusters: 3 }, vec![kmeans], golden.to_vec())
}

/// Two clusters of equal weight over the features `x` and `y`, with the same round curve around (0, 0) and (4, 0).
pub fn mixture(name: &str) -> Artifact {
    let rows = [[1.0, 1.0], [2.25, -3.0], [3.0, 8.0], [-0.5, 0.0]];
    let golden = rows.map(|[x, y]: [f64; 2]| {
        // Half the difference of the squared distances.
        let odds = (4.0 * x - 8.0).exp();
        golden([x, y], Some(u32::from(x > 2.0)), vec![1.0 / (1.0 + odds), odds / (1.0 + odds)])
    });
    let factors = Tensor { shape: vec![2, 2, 2], values: Values::F64([1.0, 0.0, 0.0, 1.0].repeat(2)) };
    let mixture = Exported::new(
        GaussianMixture {},
        [
            ("weights", f64s([0.5, 0.5])),
            ("means", matrix([[0.0, 0.0], [4.0, 0.0]])),
            ("precision_factors", factors),
        ],
    );
    pack(name, ["x", "y"], Output::Clustering { clusters: 2 }, vec![mixture], golden.to_vec())
}

/// (x - its column's number) / 2 for each of `width` features, numbered from 0.
pub fn halves(name: &str, width: u32) -> Artifact {
    let columns: Vec<f64> = (0..width).map(f64::from).collect();
    let rows = [0.0, 1.0, -8.0].map(|row| GoldenRow {
        input: columns.iter().map(|column| (row + column).into()).collect(),
        choice: None,
        scores: vec![row / 2.0; columns.len()],
        tolerance: TOLERANCE,
    });
    let vector = |values| Tensor { shape: vec![columns.len()], values: Values::F64(values) };
    let scales = vec![0.5; columns.len()];
    let scaler =
        Exported::new(StandardScaler {}, [("offsets", vector(columns.clone())), ("scales", vector(scales))]);
    let numbered = |what: &str| (0..width).map(|column| format!("{what}_{column}")).collect::<Vec<_>>();
    let output = Output::Transformation { names: numbered("half") };
    pack(name, numbered("x"), output, vec![scaler], rows.to_vec())
}

/// Passengers by `age` (which may be missing and is then 30), `fare`, `sex` and `port`, of which others are ignored:
/// `survived` where fare - age + 40 if `female` + 10 if from `C` is above 0. A `port` that is missing is `S`.
pub fn table(name: &str) -> Artifact {
    let rows: [(Option<f64>, f64, &str, Cell, f64); 6] = [
        (Some(22.0), 7.25, "male", "S".into(), -14.75),
        (Some(38.0), 71.5, "female", "C".into(), 83.5),
        (None, 8.0, "female", Cell::Missing, 18.0),
        (Some(54.0), 51.5, "male", Cell::Missing, -2.5),
        (None, 30.5, "male", "elsewhere".into(), 0.5),
        (Some(2.0), 1.0, "male", "C".into(), 9.0),
    ];
    let golden = rows.map(|(age, fare, sex, port, score)| {
        let odds = f64::exp(score / 10.0);
        let input = vec![age.map_or(Cell::Missing, Cell::Number), fare.into(), sex.into(), port];
        let scores = vec![1.0 / (1.0 + odds), odds / (1.0 + odds)];
        GoldenRow { input, choice: Some(u32::from(score > 0.0)), scores, tolerance: TOLERANCE }
    });
    let steps = vec![
        Exported::new(Imputer { columns: vec![0] }, [("fills", f64s([30.0]))]),
        Exported::new(OrdinalEncoder { columns: vec![2] }, [("values", f64s([40.0, 0.0]))]),
        Exported::new(OneHotEncoder { columns: vec![3], drop_first: false }, []),
        Exported::new(
            LogisticRegression {},
            [("coefficients", f64s([-0.1, 0.1, 0.1, 1.0, 0.0])), ("intercept", f64s([0.0]))],
        ),
    ];
    let category = |name: &str, categories: [&str; 2], unknown, missing_as: Option<&str>| Feature {
        name: name.to_owned(),
        kind: FeatureKind::Category(Category {
            categories: categories.map(str::to_owned).to_vec(),
            counts: vec![3, 3],
            unknown,
            missing_as: missing_as.map(str::to_owned),
        }),
    };
    let mut pack = pack(name, ["age", "fare"], classes(["lost", "survived"]), steps, golden.to_vec());
    if let FeatureKind::Number { missing, .. } = &mut pack.inputs[0].kind {
        *missing = true;
    }
    pack.inputs.push(category("sex", ["female", "male"], Unknown::Refuse, None));
    pack.inputs.push(category("port", ["C", "S"], Unknown::Ignore, Some("S")));
    pack
}

/// The free text `review`, by how often `good` (+2), `bad` (-1.5) and `not good` (-4) occur in it, and the number `stars`
/// (+1): `value` is the sum.
pub fn words(name: &str) -> Artifact {
    let rows: [(&str, f64, f64); 5] = [
        ("Good, good food!", 1.0, 5.0),
        ("bad; NOT good", 0.0, -3.5),
        ("", 2.0, 2.0),
        ("not bad", -1.0, -2.5),
        ("goodness", 0.5, 0.5),
    ];
    let golden = rows.map(|(review, stars, value)| GoldenRow {
        input: vec![review.into(), stars.into()],
        choice: None,
        scores: vec![value],
        tolerance: TOLERANCE,
    });
    let words = Words {
        column: 0,
        normalize: true,
        lowercase: true,
        n_grams: [1, 2],
        vocabulary: ["good", "bad", "not good"].map(str::to_owned).to_vec(),
    };
    let steps = vec![
        Exported::new(TfIdf { words }, [("idf", f64s([1.0, 1.5, 2.0]))]),
        Exported::new(
            LinearRegression {},
            [("coefficients", f64s([2.0, -1.0, -2.0, 1.0])), ("intercept", f64s([0.0]))],
        ),
    ];
    let output = Output::Regression { targets: vec!["value".to_owned()] };
    let mut pack = pack(name, ["review", "stars"], output, steps, golden.to_vec());
    let lengths = Statistics { max: 16.0, mean: 8.0, std: 6.0, deciles: [8.0; 9], ..Statistics::default() };
    pack.inputs[0].kind = FeatureKind::Text { lengths };
    pack
}

/// A vector of 64-bit floats.
pub fn f64s<const N: usize>(values: [f64; N]) -> Tensor {
    Tensor { shape: vec![N], values: Values::F64(values.to_vec()) }
}

/// A vector of indices.
pub fn u32s<const N: usize>(values: [u32; N]) -> Tensor {
    Tensor { shape: vec![N], values: Values::U32(values.to_vec()) }
}

/// A matrix of 64-bit floats.
pub fn matrix<const ROWS: usize, const COLUMNS: usize>(rows: [[f64; COLUMNS]; ROWS]) -> Tensor {
    Tensor { shape: vec![ROWS, COLUMNS], values: Values::F64(rows.concat()) }
}

fn classes<const N: usize>(names: [&str; N]) -> Output {
    Output::Classification { classes: names.map(str::to_owned).to_vec() }
}

fn golden<const N: usize>(input: [f64; N], choice: Option<u32>, scores: Vec<f64>) -> GoldenRow {
    GoldenRow { input: input.map(Cell::from).to_vec(), choice, scores, tolerance: TOLERANCE }
}

/// The golden rows stand in for the training data.
fn pack(
    name: &str,
    features: impl IntoIterator<Item = impl AsRef<str>>,
    output: Output,
    steps: Vec<Exported>,
    golden: Vec<GoldenRow>,
) -> Artifact {
    let column = |index: usize| golden.iter().filter_map(|row| row.input[index].number()).collect();
    let inputs = features.into_iter().enumerate().map(|(index, name)| feature(name.as_ref(), column(index)));
    Artifact {
        name: name.parse().expect("the name of a fixture"),
        inputs: inputs.collect(),
        output,
        training: Training {
            library: "made by hand".to_owned(),
            data: Digest::of(b"made by hand"),
            rows: golden.len() as u64,
            metrics: BTreeMap::new(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
        },
        steps,
        golden,
    }
}

fn feature(name: &str, mut values: Vec<f64>) -> Feature {
    if values.is_empty() {
        return Feature::number(name, Statistics::default());
    }
    values.sort_unstable_by(f64::total_cmp);
    let (last, rows) = (values.len() - 1, values.len() as f64);
    let mean = values.iter().sum::<f64>() / rows;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / rows;
    let statistics = Statistics {
        min: values[0],
        max: values[last],
        mean,
        std: variance.sqrt(),
        deciles: std::array::from_fn(|index| values[(index + 1) * last / 10]),
    };
    Feature::number(name, statistics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Batch, Manifest, Model, Predictions};

    #[test]
    fn every_fixture_repeats_its_golden_rows() {
        for pack in [
            linear("a", 2.0),
            linear("a", -1e3),
            classifier("a"),
            sharper("a", 1.5),
            binary("a"),
            clusters("a"),
            pair("a"),
            halves("a", 3),
            tree("a"),
            votes("a"),
            averages("a"),
            boosted("a"),
            table("a"),
            words("a"),
        ] {
            let (_, agreement) = pack.seal().unwrap();
            assert_eq!(agreement.rows, pack.golden.len());
        }
    }

    #[test]
    fn the_first_iris_is_a_setosa() {
        let (files, _) = classifier("iris").seal().unwrap();
        let manifest = Manifest::parse(&files.manifest).unwrap();
        let model = Model::load(manifest, Digest::of(&files.manifest), &files.tensors).unwrap();
        let mut answers = Predictions::default();
        let row = Batch::new(vec![5.1, 3.5, 1.4, 0.2], 4).unwrap();
        model.predict(&row, &mut answers).unwrap();
        assert_eq!(answers.choices(), [0]);
        assert!(answers.scores()[0] > 0.9, "{:?}", answers.scores());
    }
}
