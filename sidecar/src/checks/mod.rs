//! The checks that a version must pass, in order: `layout`, `manifest`, `digest`, `signature`, `parameters`, `golden`,
//! `probe`, `latency`, `schema`, `quality`. Together they are a function of what was read; each runs under a guard, so
//! that a bug in one is a refusal of one version. Whether to wait or to refuse is the watch's business.

mod digest;
mod evaluation;
mod golden;
mod latency;
mod layout;
mod manifest;
mod parameters;
mod probe;
mod quality;
mod schema;
mod serving;
mod signature;
mod task;

use std::{
    fmt::Display,
    os::fd::AsFd as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use artifact::{
    Digest, Model, Name, Version,
    catalog::{Check, Refusal},
    files::ReadError,
};
use serde::{Deserialize, Serialize};

use crate::{
    Settings,
    incoming::{ListError, Listing, Look},
};

pub(crate) use task::{Found, Task, Trust};

/// What the checks found about one folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The digest of the manifest, if the bytes are what the manifest lists.
    pub digest: Option<Digest>,
    /// The checks that ran, in order. The last one failed if there is a refusal.
    pub checks: Vec<Check>,
    /// Why the version is not admitted.
    pub refusal: Option<Refusal>,
}

/// How much a failure proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Weight {
    /// Bytes are still missing; a copy that goes on mends it.
    Lacking,
    /// All is there and something is wrong; a copy that goes on may still mend it.
    Torn,
    /// Whole, unchanged, and wrong.
    Sure,
    /// Nothing, since what is wrong is not the version but a file of the operator's.
    Waiting,
}

/// A check that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    weight: Weight,
    reason: String,
}

/// What the checks found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) checks: Vec<Check>,
    pub(crate) failure: Option<(Weight, Refusal)>,
    /// The publisher's key that signed.
    pub(crate) signer: Option<Digest>,
}

/// The checks that ran so far, and whoever wants to know which one is under way.
struct Course<'a> {
    report: Report,
    begin: &'a mut dyn FnMut(&'static str),
}

/// Runs the sidecar's checks on one version folder, once and without waiting. The manifest must name the model of the
/// folder above if the two folders are called as a model and a version are.
pub fn verify(folder: &Path) -> Verdict {
    let (digest, report) = match read(folder) {
        Ok(task) => (Some(Digest::of(&task.files.manifest)), judge(&task, &mut |_| {})),
        Err(failure) => (None, Report::unread(failure)),
    };
    Verdict {
        digest: digest.filter(|_| report.is_whole()),
        checks: report.checks,
        refusal: report.failure.map(|(_, refusal)| refusal),
    }
}

fn read(folder: &Path) -> Result<Task, Failure> {
    // The caller's own path may lead through links; what lies in the folder may not.
    let folder = fs_err::canonicalize(folder).map_err(Failure::sure)?;
    let part = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = part(&folder).unwrap_or_default();
    let model = folder.parent().and_then(part).and_then(|name| name.parse().ok());
    let parent = fs_err::File::open(folder.parent().unwrap_or(&folder)).map_err(Failure::sure)?;
    let look = Look::at(parent.as_fd(), &name);
    let task = Task::read(parent.as_fd(), &name, &look, Settings::default().max_version_mib)?;
    Ok(Task { name: model.filter(|_: &Name| name.parse::<Version>().is_ok()), ..task })
}

/// Runs the checks until one fails. `begin` is told the name of each before it runs.
pub(crate) fn judge(task: &Task, begin: &mut dyn FnMut(&'static str)) -> Report {
    let mut course = Course { report: Report::default(), begin };
    // Where it ended is in the report.
    let _ = course.run(task);
    course.report
}

impl Course<'_> {
    fn run(&mut self, task: &Task) -> Option<()> {
        let files = &task.files;
        self.check(layout::NAME, || layout::whole(task))?;
        let manifest = self.check(manifest::NAME, || manifest::parse(&files.manifest, task.name.as_ref()))?;
        let digest = self.check(digest::NAME, || digest::compare(files, &manifest, task.known))?;
        let signer = self.check(signature::NAME, || signature::verify(task, &manifest, digest))?;
        self.report.signer = signer;
        let model = self.check(parameters::NAME, || parameters::load(manifest, digest, &files.tensors))?;
        let golden = self.check(golden::NAME, || golden::replay(&model, &files.golden))?;
        self.check(probe::NAME, || probe::probe(&model, &golden))?;
        let serving = self.check(latency::NAME, || latency::measure(&model, &golden, task))?;
        let serving = serving.as_ref();
        self.check(schema::NAME, || schema::compare(model.manifest(), serving, task.require.schema))?;
        self.check(quality::NAME, || quality::compare(&model, serving, task))
    }

    /// Runs one check and writes down what it found.
    fn check<T>(
        &mut self,
        name: &'static str,
        check: impl FnOnce() -> Result<(T, String), Failure>,
    ) -> Option<T> {
        (self.begin)(name);
        // What a panic leaves half done belongs to the check alone and is dropped with it.
        match catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|_| Err(Failure::panic())) {
            Ok((value, detail)) => {
                self.report.checks.push(Check { name: name.to_owned(), passed: true, detail });
                Some(value)
            }
            Err(failure) => {
                self.report.fail(name, failure);
                None
            }
        }
    }
}

impl Report {
    /// What is said of a folder that could not be read.
    pub(crate) fn unread(failure: Failure) -> Self {
        let mut report = Self::default();
        report.fail(layout::NAME, failure);
        report
    }

    /// What is said of one whose judge gave no verdict.
    pub(crate) fn fatal(check: &str, reason: &str) -> Self {
        let mut report = Self::default();
        report.fail(check, Failure::sure(reason));
        report
    }

    /// The same as far as a catalog has room for it. A child says what it likes.
    pub(crate) fn bounded(mut self) -> Self {
        const CHECKS: usize = 32;
        self.checks.truncate(CHECKS);
        for check in &mut self.checks {
            check.name = sentence(&check.name);
            check.detail = sentence(&check.detail);
        }
        if let Some((_, refusal)) = &mut self.failure {
            refusal.check = sentence(&refusal.check);
            refusal.reason = sentence(&refusal.reason);
        }
        self
    }

    fn fail(&mut self, name: &str, Failure { weight, reason }: Failure) {
        self.checks.push(Check { name: name.to_owned(), passed: false, detail: reason.clone() });
        self.failure = Some((weight, Refusal { check: name.to_owned(), reason }));
    }

    /// Whether the bytes are whole, and the ones that their manifest names.
    pub(crate) fn is_whole(&self) -> bool {
        self.checks.iter().any(|check| check.passed && check.name == digest::NAME)
    }
}

impl Failure {
    pub(crate) fn new(weight: Weight, reason: impl Display) -> Self {
        Self { weight, reason: sentence(reason) }
    }

    pub(crate) fn torn(reason: impl Display) -> Self {
        Self::new(Weight::Torn, reason)
    }

    pub(crate) fn sure(reason: impl Display) -> Self {
        Self::new(Weight::Sure, reason)
    }

    fn panic() -> Self {
        Self::sure("the check itself failed, which is a bug of the sidecar; its log says where")
    }
}

/// About how many numbers a row touches.
fn work(model: &Model) -> usize {
    model.parameters() + model.row_width()
}

/// A sentence fit for a catalog and a terminal. What was dropped has a say in it, so that it may be huge, hold control
/// characters, or characters that are not seen and make others seem to stand elsewhere.
pub(crate) fn sentence(text: impl Display) -> String {
    const MAX: usize = 600;
    let mut sentence = String::new();
    for character in text.to_string().chars() {
        if sentence.len() >= MAX {
            sentence.push('…');
            break;
        }
        if character.is_control() || is_unseen(character) {
            sentence.extend(character.escape_default());
        } else {
            sentence.push(character);
        }
    }
    sentence
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        layout::failure(error)
    }
}

/// Marks of direction, joiners and spaces of no width.
fn is_unseen(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl From<ListError> for Failure {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Read(error) => error.into(),
            ListError::Symlink { .. } | ListError::Crowded { .. } => Self::torn(error),
        }
    }
}

impl Listing {
    fn size(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |entry| entry.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_in_a_check_is_a_refusal() {
        let mut begun = Vec::new();
        let mut begin = |name| begun.push(name);
        let mut course = Course { report: Report::default(), begin: &mut begin };
        let result = course.check::<()>("probe", || panic!("index out of bounds"));
        assert_eq!(result, None);
        let report = course.report;
        assert_eq!(begun, ["probe"]);
        let (weight, refusal) = report.failure.unwrap();
        assert_eq!(weight, Weight::Sure);
        assert_eq!(refusal.check, "probe");
        assert_eq!(
            refusal.reason,
            "the check itself failed, which is a bug of the sidecar; its log says where"
        );
        assert!(!report.checks[0].passed);
    }

    #[test]
    fn a_sentence_is_short_and_has_no_characters_that_are_not_seen() {
        assert_eq!(sentence("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\nb");
        for mark in ['\u{200b}', '\u{200f}', '\u{2028}', '\u{202e}', '\u{2060}', '\u{206f}', '\u{feff}'] {
            assert_eq!(sentence(format!("a{mark}b")), format!("a{}b", mark.escape_unicode()));
        }
        assert_eq!(sentence("\u{2010}é\u{2030}"), "\u{2010}é\u{2030}");
        let long = sentence("é".repeat(1000));
        assert!(long.len() < 610 && long.ends_with('…'));
    }
}
