//! What is dropped to get past the sidecar: links, names, kinds of files, sizes, crowds.

use std::collections::BTreeSet;

use artifact::{
    catalog::{Catalog, Status},
    testkit::{
        self,
        attacks::{self, ATTACKS, Attack, End},
    },
};

use crate::{
    bench::Bench,
    program::{Program, sidecar},
};

/// The most that the program may take at any time. It has 128 MiB models to judge; nothing here is one.
const MEMORY_MIB: u64 = 128;

/// A folder of models with all attacks and one good model.
fn under_attack() -> Bench {
    let bench = Bench::idle();
    let outside = bench.dir.path().join("outside");
    fs_err::create_dir(&outside).unwrap();
    attacks::plant(&bench.settings.incoming, &outside);
    bench.drop("good/1", &testkit::tree("good"));
    bench
}

/// What is wrong with the end of an attack, if anything.
fn wrong(catalog: &Catalog, index: usize, attack: &Attack) -> Option<String> {
    let said = |notes: &[String], begins: &str| notes.iter().any(|note| note.starts_with(begins));
    let Some(model) = catalog.model(&attacks::model(index)) else {
        return Some("there is no such model".to_owned());
    };
    let serving: Vec<_> = model.serving.iter().map(|version| version.get()).collect();
    let version = model.versions.iter().find(|version| version.version.get() == 2);
    let refusal = version.and_then(|version| version.refusal.as_ref());
    let refusal = refusal.map(|refusal| format!("{}: {}", refusal.check, refusal.reason));
    let as_it_should = match attack.end {
        End::Refused(begins) => {
            let rejected = version.is_some_and(|version| version.status == Status::Rejected);
            rejected && serving == [1] && refusal.as_ref().is_some_and(|said| said.starts_with(begins))
        }
        End::Policy(begins) => {
            let said = model.policy_error.as_ref().is_some_and(|said| said.starts_with(begins));
            said && serving.is_empty() && version.is_some_and(|version| version.status != Status::Admitted)
        }
        _ if serving != [2] || refusal.is_some() => false,
        End::ModelNote(begins) => said(&model.notes, begins),
        End::RootNote(begins) => said(&catalog.notes, begins),
        End::Ignored => model.notes.is_empty() && model.policy_error.is_none(),
    };
    let (notes, policy) = (&model.notes, &model.policy_error);
    (!as_it_should).then(|| {
        let name = attack.name;
        format!("{name}: {serving:?} serve, {refusal:?}, {policy:?}, {notes:?}; expected {:?}", attack.end)
    })
}

fn assert_all_held(bench: &Bench) {
    let catalog = bench.catalog();
    let wrong: Vec<_> =
        ATTACKS.iter().enumerate().filter_map(|(index, attack)| wrong(&catalog, index, attack)).collect();
    assert_eq!(wrong, [""; 0], "notes: {:#?}", catalog.notes);
    let expected = ATTACKS.iter().filter(|attack| matches!(attack.end, End::RootNote(_))).count();
    assert_eq!(catalog.notes.len(), expected, "{:#?}", catalog.notes);
    assert!(!bench.serving("good").is_empty());
    // Nothing but what was admitted is in the store: no byte of what lies outside.
    let versions = catalog.models.iter().flat_map(|model| &model.versions);
    let admitted: BTreeSet<_> =
        versions.flat_map(|version| &version.files).map(|file| file.digest.hex()).collect();
    let stored: BTreeSet<_> = fs_err::read_dir(bench.settings.store.join("blobs/sha256"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(stored, admitted);
}

#[test]
fn no_attack_gets_in_and_each_is_told_for_what_it_is() {
    let mut bench = under_attack();
    bench.start();
    bench.settle_all();
    bench.look_times(3);
    assert_all_held(&bench);
    assert!(ATTACKS.len() >= 40);
    let names: BTreeSet<_> = ATTACKS.iter().map(|attack| attack.name).collect();
    assert_eq!(names.len(), ATTACKS.len());
}

#[test]
fn a_judge_that_follows_links_would_be_found() {
    // What the links lead to is good: put it in their place, and the attack is a version like any other.
    let mut bench = under_attack();
    for (name, index) in [("manifest.json", 0), ("model.safetensors", 1), ("golden.jsonl", 2)] {
        let link = bench.folder(&format!("attack-{index:02}/2/{name}"));
        let bytes = fs_err::read(&link).unwrap();
        fs_err::remove_file(&link).unwrap();
        fs_err::write(link, bytes).unwrap();
    }
    bench.start();
    bench.settle_all();
    bench.look_times(3);
    let catalog = bench.catalog();
    let wrong = |index: usize| wrong(&catalog, index, &ATTACKS[index]);
    for index in 0..3 {
        assert!(wrong(index).unwrap().contains("[2] serve, None"), "{:?}", wrong(index));
    }
    assert_eq!(wrong(3), None);
}

#[test]
fn the_program_takes_little_memory_whatever_is_dropped() {
    let bench = under_attack();
    let mut program = Program::start(&mut sidecar(&bench));
    for (index, attack) in ATTACKS.iter().enumerate() {
        let model = format!("\"model\":\"{}\"", attacks::model(index));
        match attack.end {
            End::Refused(_) => {
                program.wait_for(&[&model, "version refused", "\"version\":\"2\""]);
                program.wait_for(&[&model, "Admitted", "\"version\":\"1\""]);
            }
            End::Policy(begins) => program.wait_for(&[&model, begins, "\"version\":\"2\""]),
            _ => program.wait_for(&[&model, "Admitted", "\"version\":\"2\""]),
        }
    }
    // What the log has told is in the catalog by the time that something later is judged.
    bench.drop("good/2", &testkit::tree("good"));
    program.wait_for(&["\"model\":\"good\"", "Admitted", "\"version\":\"2\""]);
    bench.drop("good/3", &testkit::tree("good"));
    program.wait_for(&["\"model\":\"good\"", "Admitted", "\"version\":\"3\""]);
    assert_all_held(&bench);
    let most = program.most_memory_mib();
    println!("{most} MiB at most");
    assert!(most < MEMORY_MIB, "{most} MiB");
    assert_eq!(program.terminate().code(), Some(0));
}

#[test]
fn a_crowd_of_files_is_refused_wherever_it_is_and_holds_nothing_up() {
    let crowd = std::env::var("CROWD").map_or(200_000, |count| count.parse().unwrap());
    let bench = Bench::idle();
    bench.drop("good/1", &testkit::tree("good"));
    let folder = bench.folder("crowd/1");
    fs_err::create_dir_all(&folder).unwrap();
    // Links are made faster than files. No file system takes more than some ten thousand of one file.
    for (first, last) in (0..crowd).step_by(50_000).map(|first| (first, crowd.min(first + 50_000))) {
        let file = folder.join(first.to_string());
        fs_err::write(&file, "").unwrap();
        (first + 1..last).for_each(|link| fs_err::hard_link(&file, folder.join(link.to_string())).unwrap());
    }
    bench.drop_parts("crowd/1", &testkit::Parts::of(&testkit::linear("crowd", 2.0)));
    let mut program = Program::start(&mut sidecar(&bench));
    program.wait_for(&["\"model\":\"good\"", "Admitted"]);
    program.wait_for(&["version refused", "\"model\":\"crowd\"", "`1` has more than 100 entries"]);

    // The same in the place of a model.
    fs_err::rename(&folder, bench.folder("mob")).unwrap();
    bench.drop("next/1", &testkit::tree("next"));
    program.wait_for(&["\"model\":\"next\"", "Admitted"]);
    assert_eq!(bench.model("mob").notes, ["`mob` has more than 10000 entries"]);

    // And of the folder of models.
    fs_err::rename(bench.folder("mob"), bench.dir.path().join("mob")).unwrap();
    fs_err::rename(bench.folder("next"), bench.dir.path().join("mob/next")).unwrap();
    fs_err::rename(&bench.settings.incoming, bench.dir.path().join("away")).unwrap();
    fs_err::rename(bench.dir.path().join("mob"), &bench.settings.incoming).unwrap();
    program.wait_for(&["the folder of models cannot be listed", "has more than 10000 entries"]);
    assert_eq!((bench.serving("good"), bench.serving("next")), (vec![1], vec![1]));
    let most = program.most_memory_mib();
    println!("{crowd} entries: {most} MiB at most");
    assert!(most < MEMORY_MIB, "{most} MiB");
    assert_eq!(program.terminate().code(), Some(0));
}
