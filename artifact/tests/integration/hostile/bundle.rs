//! Signatures that the real tool made, and every way in which one does not belong to the files that lie beside it.

use std::collections::BTreeMap;

use artifact::{
    Digest,
    bundle::{self, BundleError, PublisherKeys},
    testkit::{Publisher, statement},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

const CURVES: [&str; 3] = ["p256", "p384", "p521"];

fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/signed");
    fs_err::read(format!("{folder}/{name}")).unwrap()
}

fn keys_of(curves: &[&str]) -> PublisherKeys {
    let pems = curves.iter().map(|curve| String::from_utf8(fixture(&format!("{curve}.pem"))).unwrap());
    PublisherKeys::from_pem(&pems.collect::<String>()).unwrap()
}

/// What lies in the fixture's folder.
fn model() -> BTreeMap<String, Digest> {
    let names = ["README.md", "golden.jsonl", "manifest.json", "model.safetensors"];
    names.map(|name| (name.to_owned(), Digest::of(&fixture(&format!("model/{name}"))))).into()
}

fn publisher() -> (Publisher, PublisherKeys) {
    let publisher = Publisher::new(7);
    let keys = PublisherKeys::from_pem(&publisher.public_key()).unwrap();
    (publisher, keys)
}

fn say<T: std::fmt::Debug>(result: Result<T, BundleError>) -> String {
    result.unwrap_err().to_string()
}

/// Why a genuine signature over a changed statement is refused.
fn statement_error(change: impl FnOnce(&mut Value)) -> String {
    let (publisher, keys) = publisher();
    let mut signed = statement(&model());
    change(&mut signed);
    let bundle = publisher.bundle(&signed).to_string();
    say(bundle::verify(bundle.as_bytes(), &model(), &keys))
}

/// Why a bundle is refused that was changed after it was signed.
fn bundle_error(change: impl FnOnce(&mut Value)) -> String {
    let (publisher, keys) = publisher();
    let mut bundle = publisher.bundle(&statement(&model()));
    change(&mut bundle);
    say(bundle::verify(bundle.to_string().as_bytes(), &model(), &keys))
}

#[test]
fn what_the_real_tool_signed_is_believed_on_every_curve_and_the_key_is_named() {
    let all = keys_of(&CURVES);
    for curve in CURVES {
        let own = keys_of(&[curve]);
        let id = own.iter().next().unwrap().id();
        let bundle = fixture(&format!("{curve}.sig"));
        assert_eq!(bundle::verify(&bundle, &model(), &own).unwrap().id(), id, "{curve}");
        assert_eq!(bundle::verify(&bundle, &model(), &all).unwrap().id(), id, "{curve} among others");
        let hint = serde_json::from_slice::<Value>(&bundle).unwrap();
        assert_eq!(hint["verificationMaterial"]["publicKey"]["hint"], id.hex());
    }
}

#[test]
fn a_signature_by_a_key_that_is_not_trusted_is_refused_on_every_curve() {
    for (curve, other) in [("p256", "p384"), ("p384", "p521"), ("p521", "p256")] {
        let id = keys_of(&[curve]).iter().next().unwrap().id().hex();
        let error = say(bundle::verify(&fixture(&format!("{curve}.sig")), &model(), &keys_of(&[other])));
        assert_eq!(error, format!("signed by the key {id}, which is no publisher key"));
        let nobody = PublisherKeys::default();
        let unknown = bundle::verify(&fixture(&format!("{curve}.sig")), &model(), &nobody);
        assert!(matches!(unknown, Err(BundleError::UnknownKey { .. })));
    }
}

#[test]
fn a_hint_that_names_another_trusted_key_is_refused_and_one_that_is_absent_is_not_needed() {
    let all = keys_of(&CURVES);
    for curve in CURVES {
        let mut bundle: Value = serde_json::from_slice(&fixture(&format!("{curve}.sig"))).unwrap();
        let verify = |bundle: &Value, keys| bundle::verify(bundle.to_string().as_bytes(), &model(), keys);
        for key in all.iter().filter(|key| key.id() != keys_of(&[curve]).iter().next().unwrap().id()) {
            bundle["verificationMaterial"]["publicKey"]["hint"] = json!(key.id().hex());
            let error = say(verify(&bundle, &all));
            assert_eq!(error, format!("the signature is not by the publisher key {}", key.id().hex()));
        }
        // As tools before 1.1 wrote it.
        bundle["verificationMaterial"]["publicKey"] = json!({ "rawBytes": "AAAA" });
        assert!(verify(&bundle, &all).is_ok());
        let others: Vec<_> = CURVES.into_iter().filter(|other| *other != curve).collect();
        let error = say(verify(&bundle, &keys_of(&others)));
        assert_eq!(error, "the signature is by none of the publisher keys");
    }
}

#[test]
fn files_that_are_not_what_was_signed_are_refused_by_name() {
    let (bundle, keys) = (fixture("p256.sig"), keys_of(&["p256"]));
    for name in model().keys() {
        let mut bytes = fixture(&format!("model/{name}"));
        bytes[0] ^= 1;
        let mut files = model();
        let signed = files.insert(name.clone(), Digest::of(&bytes)).unwrap().hex();
        assert_eq!(
            say(bundle::verify(&bundle, &files, &keys)),
            format!(
                "`{name}` is not what was signed; it has the hash {}, signed was {signed}",
                Digest::of(&bytes).hex()
            )
        );
        files.remove(name);
        assert_eq!(
            say(bundle::verify(&bundle, &files, &keys)),
            format!("`{name}` was signed and is missing")
        );
    }
    for name in ["A", "a/b", "manifest.json.bak", ".git", "zzz"] {
        let mut files = model();
        files.insert(name.to_owned(), Digest::of(b""));
        assert_eq!(
            say(bundle::verify(&bundle, &files, &keys)),
            format!("`{name}` was not signed; remove it, or sign again")
        );
    }
}

#[test]
fn a_statement_must_be_one_over_the_files_of_one_model() {
    let set = |pointer: &'static str, value: Value| {
        statement_error(move |signed| *signed.pointer_mut(pointer).unwrap() = value)
    };
    assert_eq!(
        set("/_type", json!("https://in-toto.io/Statement/v0.1")),
        "signed, but a statement of the type `https://in-toto.io/Statement/v0.1`"
    );
    assert_eq!(
        set("/predicateType", json!("https://model_signing/Digests/v0.1")),
        "signed, but of the kind `https://model_signing/Digests/v0.1`"
    );
    assert_eq!(set("/subject", json!([])), "signed, but about 0 subjects, not one");
    let subject = json!({ "digest": { "sha256": "" } });
    assert_eq!(set("/subject", json!([subject, subject])), "signed, but about 2 subjects, not one");
    assert_eq!(
        set("/subject/0/digest/sha256", json!(Digest::of(b"").hex())),
        "signed, but the hash of all files together is not that of the subject"
    );
    for pointer in ["/subject", "/predicate", "/predicate/resources/0/name"] {
        assert!(set(pointer, json!(1)).starts_with("signed, but no statement: invalid type"), "{pointer}");
    }
    let error = statement_error(|signed| drop(signed.as_object_mut().unwrap().remove("predicate")));
    assert!(error.starts_with("signed, but no statement: missing field `predicate`"), "{error}");
}

#[test]
fn a_statement_must_cover_whole_files_without_exception() {
    let set = |name: &'static str, value: Value| {
        statement_error(move |signed| signed["predicate"]["serialization"][name] = value)
    };
    assert_eq!(
        set("method", json!("shards")),
        "signed by the method `shards`; only whole files are verified (`files`)"
    );
    assert_eq!(
        set("hash_type", json!("blake2b")),
        "signed with the hash `blake2b`; only `sha256` is verified"
    );
    assert_eq!(
        set("allow_symlinks", json!(true)),
        "signed with symbolic links followed; sign without `--allow_symlinks`"
    );
    for path in ["golden.jsonl", "README.md", "sub/.git", "old.sig", ""] {
        assert_eq!(
            set("ignore_paths", json!([".git", path])),
            format!("signed with `{path}` left out; sign without `--ignore-paths`")
        );
    }
    for name in ["method", "hash_type", "allow_symlinks"] {
        let error = statement_error(|signed| {
            signed["predicate"]["serialization"].as_object_mut().unwrap().remove(name);
        });
        assert!(error.starts_with(&format!("signed, but no statement: missing field `{name}`")), "{error}");
    }
    // Optional, and there may be more in an entry than is known.
    let (publisher, keys) = publisher();
    let mut signed = statement(&model());
    signed["predicate"]["serialization"].as_object_mut().unwrap().remove("ignore_paths");
    signed["predicate"]["resources"][0]["media_type"] = json!("text/markdown");
    let bundle = publisher.bundle(&signed).to_string();
    assert!(bundle::verify(bundle.as_bytes(), &model(), &keys).is_ok());
}

#[test]
fn the_files_of_a_statement_are_plain_names_in_order_each_with_a_hash() {
    let resource = |name: &str| json!({ "name": name, "algorithm": "sha256", "digest": "0".repeat(64) });
    let list = |resources: Vec<Value>| {
        statement_error(move |signed| signed["predicate"]["resources"] = json!(resources))
    };
    assert_eq!(list(Vec::new()), "signed over 0 files, not 1 to 100");
    let many: Vec<_> = (100..201).map(|number| resource(&number.to_string())).collect();
    assert_eq!(list(many), "signed over 101 files, not 1 to 100");
    for [first, second] in [["b", "a"], ["a", "a"], ["a", "B"]] {
        assert_eq!(
            list(vec![resource(first), resource(second)]),
            format!("signed, but the files are not in order, or twice: `{second}`")
        );
    }
    for name in ["", "/a", "a/", "a//b", ".", "./a", "a/./b", "..", "../a", "a/../b", "a\0"] {
        assert_eq!(list(vec![resource(name)]), format!("signed, but `{name}` is no plain relative path"));
    }
    let set = |field: &'static str, value: &str| {
        let mut resource = resource("a");
        resource[field] = json!(value);
        list(vec![resource])
    };
    assert_eq!(set("algorithm", "md5"), "signed, but `a` is hashed by `md5`");
    for hash in ["", "0", &"A".repeat(64), &format!("sha256:{}", "0".repeat(64))] {
        assert_eq!(set("digest", hash), "signed, but `a` has no hash");
    }
}

#[test]
fn a_bundle_must_be_one_signature_by_a_key_over_a_statement() {
    let set = |pointer: &'static str, value: Value| {
        bundle_error(move |bundle| *bundle.pointer_mut(pointer).unwrap() = value)
    };
    assert_eq!(
        set("/mediaType", json!("application/vnd.dev.sigstore.bundle+json;version=0.2")),
        "a bundle of the type `application/vnd.dev.sigstore.bundle+json;version=0.2`, not \
         `application/vnd.dev.sigstore.bundle.v0.3+json`"
    );
    for method in ["certificate", "x509CertificateChain"] {
        let error = bundle_error(|bundle| bundle["verificationMaterial"][method] = json!({}));
        assert_eq!(
            error,
            "signed by a certificate; only signatures by a key are verified (`model_signing sign key`)"
        );
    }
    assert_eq!(
        set("/dsseEnvelope/payloadType", json!("text/plain")),
        "it signs a document of the type `text/plain`, not `application/vnd.in-toto+json`"
    );
    assert_eq!(set("/dsseEnvelope/signatures", json!([])), "it has 0 signatures, not one");
    let signature = json!({ "sig": "" });
    assert_eq!(
        set("/dsseEnvelope/signatures", json!([signature, signature])),
        "it has 2 signatures, not one"
    );
    assert_eq!(set("/dsseEnvelope/payload", json!("@")), "its payload is not base64");
    assert_eq!(set("/dsseEnvelope/signatures/0/sig", json!("@")), "its signature is not base64");
    let id = publisher().1.iter().next().unwrap().id().hex();
    for signature in ["", "AAAA"] {
        assert_eq!(
            set("/dsseEnvelope/signatures/0/sig", json!(signature)),
            format!("the signature is not by the publisher key {id}")
        );
    }
    for pointer in ["/mediaType", "/verificationMaterial", "/dsseEnvelope", "/dsseEnvelope/payload"] {
        assert!(set(pointer, json!(1)).starts_with("no signature bundle: invalid type"), "{pointer}");
    }
    let error = bundle_error(|bundle| bundle["messageSignature"] = json!({}));
    assert!(error.starts_with("no signature bundle: unknown field `messageSignature`"), "{error}");
}

#[test]
fn a_genuine_signature_over_a_document_of_another_type_is_refused() {
    let (publisher, keys) = publisher();
    let mut bundle = publisher.seal("text/plain", &statement(&model()).to_string());
    let verify = |bundle: &Value| say(bundle::verify(bundle.to_string().as_bytes(), &model(), &keys));
    assert!(verify(&bundle).starts_with("it signs a document of the type `text/plain`"));
    bundle["dsseEnvelope"]["payloadType"] = json!("application/vnd.in-toto+json");
    assert!(verify(&bundle).starts_with("the signature is not by the publisher key"));
    let bundle = publisher.seal("application/vnd.in-toto+json", "hello");
    assert!(verify(&bundle).starts_with("signed, but no statement: expected value"));
}

#[test]
fn what_is_no_bundle_is_refused_whatever_it_is() {
    let keys = keys_of(&["p256"]);
    let whole = fixture("p256.sig");
    let twice = String::from_utf8(whole.clone()).unwrap().replacen('{', r#"{"mediaType":"","#, 1);
    let deep = "[".repeat(100_000);
    let bytes: [&[u8]; 7] =
        [b"", b"{}", b"null", &whole[..whole.len() - 1], b"\xff", twice.as_bytes(), deep.as_bytes()];
    for bytes in bytes {
        let error = say(bundle::verify(bytes, &model(), &keys));
        assert!(error.starts_with("no signature bundle: "), "{error}");
    }
    let mut long = whole;
    long.resize(4 << 20, b' ');
    assert!(bundle::verify(&long, &model(), &keys).is_ok());
    long.push(b' ');
    assert_eq!(say(bundle::verify(&long, &model(), &keys)), "it has 4194305 bytes, the limit is 4194304");
}

#[test]
fn both_alphabets_of_base64_are_read() {
    let keys = keys_of(&CURVES);
    let mut differ = 0;
    for curve in CURVES {
        let mut bundle: Value = serde_json::from_slice(&fixture(&format!("{curve}.sig"))).unwrap();
        for pointer in ["/dsseEnvelope/payload", "/dsseEnvelope/signatures/0/sig"] {
            let text = bundle.pointer(pointer).unwrap().as_str().unwrap().to_owned();
            let other = text.replace('+', "-").replace('/', "_");
            differ += usize::from(other != text);
            *bundle.pointer_mut(pointer).unwrap() = json!(other);
        }
        assert!(bundle::verify(bundle.to_string().as_bytes(), &model(), &keys).is_ok(), "{curve}");
    }
    assert!(differ > 0, "the fixtures have none of the letters that differ");
}

/// The bits of `bytes` that can be flipped, every `step`th, so that `verify` still believes them.
fn believed(bytes: &[u8], step: usize, verify: impl Fn(&[u8]) -> bool) -> Vec<usize> {
    let mut flipped = bytes.to_vec();
    let mut believed = Vec::new();
    for bit in (0..bytes.len() * 8).step_by(step) {
        flipped[bit / 8] ^= 1 << (bit % 8);
        if verify(&flipped) {
            believed.push(bit);
        }
        flipped[bit / 8] ^= 1 << (bit % 8);
    }
    believed
}

#[test]
fn no_flipped_bit_of_what_was_signed_or_of_the_signature_is_believed() {
    for curve in CURVES {
        let (keys, files) = (keys_of(&[curve]), model());
        let bundle: Value = serde_json::from_slice(&fixture(&format!("{curve}.sig"))).unwrap();
        // Odd steps meet each of the eight bits. What is signed is hashed alike on every curve.
        for (pointer, step) in [("/dsseEnvelope/payload", 41), ("/dsseEnvelope/signatures/0/sig", 1)] {
            let bytes = STANDARD.decode(bundle.pointer(pointer).unwrap().as_str().unwrap()).unwrap();
            let verify = |bytes: &[u8]| {
                let mut bundle = bundle.clone();
                *bundle.pointer_mut(pointer).unwrap() = json!(STANDARD.encode(bytes));
                bundle::verify(bundle.to_string().as_bytes(), &files, &keys).is_ok()
            };
            assert!(verify(&bytes), "{curve}: {pointer} as it is");
            assert_eq!(believed(&bytes, step, verify), Vec::<usize>::new(), "{curve}: {pointer}");
        }
    }
}

#[test]
fn a_flipped_bit_of_the_file_is_believed_only_where_nothing_is_read() {
    let (keys, files, bundle) = (keys_of(&["p256"]), model(), fixture("p256.sig"));
    let text = String::from_utf8(bundle.clone()).unwrap();
    // The names of what may be absent, and the values that say nothing.
    let unread = [r#""publicKey""#, r#""hint""#, r#""tlogEntries":[]"#, r#""keyid":"""#].map(|part| {
        let start = text.find(part).unwrap();
        start..start + part.len()
    });
    let believed = believed(&bundle, 3, |bytes| bundle::verify(bytes, &files, &keys).is_ok());
    assert!(!believed.is_empty(), "names that are not read can be changed");
    for bit in believed {
        let byte = bit / 8;
        assert!(
            unread.iter().any(|part| part.contains(&byte)),
            "bit {bit}, in {}",
            &text[byte - 9..byte + 9]
        );
    }
}
