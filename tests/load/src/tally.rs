//! What the load has found. Each connection has its own; they are added in the end.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

use crate::Wrong;

/// Enough to see what is wrong; the rest is counted.
const SHOWN: usize = 8;
/// A minute, in microseconds.
const LONGEST: u64 = 60_000_000;

/// Counts and latencies.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Every call, however it ended.
    pub calls: u64,
    /// Calls without an answer, by code.
    pub failures: BTreeMap<String, u64>,
    /// Calls with a wrong answer.
    pub wrong: u64,
    /// The first of them, and of the failures, in words.
    pub shown: Vec<String>,
    /// Right answers, by the digest of who gave them.
    pub answers: BTreeMap<String, u64>,
    /// Microseconds of each call that met no swap.
    pub steady: Histogram<u64>,
    /// Microseconds of each call during which a swap was under way.
    pub swapping: Histogram<u64>,
}

impl Tally {
    /// Nothing yet.
    ///
    /// # Errors
    /// If there is no memory of that shape; a mistake of ours.
    pub fn new() -> anyhow::Result<Self> {
        let histogram = Histogram::new_with_bounds(1, LONGEST, 3)?;
        Ok(Self {
            calls: 0,
            failures: BTreeMap::new(),
            wrong: 0,
            shown: Vec::new(),
            answers: BTreeMap::new(),
            steady: histogram.clone(),
            swapping: histogram,
        })
    }

    /// Calls without an answer.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// A call took this long.
    pub fn took(&mut self, time: Duration, swapping: bool) {
        self.calls += 1;
        let histogram = if swapping { &mut self.swapping } else { &mut self.steady };
        histogram.saturating_record(u64::try_from(time.as_micros()).unwrap_or(LONGEST));
    }

    /// It had a right answer.
    pub fn right(&mut self, digest: String) {
        *self.answers.entry(digest).or_default() += 1;
    }

    /// It had a wrong answer.
    pub fn wrong(&mut self, wrong: &Wrong) {
        self.wrong += 1;
        self.show(wrong.to_string());
    }

    /// It had no answer.
    pub fn failure(&mut self, error: &client::Error) {
        let code = error.code().map_or_else(|| "NoCode".to_owned(), |code| format!("{code:?}"));
        self.show(format!("{code}: {error}"));
        *self.failures.entry(code).or_default() += 1;
    }

    /// Takes another's counts over.
    ///
    /// # Errors
    /// If the histograms do not fit; a mistake of ours.
    pub fn add(&mut self, other: Self) -> anyhow::Result<()> {
        self.calls += other.calls;
        self.wrong += other.wrong;
        for (code, count) in other.failures {
            *self.failures.entry(code).or_default() += count;
        }
        for (digest, count) in other.answers {
            *self.answers.entry(digest).or_default() += count;
        }
        other.shown.into_iter().for_each(|text| self.show(text));
        self.steady.add(other.steady)?;
        self.swapping.add(other.swapping)?;
        Ok(())
    }

    fn show(&mut self, text: String) {
        if self.shown.len() < SHOWN {
            self.shown.push(text);
        }
    }
}
