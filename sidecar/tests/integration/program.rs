//! The program itself.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use artifact::{catalog::Status, testkit};

use crate::{bench::Bench, judging};

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running sidecar and the lines of its log.
pub(crate) struct Program {
    child: Child,
    log: Receiver<String>,
    seen: Vec<String>,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, log) = channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, log, seen: Vec::new() }
    }

    /// Waits for a line of the log that holds all of `words`.
    pub(crate) fn wait_for(&mut self, words: &[&str]) {
        let deadline = Instant::now() + PATIENCE;
        let found = |line: &String| words.iter().all(|word| line.contains(word));
        while !self.seen.iter().any(found) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.log.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("no line with {words:?} in {:#?}", self.seen),
            }
        }
    }

    /// The most memory that it had at any time.
    pub(crate) fn most_memory_mib(&self) -> u64 {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        most.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
    }

    pub(crate) fn terminate(mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Over already where the test went well.
        let _ = self.child.kill();
    }
}

pub(crate) fn sidecar(bench: &Bench) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_linfa-sidecar"));
    command
        .env("LINFA_SIDECAR__INCOMING", &bench.settings.incoming)
        .env("LINFA_SIDECAR__STORE", &bench.settings.store)
        .env("LINFA_SIDECAR__SIGNING_KEY_FILE", &bench.settings.signing_key_file);
    command
}

fn run(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = String::from_utf8([stdout, stderr].concat()).unwrap();
    (status.code(), text)
}

#[test]
fn a_drop_is_admitted_and_sigterm_ends_with_0() {
    let bench = Bench::idle();
    let mut program = Program::start(&mut sidecar(&bench));
    program.wait_for(&["watching"]);
    bench.drop("a/1", &testkit::linear("a", 2.0));
    program.wait_for(&["version judged", "Admitted", "\"model\":\"a\"", "\"version\":\"1\""]);
    assert_eq!(run(sidecar(&bench).arg("health")), (Some(0), String::new()));

    bench.drop("a/2", &testkit::linear("a", 2.0));
    bench.write("a/2/stranger", "x");
    program.wait_for(&["version refused", "Rejected", "\"check\":\"layout\"", "`stranger` does not belong"]);
    assert_eq!(program.terminate().code(), Some(0));
    assert_eq!((bench.status("a", 2), bench.serving("a")), (Status::Rejected, vec![1]));
}

#[test]
fn a_withdrawal_is_told_in_the_log() {
    let bench = Bench::idle();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.drop("a/2", &testkit::linear("a", 3.0));
    let mut command = sidecar(&bench);
    command.env("LINFA_SIDECAR__SETTLE__UNCHANGED_SECONDS", "1").env("LINFA_SIDECAR__POLL_MS", "10");
    let mut program = Program::start(&mut command);
    for version in ["1", "2"] {
        program.wait_for(&["version judged", "Admitted", &format!("\"version\":\"{version}\"")]);
    }
    bench.remove("a/2");
    program.wait_for(&["version not served", "Withdrawn", "its folder was removed"]);
    assert_eq!(program.terminate().code(), Some(0));
}

#[test]
fn a_word_from_the_file_system_shortens_the_wait() {
    let bench = Bench::idle();
    // Polling alone would take longer than anyone waits here.
    let mut program = Program::start(sidecar(&bench).env("LINFA_SIDECAR__POLL_MS", "60000"));
    program.wait_for(&["watching"]);
    bench.drop("a/1", &testkit::linear("a", 2.0));
    program.wait_for(&["version judged", "Admitted"]);
    assert_eq!(program.terminate().code(), Some(0));
}

#[test]
fn polling_alone_finds_a_folder_that_is_mounted_later() {
    let bench = Bench::idle();
    fs_err::remove_dir(&bench.settings.incoming).unwrap();
    let mut program = Program::start(sidecar(&bench).env("LINFA_SIDECAR__POLL_MS", "50"));
    program.wait_for(&["no word from the file system; polling alone"]);
    bench.drop("a/1", &testkit::linear("a", 2.0));
    program.wait_for(&["version judged", "Admitted"]);
    assert_eq!(program.terminate().code(), Some(0));
}

#[test]
fn a_store_that_cannot_be_written_is_logged_once_and_once_more_when_it_can() {
    let bench = Bench::idle();
    let in_the_way = bench.settings.store.join(".catalog.json.tmp");
    fs_err::create_dir_all(&in_the_way).unwrap();
    let mut program = Program::start(sidecar(&bench).env("LINFA_SIDECAR__POLL_MS", "10"));
    bench.drop("a/1", &testkit::linear("a", 2.0));
    // Judged at the second look at least; each of them tried to write.
    program.wait_for(&["version judged", "Admitted"]);
    fs_err::remove_dir(in_the_way).unwrap();
    program.wait_for(&["the catalog can be written again"]);
    let failures = program.seen.iter().filter(|line| line.contains("the catalog cannot be written"));
    assert_eq!(failures.count(), 1, "{:#?}", program.seen);
    assert_eq!(bench.serving("a"), [1]);
    assert_eq!(program.terminate().code(), Some(0));
}

#[test]
fn a_store_that_cannot_be_used_yet_is_waited_for() {
    let bench = Bench::idle();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    let (mut command, _) = unprivileged(&bench);
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    fs_err::set_permissions(&bench.settings.store, mode(0)).unwrap();
    let mut program = Program::start(&mut command);
    program.wait_for(&["waiting for the store", "the store cannot be used: ", "Permission denied"]);
    fs_err::set_permissions(&bench.settings.store, mode(0o755)).unwrap();
    program.wait_for(&["version judged", "Admitted"]);
    let said = program.seen.iter().filter(|line| line.contains("waiting for the store"));
    assert_eq!(said.count(), 1, "{:#?}", program.seen);
    assert_eq!(program.terminate().code(), Some(0));

    fs_err::set_permissions(&bench.settings.store, mode(0)).unwrap();
    let mut program = Program::start(command.stderr(Stdio::piped()));
    program.wait_for(&["waiting for the store"]);
    assert_eq!(program.terminate().code(), Some(0), "it stops while it waits");
}

#[test]
fn a_folder_of_models_that_is_not_ours_to_read_is_told_with_the_mend() {
    let bench = Bench::idle();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    let (mut command, uid) = unprivileged(&bench);
    let mut program = Program::start(&mut command);
    program.wait_for(&["version judged", "Admitted"]);
    fs_err::set_permissions(&bench.settings.incoming, std::fs::Permissions::from_mode(0o000)).unwrap();
    let said = format!(
        "the folder of models cannot be listed: `{}` is not readable by uid {uid}; chmod -R a+rX the folder; nothing \
         is withdrawn",
        bench.settings.incoming.display()
    );
    program.wait_for(&[&said]);
    assert_eq!(program.terminate().code(), Some(0));
    assert_eq!((bench.catalog().notes, bench.serving("a")), (vec![said], vec![1]));
}

#[test]
fn a_judge_ends_with_a_sidecar_that_is_killed_and_the_next_one_judges_again() {
    let bench = Bench::idle();
    bench.drop("a/1", &judging::slow("a"));
    let arguments = "--cpu-seconds 3002";
    let mut program = Program::start(sidecar(&bench).env("LINFA_SIDECAR__JUDGING__CPU_SECONDS", "3002"));
    judging::judge_with(arguments);
    program.child.kill().unwrap();
    program.child.wait().unwrap();
    judging::no_judge_with(arguments);
    let mut program = Program::start(sidecar(&bench).env("LINFA_SIDECAR__JUDGING__CPU_SECONDS", "1"));
    program.wait_for(&["version refused", "took more than 1 s of processor time (judging.cpu_seconds)"]);
    assert_eq!(program.terminate().code(), Some(0));
}

#[test]
fn sigterm_ends_a_sidecar_that_judges_and_its_judge() {
    let bench = Bench::idle();
    bench.drop("a/1", &judging::slow("a"));
    let arguments = "--cpu-seconds 3003";
    let program = Program::start(sidecar(&bench).env("LINFA_SIDECAR__JUDGING__CPU_SECONDS", "3003"));
    judging::judge_with(arguments);
    assert_eq!(program.terminate().code(), Some(0));
    judging::no_judge_with(arguments);
    assert_eq!(bench.status("a", 1), Status::Pending);
}

#[test]
fn the_memory_of_a_sidecar_belongs_to_root_alone() {
    let bench = Bench::idle();
    let (mut command, uid) = unprivileged(&bench);
    let mut program = Program::start(&mut command);
    program.wait_for(&["watching"]);
    let owner = fs_err::metadata(format!("/proc/{}/mem", program.child.id())).unwrap().uid();
    assert!(owner == 0 && uid != 0, "{owner}, {uid}");
    assert_eq!(program.terminate().code(), Some(0));
}

#[test]
fn a_bad_configuration_ends_with_78_and_a_sentence() {
    let bench = Bench::idle();
    let with = |name: &str, value: &str| run(sidecar(&bench).env(name, value));
    assert_eq!(
        with("LINFA_SIDECAR__POLL_MS", "often"),
        (Some(78), "linfa-sidecar: poll_ms (LINFA_SIDECAR__POLL_MS): expected an integer\n".to_owned())
    );
    let (code, said) = with("LINFA_SIDECAR__POL_MS", "5");
    assert_eq!(code, Some(78));
    assert!(said.contains("unknown field `pol_ms`, expected one of `incoming`"), "{said}");
    assert_eq!(
        with("LINFA_SIDECAR_POLL_MS", "5"),
        (
            Some(78),
            "linfa-sidecar: LINFA_SIDECAR_POLL_MS does nothing: settings are spelt LINFA_SIDECAR__SECTION__KEY\n".to_owned()
        )
    );
    let (code, said) = with("LINFA_SIDECAR__SIGNING_KEY", "hunter2");
    assert_eq!(code, Some(78));
    assert!(!said.contains("hunter2"), "{said}");

    fs_err::write(&bench.settings.signing_key_file, "not a key").unwrap();
    assert_eq!(
        run(&mut sidecar(&bench)),
        (Some(78), "linfa-sidecar: signing_key_file: no Ed25519 private key in PEM form\n".to_owned())
    );
}

#[test]
fn a_second_sidecar_on_one_store_ends_with_1() {
    let bench = Bench::new();
    let (code, said) = run(&mut sidecar(&bench));
    assert_eq!(code, Some(1));
    assert!(said.contains("\nlinfa-sidecar: the store cannot be used: another sidecar holds "), "{said}");
}

#[test]
fn a_lock_that_a_killed_sidecar_has_left_for_a_moment_is_waited_for() {
    let mut bench = Bench::new();
    let mut program = Program::start(&mut sidecar(&bench));
    program.wait_for(&["waiting for the store", "another sidecar holds "]);
    bench.stop();
    program.wait_for(&["watching"]);
    assert_eq!(program.terminate().code(), Some(0));
}

#[test]
fn check_config_shows_every_setting_and_the_key_as_a_path_only() {
    let bench = Bench::idle();
    let (code, said) = run(sidecar(&bench).arg("--check-config"));
    assert_eq!(code, Some(0));
    for line in [
        format!("signing_key_file = \"{}\"", bench.settings.signing_key_file.display()),
        "poll_ms = 1000".to_owned(),
        "heartbeat_seconds = 60".to_owned(),
        "unchanged_seconds = 5".to_owned(),
        "incomplete_seconds = 60".to_owned(),
        "memory_mib = 768".to_owned(),
        "cpu_seconds = 30".to_owned(),
        "wall_seconds = 120".to_owned(),
        "at_once = 2".to_owned(),
        "format = \"json\"".to_owned(),
    ] {
        assert!(said.lines().any(|shown| shown == line), "{line} in\n{said}");
    }
    assert!(!said.contains("PRIVATE KEY"), "{said}");
}

#[test]
fn health_without_a_catalog_ends_with_1_and_a_sentence() {
    let bench = Bench::idle();
    let (code, said) = run(sidecar(&bench).arg("health"));
    assert_eq!(code, Some(1));
    assert!(said.starts_with("linfa-sidecar: no catalog: "), "{said}");
}

#[test]
fn version_says_which_program_this_is() {
    let bench = Bench::idle();
    let version = concat!("linfa-sidecar ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(run(sidecar(&bench).arg("--version")), (Some(0), version.to_owned()));
}

#[test]
fn an_unreadable_file_is_refused_with_the_mend_and_admitted_once_mended() {
    let bench = Bench::idle();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.drop("a/2", &testkit::linear("a", 3.0));
    let mode = |path: PathBuf, mode| {
        fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(bench.folder("a/1/golden.jsonl"), 0);
    mode(bench.folder("a/2"), 0);

    // Root reads everything, so that the program runs as another user where the test runs as root.
    let (mut command, uid) = unprivileged(&bench);
    let mut program = Program::start(&mut command);
    program.wait_for(&[
        "Rejected",
        &format!("`golden.jsonl` is not readable by uid {uid}; chmod -R a+rX the folder"),
    ]);
    program.wait_for(&["Rejected", &format!("`2` is not readable by uid {uid}; chmod -R a+rX the folder")]);
    mode(bench.folder("a/1/golden.jsonl"), 0o644);
    program.wait_for(&["Admitted", "\"version\":\"1\""]);
    mode(bench.folder("a/2"), 0o755);
    program.wait_for(&["Admitted", "\"version\":\"2\""]);
    assert_eq!(program.terminate().code(), Some(0));
}

fn unprivileged(bench: &Bench) -> (Command, u32) {
    let uid = rustix::process::geteuid().as_raw();
    if uid != 0 {
        return (sidecar(bench), uid);
    }
    const NOBODY: u32 = 65532;
    let readable = std::fs::Permissions::from_mode(0o755);
    fs_err::set_permissions(bench.dir.path(), readable).unwrap();
    fs_err::create_dir(&bench.settings.store).unwrap();
    let give = |path: &Path| chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    give(&bench.settings.store);
    give(&bench.settings.signing_key_file);
    assert_eq!(fs_err::metadata(&bench.settings.store).unwrap().uid(), NOBODY);
    let mut command = sidecar(bench);
    command.uid(NOBODY).gid(NOBODY);
    (command, NOBODY)
}
