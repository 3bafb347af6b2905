//! The least that a gRPC call can cost: tonic without limits, keys, log or model. For a request it knows, by length, it
//! gives the bytes that our server answered.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
};

use bytes::Bytes;
use tonic::{
    Request, Response, Status,
    server::{Grpc, UnaryService},
};

use crate::raw::RawCodec;

/// Answers by the length of their requests.
#[derive(Clone)]
pub(crate) struct Echo(Arc<BTreeMap<usize, Bytes>>);

impl Echo {
    /// Keeps a request as a framed body for h2load, with its answer beside it.
    pub(crate) fn write(dir: &Path, request: &[u8], response: &[u8]) -> PathBuf {
        let length = u32::try_from(request.len()).unwrap();
        let framed = [&[0], &length.to_be_bytes()[..], request].concat();
        let body = dir.join(format!("{length}.body"));
        fs_err::write(&body, framed).unwrap();
        fs_err::write(dir.join(format!("{length}.answer")), response).unwrap();
        body
    }

    /// Takes in every answer that was kept in `dir`.
    pub(crate) fn read(dir: &Path) -> Self {
        let files = fs_err::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let answers = files.filter(|path| path.extension().is_some_and(|extension| extension == "answer"));
        let answer = |path: PathBuf| {
            let length = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            (length, Bytes::from(fs_err::read(path).unwrap()))
        };
        Self(Arc::new(answers.map(answer).collect()))
    }

    /// Serves for ever.
    pub(crate) async fn serve(self) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        eprintln!("{{\"address\":\"{address}\"}}");
        let service = tower::service_fn(move |request| {
            let echo = self.clone();
            async move { Ok::<_, Infallible>(Grpc::new(RawCodec).unary(echo, request).await) }
        });
        let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
        tonic::transport::Server::builder().serve_with_incoming(service, incoming).await.unwrap();
    }
}

impl UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let answer = self.0.get(&request.get_ref().len()).cloned();
        Box::pin(async move { answer.map(Response::new).ok_or_else(|| Status::not_found("unknown length")) })
    }
}
