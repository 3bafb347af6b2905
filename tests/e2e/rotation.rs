//! The signing key is changed by the README's own commands while calls go on.

use std::time::Duration;

use crate::{
    caller::Caller,
    command::wait_for,
    readme::{blocks, shell},
    stack::Stack,
};

#[test]
fn the_signing_key_is_changed_by_the_readmes_steps_and_no_call_fails() {
    let stack = Stack::up();
    let state = || {
        let catalog = stack.models().catalog.unwrap();
        (catalog.sequence, catalog.error)
    };
    let (before, models) = (state().0, format!("{:?}", stack.models().models));
    let caller = Caller::start(&stack, format!("{:?}", stack.predict()));
    let steps = blocks(&stack.copy, "A new signing key");
    let [learn, switch, forget] = &steps[..] else { panic!("{steps:?}") };
    shell(&stack.copy, learn);
    caller.goes_on();
    shell(&stack.copy, switch);
    let (_, took) = wait_for("a catalog of the new key is in force", Duration::from_secs(60), || {
        (state().0 > before && state().1.is_empty()).then_some(())
    });
    caller.goes_on();
    shell(&stack.copy, forget);
    // Nothing was judged anew.
    assert_eq!(format!("{:?}", stack.models().models), models);

    // With the new key alone, a version that is dropped now serves.
    let (calls, failures) = caller.stop();
    assert!(failures.is_empty(), "{} of {calls} calls failed: {:?}", failures.len(), failures.first());
    println!("{calls} calls, 0 failed; the new key's catalog in force after {:.1} s", took.as_secs_f64());
    shell(&stack.copy, "cp -r models/iris/1 models/iris/2");
    wait_for("version 2 serves", Duration::from_secs(60), || {
        (stack.predict().model.version == 2).then_some(())
    });
}
