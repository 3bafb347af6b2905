//! A signed store in a temporary folder, and a server on it.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use artifact::{
    Artifact, Catalog, Digest,
    catalog::{CatalogModel, CatalogVersion, Status},
    dsse::SealKey,
    store::Writer,
};
use bytes::Bytes;
use client::{
    ApiKey, Client, Code, Error, Input, Prediction, Refusal,
    pb::{ListModelsResponse, ModelVersion},
};
use http::uri::PathAndQuery;
use linfa_serve::{RunError, Settings};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::timeout};
use tonic::{
    Request, Status as WireStatus,
    transport::{Channel, Endpoint},
};

use crate::raw::RawCodec;

/// May do everything.
pub(crate) const KEY: &str = "lsk_all";
/// May predict with `iris`.
pub(crate) const IRIS_KEY: &str = "lsk_iris";
/// May see models.
pub(crate) const MODELS_KEY: &str = "lsk_models";
/// Could do everything once.
pub(crate) const EXPIRED_KEY: &str = "lsk_expired";

/// The public half of the tests' signing key, made with `openssl pkey -pubout`.
pub(crate) const PUBLIC_KEY: &str = include_str!("public_key.pem");
/// Its private half.
pub(crate) const SECRET: [u8; 32] = *b"linfa-serve integration test key";

/// Long enough for a loaded machine; nothing waits this long where all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Store {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) catalog: Catalog,
    pub(crate) key: SealKey,
    writer: Writer,
}

impl Store {
    /// A store with no catalog.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let writer = Writer::open(dir.path().join("store")).unwrap();
        fs_err::create_dir(dir.path().join("state")).unwrap();
        let now = jiff::Timestamp::now();
        let catalog = Catalog {
            sequence: 1,
            epoch: 1,
            issued_at: now,
            expires_at: now + jiff::SignedDuration::from_hours(24),
            models: Vec::new(),
            notes: Vec::new(),
        };
        Self { dir, catalog, key: SealKey::from_bytes(&SECRET), writer }
    }

    /// A store whose catalog serves these packs, each as version 1.
    pub(crate) fn of(packs: &[Artifact]) -> Self {
        let mut store = Self::empty();
        for pack in packs {
            store.admit(pack, 1);
        }
        store.publish();
        store
    }

    /// Admits a version and lets it serve, alone. Takes effect with [`Store::publish`].
    pub(crate) fn admit(&mut self, pack: &Artifact, version: u64) {
        let files = pack.files().unwrap();
        let entry = CatalogVersion {
            digest: Some(Digest::of(&files.manifest)),
            files: self.writer.put_version(&files).unwrap(),
            ..entry(version, Status::Admitted)
        };
        let model = self.model(pack.name.as_str());
        model.default = Some(entry.version);
        model.serving = vec![entry.version];
        model.versions.retain(|known| known.version != entry.version);
        model.versions.push(entry);
    }

    /// The model's entry, made if there is none.
    pub(crate) fn model(&mut self, name: &str) -> &mut CatalogModel {
        let models = &mut self.catalog.models;
        let index = models.iter().position(|model| model.name.as_str() == name).unwrap_or_else(|| {
            models.push(CatalogModel {
                name: name.parse().unwrap(),
                default: None,
                serving: Vec::new(),
                labels: Default::default(),
                policy_error: None,
                notes: Vec::new(),
                versions: Vec::new(),
            });
            models.len() - 1
        });
        &mut models[index]
    }

    /// Signs and writes the catalog, with the next sequence.
    pub(crate) fn publish(&mut self) {
        self.catalog.sequence += 1;
        let sealed = self.catalog.seal(&self.key).unwrap();
        self.write(&sealed);
    }

    /// Writes these bytes as the catalog.
    pub(crate) fn write(&mut self, catalog: &[u8]) {
        self.writer.put_catalog(catalog).unwrap();
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// The folder of the server on this store.
    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// The settings of a server on this store, with fresh key files.
    pub(crate) fn settings(&self) -> Settings {
        let file = |name: &str, content: &str| {
            let path = self.dir.path().join(name);
            write_secret(&path, content);
            path
        };
        Settings {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            store: self.path(),
            state: self.state(),
            catalog_public_key_file: file("public.pem", PUBLIC_KEY),
            api_keys_file: file("keys.toml", &keys()),
            reload_ms: 10,
            drain: linfa_serve::config::Drain { notice_ms: 0, seconds: 1 },
            ..Settings::default()
        }
    }
}

/// An entry without content.
pub(crate) fn entry(version: u64, status: Status) -> CatalogVersion {
    CatalogVersion {
        version: version.try_into().unwrap(),
        status,
        digest: None,
        signer: None,
        files: Vec::new(),
        checks: Vec::new(),
        refusal: None,
        fatal: None,
    }
}

/// The key file of every test.
pub(crate) fn keys() -> String {
    let entry = |id: &str, key: &str, scopes: &str, rest: &str| {
        let sha256 = Digest::of(key.as_bytes()).hex();
        format!("[[key]]\nid = \"{id}\"\nsha256 = \"{sha256}\"\nscopes = {scopes}\n{rest}\n")
    };
    let all = r#"["predict:*", "models:read"]"#;
    entry("all", KEY, all, "expires = 2999-01-01T00:00:00Z")
        + &entry("iris", IRIS_KEY, r#"["predict:iris"]"#, "")
        + &entry("models", MODELS_KEY, r#"["models:read"]"#, "")
        + &entry("expired", EXPIRED_KEY, all, "expires = 2001-01-01T00:00:00Z")
}

/// Writes a file that only we can read.
pub(crate) fn write_secret(path: &std::path::Path, content: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    // By a rename, so that no reader sees half of it.
    let temporary = path.with_extension("new");
    fs_err::write(&temporary, content).unwrap();
    fs_err::set_permissions(&temporary, std::fs::Permissions::from_mode(0o400)).unwrap();
    fs_err::rename(&temporary, path).unwrap();
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), RunError>>,
}

impl Server {
    /// A server on the store that serves something.
    pub(crate) async fn ready(store: &Store) -> Self {
        Self::ready_with(store.settings()).await
    }

    pub(crate) async fn ready_with(settings: Settings) -> Self {
        let server = Self::start(settings).await;
        eventually("the server is ready", async || linfa_serve::is_ready(server.address).await.ok()).await;
        server
    }

    /// A server that may not be ready.
    pub(crate) async fn start(settings: Settings) -> Self {
        let listener = TcpListener::bind(settings.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(linfa_serve::run(listener, settings, async {
            let _ = stopped.await;
        }));
        Self { address, stop, task }
    }

    /// Begins the shutdown; the result comes when it is over.
    pub(crate) fn stop(self) -> JoinHandle<Result<(), RunError>> {
        let _ = self.stop.send(());
        self.task
    }

    pub(crate) async fn channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    pub(crate) async fn client(&self) -> Client {
        self.client_with(KEY).await
    }

    pub(crate) async fn client_with(&self, key: &str) -> Client {
        Client::over(self.channel().await, ApiKey::new(key).unwrap()).without_retries()
    }

    /// Every test of bad input ends with this: a good call is answered as ever.
    pub(crate) async fn still_answers(&self, model: &str, row: &[f64]) -> Prediction {
        let target = client::Target::model(model);
        self.client().await.predict(target, Input::rows(row)).await.expect("the server still answers")
    }

    pub(crate) async fn list(&self) -> ListModelsResponse {
        self.client().await.list_models().await.unwrap()
    }

    pub(crate) async fn version(&self, model: &str, version: u64) -> ModelVersion {
        let model = self.client().await.get_model(model).await.unwrap().model.unwrap();
        model.versions.into_iter().find(|known| known.version == version).expect("a known version")
    }

    /// Waits until the catalog of that sequence is in force.
    pub(crate) async fn applied(&self, sequence: u64) {
        eventually("the catalog is in force", async || {
            let catalog = self.client().await.list_models().await.ok()?.catalog?;
            (catalog.sequence == sequence).then_some(())
        })
        .await;
    }

    /// Waits until ListModels says that the catalog file is refused.
    pub(crate) async fn refusal(&self) -> String {
        eventually("the catalog is refused", async || {
            let catalog = self.client().await.list_models().await.ok()?.catalog?;
            Some(catalog.error).filter(|error| !error.is_empty())
        })
        .await
    }
}

/// What the server refused a call with.
pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> Refusal {
    match answer.expect_err("a refusal") {
        Error::Refused(refusal) => *refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// Asks again and again until there is an answer.
pub(crate) async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let asking = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        loop {
            ticks.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}

/// One call of raw bytes, whose body may never come.
pub(crate) async fn raw_call(
    channel: Channel,
    method: &'static str,
    key: Option<&str>,
    body: impl tokio_stream::Stream<Item = Bytes> + Send + 'static,
) -> Result<Bytes, WireStatus> {
    let mut request = Request::new(body);
    if let Some(key) = key {
        request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    }
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.map_err(|error| WireStatus::unknown(error.to_string()))?;
    let response = grpc.client_streaming(request, PathAndQuery::from_static(method), RawCodec).await?;
    Ok(response.into_inner())
}

pub(crate) const PREDICT: &str = "/linfa.serve.v1.PredictService/Predict";

/// The code and sentence of a raw call.
pub(crate) fn said(answer: Result<Bytes, WireStatus>) -> (Code, String) {
    let status = answer.expect_err("a refusal");
    (status.code(), status.message().to_owned())
}
