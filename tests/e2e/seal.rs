//! The stack through the seal: it shows no secret and may do no more than it needs. The same instrument over images and
//! services that are bad on purpose, to show that it finds each kind of fault.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use seal::{Access, Deployment, Image, Service};

use crate::{
    command::{docker, run, said, stdout, wait_for},
    stack::{Copy, Stack},
};

#[test]
fn a_running_stack_shows_no_secret_and_may_do_no_more_than_it_needs() {
    let stack = Stack::up();
    let copy = &stack.copy;
    // Built with the secrets lying there, as everyone builds from the second time on.
    copy.compose(&["--profile", "tools", "build"]);
    // Calls that a log tells of, one of them with a key that is none.
    assert_eq!(stack.predict().labels(), ["setosa"]);
    let models = copy.linfactl(&["models"]);
    assert!(models.status.success(), "{}", said(&models));
    let wrong = copy.linfactl(&["models", "--key-file", "/etc/hostname"]);
    assert!(!wrong.status.success(), "a wrong key was taken");

    let deployment = Deployment::product(copy.path(""), copy.environment.clone());
    let start = Instant::now();
    let report = deployment.check().unwrap();
    println!("{report}in {:.1} s", start.elapsed().as_secs_f64());
    assert_eq!(report.findings(), [""; 0]);

    for service in ["sidecar", "server"] {
        let log = said(&run(&mut copy.command("docker", &["compose", "logs", service])));
        assert!(log.lines().count() > 1, "no log was read: {log}");
        // The folder's mode protects them, which a program in the container cannot see: it says so once for each, not
        // with every look.
        let warnings = log.matches("others may read this secret file").count();
        assert!(warnings <= 2, "{service}: {warnings} warnings\n{log}");
    }
}

#[test]
fn every_kind_of_fault_is_found() {
    let BadStack(copy) = &BadStack::up();
    let deployment = bad(copy);
    let start = Instant::now();
    let report = deployment.check().unwrap();
    println!("{report}in {:.1} s", start.elapsed().as_secs_f64());
    assert_eq!(report.findings(), EXPECTED);
}

const EXPECTED: [&str; 50] = [
    "leaky: layers: description: client_api_key, base64",
    "leaky: layers: description: client_api_key, digest",
    "leaky: layers: description: client_api_key, hex",
    "leaky: layers: layer 2: app/key: client_api_key, plain",
    "leaky: layers: layer 4: app/key.gz (unpacked): client_api_key, plain",
    "leaky: history: client_api_key, base64",
    "leaky: history: client_api_key, digest",
    "leaky: history: client_api_key, hex",
    "leaky: image inspect: client_api_key, base64",
    "leaky: image inspect: client_api_key, digest",
    "baked: layers: layer 1: models/model.safetensors: iris/1 0.offsets, plain",
    "baked: layers: layer 1: models/model.safetensors: iris/1 0.scales, plain",
    "baked: layers: layer 1: models/model.safetensors: iris/1 1.coefficients, plain",
    "baked: layers: layer 1: models/model.safetensors: iris/1 1.intercepts, plain",
    "baked: layers: layer 2: models/model.base64: iris/1 0.offsets, base64",
    "baked: layers: layer 2: models/model.base64: iris/1 0.scales, base64",
    "baked: layers: layer 2: models/model.base64: iris/1 1.coefficients, base64",
    "baked: layers: layer 2: models/model.base64: iris/1 1.intercepts, base64",
    "shelled: shell: layer 1: bin/sh",
    "large: size: 41.0 MB, more than 40 MB",
    "compose.yaml: compose config: client_api_key, base64",
    "compose.yaml: compose config: client_api_key, digest",
    "compose.yaml: compose config: client_api_key, hex",
    "compose.yaml: compose config: signing key (seed), hex",
    "talkative: inspect: signing key (seed), hex",
    "talkative: log: client_api_key, plain",
    "talkative: environment: client_api_key, digest",
    "talkative: environment: signing key (seed), hex",
    "talkative: command line: client_api_key, base64",
    "open: secret files: /run/secrets/catalog_public_key: signing key (PEM), plain",
    "open: secret files: /run/secrets/catalog_public_key: signing key (seed), base64",
    "open: user: uid 0, gid 0",
    "open: root file system: can be written",
    "open: capabilities: not all are dropped",
    "open: new privileges: can be gained",
    "open: seccomp: unconfined",
    "open: mounts: /dev/host is not its business",
    "open: mounts: /host is not its business",
    "open: mounts: /models/store is writable",
    "open: mounts: /run/docker.sock is not its business",
    "open: mounts: /run/secrets/api_keys is missing",
    "open: mounts: /run/secrets/catalog_signing_key is not its business",
    "open: memory limit: no limit",
    "open: process limit: no limit",
    "open: core dumps: a memory image may be written",
    "open: ports: 50051/tcp on 0.0.0.0",
    "privileged: capabilities: not all are dropped",
    "privileged: privileged: it is",
    "privileged: seccomp: unconfined",
    "privileged: network: 1 interfaces, not 0",
];

/// What leaks and may do too much, from bad/. The images go with the value.
struct BadStack(Copy);

impl Drop for BadStack {
    fn drop(&mut self) {
        let tags = BAD_IMAGES.map(|name| tag(&self.0, name));
        run(Command::new("docker").args(["image", "rm", "--force"]).args(tags));
    }
}

const BAD_IMAGES: [&str; 4] = ["leaky", "baked", "shelled", "large"];

/// As compose names what it builds.
fn tag(copy: &Copy, name: &str) -> String {
    format!("{}-{name}:latest", copy.project)
}

impl BadStack {
    fn up() -> Self {
        let mut stack = Self(Copy::new());
        let copy = &mut stack.0;
        stdout(&mut copy.command("secrets/generate", &[]));
        for file in ["Dockerfile", "compose.yaml"] {
            fs_err::copy(copy.path("tests/e2e/bad").join(file), copy.path(file)).unwrap();
        }
        fs_err::remove_file(copy.path(".dockerignore")).unwrap();
        fs_err::copy(copy.path("secrets/client_api_key"), copy.path("client_api_key")).unwrap();
        fs_err::copy(copy.path("models/iris/1/model.safetensors"), copy.path("model.safetensors")).unwrap();
        for (variable, script) in [
            ("AS_BASE64", "openssl base64 -A -in client_api_key"),
            ("AS_DIGEST", "openssl dgst -sha256 -r client_api_key | cut -c 1-64"),
            ("AS_HEX", "od -An -v -tx1 client_api_key | tr -d ' \\n'"),
            (
                "SEED_AS_HEX",
                "openssl pkey -in secrets/catalog_signing_key.pem -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \\n'",
            ),
        ] {
            let value = stdout(&mut copy.command("sh", &["-euc", script]));
            copy.environment.push((variable.to_owned(), value.trim().to_owned()));
        }
        copy.compose(&["--profile", "tools", "build"]);
        copy.compose(&["up", "--detach"]);
        let id = copy.container("talkative");
        wait_for("all processes run", Duration::from_secs(60), || {
            let programs = docker(&["top", &id, "-eo", "pid,comm"]);
            (programs.matches("sleep").count() == 2).then_some(())
        });
        stack
    }
}

/// What would be right for it: nothing is, but for `good`.
fn bad(copy: &Copy) -> Deployment {
    let service = |name: &str, mounts: &[(&str, Access)], networks| Service {
        name: name.to_owned(),
        mounts: mounts.iter().map(|(path, access)| ((*path).to_owned(), *access)).collect(),
        networks,
    };
    Deployment {
        folder: copy.path(""),
        environment: copy.environment.clone(),
        images: BAD_IMAGES.map(|name| Image { name: name.to_owned(), tag: tag(copy, name) }).into(),
        services: vec![
            service("good", &[], 0),
            service("talkative", &[("/run/secrets/client_api_key", Access::Ro)], 0),
            service(
                "open",
                &[
                    ("/models/store", Access::Ro),
                    ("/run/secrets/api_keys", Access::Ro),
                    ("/run/secrets/catalog_public_key", Access::Ro),
                ],
                1,
            ),
            service("privileged", &[], 0),
        ],
    }
}
