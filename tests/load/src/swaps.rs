//! Swaps: which come in which order, how each is done to the folder of models, and when it is over.

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;
use artifact::{Artifact, testkit};
use tokio::time::Instant;

use crate::{Expected, Load, Question, Stand, until};

/// How many folders of a model lie there at most.
const KEPT: usize = 3;

/// What brings another version to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A new version's folder.
    Folder,
    /// Another policy.
    Policy,
    /// The serving version's folder is removed.
    Withdrawal,
}

/// One swap that has happened.
#[derive(Clone, Debug)]
pub struct Swap {
    /// The model.
    pub model: String,
    /// By what.
    pub kind: Kind,
    /// The version that served.
    pub from: u64,
    /// The version that serves.
    pub to: u64,
    /// From the change in the folder to the first answer.
    pub took: Duration,
    /// Right answers by `from` since the swap before.
    pub before: u64,
    /// Right answers by `to` until every connection had one.
    pub after: u64,
}

/// Swaps the models of a stand, in turn.
#[derive(Debug)]
pub struct Swapper<'a> {
    stand: &'a Stand,
    expected: Arc<Expected>,
    lineages: Vec<Lineage>,
    /// Calls between the end of a swap and the next.
    rest: u64,
    swaps: usize,
}

/// The versions of one model, and what is next.
#[derive(Debug)]
struct Lineage {
    model: &'static str,
    train: fn(&str, u64) -> Artifact,
    /// Versions whose folders lie there, the newest last.
    present: Vec<u64>,
    /// The newest that ever was.
    newest: u64,
    step: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Drop(u64),
    Pin(u64),
    Unpin,
    Withdraw(u64),
}

impl<'a> Swapper<'a> {
    /// Drops version 1 of two models into a stand, a regression and a classifier, and waits until they serve.
    ///
    /// # Errors
    /// If they do not.
    pub async fn start(stand: &'a Stand, rest: u64) -> anyhow::Result<Self> {
        let lineages = vec![
            Lineage::of("line", |name, version| testkit::linear(name, version as f64)),
            Lineage::of("iris", |name, version| testkit::sharper(name, 1.0 + version as f64 / 1000.0)),
        ];
        let expected = Arc::new(Expected::of(questions()));
        let swapper = Self { stand, expected, lineages, rest, swaps: 0 };
        for lineage in &swapper.lineages {
            swapper.train(lineage, 1)?;
            swapper.apply(lineage.model, Change::Drop(1), &lineage.present)?;
            stand.serves(lineage.model, 1).await?;
        }
        Ok(swapper)
    }

    /// What every version answers.
    pub fn expected(&self) -> Arc<Expected> {
        Arc::clone(&self.expected)
    }

    /// The version of each model that serves at the start.
    pub fn serving(&self) -> BTreeMap<String, u64> {
        self.lineages.iter().map(|lineage| (lineage.model.to_owned(), 1)).collect()
    }

    /// Makes the next swap, under load.
    ///
    /// # Errors
    /// If the new version does not come to answer on every connection.
    pub async fn swap(&mut self, load: &Load) -> anyhow::Result<Swap> {
        let index = self.swaps % self.lineages.len();
        let lineage = self.lineages.get_mut(index).context("no model")?;
        let (change, to) = lineage.advance();
        let lineage = self.lineages.get(index).context("no model")?;
        if let Change::Drop(version) = change {
            self.train(lineage, version)?;
        }
        let (model, course) = (lineage.model, load.course(lineage.model)?);
        until("calls go on", load.calls(self.rest)).await?;

        let (from, before) = (course.newest(), course.answers());
        load.swapping(true);
        course.begin(to);
        let began = Instant::now();
        self.apply(model, change, &lineage.present)?;
        let said = format!("{model} {to} answers after {change:?}, swap {}", self.swaps + 1);
        let seen = until(&said, course.seen()).await;
        let took = began.elapsed();
        let heard = match seen {
            Ok(()) => until(&format!("{said}, on every connection"), course.heard(load.connections())).await,
            failed => failed,
        };
        load.swapping(false);
        if let Err(error) = heard {
            return Err(error.context(self.stand.state().await));
        }
        self.swaps += 1;
        Ok(Swap {
            model: model.to_owned(),
            kind: change.kind(),
            from,
            to,
            took,
            before,
            after: course.answers(),
        })
    }

    /// Makes a version's files aside, and works out its answers from them.
    fn train(&self, lineage: &Lineage, version: u64) -> anyhow::Result<()> {
        let aside = self.stand.aside();
        let (files, _) = (lineage.train)(lineage.model, version).seal()?;
        files.write(&aside)?;
        self.expected.add(lineage.model, version, &aside)
    }

    fn apply(&self, model: &str, change: Change, present: &[u64]) -> anyhow::Result<()> {
        let model = self.stand.incoming().join(model);
        let policy = model.join("policy.toml");
        match change {
            Change::Drop(version) => {
                copy(&self.stand.aside(), &model.join(version.to_string()))?;
                fs_err::remove_dir_all(self.stand.aside())?;
                // What is too old goes at the same time; that is no swap.
                for entry in fs_err::read_dir(&model)? {
                    let entry = entry?;
                    let name = entry.file_name();
                    let number = name.to_str().and_then(|name| name.parse().ok());
                    if number.is_some_and(|number: u64| !present.contains(&number)) {
                        fs_err::remove_dir_all(entry.path())?;
                    }
                }
            }
            Change::Pin(version) => fs_err::write(policy, format!("serve = [{version}]\n"))?,
            Change::Unpin => fs_err::write(policy, "serve = { latest = 1 }\n")?,
            Change::Withdraw(version) => fs_err::remove_dir_all(model.join(version.to_string()))?,
        }
        Ok(())
    }
}

impl Lineage {
    fn of(model: &'static str, train: fn(&str, u64) -> Artifact) -> Self {
        Self { model, train, present: vec![1], newest: 1, step: 0 }
    }

    /// The next change, and the version that serves after it: two new ones, back to the first of them by the policy
    /// and on again, and back by a withdrawal.
    fn advance(&mut self) -> (Change, u64) {
        let step = self.step % 5;
        self.step += 1;
        match step {
            0 | 1 => {
                self.newest += 1;
                self.present.push(self.newest);
                self.present.drain(..self.present.len().saturating_sub(KEPT));
                (Change::Drop(self.newest), self.newest)
            }
            2 => (Change::Pin(self.newest - 1), self.newest - 1),
            3 => (Change::Unpin, self.newest),
            _ => {
                self.present.retain(|version| *version != self.newest);
                (Change::Withdraw(self.newest), self.newest - 1)
            }
        }
    }
}

impl Change {
    fn kind(self) -> Kind {
        match self {
            Self::Drop(_) => Kind::Folder,
            Self::Pin(_) | Self::Unpin => Kind::Policy,
            Self::Withdraw(_) => Kind::Withdrawal,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Folder => "new folder",
            Self::Policy => "policy",
            Self::Withdrawal => "withdrawal",
        })
    }
}

/// One row, some, and so many that the server takes them to its pool.
fn questions() -> Vec<Question> {
    let line = |rows: u32| (1..=rows).flat_map(|row| [f64::from(row), f64::from(row) / 4.0]).collect();
    let iris = |rows: u32| {
        (0..rows)
            .flat_map(|row| [5.1, 3.5, 1.4, 0.2].map(|value| value + f64::from(row % 40) / 10.0))
            .collect()
    };
    let question = |model: &str, rows| Question { model: model.to_owned(), rows };
    vec![
        question("line", line(1)),
        question("iris", iris(1)),
        question("line", line(16)),
        question("iris", iris(16)),
        question("line", line(3)),
        question("iris", iris(1000)),
    ]
}

/// As `cp -r` would: in place, file by file, in the order of their names. The manifest is not the last.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs_err::create_dir_all(to)?;
    let mut names: Vec<_> =
        fs_err::read_dir(from)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?;
    names.sort();
    for name in names {
        fs_err::copy(from.join(&name), to.join(&name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_brings_another_version_and_numbers_only_grow() {
        let mut lineage = Lineage::of("line", |name, version| testkit::linear(name, version as f64));
        let changes: Vec<_> = (0..7).map(|_| lineage.advance()).collect();
        assert_eq!(
            changes,
            [
                (Change::Drop(2), 2),
                (Change::Drop(3), 3),
                (Change::Pin(2), 2),
                (Change::Unpin, 3),
                (Change::Withdraw(3), 2),
                (Change::Drop(4), 4),
                (Change::Drop(5), 5),
            ]
        );
        assert_eq!(lineage.present, [2, 4, 5]);
    }
}
