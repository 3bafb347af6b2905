//! What came against what should have come.

use std::{fmt::Debug, ops::Range};

use anyhow::{Context as _, ensure};
use client::{Answer as Answered, Code, Error, Prediction};

use crate::cases::{Answer, Failure};

/// # Errors
/// With both, if they differ.
pub(super) fn same<T: PartialEq + Debug>(what: &str, got: &T, expected: &T) -> anyhow::Result<()> {
    ensure!(got == expected, "{what}: expected {expected:?}, got {got:?}");
    Ok(())
}

/// Whether that is the answer.
pub(super) fn answers(got: &Prediction, expected: &Answer, tolerance: f64) -> anyhow::Result<()> {
    same("labels", &got.labels(), &expected.labels.as_slice())?;
    same("clusters", &got.clusters(), &expected.clusters.as_slice())?;
    let count = expected.numbers.as_ref().map(Vec::len).or(expected.ramp.map(|ramp| ramp.rows));
    rows(got, expected, 0..count.unwrap_or_default(), tolerance)
}

/// Whether it is that of these rows of the answer.
pub(super) fn rows(
    got: &Prediction,
    expected: &Answer,
    rows: Range<usize>,
    tolerance: f64,
) -> anyhow::Result<()> {
    same("model", &got.model.name, &expected.model)?;
    if let Some(version) = expected.version {
        same("version", &got.model.version, &version)?;
    }
    ensure!(got.model.digest.starts_with("sha256:"), "digest: got {}", got.model.digest);
    let task = match &got.answer {
        Answered::Classification(_) => "classification",
        Answered::Regression(_) => "regression",
        Answered::Clustering(_) => "clustering",
        Answered::Transformation(_) => "transformation",
    };
    same("task", &task, &expected.task.as_str())?;
    if !expected.names.is_empty() {
        same("names", &got.names(), &expected.names.as_slice())?;
    }
    let wanted: Vec<f64> = match (&expected.numbers, expected.ramp) {
        (Some(numbers), _) => numbers.concat(),
        (None, Some(ramp)) => ramp.numbers(rows).collect(),
        (None, None) => Vec::new(),
    };
    let numbers = got.array()?;
    same("number of numbers", &numbers.len(), &wanted.len())?;
    for (((row, column), got), expected) in numbers.indexed_iter().zip(wanted) {
        let close = (got - expected).abs() <= tolerance * expected.abs().max(1.0);
        ensure!(close, "row {row}, column {column}: expected {expected}, got {got}");
    }
    Ok(())
}

/// Whether it is refused like that.
pub(super) fn fails<T: Debug>(got: Result<T, Error>, expected: &Failure) -> anyhow::Result<()> {
    let error = match got {
        Ok(answer) => anyhow::bail!("expected {}, got {answer:?}", expected.code),
        Err(error) => error,
    };
    let code = error.code().context("an error without a code")?;
    same("code", &name(code), &expected.code).with_context(|| error.to_string())?;
    let Some(details) = error.details() else { return Ok(()) };
    let violation = details.field_violations.first();
    let info = details.info.as_ref().map(|info| info.reason.clone());
    if expected.field.is_some() {
        same("field", &violation.map(|violation| violation.field.clone()), &expected.field)?;
    }
    if expected.reason.is_some() {
        same("reason", &info, &expected.reason)?;
    }
    for (what, got, expected) in [
        ("row", details.row().map(|row| row.to_string()), expected.row.map(|row| row.to_string())),
        ("column", details.column().map(str::to_owned), expected.column.clone()),
        ("expected", details.expected().map(str::to_owned), expected.expected.clone()),
        ("got", details.got().map(str::to_owned), expected.got.clone()),
    ] {
        if expected.is_some() {
            same(what, &got, &expected)?;
        }
    }
    if let Some(resource) = &expected.resource {
        let got = details.resource.as_ref().context("no resource")?;
        same("resource", &(&got.resource_type, &got.resource_name), &(&resource.kind, &resource.name))?;
    }
    if let Some(precondition) = &expected.precondition {
        let got = details.preconditions.first().context("no precondition")?;
        same("precondition", &(&got.r#type, &got.subject), &(&precondition.kind, &precondition.subject))?;
    }
    ensure!(!expected.retry || details.retry_after.is_some(), "no delay");
    Ok(())
}

/// As the protocol writes it: `NOT_FOUND`.
fn name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_uppercase());
    }
    name
}
