use artifact::testkit;
use bytes::Bytes;
use client::{
    Answer, Code, Input, Refusal, Target,
    pb::{Column, Frame, Matrix, PredictRequest, predict_request},
};

use crate::harness::{KEY, PREDICT, Server, Store, raw_call, refused, said};

const SETOSA: [f64; 4] = [5.1, 3.5, 1.4, 0.2];
const NAMES: [&str; 4] = ["sepal_length", "sepal_width", "petal_length", "petal_width"];

async fn iris() -> Server {
    Server::ready(&Store::of(&[testkit::classifier("iris")])).await
}

fn matrix(matrix: Matrix) -> Input {
    predict_request::Input::Matrix(matrix).into()
}

fn frame(columns: &[(&str, &[f64])]) -> Input {
    Input::columns(columns.iter().map(|(name, values)| (*name, values.to_vec())))
}

async fn refusal(server: &Server, input: Input) -> Refusal {
    let answer = server.client().await.predict(Target::model("iris"), input).await;
    let refusal = refused(answer);
    assert_eq!(refusal.code, Code::InvalidArgument, "{}", refusal.message);
    server.still_answers("iris", &SETOSA).await;
    refusal
}

/// Each violation as `REASON field: description`.
fn violations(refusal: &Refusal) -> Vec<String> {
    let violations = refusal.details.field_violations.iter();
    violations.map(|one| format!("{} {}: {}", one.reason, one.field, one.description)).collect()
}

#[tokio::test]
async fn every_encoding_of_the_same_rows_has_the_same_answer() {
    let server = iris().await;
    let client = server.client().await;
    let rows = [SETOSA, [6.0, 2.75, 4.5, 1.5]].concat();
    let f64_le: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
    let column = |index: usize| (NAMES[index], vec![rows[index], rows[index + 4]]);
    let inputs = [
        Input::rows(&rows),
        Input::rows_of(4, &rows),
        matrix(Matrix { f64_le: f64_le.into(), ..Matrix::default() }),
        Input::columns([3, 1, 0, 2].map(column)),
    ];
    let mut answers = Vec::new();
    for input in inputs {
        let prediction = client.predict(Target::model("iris"), input).await.unwrap();
        assert_eq!(prediction.labels(), ["setosa", "versicolor"]);
        answers.push(prediction.numbers().iter().map(|number| number.to_bits()).collect::<Vec<_>>());
    }
    assert!(answers.iter().all(|answer| answer == &answers[0] && answer.len() == 6));

    // f32 is widened exactly, so that a row of representable values answers alike.
    let exact = [5.0, 3.5, 1.5, 0.25];
    let f32_le: Vec<u8> = exact.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect();
    let narrow = matrix(Matrix { f32_le: f32_le.into(), ..Matrix::default() });
    let narrow = client.predict(Target::model("iris"), narrow).await.unwrap();
    let wide = client.predict(Target::model("iris"), Input::rows(&exact)).await.unwrap();
    assert_eq!(narrow, wide);
}

#[tokio::test]
async fn each_task_has_its_kind_of_answer() {
    let packs = [
        testkit::linear("line", 2.0),
        testkit::binary("yesno"),
        testkit::clusters("groups"),
        testkit::mixture("blends"),
        testkit::tree("levels"),
    ];
    let server = Server::ready(&Store::of(&packs)).await;
    let client = server.client().await;
    let answer = async |model: &str, row: &[f64]| {
        client.predict(Target::model(model), Input::rows(row)).await.unwrap().answer
    };
    assert!(matches!(
        answer("line", &[2.0, 3.0]).await,
        Answer::Regression(regression) if regression.values == [8.0] && regression.targets == ["value"]
    ));
    assert!(matches!(
        answer("yesno", &[1.0, 1.0]).await,
        Answer::Classification(told) if told.labels == ["yes"] && told.classes == ["no", "yes"] && told.probabilities.len() == 2
    ));
    assert!(matches!(
        answer("groups", &[13.0, 4.0]).await,
        Answer::Clustering(told) if told.cluster == [1] && told.distances[1] == 5.0
    ));
    let Answer::Clustering(told) = answer("blends", &[2.125, 1.0]).await else {
        panic!("a mixture clusters");
    };
    assert_eq!((told.cluster, told.distances), (vec![1], Vec::new()));
    assert!((told.probabilities[1] - 1.0 / (1.0 + (-0.5_f64).exp())).abs() < 1e-12);
    assert!(matches!(
        answer("levels", &[2.0, 0.5]).await,
        Answer::Classification(told) if told.labels == ["middle"] && told.probabilities.is_empty()
    ));
}

#[tokio::test]
async fn rows_of_another_width_are_refused() {
    let server = iris().await;
    let names = "sepal_length, sepal_width, petal_length, petal_width";
    let told = refusal(&server, Input::rows(&SETOSA[..3])).await;
    assert_eq!(told.message, format!("matrix: 3 values do not form rows of 4 ({names})"));
    assert_eq!(
        violations(&told),
        [format!("VALUES_RAGGED matrix: 3 values do not form rows of 4 ({names})")]
    );
    let told = refusal(&server, Input::rows_of(2, &SETOSA)).await;
    assert_eq!(told.message, format!("matrix.columns: expected 4 ({names}), got 2"));
}

#[tokio::test]
async fn no_rows_are_refused() {
    let server = iris().await;
    let told = refusal(&server, Input::rows(&[])).await;
    assert_eq!(told.message, "matrix: expected at least one row, got none");
    let columns = NAMES.map(|name| (name, &[][..]));
    let told = refusal(&server, frame(&columns)).await;
    assert_eq!(told.message, "frame: expected at least one row, got none");
    assert_eq!(violations(&told), ["ROWS_MISSING frame: expected at least one row, got none"]);

    let nothing = PredictRequest { model: "iris".to_owned(), choice: None, input: None };
    let status = server.client().await.raw_predict().predict(nothing).await.unwrap_err();
    assert_eq!(status.message(), "input: expected a matrix or a frame, got neither");
}

#[tokio::test]
async fn values_that_are_not_finite_are_refused_by_row_and_column() {
    let server = iris().await;
    let mut rows = [SETOSA, SETOSA].concat();
    rows[1] = f64::NAN;
    rows[6] = f64::NEG_INFINITY;
    let told = refusal(&server, Input::rows(&rows)).await;
    let said =
        |row, name| format!("row {row}, column `{name}`: expected a finite number, got NaN or an infinity");
    assert_eq!(told.message, format!("matrix.values[1]: {}", said(0, "sepal_width")));
    let expected = [
        format!("NOT_FINITE matrix.values[1]: {}", said(0, "sepal_width")),
        format!("NOT_FINITE matrix.values[6]: {}", said(1, "petal_length")),
    ];
    assert_eq!(violations(&told), expected);

    let columns = [
        (NAMES[3], &[0.2, f64::INFINITY][..]),
        (NAMES[0], &[5.0; 2]),
        (NAMES[1], &[3.0; 2]),
        (NAMES[2], &[1.0; 2]),
    ];
    let told = refusal(&server, frame(&columns)).await;
    assert_eq!(told.message, format!("frame.columns[petal_width].values[1]: {}", said(1, "petal_width")));

    // The same through the packed encodings, for every kind of value that is no number.
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let bytes: Vec<u8> = [1.0, bad, 1.0, 1.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let told = refusal(&server, matrix(Matrix { f32_le: bytes.into(), ..Matrix::default() })).await;
        assert_eq!(told.message, format!("matrix.f32_le[1]: {}", said(0, "sepal_width")));
    }
}

#[tokio::test]
async fn bytes_that_end_too_early_and_two_encodings_at_once_are_refused() {
    let server = iris().await;
    let torn = matrix(Matrix { f64_le: vec![0; 33].into(), ..Matrix::default() });
    let told = refusal(&server, torn).await;
    assert_eq!(told.message, "matrix.f64_le: 33 bytes do not form numbers of 8 bytes");
    assert_eq!(told.details.field_violations[0].reason, "BYTES_TORN");

    let ragged = matrix(Matrix { f32_le: vec![0; 20].into(), ..Matrix::default() });
    let told = refusal(&server, ragged).await;
    assert!(told.message.starts_with("matrix: 5 values do not form rows of 4"), "{}", told.message);

    let both = Matrix { values: SETOSA.to_vec(), f64_le: vec![0; 32].into(), ..Matrix::default() };
    let told = refusal(&server, matrix(both)).await;
    assert_eq!(told.message, "matrix: expected one of values, f32_le and f64_le, got more than one");
    assert_eq!(told.details.field_violations[0].reason, "ENCODING_AMBIGUOUS");
}

#[tokio::test]
async fn columns_that_do_not_match_are_all_told_at_once() {
    let server = iris().await;
    let columns = [
        ("sepal_length", &[5.1, 4.9][..]),
        ("sepal_width", &[3.5]),
        ("petal_length", &[1.4, 1.4]),
        ("petal_length", &[1.4, 1.4]),
        ("colour", &[1.0, 2.0]),
    ];
    let told = refusal(&server, frame(&columns)).await;
    assert_eq!(told.message, "frame.columns[petal_length]: this column occurs twice");
    let names = "sepal_length, sepal_width, petal_length, petal_width";
    let expected = [
        "COLUMN_DUPLICATE frame.columns[petal_length]: this column occurs twice".to_owned(),
        "COLUMN_MISSING frame.columns[petal_width]: this column is missing".to_owned(),
        format!("COLUMN_UNKNOWN frame.columns[colour]: the model has no such feature; it has {names}"),
        "COLUMN_RAGGED frame.columns[sepal_width]: expected 2 values as in `sepal_length`, got 1".to_owned(),
    ];
    assert_eq!(violations(&told), expected);

    let texts = Column { name: NAMES[0].to_owned(), values: Vec::new(), texts: vec!["long".to_owned()] };
    let rest = NAMES[1..].iter().map(|name| Column {
        name: (*name).to_owned(),
        values: vec![1.0],
        texts: Vec::new(),
    });
    let text_frame = Frame { columns: rest.chain([texts]).collect() };
    let told = refusal(&server, predict_request::Input::Frame(text_frame).into()).await;
    assert_eq!(told.message, "frame.columns[sepal_length]: expected values, got texts");
}

#[tokio::test]
async fn more_rows_than_a_call_may_have_are_refused() {
    let store = Store::of(&[testkit::classifier("iris")]);
    let mut settings = store.settings();
    settings.limits.rows = 2;
    let server = Server::ready_with(settings).await;
    let told = refusal(&server, Input::rows(&SETOSA.repeat(3))).await;
    assert_eq!(told.message, "matrix: expected at most 2 rows, got 3");
    assert_eq!(told.details.field_violations[0].reason, "ROWS_TOO_MANY");
    assert_eq!(server.still_answers("iris", &SETOSA.repeat(2)).await.labels().len(), 2);
}

#[tokio::test]
async fn names_of_any_length_still_get_an_answer_that_a_client_can_read() {
    let server = iris().await;
    let client = server.client().await;
    let long = "ü".repeat(100_000);
    for target in [Target::model(long.clone()), Target::model("iris").label(long.clone())] {
        let refusal = refused(client.predict(target, Input::rows(&SETOSA)).await);
        assert_eq!(refusal.code, Code::NotFound);
        assert!(refusal.message.len() < 1100 && refusal.message.ends_with('…'), "{}", refusal.message.len());
    }
    let columns = (0..15).map(|index| (format!("{index}{long}"), vec![1.0]));
    let refusal = refused(client.predict(Target::model("iris"), Input::columns(columns)).await);
    assert_eq!(refusal.code, Code::InvalidArgument);
    assert!(!refusal.details.field_violations.is_empty());
    server.still_answers("iris", &SETOSA).await;
}

#[tokio::test]
async fn an_answer_too_wide_for_a_response_is_refused_before_it_is_computed() {
    // Three distances for each row of two values: an answer may be larger than its question.
    let store = Store::of(&[testkit::clusters("groups")]);
    let mut settings = store.settings();
    settings.limits.response_bytes = 4096;
    let server = Server::ready_with(settings).await;
    let most = 4096 / 8 / 3;
    let rows = |count: usize| Input::rows(&[1.0, 2.0].repeat(count));
    let refusal = refused(server.client().await.predict(Target::model("groups"), rows(most + 1)).await);
    let sentence = format!("matrix: expected at most {most} rows, got {}", most + 1);
    assert_eq!((refusal.code, refusal.message), (Code::InvalidArgument, sentence));
    server.still_answers("groups", &[1.0, 2.0]).await;
}

#[tokio::test]
async fn a_result_that_is_no_number_is_out_of_range_by_row_and_step() {
    let server = Server::ready(&Store::of(&[testkit::linear("line", 2.0)])).await;
    let client = server.client().await;
    let answer = client.predict(Target::model("line"), Input::rows(&[1.0, 1.0, f64::MAX, 1.0])).await;
    let refusal = refused(answer);
    let sentence = "row 1: the result of step 0 (`linear_regression`) is too large for a number";
    assert_eq!((refusal.code, refusal.message.as_str()), (Code::OutOfRange, sentence));
    assert_eq!(refusal.details.field_violations[0].field, "rows[1]");
    server.still_answers("line", &[1.0, 1.0]).await;
}

#[tokio::test]
async fn bytes_that_are_no_message_are_the_callers_mistake() {
    let server = iris().await;
    // A string that is not UTF-8, a group that is never closed, a length beyond the end.
    for bytes in [&b"\x0a\x02\xff\xfe"[..], b"\x0b", b"\x22\x7f\x00"] {
        let body = tokio_stream::once(Bytes::from_static(bytes));
        let (code, sentence) = said(raw_call(server.channel().await, PREDICT, Some(KEY), body).await);
        assert_eq!(code, Code::InvalidArgument, "{sentence}");
        assert!(sentence.starts_with("the message is no valid protobuf of its type: "), "{sentence}");
    }
    server.still_answers("iris", &SETOSA).await;
}
