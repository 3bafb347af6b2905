//! Commands of the host, and waiting.

use std::{
    process::{Command, Output},
    time::{Duration, Instant},
};

/// Far beyond what anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a command to its end, whatever that is.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"))
}

/// What a command said, on both its outputs.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a command that must succeed; its standard output.
pub(crate) fn stdout(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?} ended with {}:\n{}", output.status, said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `docker ARGUMENTS`, which must succeed; its standard output.
pub(crate) fn docker(arguments: &[&str]) -> String {
    stdout(Command::new("docker").args(arguments))
}

/// Looks again and again until there is something, and says how long that took.
pub(crate) fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> (T, Duration) {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return (found, start.elapsed());
        }
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        #[expect(
            clippy::disallowed_methods,
            reason = "a container sends this process no event to wait for; the loop above has the deadline"
        )]
        std::thread::sleep(LOOK);
    }
}
