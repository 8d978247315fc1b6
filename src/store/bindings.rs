//! WeChat identities that are about to become a person's, and that are theirs.

use super::{Db, Tx, bound, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::AddressKind;
use crate::domain::id::{ProviderId, RecipientId};

row! {
    /// An identity that somebody has proved to hold.
    pub struct PendingRow {
        pub provider_id: ProviderId,
        pub kind: AddressKind,
        pub address: String,
        /// Whom they say they are.
        pub recipient_id: Option<RecipientId>,
        /// Keyed hash of the code that proves it, or what else is expected of whoever holds the ticket.
        pub code: Option<Vec<u8>>,
        pub codes: i64,
        pub tries: i64,
        pub expires_at: Timestamp,
    }
}

/// Who holds which identity, by the hash of their ticket.
#[derive(Clone, Copy, Debug)]
pub struct NewPending<'a> {
    pub hash: &'a [u8],
    pub provider: ProviderId,
    pub kind: AddressKind,
    pub address: &'a str,
    pub expires_at: Timestamp,
}

/// False where the ticket was used before.
pub async fn insert(tx: &mut Tx, new: NewPending<'_>) -> Result<bool> {
    let text = "INSERT INTO pending_binding (hash, provider_id, kind, address, expires_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let added = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(new.hash)
            .bind(new.provider.0)
            .bind(new.kind.code())
            .bind(new.address)
            .bind(new.expires_at.0)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(added > 0)
}

const SELECT: &str =
    "SELECT provider_id, kind, address, recipient_id, code, codes, tries, expires_at FROM pending_binding
    WHERE hash = $1";

/// The identity behind a ticket, expired or not.
pub async fn find(db: &Db, hash: &[u8]) -> Result<Option<PendingRow>> {
    Ok(in_db!(db, |c| sqlx::query_as(SELECT).bind(hash).fetch_optional(c).await)?)
}

/// As [`find`], and nobody else changes the row until the transaction ends.
pub async fn lock(tx: &mut Tx, hash: &[u8]) -> Result<Option<PendingRow>> {
    let text = format!("{SELECT}{}", tx.dialect().lock());
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(hash).fetch_optional(c).await)?)
}

/// Keeps the code that was made for whom they say they are; it stands in the place of an earlier one.
pub async fn set_code(
    tx: &mut Tx,
    hash: &[u8],
    recipient: Option<RecipientId>,
    code: &[u8],
    expires_at: Timestamp,
) -> Result<()> {
    let text = "UPDATE pending_binding SET recipient_id = $2, code = $3, codes = codes + 1, tries = 0, expires_at = $4
        WHERE hash = $1";
    in_tx!(tx, |c| {
        let query = sqlx::query(text).bind(hash).bind(recipient.map(|id| id.0)).bind(code);
        query.bind(expires_at.0).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Expects something else of whoever holds the ticket than a code, or nothing; a code that was expected is none any more.
pub async fn expect(tx: &mut Tx, hash: &[u8], what: Option<&[u8]>, expires_at: Timestamp) -> Result<()> {
    let text = "UPDATE pending_binding SET recipient_id = NULL, code = $2, tries = 0, expires_at = $3 WHERE hash = $1";
    in_tx!(tx, |c| {
        sqlx::query(text).bind(hash).bind(what).bind(expires_at.0).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Counts a code that was typed.
pub async fn count_try(tx: &mut Tx, hash: &[u8]) -> Result<()> {
    let text = "UPDATE pending_binding SET tries = tries + 1 WHERE hash = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(hash).execute(c).await.map(drop))?;
    Ok(())
}

/// Counts one more code for a person on the campus day, or one more that was typed as theirs. False where there were enough
/// of either; counts nothing then.
pub async fn count_of_day(
    tx: &mut Tx,
    recipient: RecipientId,
    day: &str,
    what: Counted,
    most: Most,
) -> Result<bool> {
    let text = counting("binding_day", "recipient_id", what);
    let counted = in_tx!(tx, |c| {
        let query = sqlx::query(sql(text)).bind(recipient.0).bind(day).bind(most.codes).bind(most.tries);
        query.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(counted > 0)
}

/// As [`count_of_day`], for whoever asks and types: the keyed hash of an identity, or of everybody.
pub async fn count_of_identity(
    tx: &mut Tx,
    hash: &[u8],
    day: &str,
    what: Counted,
    most: Most,
) -> Result<bool> {
    let text = counting("identity_day", "hash", what);
    let counted = in_tx!(tx, |c| {
        let query = sqlx::query(sql(text)).bind(hash).bind(day).bind(most.codes).bind(most.tries);
        query.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(counted > 0)
}

/// Counts one more in a row of its latest day, unless there were enough.
fn counting(table: &str, key: &str, what: Counted) -> String {
    let (codes, tries) = match what {
        Counted::Code => (1, 0),
        Counted::Try => (0, 1),
    };
    format!(
        "INSERT INTO {table} ({key}, day, codes, tries) VALUES ($1, $2, {codes}, {tries})
        ON CONFLICT ({key}) DO UPDATE SET day = excluded.day,
            codes = CASE WHEN {table}.day = excluded.day THEN {table}.codes ELSE 0 END + {codes},
            tries = CASE WHEN {table}.day = excluded.day THEN {table}.tries ELSE 0 END + {tries}
        WHERE {table}.day <> excluded.day
            OR ({table}.codes + {codes} <= $3 AND {table}.tries + {tries} <= $4)"
    )
}

/// What is counted of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    Code,
    Try,
}

/// How many of them there may be.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    pub codes: i64,
    pub tries: i64,
}

/// Forgets who holds what behind that ticket.
pub async fn delete(tx: &mut Tx, hash: &[u8]) -> Result<()> {
    let text = "DELETE FROM pending_binding WHERE hash = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(hash).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets what nobody finished before `now`, and what was counted before the campus day `day`; returns how many.
pub async fn prune(tx: &mut Tx, now: Timestamp, day: &str) -> Result<u64> {
    let text = "DELETE FROM pending_binding WHERE expires_at <= $1";
    let over =
        in_tx!(tx, |c| sqlx::query(text).bind(now.0).execute(c).await.map(|done| done.rows_affected()))?;
    let mut days = 0;
    for text in ["DELETE FROM binding_day WHERE day < $1", "DELETE FROM identity_day WHERE day < $1"] {
        days +=
            in_tx!(tx, |c| sqlx::query(text).bind(day).execute(c).await.map(|done| done.rows_affected()))?;
    }
    Ok(over + days)
}

row! {
    struct Changed {
        id: RecipientId,
    }
}

/// Whoever else binds or leaves this identity waits until the transaction ends: no index says that it is one person's. To be
/// taken before the person.
pub async fn hold(tx: &mut Tx, kind: AddressKind, address: &str) -> Result<()> {
    super::hold(tx, &bound::folded(kind, address), kind.code()).await
}

/// Whether somebody else who is active has the identity.
pub async fn is_anothers(
    tx: &mut Tx,
    recipient: RecipientId,
    kind: AddressKind,
    address: &str,
) -> Result<bool> {
    let text = format!(
        "SELECT EXISTS (SELECT 1 FROM recipient WHERE {} AND id <> $2 AND active)",
        bound::is_at(kind, "$1")
    );
    let address = bound::folded(kind, address);
    Ok(in_tx!(tx, |c| sqlx::query_scalar(sql(text)).bind(&address).bind(recipient.0).fetch_one(c).await)?)
}

/// Makes the identity that person's and nobody else's, as it is since `since`; answers whose it was before.
pub async fn bind(
    tx: &mut Tx,
    recipient: RecipientId,
    kind: AddressKind,
    address: &str,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<RecipientId>> {
    hold(tx, kind, address).await?;
    bound::take(tx, kind, address, recipient).await?;
    bound::settle(tx, recipient, kind, since).await?;
    let column = kind.name();
    let text = format!(
        "UPDATE recipient SET {column} = NULL, updated_at = $3 WHERE {} AND id <> $2 RETURNING id",
        bound::is_at(kind, "$1")
    );
    let folded = bound::folded(kind, address);
    let others: Vec<Changed> = in_tx!(tx, |c| {
        sqlx::query_as(sql(text)).bind(&folded).bind(recipient.0).bind(now.0).fetch_all(c).await
    })?;
    let text = format!(
        "UPDATE recipient SET {column} = $1, updated_at = $3 WHERE id = $2 AND {column} IS DISTINCT FROM $1"
    );
    in_tx!(tx, |c| {
        sqlx::query(sql(text)).bind(address).bind(recipient.0).bind(now.0).execute(c).await.map(drop)
    })?;
    Ok(others.into_iter().map(|row| row.id).collect())
}

/// Whether somebody bound the identity after `told`.
pub async fn is_newer(tx: &mut Tx, kind: AddressKind, address: &str, told: Timestamp) -> Result<bool> {
    bound::is_newer(tx, kind, address, told).await
}

/// Makes the identity nobody's, as its account told of at `told`; answers whose it was. Nothing, and nothing is changed, where it
/// was bound after that.
pub async fn unbind(
    tx: &mut Tx,
    kind: AddressKind,
    address: &str,
    told: Timestamp,
    now: Timestamp,
) -> Result<Option<Vec<RecipientId>>> {
    hold(tx, kind, address).await?;
    if is_newer(tx, kind, address, told).await? {
        return Ok(None);
    }
    bound::take(tx, kind, address, RecipientId(0)).await?;
    let text = format!(
        "UPDATE recipient SET {} = NULL, updated_at = $2 WHERE {} RETURNING id",
        kind.name(),
        bound::is_at(kind, "$1")
    );
    let address = bound::folded(kind, address);
    let whose: Vec<Changed> =
        in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(&address).bind(now.0).fetch_all(c).await)?;
    Ok(Some(whose.into_iter().map(|row| row.id).collect()))
}
