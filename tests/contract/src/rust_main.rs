//! The suite of the Rust client as a program, told by variables as every client's is.

use std::{env, io::Write as _, process::Command, sync::Arc};

use anyhow::{Context as _, ensure};
use contract::{Act, RustSuite};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let program = variable("CONTRACT_DO")?;
    let act: Act = Arc::new(move |words| {
        let output = Command::new(&program).args(words).output()?;
        ensure!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    });
    let [server, key, narrow] = ["CONTRACT_SERVER", "CONTRACT_KEY_FILE", "CONTRACT_NARROW_KEY_FILE"];
    let (key, narrow) = (variable(key)?, variable(narrow)?);
    let suite = RustSuite::new(&variable(server)?, key.as_ref(), narrow.as_ref(), act).await?;
    let mut out = std::io::stdout();
    let all = suite.run(|line| drop(writeln!(out, "{line}"))).await?;
    ensure!(all, "not every case holds");
    Ok(())
}

fn variable(name: &str) -> anyhow::Result<String> {
    env::var(name).context(name.to_owned())
}
