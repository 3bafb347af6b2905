use std::time::Duration;

use artifact::testkit;
use bytes::Bytes;
use client::{Code, Input, Target};
use tokio_stream::pending;

use crate::harness::{
    EXPIRED_KEY, IRIS_KEY, KEY, MODELS_KEY, PREDICT, Server, Store, eventually, keys, raw_call, refused,
    said, write_secret,
};

const SETOSA: [f64; 4] = [5.1, 3.5, 1.4, 0.2];

fn store() -> Store {
    Store::of(&[testkit::classifier("iris"), testkit::linear("line", 2.0)])
}

#[tokio::test]
async fn without_a_good_key_every_call_is_unauthenticated_in_the_same_words() {
    let server = Server::ready(&store()).await;
    let wrong = [None, Some(""), Some("lsk_al"), Some("lsk_all "), Some("lsk_alm"), Some(EXPIRED_KEY)];
    let methods = [
        PREDICT,
        "/linfa.serve.v1.ModelService/ListModels",
        "/linfa.serve.v1.ModelService/WatchModels",
        "/no.such.Service/Method",
    ];
    for method in methods {
        for key in wrong {
            let answer =
                raw_call(server.channel().await, method, key, tokio_stream::once(Bytes::new())).await;
            let words = "a valid API key is needed, as `authorization: Bearer KEY`".to_owned();
            assert_eq!(said(answer), (Code::Unauthenticated, words), "{method} with {key:?}");
        }
    }
    server.still_answers("iris", &SETOSA).await;
}

#[tokio::test]
async fn a_call_without_a_key_is_refused_before_its_body_is_read() {
    let server = Server::ready(&store()).await;
    // The body never comes; only the headers can have been looked at.
    let answer = raw_call(server.channel().await, PREDICT, Some("wrong"), pending()).await;
    assert_eq!(said(answer).0, Code::Unauthenticated);
    server.still_answers("iris", &SETOSA).await;
}

#[tokio::test]
async fn a_key_does_what_its_scopes_say_and_no_more() {
    let server = Server::ready(&store()).await;
    let iris = server.client_with(IRIS_KEY).await;
    assert_eq!(iris.predict(Target::model("iris"), Input::rows(&SETOSA)).await.unwrap().labels(), ["setosa"]);

    let lacking = |scope: &str| (Code::PermissionDenied, format!("the API key lacks the scope `{scope}`"));
    // The same words whether there is such a model or not.
    for model in ["line", "nothing"] {
        let refusal = refused(iris.predict(Target::model(model), Input::rows(&[1.0, 2.0])).await);
        assert_eq!((refusal.code, refusal.message), lacking(&format!("predict:{model}")));
    }
    let refusal = refused(iris.list_models().await);
    assert_eq!((refusal.code, refusal.message), lacking("models:read"));
    let models = server.client_with(MODELS_KEY).await;
    assert_eq!(models.list_models().await.unwrap().models.len(), 2);
    let refusal = refused(models.predict(Target::model("iris"), Input::rows(&SETOSA)).await);
    assert_eq!((refusal.code, refusal.message), lacking("predict:NAME"));
    server.still_answers("iris", &SETOSA).await;
}

#[tokio::test]
async fn an_unnamed_model_still_needs_its_scope() {
    let server = Server::ready(&Store::of(&[testkit::linear("line", 2.0)])).await;
    let iris = server.client_with(IRIS_KEY).await;
    let refusal = refused(iris.predict(Target::model(""), Input::rows(&[1.0, 2.0])).await);
    assert_eq!(refusal.message, "the API key lacks the scope `predict:line`");
}

#[tokio::test]
async fn new_keys_are_in_force_without_a_restart_and_a_bad_file_changes_nothing() {
    let store = store();
    let settings = store.settings();
    let file = settings.api_keys_file.clone();
    let server = Server::ready_with(settings).await;

    write_secret(&file, &keys().replace("predict:iris", "predict:line"));
    let iris = server.client_with(IRIS_KEY).await;
    eventually("the new scope is in force", async || {
        iris.predict(Target::model("line"), Input::rows(&[1.0, 2.0])).await.ok()
    })
    .await;

    write_secret(&file, "[[key]]\nid = ");
    // Three looks later at least, the last good keys are still in force.
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..5 {
        looks.tick().await;
        server.still_answers("line", &[1.0, 2.0]).await;
    }

    write_secret(&file, &keys().replace(&artifact::Digest::of(KEY.as_bytes()).hex(), &"0".repeat(64)));
    let all = server.client().await;
    eventually("the removed key is dead", async || {
        let answer = all.list_models().await;
        answer.err().filter(|error| error.code() == Some(Code::Unauthenticated))
    })
    .await;
    assert!(server.client_with(MODELS_KEY).await.list_models().await.is_ok());
}

#[tokio::test]
async fn two_authorization_headers_are_none() {
    let server = Server::ready(&store()).await;
    let mut request = tonic::Request::new(client::pb::ListModelsRequest {});
    for key in [KEY, KEY] {
        request.metadata_mut().append("authorization", format!("Bearer {key}").parse().unwrap());
    }
    let mut models = client::pb::model_service_client::ModelServiceClient::new(server.channel().await);
    assert_eq!(models.list_models(request).await.unwrap_err().code(), Code::Unauthenticated);
}
