use std::time::Duration;

use artifact::{
    catalog::{Refusal, Status},
    testkit,
};
use client::{Code, Input, Target};

use crate::harness::{Server, Store, entry, refused};

const ROW: [f64; 2] = [2.0, 3.0];

/// Versions 1 (stable), 2 (admitted only), 3 (the default), 4 (rejected), 5 (pending), 6 (withdrawn), 7 (incomplete).
fn store() -> Store {
    let mut store = Store::empty();
    for version in 1..=3 {
        store.admit(&testkit::linear("line", version as f64), version);
    }
    let because = |reason: &str| Some(Refusal { check: "golden".to_owned(), reason: reason.to_owned() });
    let model = store.model("line");
    model.serving = [1, 3].map(|version| version.try_into().unwrap()).to_vec();
    model.labels.insert("stable".parse().unwrap(), 1.try_into().unwrap());
    let mut rejected = entry(4, Status::Rejected);
    rejected.refusal = because("row 2: the model answers 5, the training library answered 4");
    let mut incomplete = entry(7, Status::Incomplete);
    incomplete.refusal =
        Some(Refusal { check: "layout".to_owned(), reason: "`golden.jsonl` is missing".to_owned() });
    model.versions.extend([rejected, entry(5, Status::Pending), entry(6, Status::Withdrawn), incomplete]);
    store.publish();
    store
}

#[tokio::test]
async fn version_label_and_default_choose_and_the_answer_says_which() {
    let server = Server::ready(&store()).await;
    let client = server.client().await;
    let line = || Target::model("line");
    for (target, version) in [(line(), 3), (line().version(1), 1), (line().label("stable"), 1)] {
        let prediction = client.predict(target, Input::rows(&ROW)).await.unwrap();
        assert_eq!((prediction.model.name.as_str(), prediction.model.version), ("line", version));
        assert_eq!(prediction.numbers(), [version as f64 * 2.0 + 3.0 + 1.0]);
        assert!(prediction.model.digest.starts_with("sha256:"));
    }
    assert_eq!(client.predict(Target::model(""), Input::rows(&ROW)).await.unwrap().model.name, "line");
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let server = Server::ready(&store()).await;
    let client = server.client().await;
    let line = || Target::model("line");
    for (target, sentence, kind, name) in [
        (Target::model("lime"), "there is no model `lime`", "model", "lime"),
        (line().version(9), "model `line` has no version 9", "version", "line/9"),
        (line().version(0), "model `line` has no version 0", "version", "line/0"),
        (line().label("canary"), "model `line` has no label `canary`", "label", "line/canary"),
    ] {
        let refusal = refused(client.predict(target, Input::rows(&ROW)).await);
        assert_eq!((refusal.code, refusal.message.as_str()), (Code::NotFound, sentence));
        let resource = refusal.details.resource.expect("ResourceInfo");
        assert_eq!((resource.resource_type.as_str(), resource.resource_name.as_str()), (kind, name));
    }
    let refusal = refused(client.get_model("lime").await);
    assert_eq!((refusal.code, refusal.message.as_str()), (Code::NotFound, "there is no model `lime`"));
    server.still_answers("line", &ROW).await;
}

#[tokio::test]
async fn what_exists_but_does_not_serve_says_why() {
    let server = Server::ready(&store()).await;
    let client = server.client().await;
    for (version, sentence, check, reason) in [
        (
            2,
            "version 2 of model `line` is admitted, but not served; served: 1, 3",
            "policy",
            "version 2 of model `line` is admitted, but not served; served: 1, 3",
        ),
        (
            4,
            "version 4 of model `line` was refused by the check `golden`: row 2: the model answers 5, the training library answered 4",
            "golden",
            "row 2: the model answers 5, the training library answered 4",
        ),
        (
            6,
            "version 6 of model `line` is withdrawn, but not served; served: 1, 3",
            "policy",
            "version 6 of model `line` is withdrawn, but not served; served: 1, 3",
        ),
        (
            7,
            "version 7 of model `line` was refused by the check `layout`: `golden.jsonl` is missing",
            "layout",
            "`golden.jsonl` is missing",
        ),
    ] {
        let target = Target::model("line").version(version);
        let refusal = refused(client.predict(target, Input::rows(&ROW)).await);
        assert_eq!((refusal.code, refusal.message.as_str()), (Code::FailedPrecondition, sentence));
        let violation = &refusal.details.preconditions[0];
        assert_eq!(violation.r#type, check);
        assert_eq!(violation.subject, format!("line/{version}"));
        assert_eq!(violation.description, reason);
    }
    server.still_answers("line", &ROW).await;
}

#[tokio::test]
async fn what_is_not_there_yet_asks_to_come_back() {
    let server = Server::ready(&store()).await;
    let client = server.client().await;
    let refusal = refused(client.predict(Target::model("line").version(5), Input::rows(&ROW)).await);
    let sentence = "version 5 of model `line` is not judged yet; try again shortly";
    assert_eq!((refusal.code, refusal.message.as_str()), (Code::Unavailable, sentence));
    assert_eq!(refusal.details.retry_after, Some(Duration::from_secs(1)));

    let store = Store::empty();
    let server = Server::start(store.settings()).await;
    let client = server.client().await;
    let sentence = "no models are loaded yet; try again shortly";
    for refusal in [
        refused(client.predict(Target::model("line"), Input::rows(&ROW)).await),
        refused(client.predict(Target::model(""), Input::rows(&ROW)).await),
        refused(client.get_model("line").await),
    ] {
        assert_eq!((refusal.code, refusal.message.as_str()), (Code::Unavailable, sentence));
        assert_eq!(refusal.details.retry_after, Some(Duration::from_secs(1)));
    }
}

#[tokio::test]
async fn a_model_of_which_nothing_serves_is_told_by_its_newest_version() {
    let mut store = Store::of(&[testkit::linear("line", 1.0)]);
    let mut rejected = entry(1, Status::Rejected);
    rejected.refusal = Some(Refusal { check: "digest".to_owned(), reason: "the hash differs".to_owned() });
    store.model("broken").versions.push(rejected);
    store.model("retired").versions.push(entry(1, Status::Withdrawn));
    store.publish();
    let server = Server::ready(&store).await;
    let client = server.client().await;
    for (model, sentence) in [
        ("broken", "version 1 of model `broken` was refused by the check `digest`: the hash differs"),
        ("retired", "model `retired` has no version that serves"),
    ] {
        let refusal = refused(client.predict(Target::model(model), Input::rows(&ROW)).await);
        assert_eq!((refusal.code, refusal.message.as_str()), (Code::FailedPrecondition, sentence));
        assert_eq!(refusal.details.preconditions.len(), 1);
    }
    server.still_answers("line", &ROW).await;
}

#[tokio::test]
async fn an_empty_name_is_ambiguous_where_several_models_serve() {
    let server = Server::ready(&Store::of(&[testkit::linear("line", 1.0), testkit::binary("yesno")])).await;
    let refusal = refused(server.client().await.predict(Target::model(""), Input::rows(&ROW)).await);
    let sentence = "model: several models are served, name one of them: line, yesno";
    assert_eq!((refusal.code, refusal.message.as_str()), (Code::InvalidArgument, sentence));
    let violation = &refusal.details.field_violations[0];
    assert_eq!(violation.field, "model");
    assert_eq!(violation.description, "several models are served: line, yesno");
    server.still_answers("line", &ROW).await;
}
