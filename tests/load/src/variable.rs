//! What is set from outside.

use std::{env, fmt, str::FromStr};

use anyhow::Context as _;

/// A value from the environment.
///
/// # Errors
/// With the name, if something else stands there.
pub fn variable<T: FromStr<Err: fmt::Display>>(name: &str, default: T) -> anyhow::Result<T> {
    match env::var(name) {
        Ok(text) => text.parse().map_err(|error: T::Err| anyhow::anyhow!("{name}={text}: {error}")),
        Err(env::VarError::NotPresent) => Ok(default),
        Err(error) => Err(error).context(name.to_owned()),
    }
}
