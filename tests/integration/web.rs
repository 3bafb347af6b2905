use artifact::testkit;
use client::{
    Input,
    pb::{PredictRequest, PredictResponse, predict_request, predict_response::Prediction},
};
use prost::Message as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::harness::{KEY, PATIENCE, PREDICT, Server, Store};

const PAGE: &str = "https://app.example.org";
const ROW: [f64; 2] = [2.0, 3.0];

async fn server(change: impl FnOnce(&mut linfa_serve::Settings)) -> (Store, Server) {
    let store = Store::of(&[testkit::linear("line", 2.0)]);
    let mut settings = store.settings();
    settings.web.origins = PAGE.to_owned().try_into().unwrap();
    change(&mut settings);
    (store, Server::ready_with(settings).await)
}

/// The bytes of a request of HTTP/1.1 whose body is said to be of `length`.
fn request(head: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("{head}\r\nhost: test\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// What comes back for the only request of a connection.
async fn exchange(server: &Server, head: &str, body: &[u8]) -> (String, Vec<u8>) {
    say(server, &request(&format!("{head}\r\nconnection: close"), body.len(), body)).await
}

/// What comes back until the server closes: headers in lower case, and what follows them as it is on the wire.
async fn say(server: &Server, bytes: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // The server may have closed before it has read all.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an end in time");
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer.len(), |end| end + 4);
    let body = answer.split_off(head);
    (String::from_utf8(answer).unwrap().to_lowercase(), body)
}

/// A frame of gRPC, as gRPC-Web has it too.
fn framed(values: &[f64]) -> Vec<u8> {
    let input: predict_request::Input = Input::rows(values).into();
    let message =
        PredictRequest { model: "line".to_owned(), choice: None, input: Some(input) }.encode_to_vec();
    [&[0], &u32::try_from(message.len()).unwrap().to_be_bytes()[..], &message].concat()
}

fn call(key: &str) -> String {
    format!(
        "POST {PREDICT} HTTP/1.1\r\norigin: {PAGE}\r\ncontent-type: application/grpc-web+proto\r\nauthorization: Bearer {key}"
    )
}

/// The data of a body in chunks.
fn chunks(mut body: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    while let Some(line) = body.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..line]).unwrap(), 16).unwrap();
        data.extend(&body[line + 2..][..size]);
        body = &body[line + 2 + size + 2..];
    }
    data
}

#[tokio::test]
async fn a_page_is_answered_with_its_status_in_the_last_frame() {
    let (_store, server) = server(|_| {}).await;
    let (head, body) = exchange(&server, &call(KEY), &framed(&ROW)).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains(&format!("access-control-allow-origin: {PAGE}")), "{head}");
    assert!(
        head.contains("access-control-expose-headers: grpc-status,grpc-message,grpc-status-details-bin"),
        "{head}"
    );
    let data = chunks(&body);
    let length = u32::from_be_bytes(data[1..5].try_into().unwrap()) as usize;
    let (message, rest) = data[5..].split_at(length);
    let answer = PredictResponse::decode(message).unwrap();
    let Some(Prediction::Regression(answer)) = answer.prediction else { panic!("no regression: {answer:?}") };
    assert_eq!(answer.values, [8.0]);
    assert_eq!(rest[0], 0x80, "a frame of trailers");
    assert!(String::from_utf8_lossy(&rest[5..]).contains("grpc-status:0"), "{rest:?}");
}

#[tokio::test]
async fn keys_and_limits_hold_for_pages_too() {
    let (_store, server) = server(|settings| settings.limits.request_bytes = 1000).await;
    let (head, _) = exchange(&server, &call("lsk_wrong"), &framed(&ROW)).await;
    assert!(head.contains("grpc-status: 16"), "UNAUTHENTICATED: {head}");
    let (head, _) = exchange(&server, &call(KEY), &framed(&[1.0; 1000])).await;
    assert!(head.contains("grpc-status: 11"), "OUT_OF_RANGE: {head}");
    let (head, _) = exchange(&server, &call(KEY), &framed(&[1.0; 3])).await;
    assert!(head.contains("grpc-status: 3") && head.contains("grpc-status-details-bin"), "{head}");
    server.still_answers("line", &ROW).await;
}

#[tokio::test]
async fn a_page_that_sends_too_much_can_send_it_all_is_told_so_and_asks_on() {
    let (_store, server) = server(|_| {}).await;
    // 4.8 MB; a message may have 4 MiB.
    let (large, small) = (framed(&vec![1.0; 600_000]), framed(&ROW));
    let next = format!("{}\r\nconnection: close", call(KEY));
    let both = [request(&call(KEY), large.len(), &large), request(&next, small.len(), &small)].concat();
    let (head, rest) = say(&server, &both).await;
    assert!(head.contains("grpc-status: 11"), "OUT_OF_RANGE: {head}");
    let rest = String::from_utf8_lossy(&rest);
    assert!(rest.contains("HTTP/1.1 200") && rest.contains("grpc-status:0"), "{rest}");
}

#[tokio::test]
async fn the_body_of_a_refused_call_is_neither_waited_for_nor_read_without_end() {
    let refused = |head: &str| head.contains("grpc-status: 16");
    let (_store, server) = server(|settings| settings.limits.call_seconds = 1).await;
    let (head, _) = say(&server, &request(&call("lsk_wrong"), 100, b"")).await;
    assert!(refused(&head), "{head}");
    let (_store, server) = self::server(|settings| {
        settings.limits.call_seconds = 3600;
        settings.limits.request_bytes = 1000;
    })
    .await;
    let (head, _) = say(&server, &request(&call("lsk_wrong"), 1 << 30, &[0; 5000])).await;
    assert!(refused(&head), "{head}");
}

#[tokio::test]
async fn a_browser_is_told_beforehand_which_pages_may_call() {
    let (_store, server) = server(|_| {}).await;
    let ask = |origin: &str| {
        format!(
            "OPTIONS {PREDICT} HTTP/1.1\r\norigin: {origin}\r\naccess-control-request-method: POST\r\n\
             access-control-request-headers: authorization,content-type,x-grpc-web"
        )
    };
    let (head, _) = exchange(&server, &ask(PAGE), b"").await;
    assert!(head.contains(&format!("access-control-allow-origin: {PAGE}")), "{head}");
    for word in
        ["access-control-allow-methods: post", "authorization,content-type,x-grpc-web", "grpc-timeout"]
    {
        assert!(head.contains(word), "{word} is not in {head}");
    }
    let (head, _) = exchange(&server, &ask("https://elsewhere.example.org"), b"").await;
    assert!(!head.contains("access-control-allow-origin"), "{head}");
}

#[tokio::test]
async fn what_is_no_call_is_refused_and_short_requests_are_not_waited_for() {
    let (_store, server) = server(|settings| settings.limits.handshake_seconds = 60).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // Shorter than the preface of HTTP/2.
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.expect("an answer in time").unwrap();
    assert_eq!(&answer, b"HTTP/1.1 400");
    // gRPC itself needs HTTP/2.
    let (head, _) = exchange(&server, &call(KEY).replace("grpc-web+proto", "grpc"), &framed(&ROW)).await;
    assert!(head.starts_with("http/1.1 400"), "{head}");
}

#[tokio::test]
async fn without_origins_pages_are_not_spoken_to() {
    let (_store, server) = server(|settings| settings.web = Default::default()).await;
    assert_eq!(exchange(&server, &call(KEY), &framed(&ROW)).await, (String::new(), Vec::new()));
    server.still_answers("line", &ROW).await;
}
