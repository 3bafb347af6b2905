use std::time::{Duration, Instant};

use artifact::{catalog::Status, testkit};
use client::{
    Client, Code, Watch,
    pb::{WatchModelsRequest, WatchModelsResponse, model_version::State},
};
use tokio::time::timeout;
use tonic::{Request, transport::Endpoint};
use tonic_health::pb::health_check_response::ServingStatus;

use crate::{
    discovery::health,
    harness::{IRIS_KEY, KEY, PATIENCE, Server, Store, entry, eventually, refused},
};

const ROW: [f64; 2] = [2.0, 3.0];

fn store() -> Store {
    Store::of(&[testkit::linear("line", 1.0)])
}

async fn next(watch: &mut Watch) -> WatchModelsResponse {
    timeout(PATIENCE, watch.next()).await.expect("a message in time").unwrap()
}

/// How the watch ends, whatever it says before.
async fn end(watch: &mut Watch) -> (Code, String) {
    let ending = async {
        loop {
            if let Err(error) = watch.next().await {
                return error;
            }
        }
    };
    let refusal = refused::<()>(Err(timeout(PATIENCE, ending).await.expect("an end in time")));
    (refusal.code, refusal.message)
}

fn names(message: &WatchModelsResponse) -> Vec<&str> {
    message.models.iter().map(|model| model.name.as_str()).collect()
}

#[tokio::test]
async fn a_watch_tells_everything_at_first_and_then_what_changed_and_no_heartbeat() {
    let mut store = store();
    store.model("draft").versions.push(entry(1, Status::Pending));
    store.publish();
    let server = Server::ready(&store).await;
    let mut watch = server.client().await.watch().await.unwrap();
    let first = next(&mut watch).await;
    assert_eq!(names(&first), ["draft", "line"]);
    assert_eq!(first.catalog.as_ref().unwrap().sequence, store.catalog.sequence);

    // Signed anew, and nothing else.
    store.publish();
    server.applied(store.catalog.sequence).await;
    store.admit(&testkit::linear("line", 2.0), 2);
    store.publish();
    let swap = next(&mut watch).await;
    assert_eq!(names(&swap), ["line"]);
    assert_eq!(swap.catalog.as_ref().unwrap().sequence, store.catalog.sequence);
    assert_eq!(swap.models[0].default_version, 2);
    let states: Vec<_> = swap.models[0].versions.iter().map(|version| version.state()).collect();
    assert_eq!(states, [State::Admitted, State::Serving]);
    assert!(swap.removed.is_empty());

    // A model that serves is never forgotten; one that never did is.
    store.catalog.models.retain(|model| model.name.as_str() != "draft");
    store.publish();
    let gone = next(&mut watch).await;
    assert!(gone.models.is_empty());
    assert_eq!(gone.removed, ["draft"]);
    assert_eq!(watch.state(), &server.list().await);
}

#[tokio::test]
async fn what_is_said_of_the_catalog_is_a_change_too() {
    let mut store = store();
    let server = Server::ready(&store).await;
    let mut watch = server.client().await.watch().await.unwrap();
    next(&mut watch).await;
    store.catalog.notes.push("`Iris` is no model's name".to_owned());
    store.publish();
    let noted = next(&mut watch).await;
    assert_eq!(noted.catalog.as_ref().unwrap().notes, ["`Iris` is no model's name"]);
    assert!(noted.models.is_empty() && noted.removed.is_empty());

    let good = store.catalog.seal(&store.key).unwrap();
    store.write(b"{");
    let refused = next(&mut watch).await.catalog.unwrap();
    assert!(refused.error.starts_with("the catalog is not believed"), "{}", refused.error);
    store.write(&good);
    assert_eq!(next(&mut watch).await.catalog.unwrap().error, "");
}

#[tokio::test]
async fn a_watch_that_begins_before_the_first_catalog_sees_it_come() {
    let mut store = Store::empty();
    let server = Server::start(store.settings()).await;
    let mut watch = server.client().await.watch().await.unwrap();
    assert!(next(&mut watch).await.models.is_empty());
    store.admit(&testkit::linear("line", 1.0), 1);
    store.publish();
    // It may say before that there is no catalog.
    while next(&mut watch).await.models.is_empty() {}
    assert_eq!(watch.state().models[0].default_version, 1);
}

#[tokio::test]
async fn a_reader_that_stalls_is_told_the_newest_state_and_holds_nothing_up() {
    let mut store = store();
    let server = Server::ready(&store).await;
    // Room for less than one message.
    let endpoint = Endpoint::from_shared(format!("http://{}", server.address)).unwrap();
    let narrow = endpoint.initial_stream_window_size(65_535).initial_connection_window_size(65_535);
    let key = client::ApiKey::new(KEY).unwrap();
    let client = Client::over(narrow.connect().await.unwrap(), key).without_retries();
    let mut watch = client.watch().await.unwrap();
    next(&mut watch).await;

    const CHANGES: usize = 40;
    for change in 0..CHANGES {
        store.model("line").notes = vec![format!("{change} {}", "long ".repeat(20_000))];
        store.publish();
        server.applied(store.catalog.sequence).await;
    }
    server.still_answers("line", &ROW).await;
    let mut messages = 1;
    while next(&mut watch).await.catalog.unwrap().sequence < store.catalog.sequence {
        messages += 1;
    }
    assert!(watch.state().models[0].notes[0].starts_with("39 "));
    // One is under way and one waits behind it; what changed meanwhile is in the last.
    assert!(messages <= 5, "{messages} messages were kept for a reader that stalled");
}

#[tokio::test]
async fn a_stop_ends_every_watch_and_waits_for_none() {
    let store = store();
    let mut settings = store.settings();
    settings.drain.seconds = 60;
    let server = Server::ready_with(settings).await;
    let mut watch = server.client().await.watch().await.unwrap();
    next(&mut watch).await;
    let began = Instant::now();
    let stopped = server.stop();
    let words = "the server is shutting down; call another one".to_owned();
    assert_eq!(end(&mut watch).await, (Code::Unavailable, words));
    drop(watch);
    timeout(PATIENCE, stopped).await.expect("it stops").unwrap().unwrap();
    assert!(began.elapsed().as_secs() < 60, "the drain was held to its limit");
}

#[tokio::test]
async fn a_watch_outlasts_the_limit_of_calls_and_ends_with_its_callers_deadline_or_its_connection() {
    let store = store();
    let mut settings = store.settings();
    settings.limits.call_seconds = 1;
    settings.limits.connection_age_seconds = 2;
    let server = Server::ready_with(settings).await;
    let began = Instant::now();
    let mut watch = server.client().await.watch().await.unwrap();
    let words = "the call has lasted as long as a connection may; call again".to_owned();
    assert_eq!(end(&mut watch).await, (Code::Unavailable, words));
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());

    let mut request = Request::new(WatchModelsRequest {});
    request.set_timeout(Duration::from_millis(500));
    let mut messages = server.client().await.raw_models().watch_models(request).await.unwrap().into_inner();
    assert!(messages.message().await.unwrap().is_some());
    let status = timeout(PATIENCE, messages.message()).await.expect("an end in time").unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
}

#[tokio::test]
async fn watches_have_places_of_their_own_until_they_end() {
    let store = store();
    let mut settings = store.settings();
    (settings.limits.watches, settings.limits.calls) = (1, 1);
    let server = Server::ready_with(settings).await;
    let client = server.client().await;
    let mut watch = client.watch().await.unwrap();
    next(&mut watch).await;
    let refusal = refused(client.watch().await);
    assert_eq!(refusal.code, Code::ResourceExhausted);
    server.still_answers("line", &ROW).await;
    drop(watch);
    eventually("the place is free", async || client.watch().await.ok()).await;
}

#[tokio::test]
async fn a_watch_needs_the_scope_of_listing() {
    let server = Server::ready(&store()).await;
    let refusal = refused(server.client_with(IRIS_KEY).await.watch().await);
    assert_eq!(refusal.code, Code::PermissionDenied);
    assert_eq!(refusal.message, "the API key lacks the scope `models:read`");
    let refusal = refused(server.client_with("lsk_none").await.watch().await);
    assert_eq!(refusal.code, Code::Unauthenticated);
}

#[tokio::test]
async fn a_catalog_that_expires_is_told_as_stale_and_makes_nothing_unready() {
    let mut store = store();
    let fresh = store.catalog.expires_at;
    store.catalog.expires_at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
    store.publish();
    let server = Server::ready(&store).await;
    let mut watch = server.client().await.watch().await.unwrap();
    while !next(&mut watch).await.catalog.unwrap().stale {}
    let catalog = server.list().await.catalog.unwrap();
    assert!(catalog.stale && catalog.error.is_empty() && catalog.epoch == 1, "{catalog:?}");
    assert_eq!(catalog.expires_at.unwrap().seconds, store.catalog.expires_at.as_second());
    let says = async |service, expected| {
        eventually("health says so", async || (health(&server, service).await == Ok(expected)).then_some(()))
            .await;
    };
    says("catalog", ServingStatus::NotServing).await;
    says("", ServingStatus::Serving).await;
    server.still_answers("line", &ROW).await;

    store.catalog.expires_at = fresh;
    store.publish();
    let message = next(&mut watch).await;
    assert!(!message.catalog.unwrap().stale && message.models.is_empty());
    says("catalog", ServingStatus::Serving).await;
}
