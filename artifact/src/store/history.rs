//! `history.jsonl`: what was ever decided about a model, one line each, the oldest first. People read it; nothing is
//! served by it, so that it is not signed, and a line that cannot be read is passed over.
//!
//! A file that has grown to [`MAX_BYTES`] becomes `history.1.jsonl`, in the place of the one before. So at least that
//! much is kept, and at most twice as much.

use std::{
    collections::BTreeMap,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
};

use fs_err as fs;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Reader, TRIES, WriteError, Writer};
use crate::{Name, Version, catalog::CatalogVersion, files::ReadError};

/// The most bytes of the newer file, unless one look decides more than that.
pub const MAX_BYTES: u64 = 8 << 20;

const NEWER: &str = "history.jsonl";
const OLDER: &str = "history.1.jsonl";

/// One line: something was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// About which model.
    pub model: Name,
    /// What.
    pub event: Event,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A version was judged or withdrawn: its entry in the catalog from then on, with the figures of every check.
    Verdict(CatalogVersion),
    /// Other versions serve than before, or under other labels.
    Serving(Serving),
}

/// Which versions serve.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serving {
    /// The version that answers when a request names none.
    pub default: Option<Version>,
    /// The versions that answer, in order.
    pub versions: Vec<Version>,
    /// Labels and the versions that they name.
    pub labels: BTreeMap<Name, Version>,
}

/// All that is still kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// The oldest first.
    pub entries: Vec<Entry>,
    /// Lines that are none: torn by a crash, damaged, or of a later release.
    pub unread: usize,
}

impl History {
    fn add(&mut self, lines: &[u8]) {
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(entry) => self.entries.push(entry),
                Err(_) => self.unread += 1,
            }
        }
    }
}

impl Reader {
    /// What was ever decided, as far as it is kept. Nothing if nothing was.
    ///
    /// # Errors
    /// [`ReadError`] if a file is there and cannot be read.
    pub fn history(&self) -> Result<History, ReadError> {
        let mut history = History::default();
        for file in [OLDER, NEWER] {
            history.add(&self.lines(file)?);
        }
        Ok(history)
    }

    fn lines(&self, file: &str) -> Result<Vec<u8>, ReadError> {
        let mut tries = 1..TRIES;
        loop {
            match self.read(file, 2 * MAX_BYTES) {
                Err(ReadError::Missing { name }) if name == file => return Ok(Vec::new()),
                Err(ReadError::Changed { .. }) if tries.next().is_some() => {}
                read => return read,
            }
        }
    }
}

impl Writer {
    /// Adds `entries` to the history. A line that a crash tore is ended first, and stays what it is.
    ///
    /// # Errors
    /// [`WriteError`]; nothing of `entries` is then in the history.
    pub fn record(&mut self, entries: &[Entry]) -> Result<(), WriteError> {
        self.record_within(MAX_BYTES, entries)
    }

    fn record_within(&mut self, max: u64, entries: &[Entry]) -> Result<(), WriteError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.hold()?;
        let mut lines = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut lines, entry).map_err(std::io::Error::from)?;
            lines.push(b'\n');
        }
        let path = self.root.join(NEWER);
        let size = fs::metadata(&path).map_or(0, |file| file.len());
        if size > 0 && size + lines.len() as u64 > max {
            fs::rename(&path, self.root.join(OLDER))?;
        }
        let mut file = fs::OpenOptions::new().create(true).append(true).read(true).open(&path)?;
        let size = file.metadata()?.len();
        if size > 0 && last_byte(&mut file)? != b'\n' {
            lines.insert(0, b'\n');
        }
        let written = file.write_all(&lines).and_then(|()| file.sync_all());
        if let Err(error) = written {
            // On a full disk, half of the lines would be there twice after the next attempt. The first failure is the
            // one to tell.
            let _ = file.set_len(size);
            return Err(error.into());
        }
        if size == 0 {
            fs::File::open(&self.root)?.sync_all()?;
        }
        Ok(())
    }
}

fn last_byte(file: &mut fs::File) -> std::io::Result<u8> {
    let mut byte = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Writer) {
        let dir = tempfile::tempdir().unwrap();
        let writer = Writer::open(dir.path()).unwrap();
        (dir, writer)
    }

    fn entry(version: u64) -> Entry {
        let version = version.try_into().unwrap();
        let serving = Serving { default: Some(version), versions: vec![version], labels: BTreeMap::new() };
        Entry { at: Timestamp::UNIX_EPOCH, model: "a".parse().unwrap(), event: Event::Serving(serving) }
    }

    fn read(writer: &Writer) -> (Vec<Entry>, usize) {
        let History { entries, unread } = writer.reader().history().unwrap();
        (entries, unread)
    }

    #[test]
    fn what_was_recorded_is_read_in_order() {
        let (_dir, mut writer) = store();
        assert_eq!(read(&writer), (vec![], 0));
        writer.record(&[]).unwrap();
        writer.record(&[entry(1), entry(2)]).unwrap();
        writer.record(&[entry(3)]).unwrap();
        assert_eq!(read(&writer), (vec![entry(1), entry(2), entry(3)], 0));
    }

    #[test]
    fn a_last_line_torn_anywhere_costs_no_other_line() {
        let (dir, mut writer) = store();
        writer.record(&[entry(1), entry(2)]).unwrap();
        let whole = fs::read(dir.path().join(NEWER)).unwrap();
        let first = whole.len() / 2;
        for end in first..whole.len() {
            fs::write(dir.path().join(NEWER), &whole[..end]).unwrap();
            // A line that lacks its end alone is whole.
            let (kept, unread) = match end {
                end if end == first => (vec![entry(1)], 0),
                end if end == whole.len() - 1 => (vec![entry(1), entry(2)], 0),
                _ => (vec![entry(1)], 1),
            };
            assert_eq!(read(&writer), (kept.clone(), unread), "cut at {end}");
            writer.record(&[entry(3)]).unwrap();
            assert_eq!(read(&writer), ([kept, vec![entry(3)]].concat(), unread), "cut at {end}");
        }
    }

    #[test]
    fn a_file_that_is_full_is_kept_and_the_one_before_it_goes() {
        let (dir, mut writer) = store();
        let line = serde_json::to_vec(&entry(1)).unwrap().len() as u64 + 1;
        for version in 1..=8 {
            writer.record_within(3 * line, &[entry(version)]).unwrap();
            let (entries, _) = read(&writer);
            let oldest = [1, 1, 1, 1, 1, 1, 4, 4][usize::try_from(version).unwrap() - 1];
            assert_eq!(entries, (oldest..=version).map(entry).collect::<Vec<_>>());
        }
        assert_eq!(fs::metadata(dir.path().join(OLDER)).unwrap().len(), 3 * line);
        // More at once than fits is written all the same.
        let many: Vec<_> = (9..=19).map(entry).collect();
        writer.record_within(3 * line, &many).unwrap();
        assert_eq!(read(&writer).0, (7..=19).map(entry).collect::<Vec<_>>());
    }

    #[test]
    fn a_line_of_a_later_release_is_counted_and_passed_over() {
        let (dir, mut writer) = store();
        fs::write(dir.path().join(NEWER), "{\"event\":\"flown to the moon\"}\n").unwrap();
        writer.record(&[entry(1)]).unwrap();
        assert_eq!(read(&writer), (vec![entry(1)], 1));
    }

    #[test]
    fn a_history_that_cannot_be_read_is_told() {
        let (dir, writer) = store();
        fs::create_dir(dir.path().join(NEWER)).unwrap();
        assert_eq!(
            writer.reader().history().unwrap_err().to_string(),
            "`history.jsonl` is a folder; only plain files are read"
        );
    }
}
