//! What was proven last is served on, whatever becomes of the sidecar, the store and the folder of models. Each row of
//! the two tables is a state: calls go on while it comes about, then the programs are killed and started in it,
//! then it is mended, and all is well again without another start.

use std::{
    process::Command,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use client::{ApiKey, Client, Code, Input};

use crate::{
    command::{docker, run, said, stdout, wait_for},
    stack::{FLOWER, Stack},
};

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(90);
/// How many calls must be answered in each part of a row.
const CALLS: usize = 25;

/// What ListModels shows of a state.
#[derive(Clone, Copy, Debug)]
enum Shown {
    /// Nothing is wrong, and the catalog is the one from before.
    AsBefore,
    /// Nothing is wrong.
    Well,
    /// Nothing is wrong, and the sidecar has signed a newer catalog.
    Renewed,
    /// A sentence with this in it.
    Says(&'static str),
}

/// What a server does that is started in a state.
#[derive(Clone, Copy, Debug)]
enum Started {
    Serves,
    /// Not ready, calls end with this code, and a log has the reason that ListModels shows.
    Refuses(Code),
}

struct State {
    name: &'static str,
    enter: fn(&Stack),
    running: Shown,
    /// What is shown once a sidecar is killed and started in that state; none where it is dead anyway.
    sidecar_restarted: Option<Shown>,
    server_restarted: (Started, Shown),
    mend: fn(&Stack),
}

/// Calls at a steady pace from a thread of its own; every answer must be what was answered at first.
struct Caller {
    answered: Arc<AtomicUsize>,
    failures: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Caller {
    fn start(stack: &Stack, expected: String) -> Self {
        let (answered, failures, stop) = <(Arc<AtomicUsize>, Arc<Mutex<Vec<_>>>, Arc<AtomicBool>)>::default();
        let (endpoint, key) = (stack.endpoint.clone(), stack.copy.read("secrets/client_api_key"));
        let thread = thread::spawn({
            let (answered, failures, stop) =
                (Arc::clone(&answered), Arc::clone(&failures), Arc::clone(&stop));
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let client = Client::connect(&endpoint, ApiKey::new(key.trim()).unwrap()).await.unwrap();
                    let mut pace = tokio::time::interval(Duration::from_millis(5));
                    while !stop.load(Ordering::Acquire) {
                        pace.tick().await;
                        match client.predict("iris", Input::rows(&FLOWER)).await {
                            Ok(answer) if format!("{answer:?}") == expected => {
                                answered.fetch_add(1, Ordering::AcqRel);
                            }
                            other => failures
                                .lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .push(format!("{other:?}")),
                        }
                    }
                });
            }
        });
        Self { answered, failures, stop, thread }
    }

    /// Waits until that many more calls were answered.
    fn goes_on(&self) {
        let before = self.answered.load(Ordering::Acquire);
        wait_for("calls are answered", PATIENCE, || {
            (self.answered.load(Ordering::Acquire) >= before + CALLS).then_some(())
        });
    }

    /// How many calls were answered, and what came instead of an answer.
    fn stop(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap();
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (self.answered.load(Ordering::Acquire), failures)
    }
}

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
fn host(stack: &Stack, script: &str) {
    stdout(&mut stack.copy.command("sh", &["-ec", script]));
}

/// A shell as root in the volume of the store, with a folder /away beside it.
fn in_store(stack: &Stack, script: &str) {
    let volume = format!("{}_models:/store", stack.copy.project);
    let away = format!("{}:/away", away(stack));
    let mounts = ["run", "--rm", "--network=none", "-v", &volume, "-v", &away, "-w", "/store"];
    stdout(Command::new("docker").args(mounts).args(["rust:1.95-slim-bookworm", "sh", "-ec", script]));
}

/// `mount` or `umount` where the service's own mounts are. The program itself may do no such thing.
fn mounts(stack: &Stack, service: &str, command: &str) {
    let pid = format!("--pid=container:{}", stack.copy.container(service));
    let may = ["--cap-add=SYS_ADMIN", "--cap-add=SYS_PTRACE", "--security-opt=seccomp=unconfined"];
    let run = ["run", "--rm", "--network=none", "--security-opt=apparmor=unconfined", &pid];
    let shell = ["rust:1.95-slim-bookworm", "sh", "-ec", command];
    stdout(Command::new("docker").args(run).args(may).args(shell));
}

const EMPTY_THE_STORE: &str = "find . -mindepth 1 -maxdepth 1 -exec mv -t /away {} +";
/// The engine gives an empty volume to the owner of the folder that it is mounted over, here root.
const FILL_THE_STORE: &str = "chown 65532:65532 .; find /away -mindepth 1 -maxdepth 1 -exec mv -t . {} +";

fn kill_sidecar(stack: &Stack) {
    docker(&["kill", &stack.copy.container("sidecar")]);
}

fn start_sidecar(stack: &Stack) {
    docker(&["start", &stack.copy.container("sidecar")]);
}

/// How often a sidecar has begun to watch, or to wait until it can.
fn sidecar_starts(stack: &Stack) -> usize {
    let log = log(stack, "sidecar");
    log.matches(r#""message":"watching""#).count()
        + log.matches(r#""message":"waiting for the store""#).count()
}

fn log(stack: &Stack, service: &str) -> String {
    said(&run(Command::new("docker").args(["logs", &stack.copy.container(service)])))
}

fn sequence(stack: &Stack) -> u64 {
    stack.models().catalog.map_or(0, |catalog| catalog.sequence)
}

/// All that ListModels complains of.
fn complaints(stack: &Stack) -> String {
    let listed = stack.models();
    let mut said: Vec<_> =
        listed.catalog.into_iter().flat_map(|catalog| [catalog.notes, vec![catalog.error]]).collect();
    for model in listed.models {
        said.push(model.notes);
        said.push(model.versions.into_iter().filter_map(|version| Some(version.refusal?.reason)).collect());
    }
    let said: Vec<_> = said.into_iter().flatten().filter(|said| !said.is_empty()).collect();
    said.join(" | ")
}

fn wait_until_shown(stack: &Stack, what: &str, shown: Shown, before: u64) -> String {
    let (said, _) = wait_for(&format!("{what}: {shown:?}"), PATIENCE, || {
        let (said, now) = (complaints(stack), sequence(stack));
        let is = match shown {
            Shown::AsBefore => said.is_empty() && now == before,
            Shown::Well => said.is_empty(),
            Shown::Renewed => said.is_empty() && now > before,
            Shown::Says(sentence) => said.contains(sentence),
        };
        is.then_some(said)
    });
    said
}

/// Takes the stack through the state and says what was seen, as a row of a table.
fn observe(stack: &mut Stack, state: &State) -> String {
    let start = Instant::now();
    let name = state.name;
    let expected = format!("{:?}", stack.predict());
    let mut before = sequence(stack);
    let caller = Caller::start(stack, expected.clone());
    caller.goes_on();

    (state.enter)(stack);
    let mut seen = vec![wait_until_shown(stack, name, state.running, before)];
    caller.goes_on();
    if let Some(shown) = state.sidecar_restarted {
        before = sequence(stack);
        let starts = sidecar_starts(stack);
        kill_sidecar(stack);
        start_sidecar(stack);
        wait_for("the sidecar has started", PATIENCE, || (sidecar_starts(stack) > starts).then_some(()));
        caller.goes_on();
        seen.push(wait_until_shown(stack, &format!("{name}, sidecar restarted"), shown, before));
        caller.goes_on();
    }
    let (calls, failures) = caller.stop();
    assert!(
        failures.is_empty(),
        "{name}: {} of {calls} calls failed: {:?}",
        failures.len(),
        failures.first()
    );

    before = sequence(stack);
    stack.restart_server();
    let (started, shown) = state.server_restarted;
    seen.push(wait_until_shown(stack, &format!("{name}, server restarted"), shown, before));
    let server = stack.copy.container("server");
    let ready = || {
        run(Command::new("docker").args(["exec", &server, "/usr/local/bin/linfa-serve", "health"]))
            .status
            .success()
    };
    let answered = match started {
        Started::Serves => {
            wait_for(&format!("{name}: the started server serves"), PATIENCE, || ready().then_some(()));
            assert_eq!(format!("{:?}", stack.predict()), expected, "{name}");
            "serves".to_owned()
        }
        Started::Refuses(code) => {
            let error = stack.ask().unwrap_err();
            assert_eq!(error.code(), Some(code), "{name}: {error}");
            assert!(!ready(), "{name}");
            let log = log(stack, "server") + &log(stack, "sidecar");
            let Shown::Says(sentence) = shown else { panic!("{name}: no reason is shown") };
            assert!(log.contains(sentence), "{name}: no reason in the log: {log}");
            format!("{code:?}: {error}")
        }
    };

    (state.mend)(stack);
    let (_, took) = wait_for(&format!("{name}: mended"), PATIENCE, || {
        let answer = stack.ask().ok()?;
        (format!("{answer:?}") == expected && complaints(stack).is_empty()).then_some(())
    });
    for service in ["server", "sidecar"] {
        let id = stack.copy.container(service);
        assert_eq!(
            docker(&["inspect", "--format", "{{.RestartCount}}", &id]).trim(),
            "0",
            "{name}: {service}"
        );
    }
    let seconds = (took.as_secs_f64(), start.elapsed().as_secs_f64());
    format!(
        "| {name} | {calls} calls, 0 failed | {} | {answered} | after {:.1} s | {:.1} s |",
        seen.join(" // "),
        seconds.0,
        seconds.1
    )
}

fn print_table(stack: &mut Stack, states: &[State]) {
    println!(
        "| state | while it came about | shown: running // restarted | started server | mended | row took |"
    );
    println!("|---|---|---|---|---|---|");
    for state in states {
        println!("{}", observe(stack, state));
    }
}

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
                    Started::Refuses(Code::FailedPrecondition),
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
    wait_for("the caller sees it", PATIENCE, || {
        (!caller.failures.lock().unwrap_or_else(PoisonError::into_inner).is_empty()).then_some(())
    });
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
    let none = Shown::Says("the folder of models holds no model; nothing is withdrawn");
    let forbidden = Shown::Says("`/models/store` is not readable by uid 65532; chmod -R a+rX the folder");
    let locked_out = Shown::Says(
        "`/models/incoming` is not readable by uid 65532; chmod -R a+rX the folder; nothing is withdrawn",
    );
    print_table(
        &mut stack,
        &[
            alive(
                "catalog truncated",
                |stack| in_store(stack, "truncate -s 100 catalog.json"),
                Shown::Renewed,
                Shown::Well,
                renewed,
                |_| {},
            ),
            alive(
                "store emptied",
                |stack| in_store(stack, "find . -mindepth 1 -delete"),
                Shown::Renewed,
                Shown::Well,
                renewed,
                |_| {},
            ),
            alive(
                "sidecar started over a truncated catalog",
                |stack| {
                    kill_sidecar(stack);
                    in_store(stack, "truncate -s 100 catalog.json");
                    start_sidecar(stack);
                },
                Shown::Renewed,
                Shown::Well,
                renewed,
                |_| {},
            ),
            alive(
                "sidecar started over an empty store",
                |stack| {
                    kill_sidecar(stack);
                    in_store(stack, "find . -mindepth 1 -delete");
                    start_sidecar(stack);
                },
                Shown::Renewed,
                Shown::Well,
                renewed,
                |_| {},
            ),
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
                |stack| host(stack, "mv models/iris away"),
                none,
                none,
                (Started::Serves, none),
                |stack| host(stack, "mv away models/iris"),
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
                |stack| host(stack, "cp -r models/iris away; rm -r models; mkdir models"),
                none,
                none,
                (Started::Serves, none),
                |stack| host(stack, "mv away models/iris"),
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
                    host(stack, "mv models/iris away");
                    start_sidecar(stack);
                },
                Shown::Says("version 2 serves on, but the catalog does not know it any more"),
                Shown::Says("version 2 serves on, but the catalog does not know it any more"),
                (Started::Refuses(Code::NotFound), none),
                |stack| host(stack, "mv away models/iris"),
            ),
        ],
    );
}
