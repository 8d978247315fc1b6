//! Files that wait in the data directory: only this user may read them, and none stays that no import waits for.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::super::Services;
use crate::clock::Timestamp;
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

/// Its bytes.
pub(super) async fn size(path: &Path) -> Result<u64> {
    Ok(tokio::fs::metadata(path).await.map_err(|_| gone())?.len())
}

pub(super) fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Removes what has lain there since before `before` and is not `wanted`, by name: what a process that was killed left, and
/// copies of what another node ended or took away.
pub(super) async fn sweep(s: &Services, before: Timestamp, wanted: HashSet<String>) -> Result<()> {
    let Some(directory) = s.uploads.clone() else { return Ok(()) };
    let before = UNIX_EPOCH + Duration::from_millis(before.0.unsigned_abs());
    tokio::task::spawn_blocking(move || {
        let entries = match std::fs::read_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let is_left = entry.metadata()?.modified()? < before;
            if is_left && !wanted.contains(entry.file_name().to_string_lossy().as_ref()) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    })
    .await
    .map_err(Error::internal)?
    .map_err(|error: std::io::Error| Error::unavailable(format!("cannot look after what was sent: {error}")))
}

/// Removes one; that it is gone already is as well.
pub(in crate::service) async fn remove(path: &Path) {
    if let Err(error) = tokio::fs::remove_file(path).await
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!(%error, "a file that was handed in stays in the data directory");
    }
}
