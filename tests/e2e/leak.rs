//! Where a secret can be read by someone who was never given it: an image with its layers and history, a
//! container with its environment and log. One search for ours and for the ones that leak on purpose.

use std::process::Command;

use crate::command::{docker, run, said, stdout};

/// A place, and all that can be read there.
pub(crate) type Place = (String, Vec<u8>);

/// The names of the places where any of the secrets can be read.
pub(crate) fn search(places: &[Place], secrets: &[String]) -> Vec<String> {
    let found = places.iter().filter(|(_, content)| {
        secrets.iter().any(|secret| {
            assert!(secret.len() >= 16, "too short to be told from chance");
            content.windows(secret.len()).any(|window| window == secret.as_bytes())
        })
    });
    found.map(|(name, _)| name.clone()).collect()
}

/// All that someone who can pull the image reads: what it says of itself, how it was made, every layer, with the
/// files that a later layer hides.
pub(crate) fn image(image: &str) -> Vec<Place> {
    let mut places = vec![
        ("image inspect".to_owned(), docker(&["image", "inspect", image]).into_bytes()),
        ("history".to_owned(), docker(&["history", "--no-trunc", image]).into_bytes()),
    ];
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    docker(&["save", "--output", &archive.to_string_lossy(), image]);
    stdout(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(folder.path()));
    fs_err::remove_file(archive).unwrap();
    let listed = stdout(Command::new("find").arg(folder.path()).args(["-type", "f"]));
    for file in listed.lines() {
        let content = fs_err::read(file).unwrap();
        // Newer engines keep layers packed.
        let content = match content.get(..2) {
            Some([0x1f, 0x8b]) => run(Command::new("gzip").args(["-dc", file])).stdout,
            _ => content,
        };
        places.push((format!("layers: {}", file.rsplit('/').next().unwrap()), content));
    }
    places
}

/// All that someone reads who may ask the engine about the container, and what its first process was told.
pub(crate) fn container(id: &str) -> Vec<Place> {
    let logs = run(Command::new("docker").args(["logs", id]));
    vec![
        ("inspect".to_owned(), docker(&["inspect", id]).into_bytes()),
        ("logs".to_owned(), said(&logs).into_bytes()),
        ("environment".to_owned(), beside(id, "cat /proc/1/environ").stdout),
    ]
}

/// Runs a shell in the container's own process namespace, as root who may look into other processes: process 1 is the
/// program, and /proc/1/root is the file system as the program sees it. Ours has neither shell nor root.
pub(crate) fn beside(id: &str, script: &str) -> std::process::Output {
    let pid = format!("--pid=container:{id}");
    let arguments = ["run", "--rm", "--cap-add=SYS_PTRACE", "--network=none", &pid];
    let shell = ["rust:1.95-slim-bookworm", "sh", "-c", script];
    let output = run(Command::new("docker").args(arguments).args(shell));
    // The engine's own failure, as apart from the script's.
    assert_ne!(output.status.code(), Some(125), "{}", said(&output));
    output
}
