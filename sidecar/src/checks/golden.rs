//! `golden`: the runtime repeats what the training library answered, within a tolerance that is capped. The rules
//! are the runtime's own: the server replays the same rows before it serves.

use artifact::{Golden, Model, golden::GoldenError};

use super::Failure;

pub(super) const NAME: &str = "golden";

/// Replays the golden rows.
pub(super) fn replay(model: &Model, bytes: &[u8]) -> Result<(Golden, String), Failure> {
    let replayed = |bytes| -> Result<_, GoldenError> {
        let golden = Golden::parse(bytes)?;
        let agreement = golden.replay(model)?;
        Ok((golden, agreement))
    };
    let (golden, agreement) = replayed(bytes).map_err(Failure::sure)?;
    let worst = agreement.worst * 100.0;
    let detail = format!("{} rows, worst difference {worst:.1} % of the tolerance", agreement.rows);
    Ok((golden, detail))
}
