//! Settings from outside: defaults, then an optional TOML file, then variables `PREFIX__SECTION__KEY`. All of
//! them are parsed before a port or a file is touched. A message names the key and what belongs there, never the
//! value: a mistake may have put a secret there.

use std::{collections::HashMap, ffi::OsString, path::Path};

use config::{Config, ConfigError, Environment, File, FileFormat};
use serde::{Serialize, de::DeserializeOwned};

/// Words that a variable's name has when its value is a secret. A path to one ends in `_FILE`.
const SECRET_WORDS: [&str; 5] = ["KEY", "SECRET", "TOKEN", "PASSWORD", "CREDENTIAL"];

/// Why settings cannot be used. Each names the place and the mend.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// `docker inspect` shows the environment, and child processes inherit it.
    #[error(
        "{variable} would carry a secret in the environment, where `docker inspect` shows it: put it into a file and set the matching …_FILE"
    )]
    SecretInEnvironment {
        /// The variable.
        variable: String,
    },
    /// `LINFA_SERVE_PORT` for `LINFA_SERVE__…` would silently do nothing.
    #[error("{variable} does nothing: settings are spelt {prefix}__SECTION__KEY")]
    Misspelt {
        /// The variable.
        variable: String,
        /// The program's prefix.
        prefix: &'static str,
    },
    /// A key that does not exist.
    #[error("{0}")]
    Unknown(String),
    /// A value of another type.
    #[error("{key}: expected {expected}")]
    Type {
        /// The key.
        key: String,
        /// What belongs there.
        expected: String,
    },
    /// The file cannot be read as TOML.
    #[error("{file} is not valid TOML or cannot be read")]
    File {
        /// Its path.
        file: String,
    },
}

/// Reads the settings of the program whose variables begin with `prefix`.
///
/// # Errors
/// [`SettingsError`], by the first rule that is broken.
pub fn load<T: DeserializeOwned>(
    prefix: &'static str,
    file: Option<&Path>,
    environment: HashMap<String, String>,
) -> Result<T, SettingsError> {
    let ours: HashMap<_, _> = environment.into_iter().filter(|(name, _)| name.starts_with(prefix)).collect();
    refuse_variables(prefix, &ours)?;
    let mut sources = Config::builder();
    if let Some(file) = file {
        sources = sources.add_source(File::new(&file.to_string_lossy(), FileFormat::Toml));
    }
    let variables = Environment::with_prefix(prefix)
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true)
        .source(Some(ours));
    let settings = sources.add_source(variables).build().map_err(|error| match file {
        Some(file) => SettingsError::File { file: file.display().to_string() },
        None => explain(prefix, "", error),
    })?;
    settings.try_deserialize().map_err(|error| explain(prefix, "", error))
}

/// The environment of this process, for [`load`]. Names and values that are not UTF-8 are none of ours.
pub fn environment() -> HashMap<String, String> {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text).collect()
}

/// The settings as TOML, for `--check-config`. Secrets are in them as paths only.
pub fn show<T: Serialize>(settings: &T) -> String {
    toml::to_string(settings).unwrap_or_else(|error| format!("# cannot be shown: {error}\n"))
}

fn refuse_variables(prefix: &'static str, ours: &HashMap<String, String>) -> Result<(), SettingsError> {
    let mut names: Vec<_> = ours.keys().collect();
    names.sort_unstable();
    for variable in names {
        let carries_secret =
            SECRET_WORDS.iter().any(|word| variable.contains(word)) && !variable.ends_with("_FILE");
        if carries_secret || ours[variable].contains("-----BEGIN") {
            return Err(SettingsError::SecretInEnvironment { variable: variable.clone() });
        }
        if !variable[prefix.len()..].starts_with("__") {
            return Err(SettingsError::Misspelt { variable: variable.clone(), prefix });
        }
    }
    Ok(())
}

/// Says in our own words what is wrong, since the library's repeat the value.
fn explain(prefix: &str, key: &str, error: ConfigError) -> SettingsError {
    let key = |inner: Option<String>| {
        let dotted = inner.unwrap_or_else(|| key.to_owned());
        let variable = format!("{prefix}__{}", dotted.to_uppercase().replace('.', "__"));
        if dotted.is_empty() { "settings".to_owned() } else { format!("{dotted} ({variable})") }
    };
    match error {
        ConfigError::Type { key: inner, expected, .. } => {
            SettingsError::Type { key: key(inner), expected: expected.to_owned() }
        }
        ConfigError::At { error, key: inner, .. } => explain(prefix, &inner.unwrap_or_default(), *error),
        ConfigError::Message(message) if message.starts_with("unknown field") => {
            SettingsError::Unknown(match key(None) {
                key if key == "settings" => message,
                key => format!("{key}: {message}"),
            })
        }
        other => {
            let text = other.to_string();
            let expected = text.split_once("expected ").map_or("another value", |(_, expected)| expected);
            SettingsError::Type { key: key(None), expected: expected.to_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::telemetry::Log;

    #[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
    #[serde(deny_unknown_fields, default)]
    struct Settings {
        limits: Limits,
        log: Log,
        name: String,
    }

    #[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
    #[serde(deny_unknown_fields, default)]
    struct Limits {
        rows: u32,
        address: Option<std::net::SocketAddr>,
    }

    fn with(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        load("LINFA_TEST", None, variables)
    }

    fn sentence(name: &str, value: &str) -> String {
        with(&[(name, value)]).unwrap_err().to_string()
    }

    #[test]
    fn variables_win_over_the_file_and_the_file_over_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("settings.toml");
        fs_err::write(&file, "name = \"file\"\n[limits]\nrows = 1\n").unwrap();
        let variables = HashMap::from([("LINFA_TEST__LIMITS__ROWS".to_owned(), "2".to_owned())]);
        let settings: Settings = load("LINFA_TEST", Some(&file), variables).unwrap();
        assert_eq!(settings.limits.rows, 2);
        assert_eq!(settings.name, "file");
        assert_eq!(settings.log, Log::default());
    }

    #[test]
    fn a_variable_that_would_carry_a_secret_is_refused_by_name() {
        for variable in ["LINFA_TEST__API_KEY", "LINFA_TEST_TOKEN", "LINFA_TEST__AUTH__PASSWORD"] {
            let said = sentence(variable, "hunter2");
            assert!(
                said.starts_with(&format!("{variable} would carry a secret in the environment")),
                "{said}"
            );
            assert!(!said.contains("hunter2"));
        }
        assert!(
            sentence("LINFA_TEST__NAME", "-----BEGIN PRIVATE KEY-----")
                .contains("LINFA_TEST__NAME would carry")
        );
    }

    #[test]
    fn unknown_mistyped_and_misspelt_settings_are_named_without_their_value() {
        assert_eq!(
            sentence("LINFA_TEST_NAME", "hunter2"),
            "LINFA_TEST_NAME does nothing: settings are spelt LINFA_TEST__SECTION__KEY"
        );
        assert_eq!(
            sentence("LINFA_TEST__LIMITS__ROWS", "hunter2"),
            "limits.rows (LINFA_TEST__LIMITS__ROWS): expected an integer"
        );
        let unknown = sentence("LINFA_TEST__LIMITS__ROW", "hunter2");
        assert!(unknown.contains("unknown field `row`, expected `rows` or `address`"), "{unknown}");
        let format = sentence("LINFA_TEST__LOG__FORMAT", "hunter2");
        assert!(format.contains("`json`") && !format.contains("hunter2"), "{format}");
        let address = sentence("LINFA_TEST__LIMITS__ADDRESS", "hunter2");
        assert!(address.contains("limits.address") && !address.contains("hunter2"), "{address}");
    }
}
