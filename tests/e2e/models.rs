//! Dropping models into the folder of a stack that runs.

use std::time::Duration;

use client::pb::model_version::State;

use crate::{
    command::{docker, said, wait_for},
    readme::{blocks, shell},
    stack::Stack,
};

fn started_at(stack: &Stack) -> String {
    let id = stack.copy.container("server");
    docker(&["inspect", "--format", "{{.State.StartedAt}} {{.RestartCount}}", &id])
}

#[test]
fn a_dropped_version_serves_without_a_restart_and_a_broken_one_is_refused_with_its_reason() {
    let stack = Stack::up();
    let before = started_at(&stack);
    assert_eq!(stack.predict().model.version, 1);

    let [copy, break_one] = &blocks(&stack.copy, "Drop a model")[..] else {
        panic!("the README's two steps")
    };
    shell(&stack.copy, copy);
    let (prediction, took) = wait_for("version 2 serves", Duration::from_secs(3), || {
        Some(stack.predict()).filter(|prediction| prediction.model.version == 2)
    });
    println!("version 2 served {:.2} s after it was dropped", took.as_secs_f64());
    assert_eq!(prediction.labels(), ["setosa"]);

    shell(&stack.copy, break_one);
    let (refused, took) = wait_for("version 3 is refused", Duration::from_secs(20), || {
        stack.version_of("iris", 3).filter(|version| version.state() == State::Rejected)
    });
    println!("version 3 refused {:.2} s after it was dropped", took.as_secs_f64());
    let refusal = refused.refusal.unwrap();
    assert!(refusal.reason.contains("model.safetensors"), "{refusal:?}");

    let listed = stack.copy.linfactl(&["models", "--format", "json"]);
    assert!(listed.status.success(), "{}", said(&listed));
    let text = said(&listed);
    let reason = serde_json::to_string(&refusal.reason).unwrap();
    assert!(text.contains(reason.trim_matches('"')), "{reason} is not in {text}");

    assert_eq!(stack.predict().model.version, 2);
    assert_eq!(stack.version_of("iris", 2).unwrap().state(), State::Serving);
    assert_eq!(started_at(&stack), before);
}

#[test]
fn a_stack_that_comes_back_serves_what_it_served_before() {
    let stack = Stack::up();
    shell(&stack.copy, &blocks(&stack.copy, "Drop a model")[0]);
    wait_for("version 2 serves", Duration::from_secs(10), || {
        Some(stack.predict()).filter(|prediction| prediction.model.version == 2)
    });
    // The volume is all that remains: without a sidecar nothing is proven anew.
    stack.copy.compose(&["down"]);
    stack.copy.compose(&["up", "--detach", "--wait", "--wait-timeout", "60", "server"]);
    let again = Stack::of(stack.copy);
    assert_eq!(again.predict().model.version, 2);
}
