//! What people answered to texts.

use super::{Db, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{ProviderId, RecipientId};

row! {
    pub struct ReplyRow {
        pub id: i64,
        /// The provider's name.
        pub provider: String,
        pub received_at: Timestamp,
        pub number: String,
        pub text: String,
        /// Whose number it is, where it is one person's.
        pub recipient_id: Option<RecipientId>,
        pub campus_id: Option<String>,
        pub name: Option<String>,
    }
}

pub async fn insert(
    tx: &mut Tx,
    provider: ProviderId,
    at: Timestamp,
    number: &str,
    text: &str,
) -> Result<()> {
    let query = "INSERT INTO reply (provider_id, received_at, number, text) VALUES ($1, $2, $3, $4)";
    in_tx!(tx, |c| {
        sqlx::query(query).bind(provider.0).bind(at.0).bind(number).bind(text).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// The latest first, older than the one with the id `before`.
pub async fn list(db: &Db, before: Option<i64>, limit: u32) -> Result<Vec<ReplyRow>> {
    let text = "SELECT r.id, p.name AS provider, r.received_at, r.number, r.text, o.id AS recipient_id, o.campus_id, o.name
         FROM reply r JOIN provider p ON p.id = r.provider_id
         LEFT JOIN recipient o ON o.mobile = r.number
            AND NOT EXISTS (SELECT 1 FROM recipient other WHERE other.mobile = r.number AND other.id <> o.id)
         WHERE r.id < $1 ORDER BY r.id DESC LIMIT $2 + 0";
    Ok(in_db!(db, |c| {
        sqlx::query_as(text).bind(before.unwrap_or(i64::MAX)).bind(i64::from(limit)).fetch_all(c).await
    })?)
}

/// Forgets what came before a moment; returns how many.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM reply WHERE received_at < $1";
    Ok(in_tx!(tx, |c| {
        sqlx::query(text).bind(before.0).execute(c).await.map(|done| done.rows_affected())
    })?)
}

/// Forgets what came from numbers that are to be forgotten.
pub async fn forget(tx: &mut Tx, numbers: &[&str]) -> Result<()> {
    let text = format!("DELETE FROM reply WHERE number IN {}", tx.dialect().text_list("$1"));
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(to_json(numbers)?).execute(c).await.map(drop))?;
    Ok(())
}
