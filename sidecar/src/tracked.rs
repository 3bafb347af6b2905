//! What is known about one version: its entry in the catalog, and how looks, verdicts and withdrawals change it.
//! Every change that says something new is an event in the log.

use artifact::{
    Digest, Files, Name, Version,
    catalog::{CatalogVersion, Check, Refusal, Status},
    manifest::FileEntry,
};
use jiff::Timestamp;

use crate::{
    checks::Report,
    config::Settle,
    incoming::Look,
    judging,
    settle::{Standing, Watch},
};

/// So often a judge may be ended from outside before the version is at fault.
const KILLED: u32 = 3;

/// One version.
#[derive(Debug)]
pub(crate) struct Tracked {
    pub(crate) entry: CatalogVersion,
    /// None until the first look after a start, and while the model is retired.
    pub(crate) watch: Option<Watch>,
    /// What is wrong with the blobs of an admitted version.
    pub(crate) damage: Option<String>,
    /// What ended its judge, and the refusal that followed.
    fatal: Option<(Digest, Refusal)>,
    /// How often these bytes were being judged when someone ended their judge.
    killed: u32,
}

impl Tracked {
    /// A version that was just seen.
    pub(crate) fn new(version: Version) -> Self {
        Self::recovered(pending(version))
    }

    /// Goes on from a catalog.
    pub(crate) fn recovered(entry: CatalogVersion) -> Self {
        let fatal = entry.fatal.zip(entry.refusal.clone());
        Self { entry, watch: None, damage: None, fatal, killed: 0 }
    }

    /// Takes in a look at the folder.
    pub(crate) fn look(&mut self, look: Look, now: Timestamp) {
        let Some(watch) = &mut self.watch else {
            self.watch = Some(Watch::new(look, now));
            return;
        };
        let judged = matches!(self.entry.status, Status::Rejected | Status::Incomplete);
        let changed = watch.look(look, now);
        if changed {
            self.killed = 0;
        }
        if changed && judged && watch.is_present() {
            self.entry = pending(self.entry.version);
        }
    }

    /// What was admitted under this number.
    pub(crate) fn known(&self) -> Option<(Version, Digest)> {
        self.entry.digest.map(|digest| (self.entry.version, digest))
    }

    /// Whether these are other bytes than those that were admitted. Their judge was to say so; it is not believed.
    pub(crate) fn is_other(&self, files: &Files) -> bool {
        self.entry.digest.is_some_and(|known| known != Digest::of(&files.manifest))
    }

    /// Whether the admitted bytes lie there, by the last verdict.
    pub(crate) fn stands(&self) -> bool {
        self.entry.status == Status::Admitted && self.entry.refusal.is_none()
    }

    /// Takes in that every check passed and the blobs are stored. No new checks: those that ran before stand.
    pub(crate) fn admit(
        &mut self,
        name: &Name,
        digest: Digest,
        files: Vec<FileEntry>,
        checks: Option<Vec<Check>>,
    ) {
        let entry = CatalogVersion {
            version: self.entry.version,
            status: Status::Admitted,
            digest: Some(digest),
            files,
            checks: checks.unwrap_or_else(|| self.entry.checks.clone()),
            refusal: None,
            fatal: None,
        };
        self.damage = None;
        self.fatal = None;
        if let Some(watch) = &mut self.watch {
            watch.passed();
        }
        self.record(name, entry);
    }

    /// Takes in that a check failed.
    pub(crate) fn refuse(&mut self, name: &Name, report: Report, now: Timestamp, settle: &Settle) {
        let (Some((weight, refusal)), Some(watch)) = (report.failure, &mut self.watch) else {
            return;
        };
        let standing = watch.failed(weight, now, settle);
        let refusal = standing.explain(refusal, settle);
        let status = match (self.entry.status, standing) {
            // The bytes that were admitted stay what they are, whatever was dropped over them.
            (
                Status::Admitted | Status::Withdrawn | Status::Rejected | Status::Incomplete,
                Standing::Pending,
            ) => {
                return;
            }
            (kept @ (Status::Admitted | Status::Withdrawn), _) => kept,
            (_, Standing::Pending) => Status::Pending,
            (_, Standing::Incomplete) => Status::Incomplete,
            (_, Standing::Rejected) => Status::Rejected,
        };
        let fatal = self.fatal.as_ref().filter(|(_, fatal)| *fatal == refusal).map(|(mark, _)| *mark);
        let entry = CatalogVersion {
            status,
            checks: report.checks,
            refusal: Some(refusal),
            fatal,
            ..self.entry.clone()
        };
        self.record(name, entry);
    }

    /// The refusal of a version that was fatal to its judge, if it still is what it was.
    pub(crate) fn fatal(&self, mark: Digest) -> Option<Refusal> {
        self.fatal.as_ref().filter(|(known, _)| *known == mark).map(|(_, refusal)| refusal.clone())
    }

    /// Takes in that a version was fatal to its judge. It is not judged again.
    pub(crate) fn condemn(
        &mut self,
        name: &Name,
        mark: Digest,
        reason: &str,
        now: Timestamp,
        settle: &Settle,
    ) {
        let report = Report::fatal(judging::NAME, reason);
        self.fatal = report.failure.clone().map(|(_, refusal)| (mark, refusal));
        self.refuse(name, report, now, settle);
    }

    /// Takes in that its judge was ended from outside. True if that has happened so often that it is no accident.
    pub(crate) fn killed(&mut self) -> bool {
        self.killed += 1;
        self.killed >= KILLED
    }

    /// Takes in that we could not do our part. It is tried again.
    pub(crate) fn put_off(
        &mut self,
        name: &Name,
        check: &str,
        reason: String,
        now: Timestamp,
        settle: &Settle,
    ) {
        if let Some(watch) = &mut self.watch {
            watch.retry(now, settle);
        }
        let refusal = Some(Refusal { check: check.to_owned(), reason });
        self.record(name, CatalogVersion { refusal, fatal: None, ..self.entry.clone() });
    }

    /// Takes in that the version leaves. Its digest is remembered.
    pub(crate) fn withdraw(&mut self, name: &Name, check: &str, reason: &str) {
        let refusal = Refusal { check: check.to_owned(), reason: reason.to_owned() };
        let entry = CatalogVersion {
            status: Status::Withdrawn,
            files: Vec::new(),
            refusal: Some(refusal),
            fatal: None,
            ..self.entry.clone()
        };
        self.damage = None;
        self.record(name, entry);
    }

    /// Takes over an entry, and says so in the log if it says anything new.
    fn record(&mut self, name: &Name, entry: CatalogVersion) {
        let version = entry.version;
        let news = (entry.status, &entry.refusal) != (self.entry.status, &self.entry.refusal);
        match (&entry.refusal, entry.status) {
            _ if !news => {}
            (None, status) => tracing::info!(model = %name, %version, ?status, "version judged"),
            (Some(Refusal { check, reason }), status @ (Status::Pending | Status::Withdrawn)) => {
                tracing::info!(model = %name, %version, ?status, check, reason, "version not served");
            }
            (Some(Refusal { check, reason }), status) => {
                tracing::warn!(model = %name, %version, ?status, check, reason, "version refused");
            }
        }
        self.entry = entry;
    }
}

fn pending(version: Version) -> CatalogVersion {
    CatalogVersion {
        version,
        status: Status::Pending,
        digest: None,
        files: Vec::new(),
        checks: Vec::new(),
        refusal: None,
        fatal: None,
    }
}
