//! The clients' suites: where they are, how they are run, and what they say of each case.

use std::{
    fmt,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use fs_err as fs;

use crate::{Stand, stand::repository};

/// What a client's suite is called in its folder; `contract-browser` is one more suite of the same client.
const PROGRAM: &str = "contract";

/// One client's suite.
#[derive(Debug)]
pub struct Suite {
    name: String,
    program: PathBuf,
}

/// What one client says of the cases.
#[derive(Debug)]
pub struct Report {
    suite: String,
    took: Duration,
    ended_well: bool,
    cases: Vec<Case>,
    /// Cases of which it said nothing.
    missing: Vec<String>,
}

/// What one client says of one case.
#[derive(Debug, PartialEq, Eq)]
pub struct Case {
    name: String,
    millis: u64,
    /// Why it does not hold.
    failure: Option<String>,
}

impl Suite {
    /// The suites of these names, or all.
    ///
    /// # Errors
    /// If there is none of a name.
    pub fn find(names: &[String]) -> anyhow::Result<Vec<Self>> {
        let mut found = Vec::new();
        for client in fs::read_dir(repository().join("clients"))? {
            let client = client?;
            if !client.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(client.path())? {
                let file = file?;
                let (language, name) = (client.file_name(), file.file_name());
                let kind = name.to_str().and_then(|name| name.strip_prefix(PROGRAM));
                if let Some(kind) = kind.filter(|kind| kind.is_empty() || kind.starts_with('-')) {
                    let name = format!("{}{kind}", language.to_string_lossy());
                    found.push(Self { name, program: file.path() });
                }
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        for name in names {
            ensure!(found.iter().any(|suite| suite.name == *name), "there is no suite `{name}`");
        }
        found.retain(|suite| names.is_empty() || names.contains(&suite.name));
        Ok(found)
    }

    /// Runs it against that stand.
    ///
    /// # Errors
    /// If it cannot be started, or the cases cannot be read.
    pub fn run(&self, stand: &Stand) -> anyhow::Result<Report> {
        let start = Instant::now();
        let mut child = Command::new(&self.program)
            .envs(stand.variables()?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let mut cases = Vec::new();
        for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
            let line = line?;
            match Case::parse(&line) {
                Some(case) => cases.push(case),
                None => eprintln!("{line}"),
            }
        }
        let ended_well = child.wait()?.success();
        let told = |name: &String| cases.iter().any(|case| case.name == *name);
        let missing = names()?.into_iter().filter(|name| !told(name)).collect();
        Ok(Report { suite: self.name.clone(), took: start.elapsed(), ended_well, cases, missing })
    }
}

impl Report {
    /// Whether every case was run and holds.
    pub fn holds(&self) -> bool {
        self.ended_well && self.missing.is_empty() && self.cases.iter().all(|case| case.failure.is_none())
    }
}

impl Case {
    /// From a line `contract NAME ok MILLIS`, or `contract NAME failed MILLIS WHY`.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("contract ")?.splitn(4, ' ');
        let (name, verdict) = (words.next()?.to_owned(), words.next()?);
        let millis = words.next()?.parse().ok()?;
        let why = words.next().unwrap_or_default().to_owned();
        let failure = match verdict {
            "ok" => None,
            "failed" => Some(why),
            _ => return None,
        };
        Some(Self { name, millis, failure })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holding = self.cases.iter().filter(|case| case.failure.is_none()).count();
        let all = self.cases.len() + self.missing.len();
        writeln!(f, "{}: {holding} of {all} in {:.1} s", self.suite, self.took.as_secs_f64())?;
        for Case { name, millis, failure } in &self.cases {
            match failure {
                None => writeln!(f, "  {name:<18} ok      {millis:>6} ms")?,
                Some(why) => writeln!(f, "  {name:<18} failed  {millis:>6} ms  {why}")?,
            }
        }
        for name in &self.missing {
            writeln!(f, "  {name:<18} not run")?;
        }
        if !self.ended_well {
            writeln!(f, "  the suite ended with an error")?;
        }
        Ok(())
    }
}

/// The file of the cases.
pub(crate) fn cases_file() -> PathBuf {
    repository().join("tests/contract/cases.json")
}

/// The names of the cases, in their order.
fn names() -> anyhow::Result<Vec<String>> {
    let file: serde_json::Value = serde_json::from_slice(&fs::read(cases_file())?)?;
    let cases = file["cases"].as_array().context("the file has cases")?;
    Ok(cases.iter().filter_map(|case| case["name"].as_str()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_suite_tells_of_one_case() {
        let case = |failure: Option<&str>| Case {
            name: "list".to_owned(),
            millis: 12,
            failure: failure.map(str::to_owned),
        };
        assert_eq!(Case::parse("contract list ok 12"), Some(case(None)));
        let why = "version 1: expected 3, got 4";
        assert_eq!(Case::parse(&format!("contract list failed 12 {why}")), Some(case(Some(why))));
        for other in ["contract list", "contract list fine 12", "list ok 12", "contract list ok soon"] {
            assert_eq!(Case::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_case_that_was_not_run_does_not_hold() {
        let report = |missing: &[&str]| Report {
            suite: "some".to_owned(),
            took: Duration::ZERO,
            ended_well: true,
            cases: vec![Case { name: "list".to_owned(), millis: 1, failure: None }],
            missing: missing.iter().map(|&name| name.to_owned()).collect(),
        };
        assert!(report(&[]).holds());
        assert!(!report(&["watch"]).holds());
    }
}
