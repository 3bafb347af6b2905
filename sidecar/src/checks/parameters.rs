//! `parameters`: the tensors are those of the steps, of the right shapes, and every value is one that a step can
//! compute with. The rules are the runtime's own: what loads here loads in the server.

use artifact::{Digest, Manifest, Model};

use super::Failure;

pub(super) const NAME: &str = "parameters";

/// Loads the model.
pub(super) fn load(manifest: Manifest, digest: Digest, tensors: &[u8]) -> Result<(Model, String), Failure> {
    let model = Model::load(manifest, digest, tensors).map_err(Failure::sure)?;
    let kinds: Vec<_> = model.manifest().steps.iter().map(|step| step.kind()).collect();
    let detail = format!("{}; {} bytes", kinds.join(", "), tensors.len());
    Ok((model, detail))
}
