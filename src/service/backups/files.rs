//! Files that are whole or not there.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::service::vault::token;
use crate::{Error, Result};

pub(super) fn failed(file: &Path, error: &io::Error) -> Error {
    Error::conflict("file_failed", format!("{}: {error}", file.display()))
}

/// An empty file of its owner's alone, in the folder of the one it is to become; gone again where it does not.
#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    /// Locked for as long as somebody is at it, so that one that a dead process left is known from one that is being written.
    _lock: File,
}

/// Random characters of a draft's name.
const MARK: usize = 12;
/// What SQLite puts beside a file.
const BESIDE: [&str; 4] = ["", "-wal", "-shm", "-journal"];

impl Draft {
    pub(super) fn beside(file: &Path) -> Result<Self> {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let prefix = format!(".{name}.");
        remove_left(folder(file), &prefix);
        let path = folder(file).join(format!("{prefix}{}", token(9)));
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let lock = made.and_then(|made| made.lock().map(|()| made)).map_err(|error| failed(&path, &error))?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// As SQLite is told it.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Puts it in its place, in that of another if there is one, for good.
    pub(super) fn become_file(self, file: &Path) -> Result<()> {
        File::open(&self.path)
            .and_then(|draft| draft.sync_all())
            .map_err(|error| failed(&self.path, &error))?;
        fs::rename(&self.path, file).map_err(|error| failed(file, &error))?;
        sync_folder(file)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for suffix in BESIDE {
            // Gone already where it became what it was made for.
            fs::remove_file(with_suffix(&self.path, suffix)).unwrap_or_default();
        }
    }
}

/// Removes drafts of the same file that processes left behind which are gone: each is a whole copy of what is in the store.
fn remove_left(folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(io::Result::ok) {
        let name = entry.file_name();
        let mark = name.to_str().and_then(|name| name.strip_prefix(prefix));
        if mark.is_none_or(|mark| mark.len() != MARK) {
            continue;
        }
        let is_left = File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        for suffix in BESIDE.into_iter().filter(|_| is_left) {
            fs::remove_file(with_suffix(&entry.path(), suffix)).unwrap_or_default();
        }
    }
}

pub(super) fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(super) fn sync_folder(file: &Path) -> Result<()> {
    File::open(folder(file))
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failed(folder(file), &error))
}

/// Copies a secret key, for its owner alone.
pub(super) fn copy_key(from: &Path, to: &Path) -> Result<PathBuf> {
    draft_of_key(from, to)?.become_file(to)?;
    Ok(to.to_owned())
}

/// A copy of a secret key that is to become another file.
pub(super) fn draft_of_key(from: &Path, to: &Path) -> Result<Draft> {
    let draft = Draft::beside(to)?;
    let key = fs::read(from).map_err(|error| failed(from, &error))?;
    fs::write(draft.path(), key).map_err(|error| failed(to, &error))?;
    Ok(draft)
}

/// A new folder for what is put aside, its owner's alone.
pub(super) fn make_aside(folder: &Path) -> Result<()> {
    fs::DirBuilder::new().mode(0o700).create(folder).map_err(|error| failed(folder, &error))
}

/// Moves a file into a folder; false where it is not there.
pub(super) fn put_aside(file: &Path, aside: &Path) -> Result<bool> {
    let Some(name) = file.file_name() else { return Ok(false) };
    match fs::rename(file, aside.join(name)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(file, &error)),
    }
}

/// The file with something behind its name.
pub(super) fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
