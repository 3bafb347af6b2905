//! What someone may drop into a folder of models to get past whoever judges it: links, names, kinds of files, sizes. Each
//! attack has a model of its own with a good version 1 and, but for the attack, a good version 2. What a link leads to
//! would be good too, so that whoever follows it admits it.

use std::{
    ffi::OsStr,
    os::unix::{ffi::OsStrExt as _, fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
};

use fs_err as fs;
use rustix::fs::{CWD, Mode, OFlags};
use serde_json::{Value, json};

use super::{Parts, linear};

/// One attack.
#[derive(Debug)]
pub struct Attack {
    /// What it is.
    pub name: &'static str,
    /// What has to come of it.
    pub end: End,
    plant: fn(&Scene<'_>),
}

/// What has to come of an attack. Version 1 serves where version 2 is refused, nothing where the policy is, else version 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Version 2 is rejected, with a refusal (`check: reason`) that begins like this.
    Refused(&'static str),
    /// The policy is refused, with a sentence that begins like this.
    Policy(&'static str),
    /// The model has a note that begins like this.
    ModelNote(&'static str),
    /// The folder of models has a note that begins like this.
    RootNote(&'static str),
    /// Nobody notices.
    Ignored,
}

/// Where an attack takes place.
struct Scene<'a> {
    /// The name of the model.
    model: &'a str,
    /// The folder of models.
    root: &'a Path,
    /// A folder that nobody but the attack has to look into.
    outside: &'a Path,
}

/// The name of the model that the attack of that index has to itself.
pub fn model(index: usize) -> String {
    format!("attack-{index:02}")
}

/// Drops all of [`ATTACKS`] into `root`. What lies `outside` must not be read.
pub fn plant(root: &Path, outside: &Path) {
    for (index, attack) in ATTACKS.iter().enumerate() {
        let (model, outside) = (model(index), outside.join(index.to_string()));
        fs::create_dir_all(&outside).expect("a test can make a folder");
        let scene = Scene { model: &model, root, outside: &outside };
        Parts::of(&linear(&model, 2.0)).write(&scene.at("1"));
        Parts::of(&linear(&model, 3.0)).write(&scene.victim());
        (attack.plant)(&scene);
    }
}

/// All attacks.
pub const ATTACKS: &[Attack] = &[
    refused("a link for the manifest", link("manifest.json"), |s| s.move_out("manifest.json")),
    refused("a link for the parameters", link("model.safetensors"), |s| s.move_out("model.safetensors")),
    refused("a link for the golden rows", link("golden.jsonl"), |s| s.move_out("golden.jsonl")),
    refused("a link for the README", link("README.md"), |s| s.link("README.md", "/etc/passwd")),
    refused("a link for the signature", link("model.sig"), |s| s.link("model.sig", s.secret())),
    refused("a link that stays inside", link("golden.jsonl"), |s| {
        s.link("golden.jsonl", "../1/golden.jsonl")
    }),
    refused("a link to nothing", link("README.md"), |s| s.link("README.md", "nothing")),
    refused("a link to itself", link("golden.jsonl"), |s| s.link("golden.jsonl", "golden.jsonl")),
    refused("a magic link", link("model.safetensors"), |s| s.link("model.safetensors", "/proc/self/exe")),
    refused("a magic link to the root", link("README.md"), |s| {
        s.link("README.md", "/proc/self/root/etc/passwd")
    }),
    refused("a link to a device that never ends", link("golden.jsonl"), |s| {
        s.link("golden.jsonl", "/dev/zero")
    }),
    refused("a link for the folder", "layout: `2` is a symbolic link; copy the folder itself", |s| {
        fs::rename(s.victim(), s.outside.join("2")).expect("a folder can be moved");
        symlink(s.outside.join("2"), s.victim()).expect("a link can be made");
    }),
    refused("a link to the version before", "layout: `2` is a symbolic link; copy the folder itself", |s| {
        fs::remove_dir_all(s.victim()).expect("a folder can be removed");
        symlink("1", s.victim()).expect("a link can be made");
    }),
    refused("a hard link for the manifest", "layout: `manifest.json` has 2 hard links", |s| {
        s.hard_link("manifest.json")
    }),
    refused("a hard link for the parameters", "layout: `model.safetensors` has 2 hard links", |s| {
        s.hard_link("model.safetensors")
    }),
    refused("a folder for the manifest", "layout: `manifest.json` is a folder", |s| {
        s.folder("manifest.json")
    }),
    refused("a folder for the README", "layout: `README.md` is a folder", |s| s.folder("README.md")),
    refused("a FIFO for the manifest", "layout: `manifest.json` is a FIFO", |s| s.fifo("manifest.json")),
    refused("a FIFO for the golden rows", "layout: `golden.jsonl` is a FIFO", |s| s.fifo("golden.jsonl")),
    refused("a FIFO for the README", "layout: `README.md` is a FIFO", |s| s.fifo("README.md")),
    refused("a FIFO for the signature", "layout: `model.sig` is a FIFO", |s| s.fifo("model.sig")),
    refused("a socket for the parameters", "layout: `model.safetensors` is a socket", |s| {
        s.socket("model.safetensors")
    }),
    refused("a hole of 100 GiB in the manifest", "layout: its files have 1073741", |s| {
        s.sparse("2/manifest.json")
    }),
    refused("a hole of 100 GiB in the parameters", "layout: its files have 1073741", |s| {
        s.sparse("2/model.safetensors")
    }),
    refused("a hole of 100 GiB in the golden rows", "layout: its files have 1073741", |s| {
        s.sparse("2/golden.jsonl")
    }),
    refused("an editor's file", "layout: `.manifest.json.swp` does not belong", |s| {
        s.extra(b".manifest.json.swp")
    }),
    refused("a temporary file", "layout: `model.tmp` does not belong", |s| s.extra(b"model.tmp")),
    refused("a hidden file", "layout: `.DS_Store` does not belong", |s| s.extra(b".DS_Store")),
    refused("a repository", "layout: `.git` does not belong", |s| s.folder(".git")),
    refused("a folder of a file server", "layout: `@eaDir` does not belong", |s| s.folder("@eaDir")),
    refused("more dots than two", "layout: `...` does not belong", |s| s.extra(b"...")),
    refused("a twin in another case", "layout: `MANIFEST.JSON` does not belong", |s| {
        s.extra(b"MANIFEST.JSON")
    }),
    refused("a twin with a space", "layout: `manifest.json ` does not belong", |s| {
        s.extra(b"manifest.json ")
    }),
    refused("a twin in wide letters", "layout: `ｍodel.sig` does not belong", |s| {
        s.extra("ｍodel.sig".as_bytes())
    }),
    refused("a name of 255 bytes", "layout: `aaaaaaaaaaaaaaaa", |s| s.extra(&[b'a'; 255])),
    refused("a name that is no UTF-8", "layout: `\u{fffd}\u{fffd}.json` does not belong", |s| {
        s.extra(b"\xff\xfe.json")
    }),
    refused("a name that turns the text", "layout: `a\\u{202e}nosj` does not belong", |s| {
        s.extra("a\u{202e}nosj".as_bytes())
    }),
    refused("a name of two lines", "layout: `a\\nb` does not belong", |s| s.extra(b"a\nb")),
    refused("a name that speaks to terminals", "layout: `\\u{1b}[2J` does not belong", |s| {
        s.extra(b"\x1b[2J")
    }),
    refused("an encoded way up", "layout: `%2e%2e%2fetc` does not belong", |s| s.extra(b"%2e%2e%2fetc")),
    refused("another system's way up", "layout: `..\\etc` does not belong", |s| s.extra(b"..\\etc")),
    refused("a path of more than 4096 bytes", "layout: `dddddddd", |s| s.deep()),
    refused("a way up in the manifest", "manifest: unknown variant `../../secret`", |s| {
        s.lists("../../secret")
    }),
    refused("the root in the manifest", "manifest: unknown variant `/etc/passwd`", |s| {
        s.lists("/etc/passwd")
    }),
    refused("an encoded way up in the manifest", "manifest: unknown variant `%2e%2e/", |s| {
        s.lists("%2e%2e/secret")
    }),
    refused("a NUL in the manifest", "manifest: unknown variant `golden.jsonl\\u{0}`", |s| {
        s.lists("golden.jsonl\0")
    }),
    refused("a path in the manifest", "manifest: unknown variant `./golden.jsonl`", |s| {
        s.lists("./golden.jsonl")
    }),
    refused("a model that names another", "manifest: a model's name is a lower-case letter", |s| {
        s.manifest(|manifest| manifest["name"] = json!("../attack-00"));
    }),
    refused("a model with a NUL in its name", "manifest: a model's name is a lower-case letter", |s| {
        s.manifest(|manifest| manifest["name"] = json!("attack\0"));
    }),
    refused("a feature that speaks to terminals", "manifest: inputs: `\\u{1b}[2J` is empty, longer", |s| {
        s.manifest(|manifest| manifest["inputs"][0]["name"] = json!("\u{1b}[2J"));
    }),
    attack("a link for the policy", End::Policy("`policy.toml` is a symbolic link"), |s| {
        fs::write(s.secret(), "serve = [1]").expect("a file can be written");
        symlink(s.secret(), s.at("policy.toml")).expect("a link can be made");
    }),
    attack("a FIFO for the policy", End::Policy("`policy.toml` is a FIFO"), |s| fifo(&s.at("policy.toml"))),
    attack("a hole of 100 GiB in the policy", End::Policy("`policy.toml` has 107374182400 bytes"), |s| {
        s.sparse("policy.toml");
    }),
    attack("a version with a zero before it", End::ModelNote("`03` is no version"), |s| s.version(b"03")),
    attack("a version with a sign", End::ModelNote("`+3` is no version"), |s| s.version(b"+3")),
    attack("a version of wide digits", End::ModelNote("`３` is no version"), |s| s.version("３".as_bytes())),
    attack("a version with a line end", End::ModelNote("`3\\n` is no version"), |s| s.version(b"3\n")),
    attack("a version that is not UTF-8", End::ModelNote("`3\u{fffd}` is no version"), |s| {
        s.version(b"3\xff")
    }),
    attack("a version with a NUL's picture", End::ModelNote("`3\u{2400}` is no version"), |s| {
        s.version("3\u{2400}".as_bytes());
    }),
    attack("a version of 19 digits", End::ModelNote("`1000000000000000000` is no version"), |s| {
        s.version(b"1000000000000000000");
    }),
    attack("a version that is under way", End::Ignored, |s| s.version(b"3.tmp")),
    attack("a hidden version", End::Ignored, |s| s.version(b".3")),
    attack("a FIFO for a version", End::ModelNote("`3` is no folder"), |s| fifo(&s.at("3"))),
    attack("a link for a model", End::RootNote("`linked` is a symbolic link"), |s| {
        symlink(s.at(""), s.root.join("linked")).expect("a link can be made");
    }),
    attack("a link to everything", End::RootNote("`everything` is a symbolic link"), |s| {
        symlink("/", s.root.join("everything")).expect("a link can be made");
    }),
    attack("a model in another case", End::RootNote("`Attack-00` is no model"), |s| s.stranger(b"Attack-00")),
    attack("a model with dots", End::RootNote("`a..b` is no model"), |s| s.stranger(b"a..b")),
    attack("a model that turns the text", End::RootNote("`a\\u{202e}b` is no model"), |s| {
        s.stranger("a\u{202e}b".as_bytes());
    }),
    attack("a model that is not UTF-8", End::RootNote("`\u{fffd}` is no model"), |s| s.stranger(b"\xff")),
    attack("a model of two lines", End::RootNote("`a\\nb` is no model"), |s| s.stranger(b"a\nb")),
    attack("a model of 255 bytes", End::RootNote("`mmmmmmmm"), |s| s.stranger(&[b'm'; 255])),
    attack("a file server's folder", End::RootNote("`@eaDir` is no model"), |s| s.stranger(b"@eaDir")),
    attack("a repository beside the models", End::Ignored, |s| s.stranger(b".git")),
    attack("a copy under way beside the models", End::Ignored, |s| s.stranger(b"iris.tmp")),
    attack("a FIFO beside the models", End::Ignored, |s| fifo(&s.root.join("fifo"))),
    attack("a hole of 100 GiB beside the models", End::Ignored, |s| s.sparse("../hole")),
];

const fn attack(name: &'static str, end: End, plant: fn(&Scene<'_>)) -> Attack {
    Attack { name, end, plant }
}

const fn refused(name: &'static str, refusal: &'static str, plant: fn(&Scene<'_>)) -> Attack {
    attack(name, End::Refused(refusal), plant)
}

/// The refusal of a link under that name.
const fn link(name: &'static str) -> &'static str {
    match name.as_bytes() {
        b"manifest.json" => "layout: `manifest.json` is a symbolic link",
        b"model.safetensors" => "layout: `model.safetensors` is a symbolic link",
        b"golden.jsonl" => "layout: `golden.jsonl` is a symbolic link",
        b"README.md" => "layout: `README.md` is a symbolic link",
        _ => "layout: `model.sig` is a symbolic link",
    }
}

fn fifo(path: &Path) {
    rustix::fs::mkfifoat(CWD, path, Mode::from_raw_mode(0o644)).expect("a FIFO can be made");
}

impl Scene<'_> {
    fn at(&self, path: &str) -> PathBuf {
        self.root.join(self.model).join(path)
    }

    fn victim(&self) -> PathBuf {
        self.at("2")
    }

    fn secret(&self) -> PathBuf {
        self.outside.join("secret")
    }

    /// Moves a file out of version 2, and links to it.
    fn move_out(&self, name: &str) {
        fs::rename(self.victim().join(name), self.secret()).expect("a file can be moved");
        self.link(name, self.secret());
    }

    fn link(&self, name: &str, target: impl AsRef<Path>) {
        let link = self.clear(name);
        symlink(target, link).expect("a link can be made");
    }

    fn hard_link(&self, name: &str) {
        fs::hard_link(self.victim().join(name), self.secret()).expect("a hard link can be made");
    }

    fn folder(&self, name: &str) {
        fs::create_dir(self.clear(name)).expect("a folder can be made");
    }

    fn fifo(&self, name: &str) {
        fifo(&self.clear(name));
    }

    /// It stays a socket when nobody listens any more.
    fn socket(&self, name: &str) {
        let bound = self.root.join("s");
        UnixListener::bind(&bound).expect("a socket can be made");
        fs::rename(bound, self.clear(name)).expect("a socket can be moved");
    }

    fn sparse(&self, path: &str) {
        let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(self.at(path));
        file.and_then(|file| file.set_len(100 << 30)).expect("a file can have a hole");
    }

    fn extra(&self, name: &[u8]) {
        fs::write(self.victim().join(OsStr::from_bytes(name)), "x").expect("a file can be written");
    }

    fn version(&self, name: &[u8]) {
        Parts::of(&linear(self.model, 4.0)).write(&self.at("").join(OsStr::from_bytes(name)));
    }

    fn stranger(&self, name: &[u8]) {
        let model = self.root.join(OsStr::from_bytes(name));
        Parts::of(&linear("a", 4.0)).write(&model.join("1"));
    }

    fn manifest(&self, edit: impl FnOnce(&mut Value)) {
        Parts::of(&linear(self.model, 3.0)).edit_manifest(edit).write(&self.victim());
    }

    fn lists(&self, name: &str) {
        self.manifest(|manifest| manifest["files"][1]["name"] = json!(name));
    }

    /// Twenty folders of 250 bytes, one in another. No single call takes such a path.
    fn deep(&self) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder =
            rustix::fs::open(self.victim(), flags, Mode::empty()).expect("a folder can be opened");
        let name = "d".repeat(250);
        for _ in 0..20 {
            rustix::fs::mkdirat(&folder, &name, Mode::from_raw_mode(0o755)).expect("a folder can be made");
            folder =
                rustix::fs::openat(&folder, &name, flags, Mode::empty()).expect("a folder can be opened");
        }
    }

    /// Where a file of version 2 is, or may be.
    fn clear(&self, name: &str) -> PathBuf {
        let path = self.victim().join(name);
        if fs::symlink_metadata(&path).is_ok() {
            fs::remove_file(&path).expect("a file can be removed");
        }
        path
    }
}
