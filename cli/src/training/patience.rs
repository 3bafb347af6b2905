//! An end for fits that have none: linfa's optimisers search for ever on some data, and nothing stops a thread from outside.

use std::{
    io::Write as _,
    process,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

/// Ends the program with a sentence, unless what is given back is dropped within `limit`.
pub(crate) fn lose_after(limit: Duration) -> Sender<()> {
    let (work, ended) = channel();
    thread::spawn(move || {
        if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            let limit = limit.as_secs();
            let said = format!(
                "linfactl: the fit did not end within {limit} s (--give-up-after); on some data linfa's optimisers never do: scale \
                 the features, or change the penalty"
            );
            let _ = writeln!(std::io::stderr(), "{said}");
            #[expect(clippy::disallowed_methods, reason = "main waits for a fit that does not end")]
            process::exit(1);
        }
    });
    work
}
