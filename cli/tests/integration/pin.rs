//! `linfactl rollback`, `pin` and `unpin`, as far as no server is needed.

use std::os::unix::fs::{PermissionsExt, symlink};

use crate::{Folder, text};

const POLICY: &str = "models/iris/policy.toml";

/// Versions 1 to 3 of iris, empty.
fn models() -> Folder {
    let folder = Folder::new();
    for version in 1..=3 {
        fs_err::create_dir_all(folder.path(&format!("models/iris/{version}"))).unwrap();
    }
    folder
}

fn with(policy: &str) -> Folder {
    let folder = models();
    fs_err::write(folder.path(POLICY), policy).unwrap();
    folder
}

fn policy(folder: &Folder) -> String {
    fs_err::read_to_string(folder.path(POLICY)).unwrap()
}

#[test]
fn a_rollback_and_back_needs_no_policy_to_begin_with() {
    let folder = models();
    insta::assert_snapshot!(folder.said("rollback iris 1"), @r"
    models/iris/policy.toml: serve was not there (the newest), is [1]
    to return: linfactl unpin iris
    ");
    assert_eq!(policy(&folder), "serve = [1]\n");
    let mode = fs_err::metadata(folder.path(POLICY)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644, "the sidecar is another user");
    assert_eq!(folder.said("rollback iris 1"), "models/iris/policy.toml says so already\n");
    insta::assert_snapshot!(folder.said("pin iris 3 2 3"), @r"
    models/iris/policy.toml: serve was [1], is [2, 3]
    to return: linfactl pin iris 1
    ");
    insta::assert_snapshot!(folder.said("unpin iris"), @"models/iris/policy.toml: serve was [2, 3], is { latest = 1 }");
    assert!(folder.said("rollback iris 1").ends_with("to return: linfactl unpin iris\n"));
    folder.said("unpin iris");
    insta::assert_snapshot!(folder.complained("unpin iris"), @"linfactl: models/iris/policy.toml pins no version; serve is { latest = 1 }");
    // Nothing is left over.
    let mut names: Vec<_> = fs_err::read_dir(folder.path("models/iris"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["1", "2", "3", "policy.toml"]);
}

#[test]
fn comments_and_other_keys_stay_as_they_are_written() {
    let folder = with(
        "# Ours: team a.\n\nserve  =  { latest = 2 } # two, for the canary\nretire = false\n\n[labels] # names\nstable = 1  # since May\n",
    );
    fs_err::set_permissions(folder.path(POLICY), PermissionsExt::from_mode(0o664)).unwrap();
    insta::assert_snapshot!(folder.said("rollback iris 1"), @r"
    models/iris/policy.toml: serve was { latest = 2 }, is [1]
    the labelled versions serve too: { stable = 1 }
    to return: write `serve = { latest = 2 }` into it
    ");
    assert_eq!(
        policy(&folder),
        "# Ours: team a.\n\nserve  =  [1] # two, for the canary\nretire = false\n\n[labels] # names\nstable = 1  # since May\n"
    );
    assert_eq!(fs_err::metadata(folder.path(POLICY)).unwrap().permissions().mode() & 0o777, 0o664);
}

#[test]
fn every_way_to_write_it_is_edited_into_a_policy() {
    for (before, after) in [
        ("# ours\n[serve] # so\nlatest = 2\n", "# ours\nserve = [1]\n"),
        ("serve.latest = 2\nretire = false\n", "serve = [1]\nretire = false\n"),
        (
            "retire = false\n\n[labels]\na = 1\n\n# which\n[serve]\nlatest = 2\n",
            "retire = false\n\n# which\nserve = [1]\n\n[labels]\na = 1\n",
        ),
        ("serve = \"all\"\n", "serve = [1]\n"),
        ("[labels]\na = 1\n", "serve = [1]\n[labels]\na = 1\n"),
        ("# nothing yet\n", "serve = [1]\n# nothing yet\n"),
    ] {
        let folder = with(before);
        folder.said("rollback iris 1");
        assert_eq!(policy(&folder), after, "{before}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_and_nothing_is_touched() {
    let folder = with("serve = [1]\n");
    insta::assert_snapshot!(folder.complained("rollback iris 4"), @"linfactl: version 4 of iris is not in models; --force pins it all the same: `4` is missing");
    insta::assert_snapshot!(folder.complained("pin wine 1"), @"linfactl: models/wine is no model: `wine` is missing");
    insta::assert_snapshot!(folder.complained("rollback iris 1 --models nowhere"), @"linfactl: `nowhere` is missing");
    assert_eq!(folder.run("rollback iris 01").status.code(), Some(2));
    assert_eq!(policy(&folder), "serve = [1]\n");
    assert!(folder.said("rollback iris 4 --force").contains("is [4]"));

    for (wrong, words) in [
        ("serve = [\n", "models/iris/policy.toml is no policy; mend it first: policy.toml, line "),
        (
            "serves = [1]\n",
            "models/iris/policy.toml is no policy; mend it first: policy.toml, line 1: unknown field `serves`",
        ),
        (
            "serve = []\n",
            "models/iris/policy.toml is no policy; mend it first: policy.toml: serve lists no version",
        ),
    ] {
        let folder = with(wrong);
        let said = folder.complained("rollback iris 1");
        assert!(said.contains(words), "{said}");
        assert_eq!(policy(&folder), wrong);
    }
}

#[test]
fn no_link_is_followed() {
    let folder = models();
    fs_err::write(folder.path("elsewhere.toml"), "retire = false\n").unwrap();
    symlink("../../elsewhere.toml", folder.path(POLICY)).unwrap();
    insta::assert_snapshot!(folder.complained("rollback iris 1"), @"linfactl: models/iris: `policy.toml` is a symbolic link; only plain files are read");
    fs_err::remove_file(folder.path(POLICY)).unwrap();
    fs_err::hard_link(folder.path("elsewhere.toml"), folder.path(POLICY)).unwrap();
    insta::assert_snapshot!(folder.complained("rollback iris 1"), @"linfactl: models/iris: `policy.toml` has 2 hard links; only files with one are read");
    symlink("iris", folder.path("models/wine")).unwrap();
    insta::assert_snapshot!(folder.complained("rollback wine 1"), @"linfactl: models/wine is no model: `wine` is a file where a folder belongs; only plain files are read");
    assert_eq!(fs_err::read_to_string(folder.path("elsewhere.toml")).unwrap(), "retire = false\n");
}

#[test]
fn a_model_that_is_retired_is_said_to_stay_so() {
    let folder = with("retire = true\n");
    let said = text(&folder.run("rollback iris 1").stdout);
    assert!(said.contains("but nothing serves: it also says retire = true"), "{said}");
}
