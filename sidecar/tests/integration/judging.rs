//! Whatever becomes of a judge is a verdict of one version. Some judges here are shell scripts, since the true one does
//! no harm by itself; where a limit is to be hit, it is the true one and a true model.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use artifact::{
    Artifact, Cell, Exported, Feature, GoldenRow, Output,
    catalog::Status,
    steps::kmeans::KMeans,
    tensors::{Tensor, Values},
    testkit::{self, Parts},
};
use rustix::process::{Pid, Signal, kill_process};
use sidecar::Judge;

use crate::bench::Bench;

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Says that all is well, whatever it was given.
pub(crate) const CREDULOUS: &str = r#"echo '{"Done":{"checks":[],"failure":null}}'"#;

pub(crate) fn script(script: &str) -> Judge {
    Judge::child("/bin/sh", ["-c", script])
}

/// A bench whose judge is this script.
fn judged_by(judge: &str) -> Bench {
    let mut bench = Bench::idle();
    bench.judge = script(judge);
    bench
}

/// A model within every limit of the format that takes some seconds to judge, at the least.
pub(crate) fn slow(name: &str) -> Artifact {
    const CLUSTERS: usize = 8000;
    const WIDTH: usize = 60;
    let pack = testkit::clusters(name);
    let inputs = (0..WIDTH).map(|index| Feature { name: format!("x{index}"), ..pack.inputs[0].clone() });
    let row = |cluster: usize| {
        let mut row = vec![0.0; WIDTH];
        row[0] = cluster as f64;
        row
    };
    let golden = |cluster| GoldenRow {
        input: row(cluster).into_iter().map(Cell::from).collect(),
        choice: Some(u32::try_from(cluster).unwrap()),
        scores: Vec::new(),
        tolerance: 0.0,
    };
    let centroids =
        Tensor { shape: vec![CLUSTERS, WIDTH], values: Values::F64((0..CLUSTERS).flat_map(row).collect()) };
    Artifact {
        inputs: inputs.collect(),
        output: Output::Clustering { clusters: CLUSTERS },
        steps: vec![Exported::new(KMeans::default(), [("centroids", centroids)])],
        golden: (0..CLUSTERS).map(golden).collect(),
        ..pack
    }
}

/// Golden rows of which two bytes each become a number of eight.
fn bloated(name: &str) -> Parts {
    let numbers = "0,".repeat(6 << 20);
    let row = format!("{{\"input\":[0,0],\"scores\":[{numbers}0],\"tolerance\":0}}\n");
    Parts::of(&testkit::linear(name, 2.0)).set_file("golden.jsonl", row)
}

/// What is said of a version that a script judges.
fn verdict(judge: &str) -> (Status, String) {
    let mut bench = judged_by(judge);
    bench.settings.judging.wall_seconds = 1;
    bench.start();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.settle();
    (bench.status("a", 1), bench.refusal("a", 1))
}

#[test]
fn however_a_judge_ends_without_a_verdict_the_version_is_rejected_and_why_is_said() {
    let late = "took more than 1 s (judging.wall_seconds)";
    for (judge, said) in [
        ("exit 0", "judging ended without a verdict (exit status: 0): no word"),
        (
            "echo a >&2; echo b >&2; echo note: c >&2; exit 3",
            "judging ended without a verdict (exit status: 3): b",
        ),
        (
            r#"echo '{"Checking":"golden"}'; kill -SEGV $$"#,
            "check `golden` ended without a verdict (signal: 11",
        ),
        (
            r#"echo '{"Checking":"golden"}'; kill -XCPU $$"#,
            "check `golden` took more than 30 s of processor time",
        ),
        ("kill -SYS $$", "judging asked the system for what judging does not need"),
        (
            "echo 'memory allocation of 9 bytes failed' >&2; kill -ABRT $$",
            "judging needed more than 768 MiB of memory (judging.memory_mib)",
        ),
        ("kill -ABRT $$", "judging ended without a verdict (signal: 6"),
        ("exec cat /dev/zero", "judging said more than 65536 bytes"),
        ("exec cat /dev/zero >&2", &format!("judging {late}")),
        ("exec sleep 1000", &format!("judging {late}")),
        ("exec 0<&- >&- 2>&- sleep 1000", &format!("judging {late}")),
        (r#"echo '{"Checking":"probe"}'; exec sleep 1000"#, &format!("check `probe` {late}")),
        (r#"echo '{"Checking":"layout"}'; echo '{"Unfit":"no"}'"#, "check `layout` ended without a verdict"),
        (r#"printf '{"Done":{"checks":['"#, "judging ended without a verdict (exit status: 0): no word"),
    ] {
        let (status, refusal) = verdict(judge);
        assert_eq!(status, Status::Rejected, "{judge}: {refusal}");
        assert!(refusal.starts_with(&format!("judging: {said}")), "{judge}: {refusal}");
    }
}

#[test]
fn a_judge_that_cannot_begin_is_no_fault_of_the_version_which_is_judged_later() {
    for (judge, said) in [
        (script(r#"echo '{"Unfit":"no filter"}'"#), "judging: no filter; it is tried again"),
        (
            Judge::child("/none", ["judge"]),
            "judging: no judge can be started: No such file or directory (os error 2); it is tried again",
        ),
    ] {
        let mut bench = Bench::idle();
        let true_one = std::mem::replace(&mut bench.judge, judge);
        bench.start();
        bench.drop("a/1", &testkit::linear("a", 2.0));
        bench.settle();
        assert_eq!((bench.status("a", 1), bench.refusal("a", 1).as_str()), (Status::Pending, said));
        bench.judge = true_one;
        bench.restart();
        bench.settle();
        assert_eq!(bench.serving("a"), [1]);
    }
}

#[test]
fn a_judge_gets_no_variable_and_no_descriptor_but_its_three_pipes() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (open, variables) = (path("open"), path("variables"));
    let judge = format!(
        "echo \"$(ls /proc/self/fd)\" >{}; cat /proc/$$/environ >{}; {CREDULOUS}",
        open.display(),
        variables.display()
    );
    let mut bench = judged_by(&judge);
    bench.start();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.settle();
    assert_eq!(bench.serving("a"), [1]);
    assert_eq!(fs_err::read_to_string(variables).unwrap(), "");
    let mut expected = inherited();
    // The last one is the folder that `ls` lists.
    expected.extend([0, 1, 2, 3]);
    let open: Vec<u32> =
        fs_err::read_to_string(open).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    assert!(open.iter().all(|fd| expected.contains(fd)), "{open:?}, but {expected:?}");
}

/// Descriptors that whoever started this test left open for every child.
fn inherited() -> Vec<u32> {
    const CLOEXEC: u32 = 0o2_000_000;
    let number = |path: PathBuf| path.file_name()?.to_str()?.parse().ok();
    let flags = |fd: &u32| -> Option<u32> {
        let text = fs_err::read_to_string(format!("/proc/self/fdinfo/{fd}")).ok()?;
        let flags = text.lines().find_map(|line| line.strip_prefix("flags:"))?;
        u32::from_str_radix(flags.trim(), 8).ok()
    };
    let fds = fs_err::read_dir("/proc/self/fdinfo").unwrap();
    let fds = fds.filter_map(|entry| number(entry.ok()?.path()));
    fds.filter(|fd| flags(fd).is_some_and(|flags| flags & CLOEXEC == 0)).collect()
}

#[test]
fn a_judge_that_passes_everything_cannot_replace_what_was_admitted() {
    let mut bench = Bench::new();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.settle();
    let admitted = bench.version("a", 1);
    bench.judge = script(CREDULOUS);
    bench.restart();
    bench.remove("a/1");
    bench.drop("a/1", &testkit::linear("a", 3.0));
    bench.settle();
    let version = bench.version("a", 1);
    assert_eq!((version.status, version.digest), (Status::Admitted, admitted.digest));
    assert_eq!(version.files, admitted.files);
    assert_eq!(bench.refusal("a", 1), "judging: its judge passed what is not what was admitted");
}

#[test]
fn what_a_judge_says_fits_into_the_catalog() {
    let long = "x".repeat(2000);
    let check = format!(r#"{{"name":"{long}","passed":true,"detail":"\u001b[31m"}}"#);
    let checks = [check.as_str(); 25].join(",");
    let mut bench = judged_by(&format!(
        r#"cat <<'END'
{{"Done":{{"checks":[{checks}],"failure":["Sure",{{"check":"{long}","reason":"a\nb"}}]}}}}
END"#
    ));
    bench.start();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.settle();
    let version = bench.version("a", 1);
    assert_eq!(version.status, Status::Rejected);
    assert!(version.checks.iter().all(|check| check.name.len() < 700 && check.detail == "\\u{1b}[31m"));
    let refusal = version.refusal.unwrap();
    assert!(refusal.check.len() < 700 && refusal.reason == "a\\nb");
}

#[test]
fn a_model_that_eats_memory_is_rejected_by_the_limit_and_another_is_served() {
    let mut bench = Bench::idle();
    bench.settings.judging.memory_mib = 64;
    bench.start();
    bench.drop_parts("eats/1", &bloated("eats"));
    bench.drop("good/1", &testkit::linear("good", 2.0));
    bench.settle_all();
    assert_eq!(
        bench.refusal("eats", 1),
        "judging: check `golden` needed more than 64 MiB of memory (judging.memory_mib)"
    );
    assert_eq!((bench.status("eats", 1), bench.serving("good")), (Status::Rejected, vec![1]));
}

#[test]
fn the_same_model_is_within_the_limit_by_default() {
    let mut bench = Bench::new();
    bench.drop_parts("eats/1", &bloated("eats"));
    bench.settle_all();
    assert_eq!(bench.refusal("eats", 1), "golden: row 1 has 6291457 scores, expected 1");
}

#[test]
fn a_model_that_eats_time_is_rejected_by_the_limit_and_not_judged_again_until_its_bytes_change() {
    let mut bench = Bench::idle();
    bench.settings.judging.cpu_seconds = 1;
    bench.start();
    bench.drop("eats/1", &slow("eats"));
    bench.drop("good/1", &testkit::linear("good", 2.0));
    bench.settle();
    let said = "judging: check `golden` took more than 1 s of processor time (judging.cpu_seconds)";
    assert_eq!((bench.status("eats", 1), bench.refusal("eats", 1).as_str()), (Status::Rejected, said));
    assert_eq!(bench.serving("good"), [1]);

    // From here on a judge would admit it, if one were asked.
    bench.judge = script(CREDULOUS);
    bench.restart();
    bench.settle();
    assert_eq!(bench.refusal("eats", 1), said, "a restart changes nothing");
    let manifest = fs_err::read(bench.folder("eats/1/manifest.json")).unwrap();
    bench.write("eats/1/manifest.json", manifest);
    bench.settle();
    assert_eq!(bench.refusal("eats", 1), said, "nor do the same bytes in a new file");
    bench.restart();
    bench.settle();
    assert_eq!(bench.refusal("eats", 1), said, "nor a restart after that");
    bench.remove("eats/1");
    bench.drop("eats/1", &testkit::linear("eats", 2.0));
    bench.settle();
    assert_eq!(bench.serving("eats"), [1], "other bytes are judged");
}

#[test]
fn what_hit_a_limit_is_judged_again_under_another_one() {
    let mut bench = judged_by("kill -XCPU $$");
    bench.start();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.settle();
    assert_eq!(bench.status("a", 1), Status::Rejected);
    bench.settings.judging.cpu_seconds += 1;
    bench.judge = script(CREDULOUS);
    bench.restart();
    bench.settle();
    assert_eq!(bench.serving("a"), [1]);
}

#[test]
fn a_judge_that_someone_kills_is_no_fault_of_the_version_until_the_third_time() {
    let mut bench = Bench::idle();
    // By this, its process is found.
    bench.settings.judging.cpu_seconds = 3001;
    bench.start();
    bench.drop("a/1", &slow("a"));
    bench.look();
    let ended = "was ended from outside (signal: 9 (SIGKILL))";
    for status in [Status::Pending, Status::Pending, Status::Rejected] {
        bench.scan_after(5);
        kill_process(judge_with("--cpu-seconds 3001"), Signal::KILL).unwrap();
        assert!(bench.verdict());
        assert_eq!(bench.status("a", 1), status);
        let refusal = bench.refusal("a", 1);
        assert!(refusal.starts_with("judging: ") && refusal.contains(ended), "{refusal}");
    }
}

/// Waits until no such process is left.
pub(crate) fn no_judge_with(arguments: &str) {
    let deadline = Instant::now() + PATIENCE;
    while let Some(judge) = judges_with(arguments).first() {
        if Instant::now() > deadline {
            kill_process(*judge, Signal::KILL).unwrap();
            panic!("the judge with {arguments} was still there")
        }
        std::thread::yield_now();
    }
}

/// The process whose arguments end so, once there is one that has shut itself in.
pub(crate) fn judge_with(arguments: &str) -> Pid {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(pid) = judges_with(arguments).first() {
            return *pid;
        }
        std::thread::yield_now();
    }
    panic!("no judge with {arguments}")
}

fn judges_with(arguments: &str) -> Vec<Pid> {
    let ends_so = |process: &Path| {
        let line = fs_err::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ").trim_end().ends_with(arguments)
    };
    // So many files may one have open that has shut itself in.
    let confined = |process: &Path| {
        let limits = fs_err::read_to_string(process.join("limits")).unwrap_or_default();
        limits.lines().any(|line| line.split_whitespace().eq(["Max", "open", "files", "3", "3", "files"]))
    };
    let processes = fs_err::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let judges = processes.filter(|process| ends_so(process) && confined(process));
    judges.filter_map(|process| Pid::from_raw(process.file_name()?.to_str()?.parse().ok()?)).collect()
}
