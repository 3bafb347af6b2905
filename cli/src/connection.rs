//! Where the server is and with which key: what every command that calls it needs to be told.

use std::path::PathBuf;

use anyhow::Context as _;
use bootstrap::secret;
use clap::Args;
use client::{ApiKey, Client};
use secrecy::ExposeSecret as _;

/// The server and the key.
#[derive(Args, Debug)]
pub(crate) struct Connection {
    /// The server's address.
    #[arg(long, value_name = "URL", env = "LINFACTL_SERVER", default_value = "http://127.0.0.1:50051")]
    server: String,
    /// The file that holds the API key. There is no way to give the key itself: others see arguments and
    /// environments.
    #[arg(long, value_name = "FILE", env = "LINFACTL_KEY_FILE")]
    key_file: Option<PathBuf>,
}

impl Connection {
    /// Lets `call` speak with the server.
    pub(crate) fn with<T>(&self, call: impl AsyncFnOnce(Client) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let file = self
            .key_file
            .as_deref()
            .context("no API key: name its file by --key-file or LINFACTL_KEY_FILE")?;
        let key = ApiKey::new(secret::read(file)?.expose_secret())
            .with_context(|| format!("{} holds no key", file.display()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // A person reads when another try makes sense.
        let answer = runtime
            .block_on(async { call(Client::connect(&self.server, key).await?.without_retries()).await });
        answer.map_err(|error: anyhow::Error| match error.downcast() {
            Ok(error) => explain(error),
            Err(error) => error,
        })
    }
}

/// The server's sentence, then what only the details say.
pub(crate) fn explain(error: client::Error) -> anyhow::Error {
    let Some(details) = error.details() else {
        return error.into();
    };
    let mut text = error.to_string();
    // The sentence says the first violation.
    for violation in details.field_violations.iter().skip(1) {
        text += &format!("\n  {}: {}", violation.field, violation.description);
    }
    if let Some(after) = details.retry_after {
        text += &format!("\n  try again in {after:?}");
    }
    anyhow::Error::msg(text)
}

#[cfg(test)]
mod tests {
    use client::{Code, Details, Error, FieldViolation, Refusal};

    use super::*;

    #[test]
    fn each_violation_is_said_once() {
        let violations = [("columns[1]", "`a` occurs twice"), ("columns[2]", "`b` is unknown")];
        let refusal = Refusal {
            code: Code::InvalidArgument,
            message: "columns[1]: `a` occurs twice".to_owned(),
            details: Details {
                field_violations: violations.map(|(field, text)| FieldViolation::new(field, text)).to_vec(),
                retry_after: Some(std::time::Duration::from_secs(1)),
                ..Details::default()
            },
        };
        let said = explain(Error::Refused(Box::new(refusal))).to_string();
        insta::assert_snapshot!(said, @"
        columns[1]: `a` occurs twice
          columns[2]: `b` is unknown
          try again in 1s
        ");
    }
}
