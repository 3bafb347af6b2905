use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use artifact::{catalog::Status, testkit};
use bytes::Bytes;
use client::{
    Code, Input, Target,
    pb::{PredictRequest, PredictResponse, predict_request, predict_response::Prediction},
};
use http::uri::PathAndQuery;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Request, Status as WireStatus, Streaming};
use tonic_types::StatusExt as _;

use crate::{
    harness::{IRIS_KEY, KEY, PATIENCE, Server, Store, eventually},
    raw::RawCodec,
};

const PREDICT_STREAM: &str = "/linfa.serve.v1.PredictService/PredictStream";

fn store() -> Store {
    Store::of(&[testkit::linear("line", 2.0), testkit::classifier("iris"), testkit::halves("wide", 128)])
}

/// One stream, of whose messages each is sent when the test says so.
struct Talk {
    messages: mpsc::Sender<PredictRequest>,
    answers: Streaming<PredictResponse>,
}

impl Talk {
    async fn begin(server: &Server) -> Self {
        Self::try_begin(server, KEY, None).await.unwrap()
    }

    async fn try_begin(server: &Server, key: &str, deadline: Option<Duration>) -> Result<Self, WireStatus> {
        let (messages, sent) = mpsc::channel(1);
        let mut request = Request::new(ReceiverStream::new(sent));
        if let Some(deadline) = deadline {
            request.set_timeout(deadline);
        }
        let mut client = server.client_with(key).await.raw_predict();
        Ok(Self { messages, answers: client.predict_stream(request).await?.into_inner() })
    }

    async fn send(&self, message: PredictRequest) {
        timeout(PATIENCE, self.messages.send(message)).await.expect("it is read in time").unwrap();
    }

    async fn next(&mut self) -> Option<Result<PredictResponse, WireStatus>> {
        timeout(PATIENCE, self.answers.next()).await.expect("an answer in time")
    }

    async fn ask(&mut self, message: PredictRequest) -> PredictResponse {
        self.send(message).await;
        self.next().await.expect("an answer").unwrap()
    }

    /// How it ends.
    async fn end(&mut self) -> WireStatus {
        self.next().await.expect("a status").expect_err("no further answer")
    }
}

fn message(model: &str, values: &[f64]) -> PredictRequest {
    let input: predict_request::Input = Input::rows(values).into();
    PredictRequest { model: model.to_owned(), choice: None, input: Some(input) }
}

/// 1000 rows of the wide model: 1 MB each way.
fn wide() -> PredictRequest {
    message("wide", &vec![1.0; 128_000])
}

fn values(answer: PredictResponse) -> Vec<f64> {
    match answer.prediction.unwrap() {
        Prediction::Regression(answer) => answer.values,
        other => panic!("no regression: {other:?}"),
    }
}

/// The details, in an order of their own.
fn told(status: &WireStatus) -> String {
    let mut details = status.get_error_details();
    let facts: BTreeMap<_, _> =
        details.error_info().map(|info| info.metadata.clone()).unwrap_or_default().into_iter().collect();
    if let Some(info) = details.error_info().cloned() {
        details.set_error_info(info.reason, info.domain, HashMap::new());
    }
    format!("{details:?} {facts:?}")
}

fn settings(store: &Store, change: impl FnOnce(&mut linfa_serve::limits::Limits)) -> linfa_serve::Settings {
    let mut settings = store.settings();
    change(&mut settings.limits);
    settings
}

#[tokio::test]
async fn messages_are_answered_in_their_order_each_by_the_model_that_it_names() {
    let server = Server::ready(&store()).await;
    let messages: Vec<_> = (0..200)
        .map(|index| match index % 7 {
            0 => message("iris", &[5.1, 3.5, 1.4, 0.2]),
            _ => message("line", &[f64::from(index), 0.0]),
        })
        .collect();
    let mut client = server.client().await.raw_predict();
    let mut answers = client.predict_stream(tokio_stream::iter(messages)).await.unwrap().into_inner();
    for index in 0..200 {
        let answer = answers.next().await.unwrap().unwrap();
        match index % 7 {
            0 => assert_eq!(answer.model.unwrap().name, "iris"),
            _ => assert_eq!(values(answer), [2.0 * f64::from(index) + 1.0]),
        }
    }
    assert!(answers.next().await.is_none(), "it ends when its client has sent all");
}

#[tokio::test]
async fn a_stream_without_messages_ends_without_answers() {
    let server = Server::ready(&store()).await;
    let mut client = server.client().await.raw_predict();
    let mut answers = client.predict_stream(tokio_stream::empty()).await.unwrap().into_inner();
    assert!(answers.next().await.is_none());
}

#[tokio::test]
async fn a_bad_message_ends_the_stream_with_the_status_that_predict_would_give() {
    let server = Server::ready(&store()).await;
    for bad in [
        message("nobody", &[1.0, 2.0]),
        message("line", &[1.0, 2.0, 3.0]),
        message("line", &[1.0, f64::NAN]),
        message("line", &[1.7e308, 0.0]),
        message("line", &vec![0.0; 200_002]),
        message("", &[1.0, 2.0]),
        PredictRequest { model: "line".to_owned(), ..PredictRequest::default() },
    ] {
        let alone = server.client().await.raw_predict().predict(bad.clone()).await.unwrap_err();
        let mut talk = Talk::begin(&server).await;
        assert_eq!(values(talk.ask(message("line", &[1.0, 2.0])).await), [5.0]);
        talk.send(bad).await;
        let ended = talk.end().await;
        assert_eq!((ended.code(), ended.message()), (alone.code(), alone.message()));
        assert_eq!(told(&ended), told(&alone));
        assert!(talk.next().await.is_none());
    }
    server.still_answers("line", &[2.0, 3.0]).await;
}

#[tokio::test]
async fn bytes_that_are_no_message_end_the_stream_after_the_answers_before_them() {
    let server = Server::ready(&store()).await;
    let good: Bytes = prost::Message::encode_to_vec(&message("line", &[1.0, 2.0])).into();
    let mut request = Request::new(tokio_stream::iter([good, Bytes::from_static(b"\xff\xff\xff")]));
    request.metadata_mut().insert("authorization", format!("Bearer {KEY}").parse().unwrap());
    let mut grpc = tonic::client::Grpc::new(server.channel().await);
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static(PREDICT_STREAM);
    let mut answers = grpc.streaming(request, path, RawCodec).await.unwrap().into_inner();
    assert!(!answers.next().await.unwrap().unwrap().is_empty());
    let ended = answers.next().await.unwrap().unwrap_err();
    assert_eq!(ended.code(), Code::InvalidArgument);
    assert!(ended.message().starts_with("the message is no valid protobuf of its type"), "{ended:?}");
}

#[tokio::test]
async fn a_message_over_the_limit_ends_the_stream() {
    let server = Server::ready(&store()).await;
    let mut talk = Talk::begin(&server).await;
    talk.ask(message("line", &[1.0, 2.0])).await;
    talk.send(message("line", &vec![1.0; 5_000_000 / 8])).await;
    assert_eq!(talk.end().await.code(), Code::OutOfRange);
}

#[tokio::test]
async fn each_message_needs_the_keys_scope_for_its_model() {
    let server = Server::ready(&store()).await;
    let mut talk = Talk::try_begin(&server, IRIS_KEY, None).await.unwrap();
    talk.ask(message("iris", &[5.1, 3.5, 1.4, 0.2])).await;
    talk.send(message("line", &[1.0, 2.0])).await;
    let ended = talk.end().await;
    assert_eq!(ended.code(), Code::PermissionDenied);
    assert_eq!(ended.message(), "the API key lacks the scope `predict:line`");
    let refused = Talk::try_begin(&server, "lsk_wrong", None).await.err().unwrap();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_message_is_answered_by_the_version_that_serves_when_it_comes() {
    let mut store = store();
    let server = Server::ready(&store).await;
    let mut talk = Talk::begin(&server).await;
    let row = message("line", &[1.0, 0.0]);
    assert_eq!(values(talk.ask(row.clone()).await), [3.0]);
    store.admit(&testkit::linear("line", 7.0), 2);
    store.publish();
    server.applied(store.catalog.sequence).await;
    let answer = talk.ask(row.clone()).await;
    assert_eq!(answer.model.as_ref().unwrap().version, 2);
    assert_eq!(values(answer), [8.0]);

    // Withdrawn: what the stream had asked before keeps nothing alive.
    let line = store.model("line");
    (line.default, line.serving) = (None, Vec::new());
    line.versions.iter_mut().for_each(|version| version.status = Status::Withdrawn);
    store.publish();
    server.applied(store.catalog.sequence).await;
    talk.send(row).await;
    let ended = talk.end().await;
    assert_eq!(ended.code(), Code::FailedPrecondition);
    assert_eq!(ended.message(), "model `line` has no version that serves");
}

#[tokio::test]
async fn the_callers_deadline_ends_a_stream_in_the_middle() {
    let server = Server::ready(&store()).await;
    let mut talk = Talk::try_begin(&server, KEY, Some(Duration::from_secs(1))).await.unwrap();
    talk.ask(message("line", &[1.0, 2.0])).await;
    let ended = talk.end().await;
    assert_eq!(ended.code(), Code::DeadlineExceeded);
    assert_eq!(ended.message(), "the deadline passed before the answer was computed");
}

#[tokio::test]
async fn a_stream_ends_with_the_age_of_connections() {
    let store = store();
    let server = Server::ready_with(settings(&store, |limits| limits.connection_age_seconds = 1)).await;
    let mut talk = Talk::begin(&server).await;
    talk.ask(message("line", &[1.0, 2.0])).await;
    let ended = talk.end().await;
    assert_eq!(ended.code(), Code::Unavailable);
    assert_eq!(ended.message(), "the call has lasted as long as a connection may; call again");
    assert!(ended.get_details_retry_info().is_some());
}

#[tokio::test]
async fn a_stop_answers_what_has_come_and_ends_the_stream() {
    let store = store();
    let mut settings = store.settings();
    settings.drain.seconds = 60;
    let server = Server::ready_with(settings).await;
    let mut talk = Talk::begin(&server).await;
    talk.ask(message("line", &[1.0, 2.0])).await;
    let began = Instant::now();
    let stopped = server.stop();
    let ended = talk.end().await;
    assert_eq!(ended.code(), Code::Unavailable);
    assert_eq!(ended.message(), "the server is shutting down; call another one");
    assert!(ended.get_details_retry_info().is_some());
    stopped.await.unwrap().unwrap();
    assert!(began.elapsed().as_secs() < 60, "the drain was held to its limit");
}

#[tokio::test]
async fn streams_have_places_of_their_own_until_their_client_leaves() {
    let store = store();
    let settings = settings(&store, |limits| (limits.streams, limits.calls) = (1, 1));
    let server = Server::ready_with(settings).await;
    let mut talk = Talk::begin(&server).await;
    talk.ask(message("line", &[1.0, 2.0])).await;
    let full = Talk::try_begin(&server, KEY, None).await.err().unwrap();
    assert_eq!(full.code(), Code::ResourceExhausted);
    assert!(full.get_details_retry_info().is_some());
    server.still_answers("line", &[2.0, 3.0]).await;
    drop(talk);
    eventually("the place is free", async || Talk::try_begin(&server, KEY, None).await.ok()).await;
}

#[tokio::test]
async fn a_client_that_vanishes_leaves_its_place_at_once() {
    let store = store();
    let server = Server::ready_with(settings(&store, |limits| limits.streams = 1)).await;
    // Below the gRPC libraries, which would end what they send.
    let socket = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let (mut calls, connection) = h2::client::handshake(socket).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::post(format!("http://test{PREDICT_STREAM}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {KEY}"))
        .body(())
        .unwrap();
    let (response, _body) = calls.send_request(request, false).unwrap();
    response.await.unwrap();
    assert_eq!(Talk::try_begin(&server, KEY, None).await.err().unwrap().code(), Code::ResourceExhausted);
    let began = Instant::now();
    connection.abort();
    eventually("the place is free", async || Talk::try_begin(&server, KEY, None).await.ok()).await;
    assert!(began.elapsed().as_secs() < store.settings().limits.stream_idle_seconds, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_client_that_sends_nothing_is_told_so_in_time() {
    let store = store();
    let server = Server::ready_with(settings(&store, |limits| limits.stream_idle_seconds = 1)).await;
    let mut talk = Talk::begin(&server).await;
    let ended = talk.end().await;
    assert_eq!(ended.code(), Code::DeadlineExceeded);
    assert_eq!(ended.message(), "the stream stood still for 1 s: no message came, or no answer was read");
}

#[tokio::test]
async fn a_client_that_never_reads_holds_its_place_no_longer_than_it_may() {
    let store = store();
    let settings = settings(&store, |limits| (limits.streams, limits.stream_idle_seconds) = (1, 1));
    let server = Server::ready_with(settings).await;
    let mut talk = Talk::begin(&server).await;
    // Until nothing more is taken: the answers fill every buffer on their way.
    let sender = talk.messages.clone();
    let sent = tokio::spawn(async move {
        let mut sent = 0;
        while sender.send(wide()).await.is_ok() {
            sent += 1;
        }
        sent
    });
    eventually("the place is free", async || Talk::try_begin(&server, KEY, None).await.ok()).await;
    let mut read = 0;
    let ended = loop {
        match talk.next().await.expect("a status at the end") {
            Ok(_) => read += 1,
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), Code::DeadlineExceeded);
    assert!(ended.message().starts_with("the stream stood still"), "{ended:?}");
    drop(talk);
    let sent = sent.await.unwrap();
    assert!((1..sent).contains(&read), "read {read} of {sent}");
}

#[tokio::test]
async fn a_stream_takes_the_room_of_one_message_at_a_time() {
    let store = store();
    // Room for two of its messages.
    let settings = settings(&store, |limits| limits.request_bytes_at_once = 2_100_000);
    let server = Server::ready_with(settings).await;
    let mut client = server.client().await.raw_predict();
    let messages = tokio_stream::iter(std::iter::repeat_with(wide).take(20));
    let mut answers = client.predict_stream(messages).await.unwrap().into_inner();
    for _ in 0..20 {
        answers.next().await.unwrap().unwrap();
    }
    assert!(answers.next().await.is_none());
    let target = Target::model("line");
    assert!(server.client().await.predict(target, Input::rows(&[2.0, 3.0])).await.is_ok());
}
