use std::time::{Duration, Instant};

use client::ApiKey;
use load::{KEY, Kind, Load, Pace, Plan, Report, Stand, Swapper};

const SWAPS: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_swaps_lose_no_call_and_every_answer_is_that_of_the_version_it_names() {
    let stand = Stand::start(crate::programs()).await.unwrap();
    let mut swapper = Swapper::start(&stand, 50).await.unwrap();
    let plan = Plan {
        endpoint: stand.endpoint(),
        key: ApiKey::new(KEY).unwrap(),
        connections: 8,
        pace: Pace::Open { per_second: 300 },
        deadline: Duration::from_secs(10),
    };
    let began = Instant::now();
    let load = Load::start(&plan, swapper.expected(), swapper.serving()).await.unwrap();
    let mut swaps = Vec::new();
    for _ in 0..SWAPS {
        swaps.push(swapper.swap(&load).await.unwrap());
    }
    let tally = load.stop().await.unwrap();
    let (names, elapsed) = (swapper.expected().names(), began.elapsed());
    let report = Report { tally, swaps, names, elapsed };
    println!("{report}");

    assert_eq!(report.tally.failed(), 0, "{report}");
    assert_eq!(report.tally.wrong, 0, "{report}");
    assert_eq!(report.both_seen(), SWAPS, "{report}");
    assert!(report.is_good());
    let of = |kind| report.swaps.iter().filter(|swap| swap.kind == kind).count();
    assert_eq!([of(Kind::Folder), of(Kind::Policy), of(Kind::Withdrawal)], [20, 20, 10]);
    assert!(report.swaps.iter().all(|swap| swap.from != swap.to));
    // Two models, each with its first version and ten that came.
    assert_eq!(report.tally.answers.len(), 22);
    assert_eq!(report.tally.answers.values().sum::<u64>(), report.tally.calls);
    assert!(!report.tally.steady.is_empty() && !report.tally.swapping.is_empty());
    stand.stop().await.unwrap();
}
