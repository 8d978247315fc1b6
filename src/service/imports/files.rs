//! Files that wait in the data directory: only this user may read them, and none stays longer than a day.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::Services;
use crate::{Error, Result};

/// A new and empty file for what is handed in.
pub(in crate::service) async fn new(s: &Services) -> Result<PathBuf> {
    let directory =
        s.uploads.clone().ok_or_else(|| Error::unavailable("no directory for uploads".to_owned()))?;
    let path = directory.join(format!("{:032x}", rand::random::<u128>()));
    let made = path.clone();
    tokio::task::spawn_blocking(move || {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&made).map(drop)
    })
    .await
    .map_err(Error::internal)?
    .map_err(|error| Error::unavailable(format!("cannot keep what was sent: {error}")))?;
    Ok(path)
}

/// The path of one that waits, by its name.
pub(super) fn path(s: &Services, name: &str) -> Result<PathBuf> {
    let directory = s.uploads.as_ref().ok_or_else(gone)?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_name { Ok(directory.join(name)) } else { Err(gone()) }
}

pub(super) fn gone() -> Error {
    Error::fault("", "file_gone", "the file is no longer here: send it again")
}

pub(super) fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Removes one; that it is gone already is as well.
pub(in crate::service) async fn remove(path: &Path) {
    if let Err(error) = tokio::fs::remove_file(path).await
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!(%error, "a file that was handed in stays in the data directory");
    }
}
