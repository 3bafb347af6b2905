//! What is known about one version: its entry in the catalog, and how looks, verdicts and withdrawals change it.
//! Every change that says something new is an event in the log, and a verdict is news for the history.

use artifact::{
    Digest, Name, Version,
    catalog::{CatalogVersion, Refusal, Status},
    manifest::FileEntry,
};
use jiff::Timestamp;

use crate::{
    checks::Report,
    config::Settle,
    incoming::Look,
    settle::{Standing, Watch},
};

/// The checks that depend on policy.toml and evaluation.csv.
const BY_POLICY: [&str; 5] = [POLICY, "signature", "latency", "schema", "quality"];
/// What failed where nobody knows what is required.
const POLICY: &str = "policy";

/// One version.
#[derive(Debug)]
pub(crate) struct Tracked {
    pub(crate) entry: CatalogVersion,
    /// None until the first look after a start, and while the model is retired.
    pub(crate) watch: Option<Watch>,
    /// What is wrong with the blobs of an admitted version.
    pub(crate) damage: Option<String>,
    /// Verdicts that the history has not been told of.
    pub(crate) news: Vec<CatalogVersion>,
}

impl Tracked {
    /// A version that was just seen.
    pub(crate) fn new(version: Version) -> Self {
        Self::recovered(pending(version))
    }

    /// Goes on from a catalog.
    pub(crate) fn recovered(entry: CatalogVersion) -> Self {
        Self { entry, watch: None, damage: None, news: Vec::new() }
    }

    /// Takes in a look at the folder.
    pub(crate) fn look(&mut self, look: Look, now: Timestamp) {
        let Some(watch) = &mut self.watch else {
            self.watch = Some(Watch::new(look, now));
            return;
        };
        let judged = matches!(self.entry.status, Status::Rejected | Status::Incomplete);
        if watch.look(look, now) && judged && watch.is_present() {
            self.entry = pending(self.entry.version);
        }
    }

    /// What was admitted under this number.
    pub(crate) fn known(&self) -> Option<(Version, Digest)> {
        self.entry.digest.map(|digest| (self.entry.version, digest))
    }

    /// Whether the admitted bytes lie there, by the last verdict.
    pub(crate) fn stands(&self) -> bool {
        self.entry.status == Status::Admitted && self.entry.refusal.is_none()
    }

    /// Takes in that every check passed and the blobs are stored. No new report: what was found before stands.
    pub(crate) fn admit(
        &mut self,
        name: &Name,
        digest: Digest,
        files: Vec<FileEntry>,
        report: Option<Report>,
    ) {
        let (checks, signer) = match report {
            Some(report) => (report.checks, report.signer),
            None => (self.entry.checks.clone(), self.entry.signer),
        };
        let entry = CatalogVersion {
            version: self.entry.version,
            status: Status::Admitted,
            digest: Some(digest),
            signer,
            files,
            checks,
            refusal: None,
        };
        self.damage = None;
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
        let entry =
            CatalogVersion { status, checks: report.checks, refusal: Some(refusal), ..self.entry.clone() };
        self.record(name, entry);
    }

    /// Takes in that something else is required now, or measured by other rows. Bytes that were admitted stay so.
    pub(crate) fn reconsider(&mut self) {
        let refused_by = self.entry.refusal.as_ref().map(|refusal| refusal.check.as_str());
        let by_policy = refused_by.is_some_and(|check| BY_POLICY.contains(&check));
        if let Some(watch) =
            self.watch.as_mut().filter(|_| by_policy && self.entry.status != Status::Withdrawn)
        {
            watch.again();
        }
    }

    /// Takes in that nobody knows what is required.
    pub(crate) fn hold(&mut self, name: &Name, reason: String, now: Timestamp, settle: &Settle) {
        if let Some(watch) = &mut self.watch {
            watch.retry(now, settle);
        }
        if self.entry.status == Status::Pending {
            let refusal = Some(Refusal { check: POLICY.to_owned(), reason });
            self.record(name, CatalogVersion { refusal, ..self.entry.clone() });
        }
    }

    /// Takes in that the proven bytes could not be stored.
    pub(crate) fn unstored(&mut self, name: &Name, reason: String, now: Timestamp, settle: &Settle) {
        if let Some(watch) = &mut self.watch {
            watch.retry(now, settle);
        }
        let refusal = Some(Refusal { check: "store".to_owned(), reason });
        self.record(name, CatalogVersion { refusal, ..self.entry.clone() });
    }

    /// Takes in that the version leaves. Its digest is remembered.
    pub(crate) fn withdraw(&mut self, name: &Name, check: &str, reason: &str) {
        let refusal = Refusal { check: check.to_owned(), reason: reason.to_owned() };
        let entry = CatalogVersion {
            status: Status::Withdrawn,
            files: Vec::new(),
            refusal: Some(refusal),
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
        if news && entry.status != Status::Pending {
            self.news.push(entry.clone());
        }
        self.entry = entry;
    }
}

fn pending(version: Version) -> CatalogVersion {
    CatalogVersion {
        version,
        status: Status::Pending,
        digest: None,
        signer: None,
        files: Vec::new(),
        checks: Vec::new(),
        refusal: None,
    }
}
