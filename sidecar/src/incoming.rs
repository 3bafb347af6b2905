//! What lies in the folder of models: names and stats. Only folders are opened here, and `policy.toml`; no
//! symbolic link is followed. What the entries mean for a version is not decided here.

use std::{
    collections::BTreeMap,
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    path::Path,
};

use artifact::{
    Name, Version,
    files::{self, ReadError},
};
use rustix::{
    fs::{AtFlags, Dir, FileType},
    io::Errno,
};

/// No policy is longer.
const POLICY_BYTES: u64 = 64 << 10;
/// The most entries of a version's folder that are looked at; five belong there.
const VERSION_ENTRIES: usize = 100;
/// The most entries of any other folder.
const FOLDER_ENTRIES: usize = 10_000;

/// Opens the folder of one model.
pub(crate) fn open_model(root: &Path, model: &Name) -> Result<OwnedFd, ReadError> {
    files::open_folder(files::open_root(root)?.as_fd(), model.as_str())
}

/// The folder of models.
pub(crate) struct Root {
    fd: OwnedFd,
    pub(crate) models: Vec<Name>,
    /// What else lies there, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// One model's folder.
pub(crate) struct ModelFolder {
    pub(crate) versions: BTreeMap<Version, Look>,
    /// The bytes of policy.toml, if there is one.
    pub(crate) policy: Result<Option<Vec<u8>>, ReadError>,
    /// What else lies there, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// One look at a version's folder. Two equal looks saw the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Look {
    /// There is no such folder.
    Absent,
    /// There is something of that name whose entries cannot be seen.
    Unreadable(ListError),
    /// Its entries.
    Folder(Listing),
}

/// The entries of a version's folder, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing(pub(crate) BTreeMap<String, Entry>);

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: FileType,
    pub(crate) size: u64,
    mode: u32,
    inode: u64,
    modified: (i64, u64),
    changed: (i64, u64),
}

/// Why a folder's entries are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ListError {
    /// It cannot be opened or read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It could lead out of the folder of models.
    #[error("`{name}` is a symbolic link; copy the folder itself")]
    Symlink { name: String },
    /// A folder without end would hold up every other model.
    #[error("`{name}` has more than {max} entries")]
    Crowded { name: String, max: usize },
}

/// Why nothing can be said about any model; none is withdrawn for it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RootError {
    /// Not mounted, or removed.
    #[error("the folder of models cannot be read: {0}")]
    Open(#[from] io::Error),
    /// Not ours to read, or the system's words.
    #[error("the folder of models cannot be listed: {0}")]
    List(#[from] ListError),
}

impl Root {
    /// Opens and lists the folder. Plain files in it are ignored.
    pub(crate) fn open(path: &Path) -> Result<Self, RootError> {
        let name = path.display().to_string();
        let fd = match fs_err::File::open(path) {
            Ok(folder) => OwnedFd::from(folder.into_file()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let uid = rustix::process::geteuid().as_raw();
                return Err(ListError::from(ReadError::Forbidden { name, uid }).into());
            }
            Err(error) => return Err(error.into()),
        };
        let mut root = Self { fd, models: Vec::new(), notes: Vec::new() };
        for (name, entry) in entries(root.fd.as_fd(), &name, FOLDER_ENTRIES)? {
            match entry.kind {
                _ if name.starts_with('.') => {}
                FileType::Directory => match name.parse::<Name>() {
                    Ok(model) => root.models.push(model),
                    Err(rule) => root.notes.push(format!("`{name}` is no model: {rule}")),
                },
                FileType::Symlink => {
                    root.notes.push(format!("`{name}` is a symbolic link; only folders are models"))
                }
                _ => {}
            }
        }
        Ok(root)
    }

    /// Opens and lists one model's folder, and each of its versions'.
    pub(crate) fn model(&self, model: &Name) -> Result<ModelFolder, ListError> {
        let fd = files::open_folder(self.fd.as_fd(), model.as_str())?;
        let policy = match files::read(fd.as_fd(), "policy.toml", POLICY_BYTES) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(ReadError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        };
        let mut versions = BTreeMap::new();
        let mut notes = Vec::new();
        for (name, entry) in entries(fd.as_fd(), model.as_str(), FOLDER_ENTRIES)? {
            if name.starts_with('.') || name == "policy.toml" {
                continue;
            }
            let folder = matches!(entry.kind, FileType::Directory | FileType::Symlink);
            match name.parse::<Version>() {
                Ok(version) if folder => {
                    let look = match entry.kind {
                        FileType::Symlink => Look::Unreadable(ListError::Symlink { name }),
                        _ => Look::at(fd.as_fd(), &name),
                    };
                    versions.insert(version, look);
                }
                Ok(_) => notes.push(format!("`{name}` is no folder, so it is no version")),
                Err(rule) if folder => notes.push(format!("`{name}` is no version: {rule}")),
                Err(_) => notes.push(format!("`{name}` is neither a version nor policy.toml")),
            }
        }
        Ok(ModelFolder { versions, policy, notes })
    }
}

impl Look {
    /// The bytes of everything in it, as far as it can be seen.
    pub(crate) fn bytes(&self) -> u64 {
        let Self::Folder(listing) = self else { return 0 };
        listing.0.values().map(|entry| entry.size).fold(0, u64::saturating_add)
    }

    /// Looks at the folder `name` in `parent`.
    pub(crate) fn at(parent: BorrowedFd<'_>, name: &str) -> Self {
        let listed = files::open_folder(parent, name)
            .map_err(ListError::from)
            .and_then(|fd| entries(fd.as_fd(), name, VERSION_ENTRIES));
        match listed {
            Ok(entries) => Self::Folder(Listing(entries.into_iter().collect())),
            Err(ListError::Read(ReadError::Missing { .. })) => Self::Absent,
            Err(error) => Self::Unreadable(error),
        }
    }
}

/// The entries of `folder`, sorted by name. One that goes away meanwhile is left out.
fn entries(folder: BorrowedFd<'_>, name: &str, max: usize) -> Result<Vec<(String, Entry)>, ListError> {
    let system = |error: Errno| match error {
        Errno::ACCESS | Errno::PERM => {
            ReadError::Forbidden { name: name.to_owned(), uid: rustix::process::geteuid().as_raw() }
        }
        error => ReadError::System { name: name.to_owned(), error },
    };
    let mut found = Vec::new();
    let mut dir = Dir::read_from(folder).map_err(system)?;
    while let Some(entry) = dir.read() {
        let entry = entry.map_err(system)?;
        let file = entry.file_name();
        if matches!(file.to_bytes(), b"." | b"..") {
            continue;
        }
        if found.len() == max {
            return Err(ListError::Crowded { name: name.to_owned(), max });
        }
        match rustix::fs::statat(folder, file, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => found.push((file.to_string_lossy().into_owned(), Entry::from(stat))),
            Err(Errno::NOENT) => {}
            Err(error) => return Err(system(error).into()),
        }
    }
    found.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}

impl From<rustix::fs::Stat> for Entry {
    fn from(stat: rustix::fs::Stat) -> Self {
        Self {
            kind: FileType::from_raw_mode(stat.st_mode),
            size: u64::try_from(stat.st_size).unwrap_or(u64::MAX),
            mode: stat.st_mode,
            inode: stat.st_ino,
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}
