//! The README's own commands, run as they stand there, and its tables, held against the programs.

use std::{process::Command, time::Duration};

use client::pb::model_version::State;

use crate::{
    command::{docker, run, said, stdout, wait_for},
    stack::{Copy, Stack, build_images},
};

/// The blocks of shell commands under a heading.
pub(crate) fn blocks(copy: &Copy, heading: &str) -> Vec<String> {
    blocks_of(copy, "README.md", heading)
}

/// The same of another page.
pub(crate) fn blocks_of(copy: &Copy, page: &str, heading: &str) -> Vec<String> {
    let page = copy.read(page);
    let (_, section) = page.split_once(&format!("# {heading}\n")).expect(heading);
    let mut parts = section.split("\n#").next().unwrap().split("```");
    let mut found = Vec::new();
    while let (Some(_text), Some(block)) = (parts.next(), parts.next()) {
        if let Some(commands) = block.strip_prefix("sh\n") {
            found.push(commands.to_owned());
        }
    }
    assert!(!found.is_empty(), "no commands under {heading}");
    found
}

/// Runs a block in the copy; every command must succeed. What it printed.
pub(crate) fn shell(copy: &Copy, block: &str) -> String {
    stdout(&mut copy.command("sh", &["-euc", block]))
}

#[test]
fn the_two_commands_come_first_and_exist() {
    let copy = Copy::new();
    assert_eq!(blocks(&copy, "Start"), ["make up\nmake test\n"]);
    let help = stdout(&mut copy.command("make", &["help"]));
    for target in ["up", "down", "test", "seal", "check", "train"] {
        assert!(help.contains(&format!("make {target} ")), "{help}");
    }
}

#[test]
fn the_recipe_without_compose_serves_a_model() {
    let copy = Copy::new();
    // Names and a port of its own, so that it runs beside others.
    let unique = format!("{}-", copy.project);
    let recipe: Vec<_> = blocks(&copy, "Without Compose")
        .iter()
        .map(|block| block.replace("my-", &unique).replace("127.0.0.1:50051:", "127.0.0.1::"))
        .collect();
    let [start, ask, remove] = &recipe[..] else { panic!("{recipe:?}") };
    let _tidy = Finally(&copy, remove);
    shell(&copy, start);
    let server = format!("{unique}server");
    wait_for("the server is healthy", Duration::from_secs(60), || {
        let health = docker(&["inspect", "--format", "{{.State.Health.Status}}", &server]);
        (health.trim() == "healthy").then_some(())
    });
    let answer = shell(&copy, ask);
    assert!(answer.contains("setosa"), "{answer}");
}

/// Runs a block at the end of the test, however that comes.
struct Finally<'a>(&'a Copy, &'a str);

impl Drop for Finally<'_> {
    fn drop(&mut self) {
        run(&mut self.0.command("sh", &["-c", self.1]));
    }
}

#[test]
fn a_model_that_is_trained_in_the_container_is_served() {
    let stack = Stack::up();
    shell(&stack.copy, &blocks(&stack.copy, "Ask")[0]);
    let train = &blocks(&stack.copy, "Train your own")[0];
    // As it stands, a new model; under the name of one that is there, its next version.
    for (name, version) in [("flowers", 1), ("iris", 2)] {
        shell(&stack.copy, &train.replace("flowers", name));
        let manifest = format!("models/{name}/{version}/manifest.json");
        assert!(stack.copy.path(&manifest).exists(), "no {manifest}");
        wait_for(&format!("{name} {version} serves"), Duration::from_secs(10), || {
            stack.version_of(name, version).filter(|found| found.state() == State::Serving)
        });
    }
    assert_eq!(stack.predict().model.version, 2);
}

#[test]
fn a_rollback_and_the_way_forward_work_as_they_are_written_and_are_remembered() {
    let stack = Stack::up();
    let serves = |version| {
        wait_for(&format!("version {version} answers"), Duration::from_secs(10), || {
            (stack.predict().model.version == version).then_some(())
        });
    };
    shell(&stack.copy, "cp -r models/iris/1 models/iris/2");
    serves(2);
    let blocks = blocks(&stack.copy, "Go back");
    let [back, history, forward] = &blocks[..] else { panic!("{blocks:?}") };
    shell(&stack.copy, back);
    serves(1);
    let told = shell(&stack.copy, history);
    let last = told.lines().last().unwrap();
    assert!(told.contains("admitted") && last.ends_with("1 (default)"), "{told}");
    shell(&stack.copy, forward);
    serves(2);
}

#[test]
fn a_key_that_is_appended_opens_what_its_scope_says_and_no_more() {
    let stack = Stack::up();
    shell(&stack.copy, blocks(&stack.copy, "Secrets").last().unwrap());
    let key = stack.copy.read("secrets/team_a_api_key");
    let client = stack.client(&key);
    wait_for("the key is known", Duration::from_secs(10), || stack.try_predict(&client).ok());
    let refused = stack.try_models(&client).unwrap_err();
    assert_eq!(refused.code(), Some(client::Code::PermissionDenied), "{refused}");
}

#[test]
fn the_image_that_does_it_all_wrong_shows_its_secrets() {
    let copy = Copy::new();
    let block = blocks(&copy, "How a secret gets out of an image, and why ours does not").remove(0);
    let found = shell(&copy, &block.replace("my-leak", &format!("{}-leak", copy.project)));
    for secret in ["lsk_set_in_the_image", "lsk_given_to_docker_run", "lsk_baked_into_a_layer"] {
        assert!(found.contains(secret), "{secret} in {found}");
    }
}

#[test]
fn the_tables_hold_every_setting_with_its_default() {
    build_images();
    let copy = Copy::new();
    let readme = copy.read("README.md");
    let (server, sidecar) = readme.split_once("\nThe sidecar (`LINFA_SIDECAR__…`):").unwrap();
    let (_, server) = server.split_once("\nThe server (`LINFA_SERVE__…`):").unwrap();
    let (sidecar, _) = sidecar.split_once("\n## ").unwrap();
    for (image, section) in [("linfa-serve", server), ("linfa-sidecar", sidecar)] {
        let mut settings = Vec::new();
        let shown = docker(&["run", "--rm", image, "--check-config"]);
        flatten("", &toml::from_str(&shown).unwrap(), &mut settings);
        settings.sort();
        let mut rows: Vec<_> = section.lines().filter_map(row).collect();
        rows.sort();
        assert_eq!(rows, settings, "{image}");
    }
    let changed = shell(&copy, &blocks(&copy, "Settings")[0]);
    assert!(changed.contains("rows = 1000\n"), "{changed}");
}

/// `| `key` | `default` | … |` of a table.
fn row(line: &str) -> Option<(String, String)> {
    let (key, rest) = line.strip_prefix("| `")?.split_once("` | `")?;
    let (default, _) = rest.split_once("` |")?;
    Some((key.to_owned(), default.to_owned()))
}

fn flatten(prefix: &str, table: &toml::Table, into: &mut Vec<(String, String)>) {
    for (key, value) in table {
        let key = format!("{prefix}{key}");
        match value {
            toml::Value::Table(inner) => flatten(&format!("{key}."), inner, into),
            toml::Value::String(text) => into.push((key, text.clone())),
            other => into.push((key, other.to_string())),
        }
    }
}

#[test]
fn a_mistake_in_a_setting_ends_the_program_with_its_name() {
    build_images();
    for (variable, sentence) in [
        ("LINFA_SERVE__LIMITS__ROWS=many", "limits.rows (LINFA_SERVE__LIMITS__ROWS): expected"),
        ("LINFA_SERVE_LISTEN=0.0.0.0:1", "LINFA_SERVE_LISTEN does nothing"),
    ] {
        let mut command = Command::new("docker");
        let refused = run(command.args(["run", "--rm", "--env", variable, "linfa-serve"]));
        assert_eq!(refused.status.code(), Some(78), "{}", said(&refused));
        assert!(said(&refused).contains(sentence), "{}", said(&refused));
    }
}
