//! Tables of numbers, categories, texts and gaps: trained, verified, served, and scored by the names of their columns.

use std::fmt::Write as _;

use artifact::{Digest, FeatureKind, Golden, Manifest, Model};

use crate::{Folder, up::Up};

/// Passengers of whom women, children and those who paid much survived; some ages and ports are not known. Always the same.
fn passengers(rows: usize) -> String {
    let mut text = "id,age,fare,sex,port,fate\n".to_owned();
    for row in 0..rows {
        let (age, fare) = (2 + row * 37 % 71, (row * 53 % 97) as f64 + 0.25);
        let sex = ["male", "female", "male"][row % 3];
        let survived = sex == "female" || age < 12 || fare > 80.0;
        let age = if row % 11 == 5 { String::new() } else { age.to_string() };
        let port = ["S", "C", "S", "", "Q"][row * 7 % 5];
        let fate = if survived { "survived" } else { "lost" };
        writeln!(text, "{row},{age},{fare},{sex},{port},{fate}").unwrap();
    }
    text
}

const TRAIN: &str = "train --csv data.csv --target fate --ignore id --algorithm logistic-regression --scale --name m --out models";

fn load(folder: &Folder) -> Model {
    let read = |name: &str| fs_err::read(folder.path("models/m/1").join(name)).unwrap();
    let bytes = read("manifest.json");
    let manifest = Manifest::parse(&bytes).unwrap();
    let model = Model::load(manifest, Digest::of(&bytes), &read("model.safetensors")).unwrap();
    assert!(Golden::parse(&read("golden.jsonl")).unwrap().replay(&model).unwrap().rows >= 12);
    model
}

fn steps(model: &Model) -> Vec<&str> {
    model.manifest().steps.iter().map(artifact::StepSpec::kind).collect()
}

#[test]
fn a_table_with_categories_and_gaps_is_trained_and_passes_the_checks() {
    let folder = Folder::with("data.csv", &passengers(600));
    folder.said(&format!("{TRAIN} --impute median --impute port:most-frequent --unknown ignore"));
    let said = folder.said("verify models/m/1");
    assert!(said.contains("probe"), "{said}");
    let model = load(&folder);
    assert_eq!(steps(&model), ["imputer", "one_hot_encoder", "standard_scaler", "logistic_regression"]);
    assert!(model.manifest().training.metrics["accuracy"] > 0.85, "{:?}", model.manifest().training.metrics);
    let inputs = &model.manifest().inputs;
    let FeatureKind::Category(port) = &inputs[3].kind else { panic!("{:?}", inputs[3]) };
    assert_eq!(port.categories, ["C", "Q", "S"]);
    assert_eq!(port.missing_as.as_deref(), Some("S"));
    assert!(inputs[0].kind.may_be_missing() && !inputs[2].kind.may_be_missing());
}

#[test]
fn categories_become_positions_where_that_is_asked_and_numbers_may_be_categories() {
    let folder = Folder::with("data.csv", &passengers(300));
    folder.said(&format!(
        "{TRAIN} --impute mean --impute port:constant=unknown --encode sex:ordinal --category age --impute age:constant=none --test-split 0"
    ));
    let model = load(&folder);
    assert_eq!(
        steps(&model),
        ["imputer", "ordinal_encoder", "one_hot_encoder", "standard_scaler", "logistic_regression"]
    );
    let FeatureKind::Category(port) = &model.manifest().inputs[3].kind else { panic!("no category") };
    assert_eq!(port.categories, ["C", "Q", "S", "unknown"]);
    assert_eq!(port.counts, [60, 60, 120, 0]);
}

/// The columns of one-hot are 1 in sum, as the intercept is: least squares has no single answer to them.
#[test]
fn where_sums_of_columns_have_no_answer_the_first_category_goes_without_one() {
    let prices: String = (0..300).fold("colour,kind,area,size,price\n".to_owned(), |text, row| {
        let (colour, size) = (["red", "blue", "green"][row % 3], ["s", "l"][row * 7 % 5 % 2]);
        let area = row * 37 % 71;
        let price = 2 * area + 10 * (row % 3) + 5 * usize::from(size == "l") + row * 53 % 97 / 20;
        text + &format!("{colour},{},{area},{size},{price}\n", ["x", "y"][row * 11 % 7 % 2])
    });
    let train = "train --csv data.csv --target price --name m --out models --algorithm linear-regression";
    let folder = Folder::with("data.csv", &prices);
    folder.said(train);
    folder.said("verify models/m/1");
    assert_eq!(steps(&load(&folder)), ["one_hot_encoder", "linear_regression"]);
    assert!(load(&folder).manifest().training.metrics["r2"] > 0.99);
    assert_eq!(
        folder.complained(&format!("{train} --encode one-hot")),
        "linfactl: linear-regression: no single solution (a column is constant, or a sum of others as of --encode one-hot, or \
         rows are too few); ridge has one"
    );

    // Without an intercept one of them may be whole; each step finds the columns where the one before has left them.
    let folder = Folder::with("data.csv", &prices);
    folder.said(&format!("{train} --without-intercept --encode colour:one-hot --encode size:ordinal"));
    folder.said("verify models/m/1");
    assert_eq!(
        serde_json::to_value(&load(&folder).manifest().steps[1..3]).unwrap(),
        serde_json::json!([
            { "kind": "one_hot_encoder", "columns": [0] },
            { "kind": "one_hot_encoder", "columns": [3], "drop_first": true },
        ])
    );
}

#[test]
fn what_a_column_holds_is_never_guessed_from_half_of_it() {
    let said = |csv: &str, more: &str| {
        let folder = Folder::with("data.csv", csv);
        folder.complained(&format!("{TRAIN} {more}"))
    };
    assert_eq!(said(&passengers(60), ""), "linfactl: data.csv: row 5, column `port`: the value is missing");
    assert_eq!(
        said(&passengers(60).replace("\n7,", "\n7,n/a,"), "--impute mean"),
        "linfactl: data.csv: row 8 has 7 fields, the header has 6"
    );
    let ages = passengers(60).replacen("\n3,", "\n3,unknown", 1);
    assert!(
        said(&ages, "--impute mean").starts_with("linfactl: data.csv: row 4, column `age`: `unknown"),
        "{}",
        said(&ages, "--impute mean")
    );
    assert_eq!(
        said(&passengers(60), "--impute mean --impute sex:mean"),
        "linfactl: data.csv: column `sex` holds categories, which have no mean or median; most-frequent or constant=VALUE does"
    );
    assert_eq!(
        said(&passengers(60), "--impute cabin:mean"),
        "linfactl: data.csv: there is no column `cabin`"
    );
}

#[test]
fn texts_are_weighed_by_their_words() {
    let mut text = "review,stars,verdict\n".to_owned();
    for row in 0..120 {
        let word = if row % 2 == 0 { "splendid" } else { "dreadful" };
        let verdict = if row % 2 == 0 { "good" } else { "bad" };
        writeln!(text, "\"number {row}, a {word} film\",{},{verdict}", row % 5).unwrap();
    }
    let folder = Folder::with("data.csv", &text);
    folder.said(
        "train --csv data.csv --target verdict --text review --algorithm logistic-regression --name m --out models",
    );
    folder.said("verify models/m/1");
    let model = load(&folder);
    assert_eq!(steps(&model), ["tf_idf", "logistic_regression"]);
    assert_eq!(model.manifest().training.metrics["accuracy"], 1.0);
}

/// The answers to it are linfa's own: golden rows.
#[test]
fn words_are_made_counted_and_weighed_as_the_flags_say() {
    let mut text = "review,verdict\n".to_owned();
    for row in 0..120 {
        let (word, verdict) = if row % 2 == 0 { ("A Splendid", "good") } else { ("no splendid", "bad") };
        writeln!(text, "\"{word} film, number {row}\",{verdict}").unwrap();
    }
    let trained = |flags: &str| {
        let folder = Folder::with("data.csv", &text);
        folder.said(&format!(
            "train --csv data.csv --target verdict --text review --algorithm logistic-regression --name m --out models {flags}"
        ));
        serde_json::to_value(&load(&folder).manifest().steps[0]).unwrap()
    };
    let n_grams =
        trained("--n-gram-range 1,2 --document-frequency 0.4,1 --stopwords film,number --weights counts");
    let expected = serde_json::json!({
        "kind": "count_vectorizer", "column": 0, "normalize": true, "lowercase": true, "n_grams": [1, 2],
        "vocabulary": ["film number", "no", "no splendid", "splendid", "splendid film"],
    });
    assert_eq!(n_grams, expected);
    let few =
        trained("--test-split 0 --max-features 4 --without-lowercase --without-normalize --weights textbook");
    let expected = serde_json::json!({
        "kind": "tf_idf", "column": 0, "normalize": false, "lowercase": false, "n_grams": [1, 1],
        "vocabulary": ["film", "no", "number", "splendid"],
    });
    assert_eq!(few, expected);

    let folder = Folder::with("data.csv", &text);
    let refused = |flags: &str| crate::text(&folder.run(&format!("{TRAIN} {flags}")).stderr).to_owned();
    assert!(
        refused("--text review --n-gram-range 2")
            .contains("it is two numbers with a comma between, as in 1,2")
    );
    assert!(refused("--n-gram-range 1,2").contains("--text <COLUMN>"));
}

#[test]
fn a_file_without_a_header_has_numbered_columns() {
    let text = passengers(200);
    let folder = Folder::with("data.csv", text.split_once('\n').unwrap().1);
    folder.said(
        "train --csv data.csv --no-header --target c5 --ignore c0 --algorithm logistic-regression --impute median \
         --impute c4:constant=S --name m --out models",
    );
    let names: Vec<_> = load(&folder).manifest().inputs.iter().map(|input| input.name.clone()).collect();
    assert_eq!(names, ["c1", "c2", "c3", "c4"]);
}

/// From the file to the answers, through the sidecar and the server: columns by name, in another order, with gaps.
#[test]
fn a_trained_table_is_served_and_scored_by_the_names_of_its_columns() {
    let folder = Folder::with("data.csv", &passengers(600));
    folder.said(&format!("{TRAIN} --impute median --impute port:most-frequent --unknown ignore"));
    let mut up = Up::start(&folder, &["--data", "data"]).ready();
    let asked = "port,sex,fare,age\nS,female,20,30\nS,male,10,40\n,female,5,\nNowhere,male,1,66\n";
    fs_err::write(folder.path("asked.csv"), asked).unwrap();
    let (server, key) = (up.endpoint(), up.place("key"));
    let predict = format!("predict --server {server} --key-file {} --model m --format json", key.display());
    let said: serde_json::Value =
        serde_json::from_str(&folder.said(&format!("{predict} --csv asked.csv"))).unwrap();
    let labels: Vec<_> = said["rows"].as_array().unwrap().iter().map(|row| row["label"].clone()).collect();
    assert_eq!(labels, ["survived", "lost", "survived", "lost"]);
    assert_eq!(said["model"]["version"], 1);

    fs_err::write(folder.path("asked.csv"), asked.replace("female", "\"\"")).unwrap();
    let refused = folder.complained(&format!("{predict} --csv asked.csv"));
    assert!(
        refused.contains("row 0, column `sex`: expected one of female, male, got an empty text"),
        "{refused}"
    );

    // The same rows by a stream, a few at a time, and into a file.
    let stream = "--csv data.csv --ignore id --ignore fate --batch 7 --out answers.csv";
    let predict = predict.replace(" --format json", "");
    let said = folder.said(&format!("{predict} {stream}"));
    assert!(said.starts_with("600 rows answered by m version 1, sha256:"), "{said}");
    let whole: serde_json::Value = serde_json::from_str(
        &folder.said(&format!("{predict} --csv data.csv --ignore id --ignore fate --format json")),
    )
    .unwrap();
    let answers = fs_err::read_to_string(folder.path("answers.csv")).unwrap();
    let (header, lines) = answers.split_once('\n').unwrap();
    assert_eq!(header, "label,lost,survived");
    assert_eq!(lines.lines().count(), 600);
    for (line, row) in lines.lines().zip(whole["rows"].as_array().unwrap()) {
        let cells: Vec<_> = line.split(',').collect();
        let share = |cell: usize| serde_json::json!(cells[cell].parse::<f64>().unwrap());
        let expected = serde_json::json!({
            "label": cells[0], "probabilities": { "lost": share(1), "survived": share(2) },
        });
        assert_eq!(*row, expected);
    }

    // What is wrong far down is told, and leaves the file as it was.
    let data = passengers(600);
    let (before, after) = data.split_once("\n500,").unwrap();
    let broken = format!("{before}\n500,{}", after.replacen("male", "", 1));
    fs_err::write(folder.path("data.csv"), broken).unwrap();
    let refused = folder.complained(&format!("{predict} {stream}"));
    assert!(refused.starts_with("linfactl: data.csv: after 497 rows: "), "{refused}");
    assert_eq!(fs_err::read_to_string(folder.path("answers.csv")).unwrap(), answers);
    let refused = folder.complained(&format!("{predict} {stream}").replace("answers.csv", "/dev/null"));
    assert_eq!(refused, "linfactl: /dev/null is no plain file, which could be replaced");
}
