//! Which version of a model may answer when. A swap is one pointer, so that a call which begins after the new version
//! has answered is never answered by the old one. No network, no clock.

use std::collections::BTreeSet;

use tokio::sync::watch;

/// One model's versions in the order in which they serve, as the load sees it.
#[derive(Debug)]
pub struct Course(watch::Sender<State>);

#[derive(Debug)]
struct State {
    /// The versions so far. Only the last one's swap can be under way.
    order: Vec<u64>,
    /// The position of the last one that has answered.
    seen: usize,
    /// Answers by the newest.
    answers: u64,
    /// The connections that the newest has answered.
    heard: BTreeSet<usize>,
}

/// When a call began: the position of the version that had answered last.
#[derive(Clone, Copy, Debug)]
pub struct Departure(usize);

impl Course {
    /// A model of which one version serves.
    pub fn of(version: u64) -> Self {
        let state = State { order: vec![version], seen: 0, answers: 0, heard: BTreeSet::new() };
        Self(watch::Sender::new(state))
    }

    /// A call begins.
    pub fn depart(&self) -> Departure {
        Departure(self.0.borrow().seen)
    }

    /// A call was answered by that version. Whether that version could be the one: the one that had answered last when
    /// the call began, or any since.
    pub fn arrive(&self, departure: Departure, connection: usize, version: u64) -> bool {
        let mut times = 0;
        self.0.send_if_modified(|state| {
            let possible = state.order.get(departure.0..).unwrap_or_default();
            times = possible.iter().filter(|possible| **possible == version).count();
            // A version that served before and comes back may have answered then or now; that tells nothing.
            let newest = times == 1 && state.order.last() == Some(&version);
            if newest {
                state.seen = state.order.len() - 1;
                state.answers += 1;
                state.heard.insert(connection);
            }
            newest
        });
        times > 0
    }

    /// From now on that version may answer, and is waited for.
    pub fn begin(&self, version: u64) {
        self.0.send_modify(|state| {
            state.order.push(version);
            state.answers = 0;
            state.heard.clear();
        });
    }

    /// How often the newest version has answered.
    pub fn answers(&self) -> u64 {
        self.0.borrow().answers
    }

    /// The newest version.
    pub fn newest(&self) -> u64 {
        self.0.borrow().order.last().copied().unwrap_or_default()
    }

    /// Waits until the newest version has answered.
    pub async fn seen(&self) {
        self.wait(|state| state.answers > 0).await;
    }

    /// Waits until the newest version has answered on that many connections.
    pub async fn heard(&self, connections: usize) {
        self.wait(|state| state.heard.len() >= connections).await;
    }

    async fn wait(&self, met: impl FnMut(&State) -> bool) {
        // Fails only if there is no sender, and we are it.
        let _ = self.0.subscribe().wait_for(met).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_may_answer_during_a_swap_and_only_the_new_one_after() {
        let course = Course::of(1);
        assert!(!course.arrive(course.depart(), 0, 2), "not to serve yet");
        course.begin(2);
        let during = course.depart();
        assert!(course.arrive(during, 0, 1));
        assert_eq!(course.answers(), 0);
        assert!(course.arrive(during, 0, 2));
        assert_eq!(course.answers(), 1);
        assert!(course.arrive(during, 1, 1), "it began before the new version had answered");
        let after = course.depart();
        assert!(!course.arrive(after, 0, 1), "it began after the new version had answered");
        assert!(course.arrive(after, 1, 2));
        assert_eq!((course.answers(), course.newest()), (2, 2));
    }

    #[test]
    fn an_answer_from_before_is_not_taken_for_a_version_that_came_back() {
        let course = Course::of(1);
        let early = course.depart();
        course.begin(2);
        assert!(course.arrive(course.depart(), 0, 2));
        course.begin(1);
        assert!(course.arrive(early, 1, 1));
        assert_eq!(course.answers(), 0);
        assert!(course.arrive(course.depart(), 0, 2), "the swap back is not seen yet");
        assert!(course.arrive(course.depart(), 0, 1));
        assert_eq!(course.answers(), 1);
    }

    #[tokio::test]
    async fn a_swap_is_over_when_every_connection_has_heard_of_it() {
        let course = Course::of(1);
        course.begin(2);
        let (mut seen, mut heard) = (std::pin::pin!(course.seen()), std::pin::pin!(course.heard(2)));
        let waits = async |future: std::pin::Pin<&mut dyn Future<Output = ()>>| {
            tokio::select! { biased; () = future => false, () = std::future::ready(()) => true }
        };
        assert!(waits(seen.as_mut()).await);
        course.arrive(course.depart(), 0, 2);
        course.arrive(course.depart(), 0, 2);
        seen.await;
        assert!(waits(heard.as_mut()).await);
        course.arrive(course.depart(), 1, 2);
        heard.await;
    }
}
