//! What `up` says once it serves: where, with which key, and how to ask.

use std::{convert::Infallible, fmt::Write as _, io::Write, net::SocketAddr, path::Path, time::Duration};

use bootstrap::secret;
use client::{
    ApiKey, Client,
    pb::{Feature, Model, feature::Kind},
};
use linfa_serve::{is_ready, reached_at};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::time::{interval, timeout};

use super::data::Data;

/// How often the server is asked whether it is ready.
const OFTEN: Duration = Duration::from_millis(100);
/// After this long without a model, whoever waits is told what is missing. A good drop serves within 3 s.
const HINT: Duration = Duration::from_secs(6);

/// A call that the server can answer.
#[derive(Debug)]
struct Example {
    model: String,
    row: Row,
}

/// The means of training, and of each category the first.
#[derive(Debug)]
enum Row {
    /// By position.
    Values(String),
    /// By name, as JSON, where not all of it is numbers.
    Columns(String),
}

/// Waits until a model serves, and says so. Ends by a failure alone.
pub(super) async fn greet(
    out: &mut dyn Write,
    listen: SocketAddr,
    models: &Path,
    data: &Data,
) -> anyhow::Error {
    match say(out, listen, models, data).await {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

async fn say(
    out: &mut dyn Write,
    listen: SocketAddr,
    models: &Path,
    data: &Data,
) -> anyhow::Result<Infallible> {
    let program = std::env::current_exe()?;
    let place = Place { program: &program, listen, models, key: &data.client_key(), data: data.folder() };
    let key = ApiKey::new(secret::read_again(place.key)?.expose_secret())?;
    tell(out, &place.started())?;
    let example = match timeout(HINT, ready(listen, &key)).await {
        Ok(example) => example,
        Err(_) => {
            tell(out, &place.hint())?;
            ready(listen, &key).await
        }
    };
    tell(out, &place.ask(&example))?;
    std::future::pending().await
}

fn tell(out: &mut dyn Write, text: &str) -> std::io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Waits until a model serves, and makes an example of it.
async fn ready(listen: SocketAddr, key: &ApiKey) -> Example {
    let mut ticks = interval(OFTEN);
    loop {
        ticks.tick().await;
        if is_ready(listen).await.is_ok()
            && let Some(example) = Example::from(listen, key).await
        {
            return example;
        }
    }
}

impl Example {
    /// What the server answers to. If it does not say so, it is asked again.
    async fn from(listen: SocketAddr, key: &ApiKey) -> Option<Self> {
        let endpoint = format!("http://{}", reached_at(listen));
        let client = Client::connect(&endpoint, key.clone()).await.ok()?.without_retries();
        client.list_models().await.ok()?.models.iter().find_map(Self::of)
    }

    fn of(model: &Model) -> Option<Self> {
        let default = model.versions.iter().find(|version| version.version == model.default_version)?;
        let inputs = &default.signature.as_ref()?.inputs;
        let is_text = |feature: &Feature| matches!(feature.kind(), Kind::Category | Kind::Text);
        let row = if inputs.iter().any(is_text) {
            let column = |feature: &Feature| {
                let name = &feature.name;
                match feature.kind() {
                    Kind::Category | Kind::Text => {
                        let text = feature.categories.first().cloned().unwrap_or_default();
                        json!({ "name": name, "texts": [text] })
                    }
                    Kind::Number | Kind::Unspecified => json!({ "name": name, "values": [feature.mean] }),
                }
            };
            Row::Columns(Value::from_iter(inputs.iter().map(column)).to_string())
        } else {
            Row::Values(inputs.iter().map(|feature| short(feature.mean)).collect::<Vec<_>>().join(","))
        };
        Some(Self { model: model.name.clone(), row })
    }
}

/// Three digits of a number.
fn short(number: f64) -> String {
    format!("{number:.2e}").parse().map_or_else(|_| number.to_string(), |short: f64| short.to_string())
}

/// All that can be said of a running stack.
struct Place<'a> {
    program: &'a Path,
    listen: SocketAddr,
    models: &'a Path,
    data: &'a Path,
    key: &'a Path,
}

impl Place<'_> {
    fn started(&self) -> String {
        format!(
            "listening on {}, without TLS\nmodels  {}\ndata    {}\nkey     {}\n",
            self.listen,
            self.models.display(),
            self.data.display(),
            self.key.display()
        )
    }

    fn hint(&self) -> String {
        format!(
            "\nno model serves yet: drop one as {}/NAME/VERSION, or see what became of those that are there:\n\n  \
             {} models {}\n",
            self.models.display(),
            quoted(self.program),
            self.connection()
        )
    }

    fn ask(&self, example: &Example) -> String {
        let Example { model, row } = example;
        let address = reached_at(self.listen);
        let (program, key) = (quoted(self.program), quoted(self.key));
        let connection = self.connection();
        let mut text = "\nready; ask by either of these:\n\n".to_owned();
        let (arguments, input) = match row {
            Row::Values(values) => {
                let minus = if values.starts_with('-') { "-- " } else { "" };
                (format!("{minus}{values}"), format!("\"matrix\":{{\"values\":[{values}]}}"))
            }
            // A category may hold what ends a shell's quote.
            Row::Columns(columns) => (
                "--csv FILE".to_owned(),
                format!("\"frame\":{{\"columns\":{}}}", columns.replace('\'', r"'\''")),
            ),
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {program} predict {connection} \\\n    --model {model} {arguments}\n");
        let _ = writeln!(
            text,
            "  grpcurl -plaintext -H \"authorization: Bearer $(cat {key})\" \\\n    \
             -d '{{\"model\":\"{model}\",{input}}}' \\\n    \
             {address} linfa.serve.v1.PredictService/Predict\n"
        );
        text + "Ctrl-C stops it\n"
    }

    fn connection(&self) -> String {
        format!("--server http://{} --key-file {}", reached_at(self.listen), quoted(self.key))
    }
}

/// As a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    if path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@:,".contains(&byte)) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use client::pb::{ModelVersion, Signature};

    use super::*;

    fn said(listen: &str, data: &str, means: &[f64]) -> String {
        let feature = |mean: &f64| Feature { mean: *mean, ..Feature::default() };
        let signature = Signature { inputs: means.iter().map(feature).collect(), ..Signature::default() };
        let version = |version, signature| ModelVersion { version, signature, ..ModelVersion::default() };
        let model = Model {
            name: "iris".to_owned(),
            default_version: 2,
            versions: vec![version(1, None), version(2, Some(signature)), version(3, None)],
            ..Model::default()
        };
        let key = Path::new(data).join("client_api_key");
        let place = Place {
            program: Path::new("/usr/bin/linfactl"),
            listen: listen.parse().unwrap(),
            models: Path::new("/home/me/models"),
            data: Path::new(data),
            key: &key,
        };
        place.started() + &place.hint() + &place.ask(&Example::of(&model).unwrap())
    }

    #[test]
    fn the_lines_that_ask_can_be_pasted() {
        insta::assert_snapshot!(said("127.0.0.1:50051", "/home/me/data", &[5.8433, 1234.5, 0.0]), @r#"
        listening on 127.0.0.1:50051, without TLS
        models  /home/me/models
        data    /home/me/data
        key     /home/me/data/client_api_key

        no model serves yet: drop one as /home/me/models/NAME/VERSION, or see what became of those that are there:

          /usr/bin/linfactl models --server http://127.0.0.1:50051 --key-file /home/me/data/client_api_key

        ready; ask by either of these:

          /usr/bin/linfactl predict --server http://127.0.0.1:50051 --key-file /home/me/data/client_api_key \
            --model iris 5.84,1230,0

          grpcurl -plaintext -H "authorization: Bearer $(cat /home/me/data/client_api_key)" \
            -d '{"model":"iris","matrix":{"values":[5.84,1230,0]}}' \
            127.0.0.1:50051 linfa.serve.v1.PredictService/Predict

        Ctrl-C stops it
        "#);
    }

    #[test]
    fn a_path_with_a_space_is_quoted_a_minus_kept_from_being_a_flag_and_the_loopback_asked() {
        insta::assert_snapshot!(said("0.0.0.0:1", "/home/it's me", &[-0.00012345]), @r#"
        listening on 0.0.0.0:1, without TLS
        models  /home/me/models
        data    /home/it's me
        key     /home/it's me/client_api_key

        no model serves yet: drop one as /home/me/models/NAME/VERSION, or see what became of those that are there:

          /usr/bin/linfactl models --server http://127.0.0.1:1 --key-file '/home/it'\''s me/client_api_key'

        ready; ask by either of these:

          /usr/bin/linfactl predict --server http://127.0.0.1:1 --key-file '/home/it'\''s me/client_api_key' \
            --model iris -- -0.000123

          grpcurl -plaintext -H "authorization: Bearer $(cat '/home/it'\''s me/client_api_key')" \
            -d '{"model":"iris","matrix":{"values":[-0.000123]}}' \
            127.0.0.1:1 linfa.serve.v1.PredictService/Predict

        Ctrl-C stops it
        "#);
    }

    #[test]
    fn a_model_that_takes_categories_is_asked_by_name() {
        let number =
            Feature { name: "age".into(), mean: 30.5, kind: Kind::Number.into(), ..Feature::default() };
        let category = Feature {
            name: "port".into(),
            categories: vec!["l'Havre".into(), "Cork".into()],
            kind: Kind::Category.into(),
            ..Feature::default()
        };
        let signature = Signature { inputs: vec![number, category], ..Signature::default() };
        let version = ModelVersion { version: 1, signature: Some(signature), ..ModelVersion::default() };
        let model =
            Model { name: "m".into(), default_version: 1, versions: vec![version], ..Model::default() };
        let place = Place {
            program: Path::new("linfactl"),
            listen: "127.0.0.1:1".parse().unwrap(),
            models: Path::new("m"),
            data: Path::new("d"),
            key: Path::new("k"),
        };
        insta::assert_snapshot!(place.ask(&Example::of(&model).unwrap()), @r#"

        ready; ask by either of these:

          linfactl predict --server http://127.0.0.1:1 --key-file k \
            --model m --csv FILE

          grpcurl -plaintext -H "authorization: Bearer $(cat k)" \
            -d '{"model":"m","frame":{"columns":[{"name":"age","values":[30.5]},{"name":"port","texts":["l'\''Havre"]}]}}' \
            127.0.0.1:1 linfa.serve.v1.PredictService/Predict

        Ctrl-C stops it
        "#);
    }

    #[test]
    fn a_model_that_does_not_serve_is_no_example() {
        assert!(Example::of(&Model { name: "iris".to_owned(), ..Model::default() }).is_none());
    }
}
