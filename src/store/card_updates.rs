//! Cards that do not show yet what their recipient answered.

use super::{Db, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{DeliveryId, ProviderId};

/// A card to be changed.
#[derive(Clone, Copy, Debug)]
pub struct NewUpdate<'a> {
    pub delivery: DeliveryId,
    pub provider: ProviderId,
    /// Whose card it is.
    pub member: &'a str,
    /// What allows to change it, once, until then.
    pub response_code: &'a str,
    pub until: Timestamp,
    /// The words of the answer.
    pub shown: &'a str,
}

/// Keeps it to be done at once. It stands in the place of one for an earlier answer.
pub async fn insert(tx: &mut Tx, new: &NewUpdate<'_>, now: Timestamp) -> Result<()> {
    let text =
        "INSERT INTO card_update (delivery_id, provider_id, member, response_code, shown, until, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (delivery_id) DO UPDATE SET provider_id = excluded.provider_id, member = excluded.member,
            response_code = excluded.response_code, shown = excluded.shown, until = excluded.until,
            due_at = excluded.due_at, tries = 0";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(new.delivery.0)
            .bind(new.provider.0)
            .bind(new.member)
            .bind(new.response_code)
            .bind(new.shown)
            .bind(new.until.0)
            .bind(now.0)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

row! {
    /// A card in the hands of this process.
    pub struct UpdateRow {
        pub delivery_id: DeliveryId,
        pub provider_id: ProviderId,
        pub member: String,
        pub response_code: String,
        pub shown: String,
        pub until: Timestamp,
        /// How often it was tried, this time among them.
        pub tries: i64,
    }
}

/// Whether any is due.
pub async fn any_due(db: &Db, now: Timestamp) -> Result<bool> {
    let text = "SELECT delivery_id FROM card_update WHERE due_at <= $1 LIMIT 1";
    let found: Option<i64> = in_db!(db, |c| sqlx::query_scalar(text).bind(now.0).fetch_optional(c).await)?;
    Ok(found.is_some())
}

/// Takes some that are due, the longest due first. Nobody else gets them until `until`.
pub async fn claim(tx: &mut Tx, now: Timestamp, until: Timestamp, limit: i64) -> Result<Vec<UpdateRow>> {
    let text = format!(
        "UPDATE card_update SET due_at = $2, tries = tries + 1 WHERE delivery_id IN
            (SELECT delivery_id FROM card_update WHERE due_at <= $1 ORDER BY due_at, delivery_id LIMIT $3 + 0{})
         RETURNING delivery_id, provider_id, member, response_code, shown, until, tries",
        tx.dialect().skip_locked()
    );
    Ok(in_tx!(tx, |c| {
        sqlx::query_as(sql(text)).bind(now.0).bind(until.0).bind(limit).fetch_all(c).await
    })?)
}

/// It shows the answer, or nothing is left to be tried.
pub async fn remove(tx: &mut Tx, row: &UpdateRow) -> Result<()> {
    // A later answer may have come meanwhile.
    let text = "DELETE FROM card_update WHERE delivery_id = $1 AND response_code = $2";
    in_tx!(tx, |c| {
        sqlx::query(text).bind(row.delivery_id.0).bind(&row.response_code).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// It is tried again then.
pub async fn put_off(tx: &mut Tx, row: &UpdateRow, due_at: Timestamp) -> Result<()> {
    let text = "UPDATE card_update SET due_at = $3 WHERE delivery_id = $1 AND response_code = $2";
    in_tx!(tx, |c| {
        let query = sqlx::query(text).bind(row.delivery_id.0).bind(&row.response_code);
        query.bind(due_at.0).execute(c).await.map(drop)
    })?;
    Ok(())
}
