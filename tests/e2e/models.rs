//! Dropping models into the folder of a stack that runs.

use std::{process::Command, time::Duration};

use client::pb::model_version::State;

use crate::{
    command::{docker, said, stdout, wait_for},
    stack::Stack,
};

/// `cp -r models/iris/FROM models/iris/TO`.
fn copy_version(stack: &Stack, from: u64, to: u64) {
    let path = |version| stack.copy.path(&format!("models/iris/{version}"));
    stdout(Command::new("cp").arg("-r").arg(path(from)).arg(path(to)));
}

fn started_at(stack: &Stack) -> String {
    let id = stack.copy.container("server");
    docker(&[
        "inspect",
        "--format",
        "{{.State.StartedAt}} {{.RestartCount}}",
        &id,
    ])
}

#[test]
fn a_dropped_version_serves_without_a_restart_and_a_broken_one_is_refused_with_its_reason() {
    let stack = Stack::up();
    let before = started_at(&stack);
    assert_eq!(stack.predict().model.version, 1);

    copy_version(&stack, 1, 2);
    let (prediction, took) = wait_for("version 2 serves", Duration::from_secs(3), || {
        Some(stack.predict()).filter(|prediction| prediction.model.version == 2)
    });
    println!(
        "version 2 served {:.2} s after it was dropped",
        took.as_secs_f64()
    );
    assert_eq!(prediction.labels(), ["setosa"]);

    // The right size and the wrong bytes, as after a broken copy.
    copy_version(&stack, 1, 3);
    let tensors = stack.copy.path("models/iris/3/model.safetensors");
    let mut bytes = fs_err::read(&tensors).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs_err::write(&tensors, bytes).unwrap();
    let (refused, took) = wait_for("version 3 is refused", Duration::from_secs(20), || {
        stack
            .version(3)
            .filter(|version| version.state() == State::Rejected)
    });
    println!(
        "version 3 refused {:.2} s after it was dropped",
        took.as_secs_f64()
    );
    let refusal = refused.refusal.unwrap();
    assert!(refusal.reason.contains("model.safetensors"), "{refusal:?}");

    let listed = stack.copy.linfactl(&["models", "--format", "json"]);
    assert!(listed.status.success(), "{}", said(&listed));
    let text = said(&listed);
    let reason = serde_json::to_string(&refusal.reason).unwrap();
    assert!(
        text.contains(reason.trim_matches('"')),
        "{reason} is not in {text}"
    );

    assert_eq!(stack.predict().model.version, 2);
    assert_eq!(stack.version(2).unwrap().state(), State::Serving);
    assert_eq!(started_at(&stack), before);
}

#[test]
fn a_stack_that_comes_back_serves_what_it_served_before() {
    let stack = Stack::up();
    copy_version(&stack, 1, 2);
    wait_for("version 2 serves", Duration::from_secs(10), || {
        Some(stack.predict()).filter(|prediction| prediction.model.version == 2)
    });
    // The volume is all that remains: without a sidecar nothing is proven anew.
    stack.copy.compose(&["down"]);
    stack
        .copy
        .compose(&["up", "--detach", "--wait", "--wait-timeout", "60", "server"]);
    let again = Stack::of(stack.copy);
    assert_eq!(again.predict().model.version, 2);
}
