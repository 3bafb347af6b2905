//! Versions as they arrive, good and bad, and what must become of them.

use std::{collections::BTreeMap, path::PathBuf};

use artifact::{
    Catalog,
    catalog::Status,
    testkit::{self, Parts},
};

/// What was dropped, and whether it was good.
#[derive(Debug, Default)]
pub struct Drops {
    incoming: PathBuf,
    dropped: BTreeMap<(String, u64), bool>,
}

impl Drops {
    /// Nothing was dropped into that folder yet.
    pub fn into_folder(incoming: PathBuf) -> Self {
        Self { incoming, dropped: BTreeMap::new() }
    }

    /// Drops a version. A bad one of an even number has one wrong byte, another does not answer as it says.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn drop(&mut self, model: &str, version: u64, good: bool) -> anyhow::Result<()> {
        let folder = self.incoming.join(model).join(version.to_string());
        let pack = testkit::linear(model, version as f64);
        if good {
            pack.files()?.write(&folder)?;
        } else if version.is_multiple_of(2) {
            let parts = Parts::of(&pack).without_resealing();
            let mut tensors = parts.files().tensors;
            if let Some(last) = tensors.last_mut() {
                *last ^= 1;
            }
            parts.set_file("model.safetensors", tensors).write(&folder);
        } else {
            let other = testkit::f64s([version as f64 + 1.0, 1.0]);
            Parts::of(&pack).set_tensor("0.coefficients", other).write(&folder);
        }
        self.dropped.insert((model.to_owned(), version), good);
        Ok(())
    }

    /// How many were dropped.
    pub fn count(&self) -> usize {
        self.dropped.len()
    }

    /// Those that are not in the catalog as they must be, each with what it says of them. Of each model the newest good
    /// one must serve.
    pub fn amiss(&self, catalog: Option<&Catalog>) -> Vec<String> {
        let mut amiss = Vec::new();
        let mut newest = BTreeMap::new();
        for ((name, version), good) in &self.dropped {
            let model = catalog.and_then(|catalog| catalog.model(name));
            let entry =
                model.and_then(|model| model.versions.iter().find(|entry| entry.version.get() == *version));
            let status = entry.map(|entry| entry.status);
            let right = if *good { Status::Admitted } else { Status::Rejected };
            if status != Some(right) {
                amiss.push(format!("{name} {version}: {status:?}, not {right:?}"));
            }
            if *good {
                newest.insert(name, (*version, model.and_then(|model| model.default)));
            }
        }
        for (name, (version, default)) in newest {
            if default.map(artifact::Version::get) != Some(version) {
                amiss.push(format!("{name}: {default:?} serves, not {version}"));
            }
        }
        amiss
    }
}
