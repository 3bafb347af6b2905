//! The Rust client against `linfactl up`: the cases that every client keeps, and its tour.

use std::{path::Path, sync::Arc};

use contract::{Act, Command, RustSuite, Stand, Where};
use tokio::runtime::Runtime;

use crate::up::{Up, iris};

#[path = "../../../clients/rust/examples/tour.rs"]
#[expect(dead_code, unreachable_pub, reason = "a program of its own, whose main reads a command line")]
mod tour;

/// A stand that is gone with the test.
struct Standing(Stand);

impl Drop for Standing {
    fn drop(&mut self) {
        if let Err(error) = self.0.stop() {
            eprintln!("the stand is left behind: {error}");
        }
    }
}

#[test]
fn the_rust_client_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_linfactl")).to_owned();
    let standing = Standing(Stand::start(folder.path(), Where::Linfactl(program)).unwrap());
    let place = folder.path().to_owned();
    let act: Act = Arc::new(move |words| Command::of(words)?.run(&Stand::of(&place)?));
    let variables = standing.0.variables().unwrap();
    let variable = |name| variables.iter().find(|(other, _)| *other == name).unwrap().1.clone();
    let (server, key) = (variable("CONTRACT_SERVER"), variable("CONTRACT_KEY_FILE"));
    let narrow = variable("CONTRACT_NARROW_KEY_FILE");
    let held = Runtime::new().unwrap().block_on(async {
        let suite = RustSuite::new(&server, key.as_ref(), narrow.as_ref(), act).await.unwrap();
        suite.run(|line| println!("{line}")).await.unwrap()
    });
    assert!(held, "a case does not hold; the lines above say why");
}

#[test]
fn the_tour_of_the_rust_client_runs_as_it_stands() {
    let folder = iris();
    let mut up = Up::start(&folder, &["--data", "data"]).ready();
    let (server, key) = (up.endpoint(), up.place("key"));
    let toured = Runtime::new().unwrap().block_on(tour::tour(&server, key.to_str().unwrap()));
    toured.unwrap();
}
