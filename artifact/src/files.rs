//! Files from folders that others may write: each is opened once, proven to be a plain file of bounded size,
//! and read once. What happens to the bytes is not decided here.

use std::{
    fmt,
    io::Read as _,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{FileType, Mode, OFlags, ResolveFlags, Stat},
    io::Errno,
};
use serde::{Deserialize, Serialize};

/// The files of a version's folder, by name. Anything else in it is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FileName {
    /// What the model is.
    #[serde(rename = "manifest.json")]
    Manifest,
    /// Its parameters.
    #[serde(rename = "model.safetensors")]
    Tensors,
    /// Rows with the answers that the training library gave.
    #[serde(rename = "golden.jsonl")]
    Golden,
}

impl FileName {
    /// The files that a manifest lists.
    pub const LISTED: [Self; 2] = [Self::Tensors, Self::Golden];

    /// Files that may lie beside the others and need no entry.
    pub const UNLISTED: [&str; 2] = ["model.sig", "README.md"];

    /// The name itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest.json",
            Self::Tensors => "model.safetensors",
            Self::Golden => "golden.jsonl",
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a file was not read, one variant per rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is none of that name.
    #[error("`{name}` is missing")]
    Missing {
        /// The file.
        name: String,
    },
    /// It could lead out of the folder, to a secret for one.
    #[error("`{name}` is a symbolic link; only plain files are read")]
    Symlink {
        /// The file.
        name: String,
    },
    /// Another volume was mounted there, or the name is a path that leads out of the folder.
    #[error("`{name}` lies on another volume; only what lies in the folder itself is read")]
    Outside {
        /// The file.
        name: String,
    },
    /// Opening a FIFO or device could block for ever, or never end.
    #[error("`{name}` is a {kind}; only plain files are read")]
    NotPlain {
        /// The file.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// Someone who holds the other link could change the bytes after they were judged.
    #[error("`{name}` has {links} hard links; only files with one are read")]
    HardLink {
        /// The file.
        name: String,
        /// How many there are.
        links: u64,
    },
    /// Reading it would exhaust memory.
    #[error("`{name}` has {size} bytes, the limit is {max}")]
    TooLarge {
        /// The file.
        name: String,
        /// Its length.
        size: u64,
        /// The limit.
        max: u64,
    },
    /// Its length was not what it had been when it was opened: someone is writing it.
    #[error("`{name}` changed while it was read")]
    Changed {
        /// The file.
        name: String,
    },
    /// Another file was given its name between opening it and looking at it.
    #[error("`{name}` was replaced while it was opened")]
    Replaced {
        /// The file.
        name: String,
    },
    /// The owner or the mode forbids it.
    #[error("`{name}` is not readable by uid {uid}; chmod -R a+rX the folder")]
    Forbidden {
        /// The file.
        name: String,
        /// Who tried.
        uid: u32,
    },
    /// Anything else the system said.
    #[error("`{name}` cannot be read: {error}")]
    System {
        /// The file.
        name: String,
        /// The system's words.
        error: Errno,
    },
}

/// Opens the folder at `path`. The path is the caller's own, so that it may lead through symbolic links.
///
/// # Errors
/// [`ReadError`], for what is no folder or may not be entered.
pub fn open_root(path: &Path) -> Result<OwnedFd, ReadError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    opened.map_err(|error| system(&path.display().to_string(), error))
}

/// Opens a folder that lies directly in `parent` (or, with a path, below it), never through a symbolic link.
///
/// # Errors
/// [`ReadError`], for what is no folder or may not be entered.
pub fn open_folder(parent: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, ReadError> {
    open(parent, name, OFlags::DIRECTORY)
}

/// Reads the plain file `name` in `folder`, at most `max` bytes of it, in one go.
///
/// # Errors
/// [`ReadError`], by the first rule that is broken.
pub fn read(folder: BorrowedFd<'_>, name: &str, max: u64) -> Result<Vec<u8>, ReadError> {
    // O_NONBLOCK: a FIFO without a writer must not hold us before we can see that it is one.
    let file = open(folder, name, OFlags::NONBLOCK)?;
    let stat = rustix::fs::fstat(&file).map_err(|error| system(name, error))?;
    let size = size_of_plain(name, &stat, max)?;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    std::fs::File::from(file)
        .take(size + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| system(name, Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
    if bytes.len() as u64 != size {
        return Err(ReadError::Changed { name: name.to_owned() });
    }
    Ok(bytes)
}

/// The size of a file that may be read.
fn size_of_plain(name: &str, stat: &Stat, max: u64) -> Result<u64, ReadError> {
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind != FileType::RegularFile {
        return Err(ReadError::NotPlain { name: name.to_owned(), kind: kind_name(kind) });
    }
    #[expect(clippy::useless_conversion, reason = "the width of st_nlink differs by platform")]
    match stat.st_nlink.into() {
        0_u64 => return Err(ReadError::Replaced { name: name.to_owned() }),
        1 => {}
        links => return Err(ReadError::HardLink { name: name.to_owned(), links }),
    }
    let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
    if size > max {
        return Err(ReadError::TooLarge { name: name.to_owned(), size, max });
    }
    Ok(size)
}

fn open(folder: BorrowedFd<'_>, name: &str, extra: OFlags) -> Result<OwnedFd, ReadError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | extra;
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    let opened = match rustix::fs::openat2(folder, name, flags, Mode::empty(), beneath) {
        // Kernels before 5.6, and filters that do not know the call.
        Err(Errno::NOSYS | Errno::PERM) => open_by_parts(folder, name, flags),
        opened => opened,
    };
    opened.map_err(|error| system(name, error))
}

/// The same without openat2, but that what is mounted below is not told apart: one part of the path after the other, none
/// of them a link or a way up.
fn open_by_parts(folder: BorrowedFd<'_>, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let open = |folder: BorrowedFd<'_>, name: &str, flags| match name {
        "" | "." | ".." => Err(Errno::XDEV),
        name => rustix::fs::openat(folder, name, flags, Mode::empty()),
    };
    match path.split_once('/') {
        Some((first, rest)) => {
            let way = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::DIRECTORY;
            open_by_parts(open(folder, first, way)?.as_fd(), rest, flags)
        }
        None => open(folder, path, flags),
    }
}

fn system(name: &str, error: Errno) -> ReadError {
    let name = name.to_owned();
    match error {
        Errno::NOENT => ReadError::Missing { name },
        Errno::LOOP => ReadError::Symlink { name },
        Errno::XDEV => ReadError::Outside { name },
        Errno::NOTDIR => ReadError::NotPlain { name, kind: "file where a folder belongs" },
        // Opening a socket.
        Errno::NXIO => ReadError::NotPlain { name, kind: "socket" },
        Errno::ACCESS | Errno::PERM => {
            ReadError::Forbidden { name, uid: rustix::process::geteuid().as_raw() }
        }
        error => ReadError::System { name, error },
    }
}

fn kind_name(kind: FileType) -> &'static str {
    match kind {
        FileType::Directory => "folder",
        FileType::Fifo => "FIFO",
        FileType::Socket => "socket",
        FileType::CharacterDevice | FileType::BlockDevice => "device",
        FileType::Symlink => "symbolic link",
        FileType::RegularFile | FileType::Unknown => "file of unknown kind",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, std::fs::File) {
        let dir = tempfile::tempdir().unwrap();
        let file = fs_err::File::open(dir.path()).unwrap().into_file();
        (dir, file)
    }

    #[test]
    fn a_file_that_was_replaced_since_it_was_opened_is_told_apart_from_a_hard_link() {
        let stat = rustix::fs::fstat(tempfile::tempfile().unwrap()).unwrap();
        let replaced = Err(ReadError::Replaced { name: "catalog.json".to_owned() });
        assert_eq!(size_of_plain("catalog.json", &stat, 9), replaced);
    }

    #[test]
    fn a_plain_file_is_read_whole_up_to_its_limit() {
        let (dir, fd) = folder();
        fs_err::write(dir.path().join("a"), b"12345").unwrap();
        assert_eq!(read(fd.as_fd(), "a", 5).unwrap(), b"12345");
        let too_large = ReadError::TooLarge { name: "a".into(), size: 5, max: 4 };
        assert_eq!(read(fd.as_fd(), "a", 4), Err(too_large));
        assert_eq!(read(fd.as_fd(), "b", 4), Err(ReadError::Missing { name: "b".into() }));
    }

    #[test]
    fn nothing_but_plain_files_with_one_name_is_read() {
        let (dir, fd) = folder();
        let path = |name: &str| dir.path().join(name);
        fs_err::write(path("a"), b"1").unwrap();
        std::os::unix::fs::symlink(path("a"), path("link")).unwrap();
        fs_err::hard_link(path("a"), path("hard")).unwrap();
        fs_err::create_dir(path("folder")).unwrap();
        rustix::fs::mkfifoat(fd.as_fd(), "fifo", Mode::RUSR).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();

        let say = |name| read(fd.as_fd(), name, 9).unwrap_err().to_string();
        assert_eq!(say("link"), "`link` is a symbolic link; only plain files are read");
        assert_eq!(say("hard"), "`hard` has 2 hard links; only files with one are read");
        assert_eq!(say("folder"), "`folder` is a folder; only plain files are read");
        assert_eq!(say("fifo"), "`fifo` is a FIFO; only plain files are read");
        assert_eq!(say("socket"), "`socket` is a socket; only plain files are read");
    }

    #[test]
    fn a_file_that_has_more_bytes_than_it_had_when_it_was_opened_is_not_believed() {
        // The system says 0 bytes of this file, and gives some.
        let process = open_root(Path::new("/proc/self")).unwrap();
        let changed = ReadError::Changed { name: "status".into() };
        assert_eq!(read(process.as_fd(), "status", 9), Err(changed));
    }

    #[test]
    fn what_is_no_folder_is_not_entered_and_no_link_is_followed_on_the_way() {
        let (dir, fd) = folder();
        let path = |name: &str| dir.path().join(name);
        fs_err::create_dir_all(path("outer/inner")).unwrap();
        fs_err::write(path("file"), b"1").unwrap();
        std::os::unix::fs::symlink("outer", path("link")).unwrap();

        let inner = open_folder(fd.as_fd(), "outer/inner").unwrap();
        assert_eq!(read(inner.as_fd(), "file", 9), Err(ReadError::Missing { name: "file".into() }));
        let open = |name| open_folder(fd.as_fd(), name).map(drop);
        assert_eq!(open("link/inner"), Err(ReadError::Symlink { name: "link/inner".into() }));
        let kind = "file where a folder belongs";
        for name in ["file", "link"] {
            assert_eq!(open(name), Err(ReadError::NotPlain { name: name.into(), kind }));
        }
    }

    #[test]
    fn no_child_process_gets_what_is_open() {
        let (dir, fd) = folder();
        fs_err::create_dir(dir.path().join("inner")).unwrap();
        for open in [open_root(dir.path()), open_folder(fd.as_fd(), "inner")] {
            let flags = rustix::io::fcntl_getfd(open.unwrap()).unwrap();
            assert_eq!(flags, rustix::io::FdFlags::CLOEXEC);
        }
    }

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let (dir, _) = folder();
        fs_err::write(dir.path().join("secret"), b"1").unwrap();
        fs_err::create_dir(dir.path().join("inner")).unwrap();
        let inner = fs_err::File::open(dir.path().join("inner")).unwrap();
        for path in ["../secret", "..", dir.path().join("secret").to_str().unwrap()] {
            let outside = Err(ReadError::Outside { name: path.to_owned() });
            assert_eq!(read(inner.as_fd(), path, 9), outside);
        }
    }

    #[test]
    fn what_is_mounted_below_is_another_volume() {
        let root = open_root(Path::new("/")).unwrap();
        assert_eq!(
            open_folder(root.as_fd(), "proc").unwrap_err().to_string(),
            "`proc` lies on another volume; only what lies in the folder itself is read"
        );
    }

    #[test]
    fn a_device_is_not_read() {
        let devices = open_root(Path::new("/dev")).unwrap();
        for name in ["zero", "null"] {
            let said = read(devices.as_fd(), name, 9).unwrap_err().to_string();
            assert_eq!(said, format!("`{name}` is a device; only plain files are read"));
        }
    }

    #[test]
    fn without_openat2_no_link_and_no_way_up_is_followed_either() {
        let (dir, fd) = folder();
        let path = |name: &str| dir.path().join(name);
        fs_err::create_dir_all(path("outer/inner")).unwrap();
        fs_err::write(path("outer/inner/file"), b"1").unwrap();
        std::os::unix::fs::symlink("outer", path("link")).unwrap();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let open = |path: &str| open_by_parts(fd.as_fd(), path, flags).map(drop);
        assert_eq!(open("outer/inner/file"), Ok(()));
        for out in ["outer/../outer", "..", ".", "", "/", "outer//inner", "/etc/passwd"] {
            assert_eq!(open(out), Err(Errno::XDEV), "{out}");
        }
        assert_eq!(open("outer/nothing"), Err(Errno::NOENT));
        assert_eq!(open("link"), Err(Errno::LOOP));
        assert_eq!(open("link/inner"), Err(Errno::NOTDIR));
    }
}
