//! docs/runbook.md has a section for whatever a version can be or fail at, and names no command that there is not.

use std::{collections::BTreeSet, path::Path};

use client::pb::model_version::State;

use crate::{Folder, up::repository};

fn runbook() -> String {
    fs_err::read_to_string(repository().join("docs/runbook.md")).unwrap()
}

/// The names in the headings below a heading, such as "### `layout`".
fn sections(heading: &str) -> BTreeSet<String> {
    let runbook = runbook();
    let (_, below) = runbook.split_once(&format!("\n## {heading}\n")).unwrap();
    let below = below.split("\n## ").next().unwrap();
    let names = below.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    names.map(str::to_owned).collect()
}

/// Every Rust source below a folder.
fn sources(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.extension() {
            _ if path.is_dir() => sources(&path),
            Some(end) if end == "rs" => vec![fs_err::read_to_string(path).unwrap()],
            _ => Vec::new(),
        })
        .collect()
}

/// The names of checks as the programs write them: where a check is named, and where one is made up on the spot.
fn checks() -> BTreeSet<String> {
    const BEFORE: [&str; 4] =
        ["const NAME: &str = \"", "check: \"", ".withdraw(&self.name, \"", ".put_off(name, \""];
    let mut found = BTreeSet::new();
    for source in ["sidecar/src", "src"].into_iter().flat_map(|folder| sources(&repository().join(folder))) {
        // What tests make up is no check.
        let source = source.split("#[cfg(test)]").next().unwrap();
        for before in BEFORE {
            let after = source.split(before).skip(1);
            found.extend(after.map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
    }
    found
}

#[test]
fn every_check_has_a_section_and_there_is_none_for_another() {
    let checks = checks();
    // One of each way in which the sources name a check.
    for known in ["layout", "store", "load", "policy"] {
        assert!(checks.contains(known), "{known} is not found in the sources any more: {checks:?}");
    }
    assert_eq!(sections("Verdicts"), checks);
}

#[test]
fn every_state_has_a_section_and_there_is_none_for_another() {
    let states = (1..).map_while(|number| State::try_from(number).ok());
    let states: BTreeSet<_> =
        states.map(|state| state.as_str_name().trim_start_matches("STATE_").to_lowercase()).collect();
    assert!(states.contains("serving"), "{states:?}");
    assert_eq!(sections("States"), states);
}

#[test]
fn every_command_that_it_names_is_one() {
    let runbook = runbook();
    let code = runbook.split('`').skip(1).step_by(2);
    let mut commands = BTreeSet::new();
    for line in code.flat_map(str::lines) {
        let mut words = line.split_whitespace().skip_while(|word| *word != "linfactl").skip(1);
        commands.extend(words.next());
    }
    assert!(commands.is_superset(&["history", "models", "rollback", "unpin"].into()), "{commands:?}");
    for command in commands {
        let help = Folder::new().run(&format!("{command} --help"));
        assert!(help.status.success(), "the runbook names `linfactl {command}`");
    }
}

#[test]
fn every_link_in_it_leads_to_a_heading() {
    let runbook = runbook();
    let headings = runbook.lines().filter(|line| line.starts_with('#'));
    let anchors: BTreeSet<_> = headings
        .map(|line| line.trim_start_matches(['#', ' ']).replace('`', "").replace(' ', "-").to_lowercase())
        .collect();
    let links: Vec<_> =
        runbook.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap().to_owned()).collect();
    assert!(!links.is_empty());
    for link in links {
        assert!(anchors.contains(&link), "#{link} leads nowhere: {anchors:?}");
    }
}
