//! `latency`: what a row costs, and whether policy.toml allows that. The figure is that of the fastest of some rounds,
//! in which candidate and serving version take turns: whatever else the machine does makes both slower, not one.

use std::time::Instant;

use artifact::{Batch, Golden, Model, Predictions, Version};

use super::{Failure, Task, serving::Serving, work};
use crate::require::Latency;

pub(super) const NAME: &str = "latency";

const ROUNDS: usize = 9;
/// Rows of a round, so that a look at the clock costs next to nothing, and about how many numbers they may touch together.
const ROWS: usize = 64;
const WORK: usize = 4_000_000;

/// Why a row costs too much.
#[derive(Debug, PartialEq, thiserror::Error)]
enum LatencyError {
    /// Callers were promised an answer in a certain time.
    #[error("a row takes {found:.0} ns, policy.toml allows {budget} (budget_ns_per_row)")]
    Budget { found: f64, budget: f64 },
    /// A swap would slow every caller down.
    #[error(
        "a row takes {found:.0} ns, {times:.2} times the {serving:.0} ns of version {version}; policy.toml allows {allowed} \
         times (times_serving)"
    )]
    Times { found: f64, times: f64, serving: f64, version: Version, allowed: f64 },
}

/// Lets both answer golden rows, one row at a time, which is dearer than in a batch. Gives the serving version.
pub(super) fn measure(
    model: &Model,
    new: &Golden,
    task: &Task,
) -> Result<(Option<Serving>, String), Failure> {
    let serving = Serving::load(task);
    let dearest = serving.as_ref().map_or(0, |serving| work(&serving.model)).max(work(model));
    let count = (WORK / dearest).clamp(1, ROWS);
    let own = rows(model, new, count);
    let (found, before) = match &serving {
        Some(Serving { version, model: other, golden }) => {
            // The same rows for both, where both can take them.
            let same = rows(other, new, count);
            let theirs = if same.len() == count { same } else { rows(other, golden, count) };
            let [found, before] = nanos_per_row([(model, own), (other, theirs)]);
            (found, Some((*version, before)))
        }
        None => {
            let [found] = nanos_per_row([(model, own)]);
            (found, None)
        }
    };
    let detail = decide(found, before, &task.require.latency).map_err(Failure::sure)?;
    Ok((serving, detail))
}

fn decide(found: f64, serving: Option<(Version, f64)>, require: &Latency) -> Result<String, LatencyError> {
    if let Some(budget) = require.budget_ns_per_row.filter(|budget| found > *budget) {
        return Err(LatencyError::Budget { found, budget });
    }
    let Some((version, serving)) = serving else {
        return Ok(format!("{found:.0} ns per row"));
    };
    let times = found / serving;
    if let Some(allowed) = require.times_serving.filter(|allowed| times > *allowed) {
        return Err(LatencyError::Times { found, times, serving, version, allowed });
    }
    Ok(format!("{found:.0} ns per row, {times:.2} times the {serving:.0} ns of version {version}"))
}

/// So many golden rows, over and over.
fn rows(model: &Model, golden: &Golden, count: usize) -> Vec<Batch> {
    let inputs = golden.rows().iter().cycle().take(count);
    inputs.filter_map(|row| model.row(&row.input).ok()).collect()
}

fn nanos_per_row<const N: usize>(models: [(&Model, Vec<Batch>); N]) -> [f64; N] {
    let mut answers = Predictions::default();
    let mut least = [f64::INFINITY; N];
    for _ in 0..ROUNDS {
        for ((model, rows), least) in models.iter().zip(&mut least) {
            let started = Instant::now();
            for row in rows {
                // Replayed before, so that it has an answer.
                let _ = model.predict(row, &mut answers);
            }
            // A clock may be too coarse to see anything.
            let nanos = started.elapsed().as_nanos().max(1);
            *least = least.min(nanos as f64 / rows.len().max(1) as f64);
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(serving: Option<f64>, budget: Option<f64>, times: Option<f64>) -> Result<String, String> {
        let version = Version::try_from(3).unwrap();
        let require = Latency { budget_ns_per_row: budget, times_serving: times };
        let serving = serving.map(|nanos| (version, nanos));
        decide(150.4, serving, &require).map_err(|error| error.to_string())
    }

    #[test]
    fn a_row_may_cost_what_the_policy_says_and_not_a_nanosecond_more() {
        assert_eq!(decided(None, None, None).unwrap(), "150 ns per row");
        assert_eq!(decided(None, Some(150.4), Some(0.1)).unwrap(), "150 ns per row");
        assert_eq!(
            decided(None, Some(150.3), None).unwrap_err(),
            "a row takes 150 ns, policy.toml allows 150.3 (budget_ns_per_row)"
        );
        let same = "150 ns per row, 1.50 times the 100 ns of version 3";
        assert_eq!(decided(Some(100.0), None, None).unwrap(), same);
        assert_eq!(decided(Some(100.0), Some(1e3), Some(1.51)).unwrap(), same);
        assert_eq!(
            decided(Some(100.0), Some(1e3), Some(1.5)).unwrap_err(),
            "a row takes 150 ns, 1.50 times the 100 ns of version 3; policy.toml allows 1.5 times (times_serving)"
        );
    }
}
