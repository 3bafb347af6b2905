//! `linfactl rollback`, `pin` and `unpin`: which versions of a model serve, by its policy.toml.

use std::{io::Write, ops::ControlFlow, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail, ensure};
use artifact::{Name, Version};
use clap::Args;
use client::pb::{ListModelsResponse, Model, model_version::State};
use tokio::time::timeout;

use crate::{connection::Connection, follow::follow, policy::PolicyFile};

/// What `serve` is where nothing is said, and what `unpin` says.
const LATEST: &str = "{ latest = 1 }";

/// Go back to an older version of a model: let it serve, and no other.
///
/// The model's policy.toml is edited: `serve` names that version, and all else in the file stays as it is written. The
/// sidecar sees it within seconds. A version that a label names serves on as well.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  linfactl rollback iris 1
  linfactl unpin iris         # and forward again, to the newest")]
pub(crate) struct Rollback {
    #[command(flatten)]
    place: Place,
    /// The version
    #[arg(value_name = "VERSION")]
    version: Version,
    #[command(flatten)]
    care: Care,
}

/// Let these versions of a model serve, and no others, whatever is dropped later.
///
/// The greatest answers where a request names none.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  linfactl pin iris 3 5")]
pub(crate) struct Pin {
    #[command(flatten)]
    place: Place,
    /// The versions
    #[arg(value_name = "VERSION", required = true)]
    versions: Vec<Version>,
    #[command(flatten)]
    care: Care,
}

/// Let the newest version of a model serve again.
#[derive(Args, Debug)]
pub(crate) struct Unpin {
    #[command(flatten)]
    place: Place,
}

/// Whose policy it is.
#[derive(Args, Debug)]
struct Place {
    /// The model's name
    #[arg(value_name = "NAME")]
    name: Name,
    /// The folder of models, which the sidecar watches
    #[arg(long, value_name = "DIR", default_value = "models")]
    models: PathBuf,
}

/// How sure to be.
#[derive(Args, Debug)]
struct Care {
    /// Also where the version's folder is not there
    #[arg(long)]
    force: bool,
    /// Wait until the server says that these versions serve, at most so many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "60", require_equals = true)]
    wait: Option<u64>,
    #[command(flatten)]
    connection: Connection,
}

impl Rollback {
    pub(crate) fn run(self, out: &mut dyn Write) -> anyhow::Result<()> {
        pin(out, &self.place, &[self.version], &self.care)
    }
}

impl Pin {
    pub(crate) fn run(mut self, out: &mut dyn Write) -> anyhow::Result<()> {
        self.versions.sort_unstable();
        self.versions.dedup();
        pin(out, &self.place, &self.versions, &self.care)
    }
}

impl Unpin {
    pub(crate) fn run(self, out: &mut dyn Write) -> anyhow::Result<()> {
        let mut policy = PolicyFile::open(&self.place.models, &self.place.name)?;
        ensure!(
            policy.pinned().is_some(),
            "{} pins no version; serve is {}",
            policy.path().display(),
            written(policy.value("serve"))
        );
        let before = policy.value("serve");
        policy.unpin();
        save(out, &policy, before)
    }
}

fn pin(out: &mut dyn Write, place: &Place, versions: &[Version], care: &Care) -> anyhow::Result<()> {
    let Place { name, models } = place;
    let mut policy = PolicyFile::open(models, name)?;
    for version in versions.iter().filter(|_| !care.force) {
        let lies = policy.has(*version);
        lies.with_context(|| {
            format!(
                "version {version} of {name} is not in {}; --force pins it all the same",
                models.display()
            )
        })?;
    }
    let (before, pinned) = (policy.value("serve"), policy.pinned());
    if policy.pin(versions) {
        save(out, &policy, before.clone())?;
        writeln!(out, "to return: {}", way_back(name, before, pinned))?;
    } else {
        writeln!(out, "{} says so already", policy.path().display())?;
    }
    match care.wait {
        Some(seconds) => wait(out, name, versions, Duration::from_secs(seconds), &care.connection),
        None => Ok(()),
    }
}

fn save(out: &mut dyn Write, policy: &PolicyFile, before: Option<String>) -> anyhow::Result<()> {
    policy.save()?;
    let (before, now) = (written(before), written(policy.value("serve")));
    writeln!(out, "{}: serve was {before}, is {now}", policy.path().display())?;
    if let Some(labels) = policy.value("labels") {
        writeln!(out, "the labelled versions serve too: {labels}")?;
    }
    if policy.value("retire").is_some_and(|retire| retire == "true") {
        writeln!(out, "but nothing serves: it also says retire = true")?;
    }
    Ok(())
}

fn written(serve: Option<String>) -> String {
    serve.unwrap_or_else(|| "not there (the newest)".to_owned())
}

fn way_back(name: &Name, before: Option<String>, pinned: Option<Vec<i64>>) -> String {
    match (before, pinned) {
        (_, Some(pinned)) => {
            let versions: Vec<_> = pinned.iter().map(ToString::to_string).collect();
            format!("linfactl pin {name} {}", versions.join(" "))
        }
        (Some(serve), None) if serve != LATEST => format!("write `serve = {serve}` into it"),
        _ => format!("linfactl unpin {name}"),
    }
}

/// Waits until these versions serve, the greatest as the default.
fn wait(
    out: &mut dyn Write,
    name: &Name,
    versions: &[Version],
    limit: Duration,
    connection: &Connection,
) -> anyhow::Result<()> {
    let mut shown = None;
    let reached = connection.with(async |client| {
        let following = follow(&client, |listed, _| {
            shown = model(listed, name).cloned();
            let done = shown.as_ref().is_some_and(|model| serve(model, versions));
            Ok(if done { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        });
        Ok(match timeout(limit, following).await {
            Ok(ended) => ended.map(|()| true)?,
            Err(_) => false,
        })
    })?;
    if reached {
        writeln!(out, "the server serves it")?;
        return Ok(());
    }
    let Some(model) = shown else {
        bail!("not within {} s: the server knows no model {name}", limit.as_secs())
    };
    let why = match model.policy_error.as_str() {
        "" => String::new(),
        error => format!("; {error}"),
    };
    bail!("not within {} s: version {} answers{why}", limit.as_secs(), model.default_version)
}

fn model<'a>(listed: &'a ListModelsResponse, name: &Name) -> Option<&'a Model> {
    listed.models.iter().find(|model| model.name == name.as_str())
}

fn serve(model: &Model, versions: &[Version]) -> bool {
    let serves = |wanted: &Version| {
        let entry = model.versions.iter().find(|entry| entry.version == wanted.get());
        entry.is_some_and(|entry| entry.state() == State::Serving)
    };
    versions.iter().all(serves) && versions.last().is_some_and(|last| last.get() == model.default_version)
}
