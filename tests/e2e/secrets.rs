//! Secrets lie in their files and nowhere else. That the search finds what leaks is shown on images that leak.

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use tempfile::TempDir;

use crate::{
    command::{docker, run, said, stdout},
    leak::{self, search},
    stack::{Copy, Stack, build_images},
};

const FILES: [&str; 4] =
    ["api_keys.toml", "catalog_public_key.pem", "catalog_signing_key.pem", "client_api_key"];

/// The texts that must not get about: the client's key, its hash, and the body of the private key.
fn secrets_of(copy: &Copy) -> Vec<String> {
    let hash = copy.read("secrets/api_keys.toml");
    let hash = hash.split('"').find(|part| part.len() == 64).unwrap();
    let pem = copy.read("secrets/catalog_signing_key.pem");
    let body = pem.lines().find(|line| !line.starts_with("-----")).unwrap();
    vec![copy.read("secrets/client_api_key").trim().to_owned(), hash.to_owned(), body.to_owned()]
}

#[test]
fn generate_makes_each_secret_once_and_for_its_owner_alone() {
    let copy = Copy::new();
    let first = stdout(&mut copy.command("secrets/generate", &[]));
    assert_eq!(first.lines().count(), FILES.len(), "{first}");
    let contents = || FILES.map(|file| copy.read(&format!("secrets/{file}")));
    let made = contents();

    // Nobody writes them; the folder keeps others on this machine from reading what uid 65532 must read.
    let mode = |path: &str| fs_err::metadata(copy.path(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("secrets"), 0o700);
    for file in FILES {
        assert_eq!(mode(&format!("secrets/{file}")), 0o444, "{file}");
    }

    assert_eq!(stdout(&mut copy.command("secrets/generate", &[])), "");
    assert_eq!(contents(), made);

    // One that is lost comes back as it was, where it can be derived from another.
    fs_err::remove_file(copy.path("secrets/catalog_public_key.pem")).unwrap();
    stdout(&mut copy.command("secrets/generate", &[]));
    assert_eq!(contents(), made);

    // Where it cannot, the half that is left would be useless, and must not be replaced unasked.
    fs_err::remove_file(copy.path("secrets/client_api_key")).unwrap();
    let refused = run(&mut copy.command("secrets/generate", &[]));
    assert!(!refused.status.success());
    assert_eq!(
        said(&refused),
        "secrets/generate: api_keys.toml is there without client_api_key, which it was made from; put client_api_key \
         back, or remove api_keys.toml too\n"
    );
    assert_eq!(copy.read("secrets/api_keys.toml"), made[0]);
}

#[test]
fn git_and_the_images_leave_the_secrets_out() {
    build_images();
    let copy = Copy::new();
    stdout(&mut copy.command("secrets/generate", &[]));
    // Built with the secrets lying there, as everyone builds from the second time on.
    copy.compose(&["--profile", "tools", "build"]);
    let secrets = secrets_of(&copy);
    for image in ["linfa-serve", "linfa-sidecar", "linfactl"] {
        let places = leak::image(image);
        assert!(places.len() > 3, "{image}: no layers were looked at");
        assert_eq!(search(&places, &secrets), [""; 0], "{image}");
    }
    let ignored = stdout(Command::new("git").args(["init", "--quiet"]).current_dir(copy.path("")));
    assert_eq!(ignored, "");
    let tracked =
        stdout(&mut copy.command("git", &["ls-files", "--others", "--exclude-standard", "secrets"]));
    assert_eq!(tracked, "secrets/generate\n");
}

#[test]
fn a_running_stack_shows_no_secret() {
    let stack = Stack::up();
    assert_eq!(stack.predict().labels(), ["setosa"]);
    let wrong = run(&mut stack.copy.command(
        "docker",
        &["compose", "run", "--rm", "-T", "linfactl", "models", "--key-file", "/etc/hostname"],
    ));
    assert!(!wrong.status.success(), "a wrong key was taken");

    let secrets = secrets_of(&stack.copy);
    for service in ["sidecar", "server"] {
        let places = leak::container(&stack.copy.container(service));
        let environment = String::from_utf8_lossy(&places[2].1);
        assert!(environment.contains("HOSTNAME="), "no environment was read: {environment}");
        let log = String::from_utf8_lossy(&places[1].1);
        assert!(log.lines().count() > 1, "no log was read: {log}");
        // The folder's mode protects them, which a program in the container cannot see: it says so once for each, not
        // with every look.
        let warnings = log.matches("others may read this secret file").count();
        assert!(warnings <= 2, "{service}: {warnings} warnings\n{log}");
        assert_eq!(search(&places, &secrets), [""; 0], "{service}");
    }
    let config = stack.copy.compose(&["--profile", "tools", "config"]);
    assert!(config.contains("catalog_signing_key"));
    assert_eq!(search(&[("compose config".to_owned(), config.into_bytes())], &secrets), [""; 0]);
    let said_to_client = said(&stack.copy.linfactl(&["models"]));
    assert_eq!(search(&[("linfactl".to_owned(), said_to_client.into_bytes())], &secrets), [""; 0]);
}

/// An image that is thrown away with the value.
struct Throwaway {
    tag: String,
    _folder: TempDir,
}

impl Throwaway {
    fn build(name: &str, dockerfile: &str, secret: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("linfa-e2e-").tempdir().unwrap();
        let file = |name: &str, content: &str| fs_err::write(folder.path().join(name), content).unwrap();
        file("Dockerfile", dockerfile);
        file("key", secret);
        file("empty", "");
        let unique = folder.path().file_name().unwrap().to_string_lossy().to_lowercase();
        let tag = format!("{unique}-{name}");
        let path = folder.path().to_string_lossy().into_owned();
        let build = ["build", "--quiet", "--tag", &tag];
        docker(&[&build[..], arguments, &[&path]].concat());
        Self { tag, _folder: folder }
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        run(Command::new("docker").args(["image", "rm", "--force", &self.tag]));
    }
}

#[test]
fn a_baked_in_secret_leaks_from_a_layer_even_after_it_was_removed() {
    let secret = "lsk_baked_into_an_image_layer".to_owned();
    let image = Throwaway::build(
        "baked",
        "FROM scratch\nCOPY key /app/key\nCOPY empty /app/key\nCMD [\"/app/none\"]\n",
        &secret,
        &[],
    );
    let found = search(&leak::image(&image.tag), &[secret]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("layers: "), "{found:?}");
}

#[test]
fn a_secret_in_the_environment_or_a_build_argument_leaks_from_the_history() {
    let secret = "lsk_given_by_the_environment".to_owned();
    let environment = Throwaway::build(
        "env",
        &format!("FROM scratch\nENV API_KEY={secret}\nCOPY empty /app\nCMD [\"/app\"]\n"),
        "",
        &[],
    );
    let found = search(&leak::image(&environment.tag), std::slice::from_ref(&secret));
    assert!(found.contains(&"image inspect".to_owned()), "{found:?}");
    assert!(found.contains(&"history".to_owned()), "{found:?}");

    let argument = format!("API_KEY={secret}");
    let built = Throwaway::build(
        "arg",
        "FROM rust:1.95-slim-bookworm AS base\nFROM base\nARG API_KEY\nRUN true\n",
        "",
        &["--build-arg", &argument],
    );
    let history = docker(&["history", "--no-trunc", &built.tag]);
    assert_eq!(search(&[("history".to_owned(), history.into_bytes())], &[secret]), ["history"]);
}

/// A container that is removed with the value.
struct Running(String);

impl Drop for Running {
    fn drop(&mut self) {
        run(Command::new("docker").args(["rm", "--force", &self.0]));
    }
}

#[test]
fn a_secret_in_a_containers_environment_leaks_from_inspect_and_from_the_process() {
    let secret = "lsk_given_to_docker_run".to_owned();
    let variable = format!("API_KEY={secret}");
    let sleeper = ["run", "--detach", "--env", &variable, "rust:1.95-slim-bookworm"];
    let program = ["sh", "-c", "echo started; exec tail -f /dev/null"];
    let running = Running(docker(&[&sleeper[..], &program[..]].concat()).trim().to_owned());
    assert_eq!(search(&leak::container(&running.0), &[secret]), ["inspect", "environment"]);
}

#[test]
fn the_programs_refuse_a_secret_in_the_environment_by_name() {
    build_images();
    for (image, variable) in
        [("linfa-serve", "LINFA_SERVE__API_KEY"), ("linfa-sidecar", "LINFA_SIDECAR__SIGNING_KEY")]
    {
        let given = format!("{variable}=lsk_s3cret");
        let refused = run(Command::new("docker").args(["run", "--rm", "--env", &given, image]));
        assert_eq!(refused.status.code(), Some(78), "{}", said(&refused));
        let text = said(&refused);
        assert!(text.contains(&format!("{variable} would carry a secret in the environment")), "{text}");
        assert!(!text.contains("lsk_s3cret"), "{text}");
    }
}
