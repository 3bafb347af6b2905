//! The checks that a version must pass, in order: `layout`, `manifest`, `digest`, `parameters`, `golden`, `probe`.
//! Each is a function of what was read and of limits; each runs under a guard, so that a bug in one is a refusal
//! of one version. Whether to wait or to refuse is the watch's business.

mod digest;
mod golden;
mod layout;
mod manifest;
mod parameters;
mod probe;

use std::{
    fmt::Display,
    os::fd::{AsFd as _, BorrowedFd},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use artifact::{
    Digest, Files, Manifest, Name, Version,
    catalog::{Check, Refusal},
};

use crate::{
    Settings,
    incoming::{ListError, Listing, Look},
};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Bytes are still missing; a copy that goes on mends it.
    Lacking,
    /// All is there and something is wrong; a copy that goes on may still mend it.
    Torn,
    /// Whole, unchanged, and wrong.
    Sure,
}

/// A check that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    weight: Weight,
    reason: String,
}

/// What else is known about the folder that is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context<'a> {
    /// What the manifest must call the model.
    pub(crate) name: Option<&'a Name>,
    /// What was admitted under this number before.
    pub(crate) known: Option<(Version, Digest)>,
    /// MiB that its files may have together.
    pub(crate) max_mib: u32,
}

/// Whole bytes that belong together.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) files: Files,
    pub(crate) manifest: Manifest,
    pub(crate) digest: Digest,
}

/// The checks that ran so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) checks: Vec<Check>,
    pub(crate) failure: Option<(Weight, Refusal)>,
}

/// Runs the sidecar's checks on one version folder, once and without waiting. The manifest must name the model of the
/// folder above if the two folders are called as a model and a version are.
pub fn verify(folder: &Path) -> Verdict {
    let mut report = Report::default();
    let candidate = examine_path(folder, &mut report);
    if let Some(candidate) = &candidate {
        report.prove(candidate);
    }
    Verdict {
        digest: candidate.map(|candidate| candidate.digest),
        checks: report.checks,
        refusal: report.failure.map(|(_, refusal)| refusal),
    }
}

fn examine_path(folder: &Path, report: &mut Report) -> Option<Candidate> {
    let opened = report.run("layout", || {
        // The caller's own path may lead through links; what lies in the folder may not.
        let folder = fs_err::canonicalize(folder).map_err(Failure::sure)?;
        let part = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = part(&folder).unwrap_or_default();
        let model = folder.parent().and_then(part).and_then(|name| name.parse().ok());
        let parent = fs_err::File::open(folder.parent().unwrap_or(&folder)).map_err(Failure::sure)?;
        let look = Look::at(parent.as_fd(), &name);
        let model = model.filter(|_: &Name| name.parse::<Version>().is_ok());
        Ok((parent, name, model, look))
    });
    let (parent, folder, model, look) = opened?;
    let context = Context { name: model.as_ref(), known: None, max_mib: Settings::default().max_version_mib };
    report.examine(parent.as_fd(), &folder, &look, &context)
}

impl Report {
    /// The first checks: whether the bytes are whole, and the ones that their manifest names.
    pub(crate) fn examine(
        &mut self,
        parent: BorrowedFd<'_>,
        folder: &str,
        look: &Look,
        context: &Context<'_>,
    ) -> Option<Candidate> {
        let files = self.check(layout::NAME, || layout::read(parent, folder, look, context.max_mib))?;
        let manifest = self.check(manifest::NAME, || manifest::parse(&files.manifest, context.name))?;
        let digest = self.check(digest::NAME, || digest::compare(&files, &manifest, context.known))?;
        Some(Candidate { files, manifest, digest })
    }

    /// The other checks: whether the model does what it should. True if it passed them all.
    pub(crate) fn prove(&mut self, candidate: &Candidate) -> bool {
        self.prove_steps(candidate).is_some()
    }

    fn prove_steps(&mut self, candidate: &Candidate) -> Option<()> {
        let model = self.check(parameters::NAME, || parameters::load(candidate))?;
        self.check(golden::NAME, || golden::replay(&model, &candidate.files.golden))?;
        self.check(probe::NAME, || probe::probe(&model))
    }

    /// Runs one check and writes down what it found.
    fn check<T>(
        &mut self,
        name: &'static str,
        check: impl FnOnce() -> Result<(T, String), Failure>,
    ) -> Option<T> {
        let (value, detail) = self.run(name, check)?;
        self.checks.push(Check { name: name.to_owned(), passed: true, detail });
        Some(value)
    }

    /// Runs one check and writes down its failure.
    fn run<T>(&mut self, name: &'static str, check: impl FnOnce() -> Result<T, Failure>) -> Option<T> {
        // What a panic leaves half done belongs to the check alone and is dropped with it.
        let result = catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|_| Err(Failure::panic()));
        match result {
            Ok(value) => Some(value),
            Err(Failure { weight, reason }) => {
                let name = name.to_owned();
                self.checks.push(Check { name: name.clone(), passed: false, detail: reason.clone() });
                self.failure = Some((weight, Refusal { check: name, reason }));
                None
            }
        }
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

/// Marks of direction, joiners and spaces of no width.
fn is_unseen(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl From<ListError> for Failure {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Read(error) => layout::failure(error),
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
        let mut report = Report::default();
        let result = report.check::<()>("probe", || panic!("index out of bounds"));
        assert_eq!(result, None);
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
