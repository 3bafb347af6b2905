//! Where the cases find their server: the compose stack as it is shipped, or `linfactl up`. Each stand has a folder and a port of
//! its own. What is to be known of it lies in the folder, so that a command of another process can restart its server.

use std::{
    io::Write as _,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use artifact::Digest;
use client::{
    ApiKey, Client,
    pb::{Model, model_version::State},
};
use fs_err as fs;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::{models, suites::cases_file};

/// The key that may ask `plane` and nothing else.
const NARROW_KEY: &str = "lsk_narrow";
/// A second watch is one too many, so that a case can be refused for want of room.
const WATCHES: (&str, &str) = ("LINFA_SERVE__LIMITS__WATCHES", "1");
/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// What the server runs in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Where {
    /// The containers.
    Compose,
    /// This program's `up`.
    Linfactl(PathBuf),
}

/// A server with the models of the cases.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stand {
    folder: PathBuf,
    port: u16,
    /// Of a page in a browser that may call.
    page: u16,
    place: Where,
}

impl Stand {
    /// Starts a server in a new folder, and waits until it has judged every model. `folder` bears a name that a compose
    /// project may have.
    ///
    /// # Errors
    /// If something cannot be started, or says too long that it is not ready.
    pub fn start(folder: &Path, place: Where) -> anyhow::Result<Self> {
        // Held together, so that they are two.
        let free =
            [TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?];
        let [port, page] = [free[0].local_addr()?.port(), free[1].local_addr()?.port()];
        drop(free);
        let stand = Self { folder: folder.to_owned(), port, page, place };
        models::write_all(&stand.models())?;
        run(Command::new(repository().join("secrets/generate")).arg(stand.secrets()))?;
        stand.admit_the_narrow_key()?;
        fs::write(folder.join("stand.json"), serde_json::to_vec(&stand)?)?;
        fs::copy(cases_file(), folder.join("cases.json"))?;
        if let Where::Compose = stand.place {
            stand.lay_out_compose()?;
        }
        stand.up()?;
        wait_until("every model is judged", || stand.is_judged())?;
        Ok(stand)
    }

    /// The stand in that folder.
    ///
    /// # Errors
    /// If there is none.
    pub fn of(folder: &Path) -> anyhow::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(folder.join("stand.json"))?)?)
    }

    /// Its folder, which holds all that there is of it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its folder of models.
    pub fn models(&self) -> PathBuf {
        self.folder.join("models")
    }

    /// What a suite has to know, as variables. `act` is the program that changes what the server runs on.
    pub fn variables(&self, act: &Path) -> Vec<(&'static str, String)> {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        vec![
            ("CONTRACT_CASES", path(&self.folder.join("cases.json"))),
            ("CONTRACT_DO", path(act)),
            ("CONTRACT_SERVER", self.endpoint()),
            ("CONTRACT_ORIGIN", self.origin()),
            ("CONTRACT_KEY_FILE", path(&self.key())),
            ("CONTRACT_NARROW_KEY_FILE", path(&self.narrow_key())),
            ("CONTRACT_STAND", path(&self.folder)),
        ]
    }

    /// Stops the server and starts it again at the same address.
    ///
    /// # Errors
    /// As [`Stand::start`].
    pub fn restart(&self) -> anyhow::Result<()> {
        match self.place {
            Where::Compose => self.compose(&["restart", "server"])?,
            Where::Linfactl(_) => self.end_linfactl()?,
        }
        self.up()
    }

    /// Takes everything down but the folder.
    ///
    /// # Errors
    /// If something does not end.
    pub fn stop(&self) -> anyhow::Result<()> {
        match self.place {
            Where::Compose => self.compose(&["down", "--volumes", "--timeout", "5"]),
            Where::Linfactl(_) => self.end_linfactl(),
        }
    }

    fn up(&self) -> anyhow::Result<()> {
        match &self.place {
            Where::Compose => self.compose(&["up", "--detach", "--wait", "--wait-timeout", "120"])?,
            Where::Linfactl(program) => self.start_linfactl(program)?,
        }
        wait_until("the server answers", || Ok(self.listed()?.is_some()))
    }

    /// What the server says of its models, once it is ready.
    fn listed(&self) -> anyhow::Result<Option<Vec<Model>>> {
        let key = ApiKey::from_file(self.key())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listed = runtime.block_on(async {
            let client = Client::connect(&self.endpoint(), key).await?.without_retries();
            client.list_models().await
        });
        let models = listed.map(|listed| listed.models).unwrap_or_default();
        let serves = models.iter().any(|model| model.default_version != 0);
        Ok(serves.then_some(models))
    }

    /// Whether the server knows every model, and no version is pending but the one that always is.
    fn is_judged(&self) -> anyhow::Result<bool> {
        let models = self.listed()?.unwrap_or_default();
        let versions = models.iter().flat_map(|model| &model.versions);
        let pending = versions.filter(|version| version.state() == State::Pending).count();
        Ok(models.len() == fs::read_dir(self.models())?.count() && pending == 1)
    }

    fn start_linfactl(&self, program: &Path) -> anyhow::Result<()> {
        let listen = format!("127.0.0.1:{}", self.port);
        let log =
            fs::OpenOptions::new().create(true).append(true).open(self.folder.join("up.log"))?.into_file();
        let child = Command::new(program)
            .args(["up", "--listen", &listen, "--models"])
            .arg(self.models())
            .arg("--data")
            .arg(self.secrets())
            .envs(self.settings())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| {
                format!("cannot start {}; `cargo build -p linfactl` makes it", program.display())
            })?;
        Ok(fs::write(self.folder.join("pid"), child.id().to_string())?)
    }

    /// It is gone when this returns: its port can be bound.
    fn end_linfactl(&self) -> anyhow::Result<()> {
        let pid = fs::read_to_string(self.folder.join("pid"))?.parse()?;
        kill_process(Pid::from_raw(pid).context("a process has a number")?, Signal::TERM)?;
        wait_until("the server has ended", || Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).is_ok()))
    }

    /// The server, as `http://127.0.0.1:50051`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.page)
    }

    fn settings(&self) -> [(&'static str, String); 2] {
        let (watches, most) = WATCHES;
        [(watches, most.to_owned()), ("LINFA_SERVE__WEB__ORIGINS", self.origin())]
    }

    /// The file of the key that may do everything.
    pub(crate) fn key(&self) -> PathBuf {
        self.secrets().join("client_api_key")
    }

    /// The file of the key that may ask `plane` alone.
    pub(crate) fn narrow_key(&self) -> PathBuf {
        self.folder.join("narrow_api_key")
    }

    fn secrets(&self) -> PathBuf {
        self.folder.join("secrets")
    }

    fn admit_the_narrow_key(&self) -> anyhow::Result<()> {
        fs::write(self.narrow_key(), NARROW_KEY)?;
        let (keys, added) = (self.secrets().join("api_keys.toml"), self.secrets().join("api_keys.new"));
        let sha256 = Digest::of(NARROW_KEY.as_bytes()).hex();
        let entry =
            format!("[[key]]\nid = \"narrow\"\nsha256 = \"{sha256}\"\nscopes = [\"predict:plane\"]\n");
        fs::copy(&keys, &added)?;
        fs::set_permissions(&added, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        fs::OpenOptions::new().append(true).open(&added)?.write_all(entry.as_bytes())?;
        fs::set_permissions(&added, std::os::unix::fs::PermissionsExt::from_mode(0o444))?;
        Ok(fs::rename(added, keys)?)
    }

    /// The shipped stack, on the models and secrets of this folder.
    fn lay_out_compose(&self) -> anyhow::Result<()> {
        for file in ["compose.yaml", "server.env", "sidecar.env"] {
            fs::copy(repository().join(file), self.folder.join(file))?;
        }
        let mut settings = fs::OpenOptions::new().append(true).open(self.folder.join("server.env"))?;
        for (name, value) in self.settings() {
            writeln!(settings, "{name}={value}")?;
        }
        Ok(())
    }

    fn compose(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new("docker");
        // The folder's name is the project's.
        command.args(["compose", "--project-directory"]).arg(&self.folder).args(arguments);
        run(command.current_dir(&self.folder).env("LINFA_PORT", self.port.to_string()))
    }
}

/// The folder that the sources lie in.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn wait_until(what: &str, mut look: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let start = Instant::now();
    while !look()? {
        ensure!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        #[expect(
            clippy::disallowed_methods,
            reason = "another process sends no event; the loop has a deadline"
        )]
        std::thread::sleep(LOOK);
    }
    Ok(())
}
