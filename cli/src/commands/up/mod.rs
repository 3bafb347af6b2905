//! `linfactl up`: sidecar and server on this machine, without containers. They are this very program, started twice
//! more; what keeps them is here.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use clap::Args;
use fs_err as fs;
use linfa_serve::shutdown::signalled;

mod child;
mod data;
mod greeting;
mod part;

pub(crate) use part::{Server, Sidecar};

use child::{Child, Log};
use data::Data;

/// Serve a folder of models from this machine, without Docker.
///
/// Sidecar and server run as two processes of this program, until Ctrl-C or SIGTERM. Keys are made at the first
/// start, and kept. The variables LINFA_SERVE__… and LINFA_SIDECAR__… set what this command does not.
#[derive(Args, Debug)]
pub(crate) struct Up {
    /// The folder of models, with versions as NAME/VERSION
    #[arg(long, value_name = "DIR", default_value = "models")]
    models: PathBuf,
    /// Where to answer; port 0 for one that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// Where keys and proven models are kept. One such folder belongs to one folder of models [default: a folder for
    /// these models in $XDG_DATA_HOME/linfa-serve, which is mostly ~/.local/share/linfa-serve]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write the logs to sidecar.log and server.log in this folder, not to standard error
    #[arg(long, value_name = "DIR")]
    logs: Option<PathBuf>,
}

impl Up {
    pub(crate) fn run(self, out: &mut dyn Write) -> anyhow::Result<()> {
        let given = self.models.display();
        ensure!(self.models.is_dir(), "there is no folder of models at {given}; name yours by --models");
        let models = fs::canonicalize(&self.models)?;
        let listener = TcpListener::bind(self.listen)
            .with_context(|| format!("cannot listen on {}; choose another by --listen", self.listen))?;
        let data = Data::open(self.data, &models)?;
        let log = Log::open(self.logs.as_deref())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(supervise(out, &models, &data, listener, &log))
    }
}

/// Starts both, tells when they are ready, and stops them in order: at a signal, or when one of them ends.
async fn supervise(
    out: &mut dyn Write,
    models: &Path,
    data: &Data,
    listener: TcpListener,
    log: &Log,
) -> anyhow::Result<()> {
    let signal = signalled()?;
    let address = listener.local_addr()?;
    let mut sidecar = Child::start("sidecar", part::sidecar(models, data)?, log)?;
    let mut server = Child::start("server", part::server(data, listener)?, log)?;
    let failure = tokio::select! {
        biased;
        () = signal => None,
        failure = sidecar.failure() => Some(failure),
        failure = server.failure() => Some(failure),
        failure = greeting::greet(out, address, models, data) => Some(failure),
    };
    let server_stopped = server.stop().await;
    let sidecar_stopped = sidecar.stop().await;
    match failure {
        Some(failure) => Err(failure),
        None => server_stopped.and(sidecar_stopped),
    }
}
