//! The suite of the Rust client.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use client::{
    ApiKey, Client, Error, Input, Target,
    pb::{Matrix, Model, ModelVersion, model_version::State, predict_request},
    tokio_stream,
};
use fs_err as fs;
use tokio::time::{interval, timeout};

use crate::{
    Command, Stand,
    cases::{Call, Case, Cases, Described, Failure, Form, Key, Listed, Retried, Rows, Streamed, Watched},
};

mod compare;

use compare::{answers, fails, same};

/// Everything that the suite needs.
pub struct RustSuite {
    client: Client,
    narrow: Client,
    unknown: Client,
    stand: Stand,
}

impl RustSuite {
    /// A suite against that stand.
    ///
    /// # Errors
    /// If its server is not reached, or a key file cannot be read.
    pub async fn new(stand: Stand) -> anyhow::Result<Self> {
        let server = stand.endpoint();
        let client = Client::connect(&server, ApiKey::from_file(stand.key())?).await?;
        let narrow = Client::connect(&server, ApiKey::from_file(stand.narrow_key())?).await?;
        let unknown = Client::connect(&server, ApiKey::new("lsk_none")?).await?;
        Ok(Self { client, narrow, unknown, stand })
    }

    /// Runs every case, and says what became of each by the line that a suite prints. True if all hold.
    ///
    /// # Errors
    /// If the cases cannot be read, or a line cannot be said.
    pub async fn run(&self, mut say: impl FnMut(&str) -> anyhow::Result<()>) -> anyhow::Result<bool> {
        let Cases { tolerance, cases } = Cases::read()?;
        let mut all = true;
        for case in &cases {
            let began = Instant::now();
            let held = self.case(case, tolerance).await;
            let (name, millis) = (&case.name, began.elapsed().as_millis());
            match &held {
                Ok(()) => say(&format!("contract {name} ok {millis}"))?,
                Err(error) => say(&format!("contract {name} failed {millis} {error:#}"))?,
            }
            all &= held.is_ok();
        }
        Ok(all)
    }

    async fn case(&self, case: &Case, tolerance: f64) -> anyhow::Result<()> {
        for (index, call) in case.calls.iter().enumerate() {
            self.call(call, case.retries, tolerance).await.with_context(|| format!("call {index}"))?;
        }
        if let Some(failure) = &case.second_watch {
            self.second_watch(failure).await?;
        }
        if let Some(described) = &case.get {
            self.get(described, tolerance).await?;
        }
        if let Some(listed) = &case.list {
            self.list(listed).await?;
        }
        if let Some(watched) = &case.watch {
            self.watch(watched).await?;
        }
        if let Some(streamed) = &case.stream {
            self.stream(streamed, tolerance).await?;
        }
        if let Some(retried) = &case.retry {
            self.retry(retried, tolerance).await?;
        }
        if let Some(call) = &case.restart {
            self.call(call, true, tolerance).await.context("before")?;
            self.act(Command::Restart).await?;
            self.call(call, true, tolerance).await.context("after")?;
        }
        Ok(())
    }

    /// A command, beside which calls go on.
    async fn act(&self, command: Command) -> anyhow::Result<String> {
        let stand = self.stand.clone();
        tokio::task::spawn_blocking(move || command.run(&stand)).await?
    }

    async fn call(&self, call: &Call, retries: bool, tolerance: f64) -> anyhow::Result<()> {
        let mut client = match call.key {
            None => &self.client,
            Some(Key::Narrow) => &self.narrow,
            Some(Key::None) => &self.unknown,
        }
        .clone();
        if !retries {
            client = client.without_retries();
        }
        if let Some(millis) = call.deadline_ms {
            client = client.with_deadline(Duration::from_millis(millis));
        }
        let answered = client.predict(target(call), input(&call.input)?).await;
        match (&call.answer, &call.error) {
            (Some(answer), None) => answers(&answered?, answer, tolerance),
            (None, Some(failure)) => fails(answered, failure),
            _ => bail!("the case says not whether there is an answer or an error"),
        }
    }

    async fn second_watch(&self, failure: &Failure) -> anyhow::Result<()> {
        let mut first = self.client.watch().await?;
        first.next().await?;
        fails(self.client.clone().without_retries().watch().await, failure)
    }

    async fn get(&self, described: &Described, tolerance: f64) -> anyhow::Result<()> {
        let model = self.client.get_model(&described.name).await?.model.context("no model")?;
        same("name", &model.name, &described.name)?;
        same("default_version", &model.default_version, &described.default_version)?;
        same("labels", &model.labels.into_iter().collect(), &described.labels)?;
        let wanted = &described.version;
        let version = model.versions.iter().find(|version| version.version == wanted.version);
        let version = version.context("no such version")?;
        same("state", &state(version), &wanted.state)?;
        ensure!(version.digest.starts_with(&wanted.digest), "digest: got {}", version.digest);
        let signature = version.signature.as_ref().context("no signature")?;
        same("task", &signature.task, &wanted.task)?;
        same("outputs", &signature.outputs, &wanted.outputs)?;
        same("steps", &signature.steps, &wanted.steps)?;
        same("number of inputs", &signature.inputs.len(), &wanted.inputs.len())?;
        for (input, wanted) in signature.inputs.iter().zip(&wanted.inputs) {
            same("input", &input.name, &wanted.name)?;
            same("min and max", &(input.min, input.max), &(wanted.min, wanted.max))?;
            ensure!((input.mean - wanted.mean).abs() <= tolerance, "mean: got {}", input.mean);
        }
        Ok(())
    }

    async fn list(&self, listed: &[Listed]) -> anyhow::Result<()> {
        let models = self.client.list_models().await?.models;
        for wanted in listed {
            let model = models.iter().find(|model| model.name == wanted.name);
            let model = model.with_context(|| format!("no model {}", wanted.name))?;
            same("default_version", &model.default_version, &wanted.default_version)?;
            let check = |version: &ModelVersion| {
                version.refusal.as_ref().map(|refusal| refusal.check.clone()).unwrap_or_default()
            };
            let versions: Vec<_> = model
                .versions
                .iter()
                .map(|version| (version.version, state(version), check(version)))
                // Only of what was refused is the check asked for.
                .map(|(number, state, check)| match state.as_str() {
                    "REJECTED" => (number, state, check),
                    _ => (number, state, String::new()),
                })
                .collect();
            let wanted: Vec<_> = wanted
                .versions
                .iter()
                .map(|version| (version.version, version.state.clone(), version.check.clone()))
                .collect();
            same("versions", &versions, &wanted)?;
        }
        Ok(())
    }

    async fn watch(&self, watched: &Watched) -> anyhow::Result<()> {
        let mut watch = self.client.watch().await?;
        ensure!(!watch.next().await?.models.is_empty(), "the first message has no model");
        let drop = Command::Drop { model: watched.model.clone() };
        let dropped: u64 = self.act(drop).await?.trim().parse()?;
        let serves = |model: &Model| {
            let is_it =
                |version: &ModelVersion| version.version == dropped && version.state() == State::Serving;
            model.name == watched.model
                && model.default_version == dropped
                && model.versions.iter().any(is_it)
        };
        let told = async {
            while !watch.next().await?.models.iter().any(serves) {}
            Ok::<_, Error>(())
        };
        Ok(timeout(Duration::from_millis(watched.within_ms), told).await??)
    }

    async fn stream(&self, streamed: &Streamed, tolerance: f64) -> anyhow::Result<()> {
        let (ramp, chunk) = (streamed.ramp, streamed.chunk);
        let width = u32::try_from(ramp.width)?;
        let starts = (0..ramp.rows).step_by(chunk);
        let chunks = starts
            .clone()
            .map(move |start| Input::f64s(width, ramp.numbers(start..ramp.rows.min(start + chunk))));
        let before = memory_kib()?;
        let target = Target::model(&streamed.model);
        let mut predictions = self.client.predict_stream(target, tokio_stream::iter(chunks)).await?;
        let mut most = before;
        for start in starts {
            let prediction = predictions.next().await?.context("an answer is missing")?;
            compare::rows(&prediction, &streamed.answer, start..ramp.rows.min(start + chunk), tolerance)?;
            most = most.max(memory_kib()?);
        }
        ensure!(predictions.next().await?.is_none(), "more answers than questions");
        let grown = (most - before) / 1024;
        ensure!(grown <= streamed.memory_mib, "memory: grown by {grown} MiB");
        Ok(())
    }

    async fn retry(&self, retried: &Retried, tolerance: f64) -> anyhow::Result<()> {
        let model = || retried.model.clone();
        let held: u64 = self.act(Command::Hold { model: model() }).await?.trim().parse()?;
        let target = || Target::model(&retried.model).version(held);
        let once = self.client.clone().without_retries();
        let refused = async {
            let mut ticks = interval(Duration::from_millis(20));
            loop {
                ticks.tick().await;
                let refused = fails(once.predict(target(), input(&retried.input)?).await, &retried.error);
                if refused.is_ok() {
                    return anyhow::Ok(());
                }
            }
        };
        let limit = Duration::from_millis(retried.within_ms);
        timeout(limit, refused).await.context("it is not refused as it should")??;
        let patient = self.client.clone().with_deadline(limit);
        let release = self.act(Command::Release { model: model() });
        let (answered, released) = tokio::join!(patient.predict(target(), input(&retried.input)?), release);
        released?;
        answers(&answered?, &retried.answer, tolerance)
    }
}

fn target(call: &Call) -> Target {
    let target = Target::model(&call.model);
    match (call.version, &call.label) {
        (Some(version), _) => target.version(version),
        (None, Some(label)) => target.label(label),
        (None, None) => target,
    }
}

fn input(rows: &Rows) -> anyhow::Result<Input> {
    if let Some(columns) = &rows.columns {
        return Ok(Input::columns(columns.iter().map(|column| (&column.name, column.values.clone()))));
    }
    let (width, values): (usize, Vec<f64>) = match (&rows.rows, rows.ramp) {
        (Some(rows), None) => {
            let values = rows.iter().flatten().map(|value| value.unwrap_or(f64::NAN));
            (rows.first().map_or(0, Vec::len), values.collect())
        }
        (None, Some(ramp)) => (ramp.width, ramp.numbers(0..ramp.rows).collect()),
        _ => bail!("the case has no rows"),
    };
    let columns = u32::try_from(width)?;
    Ok(match rows.form.context("the case says not how rows are sent")? {
        Form::Values => {
            predict_request::Input::Matrix(Matrix { columns, values, ..Matrix::default() }).into()
        }
        Form::F32 => Input::f32s(columns, values.into_iter().map(|value| value as f32)),
        Form::F64 => Input::f64s(columns, values),
    })
}

fn state(version: &ModelVersion) -> String {
    version.state().as_str_name().trim_start_matches("STATE_").to_owned()
}

/// What this process has in memory.
fn memory_kib() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
