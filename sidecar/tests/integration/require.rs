//! `[require]` in policy.toml: from the repository and from the model, good and broken, and what evaluation.csv does.

use std::io::Write as _;

use artifact::{catalog::Status, testkit};
use sidecar::Judge;

use crate::bench::Bench;

/// No row is answered in so little time.
const FAST: &str = "[require.latency]\nbudget_ns_per_row = 0.001";
const SLOW: &str = "[require.latency]\nbudget_ns_per_row = 10_000_000_000";
const TOO_SLOW: &str = "latency: a row takes # ns, policy.toml allows # (budget_ns_per_row)";

impl Bench {
    fn drop_next(&mut self, version: u64) {
        self.drop(&format!("a/{version}"), &testkit::linear("a", 2.0));
        self.settle();
    }
}

#[test]
fn what_the_repository_requires_holds_unless_the_model_says_otherwise_key_by_key() {
    let mut bench = Bench::serving_one();
    bench.write("policy.toml", FAST);
    bench.drop_next(2);
    assert_eq!(bench.refusal("a", 2), TOO_SLOW);
    assert_eq!(bench.serving("a"), [1]);

    for (policy, admitted) in [
        ("[require.latency]\ntimes_serving = 1e9", false),
        (SLOW, true),
        (FAST, false),
        ("ignore_defaults = true", true),
    ] {
        let mut bench = Bench::serving_one();
        bench.write("policy.toml", FAST);
        bench.write("a/policy.toml", policy);
        bench.drop_next(2);
        let expected = if admitted { Status::Admitted } else { Status::Rejected };
        assert_eq!(bench.status("a", 2), expected, "{policy}");
    }
}

#[test]
fn a_laxer_policy_lets_in_what_a_stricter_one_refused_and_a_stricter_one_lets_what_is_in_be() {
    let mut bench = Bench::serving_one();
    for (version, file) in [(2, "policy.toml"), (3, "a/policy.toml")] {
        bench.write(file, FAST);
        bench.drop_next(version);
        assert_eq!(bench.refusal("a", version), TOO_SLOW);
        assert_eq!(bench.serving("a"), [version - 1], "what was admitted stays");
        bench.write(file, SLOW);
        bench.settle();
        assert_eq!(bench.serving("a"), [version]);
    }
}

#[test]
fn requirements_that_make_no_sense_are_named_with_their_line() {
    let mut bench = Bench::serving_one();
    for (policy, error) in [
        (
            "[require]\nlatancy = 1",
            "line 2: unknown field `latancy`, expected one of `signature`, `schema`, `latency`, `quality`",
        ),
        (
            "serve = [1]\n[require.latency]\nbudget = 1",
            "line 3: unknown field `budget`, expected `budget_ns_per_row` or `times_serving`",
        ),
        ("[require.latency]\nbudget_ns_per_row = 0", "line 2: expected a number above 0"),
        ("[require.latency]\ntimes_serving = nan", "line 2: expected a number above 0"),
        ("[require.quality]\nmargin = -0.1", "line 2: expected 0 or more"),
        ("[require.quality]\nat_least = inf", "line 2: expected a number"),
        (
            "[require.quality]\n\nmetric = \"auc\"",
            "line 3: unknown variant `auc`, expected one of `accuracy`, `log_loss`, `macro_f1`, `r2`, `rmse`, `silhouette`",
        ),
    ] {
        bench.write("a/policy.toml", policy);
        bench.settle();
        assert_eq!(bench.model("a").policy_error.unwrap(), format!("policy.toml, {error}"));
    }
    bench.write("policy.toml", "[require]\n[serve]");
    bench.settle();
    assert_eq!(
        bench.catalog().notes,
        ["beside the models, policy.toml, line 2: unknown field `serve`, expected `require`"]
    );
}

#[test]
fn a_policy_that_breaks_leaves_what_it_required_in_force() {
    for file in ["policy.toml", "a/policy.toml"] {
        let mut bench = Bench::serving_one();
        bench.write(file, FAST);
        bench.settle();
        bench.write(file, "[require");
        bench.settle();
        bench.drop_next(2);
        assert_eq!(bench.refusal("a", 2), TOO_SLOW, "{file}");
    }
}

#[test]
fn over_a_restart_a_broken_policy_lets_nothing_new_in_and_what_serves_serves_on() {
    for (file, whose) in [("policy.toml", "beside the models, "), ("a/policy.toml", "")] {
        let mut bench = Bench::serving_one();
        bench.write(file, "[require");
        bench.restart();
        bench.drop("a/2", &testkit::linear("a", 2.0));
        bench.drop("a/3", &testkit::linear("a", 2.0));
        bench.look();
        assert!(!bench.look().more, "{file}: there is no hurry");
        bench.look();
        assert_eq!((bench.status("a", 2), bench.status("a", 3)), (Status::Pending, Status::Pending));
        let refusal = bench.refusal("a", 2);
        assert!(refusal.starts_with(&format!("policy: {whose}policy.toml, line 1: ")), "{refusal}");
        let held = "; until it can be read nobody knows what is required, and nothing new is admitted";
        assert!(refusal.ends_with(held), "{refusal}");
        bench.look_after(300);
        bench.look_after(300);
        assert_eq!((bench.status("a", 2), bench.serving("a")), (Status::Pending, vec![1]));

        bench.write(file, SLOW);
        bench.look_times(3);
        assert_eq!((bench.status("a", 2), bench.serving("a")), (Status::Admitted, vec![3]), "{file}");
    }
}

#[test]
fn a_version_waits_for_an_evaluation_set_that_can_be_used() {
    let mut bench = Bench::serving_one();
    bench.write("a/policy.toml", "[require.quality]\nmargin = 0.5");
    bench.drop_next(2);
    let good = "x,y,value\n1,0,3\n2,0,5\n";
    for (rows, reason) in [
        (None, "there is no evaluation.csv beside policy.toml"),
        (Some("x,value\n1,3\n"), "evaluation.csv: there is no column `y`; there are x, value"),
        (Some("x,y,price\n1,0,3\n"), "evaluation.csv: there is no column `value`; there are x, y, price"),
        (Some("x,y,value\n1,NaN,3\n"), "evaluation.csv: row 1, column `y`: `NaN` is not a finite number"),
        (
            Some("x,y,value\n1,0,high\n"),
            "evaluation.csv: row 1, column `value`: `high` is not a finite number",
        ),
        (Some(""), "evaluation.csv: it is empty; a header and rows are needed"),
        (Some("x,y,value\n"), "evaluation.csv: it has a header, but no rows"),
        (Some("x,y,value\n1,0,3\n2,0,3\n"), "r2 is not defined: the true values are all the same"),
    ] {
        if let Some(rows) = rows {
            bench.write("a/evaluation.csv", rows);
        }
        bench.settle();
        assert_eq!(bench.refusal("a", 2), format!("quality: {reason}"));
        bench.look_after(300);
        assert_eq!((bench.status("a", 2), bench.serving("a")), (Status::Pending, vec![1]), "{reason}");
    }
    bench.write("a/evaluation.csv", good);
    bench.look();
    assert_eq!(bench.serving("a"), [1], "it may be half written");
    bench.look();
    assert_eq!(bench.serving("a"), [2]);
}

#[test]
fn an_evaluation_set_that_is_too_large_or_no_file_is_said_and_not_read() {
    let mut bench = Bench::serving_one();
    bench.write("a/policy.toml", "[require.quality]\nmargin = 0.5");
    bench.write("a/evaluation.csv", "");
    let file = fs_err::OpenOptions::new().write(true).open(bench.folder("a/evaluation.csv")).unwrap();
    file.set_len(1 << 40).unwrap();
    bench.drop_next(2);
    assert_eq!(
        bench.refusal("a", 2),
        "quality: `evaluation.csv` has 1099511627776 bytes, the limit is 16777216"
    );
    fs_err::remove_file(bench.folder("a/evaluation.csv")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", bench.folder("a/evaluation.csv")).unwrap();
    bench.settle();
    assert_eq!(
        bench.refusal("a", 2),
        "quality: `evaluation.csv` is a symbolic link; only plain files are read"
    );
    assert_eq!((bench.status("a", 2), bench.serving("a")), (Status::Pending, vec![1]));
}

#[test]
fn without_a_requirement_a_broken_evaluation_set_is_a_remark() {
    let mut bench = Bench::serving_one();
    bench.write("a/evaluation.csv", "x,y,value\n1,0,high\n");
    bench.drop_next(2);
    assert_eq!(
        bench.detail("a", 2, "quality"),
        "not measured: evaluation.csv: row 1, column `value`: `high` is not a finite number"
    );
}

#[test]
fn a_misspelt_class_in_the_evaluation_set_is_not_the_versions_fault() {
    let mut bench = Bench::new();
    bench.drop("a/1", &testkit::binary("a"));
    bench.write("a/policy.toml", "[require.quality]\nat_least = 0.9\ntarget = \"kind\"");
    bench.write("a/evaluation.csv", "x,y,kind,id\n0,0,yes,1\n0,0,Yes,2\n");
    bench.settle();
    assert_eq!(bench.refusal("a", 1), "quality: evaluation.csv: row 2: `Yes` is no class of the model");
    assert_eq!(bench.status("a", 1), Status::Pending);
}

#[test]
fn a_verdict_by_what_was_required_before_does_not_count() {
    for (before, after, expected) in [(SLOW, FAST, Status::Rejected), (FAST, SLOW, Status::Admitted)] {
        let mut bench = Bench::serving_one();
        bench.write("a/policy.toml", before);
        bench.settle();
        // Each judge waits for a line of this pipe before it begins.
        let pipe = bench.dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
        let mut gate = fs_err::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        let wait = format!(
            "read line <{}; exec {} judge \"$@\"",
            pipe.display(),
            env!("CARGO_BIN_EXE_linfa-sidecar")
        );
        bench.judge = Judge::child("/bin/sh", ["-c", &wait, "sh"]);
        bench.restart();
        bench.settle();

        bench.drop("a/2", &testkit::linear("a", 2.0));
        bench.scan_after(1);
        bench.scan_after(1);
        bench.write("a/policy.toml", after);
        bench.scan_after(1);
        bench.scan_after(1);
        gate.write_all(b"\n").unwrap();
        assert!(bench.verdict());
        assert_eq!(bench.status("a", 2), Status::Pending);
        gate.write_all(b"\n").unwrap();
        while bench.verdict() {}
        assert_eq!(bench.status("a", 2), expected);
    }
}
