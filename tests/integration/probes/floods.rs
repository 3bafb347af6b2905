use std::net::SocketAddr;

use tokio::time::timeout;

use super::{
    Cost, alone,
    frames::{
        CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, Heard, PING, Peer,
        REFUSED_STREAM, RST_STREAM, SETTINGS, block, call, frame, stream,
    },
    probe,
    subject::Subject,
};
use crate::harness::{KEY, PATIENCE, PREDICT};

const CHECK: &str = "/grpc.health.v1.Health/Check";

/// What a server that ends the connection says, and closes.
fn ended(heard: &Heard) -> Option<(u32, &str)> {
    assert!(heard.closed || heard.goaway.is_none(), "{heard:?}");
    heard.goaway.as_ref().map(|(code, words)| (*code, words.as_str()))
}

/// One connection that says these frames.
async fn flood(
    what: &str,
    subject: &Subject,
    frames: impl FnOnce() -> Vec<u8> + Send + 'static,
) -> (Heard, Cost) {
    let attack = async |address: SocketAddr| {
        let mut peer = Peer::connect(address).await;
        peer.say(frames()).await;
        peer.heard
    };
    probe(what, subject, attack).await
}

/// Calls whose bodies never come.
fn header_only(calls: u32) -> Vec<u8> {
    let headers = call(CHECK, &[("x-pad", &"x".repeat(1000))]);
    (0..calls).flat_map(|n| frame(HEADERS, END_HEADERS, stream(n), &headers)).collect()
}

#[tokio::test]
async fn calls_beyond_the_limit_of_a_connection_are_refused_and_take_no_memory() {
    let _alone = alone().await;
    let what = "20 000 header-only calls";
    let (heard, cost) = flood(what, &Subject::bare().await, || header_only(20_000)).await;
    assert_eq!((heard.resets.len(), heard.closed), (0, false), "{heard:?}");
    assert!(cost.grown_mib > 100, "the control has grown by {} MiB alone", cost.grown_mib);

    // Nothing times out meanwhile, so that the counts are exact.
    let ours = Subject::ours(&[("CALL_SECONDS", 600)]).await;
    let (heard, cost) = flood("300 header-only calls", &ours, || header_only(300)).await;
    assert_eq!(heard.resets.get(&REFUSED_STREAM), Some(&(300 - 128)), "{heard:?}");
    assert!(heard.to_the_end && ended(&heard).is_none(), "{heard:?}");
    cost.is_small();

    // Each refusal counts as a mistake of the peer.
    let (heard, cost) = flood(what, &ours, || header_only(20_000)).await;
    assert_eq!(ended(&heard), Some((ENHANCE_YOUR_CALM, "too_many_internal_resets")), "{heard:?}");
    assert_eq!(heard.resets.get(&REFUSED_STREAM), Some(&256), "{heard:?}");
    cost.is_small();
}

/// Calls that lack a path.
fn malformed(calls: u32) -> Vec<u8> {
    let headers = block(&[(":method", "POST"), (":scheme", "http"), (":authority", "test")]);
    (0..calls).flat_map(|n| frame(HEADERS, END_HEADERS | END_STREAM, stream(n), &headers)).collect()
}

#[tokio::test]
async fn a_connection_of_malformed_calls_is_ended() {
    let _alone = alone().await;
    let what = "3000 malformed calls";
    let (heard, _) = flood(what, &Subject::bare().await, || malformed(3000)).await;
    assert!(heard.to_the_end && ended(&heard).is_none(), "the control took them all: {heard:?}");
    assert_eq!(heard.resets.values().sum::<usize>(), 3000, "{heard:?}");

    let (heard, cost) = flood(what, &Subject::ours(&[]).await, || malformed(3000)).await;
    assert_eq!(ended(&heard), Some((ENHANCE_YOUR_CALM, "too_many_internal_resets")), "{heard:?}");
    cost.is_small();
}

#[tokio::test]
async fn a_connection_that_cancels_faster_than_it_is_served_is_ended() {
    let _alone = alone().await;
    let cancelled = || {
        let headers = call(PREDICT, &[("authorization", &format!("Bearer {KEY}"))]);
        let call = |n| {
            let mut call = frame(HEADERS, END_HEADERS, stream(n), &headers);
            call.extend(frame(RST_STREAM, 0, stream(n), &CANCEL.to_be_bytes()));
            call
        };
        (0..20_000).flat_map(call).collect()
    };
    let (heard, cost) = flood("20 000 cancelled calls", &Subject::ours(&[]).await, cancelled).await;
    assert_eq!(ended(&heard), Some((ENHANCE_YOUR_CALM, "too_many_resets")), "{heard:?}");
    cost.is_small();
}

#[tokio::test]
async fn headers_that_never_end_end_the_connection() {
    let _alone = alone().await;
    let headers = || {
        let mut frames = frame(HEADERS, 0, stream(0), &call(PREDICT, &[]));
        let more = frame(CONTINUATION, 0, stream(0), &block(&[("a", "b")]));
        frames.extend(more.repeat(1000));
        frames
    };
    let (heard, cost) = flood("1000 CONTINUATION frames", &Subject::ours(&[]).await, headers).await;
    assert_eq!(ended(&heard), Some((ENHANCE_YOUR_CALM, "too_many_continuations")), "{heard:?}");
    cost.is_small();
}

#[tokio::test]
async fn pings_and_settings_are_acknowledged_and_cost_no_more_than_that() {
    let _alone = alone().await;
    let ours = Subject::ours(&[]).await;
    let pings = || frame(PING, 0, 0, b"and then").repeat(100_000);
    let (heard, cost) = flood("100 000 PING frames", &ours, pings).await;
    assert!(heard.to_the_end && heard.acknowledged >= 100_000, "{heard:?}");
    cost.is_small();

    // MAX_CONCURRENT_STREAMS, again and again.
    let settings = || frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]).repeat(50_000);
    let (heard, cost) = flood("50 000 SETTINGS frames", &ours, settings).await;
    assert!(heard.to_the_end && heard.acknowledged >= 50_000, "{heard:?}");
    cost.is_small();
}

#[tokio::test]
async fn a_body_of_empty_pieces_ends_the_connection() {
    let _alone = alone().await;
    let pieces = || {
        let headers = call(PREDICT, &[("authorization", &format!("Bearer {KEY}"))]);
        let mut frames = frame(HEADERS, END_HEADERS, stream(0), &headers);
        frames.extend(frame(DATA, 0, stream(0), &[]).repeat(20_000));
        frames
    };
    let (heard, cost) = flood("20 000 empty DATA frames", &Subject::ours(&[]).await, pieces).await;
    assert_eq!(ended(&heard).map(|(code, _)| code), Some(ENHANCE_YOUR_CALM), "{heard:?}");
    cost.is_small();
}

/// Calls that name one header of 4000 bytes again and again; each time is a byte on the wire.
fn referring(calls: u32) -> Vec<u8> {
    let headers = call(PREDICT, &[]);
    let flags = END_HEADERS | END_STREAM;
    // Kept by both sides from now on, as the newest entry (RFC 7541, section 6.2.1).
    let mut kept = block(&[("x-kept", &"x".repeat(4000))]);
    kept[0] = 0x40;
    let again = [0xbe; 12_000];
    let mut frames = frame(HEADERS, flags, stream(0), &[&headers[..], &kept].concat());
    for n in 1..calls {
        frames.extend(frame(HEADERS, flags, stream(n), &[&headers[..], &again].concat()));
    }
    frames
}

#[tokio::test]
async fn headers_that_refer_to_others_count_in_full() {
    let _alone = alone().await;
    let (heard, cost) =
        flood("100 calls of 48 MB of headers", &Subject::ours(&[]).await, || referring(100)).await;
    assert_eq!(ended(&heard), Some((ENHANCE_YOUR_CALM, "header_list_way_too_large")), "{heard:?}");
    cost.is_small();
}

#[tokio::test]
async fn many_connections_without_a_key_hold_little_in_all() {
    let _alone = alone().await;
    let what = "16 times 128 header-only calls";
    // Holds all of them until so many are answered, and says how many are.
    async fn hold(address: SocketAddr, wanted: usize) -> usize {
        let mut peers = Vec::new();
        for _ in 0..16 {
            let mut peer = Peer::connect(address).await;
            peer.say(header_only(128)).await;
            peers.push(peer);
        }
        loop {
            assert!(peers.iter().all(|peer| peer.heard.to_the_end));
            let answered = peers.iter().map(|peer| peer.heard.answers).sum();
            if answered >= wanted {
                return answered;
            }
            for peer in &mut peers {
                peer.say(Vec::new()).await;
            }
        }
    }
    let ours = Subject::ours(&[("CALL_SECONDS", 600)]).await;
    let (answered, cost) = probe(what, &ours, async |address| hold(address, 0).await).await;
    assert_eq!(answered, 0);
    cost.is_small();

    let ours = Subject::ours(&[("CALL_SECONDS", 600), ("OPEN_CALLS", 256)]).await;
    let refused = 16 * 128 - 256;
    let holding = timeout(PATIENCE, probe(what, &ours, async move |address| hold(address, refused).await));
    let (answered, cost) = holding.await.expect("what is beyond the limit is refused");
    assert_eq!(answered, refused);
    cost.is_small();
}
