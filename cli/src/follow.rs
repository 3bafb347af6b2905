//! A watch that outlasts the server's own end of it.

use std::{
    io::{self, Write as _},
    ops::ControlFlow,
    time::Duration,
};

use client::{
    Client, Code, Error,
    pb::{ListModelsResponse, WatchModelsResponse},
};
use tokio::time::{MissedTickBehavior, interval};

/// How long after a watch has ended the next one is begun.
const AGAIN: Duration = Duration::from_secs(1);

/// Shows `each` the whole state after every message, and the message, until it breaks. A watch that ends because the
/// server stops or has let it last long enough is begun again.
pub(crate) async fn follow(
    client: &Client,
    mut each: impl FnMut(&ListModelsResponse, &WatchModelsResponse) -> anyhow::Result<ControlFlow<()>>,
) -> anyhow::Result<()> {
    let mut begin = interval(AGAIN);
    begin.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut had_one = false;
    loop {
        begin.tick().await;
        match watch(client, &mut each, &mut had_one).await {
            Err(error) if had_one && is_over(&error) => {
                // Where standard error is closed, nobody wants to know.
                let _ = writeln!(io::stderr(), "linfactl: {error}; watching again");
            }
            ended => return ended,
        }
    }
}

async fn watch(
    client: &Client,
    each: &mut impl FnMut(&ListModelsResponse, &WatchModelsResponse) -> anyhow::Result<ControlFlow<()>>,
    had_one: &mut bool,
) -> anyhow::Result<()> {
    let mut watch = client.watch().await?;
    loop {
        let message = watch.next().await?;
        *had_one = true;
        if each(watch.state(), &message)?.is_break() {
            return Ok(());
        }
    }
}

fn is_over(error: &anyhow::Error) -> bool {
    let code = error.downcast_ref::<Error>().and_then(Error::code);
    matches!(code, Some(Code::Unavailable | Code::DeadlineExceeded))
}
