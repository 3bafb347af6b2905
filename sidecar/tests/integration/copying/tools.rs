//! The system calls that tools make when they copy a version, one at a time.

use std::{
    collections::VecDeque,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use artifact::{Files, files::FileName};
use jiff::Timestamp;
use rand::{Rng as _, rngs::StdRng, seq::SliceRandom as _};

/// Plans a copy of the files into a folder; `aside` is a place on the same volume that nobody watches.
pub(super) type Tool = fn(&mut StdRng, &Path, &Path, &Files) -> Copy;

pub(super) const TOOLS: [Tool; 8] = [cp, cp_preserving, scp, rsync, rsync_delayed, sftp, tar, mv];

/// What is left to do.
#[derive(Debug)]
pub(super) struct Copy {
    folder: PathBuf,
    calls: VecDeque<Call>,
}

#[derive(Debug)]
enum Call {
    Folder(PathBuf),
    /// Made, or emptied.
    Create(PathBuf),
    Append(PathBuf, Vec<u8>),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    RemoveFolder(PathBuf),
    /// As the original has it.
    Date(PathBuf),
}

impl Copy {
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the whole folder comes at once.
    pub(super) fn moves(&self) -> bool {
        self.calls.iter().any(|call| matches!(call, Call::Rename(_, to) if *to == self.folder))
    }

    /// Makes the next call. False if there is none.
    pub(super) fn step(&mut self, now: Timestamp) -> bool {
        let Some(call) = self.calls.pop_front() else { return false };
        // A test is faster than the clock of the file system, by which it is seen that something was written.
        let dated = |path: &Path, time: Timestamp| {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_second().unsigned_abs());
            fs_err::File::open(path).unwrap().into_file().set_modified(time).unwrap();
        };
        match call {
            Call::Folder(path) => fs_err::create_dir_all(path).unwrap(),
            Call::Create(path) => {
                fs_err::write(&path, "").unwrap();
                dated(&path, now);
            }
            Call::Append(path, bytes) => {
                let mut file = fs_err::OpenOptions::new().append(true).open(&path).unwrap();
                file.write_all(&bytes).unwrap();
                dated(&path, now);
            }
            Call::Rename(from, to) => fs_err::rename(from, to).unwrap(),
            Call::Remove(path) => fs_err::remove_file(path).unwrap(),
            Call::RemoveFolder(path) => fs_err::remove_dir(path).unwrap(),
            Call::Date(path) => dated(&path, Timestamp::UNIX_EPOCH),
        }
        true
    }
}

/// A file's name, and what is written of it with each call.
type Pieces = (&'static str, Vec<Vec<u8>>);

/// The files of a version in any order, each in some pieces; sometimes with a README.
fn pieces(rng: &mut StdRng, files: &Files, most: usize) -> Vec<Pieces> {
    let names = [FileName::Manifest, FileName::Tensors, FileName::Golden];
    let mut all: Vec<_> = names.map(|name| (name.as_str(), files.get(name).to_vec())).to_vec();
    if rng.gen_bool(0.5) {
        all.push(("README.md", b"# A model\n".to_vec()));
    }
    all.shuffle(rng);
    let mut cut = |bytes: Vec<u8>| {
        let size = bytes.len().div_ceil(rng.gen_range(1..=most));
        bytes.chunks(size.max(2)).map(<[u8]>::to_vec).collect()
    };
    all.into_iter().map(|(name, bytes)| (name, cut(bytes))).collect()
}

/// Writes a file under a name of its own.
fn write(path: &Path, pieces: Vec<Vec<u8>>) -> Vec<Call> {
    let appends = pieces.into_iter().map(|piece| Call::Append(path.to_owned(), piece));
    std::iter::once(Call::Create(path.to_owned())).chain(appends).collect()
}

/// Plans `first`, what each file takes, and `last`.
fn plan(
    folder: &Path,
    first: Vec<Call>,
    pieces: Vec<Pieces>,
    mut file: impl FnMut(&str, Vec<Vec<u8>>) -> Vec<Call>,
    last: Vec<Call>,
) -> Copy {
    let files = pieces.into_iter().flat_map(|(name, pieces)| file(name, pieces));
    let calls: Vec<_> = files.collect();
    Copy { folder: folder.to_owned(), calls: first.into_iter().chain(calls).chain(last).collect() }
}

fn made(folder: &Path) -> Vec<Call> {
    vec![Call::Folder(folder.to_owned())]
}

/// `cp -r`.
fn cp(rng: &mut StdRng, folder: &Path, _: &Path, files: &Files) -> Copy {
    plan(
        folder,
        made(folder),
        pieces(rng, files, 3),
        |name, pieces| write(&folder.join(name), pieces),
        vec![],
    )
}

/// `cp -a`: each file gets its date when it is whole.
fn cp_preserving(rng: &mut StdRng, folder: &Path, _: &Path, files: &Files) -> Copy {
    let file = |name: &str, pieces| {
        let path = folder.join(name);
        [write(&path, pieces), vec![Call::Date(path)]].into_iter().flatten().collect()
    };
    plan(folder, made(folder), pieces(rng, files, 3), file, vec![Call::Date(folder.to_owned())])
}

/// `scp -r` over a slow line.
fn scp(rng: &mut StdRng, folder: &Path, _: &Path, files: &Files) -> Copy {
    let slow = pieces(rng, files, 12);
    plan(folder, made(folder), slow, |name, pieces| write(&folder.join(name), pieces), vec![])
}

/// `rsync -a`: each file grows under a hidden name.
fn rsync(rng: &mut StdRng, folder: &Path, _: &Path, files: &Files) -> Copy {
    let pieces = pieces(rng, files, 4);
    let file = |name: &str, pieces| {
        let letters: String = (0..6).map(|_| rng.gen_range('A'..='Z')).collect();
        let hidden = folder.join(format!(".{name}.{letters}"));
        let last = vec![Call::Date(hidden.clone()), Call::Rename(hidden.clone(), folder.join(name))];
        [write(&hidden, pieces), last].into_iter().flatten().collect()
    };
    plan(folder, made(folder), pieces, file, vec![Call::Date(folder.to_owned())])
}

/// `rsync --delay-updates`: all files grow in a hidden folder, and are moved in the end.
fn rsync_delayed(rng: &mut StdRng, folder: &Path, _: &Path, files: &Files) -> Copy {
    let hidden = folder.join(".~tmp~");
    let pieces = pieces(rng, files, 3);
    let moves = pieces.iter().map(|(name, _)| Call::Rename(hidden.join(name), folder.join(name)));
    let last = moves.chain([Call::RemoveFolder(hidden.clone())]).collect();
    let first = [made(folder), made(&hidden)].into_iter().flatten().collect();
    plan(folder, first, pieces, |name, pieces| write(&hidden.join(name), pieces), last)
}

/// A client that uploads as `NAME.filepart`; someone edits the README meanwhile, with vim.
fn sftp(rng: &mut StdRng, folder: &Path, _: &Path, files: &Files) -> Copy {
    let file = |name: &str, pieces| {
        let part = folder.join(format!("{name}.filepart"));
        let mut calls = write(&part, pieces);
        calls.push(Call::Rename(part, folder.join(name)));
        calls
    };
    let [swap, probe, backup, readme] =
        [".README.md.swp", "4913", "README.md~", "README.md"].map(|name| folder.join(name));
    let mut last = write(&readme, vec![b"# A".to_vec()]);
    last.extend(write(&swap, vec![b"b0VIM".to_vec()]));
    last.extend([Call::Create(probe.clone()), Call::Remove(probe)]);
    last.push(Call::Rename(readme.clone(), backup.clone()));
    last.extend(write(&readme, vec![b"# A model".to_vec()]));
    last.extend([Call::Remove(backup), Call::Remove(swap)]);
    plan(folder, made(folder), pieces(rng, files, 3), file, last)
}

/// `kubectl cp`, which unpacks a tar: dates come last.
fn tar(rng: &mut StdRng, folder: &Path, _: &Path, files: &Files) -> Copy {
    let pieces = pieces(rng, files, 5);
    let dates = pieces.iter().map(|(name, _)| Call::Date(folder.join(name)));
    let last = dates.chain([Call::Date(folder.to_owned())]).collect();
    plan(folder, made(folder), pieces, |name, pieces| write(&folder.join(name), pieces), last)
}

/// `mv`, on the same volume.
fn mv(rng: &mut StdRng, folder: &Path, aside: &Path, files: &Files) -> Copy {
    let last = vec![Call::Rename(aside.to_owned(), folder.to_owned())];
    plan(folder, made(aside), pieces(rng, files, 3), |name, pieces| write(&aside.join(name), pieces), last)
}
