//! Secrets come from files and from nowhere else. An error names the file, never its content.

use std::{
    io::Read as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use secrecy::SecretString;

/// No secret is longer.
const MAX_BYTES: u64 = 1 << 20;

/// Why a secret file is not used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The system's words, with the path.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// Whoever can write the file can choose the secret.
    #[error("{} may be written by others (mode {mode:o}); chmod go-w it", path.display())]
    Writable {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A folder, say, which Docker makes where the file to mount is missing.
    #[error("{} is not a plain file", .0.display())]
    NotPlain(PathBuf),
    /// Nothing but white space.
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
    /// Not what was meant to be mounted.
    #[error("{} is longer than {MAX_BYTES} bytes", .0.display())]
    TooLong(PathBuf),
}

/// Reads a secret, without the white space around it. Symbolic links are followed: orchestrators mount secrets
/// through them. A file that others may read is used with a warning, since Compose shows the host's mode.
///
/// # Errors
/// [`SecretError`].
pub fn read(path: &Path) -> Result<SecretString, SecretError> {
    let (secret, mode) = look(path)?;
    if mode & 0o004 != 0 {
        tracing::warn!(path = %path.display(), mode = format!("{mode:o}"), "others may read this secret file");
    }
    Ok(secret)
}

/// As [`read`], for a file that is looked at again and again: the warning was given the first time.
///
/// # Errors
/// [`SecretError`].
pub fn read_again(path: &Path) -> Result<SecretString, SecretError> {
    look(path).map(|(secret, _)| secret)
}

fn look(path: &Path) -> Result<(SecretString, u32), SecretError> {
    let file = fs_err::File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(SecretError::NotPlain(path.to_owned()));
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(SecretError::Writable { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(SecretError::TooLong(path.to_owned()));
    }
    match text.trim() {
        "" => Err(SecretError::Empty(path.to_owned())),
        secret => Ok((SecretString::from(secret), mode)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    use super::*;

    fn secret(content: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs_err::write(&path, content).unwrap();
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn a_secret_is_read_without_the_white_space_around_it() {
        let (_dir, path) = secret("s3cret\r\n", 0o444);
        assert_eq!(read(&path).unwrap().expose_secret(), "s3cret");
    }

    #[test]
    fn a_secret_that_others_may_write_is_refused() {
        for mode in [0o620, 0o602] {
            let (_dir, path) = secret("s3cret", mode);
            let error = read(&path).unwrap_err().to_string();
            assert!(
                error.ends_with(&format!("key may be written by others (mode {mode:o}); chmod go-w it")),
                "{error}"
            );
        }
    }

    #[test]
    fn an_empty_a_missing_and_a_folder_secret_are_refused_by_path() {
        let (dir, path) = secret(" \n", 0o400);
        assert!(read(&path).unwrap_err().to_string().ends_with("key is empty"));
        assert!(read(&dir.path().join("none")).unwrap_err().to_string().contains("none"));
        assert!(read(dir.path()).unwrap_err().to_string().ends_with("is not a plain file"));
    }
}
