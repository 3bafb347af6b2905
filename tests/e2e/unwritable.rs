//! A store that cannot be written: a full disk, and one that has become read-only. What was proven serves on, over a start
//! of the server too; what is dropped meanwhile serves once there is room.

use client::pb::model_version::State;

use crate::{
    caller::Caller,
    command::{PATIENCE, docker, wait_for},
    stack::{Copy, Stack, build_images},
    states::log,
    survival::{host, in_store, mounts},
};

/// A volume in memory, of 1 MiB.
const SMALL: &str = r#"volumes:
  models:
    driver_opts: { type: tmpfs, device: tmpfs, o: "size=1m,uid=65532,gid=65532,mode=755" }
"#;

/// A way in which the store cannot be written.
struct Unwritable {
    name: &'static str,
    enter: fn(&Stack),
    /// What the sidecar's log says of it.
    says: &'static str,
    mend: fn(&Stack),
}

fn stack() -> Stack {
    build_images();
    let mut copy = Copy::new();
    fs_err::write(copy.path("small.yaml"), SMALL).unwrap();
    copy.environment.push(("COMPOSE_FILE".to_owned(), "compose.yaml:small.yaml".to_owned()));
    Stack::start(copy)
}

#[test]
fn a_store_that_cannot_be_written_stops_nothing_and_all_is_well_once_it_can() {
    let mut stack = stack();
    let states = [
        Unwritable {
            name: "disk full",
            enter: |stack| in_store(stack, "dd if=/dev/zero of=filler bs=1k 2>&1 | grep -q 'No space'"),
            says: "No space left on device",
            mend: |stack| in_store(stack, "rm filler"),
        },
        Unwritable {
            name: "read-only",
            // Upon itself: where a file is open for writing, as the lock is, a mount cannot become read-only.
            enter: |stack| {
                mounts(
                    stack,
                    "sidecar",
                    "mount -N 1 --bind /models/store /models/store; mount -N 1 -o remount,bind,ro /models/store",
                );
            },
            says: "Read-only file system",
            mend: |stack| mounts(stack, "sidecar", "umount -N 1 /models/store"),
        },
    ];
    for (round, Unwritable { name, enter, says, mend }) in states.into_iter().enumerate() {
        let expected = format!("{:?}", stack.predict());
        let caller = Caller::start(&stack, expected.clone());
        enter(&stack);
        let version = round as u64 + 2;
        host(&stack, &format!("cp -r models/iris/1 models/iris/{version}"));
        wait_for(&format!("{name}: the sidecar says so"), PATIENCE, || {
            log(&stack, "sidecar").contains(says).then_some(())
        });
        caller.goes_on();
        let (calls, failures) = caller.stop();
        assert!(failures.is_empty(), "{name}: {} of {calls}: {:?}", failures.len(), failures.first());

        stack.restart_server();
        wait_for(&format!("{name}: the started server serves"), PATIENCE, || {
            (format!("{:?}", stack.ask().ok()?) == expected).then_some(())
        });

        mend(&stack);
        let (_, took) = wait_for(&format!("{name}: what was dropped serves"), PATIENCE, || {
            stack.version_of("iris", version).filter(|found| found.state() == State::Serving)
        });
        println!("{name}: {calls} calls, 0 failed; mended after {:.1} s", took.as_secs_f64());
    }
    let sidecar = stack.copy.container("sidecar");
    let restarts = docker(&["inspect", "--format", "{{.RestartCount}}", &sidecar]);
    assert_eq!(restarts.trim(), "0", "the sidecar never ended");
}
