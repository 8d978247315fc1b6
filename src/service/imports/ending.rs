//! How imports end: given up, done, or left alone for too long. Their files go with them, with whoever is in those.

use std::collections::HashSet;

use serde_json::Value;

use super::super::{Caller, Services, retention};
use super::kept::Detail;
use super::{ARRIVES, ARRIVING, Stage, WAITS, WAITS_IN_ALL, busy, files, latest, own_row};
use crate::Result;
use crate::domain::id::ImportId;
use crate::store::import_pieces;
use crate::store::imports::{self as store, ImportRow};

/// Gives an import up, and its file, whatever else can be read of it.
pub async fn discard(s: &Services, caller: &Caller, id: ImportId) -> Result<()> {
    let mut row = own_row(s, caller, id).await?;
    // One of a later version's stage is at nothing that is known here.
    if Stage::of(&row.stage).is_ok() {
        let (now, stage) = latest(s, row).await?;
        if stage.is_busy() {
            return Err(busy());
        }
        row = now;
    }
    let mut tx = s.db.begin().await?;
    if !store::delete(&mut tx, &row).await? {
        return Err(busy());
    }
    tx.commit().await?;
    forget(s, &row).await;
    Ok(())
}

/// Undoes that an import began.
pub(super) async fn take_back(s: &Services, id: ImportId) -> Result<()> {
    let Some(row) = store::find(&s.db, id).await? else { return Ok(()) };
    let mut tx = s.db.begin().await?;
    store::delete(&mut tx, &row).await?;
    tx.commit().await
}

/// The names of its files, also where the rest of what is remembered of it cannot be read.
fn names(row: &ImportRow) -> impl Iterator<Item = String> {
    let name = |key: &str| row.detail.0.get(key).and_then(Value::as_str).map(str::to_owned);
    [name("file"), name("workbook")].into_iter().flatten()
}

/// Removes what lies here of its files. What the store had went in the transaction that ended it; what other nodes have is
/// found by [`prune`].
async fn forget(s: &Services, row: &ImportRow) {
    for name in names(row) {
        if let Ok(path) = files::path(s, &name) {
            files::remove(&path).await;
        }
    }
}

/// Removes files that nobody came back for, with all that was in them; what an import did, and what its columns were for,
/// is remembered longer. One that cannot be read goes altogether, and keeps no other from going.
pub async fn prune(s: &Services) -> Result<()> {
    let now = s.clock.now();
    let mut wanted = HashSet::new();
    let mut unread = Vec::new();
    for row in store::waiting(&s.db).await? {
        let detail = Detail::of(&row);
        unread.extend(detail.is_err().then_some(row.id));
        let patience = if row.stage == ARRIVING { ARRIVES } else { WAITS };
        let waits = row.updated_at.plus(patience).min(row.created_at.plus(WAITS_IN_ALL)) > now;
        if waits || s.imports.with(|running| running.contains(&row.id)) {
            wanted.extend(names(&row));
        } else {
            end(s, &row, detail.ok()).await?;
        }
    }
    if let Some(first) = unread.first() {
        tracing::warn!(import = %first, imports = unread.len(), "what is remembered of imports cannot be read");
    }
    let before = s.campus.days_before(now, retention::in_force(s).await?.imports);
    let mut tx = s.db.begin().await?;
    store::prune(&mut tx, before).await?;
    import_pieces::prune(&mut tx).await?;
    tx.commit().await?;
    files::sweep(s, now.minus(ARRIVES), wanted).await
}

/// Ends one that nobody came back for.
async fn end(s: &Services, row: &ImportRow, detail: Option<Detail>) -> Result<()> {
    let mut tx = s.db.begin().await?;
    let is_taken = match detail.filter(|_| row.stage == Stage::Done.name()) {
        Some(detail) => {
            let forgotten = ImportRow { forgotten: true, ..row.clone() };
            // As of when it was: that it is forgotten is no step of whoever handed it in.
            let done = detail.without_people().to_value()?;
            let is_taken = store::update(&mut tx, &forgotten, &row.stage, &done, row.updated_at).await?;
            if is_taken {
                import_pieces::delete_all(&mut tx, row.id).await?;
            }
            is_taken
        }
        None => store::delete(&mut tx, row).await?,
    };
    tx.commit().await?;
    if is_taken {
        forget(s, row).await;
    }
    Ok(())
}
