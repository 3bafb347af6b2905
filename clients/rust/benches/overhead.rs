//! What a call costs by the client, over the same call by the generated stub alone: one interleaved run for each batch.
//!
//! ```sh
//! cargo bench -p linfa-serve-client --bench overhead -- http://127.0.0.1:50051 KEY_FILE
//! ```
//!
//! Asks the model `iris`. The stub gets a request whose bytes are packed already, and its answer is left as it came. The client
//! gets an array, packs it, and gives labels and an array of probabilities. The median of each counts.
#![expect(clippy::print_stdout, reason = "a bench shows what it found")]

use std::{error::Error, hint::black_box, time::Instant};

use linfa_serve_client::{
    ApiKey, Client,
    ndarray::Array2,
    pb::{Matrix, PredictRequest, predict_request::Input, predict_service_client::PredictServiceClient},
};
use tonic::transport::Endpoint;

/// How many pairs of calls are measured for each batch.
const PAIRS: usize = 2000;
/// How many go before them.
const WARM_UP: usize = 300;
const FLOWER: [f64; 4] = [5.1, 3.5, 1.4, 0.2];

type Done = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Done {
    // `cargo bench` says `--bench` too.
    let mut arguments = std::env::args().skip(1).filter(|word| word != "--bench");
    let (Some(server), Some(key_file)) = (arguments.next(), arguments.next()) else {
        return Err("overhead SERVER KEY_FILE".into());
    };
    let key = ApiKey::from_file(key_file)?;
    let client = Client::connect(&server, key.clone()).await?;
    let stub = PredictServiceClient::with_interceptor(Endpoint::new(server)?.connect().await?, key);
    for batch in [1, 1000] {
        let rows = Array2::from_shape_fn((batch, FLOWER.len()), |(_, column)| FLOWER[column]);
        let f64_le: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
        let matrix =
            Matrix { columns: u32::try_from(FLOWER.len())?, f64_le: f64_le.into(), ..Matrix::default() };
        let request = PredictRequest {
            model: "iris".to_owned(),
            input: Some(Input::Matrix(matrix)),
            ..Default::default()
        };
        let bare = async || -> Done {
            black_box(stub.clone().predict(request.clone()).await?);
            Ok(())
        };
        let ours = async || -> Done {
            let answer = client.predict("iris", rows.view()).await?;
            black_box((answer.labels(), answer.array()?));
            Ok(())
        };
        let (mut stubs, mut clients) = (Vec::with_capacity(PAIRS), Vec::with_capacity(PAIRS));
        for pair in 0..WARM_UP + PAIRS {
            // Which of the two goes first changes, so that neither always pays for what the other has left behind.
            let [first, second] = match pair % 2 {
                0 => [timed(&bare).await?, timed(&ours).await?],
                _ => {
                    let ours = timed(&ours).await?;
                    [timed(&bare).await?, ours]
                }
            };
            if pair >= WARM_UP {
                stubs.push(first);
                clients.push(second);
            }
        }
        let [stub, client] = [median(stubs), median(clients)];
        println!("batch {batch:4}: stub {stub:.0} us, client {client:.0} us, ratio {:.3}", client / stub);
    }
    Ok(())
}

/// Microseconds of one call.
async fn timed(call: impl AsyncFn() -> Done) -> Result<f64, Box<dyn Error>> {
    let began = Instant::now();
    call().await?;
    Ok(began.elapsed().as_secs_f64() * 1e6)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
