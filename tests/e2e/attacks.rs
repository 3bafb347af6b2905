//! Every attack on the folder of models once more, on the program of the image and under strace: what it opens lies in
//! its own folders, wherever links lead. With two attacks that need root: a device, and a mount inside a version.

use std::{path::Path, process::Command};

use artifact::{
    Catalog,
    catalog::Status,
    dsse::TrustedKeys,
    testkit::{
        Parts,
        attacks::{self, ATTACKS, End},
        linear,
    },
};

use crate::{
    command::{PATIENCE, docker, run, said, stdout, wait_for},
    stack::{Copy, build_images},
};

/// What every program opens, and what tells it how much of the machine is its own.
const COMMON: [&str; 6] =
    ["/etc/ld.so.cache", "/lib/", "/usr/lib/", "/proc/", "/sys/fs/cgroup/", "/dev/null"];

/// A folder of models with all attacks, and the image that traces. Both go with the value.
struct Traced {
    copy: Copy,
    image: String,
}

impl Drop for Traced {
    fn drop(&mut self) {
        // What was never made cannot be removed. Root's files only root can remove.
        let (folder, volume) = self.folder();
        run(Command::new("docker").args(["rm", "--force", &self.copy.project]));
        let remove = format!("rm -rf {folder}/incoming {folder}/store {folder}/outside {folder}/*.trace");
        run(Command::new("docker").args([
            "run",
            "--rm",
            "--volume",
            &volume,
            &self.image,
            "sh",
            "-c",
            &remove,
        ]));
        run(Command::new("docker").args(["image", "rm", &self.image]));
    }
}

impl Traced {
    fn new() -> Self {
        build_images();
        let copy = Copy::new();
        stdout(&mut copy.command("secrets/generate", &[]));
        let image = format!("{}-traced", copy.project);
        docker(&["build", "--quiet", "--tag", &image, copy.path("tests/e2e/traced").to_str().unwrap()]);
        for folder in ["incoming", "outside", "store"] {
            fs_err::create_dir(copy.path(folder)).unwrap();
        }
        let (incoming, outside) = (copy.path("incoming"), copy.path("outside"));
        attacks::plant(&incoming, &outside);
        for name in ["device", "mounted", "good"] {
            for version in ["1", "2"] {
                Parts::of(&linear(name, 2.0)).write(&incoming.join(name).join(version));
            }
        }
        fs_err::rename(incoming.join("mounted/2/golden.jsonl"), outside.join("golden.jsonl")).unwrap();
        fs_err::write(incoming.join("mounted/2/golden.jsonl"), "").unwrap();
        Self { copy, image }
    }

    /// Its folder, and the same as a volume: links lead to the same places inside and outside.
    fn folder(&self) -> (String, String) {
        let folder = self.copy.path("").to_string_lossy().trim_end_matches('/').to_owned();
        let volume = format!("{folder}:{folder}");
        (folder, volume)
    }

    /// `docker run ARGUMENTS IMAGE COMMAND`, in that folder.
    fn docker_run(&self, arguments: &[&str], command: &str) -> String {
        let (folder, volume) = self.folder();
        let begin = ["run", "--network", "none", "--volume", &volume, "--workdir", &folder];
        docker(&[&begin[..], arguments, &[&self.image, "sh", "-c", command]].concat())
    }

    /// What was opened, by the trace of that name.
    fn opened(&self, trace: &str) -> Vec<String> {
        let result = |line: &str| {
            let (_, result) = line.rsplit_once(" = ")?;
            let (number, path) = result.split_once('<')?;
            number.parse::<u32>().ok()?;
            Some(path.trim_end_matches('>').to_owned())
        };
        self.copy.read(trace).lines().filter_map(result).collect()
    }

    /// What of that is none of a sidecar's business.
    fn strange(&self, opened: Vec<String>) -> Vec<String> {
        let own = ["incoming", "store", "secrets/catalog_signing_key.pem"].map(|name| self.copy.path(name));
        let is_own = |path: &str| own.iter().any(|own| Path::new(path).starts_with(own));
        let is_common = |path: &str| COMMON.iter().any(|common| path.starts_with(common));
        opened.into_iter().filter(|path| !is_own(path) && !is_common(path)).collect()
    }

    fn catalog(&self) -> Option<Catalog> {
        let key = TrustedKeys::from_pem(&self.copy.read("secrets/catalog_public_key.pem")).unwrap();
        Catalog::unseal(&fs_err::read(self.copy.path("store/catalog.json")).ok()?, &key).ok()
    }

    /// How version 2 of a model ended, with the reason.
    fn end(&self, model: &str) -> Option<(Status, String)> {
        let catalog = self.catalog()?;
        let version = catalog.model(model)?.version(2.try_into().unwrap())?;
        let reason = version.refusal.as_ref().map(|refusal| refusal.reason.clone()).unwrap_or_default();
        matches!(version.status, Status::Admitted | Status::Rejected).then_some((version.status, reason))
    }
}

#[test]
fn wherever_links_lead_the_sidecar_opens_nothing_outside_its_folders() {
    let traced = Traced::new();
    traced.docker_run(
        &["--rm"],
        "rm incoming/device/2/model.safetensors && mknod incoming/device/2/model.safetensors c 1 5",
    );
    let strace = "strace -f -qq -y -e trace=open,openat,openat2,creat,open_by_handle_at -o";

    // The instrument sees where a link leads.
    traced.docker_run(&["--rm"], &format!("{strace} control.trace cat incoming/attack-00/2/manifest.json"));
    let strange = traced.strange(traced.opened("control.trace"));
    assert_eq!(strange, [traced.copy.path("outside/0/secret").to_str().unwrap()]);

    let at = |name: &str| traced.copy.path(name).to_string_lossy().into_owned();
    let mount = format!("{}:{}:ro", at("outside/golden.jsonl"), at("incoming/mounted/2/golden.jsonl"));
    let settings = [
        ("INCOMING", "incoming"),
        ("STORE", "store"),
        ("SIGNING_KEY_FILE", "secrets/catalog_signing_key.pem"),
    ]
    .map(|(name, path)| format!("LINFA_SIDECAR__{name}={}", at(path)));
    let mut arguments =
        vec!["--detach", "--name", &traced.copy.project, "--cap-add", "SYS_PTRACE", "--volume", &mount];
    settings.iter().for_each(|setting| arguments.extend(["--env", setting]));
    traced.docker_run(&arguments, &format!("exec {strace} sidecar.trace linfa-sidecar"));

    // Where the policy cannot be read, nothing is judged.
    let judged = ATTACKS.iter().enumerate().filter(|(_, attack)| !matches!(attack.end, End::Policy(_)));
    let models: Vec<_> = judged
        .map(|(index, _)| attacks::model(index))
        .chain(["device", "mounted", "good"].map(str::to_owned))
        .collect();
    let log = || said(&run(Command::new("docker").args(["logs", &traced.copy.project])));
    let (_, took) = wait_for("every version is judged", 2 * PATIENCE, || {
        let waiting: Vec<_> = models.iter().filter(|model| traced.end(model).is_none()).collect();
        waiting.is_empty().then_some(())
    });
    let ended = |model: &str| traced.end(model).unwrap();
    assert_eq!(ended("good"), (Status::Admitted, String::new()));
    let (status, reason) = ended("device");
    assert!(status == Status::Rejected && reason.starts_with("`model.safetensors` is a device"), "{reason}");
    let (status, reason) = ended("mounted");
    assert!(
        status == Status::Rejected && reason.starts_with("`golden.jsonl` lies on another volume"),
        "{reason}"
    );

    docker(&["stop", &traced.copy.project]);
    let opened = traced.opened("sidecar.trace");
    println!("{} files and folders opened; all judged after {:.1} s", opened.len(), took.as_secs_f64());
    // Each version's folder at least was looked at.
    assert!(opened.len() > 2 * models.len(), "the trace is empty: {}", log());
    assert_eq!(traced.strange(opened), [""; 0]);
}
