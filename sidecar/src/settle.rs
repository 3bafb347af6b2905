//! When a folder is finished: what each look changes, and when to judge. Time comes in with every look; nothing
//! here reads a clock or a file.

use artifact::catalog::Refusal;
use jiff::Timestamp;

use crate::{checks::Weight, config::Settle, incoming::Look};

/// What one version's folder has looked like.
#[derive(Debug)]
pub(crate) struct Watch {
    seen: Look,
    /// When it first looked like that.
    since: Timestamp,
    next: Next,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Next {
    /// Wait for a second look that sees the same.
    Equal,
    /// Judge at once: two looks saw the same.
    Now,
    /// Judge again then, unless something changes before.
    At(Timestamp),
    /// Judged; nothing to do until something changes.
    Done,
}

/// What a failure means once the time since the last change is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may still be copied.
    Pending,
    /// The copy was given up.
    Incomplete,
    /// It is what was meant.
    Rejected,
}

impl Watch {
    pub(crate) fn new(seen: Look, now: Timestamp) -> Self {
        Self { seen, since: now, next: Next::Equal }
    }

    /// Takes in a look. True if it differs from the one before.
    pub(crate) fn look(&mut self, seen: Look, now: Timestamp) -> bool {
        let changed = seen != self.seen;
        if changed {
            *self = Self::new(seen, now);
        } else if now < self.since {
            // The clock was set back; waiting for it to catch up would take for ever.
            self.since = now;
            self.next = Next::Now;
        } else if self.next == Next::Equal {
            self.next = Next::Now;
        }
        changed
    }

    pub(crate) fn seen(&self) -> &Look {
        &self.seen
    }

    pub(crate) fn is_present(&self) -> bool {
        self.seen != Look::Absent
    }

    /// Whether the folder has been absent for so long that it counts as removed.
    pub(crate) fn is_removed(&self, now: Timestamp, settle: &Settle) -> bool {
        !self.is_present() && now.duration_since(self.since) >= settle.unchanged()
    }

    /// Whether to judge now.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.is_present()
            && match self.next {
                Next::Equal => false,
                Next::Now => true,
                Next::At(time) => time <= now,
                Next::Done => false,
            }
    }

    /// Whether the next look should come soon.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.next == Next::Equal
    }

    /// Forgets that these bytes were judged.
    pub(crate) fn again(&mut self) {
        self.next = Next::Now;
    }

    /// Puts off the verdict until nothing has changed for a while. False if that is so already.
    pub(crate) fn defer(&mut self, now: Timestamp, settle: &Settle) -> bool {
        let calm = self.since + settle.unchanged();
        if now < calm {
            self.next = Next::At(calm);
        }
        now < calm
    }

    /// Takes in that these bytes were judged and passed.
    pub(crate) fn passed(&mut self) {
        self.next = Next::Done;
    }

    /// Takes in that these bytes were judged and failed, and says what that means by now.
    pub(crate) fn failed(&mut self, weight: Weight, now: Timestamp, settle: &Settle) -> Standing {
        let unchanged = now.duration_since(self.since);
        let (standing, next) = match weight {
            Weight::Sure => (Standing::Rejected, Next::Done),
            Weight::Torn if unchanged >= settle.unchanged() => (Standing::Rejected, Next::Done),
            Weight::Torn => (Standing::Pending, Next::At(self.since + settle.unchanged())),
            // What the system could not read this minute it may read the next one, so this is never done.
            Weight::Lacking if unchanged >= settle.incomplete() => {
                (Standing::Incomplete, Next::At(now + settle.incomplete()))
            }
            Weight::Lacking => (Standing::Pending, Next::At(self.since + settle.incomplete())),
        };
        self.next = next;
        standing
    }

    /// Takes in that the proven bytes could not be stored.
    pub(crate) fn retry(&mut self, now: Timestamp, settle: &Settle) {
        self.next = Next::At(now + settle.unchanged());
    }
}

impl Standing {
    /// The refusal, with the time for which nothing has changed where that is the point.
    pub(crate) fn explain(self, mut refusal: Refusal, settle: &Settle) -> Refusal {
        if self == Self::Incomplete {
            refusal.reason =
                format!("{}, and nothing has changed for {} s", refusal.reason, settle.incomplete_seconds);
        }
        refusal
    }
}
