//! What a removed folder means, and what it does not.

use artifact::{catalog::Status, testkit};

use crate::bench::Bench;

/// Versions 1 and 2 of `a`, admitted; 2 serves.
fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.drop("a/1", &testkit::linear("a", 1.0));
    bench.drop("a/2", &testkit::linear("a", 2.0));
    bench.drop("b/1", &testkit::tree("b"));
    bench.look_times(3);
    assert_eq!(bench.serving("a"), [2]);
    bench
}

#[test]
fn a_removed_version_is_withdrawn_and_the_one_before_serves_again() {
    let mut bench = bench();
    let digest = bench.version("a", 2).digest;
    bench.remove("a/2");
    bench.look();
    bench.look_after(4);
    assert_eq!(bench.status("a", 2), Status::Admitted, "it may be on its way back");
    bench.look();
    let version = bench.version("a", 2);
    assert_eq!((version.status, version.digest), (Status::Withdrawn, digest));
    assert_eq!(version.files, []);
    assert_eq!(bench.refusal("a", 2), "layout: its folder was removed");
    assert_eq!(bench.serving("a"), [1]);
}

#[test]
fn a_withdrawn_number_comes_back_with_its_own_bytes_and_no_others() {
    let mut bench = bench();
    bench.remove("a/2");
    bench.look();
    bench.look_after(5);
    bench.drop("a/2", &testkit::linear("a", 3.0));
    bench.settle_all();
    assert_eq!(bench.status("a", 2), Status::Withdrawn);
    let said = bench.refusal("a", 2);
    assert!(said.starts_with("digest: version 2 was admitted as sha256:"), "{said}");
    assert_eq!(bench.serving("a"), [1]);

    bench.restart();
    bench.settle_all();
    assert_eq!(bench.status("a", 2), Status::Withdrawn, "remembered over a restart");

    bench.remove("a/2");
    bench.drop("a/2", &testkit::linear("a", 2.0));
    bench.settle();
    assert_eq!(bench.status("a", 2), Status::Admitted);
    assert_eq!(bench.serving("a"), [2]);
}

#[test]
fn the_last_version_stays_until_the_model_retires() {
    let mut bench = bench();
    bench.remove("a/1");
    bench.look();
    bench.look_after(5);
    assert_eq!(bench.status("a", 1), Status::Withdrawn);
    bench.remove("a/2");
    bench.look();
    bench.look_after(3600);
    assert_eq!(bench.serving("a"), [2]);
    assert_eq!(
        bench.model("a").notes,
        ["version 2 has no folder and stays; `retire = true` in policy.toml withdraws the model"]
    );

    bench.write("a/policy.toml", "retire = true");
    bench.settle();
    assert_eq!(bench.serving("a"), [0; 0]);
    assert_eq!(bench.refusal("a", 2), "policy: policy.toml retires the model");
    assert_eq!(bench.serving("b"), [1]);
}

#[test]
fn a_removed_model_serves_on() {
    let mut bench = bench();
    bench.remove("a");
    bench.look();
    bench.look_after(3600);
    assert_eq!((bench.serving("a"), bench.serving("b")), (vec![2], vec![1]));
    assert_eq!(bench.status("a", 1), Status::Admitted);
}

#[test]
fn a_retired_model_comes_back_when_the_policy_says_so() {
    let mut bench = bench();
    let before = bench.model("a");
    bench.write("a/policy.toml", "retire = true");
    bench.settle();
    assert_eq!(bench.model("a").default, None);
    bench.restart();
    bench.settle();
    assert_eq!(bench.serving("a"), [0; 0], "retired over a restart");
    fs_err::remove_file(bench.folder("a/policy.toml")).unwrap();
    bench.look_times(4);
    assert_eq!(bench.model("a"), before);
}

#[test]
fn a_retired_model_stays_so_over_a_restart_with_a_broken_policy() {
    let mut bench = bench();
    bench.write("a/policy.toml", "retire = true");
    bench.settle();
    bench.write("a/policy.toml", "retire = ");
    bench.restart();
    bench.look_times(4);
    assert_eq!(bench.serving("a"), [0; 0]);
    assert_eq!((bench.status("a", 1), bench.status("a", 2)), (Status::Withdrawn, Status::Withdrawn));
}

#[test]
fn a_model_of_which_a_version_was_withdrawn_serves_on_over_a_restart() {
    let mut bench = bench();
    bench.remove("a/2");
    bench.look();
    bench.look_after(5);
    let before = bench.model("a");
    assert_eq!(bench.serving("a"), [1]);
    bench.restart();
    for _ in 0..3 {
        bench.look();
        assert_eq!(bench.model("a"), before);
    }
}

#[test]
fn a_version_that_the_policy_pins_stays_though_its_folder_is_gone() {
    let mut bench = bench();
    bench.write("a/policy.toml", "serve = [2]");
    bench.settle();
    bench.remove("a/2");
    bench.look();
    bench.look_after(5);
    assert_eq!(bench.serving("a"), [2]);
}

#[test]
fn an_empty_or_vanished_folder_of_models_withdraws_nothing() {
    let mut bench = bench();
    let before = bench.catalog().models;
    bench.remove("a");
    bench.remove("b");
    bench.look();
    bench.look_after(3600);
    assert_eq!(bench.catalog().models, before);
    assert_eq!(bench.catalog().notes, ["the folder of models holds no model; nothing is withdrawn"]);

    fs_err::remove_dir(&bench.settings.incoming).unwrap();
    bench.look();
    bench.look_after(3600);
    assert_eq!(bench.catalog().models, before);
    let said = bench.catalog().notes[0].clone();
    assert!(
        said.starts_with("the folder of models cannot be read: failed to open file `")
            && said.ends_with("incoming`: No such file or directory (os error 2); nothing is withdrawn"),
        "{said}"
    );

    bench.drop("a/3", &testkit::linear("a", 3.0));
    bench.settle();
    assert_eq!(bench.serving("a"), [3]);
    assert_eq!(bench.catalog().notes, [""; 0]);
}

#[test]
fn a_model_folder_that_became_something_else_withdraws_nothing() {
    let mut bench = bench();
    let versions = bench.model("a").versions;
    bench.remove("a");
    std::os::unix::fs::symlink(bench.dir.path(), bench.folder("a")).unwrap();
    bench.look();
    bench.look_after(3600);
    assert_eq!(bench.model("a").versions, versions);
    assert_eq!(bench.serving("a"), [2]);
    assert_eq!(bench.model("a").notes, ["`a` is a file where a folder belongs; only plain files are read"]);
}

#[test]
fn a_rejected_version_is_forgotten_with_its_folder() {
    let mut bench = bench();
    bench.drop("a/3", &testkit::linear("a", 3.0));
    bench.write("a/3/stranger", "x");
    bench.settle_all();
    assert_eq!(bench.status("a", 3), Status::Rejected);
    bench.remove("a/3");
    bench.look();
    bench.look_after(5);
    assert!(bench.model("a").version(3.try_into().unwrap()).is_none());
    bench.drop("a/3", &testkit::linear("a", 3.5));
    bench.settle();
    assert_eq!(bench.serving("a"), [3]);
}

#[test]
fn a_model_of_which_nothing_was_admitted_is_forgotten_with_its_folder() {
    let mut bench = bench();
    bench.drop("c/1", &testkit::linear("c", 3.0));
    bench.write("c/1/stranger", "x");
    bench.settle_all();
    assert_eq!(bench.status("c", 1), Status::Rejected);
    bench.remove("c");
    bench.look();
    bench.look_after(5);
    assert_eq!(bench.catalog().model("c"), None);
    assert_eq!(bench.serving("a"), [2]);
}
