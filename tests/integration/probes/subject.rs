//! The process that is probed: our program, or, as the control, a server of tonic with tonic's defaults. A process
//! of its own, so that what it uses can be told from what the tests use.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use artifact::testkit;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;

use crate::harness::{PATIENCE, Store, eventually};

pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    child: Child,
    _store: Option<Store>,
}

impl Subject {
    /// The program as it ships, but for these limits.
    pub(super) async fn ours(limits: &[(&str, u64)]) -> Self {
        Self::ours_with_files(limits, None).await
    }

    /// The same with so many descriptors.
    pub(super) async fn ours_with_files(limits: &[(&str, u64)], files: Option<u64>) -> Self {
        let store = Store::of(&[testkit::linear("line", 2.0)]);
        let settings = store.settings();
        let mut command = command(env!("CARGO_BIN_EXE_linfa-serve"), files);
        command
            .env_clear()
            .env("LINFA_SERVE__LISTEN", "127.0.0.1:0")
            .env("LINFA_SERVE__STORE", &settings.store)
            .env("LINFA_SERVE__STATE", &settings.state)
            .env("LINFA_SERVE__CATALOG_PUBLIC_KEY_FILE", &settings.catalog_public_key_file)
            .env("LINFA_SERVE__API_KEYS_FILE", &settings.api_keys_file);
        for (limit, value) in limits {
            command.env(format!("LINFA_SERVE__LIMITS__{limit}"), value.to_string());
        }
        let subject = Self::start("ours", command, Some(store));
        eventually("it is ready", async || linfa_serve::is_ready(subject.address).await.ok()).await;
        subject
    }

    /// tonic's health service with tonic's defaults.
    pub(super) async fn bare() -> Self {
        Self::bare_with_files(None).await
    }

    /// The same with so many descriptors.
    pub(super) async fn bare_with_files(files: Option<u64>) -> Self {
        let this = std::env::current_exe().unwrap();
        let mut command = command(this.to_str().unwrap(), files);
        command.args(["--exact", "probes::subject::bare", "--ignored", "--nocapture"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let subject = Self::start("bare tonic", command, None);
        eventually("it is ready", async || linfa_serve::is_ready(subject.address).await.ok()).await;
        subject
    }

    /// Both log that they are listening, and the address with it.
    fn start(name: &'static str, mut command: Command, store: Option<Store>) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (found, address) = mpsc::channel();
        // To its end, since a program whose log nobody reads would stand still.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok).filter(|line| line.contains("listening")) {
                let port: String = line
                    .split_once("127.0.0.1:")
                    .map(|(_, port)| port.chars().take_while(char::is_ascii_digit).collect())
                    .unwrap_or_default();
                let _ = found.send(SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap())));
            }
        });
        let address = address.recv_timeout(PATIENCE);
        let mut subject = Self { name, address: ([0; 4], 0).into(), child, _store: store };
        subject.address = address.unwrap_or_else(|_| panic!("{name} does not listen"));
        subject
    }

    /// What it has computed so far.
    pub(super) fn cpu(&self) -> Duration {
        let stat = fs_err::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The name of the program, in brackets, may hold anything.
        let (_, numbers) = stat.rsplit_once(')').unwrap();
        let ticks = numbers.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap());
        // A tick is 10 ms on every Linux (USER_HZ).
        Duration::from_millis(10 * ticks.sum::<u64>())
    }

    /// How many descriptors it holds.
    pub(super) fn open_files(&self) -> usize {
        fs_err::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// The most memory that it has had resident, in KiB.
    pub(super) fn peak_kib(&self) -> u64 {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program, by way of a shell that lowers its limit of descriptors.
fn command(program: &str, files: Option<u64>) -> Command {
    let Some(files) = files else { return Command::new(program) };
    let mut command = Command::new("/bin/sh");
    command.args(["-euc", r#"ulimit -n "$0"; exec "$@""#, &files.to_string(), program]);
    command
}

/// The control's process: this very test, started by [`Subject::bare`]. It ends when whoever started it has.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a process for the probes, which start it themselves"]
async fn bare() {
    let (_reporter, health) = tonic_health::server::health_reporter();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    eprintln!("listening on {}", listener.local_addr().unwrap());
    let serving = tonic::transport::Server::builder()
        .add_service(health)
        .serve_with_incoming(TcpIncoming::from(listener));
    let alone = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        served = serving => served.unwrap(),
        ended = alone => assert_eq!(ended.unwrap().unwrap(), 0),
    }
}
