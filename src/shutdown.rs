//! When to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ends at the first SIGTERM (from an orchestrator) or SIGINT (from a terminal). The handlers are in place when
/// this returns, so that no signal is lost to a later moment.
///
/// # Errors
/// The system's words.
pub fn signalled() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let name = tokio::select! {
            () = received(&mut terminate) => "SIGTERM",
            () = received(&mut interrupt) => "SIGINT",
        };
        tracing::info!(signal = name, "stopping");
    })
}

async fn received(signal: &mut Signal) {
    signal.recv().await;
}
