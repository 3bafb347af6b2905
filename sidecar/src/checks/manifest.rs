//! `manifest`: manifest.json can be read, keeps its rules, and is about the model in whose folder it lies.

use artifact::{Manifest, Name, manifest::ManifestError};

use super::Failure;

pub(super) const NAME: &str = "manifest";

/// Why a manifest does not do.
#[derive(Debug, thiserror::Error)]
enum Refused {
    /// A rule that one file can show by itself.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Copied into the wrong folder: another model would answer under this name.
    #[error("the manifest is of model `{found}`, the folder is of `{expected}`")]
    Name { found: Name, expected: Name },
}

/// Parses the manifest.
pub(super) fn parse(bytes: &[u8], expected: Option<&Name>) -> Result<(Manifest, String), Failure> {
    let manifest = named(bytes, expected).map_err(Failure::torn)?;
    let detail = format!(
        "{}, {} features, {} steps",
        manifest.output.task(),
        manifest.inputs.len(),
        manifest.steps.len()
    );
    Ok((manifest, detail))
}

fn named(bytes: &[u8], expected: Option<&Name>) -> Result<Manifest, Refused> {
    let manifest = Manifest::parse(bytes)?;
    match expected {
        Some(expected) if manifest.name != *expected => {
            Err(Refused::Name { found: manifest.name, expected: expected.clone() })
        }
        _ => Ok(manifest),
    }
}
