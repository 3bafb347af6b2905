//! The client against servers that are none.
#![expect(clippy::unwrap_used, reason = "a test helper may fail")]

use std::time::Duration;

use linfa_serve_client::{ApiKey, Client, Code, Error, Input};
use tokio::net::TcpListener;

fn key() -> ApiKey {
    ApiKey::new("lsk_test").unwrap()
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_the_networks_reason() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = Client::connect(&format!("http://{address}"), key()).await.unwrap_err();
    let expected = format!("cannot reach http://{address}: Connection refused (os error 111)");
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.code(), Some(Code::Unavailable));
}

#[tokio::test]
async fn an_address_that_is_none_is_named() {
    for bad in ["no address", "127.0.0.1:50051", "localhost:50051", "ftp://localhost", ""] {
        let error = Client::connect(bad, key()).await.unwrap_err();
        let expected = format!("`{bad}` is no address of a server; `http://127.0.0.1:50051` would be one");
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn a_key_never_goes_in_the_clear_where_tls_was_asked_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    let error = Client::connect(&endpoint, key()).await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_at_the_deadline() {
    // The kernel accepts the connection; nobody ever reads from it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let deadline = Duration::from_millis(50);
    let client = Client::connect(&endpoint, key()).await.unwrap().with_deadline(deadline);
    let error = client.predict("iris", Input::rows(&[1.0])).await.unwrap_err();
    assert!(matches!(error, Error::Deadline(after) if after == deadline), "{error:?}");
    assert_eq!(error.to_string(), "no answer within 50ms");
}

#[test]
fn the_readmes_first_example_is_what_the_tour_begins_with() {
    let (readme, tour) = (include_str!("../../README.md"), include_str!("../../examples/tour.rs"));
    let (_, rest) = readme.split_once("```rust\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let (_, function) = example.split_once("\n\n").unwrap();
    assert!(tour.contains(function), "{function}");
}
