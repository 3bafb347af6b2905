//! How the containers start and stop, and what the images say of themselves.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{
    command::{docker, run, said},
    stack::{Copy, Stack, build_images},
};

fn inspect(id: &str) -> Value {
    let all: Value = serde_json::from_str(&docker(&["inspect", id])).unwrap();
    all[0].clone()
}

#[test]
fn make_up_brings_a_fresh_clone_to_its_first_answer() {
    build_images();
    let copy = Copy::new();
    let start = Instant::now();
    let up = run(&mut copy.command("make", &["up"]));
    let text = said(&up);
    assert!(up.status.success(), "{text}");
    println!("make up: {:.1} s (images in the builder's cache)", start.elapsed().as_secs_f64());
    assert!(text.contains("setosa"), "{text}");
    assert!(
        text.contains(r#"grpcurl -plaintext -H "authorization: Bearer $(cat secrets/client_api_key)""#),
        "{text}"
    );
    assert!(!text.contains("lsk_"), "the key is printed: {text}");

    let stack = Stack::of(copy);
    let prediction = stack.predict();
    assert_eq!(prediction.labels(), ["setosa"]);
    assert_eq!((prediction.model.name.as_str(), prediction.model.version), ("iris", 1));

    let down = run(&mut stack.copy.command("make", &["down"]));
    assert!(down.status.success(), "{}", said(&down));
    assert_eq!(stack.copy.compose(&["ps", "--all", "--quiet"]), "");
}

#[test]
fn make_up_that_cannot_end_well_shows_the_log_and_fails() {
    let copy = Copy::new();
    let secrets = run(&mut copy.command("make", &["secrets"]));
    assert!(secrets.status.success(), "{}", said(&secrets));
    // A key that no catalog is signed with.
    let key = copy.path("secrets/catalog_public_key.pem");
    fs_err::remove_file(&key).unwrap();
    let other = Copy::new();
    run(&mut other.command("secrets/generate", &[]));
    fs_err::copy(other.path("secrets/catalog_public_key.pem"), key).unwrap();

    let up = run(&mut copy.command("make", &["up"]));
    let text = said(&up);
    assert!(!up.status.success(), "{text}");
    assert!(text.contains("signature"), "no reason in the log: {text}");
}

#[test]
fn stopping_ends_both_programs_by_themselves_and_well_within_the_grace() {
    let stack = Stack::up();
    assert_eq!(stack.predict().labels(), ["setosa"]);
    // Our client's connection is still open, and this thread, on which the client runs, will not answer any more: a peer
    // that went silent, which the drain must not wait for without end.
    for service in ["server", "sidecar"] {
        let id = stack.copy.container(service);
        let start = Instant::now();
        stack.copy.compose(&["stop", service]);
        let took = start.elapsed();
        println!("{service}: stopped in {:.1} s", took.as_secs_f64());
        let container = inspect(&id);
        assert_eq!(container["State"]["ExitCode"], 0, "{service}");
        let grace = container["Config"]["StopTimeout"].as_u64().unwrap();
        assert!(took < Duration::from_secs(grace), "{service}: {took:?}, the grace is {grace} s");
    }
}

#[test]
fn the_images_say_what_they_are() {
    build_images();
    for image in ["linfa-serve", "linfa-sidecar", "linfactl"] {
        let all: Value = serde_json::from_str(&docker(&["image", "inspect", image])).unwrap();
        let config = &all[0]["Config"];
        let labels = &config["Labels"];
        let version = docker(&["run", "--rm", image, "--version"]);
        let expected = labels["org.opencontainers.image.version"].as_str().unwrap();
        assert_eq!(version.trim(), format!("{image} {expected}"));
        assert_eq!(labels["org.opencontainers.image.title"], image);
        assert_eq!(labels["org.opencontainers.image.licenses"], "MIT OR Apache-2.0");
        assert_eq!(config["User"], "65532");
        assert_eq!(config["Entrypoint"], serde_json::json!([format!("/usr/local/bin/{image}")]));
        if image != "linfactl" {
            let health = serde_json::json!(["CMD", format!("/usr/local/bin/{image}"), "health"]);
            assert_eq!(config["Healthcheck"]["Test"], health);
        }
    }
}
