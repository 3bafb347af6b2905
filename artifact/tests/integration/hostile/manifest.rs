//! manifest.json.

use artifact::{
    FeatureKind, Manifest,
    feature::Statistics,
    testkit::{Parts, binary, clusters, linear},
};
use serde_json::json;

use super::manifest_error;

#[test]
fn an_unknown_field_is_refused_at_every_level() {
    let pack = linear("a", 2.0);
    for place in ["", "/steps/0", "/inputs/0", "/output", "/files/0", "/training"] {
        let error = manifest_error(&pack, |manifest| {
            manifest.pointer_mut(place).unwrap()["surprise"] = json!(1);
        });
        assert!(error.starts_with("unknown field `surprise`"), "{place}: {error}");
    }
}

#[test]
fn another_format_is_refused() {
    assert_eq!(
        manifest_error(&linear("a", 2.0), |manifest| manifest["format"] = json!("linfa-serve/2")),
        "the format is `linfa-serve/2`, this release reads `linfa-serve/1`"
    );
}

#[test]
fn an_unknown_step_is_refused() {
    let error = manifest_error(&linear("a", 2.0), |manifest| manifest["steps"][0]["kind"] = json!("oracle"));
    assert!(
        error.starts_with("unknown variant `oracle`, expected one of `averaging_forest`, `bernoulli_nb`"),
        "{error}"
    );
}

#[test]
fn no_steps_and_too_many_are_refused() {
    let pack = linear("a", 2.0);
    assert_eq!(
        manifest_error(&pack, |manifest| manifest["steps"] = json!([])),
        "steps: 0 of them, where 1 to 16 are allowed"
    );
    assert_eq!(
        manifest_error(&pack, |manifest| {
            manifest["steps"] = json!(vec![manifest["steps"][0].clone(); 17]);
        }),
        "steps: 17 of them, where 1 to 16 are allowed"
    );
    assert_eq!(
        manifest_error(&pack, |manifest| manifest["inputs"] = json!([])),
        "inputs: 0 of them, where 1 to 100000 are allowed"
    );
    assert_eq!(
        manifest_error(&clusters("a"), |manifest| manifest["output"]["clusters"] = json!(100_001)),
        "clusters: 100001 of them, where 1 to 100000 are allowed"
    );
}

#[test]
fn names_that_are_empty_long_or_unprintable_are_refused() {
    let refusal =
        |name: &str| manifest_error(&binary("a"), |manifest| manifest["output"]["classes"][1] = json!(name));
    let rule = "is empty, longer than 256 bytes or holds control characters";
    assert_eq!(refusal(""), format!("classes: `` {rule}"));
    assert_eq!(refusal(&"n".repeat(257)), format!("classes: `{}` {rule}", "n".repeat(64)));
    assert_eq!(refusal("yes\u{1b}[2J"), format!("classes: `yes\\u{{1b}}[2J` {rule}"));
}

#[test]
fn a_name_that_occurs_twice_is_refused() {
    assert_eq!(
        manifest_error(&linear("a", 2.0), |manifest| manifest["inputs"][1]["name"] = json!("x")),
        "inputs: `x` occurs twice"
    );
    assert_eq!(
        manifest_error(&binary("a"), |manifest| manifest["output"]["classes"][1] = json!("no")),
        "classes: `no` occurs twice"
    );
}

#[test]
fn statistics_out_of_order_are_refused() {
    for (field, value) in [("min", 9.0), ("max", -9.0), ("std", -1.0)] {
        assert_eq!(
            manifest_error(&linear("a", 2.0), |manifest| manifest["inputs"][1][field] = json!(value)),
            "inputs: the statistics of `y` are not finite or not in order",
            "{field}"
        );
    }
    assert_eq!(
        manifest_error(&linear("a", 2.0), |manifest| manifest["inputs"][0]["deciles"][4] = json!(1e9)),
        "inputs: the statistics of `x` are not finite or not in order"
    );
}

#[test]
fn statistics_that_are_no_numbers_are_refused() {
    let manifest = String::from_utf8(Parts::of(&linear("a", 2.0)).files().manifest).unwrap();
    for (value, error) in [
        ("NaN", "expected value at line"),
        ("null", "`x`: a number needs the field `min` at line"),
        ("1e999", "number out of range at line"),
    ] {
        let spoilt = manifest.replacen("\"min\": -4.0", &format!("\"min\": {value}"), 1);
        assert_ne!(spoilt, manifest);
        let found = Manifest::parse(spoilt.as_bytes()).unwrap_err().to_string();
        assert!(found.starts_with(error), "{value}: {found}");
    }
}

#[test]
fn statistics_that_json_cannot_hold_are_not_written() {
    let mut manifest = Manifest::parse(&Parts::of(&linear("a", 2.0)).files().manifest).unwrap();
    for value in [f64::NAN, f64::INFINITY] {
        manifest.inputs[0].kind = FeatureKind::Number {
            statistics: Statistics { std: value, ..Statistics::default() },
            missing: false,
        };
        assert_eq!(
            manifest.to_bytes().unwrap_err().to_string(),
            "inputs: the statistics of `x` are not finite or not in order"
        );
    }
}

#[test]
fn exactly_the_two_other_files_are_listed() {
    let pack = linear("a", 2.0);
    let not_once = |name| format!("files: `{name}` is not listed exactly once");
    assert_eq!(
        manifest_error(&pack, |manifest| drop(manifest["files"].as_array_mut().unwrap().pop())),
        not_once("golden.jsonl")
    );
    assert_eq!(
        manifest_error(&pack, |manifest| {
            let first = manifest["files"][0].clone();
            manifest["files"].as_array_mut().unwrap().push(first);
        }),
        not_once("model.safetensors")
    );
    assert_eq!(
        manifest_error(&pack, |manifest| {
            let mut entry = manifest["files"][0].clone();
            entry["name"] = json!("manifest.json");
            manifest["files"].as_array_mut().unwrap().push(entry);
        }),
        not_once("manifest.json")
    );
    let error = manifest_error(&pack, |manifest| manifest["files"][0]["name"] = json!("../../etc/passwd"));
    assert!(error.starts_with("unknown variant `../../etc/passwd`"), "{error}");
}

#[test]
fn files_over_their_limit_are_refused_before_they_are_read() {
    let pack = linear("a", 2.0);
    assert_eq!(
        manifest_error(&pack, |manifest| manifest["files"][0]["size"] = json!((128_u64 << 20) + 1)),
        "files: `model.safetensors` has 134217729 bytes, the limit is 134217728"
    );
    assert_eq!(
        manifest_error(&pack, |manifest| manifest["files"][1]["size"] = json!((16_u64 << 20) + 1)),
        "files: `golden.jsonl` has 16777217 bytes, the limit is 16777216"
    );
}

#[test]
fn what_just_keeps_the_limits_is_read() {
    let files = Parts::of(&binary("a")).edit_manifest(|manifest| {
        manifest["steps"] = json!(vec![manifest["steps"][0].clone(); 16]);
        manifest["output"]["classes"][1] = json!("n".repeat(256));
        manifest["files"][0]["size"] = json!(128_u64 << 20);
        manifest["files"][1]["size"] = json!(16_u64 << 20);
    });
    let manifest = Manifest::parse(&files.files().manifest).unwrap();
    assert_eq!(manifest.steps.len(), 16);
    assert_eq!(manifest.output.names()[1].len(), 256);
    let sizes: Vec<_> = manifest.files.iter().map(|file| file.size).collect();
    assert_eq!(sizes, [128 << 20, 16 << 20]);
}

#[test]
fn digests_and_names_have_one_spelling() {
    let pack = linear("a", 2.0);
    let error = manifest_error(&pack, |manifest| manifest["files"][0]["digest"] = json!("sha256:AB"));
    assert!(error.starts_with("a digest is `sha256:` and 64 lower-case hexadecimal digits"), "{error}");
    let error = manifest_error(&pack, |manifest| manifest["name"] = json!("../a"));
    assert!(error.starts_with("a model's name is a lower-case letter"), "{error}");
}

#[test]
fn a_manifest_cut_anywhere_is_refused() {
    let manifest = Parts::of(&linear("a", 2.0)).files().manifest;
    let whole = manifest.trim_ascii_end().len();
    let accepted: Vec<_> = (0..whole).filter(|end| Manifest::parse(&manifest[..*end]).is_ok()).collect();
    assert_eq!(accepted, Vec::<usize>::new(), "of {whole} lengths");
}
