//! Copies of any tool, in any order and at any speed, several at a time: what is seen on the way is never refused for
//! good, and what has arrived is admitted. The tools' system calls are made here, one by one, in an order that a seed
//! decides; between them the sidecar looks, at times that the seed decides too.

mod tools;

use std::collections::BTreeMap;

use artifact::{
    Digest, Files, Manifest,
    catalog::{CatalogVersion, Status},
    testkit,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use crate::bench::Bench;
use tools::{Copy, TOOLS};

/// A sidecar, and one copy by each tool under way to it: versions of two models.
struct Dock {
    bench: Bench,
    rng: StdRng,
    copies: Vec<(&'static str, u64, Files, Copy)>,
}

impl Dock {
    fn new(seed: u64) -> Self {
        let bench = Bench::new();
        let mut rng = StdRng::seed_from_u64(seed);
        let mut copies = Vec::new();
        for (index, tool) in TOOLS.iter().enumerate() {
            let (model, version) = (["a", "b"][index % 2], index as u64 + 1);
            let files = testkit::linear(model, f64::from(rng.gen_range(2..9_u8))).files().unwrap();
            let aside = bench.dir.path().join(format!("aside-{version}"));
            let copy = tool(&mut rng, &bench.folder(&format!("{model}/{version}")), &aside, &files);
            copies.push((model, version, files, copy));
        }
        for model in ["a", "b"] {
            fs_err::create_dir(bench.folder(model)).unwrap();
        }
        Self { bench, rng, copies }
    }

    /// Every copy goes on a little; then the sidecar looks. False if there was nothing to do.
    fn go_on(&mut self) -> bool {
        let mut went_on = false;
        for (_, _, _, copy) in &mut self.copies {
            for _ in 0..self.rng.gen_range(1..4) {
                went_on |= copy.step(self.bench.now);
            }
        }
        self.bench.look_after(self.rng.gen_range(0..=4));
        went_on
    }

    /// Nothing goes on for so long, while the sidecar looks, also at every version in its turn.
    fn pause(&mut self, seconds: i64) {
        self.bench.look_times(2);
        self.bench.look_after(seconds);
        self.bench.look_times(TOOLS.len());
    }

    fn versions(&self) -> BTreeMap<(String, u64), CatalogVersion> {
        let catalog = self.bench.catalog();
        let all = catalog.models.into_iter().flat_map(|model| {
            let name = model.name.to_string();
            model.versions.into_iter().map(move |version| ((name.clone(), version.version.get()), version))
        });
        all.collect()
    }

    fn assert_all_admitted(&mut self, seed: u64) {
        // Two that see the same, and one for each version of a model.
        self.bench.look_times(2 + TOOLS.len());
        let found = self.versions();
        for (model, version, files, _) in &self.copies {
            let found = &found[&((*model).to_owned(), *version)];
            assert_eq!(
                (found.status, found.digest, &found.refusal),
                (Status::Admitted, Some(Digest::of(&files.manifest)), &None),
                "seed {seed}: {model} {version}"
            );
            let store = artifact::store::Reader::new(&self.bench.settings.store);
            assert_eq!(&store.version(&found.files).unwrap(), files);
        }
    }
}

#[test]
fn no_copy_that_goes_on_is_ever_refused() {
    for seed in 0..12 {
        let mut dock = Dock::new(seed);
        while dock.go_on() {
            for ((model, version), found) in dock.versions() {
                let fine = matches!(found.status, Status::Pending | Status::Admitted);
                assert!(fine, "seed {seed}: {model} {version}: {:?} {:?}", found.status, found.refusal);
            }
        }
        dock.assert_all_admitted(seed);
    }
}

#[test]
fn no_refusal_of_a_copy_that_paused_stays_when_it_goes_on() {
    let mut refused = 0;
    for seed in 100..110 {
        let mut dock = Dock::new(seed);
        while dock.go_on() {
            if dock.rng.gen_bool(0.5) {
                let seconds = dock.rng.gen_range(0..100);
                dock.pause(seconds);
            }
            let found = dock.versions();
            refused += found
                .values()
                .filter(|found| matches!(found.status, Status::Rejected | Status::Incomplete))
                .count();
        }
        dock.assert_all_admitted(seed);
    }
    assert!(refused > 40, "{refused} verdicts on the way: the pauses are too short to show anything");
}

#[test]
fn an_abandoned_copy_ends_as_what_lies_there_and_is_admitted_once_it_is_completed() {
    let mut ends = BTreeMap::new();
    for seed in 200..216 {
        let mut dock = Dock::new(seed);
        let rounds = dock.rng.gen_range(1..12);
        for _ in 0..rounds {
            dock.go_on();
        }
        dock.pause(61);
        let found = dock.versions();
        for (model, version, _, copy) in &dock.copies {
            let found = found.get(&((*model).to_owned(), *version)).map(|found| found.status);
            let expected = lies_there(copy.folder());
            assert_eq!(found, expected, "seed {seed}: {model} {version}: {copy:?}");
            *ends.entry(format!("{found:?}")).or_insert(0) += 1;
        }
        while dock.go_on() {}
        dock.assert_all_admitted(seed);
    }
    println!("{ends:?}");
    for end in ["None", "Some(Incomplete)", "Some(Rejected)", "Some(Admitted)"] {
        assert!(ends.get(end).is_some_and(|count| *count > 2), "{end} did not come up: {ends:?}");
    }
}

#[test]
fn the_same_bytes_copied_over_what_serves_change_nothing_on_the_way() {
    for seed in 300..304 {
        let mut bench = Bench::new();
        let mut rng = StdRng::seed_from_u64(seed);
        bench.drop("a/1", &testkit::linear("a", 2.0));
        bench.settle();
        let admitted = bench.version("a", 1);
        for tool in TOOLS {
            let files = testkit::linear("a", 2.0).files().unwrap();
            let aside = bench.dir.path().join("aside");
            let mut copy = tool(&mut rng, &bench.folder("a/1"), &aside, &files);
            // A folder cannot be moved over one.
            if copy.moves() {
                bench.remove("a/1");
            }
            while copy.step(bench.now) {
                bench.look_after(rng.gen_range(0..4));
                let found = bench.version("a", 1);
                assert_eq!((found.status, found.digest), (Status::Admitted, admitted.digest));
                assert_eq!(bench.serving("a"), [1]);
            }
            bench.settle_all();
            assert_eq!(bench.version("a", 1).refusal, None, "seed {seed}: {copy:?}");
        }
    }
}

/// What a folder has to end as that nobody touches any more, by its own rules.
fn lies_there(folder: &std::path::Path) -> Option<Status> {
    let entries = fs_err::read_dir(folder).ok()?;
    let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let read = |name: &str| fs_err::read(folder.join(name)).ok();
    let files = (read("manifest.json"), read("model.safetensors"), read("golden.jsonl"));
    let (Some(manifest), Some(tensors), Some(golden)) = files else { return Some(Status::Incomplete) };
    let Ok(manifest) = Manifest::parse(&manifest) else { return Some(Status::Rejected) };
    let sizes = [tensors.len() as u64, golden.len() as u64];
    if manifest.files.iter().zip(sizes).any(|(listed, size)| size < listed.size) {
        return Some(Status::Incomplete);
    }
    let known = ["manifest.json", "model.safetensors", "golden.jsonl", "README.md"];
    let stranger = names.iter().any(|name| !known.contains(&name.as_str()));
    Some(if stranger { Status::Rejected } else { Status::Admitted })
}
