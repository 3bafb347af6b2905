//! The clients' suites: where they are, how they are run, and what they say of each case.

use std::{
    env,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, ensure};
use fs_err as fs;

use crate::{
    Stand, remote,
    report::{Case, Report},
    stand::repository,
};

/// What a client's suite is called in its folder; `contract-browser` is one more suite of the same client.
const PROGRAM: &str = "contract";
/// The suite of the Rust client, which is this program's own.
const RUST: &str = "rust";

/// One client's suite.
#[derive(Debug)]
pub struct Suite {
    name: String,
    /// From the root of the repository; none for this program's own.
    program: Option<PathBuf>,
}

impl Suite {
    /// The suites of these names, or all.
    ///
    /// # Errors
    /// If there is none of a name.
    pub fn find(names: &[String]) -> anyhow::Result<Vec<Self>> {
        let mut found = vec![Self { name: RUST.to_owned(), program: None }];
        for client in fs::read_dir(repository().join("clients"))? {
            let client = client?;
            if !client.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(client.path())? {
                let (language, file) = (client.file_name(), file?.file_name());
                let kind = file.to_str().and_then(|name| name.strip_prefix(PROGRAM));
                if let Some(kind) = kind.filter(|kind| kind.is_empty() || kind.starts_with('-')) {
                    let name = format!("{}{kind}", language.to_string_lossy());
                    let program = Path::new("clients").join(&language).join(&file);
                    found.push(Self { name, program: Some(program) });
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

    /// Runs it against that stand; in a container of that image, if there is one and it is a program of its own.
    ///
    /// # Errors
    /// If it cannot be started, or the cases cannot be read.
    pub fn run(&self, stand: &Stand, image: Option<&str>) -> anyhow::Result<Report> {
        let this = env::current_exe()?;
        match (&self.program, image) {
            (None, _) => self.watch(Command::new(&this).arg(RUST).envs(stand.variables(&this))),
            (Some(program), None) => {
                self.watch(Command::new(repository().join(program)).envs(stand.variables(&this)))
            }
            (Some(program), Some(image)) => remote::serving(stand, |act| {
                let mut command = Command::new("docker");
                // The host's network, for the server listens to this machine alone. Chromium shares memory.
                command.args(["run", "--rm", "--init", "--shm-size", "512m", "--network", "host"]);
                command.arg("--volume").arg(format!("{0}:{0}", stand.folder().display()));
                for (name, value) in stand.variables(&act) {
                    command.arg("--env").arg(format!("{name}={value}"));
                }
                self.watch(command.arg(image).arg(program))
            }),
        }
    }

    fn watch(&self, command: &mut Command) -> anyhow::Result<Report> {
        let start = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let mut said = Vec::new();
        for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
            let line = line?;
            match Case::parse(&line) {
                Some(case) => said.push(case),
                None => eprintln!("{line}"),
            }
        }
        let ended_well = child.wait()?.success();
        Ok(Report::new(&self.name, start.elapsed(), ended_well, names()?, said))
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
