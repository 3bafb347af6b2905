//! A copy of the repository in a folder of its own, and the compose stack that is started from it. Both are gone when
//! the value is dropped, also when the test fails.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use client::{ApiKey, Client, Input, Prediction, pb};
use tempfile::TempDir;
use tokio::runtime::{self, Runtime};

use crate::command::{docker, run, stdout, wait_for};

/// A setosa, in centimetres.
pub(crate) const FLOWER: [f64; 4] = [5.1, 3.5, 1.4, 0.2];

pub(crate) struct Copy {
    folder: TempDir,
    /// The compose project: containers, network and volume bear this name.
    pub(crate) project: String,
    /// Variables that keep its containers apart from all others.
    pub(crate) environment: Vec<(String, String)>,
}

pub(crate) struct Stack {
    pub(crate) copy: Copy,
    runtime: Runtime,
    pub(crate) endpoint: String,
    client: Client,
}

/// Builds the images of the checkout, once for all tests: whatever they find, they find in the sources as they are.
pub(crate) fn build_images() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        stdout(
            Command::new("docker").args(["compose", "--profile", "tools", "build"]).current_dir(repository()),
        );
    });
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Copy {
    /// What a clone would hold: what git tracks, with changes that are not committed yet.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("linfa-e2e-").tempdir().unwrap();
        let listed = stdout(
            Command::new("git")
                .args(["ls-files", "--cached", "--others", "--exclude-standard"])
                .current_dir(repository()),
        );
        for file in listed.lines() {
            let (from, to) = (repository().join(file), folder.path().join(file));
            // Git lists a tracked file that was just removed.
            if from.exists() {
                fs_err::create_dir_all(to.parent().unwrap()).unwrap();
                fs_err::copy(from, to).unwrap();
            }
        }
        let project = folder.path().file_name().unwrap().to_string_lossy().to_lowercase();
        let environment = vec![
            ("COMPOSE_PROJECT_NAME".to_owned(), project.clone()),
            // The engine chooses a free one.
            ("LINFA_PORT".to_owned(), "0".to_owned()),
        ];
        Self { folder, project, environment }
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    pub(crate) fn read(&self, inside: &str) -> String {
        fs_err::read_to_string(self.path(inside)).unwrap()
    }

    /// A command in the copy, with its variables.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).envs(self.environment.iter().cloned());
        command
    }

    /// `docker compose ARGUMENTS`, which must succeed; its standard output.
    pub(crate) fn compose(&self, arguments: &[&str]) -> String {
        stdout(self.command("docker", &["compose"]).args(arguments))
    }

    /// `docker compose run linfactl ARGUMENTS`: a client inside the network. Both outputs, and whether it succeeded.
    pub(crate) fn linfactl(&self, arguments: &[&str]) -> std::process::Output {
        let run_it = ["compose", "run", "--rm", "-T", "linfactl"];
        run(self.command("docker", &run_it).args(arguments))
    }

    /// The id of a service's container.
    pub(crate) fn container(&self, service: &str) -> String {
        self.compose(&["ps", "--all", "--quiet", service]).trim().to_owned()
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let down = ["compose", "--profile", "tools", "down", "--volumes", "--timeout", "5"];
        if let Err(error) = self.command("docker", &down).output() {
            eprintln!("{} is left behind: {error}", self.project);
        }
    }
}

impl Stack {
    /// From nothing: no secret, no volume, no container.
    pub(crate) fn up() -> Self {
        build_images();
        Self::start(Copy::new())
    }

    /// From a copy that may have been changed.
    pub(crate) fn start(copy: Copy) -> Self {
        stdout(&mut copy.command("secrets/generate", &[]));
        let started =
            run(&mut copy
                .command("docker", &["compose", "up", "--detach", "--wait", "--wait-timeout", "120"]));
        assert!(started.status.success(), "{}", copy.compose(&["logs", "--no-color"]));
        Self::of(copy)
    }

    /// The stack that was started from this copy.
    pub(crate) fn of(copy: Copy) -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let address = copy.compose(&["port", "server", "50051"]);
        let endpoint = format!("http://{}", address.trim());
        let key = copy.read("secrets/client_api_key");
        let client = connect(&runtime, &endpoint, &key);
        Self { copy, runtime, endpoint, client }
    }

    /// Kills the server and starts it again, on another port of this machine.
    pub(crate) fn restart_server(&mut self) {
        let id = self.copy.container("server");
        docker(&["kill", &id]);
        docker(&["start", &id]);
        let key = self.copy.read("secrets/client_api_key");
        let (client, _) = wait_for("the server answers again", Duration::from_secs(60), || {
            let address = self.copy.compose(&["port", "server", "50051"]);
            self.endpoint = format!("http://{}", address.trim());
            let key = ApiKey::new(key.trim()).unwrap();
            let client = self.runtime.block_on(Client::connect(&self.endpoint, key)).ok()?.without_retries();
            self.try_models(&client).is_ok().then_some(client)
        });
        self.client = client;
    }

    /// What the server says of its catalog and models.
    pub(crate) fn models(&self) -> pb::ListModelsResponse {
        self.try_models(&self.client).unwrap()
    }

    /// What iris says to [`FLOWER`], or why it says nothing.
    pub(crate) fn ask(&self) -> Result<Prediction, client::Error> {
        self.try_predict(&self.client)
    }

    /// A client with another key.
    pub(crate) fn client(&self, key: &str) -> Client {
        connect(&self.runtime, &self.endpoint, key)
    }

    /// What iris says to [`FLOWER`], by the port of this machine.
    pub(crate) fn predict(&self) -> Prediction {
        self.try_predict(&self.client).unwrap()
    }

    pub(crate) fn try_predict(&self, client: &Client) -> Result<Prediction, client::Error> {
        self.runtime.block_on(client.predict("iris", Input::rows(&FLOWER)))
    }

    pub(crate) fn try_models(&self, client: &Client) -> Result<pb::ListModelsResponse, client::Error> {
        self.runtime.block_on(client.list_models())
    }

    /// What the server says of a version; nothing while it knows of none.
    pub(crate) fn version_of(&self, model: &str, version: u64) -> Option<pb::ModelVersion> {
        let listed = self.try_models(&self.client).unwrap();
        let found = listed.models.into_iter().find(|entry| entry.name == model)?;
        found.versions.into_iter().find(|entry| entry.version == version)
    }
}

fn connect(runtime: &Runtime, endpoint: &str, key: &str) -> Client {
    runtime.block_on(Client::connect(endpoint, ApiKey::new(key.trim()).unwrap())).unwrap().without_retries()
}
