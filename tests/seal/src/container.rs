//! All that someone reads who may ask the engine about a container, and what the kernel says of every process in it.

use std::{collections::BTreeMap, io::BufRead as _, process::Command};

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::{
    Deployment,
    allowed::{Place, search},
    command::{docker, output, stdout},
    forms::Needles,
    report::{Check, Report},
};

/// Prints a line for each file: process, path below its folder in /proc, content. A process that has ended on the way is
/// left out; one that lives and cannot be read is an error. One that is just being started, as health checks are, is still
/// the engine's runtime with all its rights: it gets time to become the program.
const READ: &str = r#"
for process; do
    tries=0
    while [ $tries -lt 2000 ]; do
        case $(readlink "/proc/$process/exe") in *runc*|*crun*) tries=$((tries + 1));; *) break;; esac
    done
    lines=$(cd "/proc/$process" && for file in status limits mountinfo net/dev cmdline environ root/run/secrets/*; do
        if [ -f "$file" ]; then content=$(base64 -w0 "$file") && echo "$process $file $content" || exit 1; fi
    done && [ -f status ]) && echo "$lines" || [ ! -e "/proc/$process/exe" ] || exit 1
done
"#;

pub(crate) struct Container {
    service: String,
    pub(crate) inspect: Value,
    log: Vec<u8>,
    /// The first is the program that was started.
    pub(crate) processes: Vec<Process>,
}

/// Files of /proc/PID, by their path there.
pub(crate) struct Process(BTreeMap<String, Vec<u8>>);

impl Process {
    pub(crate) fn text(&self, file: &str) -> anyhow::Result<String> {
        let content = self.0.get(file).with_context(|| format!("no {file} of a process"))?;
        Ok(String::from_utf8_lossy(content).into_owned())
    }

    /// The fields of a line of `status` or `limits` that begins so.
    pub(crate) fn fields(&self, file: &str, name: &str) -> anyhow::Result<Vec<String>> {
        let text = self.text(file)?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .with_context(|| format!("no {name} in {file}"))?;
        Ok(line.split_whitespace().map(str::to_owned).collect())
    }
}

/// The containers of all services, in their order.
pub(crate) fn of(deployment: &Deployment) -> anyhow::Result<Vec<Container>> {
    let mut containers = Vec::new();
    for service in &deployment.services {
        let service = service.name.clone();
        let id = stdout(deployment.compose().args(["ps", "--quiet", &service]))?;
        let id = String::from_utf8_lossy(&id).trim().to_owned();
        ensure!(!id.is_empty(), "{service} is not up; start it by `make up`");
        let inspect: Value = serde_json::from_slice(&docker(&["inspect", &id])?)?;
        let log = output(Command::new("docker").args(["logs", &id]))?;
        containers.push(Container {
            service,
            inspect: inspect[0].clone(),
            log: [log.stdout, log.stderr].concat(),
            processes: Vec::new(),
        });
    }
    read_processes(&mut containers)?;
    Ok(containers)
}

/// By one shell for all, which sees every process of the engine's machine and may look into it: there is none in the containers.
fn read_processes(containers: &mut [Container]) -> anyhow::Result<()> {
    let mut ids = Vec::new();
    for container in &*containers {
        let top = docker(&["top", container.inspect["Id"].as_str().context("no id")?, "-eo", "pid"])?;
        let first = container.inspect["State"]["Pid"].to_string();
        let all: Vec<_> =
            String::from_utf8_lossy(&top).lines().skip(1).map(|id| id.trim().to_owned()).collect();
        let others = all.into_iter().filter(|id| *id != first);
        ids.push([first.clone()].into_iter().chain(others).collect::<Vec<_>>());
    }
    let run = ["run", "--rm", "--pid=host", "--cap-add=SYS_PTRACE", "--network=none"];
    let shell = ["rust:1.95-slim-bookworm", "sh", "-c", READ, "read"];
    let all = ids.iter().flatten().map(String::as_str);
    let lines = docker(&run.into_iter().chain(shell).chain(all).collect::<Vec<_>>())?;
    let mut read: BTreeMap<String, Process> = BTreeMap::new();
    for line in String::from_utf8_lossy(&lines).lines() {
        let mut fields = line.split(' ');
        let (Some(id), Some(file), Some(content)) = (fields.next(), fields.next(), fields.next()) else {
            anyhow::bail!("not read: {line}");
        };
        let files = &mut read.entry(id.to_owned()).or_insert_with(|| Process(BTreeMap::new())).0;
        files.insert(file.to_owned(), STANDARD.decode(content)?);
    }
    for (container, ids) in containers.iter_mut().zip(&ids) {
        container.processes = ids.iter().filter_map(|id| read.remove(id)).collect();
        let first =
            container.processes.first().with_context(|| format!("{} has ended", container.service))?;
        ensure!(
            first.text("environ")?.contains("HOSTNAME="),
            "{}: no environment was read",
            container.service
        );
    }
    Ok(())
}

impl Container {
    /// Searches all that can be read of it.
    pub(crate) fn search(&self, needles: &Needles, report: &mut Report) {
        let of_processes = |file: &str| self.files(|path| (path == file).then(String::new));
        let rows: [(Check, Vec<Place>); 5] = [
            (Check::Inspect, vec![(String::new(), self.inspect.to_string().into())]),
            (Check::Log, vec![(String::new(), self.log.clone())]),
            (Check::Environment, of_processes("environ")),
            (Check::CommandLine, of_processes("cmdline")),
            (
                Check::SecretFiles,
                self.files(|path| {
                    path.strip_prefix("root")
                        .filter(|path| path.starts_with("/run/secrets/"))
                        .map(str::to_owned)
                }),
            ),
        ];
        for (check, places) in rows {
            let seen = if check == Check::Log { self.log.lines().count() } else { places.len() };
            report.row(check, &self.service, seen, search(needles, check, &places));
        }
    }

    fn files(&self, place: impl Fn(&str) -> Option<String>) -> Vec<Place> {
        let all = self.processes.iter().flat_map(|process| &process.0);
        all.filter_map(|(path, content)| Some((place(path)?, content.clone()))).collect()
    }
}
