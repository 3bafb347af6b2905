//! What a program may do: as the kernel has it where the kernel tells, else as the engine does.

use anyhow::Context as _;
use serde_json::Value;

use crate::{
    Access, Service,
    container::{Container, Process},
    report::{Check, Report},
};

const UID: &str = "65532";
/// What the engine mounts into every container.
const ENGINES: [&str; 6] = ["/proc", "/sys", "/dev", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];
/// What an operator may add for reading: whose signatures count. It is no secret.
const ADDED: &str = "/run/secrets/publisher_keys";

pub(crate) fn look(service: &Service, container: &Container, report: &mut Report) -> anyhow::Result<()> {
    let name = &service.name;
    for process in &container.processes {
        for (check, findings) in of_process(process)? {
            report.row(check, name, 1, findings);
        }
    }
    let first = container.processes.first().context("no process")?;
    let mounted = mounts(first, &container.inspect)?;
    let root = mounted.iter().find(|(path, _)| path == "/").context("no root")?;
    report.row(Check::Root, name, 1, (root.1 == Access::Rw).then(|| "can be written".to_owned()));
    report.row(Check::Mounts, name, mounted.len() - 1, unexpected(&mounted, &service.mounts));

    let devices = first.text("net/dev")?;
    let devices: Vec<_> = devices
        .lines()
        .filter_map(|line| Some(line.split_once(':')?.0.trim()))
        .filter(|name| *name != "lo")
        .collect();
    let wrong = devices.len() != service.networks;
    report.row(
        Check::Network,
        name,
        1,
        wrong.then(|| format!("{} interfaces, not {}", devices.len(), service.networks)),
    );

    let host = &container.inspect["HostConfig"];
    let none = |limit: &str| (host[limit].as_i64().unwrap_or(0) <= 0).then(|| "no limit".to_owned());
    report.row(Check::Memory, name, 1, none("Memory"));
    report.row(Check::Processes, name, 1, none("PidsLimit"));
    report.row(Check::Privileged, name, 1, (host["Privileged"] != false).then(|| "it is".to_owned()));
    let (ports, open) = ports(&container.inspect["NetworkSettings"]["Ports"])?;
    report.row(Check::Ports, name, ports, open);
    Ok(())
}

fn of_process(process: &Process) -> anyhow::Result<Vec<(Check, Option<String>)>> {
    let status = |name: &str| process.fields("status", name);
    let ids = [status("Uid:")?, status("Gid:")?].concat();
    let root = ids.iter().any(|id| id != UID).then(|| format!("uid {}, gid {}", ids[0], ids[4]));
    let mut held = None;
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        if status(set)?.concat().chars().any(|digit| digit != '0') {
            held = Some("not all are dropped".to_owned());
        }
    }
    let gain = (status("NoNewPrivs:")? != ["1"]).then(|| "can be gained".to_owned());
    let unconfined = (status("Seccomp:")? != ["2"]).then(|| "unconfined".to_owned());
    let core = process.fields("limits", "Max core file size")?;
    let core = (core[..2] != ["0", "0"]).then(|| "a memory image may be written".to_owned());
    Ok(vec![
        (Check::User, root),
        (Check::Capabilities, held),
        (Check::NewPrivileges, gain),
        (Check::Seccomp, unconfined),
        (Check::CoreDumps, core),
    ])
}

/// What is mounted, the root first, without what the engine mounts everywhere.
fn mounts(process: &Process, inspect: &Value) -> anyhow::Result<Vec<(String, Access)>> {
    let asked_for = inspect["Mounts"].as_array().context("no mounts")?;
    let engines = |path: &str| {
        ENGINES.iter().any(|own| path == *own || path.starts_with(&format!("{own}/")))
            && !asked_for.iter().any(|mount| mount["Destination"] == path)
    };
    let mut found = Vec::new();
    for line in process.text("mountinfo")?.lines() {
        let mut fields = line.split(' ').skip(4);
        let (path, options) = (fields.next().context("no path")?, fields.next().context("no options")?);
        if !engines(path) {
            let access =
                if options.split(',').any(|option| option == "ro") { Access::Ro } else { Access::Rw };
            found.push((path.to_owned(), access));
        }
    }
    Ok(found)
}

fn unexpected(found: &[(String, Access)], expected: &[(String, Access)]) -> Vec<String> {
    let mut findings = Vec::new();
    for (path, access) in found.iter().filter(|(path, _)| path != "/") {
        match expected.iter().find(|(known, _)| known == path) {
            None if path == ADDED && *access == Access::Ro => {}
            None => findings.push(format!("{path} is not its business")),
            Some((_, right)) if right != access => findings.push(format!("{path} is {access}")),
            Some(_) => {}
        }
    }
    let missing = expected.iter().filter(|(path, _)| !found.iter().any(|(known, _)| known == path));
    findings.extend(missing.map(|(path, _)| format!("{path} is missing")));
    findings
}

/// How many ports are open on this machine, and those that others reach too.
fn ports(ports: &Value) -> anyhow::Result<(usize, Vec<String>)> {
    let bound: Vec<_> = ports
        .as_object()
        .context("no ports")?
        .iter()
        .flat_map(|(port, bindings)| {
            bindings.as_array().into_iter().flatten().map(move |binding| (port, &binding["HostIp"]))
        })
        .collect();
    let open = bound.iter().filter(|(_, ip)| *ip != "127.0.0.1" && *ip != "::1");
    Ok((bound.len(), open.map(|(port, ip)| format!("{port} on {}", ip.as_str().unwrap_or("?"))).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publishers_keys_may_be_added_for_reading_and_nothing_else_may() {
        let found = |path: &str, access| unexpected(&[(path.to_owned(), access)], &[]);
        assert_eq!(found(ADDED, Access::Ro), Vec::<String>::new());
        for (path, access) in [(ADDED, Access::Rw), ("/run/secrets/other", Access::Ro)] {
            assert_eq!(found(path, access), [format!("{path} is not its business")]);
        }
    }
}
