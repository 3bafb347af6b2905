//! Every call by which the sidecar writes its store fails, one after the other: the disk is full, or broken, or a signal
//! comes between. strace makes it fail, in a container, so that no machine needs to have it.

use std::{path::Path, process::Command};

use artifact::testkit;
use load::{Drops, Examiner, Ground, Programs};
use tempfile::TempDir;

use crate::{
    command::{PATIENCE, docker, run, stdout, wait_for},
    stack::build_images,
};

const IMAGE: &str = "linfa-strace";
const MODEL: &str = "line";
/// Calls, and how each fails. `rename` has other names on other machines.
const FAULTS: [(&str, &str); 8] = [
    ("openat", "ENOSPC"),
    ("write", "ENOSPC"),
    ("write", "EIO"),
    ("write", "EINTR"),
    ("fsync", "EIO"),
    ("rename,renameat,renameat2", "ENOSPC"),
    ("rename,renameat,renameat2", "EIO"),
    ("close", "EIO"),
];
/// More calls than one version takes, and an end for `close`, which every reading does too.
const MOST: u64 = 20;

/// A store, and one who watches it.
struct Store {
    ground: Ground,
    examiner: Examiner,
    drops: Drops,
    /// The name of its containers.
    name: String,
    traces: TempDir,
}

#[test]
fn a_call_that_fails_while_the_store_is_written_leaves_no_catalog_that_is_half_or_wrong() {
    build_images();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("strace");
    stdout(Command::new("docker").args(["build", "--quiet", "--tag", IMAGE]).arg(folder));
    let mut store = Store::new();
    let mut version = 1;
    assert_eq!(store.admit(version, None), 0, "no fault was asked for");
    for (call, error) in FAULTS {
        let mut failed = 0;
        for number in 1..=MOST {
            version += 1;
            if store.admit(version, Some(&format!("{call}:error={error}:when={number}"))) == 0 {
                break;
            }
            failed += 1;
        }
        println!("{call} {error}: {failed} calls failed, one in each run");
        assert!(failed > 0, "{call} {error}: nothing has failed");

        version += 1;
        // Interrupted for ever, it tries for ever.
        if error != "EINTR" {
            store.refuse(version, &format!("{call}:error={error}"), call == "close");
            version += 1;
            store.admit(version, None);
        }
    }
}

impl Store {
    fn new() -> Self {
        // Nothing runs on this machine itself.
        let nowhere = Programs { sidecar: "/nowhere".into(), server: "/nowhere".into() };
        let ground = Ground::new(nowhere).unwrap();
        let examiner = ground.examiner().unwrap();
        let drops = Drops::into_folder(ground.incoming());
        let name = format!("linfa-strace-{}", std::process::id());
        Self { ground, examiner, drops, name, traces: tempfile::tempdir().unwrap() }
    }

    /// Drops a version for a sidecar with that fault, and looks at the store until it is admitted. How many calls failed.
    fn admit(&mut self, version: u64, fault: Option<&str>) -> usize {
        self.start(version, fault);
        let what = format!("{MODEL} {version} is admitted, {fault:?}");
        wait_for(&what, PATIENCE, || {
            let catalog = self.examiner.look().unwrap_or_else(|fault| panic!("{what}: {fault}"));
            self.drops.amiss(catalog.as_ref()).is_empty().then_some(())
        });
        self.stop()
    }

    /// Drops a version for a sidecar for which every such call fails, and looks at the store until some have.
    /// What was admitted before stays; a `harmless` fault may be got over.
    fn refuse(&mut self, version: u64, fault: &str, harmless: bool) {
        self.start(version, Some(fault));
        wait_for(fault, PATIENCE, || {
            self.examiner.look().unwrap_or_else(|error| panic!("{fault}: {error}"));
            (self.failed() >= 10).then_some(())
        });
        let catalog = self.examiner.look().unwrap();
        let amiss = self.drops.amiss(catalog.as_ref());
        assert!(harmless || !amiss.is_empty(), "{fault}: admitted though nothing could be written");
        self.stop();
    }

    fn start(&mut self, version: u64, fault: Option<&str>) {
        self.drops.drop(MODEL, version, true).unwrap();
        let mut command = Command::new("docker");
        command.args([
            "run",
            "--detach",
            "--name",
            &self.name,
            "--network",
            "none",
            "--cap-add",
            "SYS_PTRACE",
        ]);
        for folder in [self.ground.path(""), self.traces.path().to_owned()] {
            command.arg("--volume").arg(format!("{0}:{0}", folder.display()));
        }
        for (name, value) in self.ground.sidecar_variables() {
            command.args(["--env", &format!("{name}={value}")]);
        }
        command.arg(IMAGE).arg("strace").arg("-o").arg(self.trace());
        for path in self.written(version) {
            command.args(["-P", &self.ground.store().join(path).display().to_string()]);
        }
        // Reading is openat2, which stays as it is.
        let calls = fault.map_or("write", |fault| fault.split_once(':').unwrap().0);
        command.args(["-e", &format!("trace={calls}")]);
        if let Some(fault) = fault {
            command.args(["-e", &format!("inject={fault}")]);
        }
        stdout(command.arg("linfa-sidecar"));
    }

    /// What is written for that version, from the store on, under its temporary and its last name.
    fn written(&self, version: u64) -> Vec<String> {
        let entries = testkit::linear(MODEL, version as f64).files().unwrap().entries();
        let blobs = entries.iter().map(|entry| ("blobs/sha256/", entry.digest.hex()));
        let catalogs = ["catalog.json", "catalog.copy.json"].map(|name| ("", name.to_owned()));
        let files = blobs.chain(catalogs);
        let names =
            files.flat_map(|(folder, name)| [format!("{folder}.{name}.tmp"), format!("{folder}{name}")]);
        names.chain(["blobs/sha256".to_owned()]).collect()
    }

    fn trace(&self) -> std::path::PathBuf {
        self.traces.path().join("trace")
    }

    fn failed(&self) -> usize {
        let trace = fs_err::read(self.trace()).unwrap_or_default();
        String::from_utf8_lossy(&trace).matches("(INJECTED)").count()
    }

    /// Kills the sidecar and looks at what it leaves. How many of its calls failed.
    fn stop(&mut self) -> usize {
        docker(&["rm", "--force", &self.name]);
        self.examiner.examine().unwrap();
        self.failed()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        run(Command::new("docker").args(["rm", "--force", &self.name]));
        // Written by root in the container, so removed by it too.
        let folder = self.ground.path("").display().to_string();
        let store = self.ground.store().display().to_string();
        let traces = self.traces.path().display().to_string();
        let volumes = [format!("{folder}:{folder}"), format!("{traces}:{traces}")];
        let trace = self.trace().display().to_string();
        run(Command::new("docker")
            .args(["run", "--rm", "--volume", &volumes[0], "--volume", &volumes[1]])
            .args([IMAGE, "rm", "-rf", &store, &trace]));
    }
}
