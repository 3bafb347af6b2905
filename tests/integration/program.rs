use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Output, Stdio},
};

use artifact::testkit;
use client::{ApiKey, Client, Input, Target};
use serde_json::Value;

use crate::harness::{KEY, PATIENCE, Store, eventually, refused};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linfa-serve"));
    command.env_clear();
    command
}

fn run(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    program().envs(variables.iter().copied()).args(arguments).output().unwrap()
}

/// The exit code, and what the program said on standard error.
fn failure(variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = run(variables, &[]);
    assert_eq!(output.stdout, b"");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn settings_that_cannot_be_used_are_named_without_their_value_and_exit_78() {
    for (variable, sentence) in [
        ("LINFA_SERVE__LIMITS__ROWS", "limits.rows (LINFA_SERVE__LIMITS__ROWS): expected an integer"),
        (
            "LINFA_SERVE_LISTEN",
            "LINFA_SERVE_LISTEN does nothing: settings are spelt LINFA_SERVE__SECTION__KEY",
        ),
        (
            "LINFA_SERVE__API_KEY",
            "LINFA_SERVE__API_KEY would carry a secret in the environment, where `docker inspect` shows it: put it into a file and set the matching …_FILE",
        ),
    ] {
        let said = format!("linfa-serve: {sentence}\n");
        assert_eq!(failure(&[(variable, "hunter2")]), (Some(78), said));
    }
    let (code, said) = failure(&[("LINFA_SERVE__LISTENER", "hunter2")]);
    assert_eq!(code, Some(78));
    assert!(
        said.starts_with("linfa-serve: unknown field `listener`, expected one of `listen`, `store`"),
        "{said}"
    );
    let (code, said) = failure(&[("LINFA_SERVE__LISTEN", "hunter2")]);
    assert_eq!(code, Some(78));
    assert!(said.contains("listen (LINFA_SERVE__LISTEN)") && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_file_of_settings_that_cannot_be_read_is_named() {
    let output = run(&[], &["--config", "/nowhere/settings.toml"]);
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "linfa-serve: /nowhere/settings.toml is not valid TOML or cannot be read\n");
}

#[test]
fn check_config_prints_what_is_in_force_with_secrets_as_paths() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("settings.toml");
    fs_err::write(&file, "reload_ms = 250\n[limits]\nrows = 7\n").unwrap();
    let variables = [("LINFA_SERVE__LIMITS__ROWS", "8"), ("LINFA_SERVE__API_KEYS_FILE", "/run/secrets/mine")];
    let output = run(&variables, &["--check-config", "--config", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let shown: toml::Table = String::from_utf8(output.stdout).unwrap().parse().unwrap();
    assert_eq!(shown["reload_ms"].as_integer(), Some(250));
    assert_eq!(shown["limits"]["rows"].as_integer(), Some(8));
    assert_eq!(shown["api_keys_file"].as_str(), Some("/run/secrets/mine"));
    assert_eq!(shown["listen"].as_str(), Some("0.0.0.0:50051"));
}

#[test]
fn a_missing_or_writable_secret_is_named_and_the_program_does_not_start() {
    use std::os::unix::fs::PermissionsExt as _;

    let store = Store::empty();
    let keys = store.settings().api_keys_file;
    let public = store.settings().catalog_public_key_file;
    let variables = |keys: &str| {
        [
            ("LINFA_SERVE__LISTEN", "127.0.0.1:0".to_owned()),
            ("LINFA_SERVE__CATALOG_PUBLIC_KEY_FILE", public.display().to_string()),
            ("LINFA_SERVE__API_KEYS_FILE", keys.to_owned()),
        ]
    };
    let said = |keys: &str| {
        let output = program().envs(variables(keys)).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(
        said("/nowhere/keys").contains("linfa-serve: api_keys_file: failed to open file `/nowhere/keys`")
    );
    fs_err::set_permissions(&keys, std::fs::Permissions::from_mode(0o466)).unwrap();
    let keys = keys.display().to_string();
    let sentence = format!("api_keys_file: {keys} may be written by others (mode 466); chmod go-w it");
    assert!(said(&keys).contains(&sentence), "{}", said(&keys));
}

struct Running {
    child: Child,
    address: SocketAddr,
    /// Every line of the log. It is read no further than it is taken from here.
    log: std::sync::mpsc::Receiver<Value>,
}

impl Running {
    fn start(store: &Store) -> Self {
        let settings = store.settings();
        let path = |path: &std::path::Path| path.display().to_string();
        let mut child = program()
            .env("LINFA_SERVE__LISTEN", "127.0.0.1:0")
            .env("LINFA_SERVE__STORE", path(&settings.store))
            .env("LINFA_SERVE__STATE", path(&settings.state))
            .env("LINFA_SERVE__CATALOG_PUBLIC_KEY_FILE", path(&settings.catalog_public_key_file))
            .env("LINFA_SERVE__API_KEYS_FILE", path(&settings.api_keys_file))
            .env("LINFA_SERVE__DRAIN__NOTICE_MS", "0")
            .env("LINFA_SERVE__RELOAD_MS", "10")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (lines, log) = std::sync::mpsc::sync_channel(1);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines() {
                let line = line.unwrap();
                let event = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                let _ = lines.send(event);
            }
        });
        let mut running = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), log };
        running.address = running.line("listening")["address"].as_str().unwrap().parse().unwrap();
        running
    }

    /// The next line with that message.
    fn line(&self, message: &str) -> Value {
        loop {
            let line = self.log.recv_timeout(PATIENCE).expect(message);
            if line["message"] == message {
                return line;
            }
        }
    }

    fn health(&self) -> Output {
        run(&[("LINFA_SERVE__LISTEN", &self.address.to_string())], &["health"])
    }

    /// SIGTERM, and how the program ends.
    fn stop(mut self) -> Option<i32> {
        let id = i32::try_from(self.child.id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_program_serves_tells_its_health_and_stops_at_sigterm() {
    let store = Store::of(&[testkit::linear("line", 2.0)]);
    let running = Running::start(&store);
    eventually("the program is ready", async || running.health().status.success().then_some(())).await;
    let client = connect(&running).await;
    let prediction = client.predict(Target::model("line"), Input::rows(&[2.0, 3.0])).await.unwrap();
    assert_eq!(prediction.numbers(), [8.0]);
    let address = running.address.to_string();
    drop(client);
    assert_eq!(running.stop(), Some(0));
    let output = run(&[("LINFA_SERVE__LISTEN", &address)], &["health"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, format!("linfa-serve: {address}: cannot be reached\n"));
}

#[tokio::test]
async fn health_fails_while_no_model_serves() {
    let running = Running::start(&Store::empty());
    let output = running.health();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, format!("linfa-serve: {} is not ready\n", running.address));
    assert_eq!(running.stop(), Some(0));
}

#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_no_call_and_is_whole_once_it_is_read() {
    // Some 300 KiB, where a pipe takes 64.
    const CALLS: usize = 1000;
    let store = Store::of(&[testkit::linear("line", 2.0)]);
    let running = Running::start(&store);
    eventually("the program is ready", async || running.health().status.success().then_some(())).await;
    let client = connect(&running).await;
    let calls = async {
        for _ in 0..CALLS {
            client.predict(Target::model("line"), Input::rows(&[2.0, 3.0])).await.unwrap();
        }
    };
    tokio::time::timeout(PATIENCE, calls).await.expect("every call is answered");
    for _ in 0..CALLS {
        assert_eq!(running.line("call")["code"], "OK");
    }
    assert_eq!(running.stop(), Some(0));
}

#[tokio::test]
async fn a_catalog_is_called_stale_once_and_fresh_once() {
    let mut store = Store::of(&[testkit::linear("line", 2.0)]);
    let fresh = store.catalog.expires_at;
    store.catalog.expires_at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(1);
    store.publish();
    let running = Running::start(&store);
    let client = connect(&running).await;
    let mut said = Vec::new();
    let mut look = async || {
        let catalog = client.list_models().await.unwrap().catalog;
        // The line of the call comes after those of all that it has seen.
        loop {
            let line = running.log.recv_timeout(PATIENCE).unwrap();
            match line["message"].as_str().unwrap() {
                "call" => return catalog.is_some_and(|catalog| catalog.stale),
                message if message.contains("stale") => said.push(message.to_owned()),
                _ => {}
            }
        }
    };
    for expected in [true, false] {
        let reached = async { while look().await != expected {} };
        tokio::time::timeout(PATIENCE, reached).await.expect("it is stale, and then it is not");
        for _ in 0..20 {
            assert_eq!(look().await, expected);
        }
        store.catalog.expires_at = fresh;
        store.publish();
    }
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("is stale"), "{said:?}");
    assert_eq!(said[1], "the catalog in force is not stale any more");
}

#[tokio::test]
async fn the_access_log_has_a_line_per_call_and_no_key_or_value() {
    let store = Store::of(&[testkit::linear("line", 2.0)]);
    let running = Running::start(&store);
    eventually("the program is ready", async || running.health().status.success().then_some(())).await;
    let client = connect(&running).await;
    let mut lines = Vec::new();
    let mut call = || {
        let line = running.line("call");
        lines.push(line.to_string());
        line
    };

    client.predict(Target::model("line"), Input::rows(&[1234.5, 3.0, 1.0, 1.0])).await.unwrap();
    let line = call();
    assert_eq!(line["target"], "access");
    assert_eq!(line["method"], "/linfa.serve.v1.PredictService/Predict");
    assert_eq!((&line["code"], &line["key"], &line["model"]), (&"OK".into(), &"all".into(), &"line".into()));
    assert_eq!((&line["version"], &line["rows"]), (&1.into(), &2.into()));
    assert!(line["digest"].as_str().unwrap().starts_with("sha256:"));
    assert!(line["duration_us"].is_u64());

    refused(client.predict(Target::model("lime"), Input::rows(&[1234.5])).await);
    let line = call();
    assert_eq!((&line["code"], &line["model"]), (&"NOT_FOUND".into(), &"lime".into()));

    let wrong = connect_with(&running, "lsk_wrong").await;
    refused(wrong.list_models().await);
    let line = call();
    assert_eq!((&line["code"], &line["key"]), (&"UNAUTHENTICATED".into(), &Value::Null));

    for line in &lines {
        for secret in [KEY, "lsk_wrong", "Bearer", "authorization", "1234.5"] {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
    }
    drop(client);
    assert_eq!(running.stop(), Some(0));
}

async fn connect(running: &Running) -> Client {
    connect_with(running, KEY).await
}

async fn connect_with(running: &Running, key: &str) -> Client {
    let key = ApiKey::new(key).unwrap();
    Client::connect(&format!("http://{}", running.address), key).await.unwrap().without_retries()
}
