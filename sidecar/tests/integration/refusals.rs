//! What is refused, and the sentence that says why.

use std::os::unix::fs::symlink;

use artifact::{
    catalog::{MAX_REJECTIONS, Status},
    testkit::{self, Parts, f64s, matrix, raw_safetensors, u32s},
};

use crate::bench::Bench;

/// Drops the parts beside a good version, and gives the refusal. The good one must serve on.
fn refusal(parts: &Parts) -> String {
    refusal_with(parts, |_| {})
}

fn refusal_with(parts: &Parts, spoil: impl FnOnce(&Bench)) -> String {
    let mut bench = Bench::new();
    let name = artifact::Manifest::parse(&parts.files().manifest)
        .map_or("a".to_owned(), |manifest| manifest.name.to_string());
    let name = if name == "other" { "a".to_owned() } else { name };
    bench.drop("good/1", &testkit::tree("good"));
    bench.drop_parts(&format!("{name}/2"), parts);
    spoil(&bench);
    bench.settle_all();
    assert_eq!(bench.status(&name, 2), Status::Rejected);
    assert_eq!(bench.serving(&name), [0; 0]);
    assert_eq!(bench.serving("good"), [1]);
    let checks = bench.version(&name, 2).checks;
    let (failed, passed) = checks.split_last().unwrap();
    assert!(!failed.passed && passed.iter().all(|check| check.passed));
    let said = bench.refusal(&name, 2);
    assert_eq!(said, format!("{}: {}", failed.name, failed.detail));
    said
}

fn linear() -> Parts {
    Parts::of(&testkit::linear("a", 2.0))
}

#[test]
fn links_fifos_folders_and_strangers_are_refused() {
    let spoil = |spoil: &dyn Fn(&Bench)| refusal_with(&linear(), |bench| spoil(bench));
    assert_eq!(
        spoil(&|bench| {
            let path = bench.folder("a/2/golden.jsonl");
            fs_err::rename(&path, bench.dir.path().join("secret")).unwrap();
            symlink(bench.dir.path().join("secret"), path).unwrap();
        }),
        "layout: `golden.jsonl` is a symbolic link; only plain files belong to a version"
    );
    assert_eq!(
        spoil(&|bench| {
            fs_err::remove_file(bench.folder("a/2/golden.jsonl")).unwrap();
            let mode = rustix::fs::Mode::from_raw_mode(0o644);
            rustix::fs::mkfifoat(rustix::fs::CWD, bench.folder("a/2/golden.jsonl"), mode).unwrap();
        }),
        "layout: `golden.jsonl` is a FIFO; only plain files belong to a version"
    );
    assert_eq!(
        spoil(
            &|bench| fs_err::hard_link(bench.folder("a/2/golden.jsonl"), bench.dir.path().join("x")).unwrap()
        ),
        "layout: `golden.jsonl` has 2 hard links; only files with one are read"
    );
    let stranger = "does not belong to a version (manifest.json, model.safetensors, golden.jsonl, README.md, \
                    model.sig)";
    assert_eq!(spoil(&|bench| bench.write("a/2/model.pkl", "x")), format!("layout: `model.pkl` {stranger}"));
    assert_eq!(
        spoil(&|bench| fs_err::create_dir(bench.folder("a/2/more")).unwrap()),
        format!("layout: `more` {stranger}")
    );
    assert_eq!(
        spoil(&|bench| symlink("/etc/passwd", bench.folder("a/2/README.md")).unwrap()),
        "layout: `README.md` is a symbolic link; only plain files belong to a version"
    );
    assert_eq!(
        spoil(&|bench| {
            fs_err::rename(bench.folder("a/2"), bench.dir.path().join("2")).unwrap();
            symlink(bench.dir.path().join("2"), bench.folder("a/2")).unwrap();
        }),
        "layout: `2` is a symbolic link; copy the folder itself"
    );
    assert_eq!(
        spoil(&|bench| (0..100).for_each(|file| bench.write(&format!("a/2/{file}"), ""))),
        "layout: `2` has more than 100 entries"
    );
}

#[test]
fn manifests_that_break_a_rule_are_refused() {
    let edited = |edit: fn(&mut serde_json::Value)| refusal(&linear().edit_manifest(edit));
    let unknown = edited(|manifest| manifest["runs_code"] = true.into());
    assert!(
        unknown.starts_with(
            "manifest: unknown field `runs_code`, expected one of `format`, `name`, `steps`, `inputs`, `output`, `files`, \
             `training` at line "
        ),
        "{unknown}"
    );
    assert_eq!(
        edited(|manifest| manifest["format"] = "linfa-serve/2".into()),
        "manifest: the format is `linfa-serve/2`, this release reads `linfa-serve/1`"
    );
    assert_eq!(
        edited(|manifest| manifest["name"] = "other".into()),
        "manifest: the manifest is of model `other`, the folder is of `a`"
    );
}

#[test]
fn a_manifest_over_its_limit_is_refused_unread() {
    let huge = vec![b' '; (4 << 20) + 1];
    assert_eq!(
        refusal(&linear().set_file("manifest.json", huge)),
        "layout: `manifest.json` has 4194305 bytes, the limit is 4194304"
    );
}

#[test]
fn a_file_that_is_longer_than_its_manifest_says_is_refused() {
    let parts = linear().without_resealing();
    let mut golden = parts.files().golden;
    golden.push(b'\n');
    let length = golden.len();
    assert_eq!(
        refusal(&parts.set_file("golden.jsonl", golden)),
        format!("digest: `golden.jsonl` has {length} bytes, the manifest lists {}", length - 1)
    );
}

#[test]
fn parameters_that_break_a_rule_are_refused() {
    let header = r#"{"0.intercept":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"0.intercept":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#;
    assert_eq!(
        refusal(&linear().set_file("model.safetensors", raw_safetensors(header, &[0; 8]))),
        "parameters: tensor `0.intercept` occurs twice"
    );
    assert_eq!(
        refusal(&linear().set_tensor("0.coefficients", f64s([f64::NAN, 1.0]))),
        "parameters: tensor `0.coefficients`, value 0: NaN is not finite"
    );
    assert_eq!(
        refusal(&linear().set_tensor("0.coefficients", f64s([]))),
        "parameters: tensor `0.coefficients` has the shape [0], a dimension is zero"
    );
    let classes = Parts::of(&testkit::classifier("iris"));
    let two = matrix([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]]);
    assert_eq!(
        refusal(&classes.set_tensor("1.coefficients", two)),
        "parameters: tensor `1.coefficients` has the shape [2, 4], expected [3, 4]"
    );
    let tree = Parts::of(&testkit::tree("tree")).set_tensor("0.nodes", u32s([0, 1, 2, 3, 7]));
    let classless = refusal(&tree);
    assert!(classless.starts_with("parameters: tensor `0.nodes`, value 4: leaf 3 is not "), "{classless}");
}

#[test]
fn golden_rows_that_prove_nothing_or_the_contrary_are_refused() {
    assert_eq!(
        refusal(&linear().edit_golden(|rows| rows[1]["scores"][0] = 3.5.into())),
        "golden: row 2, score 0: the model answers 3, the training library answered 3.5 (tolerance 1e-12)"
    );
    assert_eq!(
        refusal(&linear().edit_golden(|rows| rows[0]["tolerance"] = 0.5.into())),
        "golden: row 1 asks for a tolerance of 5e-1, the cap is 1e-4"
    );
    let tree = Parts::of(&testkit::tree("tree")).edit_golden(|rows| rows.retain(|row| row["choice"] != 2));
    assert_eq!(refusal(&tree), "golden: no row shows class or cluster 2 (`high`)");
}

#[test]
fn a_model_that_overflows_near_its_training_data_is_refused_by_the_probe() {
    // The golden rows pass: all of them lie where the features are small.
    let parts = linear().edit_manifest(|manifest| manifest["inputs"][0]["max"] = 4e307.into());
    assert_eq!(
        refusal(&parts.set_tensor("0.coefficients", f64s([2.0, 1.0]))),
        "probe: row 13 of the probe, within 10 times the training ranges: the result of step 0 (`linear_regression`) is not \
         finite"
    );
}

#[test]
fn other_bytes_under_an_admitted_number_are_refused_and_the_old_ones_serve_on() {
    let mut bench = Bench::new();
    let (old, new) = (testkit::linear("a", 2.0), testkit::linear("a", 3.0));
    bench.drop("a/1", &old);
    bench.settle();
    let admitted = bench.version("a", 1);

    let files = new.files().unwrap();
    bench.write("a/1/manifest.json", &files.manifest);
    bench.write("a/1/model.safetensors", &files.tensors);
    bench.write("a/1/golden.jsonl", &files.golden);
    bench.settle_all();
    let version = bench.version("a", 1);
    assert_eq!((version.status, version.digest), (Status::Admitted, admitted.digest));
    assert_eq!(version.files, admitted.files);
    assert_eq!(bench.serving("a"), [1]);
    assert_eq!(
        bench.refusal("a", 1),
        format!(
            "digest: version 1 was admitted as {}, and these are other bytes ({}); a version never changes, so drop them \
             under a new number",
            admitted.digest.unwrap(),
            artifact::Digest::of(&files.manifest)
        )
    );
    let store = artifact::store::Reader::new(&bench.settings.store);
    assert_eq!(store.version(&version.files).unwrap(), old.files().unwrap());

    bench.remove("a/1");
    bench.drop("a/1", &old);
    bench.settle();
    assert_eq!(bench.version("a", 1), admitted);
}

#[test]
fn what_is_no_model_or_version_is_noted_and_harms_nothing() {
    let mut bench = Bench::new();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.write("README.md", "models");
    bench.write("a/notes.txt", "x");
    bench.write("a/7", "x");
    bench.write("a/.hidden", "x");
    fs_err::create_dir(bench.folder("a/v2")).unwrap();
    fs_err::create_dir(bench.folder("a/01")).unwrap();
    fs_err::create_dir(bench.folder("Iris")).unwrap();
    fs_err::create_dir(bench.folder(".git")).unwrap();
    symlink(bench.folder("a"), bench.folder("b")).unwrap();
    bench.settle();
    assert_eq!(bench.serving("a"), [1]);
    assert_eq!(
        bench.catalog().notes,
        [
            "`Iris` is no model: a model's name is a lower-case letter and up to 62 of a-z, 0-9, _ and -",
            "`b` is a symbolic link; only folders are models",
        ]
    );
    assert_eq!(
        bench.model("a").notes,
        [
            "`01` is no version: a version is a number of 1 to 18 digits without a leading zero",
            "`7` is no folder, so it is no version",
            "`notes.txt` is neither a version nor policy.toml",
            "`v2` is no version: a version is a number of 1 to 18 digits without a leading zero",
        ]
    );
}

#[test]
fn of_many_strangers_twenty_are_named_and_the_others_counted() {
    let mut bench = Bench::new();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    for (strangers, last) in [(20, "`x19` is neither a version nor policy.toml"), (25, "and 5 more")] {
        (0..strangers).for_each(|number| bench.write(&format!("a/x{number:02}"), ""));
        bench.settle();
        assert_eq!(bench.model("a").notes.last().unwrap(), last);
    }
    assert_eq!(bench.model("a").notes.len(), 21);
}

#[test]
fn a_version_of_just_the_limit_is_admitted() {
    let mut bench = Bench::idle();
    bench.settings.max_version_mib = 1;
    bench.start();
    let mut manifest = linear().files().manifest;
    let others: u64 = linear().files().entries()[1..].iter().map(|file| file.size).sum();
    manifest.resize((1 << 20) - others as usize, b'\n');
    bench.drop_parts("a/1", &linear().set_file("manifest.json", manifest));
    bench.settle();
    assert_eq!(bench.version("a", 1).checks[0].detail, "3 files, 1048576 bytes");
    assert_eq!(bench.serving("a"), [1]);
}

#[test]
fn a_version_too_large_for_this_sidecar_is_refused_before_it_is_read() {
    let mut bench = Bench::idle();
    bench.settings.max_version_mib = 1;
    bench.start();
    let readme = vec![b' '; 2 << 20];
    bench.drop_parts("a/1", &linear().set_file("README.md", readme));
    bench.drop_parts("a/2", &linear());
    let tensors = fs_err::OpenOptions::new().write(true).open(bench.folder("a/2/model.safetensors"));
    // A hole of a terabyte costs nothing but the time of whoever reads it.
    tensors.unwrap().set_len(1 << 40).unwrap();
    bench.settle_all();
    bench.look();
    assert_eq!(bench.serving("a"), [1]);
    let files = linear().files();
    assert_eq!(
        bench.refusal("a", 2),
        format!(
            "layout: its files have {} bytes, this sidecar judges at most 1 MiB (max_version_mib)",
            (1_u64 << 40) + (files.manifest.len() + files.golden.len()) as u64
        )
    );
}

#[test]
fn a_lone_folder_of_a_wrong_name_is_noted() {
    let mut bench = Bench::new();
    bench.drop("Iris/1", &testkit::classifier("iris"));
    bench.look();
    assert_eq!(
        bench.catalog().notes,
        [
            "`Iris` is no model: a model's name is a lower-case letter and up to 62 of a-z, 0-9, _ and -",
            "the folder of models holds no model; nothing is withdrawn",
        ]
    );
}

#[test]
fn the_catalog_keeps_the_newest_rejections_of_a_model() {
    let mut bench = Bench::new();
    let surplus = 3;
    for version in 1..=MAX_REJECTIONS + surplus {
        bench.write_broken(&format!("a/{version}"));
    }
    bench.settle();
    bench.look_times(MAX_REJECTIONS + surplus);
    let versions = bench.model("a").versions;
    assert_eq!(versions.len(), MAX_REJECTIONS);
    assert_eq!(versions[0].version.get(), surplus as u64 + 1);
    assert!(versions.iter().all(|version| version.status == Status::Rejected));
}

impl Bench {
    fn write_broken(&self, path: &str) {
        fs_err::create_dir_all(self.folder(path)).unwrap();
        for name in ["manifest.json", "model.safetensors", "golden.jsonl"] {
            fs_err::write(self.folder(path).join(name), "{").unwrap();
        }
    }
}
