//! `linfactl keys new`: makes an API key, and the entry that lets the server know it.

use std::{io::Write, path::PathBuf};

use anyhow::Context as _;
use artifact::{Digest, Name};
use clap::{Args, Subcommand};
use fs_err::{OpenOptions, os::unix::fs::OpenOptionsExt as _};
use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};

/// Make API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    New(New),
}

/// Make a key: the key itself goes into a new file, the entry for the server's api_keys.toml is printed.
///
/// The server knows the key by its hash alone. A lost key cannot be had back; make another.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// Whose key it is; the server's log shows this.
    #[arg(long, value_parser = id)]
    id: String,
    /// What the key allows: predict:NAME, predict:* or models:read. Give one or several.
    #[arg(long = "scope", value_name = "SCOPE", required = true, num_args = 1.., value_parser = scope)]
    scopes: Vec<String>,
    /// When it ends: a day (its first moment in UTC) or an RFC 3339 time. Without it the key has no end.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    expires: Option<Timestamp>,
    /// The file to write the key into. It must not exist, and only its owner may read it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Keys {
    pub(crate) fn run(self, out: &mut dyn Write) -> anyhow::Result<()> {
        let Self::New(new) = self;
        let key = generate()?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new.out)?
            .write_all(key.as_bytes())?;
        out.write_all(entry(&new.id, &new.scopes, new.expires, &key).as_bytes())?;
        Ok(())
    }
}

/// A key that nobody can guess.
pub(super) fn generate() -> anyhow::Result<String> {
    Ok(format!("lsk_{}", hex(&random()?)))
}

/// 32 bytes from the system.
pub(super) fn random() -> anyhow::Result<[u8; 32]> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).context("the system gives no random bytes")?;
    Ok(random)
}

/// The key's entry in api_keys.toml.
pub(super) fn entry(id: &str, scopes: &[String], expires: Option<Timestamp>, key: &str) -> String {
    let quoted: Vec<_> = scopes.iter().map(|scope| format!("\"{scope}\"")).collect();
    let mut entry = format!(
        "[[key]]\nid = \"{id}\"\nsha256 = \"{}\"\nscopes = [{}]\n",
        Digest::of(key.as_bytes()).hex(),
        quoted.join(", ")
    );
    if let Some(expires) = expires {
        entry += &format!("expires = {expires}\n");
    }
    entry
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Nothing that TOML or a log line would have to quote.
fn id(text: &str) -> Result<String, &'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte);
    if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("an id is 1 to 64 letters, digits, _, -, . and @")
    }
}

fn scope(text: &str) -> Result<String, &'static str> {
    let known = match text.split_once(':') {
        Some(("models", "read")) | Some(("predict", "*")) => true,
        Some(("predict", name)) => name.parse::<Name>().is_ok(),
        _ => false,
    };
    if known { Ok(text.to_owned()) } else { Err("there are predict:NAME, predict:* and models:read") }
}

fn moment(text: &str) -> Result<Timestamp, &'static str> {
    let day = || TimeZone::UTC.to_timestamp(text.parse::<Date>().ok()?.to_datetime(Time::midnight())).ok();
    text.parse().ok().or_else(day).ok_or("a day such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z")
}
