//! Models whose features are categories, free texts and numbers that may be missing.

use artifact::testkit;
use client::{
    Answer, Code, Input, Series, Target,
    pb::{Column, Frame, feature::Kind, predict_request},
};

use crate::harness::{Server, Store, refused};

async fn passengers() -> Server {
    Server::ready(&Store::of(&[testkit::table("passengers")])).await
}

fn passenger(age: f64, sex: &str, port: &str) -> [(&'static str, Series); 4] {
    [
        ("port", vec![port.to_owned()].into()),
        ("sex", vec![sex.to_owned()].into()),
        ("age", vec![age].into()),
        ("fare", vec![8.0].into()),
    ]
}

async fn violations(server: &Server, input: Input) -> Vec<String> {
    let refusal = refused(server.client().await.predict(Target::model("passengers"), input).await);
    assert_eq!(refusal.code, Code::InvalidArgument, "{}", refusal.message);
    let violations = refusal.details.field_violations.iter();
    violations.map(|one| format!("{} {}: {}", one.reason, one.field, one.description)).collect()
}

#[tokio::test]
async fn categories_are_texts_and_what_is_missing_is_filled_in() {
    let server = passengers().await;
    let client = server.client().await;
    let label = async |age, sex, port| {
        let input = Input::columns(passenger(age, sex, port));
        client.predict(Target::model("passengers"), input).await.unwrap().labels().to_vec()
    };
    assert_eq!(label(22.0, "male", "S").await, ["lost"]);
    assert_eq!(label(22.0, "female", "S").await, ["survived"]);
    // As if it were 30, and from S: 8 - 30 + 40.
    assert_eq!(label(f64::NAN, "female", "").await, ["survived"]);
    assert_eq!(label(48.0, "female", "").await, ["lost"]);
    // 8 - 50 + 40, and 10 more from C; a port that nobody knows is not C.
    assert_eq!(label(50.0, "female", "C").await, ["survived"]);
    assert_eq!(label(50.0, "female", "nowhere").await, ["lost"]);
}

#[tokio::test]
async fn a_cell_that_does_not_fit_its_feature_is_named() {
    let server = passengers().await;
    let columns = |sex: &str, age, fare| {
        Input::columns([
            ("age", Series::from(vec![30.0, age])),
            ("fare", vec![1.0, fare].into()),
            ("sex", vec!["male".to_owned(), sex.to_owned()].into()),
            ("port", vec!["S".to_owned(), "C".to_owned()].into()),
        ])
    };
    assert_eq!(
        violations(&server, columns("man", f64::INFINITY, f64::NAN)).await,
        [
            "NOT_FINITE frame.columns[age].values[1]: row 1, column `age`: expected a finite number, got NaN or an infinity",
            "NOT_FINITE frame.columns[fare].values[1]: row 1, column `fare`: expected a finite number, got NaN or an infinity",
            "CATEGORY_UNKNOWN frame.columns[sex].texts[1]: row 1, column `sex`: expected one of female, male, got `man`",
        ]
    );
    assert_eq!(
        violations(&server, columns("", 1.0, 1.0)).await,
        [
            "VALUE_MISSING frame.columns[sex].texts[1]: row 1, column `sex`: expected one of female, male, got an empty text"
        ]
    );
}

#[tokio::test]
async fn columns_of_the_wrong_kind_or_length_and_matrices_are_refused() {
    let server = passengers().await;
    let wrong = Input::columns([
        ("age", Series::from(vec!["30".to_owned()])),
        ("fare", vec![1.0].into()),
        ("sex", vec![1.0].into()),
        ("port", vec!["S".to_owned(), "C".to_owned()].into()),
    ]);
    assert_eq!(
        violations(&server, wrong).await,
        [
            "COLUMN_TEXT frame.columns[age]: expected values, got texts",
            "COLUMN_VALUES frame.columns[sex]: expected texts, got values",
            "COLUMN_RAGGED frame.columns[port]: expected 1 texts as in `age`, got 2",
        ]
    );
    let both = Column { name: "age".to_owned(), values: vec![1.0], texts: vec!["1".to_owned()] };
    let both = predict_request::Input::Frame(Frame { columns: vec![both] }).into();
    let told = violations(&server, both).await;
    assert_eq!(told[0], "COLUMN_TEXT frame.columns[age]: expected values, got texts");
    assert_eq!(
        violations(&server, Input::rows(&[30.0, 1.0, 0.0, 0.0])).await,
        [
            "FRAME_NEEDED matrix: feature `sex` is a category, which no matrix holds; send a frame of named columns"
        ]
    );
}

#[tokio::test]
async fn free_texts_are_counted_whatever_stands_in_them() {
    let server = Server::ready(&Store::of(&[testkit::words("reviews")])).await;
    let texts = ["GOOD\u{0}good", "\u{202e}bad \u{1f600}", "", "not  good"];
    let input = Input::columns([
        ("stars", Series::from(vec![0.0; 4])),
        ("review", texts.map(str::to_owned).to_vec().into()),
    ]);
    let answer = server.client().await.predict(Target::model("reviews"), input).await.unwrap().answer;
    assert!(matches!(answer, Answer::Regression(told) if told.values == [4.0, -1.5, 0.0, -2.0]));
}

#[tokio::test]
async fn clients_are_told_the_kinds_of_features_and_their_categories() {
    let server = passengers().await;
    let listed = server.client().await.list_models().await.unwrap();
    let inputs = listed.models[0].versions[0].signature.clone().unwrap().inputs;
    let kinds: Vec<_> = inputs.iter().map(|input| (input.kind(), input.missing, input.unknown)).collect();
    let (number, category) = (Kind::Number, Kind::Category);
    assert_eq!(
        kinds,
        [(number, true, false), (number, false, false), (category, false, false), (category, true, true)]
    );
    assert_eq!(inputs[3].categories, ["C", "S"]);
}
