//! Files of imports where every node finds them: in the store, in pieces (adr 71). Whichever node goes on with an import writes
//! them into a file of its own, which is read as if it had been handed in there. Where one process serves from the store, its
//! folder is enough and the store holds no file.

use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::Services;
use super::{busy, files};
use crate::domain::id::ImportId;
use crate::store::import_pieces as store;
use crate::{Error, Result};

/// Bytes kept in one transaction, and held at a time.
const PIECE: u64 = 256 * 1024;

/// Has every node find the whole file at `path`, which is not to change any more.
///
/// # Errors
///
/// [`Error::Conflict`] where the import is gone.
pub(super) async fn keep(s: &Services, import: ImportId, path: &Path) -> Result<()> {
    if s.db.has_one_process() {
        return Ok(());
    }
    let name = files::name(path);
    let mut file = File::open(path).await.map_err(Error::internal)?;
    let mut piece = Vec::new();
    let mut number = 0;
    loop {
        piece.clear();
        (&mut file).take(PIECE).read_to_end(&mut piece).await.map_err(Error::internal)?;
        if piece.is_empty() {
            return Ok(());
        }
        let mut tx = s.db.begin().await?;
        if !store::insert(&mut tx, import, &name, number, &piece).await? {
            return Err(busy());
        }
        tx.commit().await?;
        number += 1;
    }
}

/// Where the file `name` of an import lies here; it is fetched from the store where it does not. `size`: its bytes, `None`
/// where an earlier version took it in, which kept it in its folder alone.
///
/// # Errors
///
/// [`Error::Invalid`] where it is neither here nor whole in the store.
pub(super) async fn here(
    s: &Services,
    import: ImportId,
    name: Option<&str>,
    size: Option<u64>,
) -> Result<PathBuf> {
    let path = files::path(s, name.unwrap_or_default())?;
    let found = files::size(&path).await.ok();
    if found.is_some() && (size.is_none() || found == size) {
        return Ok(path);
    }
    let size = size.ok_or_else(files::gone)?;
    // Under another name until it is whole.
    let part = files::new(s).await?;
    let done = match fetch(s, import, &files::name(&path), &part).await {
        Ok(length) if length == size => tokio::fs::rename(&part, &path).await.map_err(Error::internal),
        Ok(_) => Err(files::gone()),
        Err(error) => Err(error),
    };
    if done.is_err() {
        files::remove(&part).await;
    }
    done.map(|()| path)
}

/// Writes what the store has of a file, up to the first piece that is missing. Returns how many bytes that is.
async fn fetch(s: &Services, import: ImportId, name: &str, into: &Path) -> Result<u64> {
    let mut file = File::create(into).await.map_err(Error::internal)?;
    let (mut length, mut number) = (0, 0);
    while let Some(piece) = store::find(&s.db, import, name, number).await? {
        file.write_all(&piece).await.map_err(Error::internal)?;
        length += piece.len() as u64;
        number += 1;
    }
    file.flush().await.map_err(Error::internal)?;
    Ok(length)
}

/// Removes one file of an import that goes on, here and from the store. Copies at other nodes go within hours.
pub(super) async fn remove(s: &Services, import: ImportId, path: &Path) {
    files::remove(path).await;
    if let Err(error) = take_out(s, import, &files::name(path)).await {
        tracing::warn!(%error, %import, "a file stays in the store until its import ends");
    }
}

async fn take_out(s: &Services, import: ImportId, name: &str) -> Result<()> {
    let mut tx = s.db.begin().await?;
    store::delete(&mut tx, import, name).await?;
    tx.commit().await
}
