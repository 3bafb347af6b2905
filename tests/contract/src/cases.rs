//! The cases as they stand in the file. `README.md` says what each field means.

use std::collections::BTreeMap;

use fs_err as fs;
use serde::Deserialize;

use crate::suites::cases_file;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cases {
    pub(crate) tolerance: f64,
    pub(crate) cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    #[expect(dead_code, reason = "for people")]
    says: String,
    #[serde(default = "yes")]
    pub(crate) retries: bool,
    #[serde(default)]
    pub(crate) calls: Vec<Call>,
    pub(crate) second_watch: Option<Failure>,
    pub(crate) get: Option<Described>,
    pub(crate) list: Option<Vec<Listed>>,
    pub(crate) watch: Option<Watched>,
    pub(crate) stream: Option<Streamed>,
    pub(crate) retry: Option<Retried>,
    pub(crate) restart: Option<Call>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    pub(crate) model: String,
    pub(crate) version: Option<u64>,
    pub(crate) label: Option<String>,
    pub(crate) key: Option<Key>,
    pub(crate) deadline_ms: Option<u64>,
    pub(crate) input: Rows,
    pub(crate) answer: Option<Answer>,
    pub(crate) error: Option<Failure>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Key {
    None,
    Narrow,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rows {
    #[serde(rename = "as")]
    pub(crate) form: Option<Form>,
    pub(crate) rows: Option<Vec<Vec<Option<f64>>>>,
    pub(crate) ramp: Option<Ramp>,
    pub(crate) columns: Option<Vec<Column>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    Values,
    F32,
    F64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ramp {
    pub(crate) rows: usize,
    pub(crate) width: usize,
    from: f64,
    down: f64,
    along: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    pub(crate) model: String,
    pub(crate) version: Option<u64>,
    pub(crate) task: String,
    #[serde(default)]
    pub(crate) names: Vec<String>,
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    #[serde(default)]
    pub(crate) clusters: Vec<u32>,
    pub(crate) numbers: Option<Vec<Vec<f64>>>,
    pub(crate) ramp: Option<Ramp>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) field: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) row: Option<usize>,
    pub(crate) column: Option<String>,
    pub(crate) expected: Option<String>,
    pub(crate) got: Option<String>,
    pub(crate) resource: Option<Resource>,
    pub(crate) precondition: Option<Precondition>,
    #[serde(default)]
    pub(crate) retry: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resource {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Precondition {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) subject: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) default_version: u64,
    pub(crate) labels: BTreeMap<String, u64>,
    pub(crate) version: DescribedVersion,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DescribedVersion {
    pub(crate) version: u64,
    pub(crate) state: String,
    pub(crate) digest: String,
    pub(crate) inputs: Vec<Input>,
    pub(crate) task: String,
    pub(crate) outputs: Vec<String>,
    pub(crate) steps: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) mean: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) default_version: u64,
    pub(crate) versions: Vec<ListedVersion>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListedVersion {
    pub(crate) version: u64,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) check: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Watched {
    pub(crate) model: String,
    pub(crate) within_ms: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Streamed {
    pub(crate) model: String,
    pub(crate) chunk: usize,
    pub(crate) memory_mib: u64,
    pub(crate) ramp: Ramp,
    pub(crate) answer: Answer,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retried {
    pub(crate) model: String,
    pub(crate) within_ms: u64,
    pub(crate) input: Rows,
    pub(crate) error: Failure,
    pub(crate) answer: Answer,
}

impl Cases {
    pub(crate) fn read() -> anyhow::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(cases_file())?)?)
    }
}

impl Ramp {
    /// The numbers of these rows, row by row.
    pub(crate) fn numbers(self, rows: std::ops::Range<usize>) -> impl Iterator<Item = f64> {
        rows.flat_map(move |row| {
            (0..self.width).map(move |column| self.from + row as f64 * self.down + column as f64 * self.along)
        })
    }
}

fn yes() -> bool {
    true
}
