//! What was ever decided is in the history: once, in order, over restarts, and also where it could not be written at
//! first.

use artifact::{
    Catalog,
    catalog::Status,
    store::{
        Reader,
        history::{Entry, Event},
    },
    testkit,
};

use crate::bench::Bench;

/// Every entry in short.
fn history(bench: &Bench) -> Vec<String> {
    let history = Reader::new(&bench.settings.store).history().unwrap();
    assert_eq!(history.unread, 0);
    history.entries.iter().map(short).collect()
}

fn short(entry: &Entry) -> String {
    match &entry.event {
        Event::Verdict(verdict) => {
            let check = verdict.refusal.as_ref().map(|refusal| format!(" by {}", refusal.check));
            format!("{}/{} {:?}{}", entry.model, verdict.version, verdict.status, check.unwrap_or_default())
        }
        Event::Serving(serving) => {
            let versions: Vec<_> = serving.versions.iter().map(ToString::to_string).collect();
            format!("{} serves {}", entry.model, versions.join(", "))
        }
    }
}

#[test]
fn every_verdict_and_every_change_of_what_serves_is_recorded_once_also_over_restarts() {
    let mut bench = Bench::new();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.settle();
    let mut expected = vec!["a/1 Admitted", "a serves 1"];
    assert_eq!(history(&bench), expected);

    bench.drop("a/2", &testkit::linear("a", 3.0));
    bench.write("a/2/stranger", "x");
    bench.settle_all();
    expected.push("a/2 Rejected by layout");
    assert_eq!(history(&bench), expected);

    bench.restart();
    bench.settle_all();
    bench.look_after(300);
    assert_eq!(history(&bench), expected);

    fs_err::remove_file(bench.folder("a/2/stranger")).unwrap();
    bench.settle();
    expected.extend(["a/2 Admitted", "a serves 2"]);
    assert_eq!(history(&bench), expected);

    bench.write("a/policy.toml", "serve = [1]\n");
    bench.settle();
    expected.push("a serves 1");
    assert_eq!(history(&bench), expected);

    bench.remove("a/2");
    bench.look();
    bench.look_after(5);
    expected.push("a/2 Withdrawn by layout");
    assert_eq!(history(&bench), expected);
}

#[test]
fn a_verdict_is_recorded_as_the_catalog_has_it() {
    let mut bench = Bench::new();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.settle();
    let store = Reader::new(&bench.settings.store);
    let catalog = Catalog::unseal(&store.catalog().unwrap(), &Bench::trusted()).unwrap();
    let verdict = catalog.models[0].versions[0].clone();
    let entries = store.history().unwrap().entries;
    assert_eq!(entries[0].at, bench.now);
    assert!(!verdict.checks.is_empty());
    assert_eq!(entries[0].event, Event::Verdict(verdict));
}

#[test]
fn a_history_that_cannot_be_written_holds_up_nothing_and_is_written_later() {
    let mut bench = Bench::new();
    let file = bench.settings.store.join("history.jsonl");
    fs_err::create_dir(&file).unwrap();
    bench.drop("a/1", &testkit::linear("a", 2.0));
    bench.settle();
    assert_eq!(bench.status("a", 1), Status::Admitted);

    fs_err::remove_dir(file).unwrap();
    bench.look();
    assert_eq!(history(&bench), ["a/1 Admitted", "a serves 1"]);
}
