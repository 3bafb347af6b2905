//! Every algorithm that `linfactl train` knows: trained on real data, all dropped into a running stack at once, and each asked
//! for a prediction. A line tells what each measured, weighs and took.

use std::time::{Duration, Instant};

use artifact::{Cell, Golden, Manifest, Output};
use client::{ApiKey, Client, Input, Prediction, Target};

use crate::{
    Folder,
    up::{PATIENCE, Up, copy, repository},
};

/// The algorithm, and the data with what else it takes.
const RECIPES: &[(&str, &str)] = &[
    ("linear-regression", DIABETES),
    ("logistic-regression", "--csv wine.csv --target good --ignore quality --scale"),
    ("multinomial-logistic-regression", IRIS),
    ("kmeans", FLOWERS),
    ("decision-tree", IRIS),
    ("standard-scaler", FLOWERS),
    ("min-max-scaler", FLOWERS),
    ("max-abs-scaler", FLOWERS),
    ("norm-scaler", FLOWERS),
    ("pca", FLOWERS),
    ("fast-ica", FLOWERS),
    ("whitening", FLOWERS),
    ("random-projection", "--csv iris.csv --ignore species --target-dim 2"),
    ("sparse-random-projection", "--csv iris.csv --ignore species --target-dim 3"),
    ("gaussian-nb", IRIS),
    ("multinomial-nb", "--csv iris.csv --target species"),
    ("bernoulli-nb", IRIS),
    ("gaussian-mixture", FLOWERS),
    ("elastic-net", DIABETES),
    ("lasso", DIABETES),
    ("ridge", DIABETES),
    ("multi-task-elastic-net", PETALS),
    ("lars", DIABETES),
    ("pls", PETALS),
    ("tweedie", PETAL),
    ("poisson", PETAL),
    ("gamma", PETAL),
    (
        "isotonic-regression",
        "--csv iris.csv --target petal_width --ignore species --ignore sepal_length --ignore sepal_width",
    ),
    ("ftrl", "--csv wine.csv --target good --ignore quality --scale"),
    ("svm", "--csv iris.csv --target species --scale --kernel gaussian --probability"),
    ("svr", "--csv diabetes.csv --target progression --scale --kernel gaussian"),
    ("one-class-svm", "--csv iris.csv --ignore species --scale --kernel gaussian"),
    ("random-forest", "--csv wine.csv --target quality --ignore good --ensemble-size 101 --max-depth 8"),
    ("bagging", IRIS),
    ("adaboost", IRIS),
];

const IRIS: &str = "--csv iris.csv --target species --scale";
const FLOWERS: &str = "--csv iris.csv --ignore species";
const PETALS: &str = "--csv iris.csv --target petal_length --target petal_width --ignore species --scale";
/// linfa's optimiser does not end on every data set with a log link; it does on this one.
const PETAL: &str = "--csv iris.csv --target petal_width --ignore species --scale";
const DIABETES: &str = "--csv diabetes.csv --target progression --scale";

/// The algorithms that the help lists.
fn known() -> Vec<String> {
    let help = Folder::new().said("train --help");
    let line = |line: &str| {
        line.trim().strip_prefix("- ").and_then(|line| line.split_once(':').map(|(name, _)| name.to_owned()))
    };
    let (_, values) = help.rsplit_once("--algorithm <NAME>").unwrap();
    values.lines().skip_while(|text| line(text).is_none()).map_while(line).collect()
}

/// What is answered to the first golden row, once the model is served.
async fn served(client: &Client, name: &str, golden: &Golden) -> Prediction {
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let asking = async {
        loop {
            ticks.tick().await;
            let row: Vec<_> = golden.rows()[0].input.iter().filter_map(Cell::number).collect();
            let input = Input::rows(&row);
            if let Ok(prediction) = client.predict(Target::model(name), input).await {
                return prediction;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("{name} is not served"))
}

#[test]
fn every_algorithm_is_trained_admitted_and_served() {
    let recipes: Vec<_> = RECIPES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut known = known();
    known.sort();
    let mut sorted = recipes.clone();
    sorted.sort();
    assert_eq!(sorted, known, "each algorithm has a recipe here");

    let folder = Folder::new();
    for data in ["iris.csv", "wine.csv", "diabetes.csv"] {
        fs_err::copy(repository().join("models").join(data), folder.path(data)).unwrap();
    }
    for (algorithm, arguments) in RECIPES {
        let begun = Instant::now();
        folder.said(&format!("train --algorithm {algorithm} {arguments} --name {algorithm} --out trained"));
        let version = folder.path(&format!("trained/{algorithm}/1"));
        let bytes: u64 =
            fs_err::read_dir(&version).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
        let manifest = Manifest::parse(&fs_err::read(version.join("manifest.json")).unwrap()).unwrap();
        let metrics = manifest.training.metrics.iter().map(|(name, value)| format!("{name} {value:.3}"));
        println!(
            "{algorithm:<32} {:<60} {:>8.1} KB {:>6.2} s",
            metrics.collect::<Vec<_>>().join(", "),
            bytes as f64 / 1e3,
            begun.elapsed().as_secs_f64(),
        );
    }

    fs_err::create_dir(folder.path("models")).unwrap();
    let mut up = Up::start(&folder, &["--data", "data"]);
    let endpoint = up.endpoint();
    for algorithm in &recipes {
        copy(&folder.path(&format!("trained/{algorithm}/1")), &folder.path(&format!("models/{algorithm}/1")));
    }
    let key = fs_err::read_to_string(up.place("key")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = Client::connect(&endpoint, ApiKey::new(&key).unwrap()).await.unwrap();
        for algorithm in &recipes {
            let file =
                |name: &str| fs_err::read(folder.path(&format!("models/{algorithm}/1/{name}"))).unwrap();
            let golden = Golden::parse(&file("golden.jsonl")).unwrap();
            let output = Manifest::parse(&file("manifest.json")).unwrap().output;
            let prediction = served(&client, algorithm, &golden).await;
            let expected = &golden.rows()[0];
            if let (Output::Classification { classes }, Some(class)) = (&output, expected.choice) {
                assert_eq!(prediction.labels(), [classes[class as usize].as_str()], "{algorithm}");
            }
            assert!(
                expected.scores.is_empty() || prediction.numbers().len() == expected.scores.len(),
                "{algorithm}"
            );
            for (found, score) in prediction.numbers().iter().zip(&expected.scores) {
                assert!(
                    (found - score).abs() <= expected.tolerance * score.abs().max(1.0),
                    "{algorithm}: {prediction:?}"
                );
            }
        }
    });
}
