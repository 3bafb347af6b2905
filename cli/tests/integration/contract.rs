//! The Rust client against `linfactl up`: the cases that every client keeps, and its tour.

use std::path::Path;

use contract::{RustSuite, Stand, Where};
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
    let held = Runtime::new().unwrap().block_on(async {
        let suite = RustSuite::new(standing.0.clone()).await.unwrap();
        let say = |line: &str| {
            println!("{line}");
            Ok(())
        };
        suite.run(say).await.unwrap()
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
