//! What was looked at and what was found, as a table.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// A kind of check. The order is that of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "their names in the table say what they are")]
pub enum Check {
    Layers,
    History,
    ImageInspect,
    Shell,
    Size,
    ComposeConfig,
    Inspect,
    Log,
    Environment,
    CommandLine,
    SecretFiles,
    User,
    Root,
    Capabilities,
    Privileged,
    NewPrivileges,
    Seccomp,
    Mounts,
    Memory,
    Processes,
    CoreDumps,
    Ports,
    Network,
}

impl Check {
    fn name(self) -> &'static str {
        match self {
            Self::Layers => "layers",
            Self::History => "history",
            Self::ImageInspect => "image inspect",
            Self::Shell => "shell",
            Self::Size => "size",
            Self::ComposeConfig => "compose config",
            Self::Inspect => "inspect",
            Self::Log => "log",
            Self::Environment => "environment",
            Self::CommandLine => "command line",
            Self::SecretFiles => "secret files",
            Self::User => "user",
            Self::Root => "root file system",
            Self::Capabilities => "capabilities",
            Self::Privileged => "privileged",
            Self::NewPrivileges => "new privileges",
            Self::Seccomp => "seccomp",
            Self::Mounts => "mounts",
            Self::Memory => "memory limit",
            Self::Processes => "process limit",
            Self::CoreDumps => "core dumps",
            Self::Ports => "ports",
            Self::Network => "network",
        }
    }
}

/// The findings of every check, by subject.
pub struct Report {
    subjects: Vec<String>,
    rows: BTreeMap<(Check, String), (usize, BTreeSet<String>)>,
    unsearched: Vec<String>,
}

impl Report {
    pub(crate) fn new(unsearched: Vec<String>) -> Self {
        Self { subjects: Vec::new(), rows: BTreeMap::new(), unsearched }
    }

    /// Adds how much a check looked at, and what it found there.
    pub(crate) fn row(
        &mut self,
        check: Check,
        subject: &str,
        looked_at: usize,
        findings: impl IntoIterator<Item = String>,
    ) {
        if !self.subjects.iter().any(|known| known == subject) {
            self.subjects.push(subject.to_owned());
        }
        let (count, found) = self.rows.entry((check, subject.to_owned())).or_default();
        *count += looked_at;
        found.extend(findings);
    }

    /// Every finding in a line: subject, check, what.
    #[must_use]
    pub fn findings(&self) -> Vec<String> {
        let of = |subject: &String| {
            let rows = self.rows.iter().filter(move |((_, of), _)| of == subject).collect::<Vec<_>>();
            let subject = subject.clone();
            rows.into_iter().flat_map(move |((check, _), (_, found))| {
                let subject = subject.clone();
                found.iter().map(move |what| format!("{subject}: {}: {what}", check.name()))
            })
        };
        self.subjects.iter().flat_map(of).collect()
    }
}

/// Checks by subjects: findings, and out of how many places; then each finding in a line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:16}", "findings/seen")?;
        for subject in &self.subjects {
            write!(f, "  {subject:>9}")?;
        }
        let checks: BTreeSet<_> = self.rows.keys().map(|(check, _)| *check).collect();
        for check in checks {
            write!(f, "\n{:16}", check.name())?;
            for subject in &self.subjects {
                let cell = match self.rows.get(&(check, subject.clone())) {
                    Some((count, found)) => format!("{}/{count}", found.len()),
                    None => "-".to_owned(),
                };
                write!(f, "  {cell:>width$}", width = subject.len().max(9))?;
            }
        }
        writeln!(f)?;
        for finding in self.findings() {
            writeln!(f, "{finding}")?;
        }
        for name in &self.unsearched {
            writeln!(f, "not searched for, since it cannot be told from chance: {name}")?;
        }
        writeln!(f, "{} findings", self.findings().len())
    }
}
