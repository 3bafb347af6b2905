//! Each probe plays an attack that HTTP/2 servers have fallen to, by raw frames, against the program in a process of
//! its own, while a good client asks on. Where tonic's defaults are open, the same attack first shows the fault on a
//! bare server of tonic: an instrument that finds nothing there would prove nothing here.
//!
//! `cargo test --test integration probes -- --show-output` prints what each costs.

mod frames;
mod subject;
mod witness;

/// Frames that make work or take room.
mod floods;
/// Peers that take connections and give nothing.
mod peers;

use std::{net::SocketAddr, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{Mutex, MutexGuard};

use self::{subject::Subject, witness::Witness};

/// The probes run one at a time: each wants the machine, and so do the other tests.
async fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::const_new(());
    ONE.lock().await
}

/// What an attack did to the server.
struct Cost {
    grown_mib: u64,
    cpu: Duration,
    /// What the attacker itself has computed.
    attacker: Duration,
}

impl Cost {
    /// Little memory, and not out of proportion to what the attacker spent (Envoy's threat model: 100 times).
    fn is_small(&self) {
        assert!(self.grown_mib < 64, "grown by {} MiB", self.grown_mib);
        // The good client's calls are in there too.
        let most = 100 * self.attacker + Duration::from_secs(2);
        assert!(self.cpu < most, "{:?} of CPU for {:?}", self.cpu, self.attacker);
    }
}

/// Attacks the server while a good client asks, which must be answered rightly every time.
async fn probe<T: Send + 'static>(
    what: &str,
    subject: &Subject,
    attack: impl AsyncFnOnce(SocketAddr) -> T + Send + 'static,
) -> (T, Cost) {
    let mut witness = Witness::of(subject).await;
    witness.asks(20).await;
    let (peak, cpu) = (subject.peak_kib(), subject.cpu());
    let address = subject.address;
    // On a thread of its own, so that its time can be told from that of the tests beside it.
    let attacking = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let began = thread_time();
        let done = runtime.block_on(attack(address));
        (done, thread_time().saturating_sub(began))
    });
    let (done, attacker) = attacking.await.unwrap();
    witness.asks(30).await;
    let cost = Cost {
        grown_mib: (subject.peak_kib() - peak) / 1024,
        cpu: subject.cpu().saturating_sub(cpu),
        attacker,
    };
    let account = witness.stop().await;
    report(&format!(
        "{what:34} {:10} +{:3} MiB, CPU {:4} ms for {:3} ms; {:3} good calls, p50 {:.1} ms, p99 {:.1} ms",
        subject.name,
        cost.grown_mib,
        cost.cpu.as_millis(),
        cost.attacker.as_millis(),
        account.answers.len(),
        1e3 * account.quantile(0.5).as_secs_f64(),
        1e3 * account.quantile(0.99).as_secs_f64(),
    ));
    assert_eq!(account.failures, [""; 0], "{what}, {}", subject.name);
    // And a connection that comes afterwards is answered too.
    let mut later = Witness::of(subject).await;
    later.asks(3).await;
    assert_eq!(later.stop().await.failures, [""; 0], "after {what}, {}", subject.name);
    (done, cost)
}

#[expect(clippy::print_stdout, reason = "cargo shows it to who asks for it")]
fn report(line: &str) {
    println!("{line}");
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}
