//! Which genuine catalogs are put in force: none older than one before it, over restarts too, and none whose times
//! cannot be right. The clock is the test's.

use artifact::{Catalog, store::Reader, testkit};
use jiff::{SignedDuration, Timestamp};
use linfa_serve::{
    floor::Floor,
    registry::{self, Choice, Models},
    reload::{Outcome, Reloader},
    trust::Trust,
};

use crate::harness::Store;

/// A store, a reloader on it, and a clock.
struct Bench {
    store: Store,
    now: Timestamp,
    reloader: Reloader,
    models: Models,
}

impl Bench {
    /// Version 1 of `line` serves.
    fn new() -> Self {
        let store = Store::of(&[testkit::linear("line", 1.0)]);
        let (reloader, models) = start(&store);
        let mut bench = Self { now: store.catalog.issued_at, store, reloader, models };
        assert_eq!(bench.look(), Outcome::Applied);
        bench
    }

    fn restart(&mut self) {
        (self.reloader, self.models) = start(&self.store);
    }

    fn look(&mut self) -> Outcome {
        self.reloader.reload_once(self.now)
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    /// The next catalog, with one more version that serves, as a sidecar with this clock signs it.
    fn next(&mut self) -> Catalog {
        let version = self.store.catalog.models[0].versions.len() as u64 + 1;
        self.store.admit(&testkit::linear("line", version as f64), version);
        let catalog = &mut self.store.catalog;
        catalog.sequence += 1;
        catalog.issued_at = self.now;
        catalog.expires_at = self.now + SignedDuration::from_mins(10);
        catalog.clone()
    }

    fn put(&mut self, catalog: &Catalog) {
        let sealed = catalog.seal(&self.store.key).unwrap();
        self.store.write(&sealed);
    }

    fn publish(&mut self) -> Catalog {
        let next = self.next();
        self.put(&next);
        next
    }

    /// The version that answers; none if nothing does.
    fn serves(&self) -> Option<u64> {
        let snapshot = self.models.snapshot();
        Some(snapshot.resolve("line", &Choice::Default).ok()?.version.get())
    }

    fn error(&self) -> String {
        self.models.snapshot().error.clone().unwrap_or_default()
    }

    fn is_stale(&self) -> bool {
        self.models.snapshot().stale
    }

    /// Looks at a catalog that is refused, by this sentence.
    fn refuses(&mut self, catalog: &Catalog, sentence: &str) {
        let serving = self.serves();
        self.put(catalog);
        assert_eq!(self.look(), Outcome::Refused);
        assert_eq!((self.serves(), self.error().as_str()), (serving, sentence));
    }

    fn applies(&mut self, catalog: &Catalog) {
        self.put(catalog);
        assert_eq!(self.look(), Outcome::Applied);
        let expected = catalog.models[0].default.map(artifact::Version::get);
        assert_eq!((self.serves(), self.error().as_str()), (expected, ""));
    }
}

fn start(store: &Store) -> (Reloader, Models) {
    let settings = store.settings();
    let (publisher, models) = registry::channel();
    let trust = Trust::open(&settings.catalog_public_key_file).unwrap();
    let reader = Reader::new(&settings.store);
    (Reloader::new(reader, trust, Floor::open(&settings.state), publisher), models)
}

fn older(found: u64, current: u64) -> String {
    format!("the catalog has the sequence {found}, {current} was in force already")
}

#[test]
fn no_older_catalog_is_put_in_force_not_even_by_a_restart() {
    let mut bench = Bench::new();
    let old = bench.store.catalog.clone();
    let new = bench.publish();
    assert_eq!(bench.look(), Outcome::Applied);
    assert_eq!(bench.serves(), Some(2));
    let sentence = older(old.sequence, new.sequence);
    bench.refuses(&old, &sentence);

    // The copy is as old as the catalog.
    bench.restart();
    bench.refuses(&old, &sentence);
    assert_eq!(bench.serves(), None);
    bench.applies(&new);

    // The floor is all that says so: without it, nobody knows.
    fs_err::remove_file(bench.store.state().join("floor.json")).unwrap();
    bench.restart();
    bench.applies(&old);
}

#[test]
fn a_restart_takes_the_same_catalog_again_and_no_other_of_its_sequence() {
    let mut bench = Bench::new();
    let ours = bench.publish();
    assert_eq!(bench.look(), Outcome::Applied);
    let mut twin = ours.clone();
    twin.notes.push("signed by another sidecar".to_owned());
    let sentence = format!("another catalog of the sequence {} was in force already", ours.sequence);
    bench.refuses(&twin, &sentence);
    bench.restart();
    bench.refuses(&twin, &sentence);
    bench.applies(&ours);
}

#[test]
fn a_start_over_a_damaged_catalog_takes_its_copy_but_none_below_the_floor() {
    let mut bench = Bench::new();
    let old = bench.store.catalog.seal(&bench.store.key).unwrap();
    bench.publish();
    assert_eq!(bench.look(), Outcome::Applied);
    fs_err::write(bench.store.path().join("catalog.json"), "{").unwrap();
    bench.restart();
    assert_eq!((bench.look(), bench.serves()), (Outcome::Applied, Some(2)));

    fs_err::write(bench.store.path().join("catalog.copy.json"), old).unwrap();
    bench.restart();
    assert_eq!((bench.look(), bench.serves()), (Outcome::Refused, None));

    // An old catalog in the place of the newest does not hide the copy of it.
    let new = bench.store.catalog.clone();
    bench.put(&new);
    let old = Catalog { sequence: 1, ..new };
    let old = old.seal(&bench.store.key).unwrap();
    fs_err::write(bench.store.path().join("catalog.json"), old).unwrap();
    assert_eq!((bench.look(), bench.serves()), (Outcome::Applied, Some(2)));
}

#[test]
fn a_floor_that_is_damaged_is_put_aside_and_stops_nothing() {
    let mut bench = Bench::new();
    let state = bench.store.state();
    for damage in ["", "{", "{\"epoch\":1}", &"x".repeat(5000)] {
        fs_err::write(state.join("floor.json"), damage).unwrap();
        bench.restart();
        assert_eq!((bench.look(), bench.serves()), (Outcome::Applied, Some(1)), "{damage}");
        assert_eq!(fs_err::read_to_string(state.join("floor.damaged.json")).unwrap(), damage);
    }
    // It is kept anew.
    let old = Catalog { sequence: 1, ..bench.store.catalog.clone() };
    bench.restart();
    bench.refuses(&old, &older(1, bench.store.catalog.sequence));
}

#[test]
fn a_server_that_cannot_keep_its_floor_serves_and_keeps_to_it_while_it_runs() {
    let mut bench = Bench::new();
    let old = bench.store.catalog.clone();
    fs_err::remove_dir_all(bench.store.state()).unwrap();
    bench.restart();
    assert_eq!((bench.look(), bench.serves()), (Outcome::Applied, Some(1)));
    let new = bench.publish();
    assert_eq!(bench.look(), Outcome::Applied);
    bench.refuses(&old, &older(old.sequence, new.sequence));

    // Once there is room, the next catalog is kept.
    fs_err::create_dir(bench.store.state()).unwrap();
    let newest = bench.publish();
    assert_eq!(bench.look(), Outcome::Applied);
    bench.restart();
    bench.refuses(&new, &older(new.sequence, newest.sequence));
}

#[test]
fn an_expired_catalog_serves_on_and_is_marked_until_a_newer_one_comes() {
    let mut bench = Bench::new();
    bench.publish();
    assert_eq!((bench.look(), bench.is_stale()), (Outcome::Applied, false));
    bench.pass(600);
    assert_eq!((bench.look(), bench.is_stale()), (Outcome::Unchanged, false));
    bench.pass(1);
    assert_eq!((bench.look(), bench.is_stale(), bench.serves()), (Outcome::Unchanged, true, Some(2)));

    // A start over it serves it, and says so at once; there is nothing newer.
    bench.pass(86_400);
    bench.restart();
    assert_eq!((bench.look(), bench.is_stale(), bench.serves()), (Outcome::Applied, true, Some(2)));
    let next = bench.next();
    bench.applies(&next);
    assert!(!bench.is_stale());
}

#[test]
fn a_catalog_that_was_kept_back_until_it_expired_is_not_loaded_while_the_server_runs() {
    let mut bench = Bench::new();
    bench.publish();
    assert_eq!(bench.look(), Outcome::Applied);
    bench.pass(1);
    let kept_back = bench.next();
    bench.pass(60);
    let later = bench.publish();
    assert_eq!(bench.look(), Outcome::Applied);
    let Catalog { issued_at, expires_at, .. } = kept_back;
    let newer_kept_back = Catalog { sequence: later.sequence + 1, issued_at, expires_at, ..later.clone() };

    // Clocks may differ by five minutes.
    bench.pass(600 - 60 + 300);
    bench.applies(&newer_kept_back);
    let next = Catalog { sequence: later.sequence + 2, ..newer_kept_back };
    bench.pass(1);
    let sentence =
        format!("the catalog expired {}; what is served stays until one comes that has not", next.expires_at);
    bench.refuses(&next, &sentence);
    // The clock that was set back changes nothing by itself, but the same bytes are looked at again.
    bench.pass(-1);
    assert_eq!(bench.look(), Outcome::Applied);
}

#[test]
fn a_clock_that_is_set_back_does_not_make_an_expired_catalog_a_good_one() {
    let mut bench = Bench::new();
    let kept_back = bench.next();
    bench.pass(86_400);
    let newest = bench.publish();
    assert_eq!(bench.look(), Outcome::Applied);
    bench.pass(-86_400);
    let replayed = Catalog { sequence: newest.sequence + 1, ..kept_back };
    bench.put(&replayed);
    assert_eq!(bench.look(), Outcome::Refused);
    assert!(bench.error().starts_with("the catalog expired "), "{}", bench.error());

    // What it is no reason to refuse: catalogs that go on from the newest one, by a sidecar whose clock is right.
    bench.now = newest.issued_at - SignedDuration::from_hours(2);
    let next = Catalog { sequence: newest.sequence + 1, ..newest };
    bench.applies(&next);
    assert!(bench.is_stale(), "it is of a time that has not come");
}

#[test]
fn a_catalog_that_would_lock_out_all_that_follow_is_refused_and_the_next_good_one_is_not() {
    let mut bench = Bench::new();
    let good = bench.publish();
    assert_eq!(bench.look(), Outcome::Applied);
    let clock = u64::try_from(bench.now.as_millisecond()).unwrap();
    for sequence in [u64::MAX, u64::MAX - 1, clock + 300_001] {
        bench.put(&Catalog { sequence, ..good.clone() });
        assert_eq!(bench.look(), Outcome::Refused);
        let ahead = "which is more than 5 minutes ahead of this server's clock";
        assert!(bench.error().ends_with(ahead), "{}", bench.error());
    }
    let mut next = bench.next();
    next.sequence = clock + 300_000;
    bench.applies(&next);

    // Signed by a clock that is ahead: taken once its time has come, without other bytes.
    let mut early = bench.next();
    early.sequence = next.sequence + 1;
    early.issued_at = bench.now + SignedDuration::from_secs(301);
    bench.pass(1);
    bench.applies(&early);
    early.sequence += 1;
    early.issued_at = Timestamp::MAX;
    bench.put(&early);
    assert_eq!(bench.look(), Outcome::Refused);
    early.issued_at = bench.now;
    bench.applies(&early);
}

#[test]
fn a_greater_epoch_begins_the_sequences_and_the_times_anew() {
    let mut bench = Bench::new();
    bench.pass(86_400);
    let before = bench.publish();
    assert_eq!(bench.look(), Outcome::Applied);
    // The clocks were a day ahead, and are right now.
    bench.pass(-86_400);
    let mut next = Catalog { epoch: 2, sequence: 1, ..bench.next() };
    bench.applies(&next);
    assert!(!bench.is_stale());
    let sentence = "the catalog has the epoch 1, 2 was in force already; set the sidecar's `epoch` to 3";
    bench.refuses(&before, sentence);
    bench.restart();
    bench.refuses(&before, sentence);
    bench.applies(&next);

    next.sequence += 1;
    for epoch in [103, u64::MAX] {
        let sentence =
            format!("the catalog has the epoch {epoch}, more than 100 after 2, which was in force");
        bench.refuses(&Catalog { epoch, ..next.clone() }, &sentence);
    }
    bench.applies(&next);
    next.epoch = 102;
    bench.applies(&next);
}

#[test]
fn a_clock_that_jumps_about_neither_ends_anything_nor_brings_an_old_version_back() {
    let mut bench = Bench::new();
    let real = bench.now;
    let mut newest = 1;
    for jump in [0, -86_400, 7, 86_400, -3600, 3600, 0, -1_700_000_000, 1_000_000_000, 0] {
        bench.now = real + SignedDuration::from_secs(jump);
        let version = bench.store.catalog.models[0].versions.len() as u64 + 1;
        bench.store.admit(&testkit::linear("line", version as f64), version);
        // As the sidecar has it, which reads the same clock: neither number goes back.
        let before = bench.store.catalog.issued_at;
        bench.store.catalog.sequence += 1;
        bench.store.catalog.issued_at = before.max(bench.now);
        bench.store.catalog.expires_at = bench.store.catalog.issued_at + SignedDuration::from_mins(10);
        let catalog = bench.store.catalog.clone();
        bench.put(&catalog);
        bench.look();
        let serves = bench.serves().unwrap();
        assert!(serves >= newest, "{serves} after {newest}, at {jump}");
        newest = serves;
    }
    assert_eq!(newest, 11);
}
