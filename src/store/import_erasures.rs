//! Whom imports that wait must not bring back: people who were erased since their file was handed in. Each stands beside the
//! pieces of the file, under a name that no file has, and goes with them.

use super::{Db, Tx, in_db, in_tx, row, sql};
use crate::domain::id::{ImportId, RecipientId};
use crate::{Error, Result};

/// Of one import.
const SELECT: &str =
    "SELECT bytes FROM import_piece WHERE import_id = $1 AND file LIKE 'erased %' ORDER BY file";

row! {
    struct Waiting {
        id: ImportId,
    }
}

/// Has every import whose file is kept pass over the campus id of somebody who is erased in this transaction. Returns how many
/// there are. A batch of theirs that is being kept is waited for; the next one finds the campus id there. To be called before
/// anything else of the transaction locks people: batches lock them after their import.
pub async fn mark(tx: &mut Tx, person: RecipientId, campus_id: &str) -> Result<u64> {
    let lock = tx.dialect().lock();
    let text = format!("SELECT id FROM import WHERE NOT forgotten ORDER BY id{lock}");
    let waiting: Vec<Waiting> = in_tx!(tx, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?;
    let text = "INSERT INTO import_piece (import_id, file, number, bytes)
        SELECT id, $2, 0, $3 FROM import WHERE id = $1 AND NOT forgotten ON CONFLICT DO NOTHING";
    let name = format!("erased {}", person.0);
    let mut marked = 0;
    for Waiting { id } in waiting {
        marked += in_tx!(tx, |c| {
            sqlx::query(text)
                .bind(id.0)
                .bind(&name)
                .bind(campus_id.as_bytes())
                .execute(c)
                .await
                .map(|done| done.rows_affected())
        })?;
    }
    Ok(marked)
}

/// The campus ids that an import passes over.
pub async fn marked(db: &Db, import: ImportId) -> Result<Vec<String>> {
    let found: Vec<Vec<u8>> = in_db!(db, |c| sqlx::query_scalar(SELECT).bind(import.0).fetch_all(c).await)?;
    found.into_iter().map(|id| String::from_utf8(id).map_err(Error::internal)).collect()
}

/// As [`marked`], for a batch that is kept in this transaction, which holds the import's row.
pub async fn marked_now(tx: &mut Tx, import: ImportId) -> Result<Vec<String>> {
    let found: Vec<Vec<u8>> = in_tx!(tx, |c| sqlx::query_scalar(SELECT).bind(import.0).fetch_all(c).await)?;
    found.into_iter().map(|id| String::from_utf8(id).map_err(Error::internal)).collect()
}
