//! The commands that watch a server, against one that `linfactl up` runs.

use std::process::{Command, Stdio};

use crate::{
    text,
    up::{Lines, Up, copy, iris},
};

#[test]
fn a_rollback_is_waited_for_and_a_watch_tells_of_it() {
    let folder = iris();
    let mut up = Up::start(&folder, &["--data", "data"]).ready();
    copy(&folder.path("models/iris/1"), &folder.path("models/iris/2"));
    up.answers(2);
    let (server, key) = (up.endpoint(), up.place("key"));
    let linfactl = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_linfactl"));
        command.current_dir(folder.path("")).args(arguments);
        command.env("LINFACTL_SERVER", &server).env("LINFACTL_KEY_FILE", &key);
        command
    };
    let mut watch =
        linfactl(&["models", "--watch"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = Lines::of(watch.stdout.take().unwrap());
    let mut complaints = Lines::of(watch.stderr.take().unwrap());
    // The table that comes first ends with the catalog.
    told.wait_for("catalog ");

    let rolled = linfactl(&["rollback", "iris", "1", "--wait"]).output().unwrap();
    assert!(rolled.status.success(), "{}", text(&rolled.stderr));
    assert!(text(&rolled.stdout).ends_with("the server serves it\n"), "{}", text(&rolled.stdout));
    up.answers(1);
    told.wait_for("iris 1: serving (default)");
    told.wait_for("iris 2: admitted");

    // One that cannot be had is waited for in vain, and why is said.
    let vain = linfactl(&["rollback", "iris", "7", "--force", "--wait=5"]).output().unwrap();
    assert_eq!(vain.status.code(), Some(1));
    let why = "not within 5 s: version 1 answers; serve names version 7, which is not admitted";
    assert!(text(&vain.stderr).contains(why), "{}", text(&vain.stderr));

    let one = linfactl(&["models", "iris"]).output().unwrap();
    let one = text(&one.stdout);
    assert!(one.contains("VERSION  CHECK") && one.contains("golden"), "{one}");

    drop(up);
    complaints.wait_for("watching again");
    watch.kill().unwrap();
    watch.wait().unwrap();
}
