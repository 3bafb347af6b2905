use std::time::Duration;

use client::{Answer, ApiKey};
use load::{KEY, Load, Pace, Plan, Stand, Swapper, Tally, until};

use crate::saboteur::{Sabotage, Saboteur};

/// Odd, and no divisor of what goes round here, so that every question and connection has its turn.
const EVERY: u64 = 7;
const CALLS: u64 = 300;

fn plan(endpoint: String) -> Plan {
    Plan {
        endpoint,
        key: ApiKey::new(KEY).unwrap(),
        connections: 4,
        pace: Pace::Closed,
        deadline: Duration::from_secs(10),
    }
}

/// The load on a server that does that to some answers: what it found, and how many were spoilt.
async fn found(stand: &Stand, swapper: &Swapper<'_>, sabotage: Sabotage) -> (Tally, u64) {
    let saboteur = Saboteur::start(&stand.endpoint(), sabotage, EVERY).await;
    let load = Load::start(&plan(saboteur.endpoint()), swapper.expected(), swapper.serving()).await.unwrap();
    until("calls have ended", load.calls(CALLS)).await.unwrap();
    (load.stop().await.unwrap(), saboteur.spoilt())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spoilt_answer_is_found_and_no_other() {
    let stand = Stand::start(crate::programs()).await.unwrap();
    let swapper = Swapper::start(&stand, CALLS).await.unwrap();
    let (clean, spoilt) = found(&stand, &swapper, Sabotage::Nothing).await;
    assert_eq!((clean.wrong, clean.failed(), spoilt), (0, 0, 0), "{:?}", clean.shown);
    assert!(clean.calls >= CALLS);
    assert_eq!(clean.answers.values().sum::<u64>(), clean.calls);
    assert_eq!(clean.answers.len(), 2, "{:?}", clean.answers);
    assert_eq!(clean.steady.len(), clean.calls);

    for (sabotage, sentence) in [
        (Sabotage::Bit, "version 1 answers otherwise"),
        (Sabotage::Label, "version 1 answers otherwise"),
        (Sabotage::Row, "version 1 answers otherwise"),
        (Sabotage::Version, "there is no version 2"),
        (Sabotage::Digest, "version 1 is not sha256:x"),
    ] {
        let (tally, spoilt) = found(&stand, &swapper, sabotage).await;
        assert!(spoilt > 0, "{sabotage:?}");
        assert_eq!((tally.wrong, tally.failed()), (spoilt, 0), "{sabotage:?}: {:?}", tally.shown);
        assert!(tally.shown.iter().all(|text| text.contains(sentence)), "{:?}", tally.shown);
        assert_eq!(tally.answers.values().sum::<u64>(), tally.calls - spoilt);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_that_is_not_answered_is_a_failure_with_its_code() {
    let stand = Stand::start(crate::programs()).await.unwrap();
    let swapper = Swapper::start(&stand, CALLS).await.unwrap();
    let (tally, spoilt) = found(&stand, &swapper, Sabotage::Refuse).await;
    assert!(spoilt > 0);
    assert_eq!((tally.wrong, tally.failures.get("Unavailable"), tally.failed()), (0, Some(&spoilt), spoilt));

    // Few, since each holds up a connection until its deadline.
    let saboteur = Saboteur::start(&stand.endpoint(), Sabotage::Swallow, 50).await;
    let plan = Plan { deadline: Duration::from_secs(2), ..plan(saboteur.endpoint()) };
    let load = Load::start(&plan, swapper.expected(), swapper.serving()).await.unwrap();
    until("calls have ended", load.calls(120)).await.unwrap();
    let tally = load.stop().await.unwrap();
    assert!(saboteur.spoilt() >= 2);
    assert_eq!(tally.wrong, 0);
    // A slow machine may let good calls die too; each swallowed one does.
    assert!(tally.failures["DeadlineExceeded"] >= saboteur.spoilt(), "{:?}", tally.failures);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_is_failures() {
    let stand = Stand::start(crate::programs()).await.unwrap();
    let swapper = Swapper::start(&stand, CALLS).await.unwrap();
    let (expected, serving) = (swapper.expected(), swapper.serving());
    let load = Load::start(&plan(stand.endpoint()), expected, serving).await.unwrap();
    until("calls have ended", load.calls(CALLS)).await.unwrap();
    stand.stop_server().await.unwrap();
    until("calls have failed", load.calls(10)).await.unwrap();
    let tally = load.stop().await.unwrap();
    assert!(tally.failed() > 0);
    assert_eq!(tally.wrong, 0, "{:?}", tally.shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expectation_that_is_one_bit_off_makes_every_answer_wrong() {
    let stand = Stand::start(crate::programs()).await.unwrap();
    let swapper = Swapper::start(&stand, CALLS).await.unwrap();
    swapper.expected().falsify("line", 1, |answer| {
        let Answer::Regression(answer) = answer else { panic!("a regression") };
        answer.values[0] = f64::from_bits(answer.values[0].to_bits() ^ 1);
    });
    let (tally, _) = found(&stand, &swapper, Sabotage::Nothing).await;
    assert!(tally.wrong > 0);
    assert_eq!(tally.failed(), 0);
    let names = swapper.expected().names();
    let right: Vec<_> = tally.answers.keys().map(|digest| names[digest].as_str()).collect();
    assert_eq!(right, ["iris 1"]);
    assert_eq!(tally.wrong + tally.answers.values().sum::<u64>(), tally.calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_from_before_a_swap_is_found_though_its_bits_are_right() {
    let stand = Stand::start(crate::programs()).await.unwrap();
    let mut swapper = Swapper::start(&stand, CALLS).await.unwrap();
    let saboteur = Saboteur::start(&stand.endpoint(), Sabotage::Stale, EVERY).await;
    let load = Load::start(&plan(saboteur.endpoint()), swapper.expected(), swapper.serving()).await.unwrap();
    swapper.swap(&load).await.unwrap();
    until("calls have ended", load.calls(CALLS)).await.unwrap();
    let tally = load.stop().await.unwrap();
    // Those that were given while the swap was under way could be true ones.
    assert!((1..=saboteur.spoilt()).contains(&tally.wrong), "{} of {}", tally.wrong, saboteur.spoilt());
    assert_eq!(tally.failed(), 0);
    let sentence = "line: version 1 does not serve now";
    assert!(tally.shown.iter().all(|text| text == sentence), "{:?}", tally.shown);
}
