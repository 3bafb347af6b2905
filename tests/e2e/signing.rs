//! Models signed by the real tool: on every curve, by the lines of the README, and whatever is changed afterwards.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use client::pb::{ModelVersion, model_version::State};

use crate::{
    command::{PATIENCE, run, said, stdout, wait_for},
    readme::blocks,
    stack::{Copy, Stack},
};

/// By openssl's names.
const CURVES: [&str; 3] = ["prime256v1", "secp384r1", "secp521r1"];
const FILES: [&str; 5] = ["manifest.json", "model.safetensors", "golden.jsonl", "README.md", "model.sig"];

/// Builds the tool's image, once for all tests.
fn build_signer() -> &'static str {
    static BUILT: OnceLock<String> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/signer");
        stdout(Command::new("docker").args(["build", "--quiet", folder])).trim().to_owned()
    })
}

/// A shell in the copy in which `model_signing` is the tool in its container, without a network.
fn shell(copy: &Copy, commands: &str) -> String {
    let tool = format!(
        "model_signing() {{ docker run --rm --network none --user \"$(id -u):$(id -g)\" \
         --volume \"$PWD:/work\" --workdir /work {} \"$@\"; }}\n{commands}",
        build_signer()
    );
    stdout(&mut copy.command("sh", &["-euc", &tool]))
}

/// Makes a key pair, as the README does: `NAME.key` and `NAME.pem`.
fn make_key(copy: &Copy, curve: &str, name: &str) {
    shell(
        copy,
        &format!(
            "openssl ecparam -name {curve} -genkey -noout -out {name}.key\n\
             openssl ec -in {name}.key -pubout -out {name}.pem"
        ),
    );
}

fn sign(copy: &Copy, folder: &str, key: &str) {
    shell(
        copy,
        &format!("model_signing sign key {folder} --private_key {key}.key --signature {folder}/model.sig"),
    );
}

/// What a key is called by: the hash of its file.
fn id(copy: &Copy, name: &str) -> String {
    let hash = shell(copy, &format!("sha256sum {name}.pem"));
    hash.split_whitespace().next().unwrap().to_owned()
}

fn duplicate(from: &Path, to: &Path) {
    fs_err::create_dir(to).unwrap();
    for file in fs_err::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs_err::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// Changes one byte, so that JSON stays JSON.
fn spoil(file: &Path) {
    let mut bytes = fs_err::read(file).unwrap();
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) if file.ends_with("manifest.json") => bytes[end] = b' ',
        _ => {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }
    }
    fs_err::write(file, bytes).unwrap();
}

/// The sidecar that is told to trust `pem`, and to give up soon.
fn trust(stack: &Stack, pem: &str) {
    let copy = &stack.copy;
    fs_err::write(copy.path("secrets/publisher_keys.pem"), pem).unwrap();
    let [_, compose, _] = &blocks(copy, "Sign a version")[..] else { panic!("the README's three steps") };
    fs_err::write(
        copy.path("sidecar.env"),
        copy.read("sidecar.env") + "\nLINFA_SIDECAR__SETTLE__INCOMPLETE_SECONDS=5\n",
    )
    .unwrap();
    shell(copy, compose);
}

impl Stack {
    fn wait_for_state(&self, version: u64, state: State) -> ModelVersion {
        let what = format!("version {version} is {state:?}");
        let mut seen = None;
        let found = wait_for(&what, PATIENCE * 2, || {
            let found = self.version_of("iris", version);
            if found != seen {
                println!("version {version}: {found:?}");
                seen = found.clone();
            }
            found.filter(|found| found.state() == state)
        });
        found.0
    }
}

#[test]
fn the_lines_of_the_readme_sign_a_version_and_require_it() {
    let stack = Stack::up();
    let copy = &stack.copy;
    let [sign, compose, require] = &blocks(copy, "Sign a version")[..] else {
        panic!("the README's three steps")
    };
    shell(copy, sign);
    shell(copy, compose);
    let version = stack.wait_for_state(2, State::Serving);
    assert_eq!(version.signer, format!("sha256:{}", id(copy, "secrets/publisher_keys")));
    let listed = copy.linfactl(&["models"]);
    assert!(said(&listed).contains(&version.signer[7..19]), "{}", said(&listed));

    shell(copy, require);
    // What is required must be known before the version is there.
    let probe = copy.path("models/iris/1/README.md");
    assert!(probe.exists(), "the model has a card");
    duplicate(&copy.path("models/iris/1"), &copy.path("models/iris/3"));
    let version = stack.wait_for_state(3, State::Pending);
    wait_for("the reason is told", PATIENCE, || {
        let refusal = stack.version_of("iris", 3)?.refusal?;
        refusal.reason.contains("`model.sig` is missing").then_some(())
    });
    assert_eq!(version.signer, "");
    assert_eq!(stack.predict().model.version, 2);
}

/// One version that is dropped, and what must become of it.
struct Attempt {
    number: u64,
    state: State,
    check: &'static str,
    reason: String,
}

/// Lays out a signed model and everything that can be done to it, from the number `first` on.
fn lay_out(copy: &Copy, first: u64, curve: &str, next: &str, foreign: &Path) -> Vec<Attempt> {
    let signed = copy.path(&format!("signed/{curve}"));
    let mut drops = Vec::new();
    let mut add = |state, check, reason: &str, change: &dyn Fn(&Path)| {
        let number = first + drops.len() as u64;
        let folder = copy.path(&format!("dropped/{number}"));
        duplicate(&signed, &folder);
        change(&folder);
        drops.push(Attempt { number, state, check, reason: reason.to_owned() });
    };
    let rejected = State::Rejected;
    for (file, check, reason) in [
        ("manifest.json", "signature", "`manifest.json` is not what was signed"),
        ("model.safetensors", "digest", "`model.safetensors` has the hash"),
        ("golden.jsonl", "digest", "`golden.jsonl` has the hash"),
        ("README.md", "signature", "`README.md` is not what was signed"),
        ("model.sig", "signature", "model.sig: "),
    ] {
        add(rejected, check, reason, &|folder| spoil(&folder.join(file)));
    }
    add(rejected, "layout", "`notes.txt` does not belong", &|folder| {
        fs_err::write(folder.join("notes.txt"), "slipped in").unwrap();
    });
    add(rejected, "signature", "`README.md` was not signed", &|folder| {
        let bare = copy.path(&format!("signed/{curve}-bare"));
        fs_err::copy(bare.join("model.sig"), folder.join("model.sig")).unwrap();
    });
    for (file, check, reason) in [
        ("manifest.json", "layout", "`manifest.json` is missing"),
        ("model.safetensors", "layout", "`model.safetensors` is missing"),
        ("golden.jsonl", "layout", "`golden.jsonl` is missing"),
        ("README.md", "signature", "`README.md` was signed and is missing"),
        ("model.sig", "signature", "`model.sig` is missing, and policy.toml requires a signature"),
    ] {
        add(State::Incomplete, check, reason, &|folder| fs_err::remove_file(folder.join(file)).unwrap());
    }
    let stranger =
        format!("signed by the key {}, which is no publisher key", id(copy, &format!("{curve}-x")));
    add(rejected, "signature", &stranger, &|folder| {
        let wrong = copy.path(&format!("signed/{curve}-x"));
        fs_err::copy(wrong.join("model.sig"), folder.join("model.sig")).unwrap();
    });
    add(rejected, "signature", "`manifest.json` is not what was signed", &|folder| {
        fs_err::copy(foreign.join("model.sig"), folder.join("model.sig")).unwrap();
    });
    let [own, other] = [curve, next].map(|curve| id(copy, curve));
    let mismatch = format!("the signature is not by the publisher key {other}");
    add(rejected, "signature", &mismatch, &|folder| {
        let bundle = fs_err::read_to_string(folder.join("model.sig")).unwrap();
        assert!(bundle.contains(&own), "no hint in {bundle}");
        fs_err::write(folder.join("model.sig"), bundle.replace(&own, &other)).unwrap();
    });
    drops
}

#[test]
fn what_the_real_tool_signed_is_admitted_on_every_curve_and_whatever_is_changed_is_refused() {
    let stack = Stack::up();
    let copy = &stack.copy;
    for folder in ["signed", "dropped"] {
        fs_err::create_dir(copy.path(folder)).unwrap();
    }
    let mut pem = String::new();
    for (index, curve) in CURVES.into_iter().enumerate() {
        make_key(copy, curve, curve);
        make_key(copy, curve, &format!("{curve}-x"));
        pem += &format!("# {curve}\n{}", copy.read(&format!("{curve}.pem")));
        for (kind, key) in [("", ""), ("-x", "-x"), ("-bare", "")] {
            let folder = format!("signed/{curve}{kind}");
            duplicate(&copy.path("models/iris/1"), &copy.path(&folder));
            if kind == "-bare" {
                fs_err::remove_file(copy.path(&format!("{folder}/README.md"))).unwrap();
            }
            // The same model by another manifest, so that each curve has one of its own.
            let manifest = copy.read(&format!("{folder}/manifest.json")) + &"\n".repeat(index + 1);
            fs_err::write(copy.path(&format!("{folder}/manifest.json")), manifest).unwrap();
            sign(copy, &folder, &format!("{curve}{key}"));
        }
        let mut files: Vec<_> = fs_err::read_dir(copy.path(&format!("signed/{curve}")))
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let mut expected = FILES;
        expected.sort_unstable();
        assert_eq!(files, expected);
    }
    fs_err::write(copy.path("models/policy.toml"), "[require]\nsignature = true\n").unwrap();
    trust(&stack, &pem);

    let into_place = |number: u64, from: PathBuf| {
        fs_err::rename(from, copy.path(&format!("models/iris/{number}"))).unwrap();
    };
    let mut drops = Vec::new();
    for (index, curve) in CURVES.into_iter().enumerate() {
        let next = CURVES[(index + 1) % CURVES.len()];
        let foreign = copy.path(&format!("signed/{next}"));
        drops.extend(lay_out(copy, 100 * (index as u64 + 1), curve, next, &foreign));
    }
    println!("{} versions that must not pass", drops.len());
    for drop in &drops {
        into_place(drop.number, copy.path(&format!("dropped/{}", drop.number)));
    }
    for (curve, number) in CURVES.into_iter().zip(2..) {
        let folder = copy.path(&format!("dropped/{number}"));
        duplicate(&copy.path(&format!("signed/{curve}")), &folder);
        into_place(number, folder);
    }

    for (curve, number) in CURVES.into_iter().zip(2..) {
        let signer = format!("sha256:{}", id(copy, curve));
        let (version, _) = wait_for(&format!("version {number} is admitted"), PATIENCE * 2, || {
            let found = stack.version_of("iris", number)?;
            matches!(found.state(), State::Admitted | State::Serving).then_some(found)
        });
        assert_eq!(version.signer, signer, "{curve}");
    }
    for Attempt { number, state, check, reason } in drops {
        let version = stack.wait_for_state(number, state);
        let refusal = version.refusal.unwrap();
        assert_eq!(refusal.check, check, "{number}: {}", refusal.reason);
        assert!(refusal.reason.contains(&reason), "{number}: {} for {reason}", refusal.reason);
        assert_eq!(version.signer, "", "{number}");
    }
    wait_for("version 4 serves", PATIENCE, || (stack.predict().model.version == 4).then_some(()));

    // An old model with its genuine signature, under a new number.
    let again = copy.path("dropped/again");
    duplicate(&copy.path("models/iris/2"), &again);
    into_place(900, again);
    let refusal = stack.wait_for_state(900, State::Rejected).refusal.unwrap();
    assert!(refusal.reason.starts_with("these are the bytes of version 2;"), "{}", refusal.reason);
    assert_eq!(stack.predict().model.version, 4);
    fs_err::write(copy.path("models/iris/policy.toml"), "serve = [900]\n").unwrap();
    stack.wait_for_state(900, State::Serving);
    assert_eq!(stack.predict().model.version, 900);
    // The tool agrees about what it made.
    let verify = "model_signing verify key signed/prime256v1 --public_key prime256v1.pem --signature \
                  signed/prime256v1/model.sig";
    shell(copy, verify);
    let spoilt = copy.path("signed/prime256v1/README.md");
    spoil(&spoilt);
    let tool = format!("docker run --rm --network none -v \"$PWD:/work\" -w /work {}", build_signer());
    let verify = verify.replace("model_signing", &tool);
    assert!(!run(&mut copy.command("sh", &["-c", &verify])).status.success(), "the tool's own verdict");
}
