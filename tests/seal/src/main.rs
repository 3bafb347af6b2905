//! `make seal`: looks at the stack that is up, prints a table, and fails where there is a finding.

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
};

use seal::Deployment;

fn main() -> ExitCode {
    match look() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("seal: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn look() -> anyhow::Result<bool> {
    let report = Deployment::product(env::current_dir()?, Vec::new()).check()?;
    write!(io::stdout(), "{report}")?;
    Ok(report.findings().is_empty())
}
