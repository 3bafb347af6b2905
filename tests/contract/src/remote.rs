//! What a suite in a container asks for: it reaches the stand's folder and no program outside, so it asks by a socket there.

use std::{
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::PathBuf,
    thread,
};

use fs_err as fs;

use crate::{Command, Stand};

/// The program that asks, for `CONTRACT_DO` in the container.
const PROGRAM: &str = include_str!("../do");
/// The socket that it looks for beside itself.
const SOCKET: &str = "socket";

/// Lets suites in containers change what that stand's server runs on while `run` goes on; `run` is told of the program.
///
/// # Errors
/// If the socket or the program cannot be made, or those of `run`.
pub(crate) fn serving<T>(stand: &Stand, run: impl FnOnce(PathBuf) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let (program, socket) = (stand.folder().join("do"), stand.folder().join(SOCKET));
    fs::write(&program, PROGRAM)?;
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755))?;
    let listener = UnixListener::bind(&socket)?;
    thread::scope(|scope| {
        let answering = scope.spawn(|| answer(&listener, stand));
        let ran = run(program);
        // Who asks for nothing ends it.
        let ended = UnixStream::connect(&socket).and_then(|caller| caller.shutdown(Shutdown::Write));
        let answered = answering.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let ran = ran?;
        ended?;
        answered?;
        fs::remove_file(&socket)?;
        Ok(ran)
    })
}

/// Answers one caller after the other.
fn answer(listener: &UnixListener, stand: &Stand) -> anyhow::Result<()> {
    loop {
        let (mut caller, _) = listener.accept()?;
        let mut words = String::new();
        caller.read_to_string(&mut words)?;
        if words.is_empty() {
            return Ok(());
        }
        let words: Vec<String> = serde_json::from_str(&words)?;
        let done = Command::of(&words).and_then(|command| command.run(stand));
        // `{"Ok": "what it prints"}`, or `{"Err": "why not"}`.
        let said = done.map_err(|error| format!("{error:#}"));
        caller.write_all(&serde_json::to_vec(&said)?)?;
    }
}
