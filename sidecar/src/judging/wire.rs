//! What passes between the sidecar and a child. There: the length of a JSON header, the header, then the bytes whose
//! sizes it gives. Back: JSON, a line each. Every length is bounded where it is read.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
};

use artifact::{Digest, Files, Name, Version, manifest::limits::FILE_BYTES};
use serde::{Deserialize, Serialize};

use crate::checks::{Failure, Found, Report, Requirements, Task};

/// The most that a child may say.
pub(super) const SAID_BYTES: usize = 64 << 10;
/// No header is longer: a hundred names of 255 bytes, and what the policy asks.
const HEADER_BYTES: u32 = 1 << 20;
/// A task's buffers, in this order: manifest, tensors, golden rows; signature; the same three files of the version
/// that serves; evaluation set.
const PARTS: usize = 8;
/// The first ones are what was dropped.
pub(super) const DROPPED: usize = 4;

/// What a child says.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Said {
    /// It cannot judge here, and has read nothing.
    Unfit(String),
    /// This check begins.
    Checking(String),
    /// The last word.
    Done(Report),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    name: Option<Name>,
    known: Option<(Version, Digest)>,
    entries: BTreeMap<String, Found>,
    flaw: Option<Failure>,
    require: Requirements,
    sizes: [Option<u64>; PARTS],
}

/// Everything but the buffers.
pub(super) fn header(task: &Task) -> io::Result<Vec<u8>> {
    let header = Header {
        name: task.name.clone(),
        known: task.known,
        entries: task.entries.clone(),
        flaw: task.flaw.clone(),
        require: task.require.clone(),
        sizes: parts(task).map(|part| part.map(|bytes| bytes.len() as u64)),
    };
    let json = serde_json::to_vec(&header)?;
    let length = u32::try_from(json.len()).ok().filter(|length| *length <= HEADER_BYTES);
    let length = length.ok_or_else(|| too_long("header", json.len() as u64))?;
    Ok([length.to_le_bytes().as_slice(), &json].concat())
}

/// The buffers.
pub(super) fn parts(task: &Task) -> [Option<&[u8]>; PARTS] {
    let [manifest, tensors, golden] = files(Some(&task.files));
    let [serving_manifest, serving_tensors, serving_golden] = files(task.serving.as_ref());
    [
        manifest,
        tensors,
        golden,
        task.signature.as_deref(),
        serving_manifest,
        serving_tensors,
        serving_golden,
        task.evaluation.as_deref(),
    ]
}

fn files(files: Option<&Files>) -> [Option<&[u8]>; 3] {
    [
        files.map(|files| files.manifest.as_slice()),
        files.map(|files| files.tensors.as_slice()),
        files.map(|files| files.golden.as_slice()),
    ]
}

/// Reads a task.
pub(super) fn receive(from: &mut impl Read) -> io::Result<Task> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > HEADER_BYTES {
        return Err(too_long("header", length.into()));
    }
    let header: Header = serde_json::from_slice(&exactly(from, length.into())?)?;
    let mut parts = header.sizes.map(|_| None);
    for (part, size) in parts.iter_mut().zip(header.sizes) {
        *part = size.map(|size| exactly(from, size)).transpose()?;
    }
    let [manifest, tensors, golden, signature, serving_manifest, serving_tensors, serving_golden, evaluation] =
        parts;
    let files = |manifest: Option<_>, tensors: Option<_>, golden: Option<_>| {
        Some(Files { manifest: manifest?, tensors: tensors?, golden: golden? })
    };
    Ok(Task {
        name: header.name,
        known: header.known,
        files: files(manifest, tensors, golden).ok_or(io::ErrorKind::InvalidData)?,
        entries: header.entries,
        flaw: header.flaw,
        signature,
        serving: files(serving_manifest, serving_tensors, serving_golden),
        evaluation,
        require: header.require,
    })
}

fn exactly(from: &mut impl Read, size: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(size).ok().filter(|_| size <= FILE_BYTES);
    let mut bytes = vec![0; length.ok_or_else(|| too_long("part", size))?];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn too_long(what: &str, bytes: u64) -> io::Error {
    io::Error::other(format!("a {what} of {bytes} bytes is too long"))
}

/// Writes one line.
pub(super) fn say(to: &mut impl Write, said: &Said) -> io::Result<()> {
    let mut line = serde_json::to_vec(said)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(serving: Option<Files>) -> Task {
        let files = |text: &str| Files {
            manifest: format!("{text} m").into(),
            tensors: format!("{text} t").into(),
            golden: Vec::new(),
        };
        Task {
            name: Some("iris".parse().unwrap()),
            known: Some((3.try_into().unwrap(), Digest::of(b"3"))),
            files: files("new"),
            entries: [("golden.jsonl".to_owned(), Found { size: 7, digest: None })].into(),
            flaw: Some(Failure::torn("torn")),
            signature: Some(b"signed".to_vec()),
            serving: serving.map(|_| files("old")),
            evaluation: None,
            require: Requirements::default(),
        }
    }

    fn sent(task: &Task) -> Vec<u8> {
        let mut bytes = header(task).unwrap();
        bytes.extend(parts(task).into_iter().flatten().flatten());
        bytes
    }

    #[test]
    fn a_task_arrives_as_it_was_sent() {
        let serving = Files { manifest: Vec::new(), tensors: Vec::new(), golden: Vec::new() };
        for task in [task(None), task(Some(serving))] {
            let bytes = sent(&task);
            let mut rest = bytes.as_slice();
            let arrived = receive(&mut rest).unwrap();
            assert_eq!(format!("{arrived:?}"), format!("{task:?}"));
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn a_task_that_is_cut_anywhere_or_claims_too_much_does_not_arrive() {
        let bytes = sent(&task(None));
        for length in 0..bytes.len() {
            assert!(receive(&mut &bytes[..length]).is_err(), "{length} bytes");
        }
        let say = |bytes: &[u8]| receive(&mut &*bytes).unwrap_err().to_string();
        assert_eq!(say(&u32::MAX.to_le_bytes()), "a header of 4294967295 bytes is too long");
        let text = String::from_utf8_lossy(&bytes[4..]).into_owned();
        let huge = text.replacen("\"sizes\":[5,", "\"sizes\":[134217729,", 1);
        let length = u32::try_from(huge.rfind("]}").unwrap() + 2).unwrap();
        let huge = [length.to_le_bytes().as_slice(), huge.as_bytes()].concat();
        assert_eq!(say(&huge), "a part of 134217729 bytes is too long");
    }
}
