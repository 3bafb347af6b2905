//! The commands that `up` starts this program with: the sidecar and the server themselves, on the data of `up`. Each
//! ends when its standard input does, or at a signal.

use std::{
    collections::HashMap,
    ffi::OsStr,
    io,
    net::TcpListener,
    os::fd::{AsFd as _, OwnedFd},
    path::{Path, PathBuf},
    process::Stdio,
    thread,
};

use anyhow::Context as _;
use bootstrap::{memory, settings, telemetry};
use clap::Args;
use linfa_serve::shutdown::signalled;
use tokio::{process::Command, sync::oneshot};

use super::data::Data;

/// The sidecar of `up`.
#[derive(Args, Debug)]
pub(crate) struct Sidecar {
    models: PathBuf,
    data: PathBuf,
}

/// The server of `up`. Its standard output is the socket that it listens on.
#[derive(Args, Debug)]
pub(crate) struct Server {
    data: PathBuf,
}

/// `linfactl up-sidecar MODELS DATA`.
pub(super) fn sidecar(models: &Path, data: &Data) -> anyhow::Result<Command> {
    let mut command = ourselves("up-sidecar", [models, data.folder()])?;
    command.stdout(Stdio::null());
    Ok(command)
}

/// `linfactl up-server DATA`. The port is ours before a process is started, and the child's afterwards.
pub(super) fn server(data: &Data, listener: TcpListener) -> anyhow::Result<Command> {
    let mut command = ourselves("up-server", [data.folder()])?;
    command.stdout(OwnedFd::from(listener));
    Ok(command)
}

fn ourselves(name: &str, paths: impl IntoIterator<Item = impl AsRef<OsStr>>) -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("this program does not know where it lies")?;
    let mut command = Command::new(program);
    // After `--`, a path may begin with a minus.
    command.arg(name).arg("--").args(paths);
    Ok(command)
}

impl Sidecar {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        self.watch().context("sidecar")
    }

    fn watch(self) -> anyhow::Result<()> {
        memory::guard()?;
        let data = Data::at(self.data);
        let settings = sidecar::Settings {
            incoming: self.models,
            store: data.store(),
            signing_key_file: data.signing_key(),
            ..sidecar::Settings::load(None, environment([("LINFA_SIDECAR__LOG__FORMAT", "pretty")]))?
        };
        let _log = telemetry::start(&settings.log)?;
        let (bell, wakes) = sidecar::bell();
        sidecar::stop_at_signals(bell.clone())?;
        at_end_of_input(move || bell.stop())?;
        Ok(sidecar::run(&settings, sidecar::Judge::itself("up-judge"), &wakes)?)
    }
}

impl Server {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        self.serve().context("server")
    }

    fn serve(self) -> anyhow::Result<()> {
        memory::guard()?;
        let data = Data::at(self.data);
        let listener = take_listener().context("standard output is not the socket that `up` passes on")?;
        let defaults = [
            ("LINFA_SERVE__LOG__FORMAT", "pretty"),
            // There is no load balancer that would have to notice.
            ("LINFA_SERVE__DRAIN__NOTICE_MS", "0"),
        ];
        let settings = linfa_serve::Settings {
            listen: listener.local_addr()?,
            store: data.store(),
            catalog_public_key_file: data.public_key(),
            api_keys_file: data.api_keys(),
            ..settings::load(linfa_serve::config::PREFIX, None, environment(defaults))?
        };
        let _log = telemetry::start(&settings.log)?;
        let (end, ended) = oneshot::channel::<()>();
        at_end_of_input(move || drop(end))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let signal = signalled()?;
            let shutdown = async {
                tokio::select! {
                    () = signal => {}
                    _ = ended => {}
                }
            };
            Ok(linfa_serve::run(listener, settings, shutdown).await?)
        })
    }
}

/// The socket behind standard output, which then leads to standard error: one that stayed open there would take
/// connections while the server drains.
fn take_listener() -> io::Result<TcpListener> {
    let listener = TcpListener::from(io::stdout().as_fd().try_clone_to_owned()?);
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    listener.local_addr()?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The environment, with other defaults than the containers'.
fn environment<const N: usize>(defaults: [(&str, &str); N]) -> HashMap<String, String> {
    let mut environment = settings::environment();
    for (name, value) in defaults {
        environment.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
    environment
}

/// Calls `then` when nothing holds the other end of standard input any more.
fn at_end_of_input(then: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("lifeline".to_owned()).spawn(|| {
        // A failure is an end as well.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        then();
    })?;
    Ok(())
}
