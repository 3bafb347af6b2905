//! What was proven last is served on, whatever becomes of the sidecar, the store and the folder of models. Each row of
//! the two tables is a state: calls go on while it comes about, then the programs are killed and started in it,
//! then it is mended, and all is well again without another start.

use std::process::Command;

use client::Code;

use crate::{
    caller::Caller,
    command::{PATIENCE, run, stdout, wait_for},
    stack::Stack,
    states::{Shown, Started, State, kill_sidecar, print_table, sequence, start_sidecar, wait_until_shown},
};

/// The volume that things are put away in, gone when the value is dropped.
struct Away(String);

impl Drop for Away {
    fn drop(&mut self) {
        run(Command::new("docker").args(["volume", "rm", &self.0]));
    }
}

fn away(stack: &Stack) -> String {
    format!("{}_away", stack.copy.project)
}

/// A stack that serves version 2 of iris, with version 1 behind it.
fn stack() -> Stack {
    let stack = Stack::up();
    host(&stack, "cp -r models/iris/1 models/iris/2");
    wait_for("version 2 serves", PATIENCE, || (stack.predict().model.version == 2).then_some(()));
    stack
}

/// A shell on this machine, in the folder of the stack.
pub(crate) fn host(stack: &Stack, script: &str) {
    stdout(&mut stack.copy.command("sh", &["-ec", script]));
}

/// A shell as root in the volume of the store, with a folder /away beside it.
pub(crate) fn in_store(stack: &Stack, script: &str) {
    let volume = format!("{}_models:/store", stack.copy.project);
    let away = format!("{}:/away", away(stack));
    let mounts = ["run", "--rm", "--network=none", "-v", &volume, "-v", &away, "-w", "/store"];
    stdout(Command::new("docker").args(mounts).args(["rust:1.95-slim-bookworm", "sh", "-ec", script]));
}

/// `mount` or `umount` where the service's own mounts are. The program itself may do no such thing.
pub(crate) fn mounts(stack: &Stack, service: &str, command: &str) {
    let pid = format!("--pid=container:{}", stack.copy.container(service));
    let may = ["--cap-add=SYS_ADMIN", "--cap-add=SYS_PTRACE", "--security-opt=seccomp=unconfined"];
    let run = ["run", "--rm", "--network=none", "--security-opt=apparmor=unconfined", &pid];
    let shell = ["rust:1.95-slim-bookworm", "sh", "-ec", command];
    stdout(Command::new("docker").args(run).args(may).args(shell));
}

const EMPTY_THE_STORE: &str = "find . -mindepth 1 -maxdepth 1 -exec mv -t /away {} +";
/// The engine gives an empty volume to the owner of the folder that it is mounted over, here root.
const FILL_THE_STORE: &str = "chown 65532:65532 .; find /away -mindepth 1 -maxdepth 1 -exec mv -t . {} +";

#[test]
fn without_a_sidecar_what_was_proven_is_served_whatever_becomes_of_the_store() {
    let mut stack = stack();
    let _away = Away(away(&stack));
    let dead = |name, enter, running, server_restarted, mend| State {
        name,
        enter,
        running,
        sidecar_restarted: None,
        server_restarted,
        mend,
    };
    let missing = Shown::Says("the catalog cannot be read: `catalog.json` is missing");
    let torn = Shown::Says("the catalog is not believed: no signed envelope");
    let forbidden = Shown::Says("`/models/store` is not readable by uid 65532; chmod -R a+rX the folder");
    let unavailable = Started::Refuses(Code::Unavailable);
    print_table(
        &mut stack,
        &[
            // It stays dead for the rest of the table.
            dead("sidecar killed", kill_sidecar, Shown::AsBefore, (Started::Serves, Shown::AsBefore), |_| {}),
            dead(
                "store unreadable",
                |stack| in_store(stack, "chmod 000 ."),
                forbidden,
                (unavailable, forbidden),
                |stack| in_store(stack, "chmod 755 ."),
            ),
            dead(
                "store empty",
                |stack| in_store(stack, EMPTY_THE_STORE),
                missing,
                (unavailable, missing),
                |stack| in_store(stack, FILL_THE_STORE),
            ),
            dead(
                "store unmounted; the engine mounts it at a start",
                |stack| mounts(stack, "server", "umount -N 1 /models/store"),
                missing,
                (Started::Serves, Shown::AsBefore),
                |_| {},
            ),
            dead(
                "catalog truncated",
                |stack| in_store(stack, "cp catalog.json /away; truncate -s 100 catalog.json"),
                torn,
                (Started::Serves, torn),
                |stack| in_store(stack, "mv /away/catalog.json ."),
            ),
            dead(
                "catalog removed",
                |stack| in_store(stack, "mv catalog.json /away"),
                missing,
                (Started::Serves, missing),
                |stack| in_store(stack, "mv /away/catalog.json ."),
            ),
            dead(
                "catalog and its copy truncated",
                |stack| in_store(stack, "cp catalog.* /away; truncate -s 100 catalog.*"),
                torn,
                (unavailable, torn),
                |stack| in_store(stack, "mv /away/catalog.* ."),
            ),
            dead(
                "blobs unreadable",
                |stack| in_store(stack, "chmod 000 blobs"),
                Shown::AsBefore,
                (
                    Started::Refuses(Code::Unavailable),
                    Shown::Says("is not readable by uid 65532; chmod -R a+rX the folder"),
                ),
                |stack| in_store(stack, "chmod 755 blobs"),
            ),
        ],
    );

    // An empty volume over the store goes away again: that is mended without a start.
    let expected = format!("{:?}", stack.predict());
    let caller = Caller::start(&stack, expected);
    let before = sequence(&stack);
    mounts(&stack, "server", "mount -N 1 -t tmpfs none /models/store");
    wait_until_shown(&stack, "covered", missing, before);
    caller.goes_on();
    mounts(&stack, "server", "umount -N 1 /models/store");
    wait_until_shown(&stack, "uncovered", Shown::AsBefore, before);
    caller.goes_on();
    let (calls, failures) = caller.stop();
    assert!(failures.is_empty(), "{failures:?}");
    println!("covered by an empty volume and uncovered: {calls} calls, 0 failed");

    // That the caller can fail: another version answers otherwise.
    start_sidecar(&stack);
    let caller = Caller::start(&stack, format!("{:?}", stack.predict()));
    host(&stack, "cp -r models/iris/1 models/iris/3");
    wait_for("version 3 serves", PATIENCE, || (stack.predict().model.version == 3).then_some(()));
    caller.fails();
    caller.stop();
}

#[test]
fn a_sidecar_mends_its_store_and_withdraws_nothing_for_want_of_models() {
    let mut stack = stack();
    let _away = Away(away(&stack));
    let alive = |name, enter, running, restarted, server_restarted, mend| State {
        name,
        enter,
        running,
        sidecar_restarted: Some(restarted),
        server_restarted,
        mend,
    };
    let renewed = (Started::Serves, Shown::Well);
    let mended_by_itself = |name, enter| alive(name, enter, Shown::Renewed, Shown::Well, renewed, |_| {});
    let none = Shown::Says("the folder of models holds no model; nothing is withdrawn");
    let forbidden = Shown::Says("`/models/store` is not readable by uid 65532; chmod -R a+rX the folder");
    let locked_out = Shown::Says(
        "`/models/incoming` is not readable by uid 65532; chmod -R a+rX the folder; nothing is withdrawn",
    );
    print_table(
        &mut stack,
        &[
            mended_by_itself("catalog truncated", |stack| in_store(stack, "truncate -s 100 catalog.json")),
            mended_by_itself("store emptied", |stack| in_store(stack, "find . -mindepth 1 -delete")),
            mended_by_itself("sidecar started over a truncated catalog", |stack| {
                kill_sidecar(stack);
                in_store(stack, "truncate -s 100 catalog.json");
                start_sidecar(stack);
            }),
            mended_by_itself("sidecar started over an empty store", |stack| {
                kill_sidecar(stack);
                in_store(stack, "find . -mindepth 1 -delete");
                start_sidecar(stack);
            }),
            alive(
                "store unreadable",
                |stack| in_store(stack, "chmod 000 ."),
                forbidden,
                forbidden,
                (Started::Refuses(Code::Unavailable), forbidden),
                |stack| in_store(stack, "chmod 755 ."),
            ),
            alive(
                "incoming empty",
                |stack| host(stack, "mkdir away; mv models/*/ away"),
                none,
                none,
                (Started::Serves, none),
                |stack| host(stack, "mv away/* models; rmdir away"),
            ),
            alive(
                "incoming unreadable",
                |stack| host(stack, "chmod 000 models"),
                locked_out,
                locked_out,
                (Started::Serves, locked_out),
                |stack| host(stack, "chmod 755 models"),
            ),
            alive(
                "incoming removed, and made anew without a model",
                |stack| host(stack, "mkdir away; cp -r models/*/ away; rm -r models; mkdir models"),
                none,
                none,
                (Started::Serves, none),
                |stack| host(stack, "mv away/* models; rmdir away"),
            ),
            alive(
                "incoming unmounted; the engine mounts it at a start",
                |stack| mounts(stack, "sidecar", "umount -N 1 /models/incoming"),
                none,
                Shown::Renewed,
                renewed,
                |_| {},
            ),
            alive(
                "sidecar started over an empty store with incoming empty",
                |stack| {
                    kill_sidecar(stack);
                    in_store(stack, "find . -mindepth 1 -delete");
                    host(stack, "mkdir away; mv models/*/ away");
                    start_sidecar(stack);
                },
                Shown::Says("version 2 serves on, but the catalog does not know it any more"),
                Shown::Says("version 2 serves on, but the catalog does not know it any more"),
                (Started::Refuses(Code::NotFound), none),
                |stack| host(stack, "mv away/* models; rmdir away"),
            ),
        ],
    );
}

#[test]
fn an_older_catalog_that_is_put_back_brings_no_older_version_back_not_even_by_a_start() {
    let mut stack = stack();
    let _away = Away(away(&stack));
    in_store(&stack, "cp catalog.json /away");
    host(&stack, "cp -r models/iris/1 models/iris/3");
    wait_for("version 3 serves", PATIENCE, || (stack.predict().model.version == 3).then_some(()));
    kill_sidecar(&stack);
    in_store(&stack, "cp /away/catalog.json catalog.copy.json; cp /away/catalog.json catalog.json");
    let refused = || {
        let error = stack.models().catalog?.error;
        error.ends_with(" was in force already").then_some(())
    };
    wait_for("the older catalog is refused", PATIENCE, refused);
    assert_eq!(stack.predict().model.version, 3);

    stack.restart_server();
    let error = stack.ask().unwrap_err();
    assert_eq!(error.code(), Some(Code::Unavailable), "{error}");
    // The sidecar goes on from what it finds, above what the server has seen.
    start_sidecar(&stack);
    wait_for("version 3 serves again", PATIENCE, || (stack.ask().ok()?.model.version == 3).then_some(()));
}
