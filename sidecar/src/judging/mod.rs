//! Judging in a child process: what was dropped is parsed by a program that can do nothing but compute, and whatever
//! becomes of it is a verdict of one version. Whose turn it is is not decided here.

mod child;
mod sandbox;
mod talk;
mod wire;

use std::{
    ffi::OsString,
    io,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use artifact::Digest;

use crate::{
    checks::{Report, Task, sentence},
    config::Judging,
};

pub use sandbox::Confinement;

use talk::{End, Heard};
use wire::Said;

/// The check that fails where none could be finished.
pub(crate) const NAME: &str = "judging";

/// The program that judges, one version each time it is started.
#[derive(Clone, Debug)]
pub struct Judge {
    program: PathBuf,
    arguments: Vec<OsString>,
}

/// What became of a child.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It ended with a verdict.
    Judged(Report),
    /// It ended without one, by what it was given.
    Fatal(String),
    /// Someone else ended it.
    Killed(String),
    /// It could not begin.
    Unfit(String),
}

impl Judge {
    /// A program that calls [`Confinement::judge`] when it is started with these arguments and those of a
    /// [`Confinement`].
    pub fn child(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self { program: program.into(), arguments }
    }

    /// The program that runs, whatever lies in its place by now, with one argument before those of a [`Confinement`].
    pub fn itself(argument: &str) -> Self {
        Self::child("/proc/self/exe", [argument])
    }

    /// Judges once. Takes as long as the limits allow.
    pub(crate) fn judge(&self, task: &Task, limits: &Judging) -> Outcome {
        match self.hear(task, limits) {
            Ok(heard) => {
                let complaint = String::from_utf8_lossy(&heard.complaint);
                if !complaint.is_empty() {
                    let model = task.name.as_ref().map(|name| name.as_str());
                    tracing::warn!(model, complaint = sentence(complaint), "a judge complained");
                }
                heard.outcome(limits)
            }
            Err(error) => Outcome::Unfit(format!("no judge can be started: {error}")),
        }
    }

    fn hear(&self, task: &Task, limits: &Judging) -> io::Result<Heard> {
        let header = wire::header(task)?;
        let mut child = Command::new(&self.program)
            .arg0(concat!(env!("CARGO_PKG_NAME"), "-judge"))
            .args(&self.arguments)
            .args(["--memory-mib", &limits.memory_mib.to_string()])
            .args(["--cpu-seconds", &limits.cpu_seconds.to_string()])
            .env_clear()
            .current_dir("/")
            // Ctrl-C is for us.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let parts = wire::parts(task);
        let sent = std::iter::once(header.as_slice()).chain(parts.into_iter().flatten());
        let heard = talk::talk(&mut child, sent, Duration::from_secs(limits.wall_seconds.into()));
        // Both say that it is gone already where all went well.
        let _ = child.kill();
        let _ = child.wait();
        heard
    }
}

impl Heard {
    fn outcome(self, limits: &Judging) -> Outcome {
        let (mut under_way, mut report) = (None, None);
        for (index, line) in self.said.split(|byte| *byte == b'\n').enumerate() {
            match serde_json::from_slice(line) {
                Ok(Said::Unfit(reason)) if index == 0 => return Outcome::Unfit(sentence(reason)),
                Ok(Said::Checking(name)) => under_way = Some(name),
                Ok(Said::Done(done)) => report = Some(done),
                // The end of one that was cut short.
                Ok(Said::Unfit(_)) | Err(_) => {}
            }
        }
        let complaint = String::from_utf8_lossy(&self.complaint);
        let subject = match under_way {
            Some(name) => format!("check `{name}`"),
            None => NAME.to_owned(),
        };
        let fatal = |what: String| Outcome::Fatal(sentence(format!("{subject} {what}")));
        match (self.end, report) {
            (End::Flood, _) => fatal(format!("said more than {} bytes", wire::SAID_BYTES)),
            (End::Late, _) => {
                fatal(format!("took more than {} s (judging.wall_seconds)", limits.wall_seconds))
            }
            (End::Exit(_), Some(report)) => Outcome::Judged(report.bounded()),
            (End::Exit(status), None) => match status.signal() {
                Some(libc::SIGKILL | libc::SIGTERM | libc::SIGINT | libc::SIGHUP | libc::SIGQUIT) => {
                    Outcome::Killed(format!("{subject} was ended from outside ({status})"))
                }
                Some(libc::SIGXCPU) => fatal(format!(
                    "took more than {} s of processor time (judging.cpu_seconds)",
                    limits.cpu_seconds
                )),
                Some(libc::SIGABRT) if complaint.contains("memory allocation of ") => fatal(format!(
                    "needed more than {} MiB of memory (judging.memory_mib)",
                    limits.memory_mib
                )),
                Some(libc::SIGSYS) => fatal("asked the system for what judging does not need".to_owned()),
                _ => fatal(died(status, &complaint)),
            },
        }
    }
}

fn died(status: ExitStatus, complaint: &str) -> String {
    // A panic ends with advice to developers.
    let tells = |line: &&str| !line.trim().is_empty() && !line.starts_with("note: ");
    let last = complaint.lines().rev().find(tells).unwrap_or("no word");
    format!("ended without a verdict ({status}): {last}")
}

/// Names what was dropped, and the limits of its judge: what was fatal once is so again.
pub(crate) fn mark(task: &Task, limits: &Judging) -> Digest {
    let mut facts = format!("{} {} {}", env!("CARGO_PKG_VERSION"), limits.memory_mib, limits.cpu_seconds);
    facts += &format!(" {}", limits.wall_seconds);
    for part in wire::parts(task).into_iter().take(wire::DROPPED) {
        facts += &part.map_or_else(|| " -".to_owned(), |bytes| format!(" {}", Digest::of(bytes)));
    }
    Digest::of(facts.as_bytes())
}
