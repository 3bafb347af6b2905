//! A server in between that passes calls on, and spoils some of the answers.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use client::pb::{PredictResponse, predict_response::Prediction};
use http::uri::PathAndQuery;
use prost::Message as _;
use tokio::{net::TcpListener, task::JoinHandle};
use tonic::{
    Request, Response, Status,
    server::{Grpc, UnaryService},
    transport::{Channel, Server, server::TcpIncoming},
};

use crate::raw::RawCodec;

/// What is done to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    Nothing,
    /// One bit of one number, the least.
    Bit,
    /// The class of the last row.
    Label,
    /// The last row is left out.
    Row,
    Version,
    Digest,
    /// The first answer that there ever was to this question.
    Stale,
    /// UNAVAILABLE instead.
    Refuse,
    /// Nothing, for ever.
    Swallow,
}

pub(crate) struct Saboteur {
    address: SocketAddr,
    spoilt: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Between {
    upstream: Channel,
    sabotage: Sabotage,
    every: u64,
    calls: Arc<AtomicU64>,
    spoilt: Arc<AtomicU64>,
    first: Arc<Mutex<BTreeMap<Bytes, Bytes>>>,
}

impl Saboteur {
    /// Does that to one answer in `every`, as far as it can be done to it.
    pub(crate) async fn start(upstream: &str, sabotage: Sabotage, every: u64) -> Self {
        let upstream = Channel::from_shared(upstream.to_owned()).unwrap().connect_lazy();
        let spoilt = Arc::<AtomicU64>::default();
        let between = Between {
            upstream,
            sabotage,
            every,
            calls: Arc::default(),
            spoilt: Arc::clone(&spoilt),
            first: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = tower::service_fn(move |request| {
            let between = between.clone();
            async move { Ok::<_, Infallible>(Grpc::new(RawCodec).unary(between, request).await) }
        });
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let task = tokio::spawn(async move {
            Server::builder().serve_with_incoming(service, incoming).await.unwrap();
        });
        Self { address, spoilt, task }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many answers it has spoilt.
    pub(crate) fn spoilt(&self) -> u64 {
        self.spoilt.load(Ordering::SeqCst)
    }
}

impl Drop for Saboteur {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl UnaryService<Bytes> for Between {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        Box::pin(self.clone().pass(request))
    }
}

impl Between {
    async fn pass(self, request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
        let turn = self.calls.fetch_add(1, Ordering::SeqCst) % self.every == self.every - 1;
        match self.sabotage {
            Sabotage::Refuse if turn => {
                self.spoilt.fetch_add(1, Ordering::SeqCst);
                return Err(Status::unavailable("sabotage"));
            }
            Sabotage::Swallow if turn => {
                self.spoilt.fetch_add(1, Ordering::SeqCst);
                return std::future::pending().await;
            }
            _ => {}
        }
        let question = request.get_ref().clone();
        let mut grpc = tonic::client::Grpc::new(self.upstream.clone());
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = PathAndQuery::from_static("/linfa.serve.v1.PredictService/Predict");
        let answer = grpc.unary(request, path, RawCodec).await?.into_inner();
        let first = self.first.lock().unwrap().entry(question).or_insert_with(|| answer.clone()).clone();
        let given = match self.sabotage {
            Sabotage::Stale if turn => first,
            sabotage if turn => spoil(sabotage, &answer),
            _ => answer.clone(),
        };
        if given != answer {
            self.spoilt.fetch_add(1, Ordering::SeqCst);
        }
        Ok(Response::new(given))
    }
}

fn spoil(sabotage: Sabotage, answer: &Bytes) -> Bytes {
    let mut message = PredictResponse::decode(answer.clone()).unwrap();
    let model = message.model.as_mut().unwrap();
    let prediction = message.prediction.as_mut().unwrap();
    match (sabotage, prediction) {
        (Sabotage::Version, _) => model.version += 1,
        (Sabotage::Digest, _) => model.digest.replace_range(7..8, "x"),
        (Sabotage::Bit, Prediction::Regression(answer)) => flip(&mut answer.values),
        (Sabotage::Bit, Prediction::Classification(answer)) => flip(&mut answer.probabilities),
        (Sabotage::Label, Prediction::Classification(answer)) => {
            let last = answer.labels.last_mut().unwrap();
            let other = answer.classes.iter().find(|class| *class != last).unwrap();
            last.clone_from(other);
        }
        (Sabotage::Row, Prediction::Classification(answer)) => {
            answer.labels.pop();
            answer.probabilities.truncate(answer.labels.len() * answer.classes.len());
        }
        (Sabotage::Row, Prediction::Regression(answer)) => drop(answer.values.pop()),
        _ => {}
    }
    message.encode_to_vec().into()
}

fn flip(numbers: &mut [f64]) {
    let last = numbers.last_mut().unwrap();
    *last = f64::from_bits(last.to_bits() ^ 1);
}
