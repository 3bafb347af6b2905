use std::{future::poll_fn, net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use h2::{RecvStream, SendStream, client::SendRequest};
use http::{HeaderMap, Request, Response};
use tokio::{
    io::AsyncReadExt as _,
    net::TcpStream,
    time::{interval, timeout},
};

use super::{alone, frames::Peer, probe, report, subject::Subject, witness::Witness};
use crate::harness::{KEY, PATIENCE, PREDICT, eventually};

const CHECK: &str = "/grpc.health.v1.Health/Check";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// Long enough that a server which would act at 1 s is seen not to.
const A_WHILE: Duration = Duration::from_secs(3);

/// That many connections that say nothing. Whether the server has closed them all in time.
async fn silence(address: SocketAddr, connections: usize, patience: Duration) -> bool {
    let silent = join_all((0..connections).map(|_| async {
        let mut socket = TcpStream::connect(address).await.unwrap();
        // An error is as good as an end.
        let _ = socket.read_to_end(&mut Vec::new()).await;
    }));
    timeout(patience, silent).await.is_ok()
}

#[tokio::test]
async fn silent_peers_are_dropped_and_give_their_places_back() {
    let _alone = alone().await;
    let what = "300 silent connections";
    let attack = async |address| silence(address, 300, A_WHILE).await;
    let (closed, _) = probe(what, &Subject::bare().await, attack).await;
    assert!(!closed, "the control waits for them");

    // No room for others meanwhile, so that those who come afterwards need a place that was given back.
    let ours = Subject::ours(&[("HANDSHAKE_SECONDS", 1), ("CONNECTIONS", 301)]).await;
    let attack = async |address| silence(address, 300, PATIENCE).await;
    let (closed, cost) = probe(what, &ours, attack).await;
    assert!(closed, "silent peers are dropped");
    cost.is_small();
}

/// A connection that answers nothing any more, not even a PING. Whether the server has closed it in time.
async fn abandon(address: SocketAddr, patience: Duration) -> bool {
    let mut peer = Peer::connect(address).await;
    peer.say(Vec::new()).await;
    timeout(patience, peer.until_closed()).await.is_ok()
}

#[tokio::test]
async fn a_peer_that_stops_answering_is_dropped() {
    let bare = Subject::bare().await;
    assert!(!abandon(bare.address, A_WHILE).await, "the control keeps it");

    let ours = Subject::ours(&[("KEEPALIVE_SECONDS", 1), ("KEEPALIVE_TIMEOUT_SECONDS", 3)]).await;
    assert!(abandon(ours.address, PATIENCE).await, "the server closes");
    serves(&ours).await;
}

/// A connection by a library that keeps to the protocol.
async fn connect(address: SocketAddr) -> SendRequest<Bytes> {
    let socket = TcpStream::connect(address).await.unwrap();
    let (calls, connection) = h2::client::handshake(socket).await.unwrap();
    tokio::spawn(connection);
    calls.ready().await.unwrap()
}

fn begin(
    calls: &mut SendRequest<Bytes>,
    path: &str,
    more: &[(&'static str, String)],
) -> (impl Future<Output = Result<Response<RecvStream>, h2::Error>> + use<>, SendStream<Bytes>) {
    let mut request = Request::post(format!("http://test{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .unwrap();
    for (name, value) in more {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    calls.send_request(request, false).unwrap()
}

fn key() -> (&'static str, String) {
    ("authorization", format!("Bearer {KEY}"))
}

fn code(headers: &HeaderMap) -> &str {
    headers["grpc-status"].to_str().unwrap()
}

/// Calls whose bodies come byte by byte. The codes of those that were answered in time, or none if not all were.
async fn drip(
    address: SocketAddr,
    path: &'static str,
    calls: usize,
    patience: Duration,
) -> Option<Vec<String>> {
    let mut connection = connect(address).await;
    let slow = (0..calls).map(|_| {
        let (response, mut body) = begin(&mut connection, path, &[key()]);
        async move {
            // A message of 4 KiB.
            body.send_data(Bytes::from_static(b"\0\0\0\x10\0"), false).unwrap();
            let dripping = async {
                let mut ticks = interval(Duration::from_millis(100));
                // Until it is answered, which ends this.
                while body.send_data(Bytes::from_static(b"x"), false).is_ok() {
                    ticks.tick().await;
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                response = response => code(response.unwrap().headers()).to_owned(),
                () = dripping => String::new(),
            }
        }
    });
    let slow = join_all(slow.collect::<Vec<_>>());
    timeout(patience, slow).await.ok()
}

#[tokio::test]
async fn slow_bodies_end_at_the_limit_of_a_call() {
    let _alone = alone().await;
    let what = "100 slow bodies";
    let attack = async |address| drip(address, CHECK, 100, A_WHILE).await;
    let (codes, _) = probe(what, &Subject::bare().await, attack).await;
    assert_eq!(codes, None, "the control waits for them");

    // Long enough for every good call on a slow machine.
    let ours = Subject::ours(&[("CALL_SECONDS", 5)]).await;
    let attack = async |address| drip(address, PREDICT, 100, PATIENCE).await;
    let (codes, cost) = probe(what, &ours, attack).await;
    assert_eq!(codes, Some(vec!["4".to_owned(); 100]), "DEADLINE_EXCEEDED");
    cost.is_small();
}

/// Sends all of a message but its last byte. If the server has taken it, the end that holds it there.
async fn fill(mut body: SendStream<Bytes>, bytes: usize) -> Option<SendStream<Bytes>> {
    // The flag and the length of a gRPC message.
    let length = u32::try_from(bytes).unwrap().to_be_bytes();
    body.send_data([&[0], &length[..]].concat().into(), false).ok()?;
    let mut left = bytes - 1;
    while left > 0 {
        body.reserve_capacity(left);
        let room = poll_fn(|context| body.poll_capacity(context)).await?.ok()?;
        let piece = room.min(left);
        body.send_data(vec![b'x'; piece].into(), false).ok()?;
        left -= piece;
    }
    Some(body)
}

/// Calls without a key, each with nearly 4 MB. How many of these the server has taken.
async fn bloat(address: SocketAddr, path: &'static str, calls: usize) -> usize {
    let mut connection = connect(address).await;
    let large = (0..calls).map(|_| {
        let (response, body) = begin(&mut connection, path, &[]);
        // Held until all are done: the server forgets a call that its client has dropped.
        async move { (fill(body, 4_000_000).await, response) }
    });
    let taken = join_all(large.collect::<Vec<_>>());
    let taken = timeout(PATIENCE, taken).await.expect("each is taken or refused");
    taken.iter().filter(|(taken, _)| taken.is_some()).count()
}

#[tokio::test]
async fn a_service_that_asks_for_no_key_takes_no_large_message() {
    let _alone = alone().await;
    let what = "100 messages of 4 MB without a key";
    let attack = async |address| bloat(address, CHECK, 100).await;
    let (taken, cost) = probe(what, &Subject::bare().await, attack).await;
    assert_eq!(taken, 100, "the control takes them all");
    assert!(cost.grown_mib > 100, "the control has grown by {} MiB alone", cost.grown_mib);

    let ours = Subject::ours(&[]).await;
    for path in [CHECK, REFLECTION, PREDICT] {
        let attack = async move |address| bloat(address, path, 100).await;
        let (taken, cost) = probe(what, &ours, attack).await;
        assert_eq!(taken, 0, "{path}");
        cost.is_small();
    }
}

#[tokio::test]
async fn what_all_calls_together_may_weigh_is_bounded() {
    let _alone = alone().await;
    let ours = Subject::ours(&[("REQUEST_BYTES_AT_ONCE", 16 << 20)]).await;
    let peak = ours.peak_kib();
    let mut connection = connect(ours.address).await;
    let large = (0..100).map(|_| {
        let (response, body) = begin(&mut connection, PREDICT, &[key()]);
        async move {
            match fill(body, 4_000_000).await {
                Some(body) => Ok((response, body)),
                None => Err(code(response.await.unwrap().headers()).to_owned()),
            }
        }
    });
    let large = join_all(large.collect::<Vec<_>>());
    let large = timeout(PATIENCE, large).await.expect("each is taken or refused");
    let refused: Vec<_> = large.iter().filter_map(|call| call.as_ref().err()).collect();
    assert!(refused.len() >= 96, "{}", refused.len());
    assert!(refused.iter().all(|code| *code == "8"), "RESOURCE_EXHAUSTED: {refused:?}");
    let grown = (ours.peak_kib() - peak) / 1024;
    report(&format!(
        "100 messages of 4 MB with a key, 16 MiB in all: +{grown} MiB, {} refused",
        refused.len()
    ));
    assert!(grown < 64, "grown by {grown} MiB");
    drop(large);
    serves(&ours).await;
}

#[tokio::test]
async fn headers_over_the_limit_are_refused_and_the_connection_goes_on() {
    let ours = Subject::ours(&[]).await;
    let mut connection = connect(ours.address).await;
    let mut status = async |bytes: usize| {
        let (response, _body) = begin(&mut connection, PREDICT, &[("x-pad", "x".repeat(bytes))]);
        timeout(PATIENCE, response).await.expect("an answer").unwrap().status()
    };
    assert_eq!(status(7 << 10).await, 200, "below it");
    assert_eq!(status(9 << 10).await, 431, "above it");
    assert_eq!(status(0).await, 200, "the same connection");
}

/// Whether a new client is served.
async fn serves(subject: &Subject) {
    let mut witness = Witness::of(subject).await;
    witness.asks(3).await;
    assert_eq!(witness.stop().await.failures, [""; 0]);
}

#[tokio::test]
async fn without_descriptors_the_server_waits_and_serves_again_when_there_are_some() {
    let _alone = alone().await;
    let bare = Subject::bare_with_files(Some(64)).await;
    let ours = Subject::ours_with_files(&[], Some(64)).await;
    for subject in [bare, ours] {
        let mut witness = Witness::of(&subject).await;
        let mut cost = async || {
            let before = subject.cpu();
            witness.asks(200).await;
            subject.cpu() - before
        };
        let usual = cost().await;
        // Fewer than may wait for an accept where the system's limit of these is low.
        let held = join_all((0..150).map(|_| Peer::connect(subject.address))).await;
        eventually("it has none left", async || (subject.open_files() >= 64).then_some(())).await;
        if subject.name == "ours" {
            let without = cost().await;
            assert!(without < 3 * usual + Duration::from_millis(500), "{without:?} in place of {usual:?}");
            report(&format!("150 connections, 64 descriptors: {usual:?} of CPU before, {without:?} after"));
        } else {
            // However slow the machine: it takes what it gets.
            let before = subject.cpu();
            eventually("the control has computed a second for nothing", async || {
                (subject.cpu() - before > Duration::from_secs(1)).then_some(())
            })
            .await;
        }
        drop(held);
        serves(&subject).await;
        assert_eq!(witness.stop().await.failures, [""; 0]);
    }
}
