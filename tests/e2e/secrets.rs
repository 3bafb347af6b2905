//! How secrets are made, and that git and the programs' environments are no place for them. Where else they are not is
//! for `seal.rs`.

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use crate::{
    command::{run, said, stdout},
    stack::{Copy, build_images},
};

const FILES: [&str; 4] =
    ["api_keys.toml", "catalog_public_key.pem", "catalog_signing_key.pem", "client_api_key"];

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
fn git_leaves_the_secrets_out() {
    let copy = Copy::new();
    stdout(&mut copy.command("secrets/generate", &[]));
    stdout(&mut copy.command("git", &["init", "--quiet"]));
    let tracked =
        stdout(&mut copy.command("git", &["ls-files", "--others", "--exclude-standard", "secrets"]));
    assert_eq!(tracked, "secrets/generate\n");
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
