//! Assembles the parts, runs them, and stops them in order. The only file that sees them all.

use std::{sync::Arc, time::Duration};

use artifact::{dsse::InvalidKey, store::Reader};
use axum::{middleware, response::Response};
use bootstrap::secret::{self, SecretError};
use secrecy::ExposeSecret as _;
use tokio::{
    net::TcpListener,
    sync::oneshot,
    time::{MissedTickBehavior, interval, timeout},
};
use tonic::{Status, body::Body, service::Routes, transport::Server};

use crate::{
    access, auth,
    config::Settings,
    connections,
    error::ServeError,
    health::Health,
    infer::Inference,
    keys::{KeyFile, KeyFileError},
    limits::{self, Gate, Limits},
    pb::{self, model_service_server::ModelServiceServer, predict_service_server::PredictServiceServer},
    registry::{self, Models},
    reload::{Outcome, Reloader},
    service::{Catalogue, Predict},
};

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The catalog's public key cannot be read.
    #[error("catalog_public_key_file: {0}")]
    PublicKey(#[from] SecretError),
    /// The file holds something else.
    #[error("catalog_public_key_file: {0}")]
    InvalidKey(#[from] InvalidKey),
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
    /// A background task ended, which is a bug.
    #[error("the {0} task ended")]
    TaskEnded(&'static str),
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
    let public_key = secret::read(&settings.catalog_public_key_file)?;
    let trusted = artifact::dsse::TrustedKey::from_pem(public_key.expose_secret())?;
    let (key_file, keys) = KeyFile::open(&settings.api_keys_file)?;
    let (publisher, models) = registry::channel();
    let reloader = Reloader::new(Reader::new(&settings.store), trusted, publisher);
    let inference = Arc::new(Inference::start(&settings.compute)?);
    let gate = Gate::new(&settings.limits);
    let (reporter, health_service) = tonic_health::server::health_reporter();
    let health = Health::new(reporter).await;

    let limits = &settings.limits;
    let predict = Predict {
        models: models.clone(),
        inference,
        max_rows: limits.rows,
    };
    let predict = PredictServiceServer::new(predict)
        .max_decoding_message_size(limits.request_bytes)
        .max_encoding_message_size(limits.response_bytes);
    let catalogue = ModelServiceServer::new(Catalogue {
        models: models.clone(),
    })
    .max_decoding_message_size(limits.request_bytes)
    .max_encoding_message_size(limits.response_bytes);
    let descriptors = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(pb::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let routes = Routes::new(predict)
        .add_service(catalogue)
        .add_service(health_service)
        .add_service(descriptors().build_v1()?)
        .add_service(descriptors().build_v1alpha()?);
    // The outermost comes last.
    let routes = routes
        .into_axum_router()
        .layer(middleware::from_fn_with_state(
            Duration::from_secs(limits.call_seconds),
            limits::hurry,
        ))
        .layer(middleware::from_fn_with_state(gate.clone(), limits::admit))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&keys),
            auth::authenticate,
        ))
        .layer(middleware::from_fn(access::log));

    let address = listener.local_addr()?;
    let incoming = connections::accept(listener, limits);
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = transport(limits)
        .add_routes(Routes::from(routes))
        .serve_with_incoming_shutdown(incoming, async {
            let _ = stopped.await;
        });
    // Its own task: it goes on while this one waits out the notice.
    let mut serving = tokio::spawn(serving);
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");

    let health = Arc::new(tokio::sync::Mutex::new(health));
    let every = Duration::from_millis(settings.reload_ms.max(1));
    let mut reloading = tokio::spawn(reload_loop(reloader, models, Arc::clone(&health), every));
    let mut reading_keys = tokio::spawn(key_loop(key_file, every));
    let failed = tokio::select! {
        () = shutdown => None,
        ended = &mut serving => Some(ended.map_or(RunError::TaskEnded("transport"), |ended| {
            ended.err().map_or(RunError::TaskEnded("transport"), RunError::from)
        })),
        _ = &mut reloading => Some(RunError::TaskEnded("reload")),
        _ = &mut reading_keys => Some(RunError::TaskEnded("key")),
    };
    reloading.abort();
    reading_keys.abort();

    let mut health = health.lock().await;
    health.withdraw().await;
    let notice = Duration::from_millis(settings.drain.notice_ms);
    // Calls go on; only the end of the transport would cut the notice short.
    let _ = timeout(notice, &mut serving).await;
    let _ = stop.send(());
    gate.close();
    health.end_watches().await;
    let limit = Duration::from_secs(settings.drain.seconds);
    match timeout(limit, &mut serving).await {
        Ok(_) => tracing::info!("drained"),
        Err(_) => {
            serving.abort();
            tracing::warn!(
                limit_seconds = limit.as_secs(),
                "stopped with connections still open"
            );
        }
    }
    failed.map_or(Ok(()), Err)
}

/// The answer to a call that goes no further than a layer.
pub(crate) fn refuse(error: ServeError) -> Response {
    Status::from(error).into_http::<Body>().map(axum::body::Body::new)
}

/// hyper's limits, each set: tonic passes its own `None` on where hyper has a safe default.
fn transport(limits: &Limits) -> Server {
    Server::builder()
        .max_concurrent_streams(limits.streams_per_connection)
        .max_connection_age(Duration::from_secs(limits.connection_age_seconds))
        .http2_max_header_list_size(limits.header_bytes)
        .http2_max_pending_accept_reset_streams(Some(20))
        .http2_max_local_error_reset_streams(Some(256))
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(1 << 20)
}

async fn reload_loop(
    mut reloader: Reloader,
    models: Models,
    health: Arc<tokio::sync::Mutex<Health>>,
    every: Duration,
) {
    let mut ticks = ticks(every);
    loop {
        ticks.tick().await;
        let looked = tokio::task::spawn_blocking(move || {
            let outcome = reloader.reload_once();
            (reloader, outcome)
        });
        let Ok((back, outcome)) = looked.await else { return };
        reloader = back;
        if outcome == Outcome::Applied {
            health.lock().await.show(&models.snapshot()).await;
        }
    }
}

async fn key_loop(mut file: KeyFile, every: Duration) {
    let mut ticks = ticks(every);
    let mut said = None;
    loop {
        ticks.tick().await;
        let failed = match file.reload_once() {
            Ok(true) => {
                tracing::info!("new API keys are in force");
                None
            }
            // A file that cannot be used is not read again until it changes, so that this is no recovery.
            Ok(false) => continue,
            Err(error) => Some(error.to_string()),
        };
        if failed != said {
            if let Some(error) = &failed {
                tracing::error!(
                    error,
                    "the API keys cannot be read; the last good ones stay in force"
                );
            }
            said = failed;
        }
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}
