//! What a call costs, against the least that it could cost: a bare tonic server that gives the same bytes for the same
//! bytes. `make bench` runs it; it needs h2load (package nghttp2-client) and taskset. README.md here has the figures.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made ends, and prints what it found"
)]

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use artifact::{
    Batch, Catalog, Digest, Files, Manifest, Model, Predictions,
    catalog::{CatalogModel, CatalogVersion, Status},
    dsse::SealKey,
    store::Writer,
};
use client::{ApiKey, Client, Input, Target, pb::Matrix};
use echo::Echo;

#[path = "echo.rs"]
mod echo;
#[path = "../tests/integration/raw.rs"]
mod raw;

const KEY: &str = "lsk_bench";
const SEED: [u8; 32] = *b"linfa-serve integration test key";
const PUBLIC_KEY: &str = include_str!("../tests/integration/public_key.pem");
const ROUNDS: usize = 9;

/// One way to call.
struct Scenario {
    rows: usize,
    connections: usize,
    streams: usize,
    calls: usize,
}

const SCENARIOS: [Scenario; 4] = [
    Scenario { rows: 1, connections: 64, streams: 1, calls: 60_000 },
    Scenario { rows: 1, connections: 4, streams: 16, calls: 60_000 },
    Scenario { rows: 128, connections: 64, streams: 1, calls: 20_000 },
    Scenario { rows: 128, connections: 4, streams: 16, calls: 20_000 },
];

/// A server on the first core.
struct Server {
    child: Child,
    address: SocketAddr,
}

/// What one run of the load found.
#[derive(Clone, Copy)]
struct Measured {
    per_second: f64,
    cpu_us_per_call: f64,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if let Some(folder) =
        arguments.iter().position(|argument| argument == "echo").map(|at| &arguments[at + 1])
    {
        return Echo::read(Path::new(folder)).serve().await;
    }
    let dir = tempfile::tempdir().unwrap();
    let (model, store) = store(dir.path());

    let began = Instant::now();
    let ours = Server::start(ours(dir.path(), &store), &dir.path().join("log"));
    while linfa_serve::is_ready(ours.address).await.is_err() {}
    println!("ready after {:.0} ms, {} MiB", began.elapsed().as_secs_f64() * 1e3, ours.memory("VmRSS") >> 10);

    let client = Client::connect(&format!("http://{}", ours.address), ApiKey::new(KEY).unwrap())
        .await
        .unwrap()
        .without_retries();
    let mut bodies = BTreeMap::new();
    for rows in [1, 128] {
        bodies.insert(rows, body(dir.path(), &client, &model, rows).await);
    }
    let mut command = on_core(0, &std::env::current_exe().unwrap());
    command.arg("echo").arg(dir.path());
    let echo = Server::start(command, &dir.path().join("echo.log"));

    println!(
        "| rows | connections x streams | ours, calls/s | echo, calls/s | ours / echo | CPU us per call, ours | echo |"
    );
    println!("|---|---|---|---|---|---|---|");
    for scenario in &SCENARIOS {
        let mut runs = Vec::new();
        for round in 0..ROUNDS {
            // Each goes first every other time.
            let order = if round % 2 == 0 { [&ours, &echo] } else { [&echo, &ours] };
            let mut pair = order.map(|server| scenario.run(server, &bodies[&scenario.rows]));
            if round % 2 == 1 {
                pair.reverse();
            }
            runs.push(pair);
        }
        scenario.print(&runs);
    }
    println!("peak memory after all: {} MiB", ours.memory("VmHWM") >> 10);
}

impl Scenario {
    fn run(&self, server: &Server, body: &Path) -> Measured {
        let before = server.cpu();
        let mut load = on_core(1, Path::new("h2load"));
        load.args(["-t", "1", "-n", &self.calls.to_string()])
            .args(["-c", &self.connections.to_string(), "-m", &self.streams.to_string()])
            .args(["-H", "content-type: application/grpc", "-H", "te: trailers"])
            .args(["-H", &format!("authorization: Bearer {KEY}"), "-d"])
            .arg(body)
            .arg(format!("http://{}/linfa.serve.v1.PredictService/Predict", server.address));
        let output = load.output().expect("h2load (package nghttp2-client)");
        let cpu = server.cpu() - before;
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(&format!("{} succeeded, 0 failed", self.calls)), "{said}");
        let per_second = said.split(" req/s").next().and_then(|text| text.rsplit(", ").next());
        Measured {
            per_second: per_second.unwrap().parse().unwrap(),
            cpu_us_per_call: cpu.as_secs_f64() * 1e6 / self.calls as f64,
        }
    }

    fn print(&self, runs: &[[Measured; 2]]) {
        let spread = |of: &dyn Fn(&[Measured; 2]) -> f64, digits: usize| {
            let mut values: Vec<_> = runs.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            let (low, middle, high) = (values[0], values[values.len() / 2], values[values.len() - 1]);
            format!("{middle:.digits$} ({low:.digits$}-{high:.digits$})")
        };
        println!(
            "| {} | {} x {} | {} | {} | {} | {} | {} |",
            self.rows,
            self.connections,
            self.streams,
            spread(&|pair| pair[0].per_second, 0),
            spread(&|pair| pair[1].per_second, 0),
            spread(&|pair| pair[0].per_second / pair[1].per_second, 2),
            spread(&|pair| pair[0].cpu_us_per_call, 1),
            spread(&|pair| pair[1].cpu_us_per_call, 1),
        );
    }
}

impl Server {
    /// Starts the program, and waits until its log says where it listens.
    fn start(mut command: Command, log: &Path) -> Self {
        let file = fs_err::File::create(log).unwrap();
        let child = command.stdin(Stdio::null()).stderr(file.into_file()).spawn().expect("taskset");
        let mut server = Self { child, address: SocketAddr::from(([0; 4], 0)) };
        server.address = loop {
            let said = fs_err::read_to_string(log).unwrap();
            let address = said.split("\"address\":\"").nth(1).and_then(|rest| rest.split_once('"'));
            if let Some((address, _)) = address {
                break address.parse().unwrap();
            }
        };
        server
    }

    /// Time on the processor so far.
    fn cpu(&self) -> Duration {
        // After the name in brackets come the fields from the third on; user and system time are the 14th and 15th.
        let stat = fs_err::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
        let ticks: u64 = fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
    }

    /// A line of /proc's status, in KiB.
    fn memory(&self, line: &str) -> u64 {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|candidate| candidate.starts_with(line)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The iris model, and a signed store that serves it.
fn store(dir: &Path) -> (Model, PathBuf) {
    let read = |name: &str| fs_err::read(format!("models/iris/1/{name}")).unwrap();
    let files = Files {
        manifest: read("manifest.json"),
        tensors: read("model.safetensors"),
        golden: read("golden.jsonl"),
    };
    let digest = Digest::of(&files.manifest);
    let manifest = Manifest::parse(&files.manifest).unwrap();
    let model = Model::load(manifest, digest, &files.tensors).unwrap();
    let store = dir.join("store");
    let mut writer = Writer::open(&store).unwrap();
    let version = 1.try_into().unwrap();
    let entry = CatalogVersion {
        version,
        status: Status::Admitted,
        digest: Some(digest),
        signer: None,
        files: writer.put_version(&files).unwrap(),
        checks: Vec::new(),
        refusal: None,
        fatal: None,
    };
    let iris = CatalogModel {
        name: "iris".parse().unwrap(),
        default: Some(version),
        serving: vec![version],
        labels: BTreeMap::new(),
        policy_error: None,
        notes: Vec::new(),
        versions: vec![entry],
    };
    let issued_at = jiff::Timestamp::now();
    let catalog = Catalog {
        sequence: 1,
        epoch: 1,
        issued_at,
        expires_at: jiff::Timestamp::MAX,
        models: vec![iris],
        notes: Vec::new(),
    };
    writer.put_catalog(&catalog.seal(&SealKey::from_bytes(&SEED)).unwrap()).unwrap();
    (model, store)
}

/// The server with its shipped settings: keys and the access log on.
fn ours(dir: &Path, store: &Path) -> Command {
    let sha256 = Digest::of(KEY.as_bytes()).hex();
    let keys = format!("[[key]]\nid = \"bench\"\nsha256 = \"{sha256}\"\nscopes = [\"predict:*\"]\n");
    let secret = |name: &str, content: &str| {
        let path = dir.join(name);
        fs_err::write(&path, content).unwrap();
        path
    };
    let mut command = on_core(0, Path::new(env!("CARGO_BIN_EXE_linfa-serve")));
    command
        .env("LINFA_SERVE__LISTEN", "127.0.0.1:0")
        .env("LINFA_SERVE__STORE", store)
        .env("LINFA_SERVE__STATE", dir)
        .env("LINFA_SERVE__API_KEYS_FILE", secret("keys.toml", &keys))
        .env("LINFA_SERVE__CATALOG_PUBLIC_KEY_FILE", secret("public.pem", PUBLIC_KEY));
    command
}

/// A framed request of that many rows, once its answer was compared with the model's own; the echo finds the answer
/// beside it.
async fn body(dir: &Path, client: &Client, model: &Model, rows: usize) -> PathBuf {
    use prost::Message as _;

    let values: Vec<_> = (0..rows * 4).map(|index| 0.5 + (index % 50) as f64 / 8.0).collect();
    let mut expected = Predictions::default();
    model.predict(&Batch::new(values.clone(), 4).unwrap(), &mut expected).unwrap();
    let packed: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let matrix = Matrix { f64_le: packed.into(), ..Matrix::default() };
    let input = client::pb::predict_request::Input::Matrix(matrix);
    let answer = client.predict(Target::model("iris"), Input::from(input.clone())).await.unwrap();
    assert_eq!(answer.numbers(), expected.scores(), "the answer of {rows} rows");

    let request = client::pb::PredictRequest { model: "iris".to_owned(), choice: None, input: Some(input) };
    let response = client.raw_predict().predict(request.clone()).await.unwrap().into_inner();
    Echo::write(dir, &request.encode_to_vec(), &response.encode_to_vec())
}

fn on_core(core: usize, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}
