//! QR codes that were made for one person each, by which whoever scans one becomes that person to an account.

use super::{Db, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{OperatorId, ProviderId, RecipientId};

row! {
    /// A code as it stands.
    pub struct SceneRow {
        pub recipient_id: RecipientId,
        pub provider_id: ProviderId,
        pub by_operator: bool,
        /// Sealed: what it says to a telephone.
        pub picture: Vec<u8>,
        pub expires_at: Timestamp,
        /// When it was scanned.
        pub used_at: Option<Timestamp>,
        /// The operator who had it made.
        pub shown_to: Option<OperatorId>,
    }
}

const SELECT: &str =
    "SELECT recipient_id, provider_id, by_operator, picture, expires_at, used_at, shown_to FROM scene WHERE";

/// For whom a code is, of which account, and where it is shown. There is one of each.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub recipient: RecipientId,
    pub provider: ProviderId,
    pub by_operator: bool,
}

/// A code that was made.
#[derive(Clone, Copy, Debug)]
pub struct NewScene<'a> {
    pub hash: &'a [u8],
    pub picture: &'a [u8],
    pub expires_at: Timestamp,
    /// The operator who had it made.
    pub shown_to: Option<OperatorId>,
}

/// Keeps a code in the place of an earlier one.
pub async fn keep(tx: &mut Tx, place: Place, new: NewScene<'_>) -> Result<()> {
    let text =
        "INSERT INTO scene (recipient_id, provider_id, by_operator, hash, picture, expires_at, shown_to)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (recipient_id, provider_id, by_operator) DO UPDATE SET hash = excluded.hash,
            picture = excluded.picture, expires_at = excluded.expires_at, used_at = NULL,
            shown_to = excluded.shown_to";
    in_tx!(tx, |c| {
        let query = sqlx::query(text).bind(place.recipient.0).bind(place.provider.0).bind(place.by_operator);
        let query = query.bind(new.hash).bind(new.picture).bind(new.expires_at.0);
        query.bind(new.shown_to.map(|id| id.0)).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// The latest code of a place, whether it still holds or not.
pub async fn find(db: &Db, place: Place) -> Result<Option<SceneRow>> {
    let text = format!("{SELECT} recipient_id = $1 AND provider_id = $2 AND by_operator = $3");
    Ok(in_db!(db, |c| {
        let query = sqlx::query_as(sql(text)).bind(place.recipient.0).bind(place.provider.0);
        query.bind(place.by_operator).fetch_optional(c).await
    })?)
}

/// The code of a scene, whether it still holds or not.
pub async fn of_hash(tx: &mut Tx, hash: &[u8]) -> Result<Option<SceneRow>> {
    let text = format!("{SELECT} hash = $1");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(hash).fetch_optional(c).await)?)
}

/// Uses a code up that was scanned at `at`. False where it was before, or did not hold any more.
pub async fn use_up(tx: &mut Tx, hash: &[u8], at: Timestamp) -> Result<bool> {
    let text = "UPDATE scene SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2";
    let used = in_tx!(tx, |c| {
        sqlx::query(text).bind(hash).bind(at.0).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(used > 0)
}

/// Forgets codes that were good until `until` at most; returns how many.
pub async fn prune(tx: &mut Tx, until: Timestamp) -> Result<u64> {
    let text = "DELETE FROM scene WHERE expires_at <= $1";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(until.0).execute(c).await.map(|done| done.rows_affected()))?)
}
