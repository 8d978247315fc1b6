//! Files that were handed in to be imported, where every node finds them: each in pieces, numbered from 0.

use super::{Db, Tx, in_db, in_tx};
use crate::Result;
use crate::domain::id::ImportId;

/// Keeps a piece of a file. False where there is no such import any more, and nothing was kept.
pub async fn insert(tx: &mut Tx, import: ImportId, file: &str, number: i64, bytes: &[u8]) -> Result<bool> {
    let text = "INSERT INTO import_piece (import_id, file, number, bytes)
        SELECT id, $2, $3, $4 FROM import WHERE id = $1";
    let kept = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(import.0)
            .bind(file)
            .bind(number)
            .bind(bytes)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(kept > 0)
}

/// One piece of a file; nothing after its last one.
pub async fn find(db: &Db, import: ImportId, file: &str, number: i64) -> Result<Option<Vec<u8>>> {
    let text = "SELECT bytes FROM import_piece WHERE import_id = $1 AND file = $2 AND number = $3";
    Ok(in_db!(db, |c| {
        sqlx::query_scalar(text).bind(import.0).bind(file).bind(number).fetch_optional(c).await
    })?)
}

/// Removes one file of an import. All of them go with the import's own row.
pub async fn delete(tx: &mut Tx, import: ImportId, file: &str) -> Result<()> {
    let text = "DELETE FROM import_piece WHERE import_id = $1 AND file = $2";
    in_tx!(tx, |c| sqlx::query(text).bind(import.0).bind(file).execute(c).await.map(drop))?;
    Ok(())
}

/// Removes what is left of imports whose file is forgotten: a piece that came while another process ended one.
pub async fn prune(tx: &mut Tx) -> Result<u64> {
    let text = "DELETE FROM import_piece WHERE import_id IN (SELECT id FROM import WHERE forgotten)";
    Ok(in_tx!(tx, |c| sqlx::query(text).execute(c).await.map(|done| done.rows_affected()))?)
}

/// Removes all files of an import whose row stays.
pub async fn delete_all(tx: &mut Tx, import: ImportId) -> Result<()> {
    let text = "DELETE FROM import_piece WHERE import_id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(import.0).execute(c).await.map(drop))?;
    Ok(())
}
