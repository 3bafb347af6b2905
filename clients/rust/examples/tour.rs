//! What the client can do, step by step, against a server that serves iris: `make up`, then
//! `cargo run -p linfa-serve-client --example tour -- http://127.0.0.1:50051 secrets/client_api_key`.
#![expect(clippy::print_stdout, reason = "a tour shows what it sees")]

use std::{error::Error, time::Duration};

use linfa_serve_client::{
    ApiKey, Client, Input, Prediction, Target,
    ndarray::{Array2, array},
    tokio_stream,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(server), Some(key_file)) = (arguments.next(), arguments.next()) else {
        return Err("tour SERVER KEY_FILE".into());
    };
    tour(&server, &key_file).await
}

/// One flower, by the position of its features.
pub async fn ask(server: &str, key_file: &str) -> Result<Prediction, linfa_serve_client::Error> {
    let client = Client::connect(server, ApiKey::from_file(key_file)?).await?;
    client.predict("iris", Input::rows(&[5.1, 3.5, 1.4, 0.2])).await
}

/// All of it.
pub async fn tour(server: &str, key_file: &str) -> Result<(), Box<dyn Error>> {
    let answer = ask(server, key_file).await?;
    println!("1. {} {} says {:?}", answer.model.name, answer.model.version, answer.labels());
    assert_eq!(answer.labels(), ["setosa"]);

    // Clones share the connection; each may have a deadline of its own.
    let key = ApiKey::from_file(key_file)?;
    let client = Client::connect(server, key.clone()).await?.with_deadline(Duration::from_secs(5));

    let flowers = array![[5.1, 3.5, 1.4, 0.2], [7.0, 3.2, 4.7, 1.4]];
    let answer = client.predict("iris", flowers.view()).await?;
    let probabilities = answer.array()?;
    println!("2. {:?} with probabilities\n{probabilities:.3}", answer.labels());
    assert_eq!(probabilities.dim(), (2, 3));

    let columns = Input::columns([
        ("petal_width", vec![0.2]),
        ("petal_length", vec![1.4]),
        ("sepal_width", vec![3.5]),
        ("sepal_length", vec![5.1]),
    ]);
    let answer = client.predict(Target::model("iris").version(1), columns).await?;
    println!("3. by name, from version {}: {:?}", answer.model.version, answer.labels());
    assert_eq!(answer.labels(), ["setosa"]);

    // 50 000 flowers, 1000 at a time; neither side holds more than a few of these.
    let many = Array2::from_shape_fn((50_000, 4), |(row, column)| flowers[[row % 2, column]]);
    let mut predictions =
        client.predict_stream("iris", tokio_stream::iter(Input::chunks(many, 1000))).await?;
    let mut setosas = 0;
    while let Some(answer) = predictions.next().await? {
        setosas += answer.labels().iter().filter(|label| *label == "setosa").count();
    }
    println!("4. {setosas} of 50 000 are setosas");
    assert_eq!(setosas, 25_000);

    let refused = client.predict("iris", array![[5.1, f64::NAN, 1.4, 0.2]].view()).await;
    let error = refused.err().ok_or("a refusal")?;
    println!("5. {error}");
    let details = error.details().ok_or("details")?;
    assert_eq!((details.row(), details.column()), (Some(0), Some("sepal_width")));

    for model in client.list_models().await?.models {
        println!("6. {}: version {} by default", model.name, model.default_version);
    }

    // Of several servers that serve the same, those that are there answer.
    let balanced = Client::balanced([server, "http://127.0.0.1:9"], key)?;
    for _ in 0..10 {
        balanced.predict("iris", flowers.view()).await?;
    }
    println!("7. ten answers, though the second server is not there");
    Ok(())
}
