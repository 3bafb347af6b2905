//! `linfactl verify`: the sidecar's own checks, before a version is dropped.

use std::{io::Write, path::PathBuf};

use anyhow::bail;
use clap::Args;
use sidecar::Verdict;

use super::table;

/// Run the sidecar's checks on a version folder.
///
/// Ends with 1 if the sidecar would refuse it.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// The version's folder, such as models/iris/1
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Verify {
    pub(crate) fn run(self, out: &mut dyn Write) -> anyhow::Result<()> {
        let verdict = sidecar::verify(&self.folder);
        writeln!(out, "{}", show(&verdict))?;
        match verdict.refusal {
            None => Ok(()),
            Some(refusal) => bail!("{} is refused: {}", self.folder.display(), refusal.reason),
        }
    }
}

fn show(verdict: &Verdict) -> String {
    let rows = verdict.checks.iter().map(|check| {
        let result = if check.passed { "passed" } else { "FAILED" };
        vec![check.name.clone(), result.to_owned(), check.detail.clone()]
    });
    let mut text = table(["CHECK", "RESULT", "DETAIL"], rows);
    if let Some(digest) = verdict.digest {
        text += &format!("\n{digest}");
    }
    text
}
