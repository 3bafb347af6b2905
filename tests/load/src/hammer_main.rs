//! The second part of `make torture`: files swapped at full speed through 10 000 reloads of the server, and while the
//! sidecar looks at 500 versions.

use std::{io::Write as _, process::ExitCode};

use ed25519_dalek::SigningKey;
use load::hammer::{Dock, SEED, Store, hammer_the_server, hammer_the_sidecar, reloader, scanner};
use load::{Programs, variable};
use sidecar::Judge;

fn main() -> ExitCode {
    match hammer() {
        Ok(wrong) if wrong.is_empty() => ExitCode::SUCCESS,
        Ok(wrong) => {
            wrong.iter().take(20).for_each(|wrong| eprintln!("{wrong}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("hammer: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn hammer() -> anyhow::Result<Vec<String>> {
    let reloads = variable("HAMMER_RELOADS", 10_000)?;
    let versions = variable("HAMMER_VERSIONS", 500)?;
    let judge = Judge::child(Programs::beside_this()?.sidecar, ["judge"]);
    let mut out = std::io::stdout();

    let store = Store::new(judge.clone())?;
    let subject = reloader(&store, &SigningKey::from_bytes(SEED))?;
    let server = hammer_the_server(&store, subject, |hammered| hammered.reloads >= reloads)?;
    writeln!(out, "server   {server}")?;
    anyhow::ensure!(server.loads > 0, "nothing was ever loaded");

    let dock = Dock::new()?;
    let sidecar = hammer_the_sidecar(&dock, scanner(&dock, judge)?, |hammered| {
        hammered.loads + hammered.wrong.len() >= versions
    })?;
    writeln!(out, "sidecar  {sidecar}")?;
    Ok([server.wrong, sidecar.wrong].concat())
}
