//! The model card: README.md of a version, for people. Programs read the manifest.

use std::fmt::Write as _;

use artifact::{Artifact, FeatureKind, feature::Statistics};

/// How the model was made, as far as the manifest does not tell.
#[derive(Debug)]
pub(crate) struct Making<'a> {
    pub(crate) algorithm: &'a str,
    pub(crate) preparation: Option<String>,
    pub(crate) hyper: Vec<(&'a str, &'a str)>,
    /// The name of the data's file, without its folder.
    pub(crate) file: &'a str,
    pub(crate) test_split: f64,
    pub(crate) seed: u64,
    pub(crate) held_out: usize,
}

/// The card as Markdown.
pub(crate) fn card(pack: &Artifact, making: &Making<'_>) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, pack, making);
    text
}

fn write(text: &mut String, pack: &Artifact, making: &Making<'_>) -> std::fmt::Result {
    let training = &pack.training;
    let steps: Vec<_> = pack.steps.iter().map(|step| step.spec.kind()).collect();
    writeln!(text, "# {}\n", pack.name)?;
    writeln!(
        text,
        "A {} model, trained by `linfactl train` with {}.\n",
        pack.output.task(),
        training.library
    )?;
    writeln!(text, "| | |\n|---|---|")?;
    writeln!(text, "| steps | {} |", steps.join(", "))?;
    writeln!(
        text,
        "| algorithm | {}{} |",
        making.algorithm,
        making.preparation.as_ref().map(|method| format!(", after {method}")).unwrap_or_default()
    )?;
    for (name, value) in &making.hyper {
        writeln!(text, "| {name} | {value} |")?;
    }
    writeln!(text, "| data | `{}`, {} |", making.file, training.data)?;
    writeln!(
        text,
        "| rows | {} fitted, {} held out (--test-split {}, --seed {}) |",
        training.rows, making.held_out, making.test_split, making.seed
    )?;
    writeln!(text, "| answers | {} |", pack.output.names().join(", "))?;
    writeln!(text, "| created | {} |", training.created_at)?;

    writeln!(text, "\n## On the rows held out\n")?;
    if training.metrics.is_empty() {
        writeln!(text, "No rows were held out; nothing was measured.")?;
    } else {
        writeln!(text, "| metric | value |\n|---|---|")?;
        for (name, value) in &training.metrics {
            writeln!(text, "| {name} | {value:.4} |")?;
        }
    }

    writeln!(text, "\n## Features, as they were in training\n")?;
    writeln!(text, "| feature | min | mean | max | std |\n|---|---|---|---|---|")?;
    for feature in &pack.inputs {
        let name = feature.name.replace('|', "\\|");
        let numbers = |text: &mut String, what: &str, numbers: &Statistics| {
            let Statistics { min, mean, max, std, .. } = numbers;
            writeln!(text, "| {name}{what} | {min:.4} | {mean:.4} | {max:.4} | {std:.4} |")
        };
        match &feature.kind {
            FeatureKind::Number { statistics, .. } => numbers(text, "", statistics)?,
            FeatureKind::Text { lengths } => numbers(text, ", in characters", lengths)?,
            FeatureKind::Category(category) => {
                writeln!(text, "| {name}, one of {} categories | | | | |", category.categories.len())?;
            }
        }
    }
    Ok(())
}
