//! Assembles the parts, runs them, and stops them in order. The only file that sees them all.

use std::{pin::Pin, sync::Arc, time::Duration};

use artifact::store::Reader;
use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    sync::{Mutex, watch},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tonic::{service::Routes, transport::Server};

use crate::{
    config::Settings,
    connections,
    door::{Door, Parts},
    floor::Floor,
    gate::Gate,
    health::Health,
    infer::Inference,
    keys::{KeyFile, KeyFileError},
    limits::Limits,
    pb::{self, model_service_server::ModelServiceServer, predict_service_server::PredictServiceServer},
    registry::{self, Models},
    reload::Reloader,
    service::{Catalogue, Predict},
    stream,
    trust::{Trust, TrustError},
};

/// A request message of the services that need no key: names, which are short. tonic would take 4 MiB from anyone.
const OPEN_REQUEST_BYTES: usize = 4 << 10;

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The catalog's public keys cannot be used.
    #[error("catalog_public_key_file: {0}")]
    Trust(#[from] TrustError),
    /// The key file cannot be used.
    #[error("api_keys_file: {0}")]
    Keys(#[from] KeyFileError),
    /// A thread or socket is not to be had.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// The descriptors of the proto files are damaged.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport gave up.
    #[error("transport: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// A part that should never end has; the log may say more.
    #[error("a part of the server ended by itself")]
    Ended,
}

/// Serves on `listener` until `shutdown` ends, then drains.
///
/// # Errors
/// [`RunError`] before the first call is answered, or if a part of the server fails.
pub async fn run(
    listener: TcpListener,
    settings: Settings,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let trust = Trust::open(&settings.catalog_public_key_file)?;
    let (key_file, keys) = KeyFile::open(&settings.api_keys_file)?;
    let (publisher, models) = registry::channel();
    let floor = Floor::open(&settings.state);
    let reloader = Reloader::new(Reader::new(&settings.store), trust, floor, publisher);
    let inference = Arc::new(Inference::start(&settings.compute)?);
    let gate = Gate::new(&settings.limits);
    let (reporter, health_service) = tonic_health::server::health_reporter();
    let health_service = health_service.max_decoding_message_size(OPEN_REQUEST_BYTES);
    let health = Arc::new(Mutex::new(Health::new(reporter).await));

    let limits = &settings.limits;
    let (stop, stopped) = watch::channel(());
    let door = Door::from(Parts {
        keys,
        gate: gate.clone(),
        longest: Duration::from_secs(limits.call_seconds),
        predict: predict(models.clone(), inference, stopped.clone(), limits),
        others: others(models.clone(), stopped.clone(), limits)?
            .add_service(health_service)
            .into_axum_router(),
    });
    let address = listener.local_addr()?;
    let mut serving = serve(listener, door, &settings, ended(stopped));
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");

    let every = Duration::from_millis(settings.reload_ms.max(1));
    let mut background = JoinSet::new();
    background.spawn(reload_loop(reloader, every));
    background.spawn(health_loop(models, Arc::clone(&health)));
    background.spawn(key_loop(key_file, every));
    // A background task only ends by a bug; what is served is still drained.
    let stopped = tokio::select! {
        () = shutdown => Ok(()),
        ended = &mut serving => return ended.map_err(RunError::from).and(Err(RunError::Ended)),
        _ = background.join_next() => Err(RunError::Ended),
    };
    background.shutdown().await;

    let mut health = health.lock().await;
    health.withdraw().await;
    let notice = Duration::from_millis(settings.drain.notice_ms);
    // Calls go on meanwhile; only a transport that fails cuts the notice short.
    if let Ok(ended) = timeout(notice, &mut serving).await {
        return ended.map_err(RunError::from);
    }
    drop(stop);
    gate.close();
    health.end_watches().await;
    let limit = Duration::from_secs(settings.drain.seconds);
    match timeout(limit, serving).await {
        Ok(ended) => ended?,
        Err(_) => tracing::warn!(limit_seconds = limit.as_secs(), "stopped with connections still open"),
    }
    tracing::info!("stopped");
    stopped
}

/// Answers every connection, until `stopped` has ended and all of them too.
fn serve(
    listener: TcpListener,
    door: Door,
    settings: &Settings,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> Pin<Box<dyn Future<Output = Result<(), tonic::transport::Error>> + Send>> {
    let (limits, web) = (&settings.limits, &settings.web);
    let incoming = connections::accept(listener, limits, web.is_on());
    let transport = transport(limits);
    if web.is_on() {
        let door = web.open(door, limits);
        return Box::pin(transport.accept_http1(true).serve_with_incoming_shutdown(door, incoming, stopped));
    }
    Box::pin(transport.serve_with_incoming_shutdown(door, incoming, stopped))
}

/// Ends when the sender is dropped.
async fn ended(mut stopped: watch::Receiver<()>) {
    while stopped.changed().await.is_ok() {}
}

fn predict(
    models: Models,
    inference: Arc<Inference>,
    stopped: watch::Receiver<()>,
    limits: &Limits,
) -> PredictServiceServer<Predict> {
    let max_numbers = limits.response_bytes / size_of::<f64>();
    let streams = stream::Rules::new(limits, stopped);
    PredictServiceServer::new(Predict { models, inference, max_rows: limits.rows, max_numbers, streams })
        .max_decoding_message_size(limits.request_bytes)
        .max_encoding_message_size(limits.response_bytes)
}

/// Every service but Predict and health.
fn others(models: Models, stopped: watch::Receiver<()>, limits: &Limits) -> Result<Routes, RunError> {
    let longest_watch = Duration::from_secs(limits.connection_age_seconds);
    let catalogue = ModelServiceServer::new(Catalogue { models, stopped, longest_watch })
        .max_decoding_message_size(limits.request_bytes)
        .max_encoding_message_size(limits.response_bytes);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(pb::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(Routes::new(catalogue)
        .add_service(reflection().build_v1()?.max_decoding_message_size(OPEN_REQUEST_BYTES))
        .add_service(reflection().build_v1alpha()?.max_decoding_message_size(OPEN_REQUEST_BYTES)))
}

/// hyper's limits, each set: tonic passes its own `None` on where hyper has a safe default.
fn transport(limits: &Limits) -> Server {
    let keepalive = Some(limits.keepalive_seconds).filter(|&seconds| seconds > 0);
    Server::builder()
        .max_concurrent_streams(limits.streams_per_connection)
        .max_connection_age(Duration::from_secs(limits.connection_age_seconds))
        .http2_max_header_list_size(limits.header_bytes)
        .http2_max_pending_accept_reset_streams(Some(limits.pending_resets))
        .http2_max_local_error_reset_streams(Some(limits.error_resets))
        .http2_keepalive_interval(keepalive.map(Duration::from_secs))
        .http2_keepalive_timeout(Some(Duration::from_secs(limits.keepalive_timeout_seconds)))
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(1 << 20)
}

async fn health_loop(mut models: Models, health: Arc<Mutex<Health>>) {
    loop {
        health.lock().await.show(&models.snapshot()).await;
        models.changed().await;
    }
}

async fn reload_loop(mut reloader: Reloader, every: Duration) {
    let mut ticks = ticks(every);
    loop {
        ticks.tick().await;
        let looked = tokio::task::spawn_blocking(move || {
            reloader.reload_once(Timestamp::now());
            reloader
        });
        let Ok(back) = looked.await else { return };
        reloader = back;
    }
}

async fn key_loop(mut file: KeyFile, every: Duration) {
    let mut ticks = ticks(every);
    loop {
        ticks.tick().await;
        file.reload_once();
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}
