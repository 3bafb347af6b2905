//! A state that a stack may come into, and what is seen while it does, after a start in it, and once it is mended.

use std::{process::Command, time::Instant};

use client::Code;

use crate::{
    caller::Caller,
    command::{PATIENCE, docker, run, said, wait_for},
    stack::Stack,
};

/// What ListModels shows of a state.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shown {
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
pub(crate) enum Started {
    Serves,
    /// Not ready, calls end with this code, and a log has the reason that ListModels shows.
    Refuses(Code),
}

pub(crate) struct State {
    pub(crate) name: &'static str,
    pub(crate) enter: fn(&Stack),
    pub(crate) running: Shown,
    /// What is shown once a sidecar is killed and started in that state; none where it is dead anyway.
    pub(crate) sidecar_restarted: Option<Shown>,
    pub(crate) server_restarted: (Started, Shown),
    pub(crate) mend: fn(&Stack),
}

/// A table of what was seen, a row for each state.
pub(crate) fn print_table(stack: &mut Stack, states: &[State]) {
    println!(
        "| state | while it came about | shown: running // restarted | started server | mended | row took |"
    );
    println!("|---|---|---|---|---|---|");
    for state in states {
        println!("{}", observe(stack, state));
    }
}

pub(crate) fn kill_sidecar(stack: &Stack) {
    docker(&["kill", &stack.copy.container("sidecar")]);
}

pub(crate) fn start_sidecar(stack: &Stack) {
    docker(&["start", &stack.copy.container("sidecar")]);
}

/// How often a sidecar has begun to watch, or to wait until it can.
fn sidecar_starts(stack: &Stack) -> usize {
    let log = log(stack, "sidecar");
    log.matches(r#""message":"watching""#).count()
        + log.matches(r#""message":"waiting for the store""#).count()
}

pub(crate) fn log(stack: &Stack, service: &str) -> String {
    said(&run(Command::new("docker").args(["logs", &stack.copy.container(service)])))
}

pub(crate) fn sequence(stack: &Stack) -> u64 {
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

pub(crate) fn wait_until_shown(stack: &Stack, what: &str, shown: Shown, before: u64) -> String {
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
