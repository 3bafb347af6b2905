//! What the containers may do, as the kernel enforces it, not as a file asks for it; and how they start and stop.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{
    command::{docker, run, said},
    leak::beside,
    stack::{Copy, Stack, build_images},
};

const SERVICES: [&str; 2] = ["sidecar", "server"];

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
fn the_programs_can_do_no_more_than_they_need() {
    let stack = Stack::up();
    for service in SERVICES {
        let id = stack.copy.container(service);

        let status = said(&beside(&id, "cat /proc/1/status"));
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name} in {status}")).split_whitespace().collect::<Vec<_>>()
        };
        assert_eq!(field("Uid:"), ["65532"; 4], "{service}");
        assert_eq!(field("Gid:"), ["65532"; 4], "{service}");
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
            assert_eq!(field(set), ["0000000000000000"], "{service} {set}");
        }
        assert_eq!(field("NoNewPrivs:"), ["1"], "{service}");
        assert_eq!(field("Seccomp:"), ["2"], "{service}");
        let core = said(&beside(&id, "grep 'core file' /proc/1/limits"));
        assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{service}");

        // Even root writes nothing there.
        let touched = said(&beside(&id, "touch /proc/1/root/usr/local/bin/x /proc/1/root/tmp/x"));
        assert_eq!(touched.matches("Read-only file system").count(), 2, "{service}: {touched}");

        let host = &inspect(&id)["HostConfig"];
        assert!(host["Memory"].as_u64().unwrap() > 0, "{service}");
        assert!(host["PidsLimit"].as_u64().unwrap() > 0, "{service}");
    }
}

#[test]
fn each_program_sees_its_part_of_the_models_and_of_the_network() {
    let stack = Stack::up();
    let (sidecar, server) = (stack.copy.container("sidecar"), stack.copy.container("server"));
    let at = |id: &str, script: &str| said(&beside(id, &format!("cd /proc/1/root && {script}")));

    assert_eq!(at(&server, "ls models"), "store\n");
    assert!(at(&server, "touch models/store/x").contains("Read-only file system"));
    assert_eq!(at(&server, "ls run/secrets"), "api_keys\ncatalog_public_key\n");

    assert_eq!(at(&sidecar, "ls models"), "incoming\nstore\n");
    assert!(at(&sidecar, "touch models/incoming/x").contains("Read-only file system"));
    assert_eq!(at(&sidecar, "touch models/store/x && rm models/store/x"), "");
    assert_eq!(at(&sidecar, "ls run/secrets"), "catalog_signing_key\n");

    let interfaces = |id: &str| {
        let devices = said(&beside(id, "tail -n +3 /proc/1/net/dev"));
        devices.lines().map(|line| line.split(':').next().unwrap().trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(interfaces(&sidecar), ["lo"]);
    assert_eq!(interfaces(&server).len(), 2, "{:?}", interfaces(&server));

    let ports = &inspect(&server)["NetworkSettings"]["Ports"]["50051/tcp"];
    let ports = ports.as_array().unwrap();
    assert!(!ports.is_empty() && ports.iter().all(|port| port["HostIp"] == "127.0.0.1"), "{ports:?}");
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
fn the_images_say_what_they_are_and_start_without_a_shell() {
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
        let shell =
            run(std::process::Command::new("docker").args(["run", "--rm", "--entrypoint", "sh", image]));
        assert!(said(&shell).contains("executable file not found"), "{image} has a shell: {}", said(&shell));
        let size = all[0]["Size"].as_u64().unwrap();
        println!("{image}: {:.1} MB", size as f64 / 1e6);
    }
}
