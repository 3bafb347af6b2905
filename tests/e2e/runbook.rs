//! The runbook's own commands, run as they stand there.

use crate::{
    command::{PATIENCE, wait_for},
    readme::{blocks_of, shell},
    stack::Stack,
    states::{kill_sidecar, sequence},
};

fn blocks(stack: &Stack, heading: &str) -> Vec<String> {
    blocks_of(&stack.copy, "docs/runbook.md", heading)
}

#[test]
fn what_it_says_first_shows_everything_and_a_dead_sidecar_is_started() {
    let stack = Stack::up();
    let blocks_at_first = blocks(&stack, "Runbook");
    let [look, help] = &blocks_at_first[..] else { panic!("{blocks_at_first:?}") };
    let shown = shell(&stack.copy, look);
    for expected in ["VERSION  CHECK", "VERDICT", "listening"] {
        assert!(shown.contains(expected), "{expected} in {shown}");
    }
    assert!(shell(&stack.copy, help).contains("--models"));

    kill_sidecar(&stack);
    let before = sequence(&stack);
    shell(&stack.copy, &blocks(&stack, "Stale")[0]);
    shell(&stack.copy, "cp -r models/iris/1 models/iris/2");
    wait_for("a newer catalog is in force", PATIENCE, || (sequence(&stack) > before).then_some(()));
}

#[test]
fn going_back_is_as_it_is_written() {
    let stack = Stack::up();
    shell(&stack.copy, "cp -r models/iris/1 models/iris/2");
    wait_for("version 2 serves", PATIENCE, || (stack.predict().model.version == 2).then_some(()));
    shell(&stack.copy, &blocks(&stack, "Going back to an older version")[0]);
    wait_for("version 1 serves", PATIENCE, || (stack.predict().model.version == 1).then_some(()));
}
