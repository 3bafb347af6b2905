//! policy.toml, from forms to mistakes.

use artifact::testkit;

use crate::bench::Bench;

/// Versions 1 to 4 of `a`, admitted.
fn bench() -> Bench {
    let mut bench = Bench::new();
    for version in 1..=4 {
        bench.drop(&format!("a/{version}"), &testkit::linear("a", version as f64));
    }
    bench.look_times(5);
    assert_eq!(bench.serving("a"), [4]);
    bench
}

impl Bench {
    fn say(&mut self, policy: &str) {
        self.write("a/policy.toml", policy);
        self.settle();
    }

    fn default(&self) -> Option<u64> {
        self.model("a").default.map(|version| version.get())
    }

    fn policy_error(&self) -> Option<String> {
        self.model("a").policy_error
    }
}

#[test]
fn the_latest_all_or_listed_versions_serve() {
    let mut bench = bench();
    for (policy, serving) in [
        ("serve = { latest = 2 }", vec![3, 4]),
        ("serve = \"all\"", vec![1, 2, 3, 4]),
        ("serve = [3, 1]", vec![1, 3]),
        ("", vec![4]),
    ] {
        bench.say(policy);
        assert_eq!(bench.policy_error(), None, "{policy}");
        assert_eq!(bench.serving("a"), serving, "{policy}");
        assert_eq!(bench.default(), serving.last().copied(), "{policy}");
    }
    bench.say("serve = \"all\"");
    fs_err::remove_file(bench.folder("a/policy.toml")).unwrap();
    bench.settle();
    assert_eq!(bench.serving("a"), [4]);
}

#[test]
fn a_labelled_version_serves_too_but_is_not_the_default() {
    let mut bench = bench();
    bench.say("serve = [2]\nlabels = { stable = 1, canary = 4 }");
    let model = bench.model("a");
    assert_eq!(bench.serving("a"), [1, 2, 4]);
    assert_eq!(bench.default(), Some(2));
    let labels: Vec<_> =
        model.labels.iter().map(|(label, version)| (label.as_str(), version.get())).collect();
    assert_eq!(labels, [("canary", 4), ("stable", 1)]);

    // Nor does it become the default where a start meets a broken policy.
    bench.write("a/policy.toml", "serve = ");
    bench.restart();
    bench.settle();
    assert_eq!((bench.default(), bench.serving("a")), (Some(2), vec![1, 2, 4]));
}

#[test]
fn an_invalid_policy_is_shown_and_leaves_the_last_good_one() {
    let mut bench = bench();
    bench.say("serve = [1, 2]");
    for (policy, error) in [
        (
            "serve = [3]\nretired = true",
            "policy.toml, line 2: unknown field `retired`, expected one of `serve`, `labels`, `retire`, `breaking`, `ignore_defaults`, `require`",
        ),
        (
            "serve = { latest = 0 }",
            "policy.toml, line 1: serve is `{ latest = 1 }` or more, `\"all\"`, or a list of versions",
        ),
        (
            "serve = \"none\"",
            "policy.toml, line 1: serve is `{ latest = 1 }` or more, `\"all\"`, or a list of versions",
        ),
        ("serve = []", "policy.toml: serve lists no version; `retire = true` withdraws a model"),
        (
            "labels = { Stable = 1 }",
            "policy.toml, line 1: a model's name is a lower-case letter and up to 62 of a-z, 0-9, _ and -",
        ),
    ] {
        bench.say(policy);
        assert_eq!(bench.policy_error().as_deref(), Some(error), "{policy}");
        assert_eq!(bench.serving("a"), [1, 2], "{policy}");
    }
    bench.restart();
    bench.settle();
    assert_eq!(bench.serving("a"), [1, 2]);
    assert!(bench.policy_error().is_some());
    bench.say("serve = [3]");
    assert_eq!((bench.policy_error(), bench.serving("a")), (None, vec![3]));
}

#[test]
fn a_policy_counts_when_two_looks_saw_the_same() {
    let mut bench = bench();
    bench.write("a/policy.toml", "serve = [1]");
    bench.look();
    assert_eq!(bench.serving("a"), [4], "it may be half written");
    bench.write("a/policy.toml", "serve = [1, 2]");
    bench.look();
    assert_eq!(bench.serving("a"), [4]);
    bench.look();
    assert_eq!(bench.serving("a"), [1, 2]);
}

#[test]
fn a_policy_that_is_no_plain_file_is_shown() {
    let mut bench = bench();
    std::os::unix::fs::symlink("/etc/passwd", bench.folder("a/policy.toml")).unwrap();
    bench.settle();
    assert_eq!(bench.policy_error().unwrap(), "`policy.toml` is a symbolic link; only plain files are read");
    assert_eq!(bench.serving("a"), [4]);
}

#[test]
fn a_version_that_is_not_admitted_is_named_and_the_rest_goes_on() {
    let mut bench = bench();
    bench.say("serve = [1, 9]\nlabels = { stable = 1, next = 9 }");
    assert_eq!(bench.serving("a"), [1]);
    assert_eq!(
        bench.policy_error().unwrap(),
        "serve names version 9, which is not admitted; label `next` names version 9, which is not admitted"
    );

    bench.say("serve = [9]\nlabels = { stable = 9 }");
    assert_eq!(bench.serving("a"), [1], "what served before goes on");
    assert_eq!(
        bench.policy_error().unwrap(),
        "serve names version 9, which is not admitted; label `stable` names version 9, which is not admitted; it stays \
         at version 1"
    );

    bench.drop("a/9", &testkit::linear("a", 9.0));
    bench.settle();
    assert_eq!((bench.policy_error(), bench.serving("a")), (None, vec![9]));
}

#[test]
fn a_new_model_serves_nothing_that_its_policy_does_not_name() {
    let mut bench = Bench::new();
    bench.drop("a/1", &testkit::linear("a", 1.0));
    bench.say("serve = [2]");
    assert_eq!(bench.serving("a"), [0; 0]);
    assert_eq!(bench.policy_error().unwrap(), "serve names version 2, which is not admitted");
}
