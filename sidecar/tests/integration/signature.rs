//! Publishers' signatures: who made a version, and where that is required.

use std::collections::BTreeMap;

use artifact::{
    Artifact, Digest,
    catalog::Status,
    testkit::{self, Publisher},
};

use crate::bench::Bench;

/// A sidecar that trusts the publishers with these seeds.
fn trusting(seeds: &[u8]) -> Bench {
    let mut bench = Bench::idle();
    bench.trust(seeds);
    bench.start();
    bench
}

fn id(seed: u8) -> Digest {
    Digest::of(Publisher::new(seed).public_key().as_bytes())
}

impl Bench {
    fn trust(&mut self, seeds: &[u8]) {
        let pem: String = seeds.iter().map(|seed| Publisher::new(*seed).public_key()).collect();
        self.settings.publisher_keys_file = self.dir.path().join("publishers.pem");
        fs_err::write(&self.settings.publisher_keys_file, pem).unwrap();
    }

    /// Signs whatever lies in a version's folder.
    fn sign(&self, path: &str, seed: u8) {
        let files = fs_err::read_dir(self.folder(path)).unwrap().map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, Digest::of(&fs_err::read(entry.path()).unwrap()))
        });
        let files: BTreeMap<_, _> = files.filter(|(name, _)| name != "model.sig").collect();
        self.write(&format!("{path}/model.sig"), Publisher::new(seed).sign(&files));
    }

    fn drop_signed(&self, path: &str, pack: &Artifact, seed: u8) {
        self.drop(path, pack);
        self.sign(path, seed);
    }

    fn require(&mut self, policy: &str) {
        fs_err::create_dir_all(self.folder("a")).unwrap();
        self.write("a/policy.toml", format!("{policy}\n[require]\nsignature = true\n"));
    }

    fn signer(&self, version: u64) -> Option<Digest> {
        self.version("a", version).signer
    }

    /// What the check found.
    fn found(&self, version: u64) -> String {
        let checks = self.version("a", version).checks;
        checks.into_iter().find(|check| check.name == "signature").unwrap().detail
    }
}

#[test]
fn who_signed_is_in_the_catalog_and_a_signature_is_optional() {
    let mut bench = trusting(&[1, 2]);
    bench.drop_signed("a/1", &testkit::linear("a", 1.0), 2);
    bench.drop("a/2", &testkit::linear("a", 2.0));
    bench.look_times(3);
    assert_eq!((bench.status("a", 1), bench.signer(1)), (Status::Admitted, Some(id(2))));
    assert_eq!(bench.found(1), format!("signed by {}", id(2).hex()));
    assert_eq!((bench.status("a", 2), bench.signer(2)), (Status::Admitted, None));
    assert_eq!(bench.found(2), "not signed");
    let names: Vec<_> = bench.version("a", 1).checks.into_iter().map(|check| check.name).collect();
    assert_eq!(names[2..5], ["digest", "signature", "parameters"]);
    bench.restart();
    bench.look_times(3);
    assert_eq!(bench.signer(1), Some(id(2)), "after a restart");
}

#[test]
fn what_the_real_tool_signed_is_admitted() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../artifact/tests/fixtures/signed");
    for curve in ["p256", "p384", "p521"] {
        let mut bench = Bench::idle();
        bench.settings.publisher_keys_file = format!("{fixture}/{curve}.pem").into();
        bench.start();
        fs_err::create_dir_all(bench.folder("iris/1")).unwrap();
        for file in fs_err::read_dir(format!("{fixture}/model")).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            bench.write(&format!("iris/1/{name}"), fs_err::read(file.path()).unwrap());
        }
        bench.write("iris/1/model.sig", fs_err::read(format!("{fixture}/{curve}.sig")).unwrap());
        bench.settle();
        let key = Digest::of(&fs_err::read(&bench.settings.publisher_keys_file).unwrap());
        let version = bench.version("iris", 1);
        assert_eq!((version.status, version.signer), (Status::Admitted, Some(key)), "{curve}");
    }
}

#[test]
fn a_signature_that_does_not_fit_is_refused_also_where_none_is_required() {
    let mut bench = trusting(&[1]);
    bench.drop_signed("a/1", &testkit::linear("a", 1.0), 2);
    // Another model's.
    bench.drop_signed("a/2", &testkit::linear("a", 2.0), 1);
    bench.drop("a/3", &testkit::linear("a", 3.0));
    let foreign = fs_err::read(bench.folder("a/2/model.sig")).unwrap();
    bench.write("a/3/model.sig", foreign);
    bench.drop_signed("a/4", &testkit::linear("a", 4.0), 1);
    bench.write("a/4/README.md", "slipped in");
    bench.drop("a/5", &testkit::linear("a", 5.0));
    bench.write("a/5/README.md", "signed");
    bench.sign("a/5", 1);
    bench.write("a/5/README.md", "changed");
    bench.drop("a/6", &testkit::linear("a", 6.0));
    bench.write("a/6/model.sig", "{");
    bench.look_times(15);
    let refusals = [1, 3, 4, 5, 6].map(|version| bench.refusal("a", version));
    assert_eq!(
        refusals[0],
        format!("signature: model.sig: signed by the key {}, which is no publisher key", id(2).hex())
    );
    assert!(refusals[1].starts_with("signature: model.sig: `golden.jsonl` is not what was signed"));
    assert_eq!(refusals[2], "signature: model.sig: `README.md` was not signed; remove it, or sign again");
    assert!(refusals[3].starts_with("signature: model.sig: `README.md` is not what was signed"));
    assert!(refusals[4].starts_with("signature: model.sig: no signature bundle: EOF"), "{}", refusals[4]);
    assert!([1, 3, 4, 5, 6].iter().all(|version| bench.status("a", *version) == Status::Rejected));
    assert!([1, 3, 4, 5, 6].iter().all(|version| bench.signer(*version).is_none()));
    assert_eq!(bench.serving("a"), [2]);
}

#[test]
fn where_a_signature_is_required_a_version_waits_for_it_and_is_given_up_after_a_minute() {
    let mut bench = trusting(&[1]);
    bench.require("");
    bench.drop("a/1", &testkit::linear("a", 1.0));
    bench.drop("a/2", &testkit::linear("a", 2.0));
    bench.look_times(4);
    let why = "signature: `model.sig` is missing, and policy.toml requires a signature";
    for version in [1, 2] {
        assert_eq!((bench.status("a", version), bench.refusal("a", version)), (Status::Pending, why.into()));
    }
    bench.look_after(50);
    bench.sign("a/2", 1);
    bench.settle();
    assert_eq!((bench.status("a", 2), bench.signer(2)), (Status::Admitted, Some(id(1))));
    bench.look_after(60);
    assert_eq!(bench.status("a", 1), Status::Incomplete);
    assert_eq!(bench.refusal("a", 1), format!("{why}, and nothing has changed for 60 s"));
    bench.sign("a/1", 1);
    bench.settle();
    assert_eq!(bench.status("a", 1), Status::Admitted, "it came after all");
}

#[test]
fn what_the_repository_requires_holds_for_a_model_that_does_not_say_otherwise() {
    let mut bench = trusting(&[1]);
    bench.write("policy.toml", "[require]\nsignature = true\n");
    bench.drop("a/1", &testkit::linear("a", 1.0));
    bench.drop("b/1", &testkit::linear("b", 1.0));
    bench.write("b/policy.toml", "[require]\nsignature = false\n");
    bench.look_times(4);
    assert_eq!((bench.status("a", 1), bench.status("b", 1)), (Status::Pending, Status::Admitted));
    assert!(bench.refusal("a", 1).starts_with("signature: `model.sig` is missing"));
    // A restart over a policy that cannot be read does not let it pass.
    bench.write("policy.toml", "[require]\nsignature = maybe\n");
    bench.restart();
    bench.look_times(4);
    assert_eq!(bench.status("a", 1), Status::Pending);
    bench.write("policy.toml", "");
    bench.look_times(10);
    assert_eq!(bench.status("a", 1), Status::Admitted);
}

#[test]
fn a_file_that_was_signed_and_is_not_there_yet_is_waited_for() {
    let mut bench = trusting(&[1]);
    bench.drop("a/1", &testkit::linear("a", 1.0));
    bench.write("a/1/README.md", "signed");
    bench.sign("a/1", 1);
    fs_err::remove_file(bench.folder("a/1/README.md")).unwrap();
    bench.look_times(10);
    assert_eq!(bench.status("a", 1), Status::Pending);
    assert_eq!(bench.refusal("a", 1), "signature: model.sig: `README.md` was signed and is missing");
    bench.write("a/1/README.md", "signed");
    bench.settle();
    assert_eq!(bench.status("a", 1), Status::Admitted);
}

#[test]
fn where_a_signature_is_required_an_old_model_returns_only_under_a_number_that_the_policy_names() {
    let mut bench = trusting(&[1]);
    bench.require("");
    bench.drop_signed("a/1", &testkit::linear("a", 1.0), 1);
    bench.settle();
    bench.drop_signed("a/2", &testkit::linear("a", 2.0), 1);
    bench.settle();
    bench.remove("a/1");
    bench.settle_all();
    assert_eq!((bench.status("a", 1), bench.status("a", 2)), (Status::Withdrawn, Status::Admitted));

    bench.drop_signed("a/3", &testkit::linear("a", 1.0), 1);
    bench.settle();
    let refused = "signature: these are the bytes of version 1; where a signature is required, they come back under \
                   a new number only if policy.toml names that one, in `serve = […]` or by a label";
    assert_eq!((bench.status("a", 3), bench.refusal("a", 3)), (Status::Rejected, refused.into()));
    assert_eq!(bench.serving("a"), [2]);
    for other in ["serve = [2]", "labels = { old = 2 }"] {
        bench.require(other);
        bench.look_times(3);
        assert_eq!(bench.status("a", 3), Status::Rejected, "{other}");
    }
    bench.require("serve = [3]");
    bench.look_times(3);
    assert_eq!((bench.status("a", 3), bench.serving("a")), (Status::Admitted, vec![3]));

    // Under a number that had these bytes already, they are no old model.
    bench.drop_signed("a/1", &testkit::linear("a", 1.0), 1);
    bench.require("labels = { again = 4 }");
    bench.drop_signed("a/4", &testkit::linear("a", 2.0), 1);
    bench.look_times(3);
    assert_eq!((bench.status("a", 1), bench.status("a", 4)), (Status::Admitted, Status::Admitted));
}

#[test]
fn where_no_signature_is_required_the_same_bytes_may_be_another_version() {
    let mut bench = trusting(&[1]);
    for version in 1..=2 {
        bench.drop_signed(&format!("a/{version}"), &testkit::linear("a", 1.0), 1);
        bench.settle();
    }
    assert_eq!(bench.serving("a"), [2]);
}

#[test]
fn a_signature_that_comes_after_a_version_was_admitted_is_noted_or_told() {
    let mut bench = trusting(&[1]);
    for version in 1..=2 {
        bench.drop(&format!("a/{version}"), &testkit::linear("a", version as f64));
    }
    bench.look_times(3);
    assert_eq!((bench.signer(1), bench.signer(2)), (None, None));
    // Nothing else is asked of it, whatever is asked of others by now.
    bench.write("a/policy.toml", "[require.latency]\nbudget_ns_per_row = 1e-9\n");
    bench.settle();
    bench.sign("a/1", 1);
    bench.sign("a/2", 2);
    bench.look_times(8);
    assert_eq!((bench.signer(1), bench.version("a", 1).refusal), (Some(id(1)), None));
    assert!(bench.refusal("a", 2).starts_with("signature: model.sig: signed by the key"));
    assert_eq!((bench.status("a", 2), bench.serving("a")), (Status::Admitted, vec![2]), "it serves on");
}

#[test]
fn without_publisher_keys_a_signature_is_noted_and_none_can_be_required() {
    let mut bench = Bench::new();
    bench.drop_signed("a/1", &testkit::linear("a", 1.0), 1);
    bench.settle();
    assert_eq!((bench.status("a", 1), bench.signer(1)), (Status::Admitted, None));
    assert_eq!(bench.found(1), "signed, but no publisher key is set (publisher_keys_file)");
    bench.require("");
    bench.drop_signed("a/2", &testkit::linear("a", 2.0), 1);
    bench.look_times(3);
    assert_eq!(bench.status("a", 2), Status::Pending);
    assert_eq!(
        bench.refusal("a", 2),
        "signature: policy.toml requires a signature, and no publisher key is set (publisher_keys_file)"
    );
    bench.trust(&[1]);
    bench.restart();
    bench.look_times(3);
    assert_eq!((bench.signer(1), bench.signer(2)), (Some(id(1)), Some(id(1))));
    assert_eq!(bench.serving("a"), [2]);
}

#[test]
fn a_file_that_holds_no_publisher_keys_is_a_mistake_of_the_configuration() {
    let mut bench = Bench::idle();
    bench.trust(&[1]);
    let say = |bench: &Bench| bench.open().map(drop).unwrap_err();
    fs_err::write(&bench.settings.publisher_keys_file, "hunter2").unwrap();
    let error = say(&bench);
    assert!(error.is_config());
    assert_eq!(
        error.to_string(),
        "publisher_keys_file: line 1: only public keys (`BEGIN PUBLIC KEY`) and comments (`# name`) belong here"
    );
    fs_err::remove_file(&bench.settings.publisher_keys_file).unwrap();
    let error = say(&bench);
    assert!(error.is_config() && error.to_string().starts_with("publisher_keys_file: "), "{error}");
}
