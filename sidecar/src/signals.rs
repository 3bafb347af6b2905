//! When to stop, if the system asks.

use std::{io, thread};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::Bell;

/// Stops the loop at the first SIGTERM (from an orchestrator) or SIGINT (from a terminal). The handlers are in place
/// when this returns.
///
/// # Errors
/// The system's words.
pub fn stop_at_signals(bell: Bell) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if signals.forever().next().is_some() {
            bell.stop();
        }
    })?;
    Ok(())
}
