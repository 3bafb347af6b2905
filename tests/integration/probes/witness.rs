//! A good client, which asks all the while and must not notice anything.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use client::{ApiKey, Client, Input, Target};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, timeout},
};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::subject::Subject;
use crate::harness::{KEY, PATIENCE};

/// What it saw.
#[derive(Debug, Default)]
pub(super) struct Account {
    pub(super) answers: Vec<Duration>,
    /// Calls that failed, and answers that were wrong.
    pub(super) failures: Vec<String>,
}

pub(super) struct Witness {
    count: watch::Receiver<usize>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Account>,
}

/// What is asked: each server offers something else.
enum Asks {
    Predict(Box<Client>, f64),
    Health(HealthClient<Channel>),
}

impl Witness {
    /// Asks the server until it is stopped, over one connection.
    pub(super) async fn of(subject: &Subject) -> Self {
        let asks = match subject.name {
            "ours" => Asks::predict(subject.address, 8.0).await,
            _ => Asks::Health(HealthClient::new(channel(subject.address).await)),
        };
        Self::start(asks)
    }

    fn start(mut asks: Asks) -> Self {
        let (counted, count) = watch::channel(0);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut account = Account::default();
            let mut ticks = interval(Duration::from_millis(10));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while !*stopped.borrow() {
                ticks.tick().await;
                let began = Instant::now();
                match asks.ask().await {
                    Ok(()) => account.answers.push(began.elapsed()),
                    Err(failure) => account.failures.push(failure),
                }
                counted.send_replace(account.answers.len() + account.failures.len());
            }
            account
        });
        Self { count, stop, task }
    }

    /// Waits until it has asked so many times more.
    pub(super) async fn asks(&mut self, more: usize) {
        let wanted = *self.count.borrow() + more;
        let asked = self.count.wait_for(|&count| count >= wanted);
        timeout(PATIENCE, asked).await.expect("the good client is answered").unwrap();
    }

    pub(super) async fn stop(self) -> Account {
        self.stop.send_replace(true);
        timeout(PATIENCE, self.task).await.expect("the good client is answered").unwrap()
    }
}

impl Asks {
    async fn predict(address: SocketAddr, expected: f64) -> Self {
        let client = Client::over(channel(address).await, ApiKey::new(KEY).unwrap()).without_retries();
        Self::Predict(Box::new(client), expected)
    }

    async fn ask(&mut self) -> Result<(), String> {
        match self {
            Self::Predict(client, expected) => {
                let answer = client.predict(Target::model("line"), Input::rows(&[2.0, 3.0])).await;
                match answer.map_err(|error| error.to_string())?.numbers() {
                    [number] if number == expected => Ok(()),
                    other => Err(format!("answered {other:?}")),
                }
            }
            Self::Health(client) => {
                let answer = client.check(HealthCheckRequest::default()).await;
                match answer.map_err(|status| status.to_string())?.into_inner().status() {
                    ServingStatus::Serving => Ok(()),
                    other => Err(format!("answered {other:?}")),
                }
            }
        }
    }
}

async fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

impl Account {
    /// The latency that `share` of the answers did not exceed.
    pub(super) fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.answers.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a small count"
        )]
        let index = (share * sorted.len() as f64) as usize;
        sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

#[tokio::test]
async fn the_good_client_reports_wrong_answers_and_failed_calls() {
    let subject = Subject::ours(&[]).await;
    let mut witness = Witness::start(Asks::predict(subject.address, 9.0).await);
    witness.asks(3).await;
    assert_eq!(witness.stop().await.failures[0], "answered [8.0]");

    let mut witness = Witness::of(&subject).await;
    witness.asks(3).await;
    drop(subject);
    witness.asks(3).await;
    let account = witness.stop().await;
    assert!(account.answers.len() >= 3 && account.failures.len() >= 2, "{account:?}");
}
