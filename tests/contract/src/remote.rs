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
        // It takes the listener along: once it has ended, who asks is refused and does not wait.
        let answering = scope.spawn(move || answer(&listener, stand));
        let ran = run(program);
        // Who asks for nothing ends it.
        let ended = UnixStream::connect(&socket).and_then(|caller| caller.shutdown(Shutdown::Write));
        answering.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        ended?;
        fs::remove_file(&socket)?;
        ran
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models;

    #[test]
    fn what_cannot_be_done_is_told_and_who_asks_next_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        models::write_all(&folder.path().join("models")).unwrap();
        // Nobody starts it: what is dropped are files.
        let stand = serde_json::json!({ "folder": folder.path(), "port": 1, "page": 2, "place": "Compose" });
        let stand: Stand = serde_json::from_value(stand).unwrap();
        let ask = |words: &[&str]| -> Result<String, String> {
            let mut asked = UnixStream::connect(folder.path().join(SOCKET)).unwrap();
            asked.write_all(&serde_json::to_vec(words).unwrap()).unwrap();
            asked.shutdown(Shutdown::Write).unwrap();
            serde_json::from_reader(asked).unwrap()
        };
        let said = serving(&stand, |program| {
            assert!(program.exists());
            Ok([ask(&["drop", "walker"]), ask(&["drop", "nobody"]), ask(&["fly"]), ask(&["drop", "walker"])])
        });
        let [first, nobody, fly, second] = said.unwrap();
        assert_eq!((first.as_deref(), second.as_deref()), (Ok("2\n"), Ok("3\n")));
        assert!(nobody.unwrap_err().starts_with("only what is there gets another version"));
        assert!(fly.unwrap_err().contains("unrecognized subcommand 'fly'"));
        UnixStream::connect(folder.path().join(SOCKET)).unwrap_err();
    }
}
