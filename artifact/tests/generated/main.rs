//! Inputs by the ten thousand, made of good ones: nothing panics, and nothing takes more memory than its input
//! accounts for. The generator has a fixed seed, so that every run sees the same. Its own program, since it counts
//! what the whole process allocates.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helpers of tests may fail and show figures"
)]

mod make;
mod run;

use artifact::testkit::targets;
use peak_alloc::PeakAlloc;
use rand::{SeedableRng as _, rngs::StdRng};

use crate::run::{Seen, run, whole};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What an input may take: some times its size, and a fixed sum for the fixtures and rows of the target.
const TIMES: usize = 8;
const BESIDES: usize = 1 << 20;
/// What the largest inputs may take in all.
const LARGEST: usize = 512 << 20;

fn made(count: usize, make: fn(&mut StdRng) -> Vec<u8>) -> impl Iterator<Item = Vec<u8>> {
    let mut rng = StdRng::seed_from_u64(4);
    (0..count).map(move |_| make(&mut rng))
}

/// Some of what was made is good still, or the generator is too coarse to get past the first check.
fn holds(name: &str, count: usize, seen: &Seen) {
    println!("{name}: {seen:?}");
    assert_eq!((seen.panics.as_slice(), seen.bloated.as_slice()), ([].as_slice(), [].as_slice()), "{name}");
    assert_eq!(seen.inputs, count);
    assert!((count / 100..count * 9 / 10).contains(&seen.accepted), "{name}: {} accepted", seen.accepted);
}

#[test]
fn ten_thousand_hostile_tensors_and_manifests_panic_nothing_and_take_little_memory() {
    let whole = whole();
    holds("tensors", 5000, &run(&whole, targets::model, made(5000, make::model)));
    holds("manifests", 5000, &run(&whole, targets::manifest, made(5000, make::manifest)));
    holds("golden rows", 1000, &run(&whole, targets::golden, made(1000, make::golden)));
    holds("catalogs", 1000, &run(&whole, targets::catalog, made(1000, make::catalog)));
}

#[test]
fn a_reader_that_believes_what_it_reads_is_found_by_the_same_inputs() {
    let whole = whole();
    let seen = run(&whole, believes_lengths, made(5000, make::model));
    assert!(!seen.panics.is_empty() && !seen.bloated.is_empty(), "{seen:?}");
    let seen = run(&whole, believes_indices, made(5000, make::model));
    assert!(!seen.panics.is_empty(), "{seen:?}");
    let seen = run(&whole, believes_names, made(5000, make::manifest));
    assert!(!seen.panics.is_empty(), "{seen:?}");
}

#[test]
fn the_largest_manifests_and_golden_rows_take_less_than_512_mb() {
    let whole = whole();
    for (name, target, inputs) in make::largest() {
        let seen = run(&whole, target, inputs.into_iter());
        println!("{name}: {} MiB at most", seen.most >> 20);
        assert!(seen.panics.is_empty() && seen.most < LARGEST, "{name}: {seen:?}");
    }
}

#[test]
fn the_corpus_of_every_fuzz_target_is_replayed() {
    let whole = whole();
    for (name, target) in targets::TARGETS {
        let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
        let inputs: Vec<_> = fs_err::read_dir(corpus)
            .unwrap()
            .map(|entry| fs_err::read(entry.unwrap().path()).unwrap())
            .collect();
        let seen = run(&whole, target, inputs.into_iter());
        println!("{name}: {seen:?}");
        assert_eq!(
            (seen.panics.as_slice(), seen.bloated.as_slice()),
            ([].as_slice(), [].as_slice()),
            "{name}"
        );
        assert!(seen.accepted > 0 && seen.accepted < seen.inputs, "{name}: {seen:?}");
    }
}

/// A fault: lengths are taken for true.
fn believes_lengths(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.get(1..).and_then(|bytes| bytes.split_first_chunk()) else {
        return false;
    };
    let length = u64::from_le_bytes(*length) as usize;
    // Not all that is promised: the test is to live.
    let room = Vec::<u8>::with_capacity(length.min(64 << 20));
    room.capacity() > 0 && !rest[..length].is_empty()
}

/// A fault: a tree's leaves are looked up unseen.
fn believes_indices(bytes: &[u8]) -> bool {
    let Some((4, bytes)) = bytes.split_first().map(|(first, rest)| (first % 10, rest)) else { return false };
    let Ok(tensors) = artifact::tensors::Tensors::parse(bytes) else { return false };
    let tensors: std::collections::BTreeMap<_, _> = tensors.into_iter().collect();
    let Some(artifact::tensors::Values::U32(nodes)) = tensors.get("0.nodes").map(|tensor| &tensor.values)
    else {
        return false;
    };
    let leaves = nodes.iter().filter(|node| **node % 2 == 1);
    leaves.map(|leaf| ["low", "middle", "high"][*leaf as usize / 2]).all(|class| !class.is_empty())
}

/// A fault: what has to be there is unwrapped.
fn believes_names(bytes: &[u8]) -> bool {
    let Ok(manifest) = serde_json::from_slice::<serde_json::Value>(bytes) else { return false };
    manifest["inputs"].as_array().unwrap().iter().all(|input| !input["name"].as_str().unwrap().is_empty())
}
