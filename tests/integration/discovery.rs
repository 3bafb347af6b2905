use std::collections::BTreeSet;

use artifact::testkit;
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::{v1, v1alpha};

use crate::harness::{Server, Store};

async fn health(server: &Server, service: &str) -> Result<ServingStatus, Code> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(server.channel().await).check(request).await;
    answer.map(|answer| answer.into_inner().status()).map_err(|status| status.code())
}

#[tokio::test]
async fn a_server_without_models_is_live_and_not_ready() {
    let store = Store::empty();
    let server = Server::start(store.settings()).await;
    assert_eq!(health(&server, "live").await, Ok(ServingStatus::Serving));
    for service in ["", "linfa.serve.v1.PredictService", "linfa.serve.v1.ModelService"] {
        assert_eq!(health(&server, service).await, Ok(ServingStatus::NotServing), "{service:?}");
    }
    assert_eq!(health(&server, "models/iris").await, Err(Code::NotFound));
    let said = linfa_serve::is_ready(server.address).await.unwrap_err().to_string();
    assert_eq!(said, format!("{} is not ready", server.address));
}

#[tokio::test]
async fn health_follows_what_is_served_by_model_too() {
    let mut store = Store::empty();
    store.publish();
    let server = Server::start(store.settings()).await;
    let mut watch = HealthClient::new(server.channel().await)
        .watch(HealthCheckRequest { service: "linfa.serve.v1.PredictService".to_owned() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    // A catalog without a model is applied, and still nothing is ready.
    server.applied(store.catalog.sequence).await;
    assert_eq!(health(&server, "").await, Ok(ServingStatus::NotServing));

    store.admit(&testkit::classifier("iris"), 1);
    store.publish();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    assert_eq!(health(&server, "").await, Ok(ServingStatus::Serving));
    assert_eq!(health(&server, "models/iris").await, Ok(ServingStatus::Serving));

    // The model leaves: it and the server say so.
    let model = store.model("iris");
    (model.default, model.serving) = (None, Vec::new());
    store.publish();
    assert_eq!(watch.next().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(health(&server, "models/iris").await, Ok(ServingStatus::NotServing));
}

#[tokio::test]
async fn list_models_shows_what_each_model_takes_and_gives() {
    let server = Server::ready(&Store::of(&[testkit::classifier("iris")])).await;
    let list = server.list().await;
    let model = &list.models[0];
    assert_eq!((model.name.as_str(), model.default_version), ("iris", 1));
    let version = &model.versions[0];
    assert_eq!(version.state(), client::pb::model_version::State::Serving);
    assert!(version.digest.starts_with("sha256:"));
    let signature = version.signature.as_ref().unwrap();
    let names: Vec<_> = signature.inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(names, ["sepal_length", "sepal_width", "petal_length", "petal_width"]);
    assert_eq!(signature.outputs, ["setosa", "versicolor", "virginica"]);
    assert_eq!(signature.steps, ["standard_scaler", "multinomial_logistic_regression"]);
    assert_eq!(signature.task, "classification");
    assert!(list.catalog.unwrap().issued_at.is_some());
}

#[tokio::test]
async fn list_models_shows_who_signed_a_version() {
    let mut store = Store::of(&[testkit::classifier("iris"), testkit::linear("a", 2.0)]);
    let key = artifact::Digest::of(b"a key");
    store.model("iris").versions[0].signer = Some(key);
    store.publish();
    let server = Server::ready(&store).await;
    assert_eq!(server.version("iris", 1).await.signer, key.to_string());
    assert_eq!(server.version("a", 1).await.signer, "");
}

#[tokio::test]
async fn reflection_v1_lists_the_services_and_describes_messages_and_details() {
    use v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    let store = Store::empty();
    let server = Server::start(store.settings()).await;
    let symbols = [
        "linfa.serve.v1.PredictRequest",
        "linfa.serve.v1.ModelVersion",
        "google.rpc.BadRequest",
        "google.rpc.RetryInfo",
        "google.rpc.ResourceInfo",
        "google.rpc.PreconditionFailure",
        "google.rpc.ErrorInfo",
    ];
    let symbol = |name: &&str| MessageRequest::FileContainingSymbol((*name).to_owned());
    let asked: Vec<_> = [MessageRequest::ListServices(String::new())]
        .into_iter()
        .chain(symbols.iter().map(symbol))
        .map(|request| ServerReflectionRequest { host: String::new(), message_request: Some(request) })
        .collect();
    let mut reflection = ServerReflectionClient::new(server.channel().await);
    let answers = reflection.server_reflection_info(tokio_stream::iter(asked)).await.unwrap().into_inner();
    let answers: Vec<_> = answers.map(|answer| answer.unwrap().message_response.unwrap()).collect().await;
    let Some(MessageResponse::ListServicesResponse(list)) = answers.first() else { panic!("{answers:?}") };
    let services: BTreeSet<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    let expected = ["grpc.health.v1.Health", "linfa.serve.v1.ModelService", "linfa.serve.v1.PredictService"];
    assert!(services.is_superset(&BTreeSet::from(expected)), "{services:?}");
    for (symbol, answer) in symbols.iter().zip(&answers[1..]) {
        assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)), "{symbol}: {answer:?}");
    }
    assert_eq!(answers.len(), symbols.len() + 1);
}

#[tokio::test]
async fn reflection_v1alpha_answers_older_tools() {
    use v1alpha::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    let store = Store::empty();
    let server = Server::start(store.settings()).await;
    let symbol = MessageRequest::FileContainingSymbol("linfa.serve.v1.PredictService".to_owned());
    let asked = ServerReflectionRequest { host: String::new(), message_request: Some(symbol) };
    let mut reflection = ServerReflectionClient::new(server.channel().await);
    let mut answers =
        reflection.server_reflection_info(tokio_stream::once(asked)).await.unwrap().into_inner();
    let answer = answers.next().await.unwrap().unwrap().message_response.unwrap();
    assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)), "{answer:?}");
}
