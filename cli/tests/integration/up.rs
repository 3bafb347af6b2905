//! `linfactl up`: the true program with its two children, on folders of its own.

use std::{
    io::{BufRead as _, BufReader, Read},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use client::{ApiKey, Client, Input, Target};
use rustix::process::{Pid, Signal, kill_process};

use crate::Folder;

/// Far beyond what anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
const SETOSA: [f64; 4] = [5.1, 3.5, 1.4, 0.2];
const KEYS: [&str; 4] =
    ["api_keys.toml", "catalog_public_key.pem", "catalog_signing_key.pem", "client_api_key"];

/// A folder with the repository's iris in `models`.
pub(crate) fn iris() -> Folder {
    let folder = Folder::new();
    copy(&repository().join("models/iris/1"), &folder.path("models/iris/1"));
    folder
}

pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// As `cp -r`.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let name = entry.unwrap().file_name();
        fs_err::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

/// A running `linfactl up`.
pub(crate) struct Up {
    child: Child,
    out: Lines,
    err: Lines,
}

/// What a program says, line by line as it comes.
pub(crate) struct Lines {
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { lines, seen: Vec::new() }
    }

    /// Waits for a line with these words.
    pub(crate) fn wait_for(&mut self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(line) = self.seen.iter().find(|line| line.contains(words)) {
                return line.clone();
            }
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("no line with `{words}` in {:#?}", self.seen),
            }
        }
    }

    /// Waits until no process is left that could say more.
    fn end(&mut self) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return self.seen.join("\n"),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    panic!("somebody still holds the stream after {:#?}", self.seen)
                }
            }
        }
    }
}

impl Up {
    /// `linfactl up` in that folder, on a free port.
    pub(crate) fn start(folder: &Folder, arguments: &[&str]) -> Self {
        Self::spawn(command(folder).args(["--listen", "127.0.0.1:0"]).args(arguments))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, out: Lines::of(out), err: Lines::of(err) }
    }

    pub(crate) fn ready(mut self) -> Self {
        self.out.wait_for("Ctrl-C stops it");
        self
    }

    pub(crate) fn endpoint(&mut self) -> String {
        let line = self.out.wait_for("listening on ");
        let address = line.trim_start_matches("listening on ").trim_end_matches(", without TLS");
        format!("http://{address}")
    }

    /// What follows the name in the lines of where things are.
    pub(crate) fn place(&mut self, name: &str) -> PathBuf {
        self.out.wait_for(&format!("{name} ")).trim_start_matches(name).trim_start().into()
    }

    /// Waits until that version answers, by a call through the client.
    pub(crate) fn answers(&mut self, version: u64) {
        let endpoint = self.endpoint();
        let key = fs_err::read_to_string(self.place("key")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let asked = async {
            let client = Client::connect(&endpoint, ApiKey::new(&key).unwrap()).await.unwrap();
            let mut ticks = tokio::time::interval(Duration::from_millis(50));
            loop {
                ticks.tick().await;
                let prediction = client.predict(Target::model("iris"), Input::rows(&SETOSA)).await.unwrap();
                assert_eq!(prediction.labels(), ["setosa"]);
                if prediction.model.version == version {
                    return;
                }
            }
        };
        let asked = runtime.block_on(async { tokio::time::timeout(PATIENCE, asked).await });
        asked.unwrap_or_else(|_| panic!("version {version} does not answer"));
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// How it ends, and all that it and its children have said on standard error.
    fn end(mut self) -> (ExitStatus, String) {
        let said = self.err.end();
        (self.child.wait().unwrap(), said)
    }

    /// Its child that runs this command.
    fn part(&self, command: &str) -> Pid {
        // The name in brackets may hold anything; the state and the parent follow it.
        let parent = |stat: &str| stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok();
        let found = fs_err::read_dir("/proc").unwrap().find_map(|entry| {
            let path = entry.ok()?.path();
            // A process may end while it is looked at.
            let text = |name| fs_err::read_to_string(path.join(name)).ok();
            let ours = parent(&text("stat")?) == Some(self.child.id());
            (ours && text("cmdline")?.split('\0').any(|argument| argument == command)).then_some(path)
        });
        let path = found.unwrap_or_else(|| panic!("no child runs {command}"));
        Pid::from_raw(path.file_name().unwrap().to_str().unwrap().parse().unwrap()).unwrap()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // Over already where the test went well. Its children end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `linfactl up`, without the caller's settings.
fn command(folder: &Folder) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linfactl"));
    command.env_clear().env("XDG_DATA_HOME", folder.path("share")).current_dir(folder.path(""));
    command.arg("up");
    command
}

fn complaint(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", crate::text(&output.stderr));
    assert_eq!(crate::text(&output.stdout), "");
    crate::text(&output.stderr).trim_end().to_owned()
}

#[test]
fn a_folder_of_models_is_served_swapped_and_left_in_order() {
    let folder = iris();
    let mut up = Up::start(&folder, &["--data", "data"]).ready();
    up.answers(1);
    copy(&folder.path("models/iris/1"), &folder.path("models/iris/2"));
    up.answers(2);
    let endpoint = up.endpoint();
    up.signal(Signal::TERM);
    let (status, said) = up.end();
    assert_eq!(status.code(), Some(0), "{said}");
    // The server first.
    let order: Vec<_> = said.lines().filter(|line| line.ends_with(": stopped")).collect();
    assert!(
        order.len() == 2 && order[0].contains("linfa_serve::") && order[1].contains("sidecar::"),
        "{said}"
    );
    let address = endpoint.trim_start_matches("http://");
    assert!(std::net::TcpStream::connect(address).is_err(), "something still listens on {address}");
}

#[test]
fn the_line_that_asks_works_as_it_is_printed() {
    let folder = Folder::new();
    // Every path needs a quote.
    copy(&repository().join("models/iris/1"), &folder.path("it's mine/iris/1"));
    let up = Up::start(&folder, &["--models", "it's mine", "--data", "my data"]).ready();
    let text = up.out.seen.join("\n");
    let (_, line) = text.split_once("by either of these:\n\n").unwrap();
    let (line, _) = line.split_once("\n\n").unwrap();
    let output = Command::new("sh").args(["-euc", line]).output().unwrap();
    assert!(output.status.success(), "{line}\n{}", crate::text(&output.stderr));
    let answer = crate::text(&output.stdout);
    assert!(answer.contains("\niris version 1, sha256:"), "{answer}");
    up.signal(Signal::INT);
    assert_eq!(up.end().0.code(), Some(0));
}

#[test]
fn keys_are_made_once_for_their_owner_alone_and_kept() {
    let folder = iris();
    let mut first = Up::start(&folder, &[]).ready();
    let data = first.place("data");
    // Of these models alone, in the user's own folder.
    let shelf = fs_err::canonicalize(folder.path("share/linfa-serve")).unwrap();
    assert_eq!(data.parent(), Some(&*shelf));
    assert!(data.file_name().unwrap().to_str().unwrap().starts_with("models-"), "{data:?}");
    let mode = |path: &Path| fs_err::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let keys = || KEYS.map(|name| fs_err::read_to_string(data.join(name)).unwrap());
    for name in KEYS {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
    let made = keys();
    first.signal(Signal::TERM);
    assert_eq!(first.end().0.code(), Some(0));

    let mut second = Up::start(&folder, &[]).ready();
    assert_eq!((second.place("data"), keys()), (data.clone(), made.clone()));
    second.answers(1);

    // A second one on the same data is told so, and the first goes on.
    let mut third = Up::start(&folder, &[]);
    third.err.wait_for("linfactl: sidecar: the store cannot be used: another sidecar holds ");
    let (status, said) = third.end();
    assert_eq!(status.code(), Some(1));
    assert!(
        said.contains("linfactl: the sidecar ended by itself (exit status: 1); all is stopped"),
        "{said}"
    );
    second.answers(1);
    second.signal(Signal::TERM);
    assert_eq!(second.end().0.code(), Some(0));

    // Other models, other data.
    copy(&folder.path("models/iris/1"), &folder.path("others/iris/1"));
    let mut others = Up::start(&folder, &["--models", "others"]).ready();
    assert_ne!(others.place("data"), data);
    assert_ne!(fs_err::read_to_string(others.place("key")).unwrap(), made[3]);
    others.signal(Signal::TERM);
    assert_eq!(others.end().0.code(), Some(0));
}

#[test]
fn a_part_that_dies_is_named_and_takes_the_other_with_it() {
    let folder = iris();
    for (command, name) in [("up-sidecar", "sidecar"), ("up-server", "server")] {
        let up = Up::start(&folder, &[]).ready();
        kill_process(up.part(command), Signal::KILL).unwrap();
        let (status, said) = up.end();
        assert_eq!(status.code(), Some(1), "{said}");
        let sentence = format!("linfactl: the {name} ended by itself (signal: 9 (SIGKILL)); all is stopped");
        assert_eq!(said.lines().last(), Some(&*sentence), "{said}");
    }
}

#[test]
fn no_part_outlives_one_that_is_killed() {
    let up = Up::start(&iris(), &[]).ready();
    up.signal(Signal::KILL);
    let (status, said) = up.end();
    assert_eq!(status.code(), None);
    assert_eq!(said.lines().filter(|line| line.ends_with(": stopped")).count(), 2, "{said}");
}

#[test]
fn logs_go_to_files_when_told_so_and_settings_come_from_the_environment() {
    let folder = iris();
    let mut command = command(&folder);
    command.args(["--listen", "127.0.0.1:0", "--logs", "logs"]).env("LINFA_SERVE__LOG__FORMAT", "json");
    let up = Up::spawn(&mut command).ready();
    up.signal(Signal::TERM);
    let (status, said) = up.end();
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    let log = |name: &str| fs_err::read_to_string(folder.path("logs").join(name)).unwrap();
    let (sidecar, server) = (log("sidecar.log"), log("server.log"));
    assert!(sidecar.contains("INFO sidecar::worker: watching ") && !sidecar.contains('\x1b'), "{sidecar}");
    assert!(server.starts_with('{') && server.contains("\"message\":\"listening\""), "{server}");
}

#[test]
fn a_setting_that_cannot_be_used_is_named_and_nothing_runs() {
    let folder = iris();
    let mut command = command(&folder);
    let up = Up::spawn(command.args(["--listen", "127.0.0.1:0"]).env("LINFA_SERVE__LIMITS__ROWS", "many"));
    let (status, said) = up.end();
    assert_eq!(status.code(), Some(1));
    assert!(
        said.contains("linfactl: server: limits.rows (LINFA_SERVE__LIMITS__ROWS): expected an integer\n"),
        "{said}"
    );
    assert!(
        said.ends_with("linfactl: the server ended by itself (exit status: 1); all is stopped"),
        "{said}"
    );
}

#[test]
fn a_folder_without_a_model_is_waited_for() {
    let folder = Folder::new();
    fs_err::create_dir(folder.path("models")).unwrap();
    let mut up = Up::start(&folder, &[]);
    up.out.wait_for("no model serves yet: drop one as ");
    copy(&repository().join("models/iris/1"), &folder.path("models/iris/1"));
    let mut up = up.ready();
    up.answers(1);
    up.signal(Signal::TERM);
    assert_eq!(up.end().0.code(), Some(0));
}

#[test]
fn what_cannot_start_is_said_in_a_sentence_before_anything_runs() {
    let folder = Folder::new();
    assert_eq!(
        complaint(&mut command(&folder)),
        "linfactl: there is no folder of models at models; name yours by --models"
    );
    fs_err::create_dir(folder.path("models")).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_eq!(
        complaint(command(&folder).args(["--listen", &address])),
        format!(
            "linfactl: cannot listen on {address}; choose another by --listen: Address already in use (os error 98)"
        )
    );
    let said = complaint(command(&folder).args(["--listen", "127.0.0.1:0", "--data", "models/data"]));
    assert!(
        said.ends_with("lies in the folder of models, which is watched; choose another by --data"),
        "{said}"
    );
    assert!(!folder.path("share").exists());
}

#[test]
fn keys_that_are_damaged_or_gone_are_named_and_not_replaced() {
    let folder = Folder::new();
    fs_err::create_dir(folder.path("models")).unwrap();
    fs_err::create_dir(folder.path("data")).unwrap();
    let fails = || complaint(command(&folder).args(["--listen", "127.0.0.1:0", "--data", "data"]));
    let data = fs_err::canonicalize(folder.path("data")).unwrap();

    fs_err::write(data.join("api_keys.toml"), "[[key]]\n").unwrap();
    assert_eq!(
        fails(),
        format!(
            "linfactl: {0}/client_api_key is gone, and {0}/api_keys.toml knows its hash alone; remove that too to have both made anew",
            data.display()
        )
    );
    fs_err::write(data.join("catalog_signing_key.pem"), "not a key").unwrap();
    let said = format!(
        "linfactl: {}/catalog_signing_key.pem holds no Ed25519 private key in PEM form",
        data.display()
    );
    assert_eq!(fails(), said);
    assert_eq!(fs_err::read_to_string(data.join("catalog_signing_key.pem")).unwrap(), "not a key");
}
