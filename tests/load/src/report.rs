//! What a run came to, as a table for people.

use std::{collections::BTreeMap, fmt, time::Duration};

use hdrhistogram::Histogram;

use crate::{Kind, Swap, Tally};

/// Digests that are shown.
const TOP: usize = 5;

/// A run.
#[derive(Debug)]
pub struct Report {
    /// What the load found.
    pub tally: Tally,
    /// Every swap, in order.
    pub swaps: Vec<Swap>,
    /// Model and version of each digest.
    pub names: BTreeMap<String, String>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Report {
    /// Whether no call failed, no answer was wrong, and both versions were seen around every swap.
    pub fn is_good(&self) -> bool {
        self.tally.failed() == 0
            && self.tally.wrong == 0
            && self.tally.calls > 0
            && self.both_seen() == self.swaps.len()
    }

    /// Around how many swaps both versions answered.
    pub fn both_seen(&self) -> usize {
        self.swaps.iter().filter(|swap| swap.before > 0 && swap.after > 0).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tally, swaps, names, elapsed } = self;
        let rate = tally.calls as f64 / elapsed.as_secs_f64();
        writeln!(
            f,
            "calls       {:>9}   in {:.0} s, {rate:.0} per second",
            tally.calls,
            elapsed.as_secs_f64()
        )?;
        writeln!(f, "failures    {:>9}", tally.failed())?;
        for (code, count) in &tally.failures {
            writeln!(f, "  {code:<10}{count:>9}")?;
        }
        writeln!(f, "wrong       {:>9}", tally.wrong)?;
        for text in &tally.shown {
            writeln!(f, "  {text}")?;
        }
        writeln!(f, "swaps       {:>9}   both versions seen around {}", swaps.len(), self.both_seen())?;
        for kind in [Kind::Folder, Kind::Policy, Kind::Withdrawal] {
            let mut times: Vec<_> =
                swaps.iter().filter(|swap| swap.kind == kind).map(|swap| swap.took).collect();
            times.sort_unstable();
            let (median, most) = (times.get(times.len() / 2), times.last());
            if let (Some(median), Some(most)) = (median, most) {
                writeln!(
                    f,
                    "  {kind:<10}{:>9}   first answer after {:.2} s, at most {:.2} s",
                    times.len(),
                    median.as_secs_f64(),
                    most.as_secs_f64()
                )?;
            }
        }

        writeln!(f, "digests     {:>9}", tally.answers.len())?;
        let mut answers: Vec<_> = tally.answers.iter().collect();
        answers.sort_unstable_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (digest, count) in answers.iter().take(TOP) {
            let name = names.get(*digest).map_or("?", String::as_str);
            writeln!(f, "  {name:<10}{count:>9}   {}…", digest.get(..19).unwrap_or(digest))?;
        }
        if let Some(least) = answers.last().filter(|_| answers.len() > TOP) {
            writeln!(f, "  each other {:>8}   or more", least.1)?;
        }

        writeln!(f, "ms              calls      p50      p99    p99.9      max")?;
        for (name, histogram) in [("steady", &tally.steady), ("swapping", &tally.swapping)] {
            line(f, name, histogram)?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, histogram: &Histogram<u64>) -> fmt::Result {
    let ms = |micros: u64| micros as f64 / 1000.0;
    let at = |quantile| ms(histogram.value_at_quantile(quantile));
    let (p50, p99, p999, max) = (at(0.5), at(0.99), at(0.999), ms(histogram.max()));
    writeln!(f, "  {name:<10}{:>9} {p50:>8.2} {p99:>8.2} {p999:>8.2} {max:>8.2}", histogram.len())
}
