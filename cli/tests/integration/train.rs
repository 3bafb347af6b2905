//! `linfactl train`: every algorithm gives a version that passes the sidecar's checks, and what cannot be trained is
//! refused in a sentence, with nothing written.

use artifact::{Digest, FeatureKind, Golden, Manifest, Model, Output};

use crate::{CREATED_AT, Folder, IRIS};

/// Two of the three species.
pub(crate) fn two_species() -> String {
    IRIS.lines().filter(|line| !line.ends_with("setosa")).map(|line| format!("{line}\n")).collect()
}

/// Loads what was trained, as the server does.
fn load(folder: &Folder, version: &str) -> (Model, Golden) {
    let read = |name: &str| fs_err::read(folder.path(version).join(name)).unwrap();
    let manifest = read("manifest.json");
    let parsed = Manifest::parse(&manifest).unwrap();
    let model = Model::load(parsed, Digest::of(&manifest), &read("model.safetensors")).unwrap();
    (model, Golden::parse(&read("golden.jsonl")).unwrap())
}

/// Trains, lets the sidecar's checks judge, replays the golden rows and hands the model out.
pub(crate) fn trained(csv: &str, arguments: &str) -> Model {
    let folder = Folder::with("data.csv", csv);
    let said = folder.said(&format!("train --csv data.csv --name m --out models {arguments}"));
    let (model, golden) = load(&folder, "models/m/1");
    assert!(said.contains(&format!("models/m/1 {}", model.digest())), "{said}");
    assert!(golden.replay(&model).unwrap().rows >= 12);
    folder.said("verify models/m/1");
    model
}

pub(crate) fn steps(model: &Model) -> Vec<&str> {
    model.manifest().steps.iter().map(artifact::StepSpec::kind).collect()
}

pub(crate) fn metric(model: &Model, name: &str) -> f64 {
    model.manifest().training.metrics[name]
}

#[test]
fn a_multinomial_logistic_regression_is_trained_and_proven() {
    let model = trained(IRIS, "--target species --algorithm multinomial-logistic-regression --scale");
    assert_eq!(steps(&model), ["standard_scaler", "multinomial_logistic_regression"]);
    assert_eq!(model.manifest().output.names(), ["setosa", "versicolor", "virginica"]);
    assert!(metric(&model, "accuracy") > 0.9);
    assert!(metric(&model, "macro_f1") > 0.9);
    assert!(metric(&model, "log_loss") < 0.3);
    let training = &model.manifest().training;
    assert_eq!((training.rows, training.data), (120, Digest::of(IRIS.as_bytes())));
    let locked = include_str!("../../../Cargo.lock");
    let version = training.library.strip_prefix("linfa ").unwrap();
    assert!(locked.contains(&format!("name = \"linfa\"\nversion = \"{version}\"\n")), "{version}");
}

#[test]
fn a_logistic_regression_is_trained_and_proven_whichever_class_is_more_frequent() {
    let (first, second) = (two_species(), two_species());
    // linfa's positive class is the more frequent one: leave some rows of each out in turn.
    let fewer = |csv: &str, species: &str| -> String {
        let rows = csv.lines().enumerate().filter(|(row, line)| row % 3 != 0 || !line.ends_with(species));
        rows.map(|(_, line)| format!("{line}\n")).collect()
    };
    for csv in [fewer(&first, "versicolor"), fewer(&second, "virginica")] {
        let model = trained(&csv, "--target species --algorithm logistic-regression");
        assert_eq!(steps(&model), ["logistic_regression"]);
        assert_eq!(model.manifest().output.names(), ["versicolor", "virginica"]);
        assert!(metric(&model, "accuracy") > 0.8);
    }
}

#[test]
fn a_linear_regression_is_trained_and_proven() {
    let model = trained(IRIS, "--target petal_width --ignore species --algorithm linear-regression");
    assert_eq!(steps(&model), ["linear_regression"]);
    assert_eq!(model.manifest().output, Output::Regression { targets: vec!["petal_width".to_owned()] });
    assert!(metric(&model, "r2") > 0.8);
    assert!(metric(&model, "mae") < metric(&model, "rmse"));
}

#[test]
fn kmeans_is_trained_and_proven() {
    let model = trained(IRIS, "--ignore species --algorithm kmeans --n-clusters 4 --scale");
    assert_eq!(steps(&model), ["standard_scaler", "kmeans"]);
    assert_eq!(model.manifest().output, Output::Clustering { clusters: 4 });
    assert!(metric(&model, "simplified_silhouette") > 0.3);
    assert!(metric(&model, "mean_squared_distance") > 0.0);
}

#[test]
fn kmeans_is_trained_with_every_distance() {
    for distance in ["l1", "l-infinity"] {
        let model = trained(IRIS, &format!("--ignore species --algorithm kmeans --distance {distance}"));
        assert!(metric(&model, "simplified_silhouette") > 0.3, "{distance}");
        let manifest = serde_json::to_value(model.manifest()).unwrap();
        assert_eq!(manifest["steps"][0]["distance"], distance.replace('-', "_"));
    }
}

#[test]
fn support_vector_machines_of_each_kernel_are_trained_and_proven() {
    for (kernel, least) in [("linear", 0.6), ("gaussian", 0.9), ("polynomial", 0.9)] {
        let model =
            trained(IRIS, &format!("--target species --algorithm svm --kernel {kernel} --scale --eps 1e-3"));
        assert_eq!(steps(&model), ["standard_scaler", "svm_classifier"]);
        assert!(metric(&model, "accuracy") > least, "{kernel}");
        assert!(!model.manifest().training.metrics.contains_key("log_loss"));
    }
}

#[test]
fn support_vector_machines_give_probabilities() {
    let three = trained(IRIS, "--target species --algorithm svm --kernel gaussian --probability --scale");
    assert!(metric(&three, "accuracy") > 0.9);
    assert!(metric(&three, "log_loss") < 0.3);
    let two = trained(
        &two_species(),
        "--target species --algorithm svm --kernel gaussian --nu 0.3 --probability --scale",
    );
    assert!(metric(&two, "accuracy") > 0.8);
    assert!(metric(&two, "log_loss") < 0.5);
}

#[test]
fn a_support_vector_regression_is_trained_and_proven() {
    for loss in ["--c 10 --loss-eps 0.05", "--c 10 --nu 0.5"] {
        let model = trained(
            IRIS,
            &format!(
                "--target petal_width --ignore species --algorithm svr --kernel gaussian --scale --eps 1e-3 {loss}"
            ),
        );
        assert_eq!(steps(&model), ["standard_scaler", "svm_regressor"]);
        assert!(metric(&model, "r2") > 0.8, "{loss}");
    }
}

#[test]
fn a_one_class_machine_tells_outliers_from_inliers() {
    let model =
        trained(IRIS, "--ignore species --algorithm one-class-svm --kernel gaussian --nu 0.2 --scale");
    assert_eq!(model.manifest().output.names(), ["outlier", "inlier"]);
    let inliers = metric(&model, "inliers");
    assert!((0.6..1.0).contains(&inliers), "{inliers}");
}

#[test]
fn a_linear_machine_with_nu_is_not_fitted() {
    let folder = Folder::with("iris.csv", IRIS);
    let said = folder
        .complained("train --csv iris.csv --target species --algorithm svm --nu 0.3 --name m --out models");
    assert!(said.contains("linfa fits no right linear machine with --nu"), "{said}");
}

#[test]
fn a_decision_tree_is_trained_and_proven() {
    let model = trained(IRIS, "--target species --algorithm decision-tree --max-depth 4");
    assert_eq!(steps(&model), ["decision_tree"]);
    assert!(metric(&model, "accuracy") > 0.8);
}

#[test]
fn forests_are_trained_and_proven() {
    for algorithm in [
        "random-forest --ensemble-size 11 --feature-proportion 0.5 --bootstrap-proportion 0.7",
        "bagging --ensemble-size 5 --max-depth 4 --min-weight-leaf 2 --split-quality entropy",
        "adaboost --n-estimators 10 --max-depth 2",
    ] {
        let model = trained(IRIS, &format!("--target species --algorithm {algorithm}"));
        assert_eq!(steps(&model), ["voting_forest"], "{algorithm}");
        assert!(metric(&model, "accuracy") > 0.8, "{algorithm}: {}", metric(&model, "accuracy"));
        assert!(model.row_width() == 3, "{algorithm} gives probabilities");
    }
}

#[test]
fn features_have_the_statistics_of_the_fitted_rows() {
    let model = trained(IRIS, "--target species --algorithm decision-tree --test-split 0");
    let training = &model.manifest().training;
    assert_eq!((training.rows, training.metrics.len()), (150, 0));
    let petal_length = &model.manifest().inputs[2];
    assert_eq!(petal_length.name, "petal_length");
    let FeatureKind::Number { statistics: petal_length, .. } = petal_length.kind else {
        panic!("no numbers")
    };
    assert_eq!((petal_length.min, petal_length.max), (1.0, 6.9));
    assert!((petal_length.mean - 3.758_666_666_666_667).abs() < 1e-12);
    assert_eq!(petal_length.deciles[4], 4.35);
}

#[test]
fn the_same_command_gives_the_same_bytes() {
    let folder = Folder::with("iris.csv", IRIS);
    for (number, algorithm) in [
        "--target species --algorithm multinomial-logistic-regression --scale",
        "--target petal_width --ignore species --algorithm linear-regression",
        "--ignore species --algorithm kmeans",
    ]
    .into_iter()
    .enumerate()
    {
        let train = |out: &str, seed: u32| {
            folder.said(&format!(
                "train --csv iris.csv --name m --out {out}{number} --seed {seed} --created-at {CREATED_AT} {algorithm}"
            ));
            folder.files(&format!("{out}{number}"))
        };
        let first = train("a", 1);
        let names: Vec<_> = first.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["m/1/README.md", "m/1/golden.jsonl", "m/1/manifest.json", "m/1/model.safetensors"]
        );
        assert!(first == train("b", 1), "{algorithm}");
        assert!(first != train("c", 2), "{algorithm}");
    }
}

#[test]
fn the_next_free_number_is_taken_and_no_version_is_overwritten() {
    let folder = Folder::with("iris.csv", IRIS);
    let train = "train --csv iris.csv --target species --algorithm decision-tree --name m --out models";
    folder.said(train);
    folder.said(&format!("{train} --version 9"));
    assert!(folder.said(train).contains("models/m/10 sha256:"));
    let before = folder.files("models/m/9");
    assert_eq!(
        folder.complained(&format!("{train} --version 9")),
        "linfactl: models/m/9 exists; a version is never overwritten"
    );
    assert_eq!(folder.files("models/m/9"), before);
}

#[test]
fn the_model_card_says_how_the_model_was_made() {
    let folder = Folder::with("iris.csv", IRIS);
    folder.said(&format!(
        "train --csv iris.csv --target species --algorithm multinomial-logistic-regression --scale --name iris \
         --out models --created-at {CREATED_AT}"
    ));
    let card = fs_err::read_to_string(folder.path("models/iris/1/README.md")).unwrap();
    insta::assert_snapshot!(card, @r#"
    # iris

    A classification model, trained by `linfactl train` with linfa 0.8.1.

    | | |
    |---|---|
    | steps | standard_scaler, multinomial_logistic_regression |
    | algorithm | multinomial-logistic-regression, after standard scaling |
    | alpha | 1 |
    | max-iterations | 100 |
    | gradient-tolerance | 0.0001 |
    | without-intercept | false |
    | data | `iris.csv`, sha256:c52742e50315a99f956a383faedf7575552675f6409ef0f9a47076dd08479930 |
    | rows | 120 fitted, 30 held out (--test-split 0.2, --seed 42) |
    | answers | setosa, versicolor, virginica |
    | created | 2026-11-24T00:00:00Z |

    ## On the rows held out

    | metric | value |
    |---|---|
    | accuracy | 0.9667 |
    | log_loss | 0.1416 |
    | macro_f1 | 0.9683 |

    ## Features, as they were in training

    | feature | min | mean | max | std |
    |---|---|---|---|---|
    | sepal_length | 4.3000 | 5.8367 | 7.9000 | 0.8185 |
    | sepal_width | 2.0000 | 3.0575 | 4.4000 | 0.4214 |
    | petal_length | 1.1000 | 3.7208 | 6.7000 | 1.7430 |
    | petal_width | 0.1000 | 1.1750 | 2.5000 | 0.7527 |
    "#);
}

#[test]
fn what_cannot_be_trained_is_refused_in_a_sentence_and_nothing_is_written() {
    let tree = "--target species --algorithm decision-tree";
    let halves = "--target species --algorithm decision-tree --test-split 0.5 --seed 4";
    let line = "--target c --algorithm linear-regression --scale";
    for (csv, arguments, sentence) in [
        ("a,b,species\n1,2,x\n3,,y\n", tree, "data.csv: row 2, column `b`: the value is missing"),
        ("a,b,species\n1,2,x\n3,4,\n", tree, "data.csv: row 2, column `species`: the value is missing"),
        ("a,species\n1,x\ntwo,y\n", tree, "data.csv: row 2, column `a`: `two` is not a finite number"),
        ("a,b\n1,2\n", tree, "data.csv: there is no column `species`; there are a, b"),
        ("", tree, "data.csv: it is empty; a header and rows are needed"),
        ("a,species\n", tree, "data.csv: it has a header, but no rows"),
        (
            "a,species\n1,x\n2,x\n",
            tree,
            "column `species` has one class, `x`; there is nothing to tell apart",
        ),
        (
            "a,species\n1,0.1\n2,0.2\n3,0.3\n",
            tree,
            "column `species` has 3 classes in 3 rows; decision-tree learns classes, not numbers",
        ),
        (
            "a,species\n1,x\n2,x\n3,x\n4,y\n",
            halves,
            "every row of class `y` is held out; use another --seed or a smaller --test-split",
        ),
        ("a\n1\n", "--algorithm kmeans --test-split 0.5", "--test-split 0.5 leaves none of 1 rows to fit"),
        (
            IRIS,
            "--target species --algorithm logistic-regression",
            "logistic-regression tells two classes apart, column `species` has 3; \
             use multinomial-logistic-regression",
        ),
        (
            IRIS,
            "--target species --algorithm linear-regression",
            "data.csv: row 1, column `species`: `setosa` is not a finite number",
        ),
        (
            IRIS,
            "--target species --algorithm kmeans",
            "kmeans takes no --target; --ignore species leaves that column out",
        ),
        (IRIS, "--algorithm decision-tree", "decision-tree needs a --target"),
        (
            IRIS,
            "--target species --target petal_width --algorithm decision-tree",
            "decision-tree learns one --target, not 2",
        ),
        (
            "a,b,c\n1,2,3\n4,5,6\n",
            "--target a --target b --algorithm linear-regression",
            "linear-regression: this algorithm learns one target, not 2",
        ),
        (
            IRIS,
            "--target species --algorithm decision-tree --search alpha=1,2",
            "decision-tree has no --alpha",
        ),
        (
            IRIS,
            "--target species --algorithm decision-tree --search max-depth=2 --metric speed",
            "--max-depth 2: there is no metric `speed`; there are accuracy, macro_f1",
        ),
        (
            "a\n1\n2\n3\n",
            "--algorithm kmeans --n-clusters 9",
            "kmeans: --n-clusters is 9, there are 2 rows to fit",
        ),
        (
            "a\n1\n1\n1\n",
            "--algorithm kmeans --n-clusters 2",
            "no row is clearly nearest to cluster 0; use fewer --n-clusters",
        ),
        (
            "a,b,c\n1,1,1\n2,1,2\n3,1,3\n4,1,4\n5,1,5\n",
            line,
            "linear-regression: no single solution (a column is constant, or a sum of others as of --encode one-hot, or rows \
             are too few); ridge has one: Matrix is non-invertible",
        ),
    ] {
        let folder = Folder::with("data.csv", csv);
        let said = folder.complained(&format!("train --csv data.csv --name m --out models {arguments}"));
        assert_eq!(said, format!("linfactl: {sentence}"));
        assert!(!folder.path("models").exists(), "{said}");
    }
}

#[test]
fn each_algorithm_shows_its_own_flags() {
    let help = |arguments: &str| Folder::new().said(&format!("train {arguments} --help"));
    assert!(help("--algorithm kmeans").contains("--n-clusters <N_CLUSTERS>"));
    assert!(!help("--algorithm=decision-tree").contains("--n-clusters"));
    assert!(help("--algorithm=decision-tree").contains("--max-depth"));
    assert!(help("").contains("- decision-tree:"));
}

#[test]
fn a_search_keeps_the_best_combination_of_its_grid() {
    let folder = Folder::with("iris.csv", IRIS);
    let said = folder.said(
        "train --csv iris.csv --target species --algorithm multinomial-logistic-regression --scale --name m --out models \
         --search alpha=0.1,10000 --search max-iterations=50,100 --folds 3",
    );
    let tried: Vec<_> = said.lines().filter(|line| line.starts_with("--alpha")).collect();
    assert_eq!(tried.len(), 4, "{said}");
    let accuracy = |line: &&str| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
    assert!(tried.is_sorted_by(|a, b| accuracy(a) >= accuracy(b)), "{said}");
    // So strong a penalty leaves nothing of the features.
    assert!(tried[0].starts_with("--alpha 0.1 ") && accuracy(&tried[0]) > 0.9, "{said}");
    assert!(tried[3].starts_with("--alpha 10000 "), "{said}");
    let card = fs_err::read_to_string(folder.path("models/m/1/README.md")).unwrap();
    assert!(card.contains("| alpha | 0.1 |"), "{card}");
}

#[test]
fn a_fit_that_does_not_end_is_given_up() {
    let folder = Folder::with("data.csv", include_str!("../../../models/diabetes.csv"));
    let said = folder.complained(
        "train --csv data.csv --target progression --scale --algorithm poisson --give-up-after 1 --name m --out models",
    );
    assert!(said.starts_with("linfactl: the fit did not end within 1 s (--give-up-after)"), "{said}");
    assert!(!folder.path("models").exists());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let said =
        Folder::new().complained("train --csv no.csv --target c --algorithm decision-tree --name m --out o");
    assert_eq!(said, "linfactl: failed to open file `no.csv`: No such file or directory (os error 2)");
}

#[test]
fn a_class_that_the_model_never_answers_is_named() {
    let mut csv = "x,species\n10,rare\n10,rare\n".to_owned();
    for x in 0..40 {
        csv += &format!("{x},{}\n", if x < 20 { "left" } else { "right" });
    }
    let folder = Folder::with("data.csv", &csv);
    let said = folder.complained(
        "train --csv data.csv --target species --algorithm multinomial-logistic-regression --test-split 0 --name m --out o",
    );
    assert_eq!(
        said,
        "linfactl: the model never clearly answers `rare`, on no row of the data and none of 10000 drawn ones; \
         train with more rows of it, or without it"
    );
    assert!(!folder.path("o").exists());
}

#[test]
fn a_class_that_no_row_of_the_data_gets_is_shown_by_a_drawn_row() {
    // `far` is learned from one row, and so weakly that it wins only far beyond.
    let mut csv = "x,species\n".to_owned();
    for x in 0..40 {
        csv += &format!("{x},{}\n", if x < 20 { "left" } else { "right" });
    }
    csv += "41,far\n";
    let folder = Folder::with("data.csv", &csv);
    folder.said(
        "train --csv data.csv --target species --algorithm multinomial-logistic-regression --alpha 30 --test-split 0 --name m --out o",
    );
    let (_, golden) = load(&folder, "o/m/1");
    let far: Vec<_> = golden.rows().iter().filter(|row| row.choice == Some(0)).collect();
    assert!(!far.is_empty() && far.iter().all(|row| row.input[0].number() > Some(41.0)), "{far:?}");
}

#[test]
fn usage_errors_end_with_2() {
    let folder = Folder::new();
    for wrong in [
        "train --csv a.csv --algorithm forest --name m --out o",
        "train --csv a.csv --algorithm kmeans --alpha 2 --name m --out o",
        "train --csv a.csv --algorithm kmeans --search n-clusters --name m --out o",
        "train --csv a.csv --algorithm kmeans --name M --out o",
        "train --csv a.csv --algorithm kmeans --name m --out o --version 0",
        "train --csv a.csv --algorithm kmeans --name m --out o --test-split 1",
        "train --csv a.csv --algorithm kmeans --name m --out o --created-at yesterday",
    ] {
        assert_eq!(folder.run(wrong).status.code(), Some(2), "{wrong}");
    }
}
