use std::time::Duration;

use artifact::testkit;
use bytes::Bytes;
use client::{ApiKey, Client, Code, Input, Target};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_stream::pending;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt as _;

use crate::harness::{KEY, PREDICT, Server, Store, eventually, raw_call, refused, said};

const ROW: [f64; 2] = [2.0, 3.0];

fn store() -> Store {
    Store::of(&[testkit::linear("line", 2.0)])
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_unread() {
    let server = Server::ready(&store()).await;
    let rows = vec![1.0; 5_000_000 / 8];
    let refusal = refused(server.client().await.predict(Target::model("line"), Input::rows(&rows)).await);
    assert_eq!(refusal.code, Code::OutOfRange);
    assert!(refusal.message.contains("4194304"), "{}", refusal.message);
    server.still_answers("line", &ROW).await;
}

#[tokio::test]
async fn a_full_server_refuses_at_once_and_says_when_to_come_back() {
    let store = store();
    let mut settings = store.settings();
    settings.limits.calls = 1;
    let server = Server::ready_with(settings).await;
    let channel = server.channel().await;
    // A call whose body never comes takes the only place.
    let holding = tokio::spawn(raw_call(channel.clone(), PREDICT, Some(KEY), pending()));
    let message = || tokio_stream::once(Bytes::new());
    let status = eventually("the server is full", async || {
        let answer = raw_call(server.channel().await, PREDICT, Some(KEY), message()).await;
        answer.err().filter(|status| status.code() == Code::ResourceExhausted)
    })
    .await;
    assert_eq!(status.message(), "the server is full; try again shortly");
    let retry = status.get_details_retry_info().expect("RetryInfo");
    assert_eq!(retry.retry_delay, Some(Duration::from_millis(50)));
    // The client leaves, and the place is free.
    holding.abort();
    let client = server.client().await;
    eventually("the place is free", async || {
        client.predict(Target::model("line"), Input::rows(&ROW)).await.ok()
    })
    .await;
}

#[tokio::test]
async fn a_watch_counts_as_an_open_call_until_it_ends() {
    let store = store();
    let mut settings = store.settings();
    settings.limits.open_calls = 1;
    let server = Server::ready_with(settings).await;
    let watch = async || {
        let mut health = HealthClient::new(server.channel().await);
        health.watch(HealthCheckRequest::default()).await
    };
    // Those that asked whether it is ready may not have left yet.
    let watching = eventually("there is room for one", async || watch().await.ok()).await;
    assert_eq!(watch().await.unwrap_err().code(), Code::ResourceExhausted);
    server.still_answers("line", &ROW).await;
    drop(watching);
    eventually("the place is free", async || watch().await.ok()).await;
}

#[tokio::test]
async fn a_call_whose_body_never_comes_ends_at_the_servers_limit() {
    let store = store();
    let mut settings = store.settings();
    settings.limits.call_seconds = 1;
    let server = Server::ready_with(settings).await;
    let answer = raw_call(server.channel().await, PREDICT, Some(KEY), pending()).await;
    let sentence = "the deadline passed before the answer was computed".to_owned();
    assert_eq!(said(answer), (Code::DeadlineExceeded, sentence));
    server.still_answers("line", &ROW).await;
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_said_in_its_own_code() {
    // Below the gRPC libraries: each would end the call itself at the same time.
    let server = Server::ready(&store()).await;
    let socket = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let (mut calls, connection) = h2::client::handshake(socket).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post(format!("http://test{PREDICT}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {KEY}"))
        .header("grpc-timeout", "100m")
        .body(())
        .unwrap();
    let (response, _body_that_never_comes) = calls.send_request(request, false).unwrap();
    let response = response.await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("grpc-status"), "4", "DEADLINE_EXCEEDED");
    assert!(header("grpc-message").starts_with("the%20deadline%20passed"), "{}", header("grpc-message"));
    server.still_answers("line", &ROW).await;
}

#[tokio::test]
async fn the_servers_http2_limits_are_the_configured_ones() {
    let store = store();
    let mut settings = store.settings();
    settings.limits.streams_per_connection = 77;
    let server = Server::ready_with(settings).await;
    let mut connection = tokio::net::TcpStream::connect(server.address).await.unwrap();
    connection.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut frame = [0; 9];
    connection.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "the first frame is SETTINGS");
    let mut payload = vec![0; usize::from(frame[2])];
    connection.read_exact(&mut payload).await.unwrap();
    let setting = |id: u16| {
        let (pairs, _) = payload.as_chunks::<6>();
        let pair = pairs.iter().find(|pair| pair[..2] == id.to_be_bytes())?;
        Some(u32::from_be_bytes([pair[2], pair[3], pair[4], pair[5]]))
    };
    assert_eq!(setting(3), Some(77), "MAX_CONCURRENT_STREAMS");
    assert_eq!(setting(4), Some(256 << 10), "INITIAL_WINDOW_SIZE");
    assert_eq!(setting(6), Some(8 << 10), "MAX_HEADER_LIST_SIZE");
}

#[tokio::test]
async fn peers_that_say_nothing_or_something_else_are_closed() {
    let store = store();
    let mut settings = store.settings();
    settings.limits.handshake_seconds = 1;
    let server = Server::ready_with(settings).await;
    let mut silent = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let mut talker = tokio::net::TcpStream::connect(server.address).await.unwrap();
    talker.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    // An error is as good as an end: the server left either way.
    let _ = talker.read_to_end(&mut said).await;
    let _ = silent.read_to_end(&mut said).await;
    assert_eq!(said, b"");
    server.still_answers("line", &ROW).await;
}

#[tokio::test]
async fn more_connections_than_allowed_are_closed() {
    let store = store();
    let mut settings = store.settings();
    settings.limits.connections = 2;
    let server = Server::ready_with(settings).await;
    // Those that asked whether it is ready may not have left yet.
    let connect = async || {
        let key = ApiKey::new(KEY).unwrap();
        let client = Client::connect(&format!("http://{}", server.address), key).await.ok()?;
        client.list_models().await.ok().map(|_| client)
    };
    let client = eventually("there is room for one", connect).await;
    let _second = eventually("there is room for another", connect).await;
    let mut third = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let mut said = Vec::new();
    let _ = third.read_to_end(&mut said).await;
    assert_eq!(said, b"");
    assert!(client.predict(Target::model("line"), Input::rows(&ROW)).await.is_ok());
}
