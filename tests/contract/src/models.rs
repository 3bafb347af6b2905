//! The models that the cases ask: small enough that every expected number is plain arithmetic.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use artifact::{
    Artifact,
    files::FileName,
    testkit::{self, Parts},
};
use fs_err as fs;

/// The model `NAME` of which more versions are dropped: each answers 2x + y + 1, as the first does.
fn plain(name: &str) -> Artifact {
    testkit::linear(name, 2.0)
}

/// Writes every model of the cases into `folder`.
pub(crate) fn write_all(folder: &Path) -> anyhow::Result<()> {
    let version = |artifact: &Artifact, number: u64| {
        Parts::of(artifact).write(&folder.join(artifact.name.as_str()).join(number.to_string()));
    };
    for (number, slope) in [(1, 2.0), (2, 3.0), (3, 4.0)] {
        version(&testkit::linear("plane", slope), number);
    }
    // The third is proven and does not serve.
    fs::write(folder.join("plane/policy.toml"), "serve = [1, 2]\nlabels = { stable = 1 }\n")?;
    let others = [
        testkit::binary("sorter"),
        testkit::tree("branches"),
        testkit::clusters("corners"),
        testkit::pair("pair"),
        testkit::halves("halves", 2),
        testkit::halves("wide", 128),
        plain("walker"),
        plain("late"),
    ];
    for artifact in others {
        version(&artifact, 1);
    }
    // Its golden rows are not what the model answers.
    Parts::of(&plain("broken"))
        .edit_golden(|rows| {
            rows.truncate(1);
            rows[0]["scores"][0] = 7.into();
        })
        .write(&folder.join("broken/1"));
    // Waits for ever: its quality is required, and there is nothing to measure it by.
    version(&plain("waiting"), 1);
    fs::write(folder.join("waiting/policy.toml"), "[require.quality]\nmetric = \"rmse\"\nat_most = 1.0\n")?;
    Ok(())
}

/// Drops one more version of a model; its number.
pub(crate) fn drop_next(folder: &Path, model: &str) -> anyhow::Result<u64> {
    let number = hold_next(folder, model)?;
    release(folder, model)?;
    Ok(number)
}

/// Drops one more version of a model without its manifest, so that it is pending for a minute; its number.
pub(crate) fn hold_next(folder: &Path, model: &str) -> anyhow::Result<u64> {
    let number = versions(folder, model)?.into_iter().map(|(number, _)| number).max().unwrap_or(0) + 1;
    let files = plain(model).files()?;
    let version = folder.join(model).join(number.to_string());
    fs::create_dir(&version)?;
    for name in FileName::LISTED {
        fs::write(version.join(name.as_str()), files.get(name))?;
    }
    Ok(number)
}

/// Completes what [`hold_next`] has left.
pub(crate) fn release(folder: &Path, model: &str) -> anyhow::Result<()> {
    let manifest = FileName::Manifest.as_str();
    for (_, version) in versions(folder, model)? {
        if !version.join(manifest).exists() {
            fs::write(version.join(manifest), plain(model).files()?.manifest)?;
        }
    }
    Ok(())
}

fn versions(folder: &Path, model: &str) -> anyhow::Result<Vec<(u64, PathBuf)>> {
    let entries = fs::read_dir(folder.join(model)).context("only what is there gets another version")?;
    let mut versions = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            versions.push((number, entry.path()));
        }
    }
    Ok(versions)
}
