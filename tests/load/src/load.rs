//! The client: connections of one call each, every answer checked.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use client::{ApiKey, Client, Input};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{Course, Expected, Tally, Wrong};

/// When the next call goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// When the one before on the same connection has its answer.
    Closed,
    /// At its time, so many per second over all connections. If none is free the call goes out late, but its time counts
    /// from when it was due: a server that stops for a while does not hide that by not being asked.
    Open {
        /// Calls per second.
        per_second: u32,
    },
}

/// What to call.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The server, as in `http://127.0.0.1:50051`.
    pub endpoint: String,
    /// The key.
    pub key: ApiKey,
    /// How many connections.
    pub connections: usize,
    /// How fast.
    pub pace: Pace,
    /// How long a call may take.
    pub deadline: Duration,
}

/// A load that is under way.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    connections: JoinSet<anyhow::Result<Tally>>,
}

#[derive(Debug)]
struct Shared {
    expected: Arc<Expected>,
    courses: BTreeMap<String, Course>,
    pace: Pace,
    started: Instant,
    /// How many calls have got a time to go out.
    due: AtomicU64,
    /// How many calls have ended.
    ended: watch::Sender<u64>,
    swapping: AtomicBool,
    stopping: AtomicBool,
}

impl Load {
    /// Connects and begins. `serving` says which version of each model serves.
    ///
    /// # Errors
    /// If the server cannot be reached.
    pub async fn start(
        plan: &Plan,
        expected: Arc<Expected>,
        serving: impl IntoIterator<Item = (String, u64)>,
    ) -> anyhow::Result<Self> {
        let mut clients = Vec::new();
        for _ in 0..plan.connections {
            let client = Client::connect(&plan.endpoint, plan.key.clone()).await?.without_retries();
            clients.push(client.with_deadline(plan.deadline));
        }
        let courses = serving.into_iter().map(|(model, version)| (model, Course::of(version)));
        let shared = Arc::new(Shared {
            expected,
            courses: courses.collect(),
            pace: plan.pace,
            started: Instant::now(),
            due: AtomicU64::new(0),
            ended: watch::Sender::new(0),
            swapping: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        });
        let mut connections = JoinSet::new();
        for (connection, client) in clients.into_iter().enumerate() {
            connections.spawn(Arc::clone(&shared).call_on(connection, client));
        }
        Ok(Self { shared, connections })
    }

    /// Which versions of a model answer.
    ///
    /// # Errors
    /// If the load does not ask that model.
    pub fn course(&self, model: &str) -> anyhow::Result<&Course> {
        self.shared.courses.get(model).with_context(|| format!("nobody asks {model}"))
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Says whether a swap is under way, so that times are counted apart.
    pub fn swapping(&self, swapping: bool) {
        self.shared.swapping.store(swapping, Ordering::Release);
    }

    /// Waits until so many more calls have ended.
    pub async fn calls(&self, more: u64) {
        let mut ended = self.shared.ended.subscribe();
        let target = *ended.borrow() + more;
        // Fails only without a sender.
        let _ = ended.wait_for(|ended| *ended >= target).await;
    }

    /// Ends after the calls that are under way.
    ///
    /// # Errors
    /// If a connection's task failed, by a mistake of ours.
    pub async fn stop(mut self) -> anyhow::Result<Tally> {
        self.shared.stopping.store(true, Ordering::Release);
        let mut sum = Tally::new()?;
        while let Some(tally) = self.connections.join_next().await {
            sum.add(tally??)?;
        }
        Ok(sum)
    }
}

impl Shared {
    async fn call_on(self: Arc<Self>, connection: usize, client: Client) -> anyhow::Result<Tally> {
        let mut tally = Tally::new()?;
        let questions = self.expected.questions();
        // Each connection goes through all questions, each from another one on.
        for question in (0..questions.len()).cycle().skip(connection) {
            let due = self.due().await;
            if self.stopping.load(Ordering::Acquire) {
                break;
            }
            let Some(asked) = questions.get(question) else { break };
            let course =
                self.courses.get(&asked.model).with_context(|| format!("no course of {}", asked.model))?;
            let before = self.swapping.load(Ordering::Acquire);
            let departure = course.depart();
            let answered = client.predict(asked.model.as_str(), Input::rows(&asked.rows)).await;
            let swapping = before || self.swapping.load(Ordering::Acquire);
            tally.took(due.elapsed(), swapping);
            match answered {
                Err(error) => tally.failure(&error),
                Ok(found) => {
                    let model = found.model.clone();
                    let judged = self.expected.check(question, &found).and_then(|()| {
                        let timely = course.arrive(departure, connection, model.version);
                        let untimely = || Wrong::Untimely { model: model.name, version: model.version };
                        timely.then_some(model.digest).ok_or_else(untimely)
                    });
                    match judged {
                        Ok(digest) => tally.right(digest),
                        Err(wrong) => tally.wrong(&wrong),
                    }
                }
            }
            self.ended.send_modify(|ended| *ended += 1);
        }
        Ok(tally)
    }

    /// Waits until the next call is due, and gives the time from which it counts.
    async fn due(&self) -> Instant {
        match self.pace {
            Pace::Closed => Instant::now(),
            Pace::Open { per_second } => {
                let number = self.due.fetch_add(1, Ordering::Relaxed);
                let due =
                    self.started + Duration::from_secs_f64(number as f64 / f64::from(per_second.max(1)));
                sleep_until(due).await;
                due
            }
        }
    }
}
