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
                Next::Equal | Next::Done => false,
                Next::Now => true,
                Next::At(time) => time <= now,
            }
    }

    /// Whether the next look should come soon.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.next == Next::Equal
    }

    /// Forgets that these bytes were judged.
    pub(crate) fn again(&mut self) {
        if self.next != Next::Equal {
            self.next = Next::Now;
        }
    }

    /// Puts off the verdict until nothing has changed for a while. False if that is so already.
    pub(crate) fn defer(&mut self, now: Timestamp, settle: &Settle) -> bool {
        let calm = self.since + settle.unchanged();
        let early = now < calm;
        if early {
            self.next = Next::At(calm);
        }
        early
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
            Weight::Waiting => (Standing::Pending, Next::At(now + settle.incomplete())),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incoming::Listing;

    const SETTLE: Settle = Settle { unchanged_seconds: 5, incomplete_seconds: 60 };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn folder() -> Look {
        Look::Folder(Listing::default())
    }

    /// A folder that two looks saw the same, the first of them at `since`.
    fn settled(since: i64) -> Watch {
        let mut watch = Watch::new(folder(), at(since));
        assert!(watch.is_unsettled() && !watch.is_due(at(since)));
        assert!(!watch.look(folder(), at(since + 1)));
        assert!(!watch.is_unsettled() && watch.is_due(at(since + 1)));
        watch
    }

    /// The second from which on it is to be judged, if nothing changes.
    fn due(watch: &Watch) -> Option<i64> {
        (0..1000).find(|second| watch.is_due(at(*second)))
    }

    #[test]
    fn what_passed_is_judged_again_only_once_it_changed_and_settled() {
        let mut watch = settled(10);
        watch.passed();
        // Not even by a clock that stands still.
        for now in [10, 10, 20] {
            assert!(!watch.look(folder(), at(now)));
            assert_eq!(due(&watch), None);
        }
        for look in [Look::Absent, folder()] {
            assert!(watch.look(look, at(30)));
            assert_eq!(due(&watch), None);
        }
        watch.look(folder(), at(31));
        assert!(watch.is_due(at(31)));
    }

    #[test]
    fn what_is_wrong_for_sure_is_refused_at_once() {
        let mut watch = settled(0);
        assert_eq!(watch.failed(Weight::Sure, at(1), &SETTLE), Standing::Rejected);
        assert_eq!(due(&watch), None);
    }

    #[test]
    fn what_may_be_torn_is_refused_after_5_s_without_a_change() {
        let mut watch = settled(10);
        for now in [11, 14] {
            assert_eq!(watch.failed(Weight::Torn, at(now), &SETTLE), Standing::Pending);
            assert_eq!(due(&watch), Some(15));
        }
        assert_eq!(watch.failed(Weight::Torn, at(15), &SETTLE), Standing::Rejected);
        assert_eq!(due(&watch), None);
    }

    #[test]
    fn what_lacks_bytes_is_given_up_after_60_s_and_tried_again_every_60_s() {
        let mut watch = settled(10);
        for now in [11, 69] {
            assert_eq!(watch.failed(Weight::Lacking, at(now), &SETTLE), Standing::Pending);
            assert_eq!(due(&watch), Some(70));
        }
        for now in [70, 140] {
            assert_eq!(watch.failed(Weight::Lacking, at(now), &SETTLE), Standing::Incomplete);
            assert_eq!(due(&watch), Some(now + 60));
        }
    }

    #[test]
    fn a_clock_that_is_set_back_begins_the_wait_anew() {
        let mut watch = settled(500);
        assert_eq!(watch.failed(Weight::Torn, at(501), &SETTLE), Standing::Pending);
        assert!(!watch.look(folder(), at(100)));
        assert!(watch.is_due(at(100)));
        assert_eq!(watch.failed(Weight::Torn, at(100), &SETTLE), Standing::Pending);
        assert_eq!(due(&watch), Some(105));
        assert_eq!(watch.failed(Weight::Torn, at(105), &SETTLE), Standing::Rejected);
    }

    #[test]
    fn a_verdict_is_put_off_until_nothing_has_changed_for_5_s() {
        let mut watch = settled(10);
        assert!(watch.defer(at(14), &SETTLE));
        assert_eq!(due(&watch), Some(15));
        assert!(!watch.defer(at(15), &SETTLE));
        assert_eq!(due(&watch), Some(15));
    }

    #[test]
    fn what_could_not_be_stored_is_tried_again_after_5_s_and_what_was_damaged_at_once() {
        let mut watch = settled(10);
        watch.retry(at(100), &SETTLE);
        assert_eq!(due(&watch), Some(105));
        watch.passed();
        watch.again();
        assert!(watch.is_due(at(100)));
    }

    #[test]
    fn a_folder_is_removed_once_it_was_absent_for_5_s_and_is_not_judged() {
        let mut watch = settled(0);
        assert!(!watch.is_removed(at(100), &SETTLE));
        watch.look(Look::Absent, at(100));
        watch.look(Look::Absent, at(101));
        assert!(!watch.is_present() && !watch.is_removed(at(104), &SETTLE));
        assert!(watch.is_removed(at(105), &SETTLE));
        assert_eq!(due(&watch), None);
    }
}
