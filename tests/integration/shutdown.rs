use std::time::Instant;

use artifact::testkit;
use bytes::Bytes;
use client::{Input, Target};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::harness::{KEY, PREDICT, Server, Store, eventually, raw_call};

const ROW: [f64; 2] = [2.0, 3.0];

fn store() -> Store {
    Store::of(&[testkit::linear("line", 2.0)])
}

#[tokio::test]
async fn a_stop_tells_watchers_first_and_no_watch_or_silent_peer_holds_it() {
    let store = store();
    let mut settings = store.settings();
    settings.drain.seconds = 60;
    settings.limits.handshake_seconds = 60;
    let server = Server::ready_with(settings).await;
    let _silent = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let mut watch = HealthClient::new(server.channel().await)
        .watch(HealthCheckRequest { service: String::new() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);

    let began = Instant::now();
    let stopped = server.stop();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    // The stream ends, and with it what would hold the connection.
    while let Some(Ok(_)) = watch.next().await {}
    stopped.await.unwrap().unwrap();
    assert!(began.elapsed().as_secs() < 60, "the drain was held to its limit");
}

#[tokio::test]
async fn calls_go_on_during_the_notice_and_a_call_in_flight_is_finished() {
    let store = store();
    let mut settings = store.settings();
    settings.drain.notice_ms = 3000;
    settings.drain.seconds = 60;
    let server = Server::ready_with(settings).await;
    let client = server.client().await;
    let channel = server.channel().await;
    let (body, message) = tokio::sync::mpsc::channel::<Bytes>(1);
    let in_flight = tokio::spawn(raw_call(channel, PREDICT, Some(KEY), ReceiverStream::new(message)));
    let mut watch = HealthClient::new(server.channel().await)
        .watch(HealthCheckRequest { service: String::new() })
        .await
        .unwrap()
        .into_inner();
    watch.next().await.unwrap().unwrap();

    let stopped = server.stop();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert!(client.predict(Target::model("line"), Input::rows(&ROW)).await.is_ok());
    drop(client);
    // The transport has begun to end once the watch is over.
    while let Some(Ok(_)) = watch.next().await {}
    // {"matrix": {"values": [1, 1]}}
    let mut request = vec![0x22, 18, 0x12, 16];
    request.extend([1.0_f64, 1.0].iter().flat_map(|value| value.to_le_bytes()));
    body.send(request.into()).await.unwrap();
    drop(body);
    let answer = in_flight.await.unwrap().expect("the call that was in flight is answered");
    assert!(!answer.is_empty());
    stopped.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_call_that_does_not_end_is_cut_at_the_limit() {
    let store = store();
    let mut settings = store.settings();
    settings.drain.seconds = 1;
    settings.limits.call_seconds = 600;
    let server = Server::ready_with(settings).await;
    let (_body, message) = tokio::sync::mpsc::channel::<Bytes>(1);
    let in_flight =
        tokio::spawn(raw_call(server.channel().await, PREDICT, Some(KEY), ReceiverStream::new(message)));
    let address = server.address;
    let stopped = server.stop();
    stopped.await.unwrap().unwrap();
    eventually("nobody listens", async || tokio::net::TcpStream::connect(address).await.err()).await;
    drop(in_flight);
}

#[tokio::test]
async fn a_server_that_stops_is_not_ready_any_more() {
    let store = store();
    let mut settings = store.settings();
    settings.drain.notice_ms = 60_000;
    let server = Server::ready_with(settings).await;
    let address = server.address;
    let stopping = server.stop();
    eventually("it says so", async || linfa_serve::is_ready(address).await.err()).await;
    stopping.abort();
}
