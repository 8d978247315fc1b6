//! Addresses that nothing is sent to.

use super::condition::{Conditions, bind_all};
use super::dialect::Field;
use super::{Db, Dialect, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::AddressKind;
use crate::domain::id::{DeliveryId, MessageId, RecipientId, SuppressionId};
use crate::domain::suppression::Cause;

row! {
    /// An address on the list.
    pub struct SuppressionRow {
        pub id: SuppressionId,
        pub kind: AddressKind,
        pub address: String,
        pub cause: Cause,
        /// A provider's words, or an operator's.
        pub note: String,
        /// The delivery that told, while it is kept.
        pub delivery_id: Option<DeliveryId>,
        /// The message of that delivery.
        pub message_id: Option<MessageId>,
        pub created_at: Timestamp,
        pub created_by: String,
        pub until: Timestamp,
    }
}

/// An address to be put on the list.
#[derive(Clone, Debug)]
pub struct NewSuppression<'a> {
    pub kind: AddressKind,
    /// As the directory keeps it.
    pub address: &'a str,
    pub cause: Cause,
    pub note: &'a str,
    pub by: &'a str,
    pub until: Timestamp,
}

/// Whose address a provider refused for good, and what it said.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Refused {
    /// The delivery that told.
    pub id: i64,
    pub note: String,
    pub until: i64,
}

/// A delivery that is no longer kept has told nothing.
const COLUMNS: &str = "id, kind, address, cause, note,
    (SELECT d.id FROM delivery d WHERE d.id = suppression.delivery_id) AS delivery_id,
    (SELECT d.message_id FROM delivery d WHERE d.id = suppression.delivery_id) AS message_id,
    created_at, created_by, until";

/// Puts an address on the list, or says anew why and until when.
pub async fn insert(tx: &mut Tx, new: &NewSuppression<'_>, now: Timestamp) -> Result<SuppressionId> {
    let text = "INSERT INTO suppression (kind, address, cause, note, created_at, created_by, until)
        VALUES ($1, lower($2), $3, $4, $5, $6, $7)
        ON CONFLICT (kind, address) DO UPDATE SET cause = excluded.cause, note = excluded.note, delivery_id = NULL,
            created_at = excluded.created_at, created_by = excluded.created_by, until = excluded.until
        RETURNING id";
    let id: i64 = in_tx!(tx, |c| {
        sqlx::query_scalar(text)
            .bind(new.kind.code())
            .bind(new.address)
            .bind(new.cause.code())
            .bind(new.note)
            .bind(now.0)
            .bind(new.by)
            .bind(new.until.0)
            .fetch_one(c)
            .await
    })?;
    Ok(SuppressionId(id))
}

/// Puts an address on the list that a provider told of. What operators wrote there stays until its time is over.
pub async fn insert_told(tx: &mut Tx, new: &NewSuppression<'_>, now: Timestamp) -> Result<()> {
    let text = format!(
        "INSERT INTO suppression (kind, address, cause, note, created_at, created_by, until)
        VALUES ($1, lower($2), $3, $4, $5, $6, $7)
        ON CONFLICT (kind, address) DO UPDATE SET cause = excluded.cause, note = excluded.note, delivery_id = NULL,
            created_at = excluded.created_at, created_by = excluded.created_by, until = excluded.until
        WHERE suppression.cause = {bounced} OR suppression.until <= $5",
        bounced = Cause::Bounced.code(),
    );
    in_tx!(tx, |c| {
        sqlx::query(sql(text))
            .bind(new.kind.code())
            .bind(new.address)
            .bind(new.cause.code())
            .bind(new.note)
            .bind(now.0)
            .bind(new.by)
            .bind(new.until.0)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Takes an address off the list that a provider had told of until `told`; one that an operator put there stays.
pub async fn lift(tx: &mut Tx, kind: AddressKind, address: &str, told: Timestamp) -> Result<()> {
    let text = format!(
        "DELETE FROM suppression WHERE kind = $1 AND address = lower($2) AND cause = {} AND created_at <= $3",
        Cause::Bounced.code()
    );
    in_tx!(tx, |c| {
        sqlx::query(sql(text)).bind(kind.code()).bind(address).bind(told.0).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Keeps that the addresses of deliveries were in a passing trouble, and says of which deliveries the address had at least
/// `enough` of them since `since`, this one included.
pub async fn soft_bounced(
    tx: &mut Tx,
    deliveries: &[i64],
    enough: i64,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<i64>> {
    let list = tx.dialect().int_list("$1");
    let ids = to_json(deliveries)?;
    let text = format!(
        "INSERT INTO soft_bounce (kind, address, at)
         SELECT d.address_kind, lower(d.address), $2 FROM delivery d
         WHERE d.id IN {list} AND d.address IS NOT NULL AND d.outlet <> 0 ORDER BY d.id"
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(&ids).bind(now.0).execute(c).await.map(drop))?;
    let text = format!(
        "SELECT d.id FROM delivery d WHERE d.id IN {list} AND $2 <= (SELECT count(*) FROM soft_bounce b
            WHERE b.kind = d.address_kind AND b.address = lower(d.address) AND b.at >= $3) ORDER BY d.id"
    );
    let rows: Vec<OneDelivery> = in_tx!(tx, |c| {
        sqlx::query_as(sql(text)).bind(&ids).bind(enough).bind(since.0).fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(|row| row.id.0).collect())
}

row! {
    struct OneDelivery {
        id: DeliveryId,
    }
}

/// Forgets addresses whose time was over before `over`, and passing troubles from before `since`; returns how many.
pub async fn prune(tx: &mut Tx, over: Timestamp, since: Timestamp) -> Result<u64> {
    let mut removed = 0;
    let dialect = tx.dialect();
    let suppressed = format!(
        "DELETE FROM suppression WHERE id IN (SELECT s.id FROM suppression s WHERE s.until < $1 ORDER BY {}{})",
        in_order(dialect, "s.kind", "s.address"),
        dialect.lock(),
    );
    for (text, at) in [(suppressed, over), ("DELETE FROM soft_bounce WHERE at < $1".to_owned(), since)] {
        removed += in_tx!(tx, |c| {
            sqlx::query(sql(text)).bind(at.0).execute(c).await.map(|done| done.rows_affected())
        })?;
    }
    Ok(removed)
}

/// Takes addresses that are to be forgotten out of the passing troubles.
pub async fn forget(tx: &mut Tx, addresses: &[&str]) -> Result<()> {
    let lower: Vec<_> = addresses.iter().map(|address| address.to_lowercase()).collect();
    let text = format!("DELETE FROM soft_bounce WHERE address IN {}", tx.dialect().text_list("$1"));
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(to_json(&lower)?).execute(c).await.map(drop))?;
    Ok(())
}

/// Puts the addresses of deliveries on the list. What operators wrote there stays until its time is over.
pub async fn bounced(tx: &mut Tx, refused: &[Refused], now: Timestamp) -> Result<()> {
    // One row per address, in one order whoever adds them.
    let text = format!(
        "INSERT INTO suppression (kind, address, cause, note, delivery_id, created_at, created_by, until)
         SELECT d.address_kind, lower(d.address), {bounced}, max(x.note), max(d.id), $2, '', max(x.until)
         FROM {rows} AS x JOIN delivery d ON d.id = x.id
         WHERE d.address IS NOT NULL AND d.outlet <> 0
         GROUP BY d.address_kind, lower(d.address) ORDER BY {order}
         ON CONFLICT (kind, address) DO UPDATE SET cause = excluded.cause, note = excluded.note,
            delivery_id = excluded.delivery_id, created_at = excluded.created_at, created_by = excluded.created_by,
            until = excluded.until
         WHERE suppression.cause = {bounced} OR suppression.until <= $2",
        bounced = Cause::Bounced.code(),
        order = in_order(tx.dialect(), "d.address_kind", "lower(d.address)"),
        rows = tx.dialect().rows("$1", &[("id", Field::Int), ("note", Field::Text), ("until", Field::Int)]),
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(to_json(refused)?).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Why an address stands on the list.
pub async fn cause(db: &Db, kind: AddressKind, address: &str, now: Timestamp) -> Result<Option<Cause>> {
    let text = "SELECT cause FROM suppression WHERE kind = $1 AND address = lower($2) AND until > $3";
    let found: Option<Standing> = in_db!(db, |c| {
        sqlx::query_as(text).bind(kind.code()).bind(address).bind(now.0).fetch_optional(c).await
    })?;
    Ok(found.map(|row| row.cause))
}

row! {
    struct Standing {
        cause: Cause,
    }
}

/// Whether there is anything on the list.
pub async fn any(db: &Db) -> Result<bool> {
    let text = "SELECT EXISTS (SELECT 1 FROM suppression)";
    Ok(in_db!(db, |c| sqlx::query_scalar(text).fetch_one(c).await)?)
}

/// One address on the list.
pub async fn find(db: &Db, id: SuppressionId) -> Result<Option<SuppressionRow>> {
    let text = format!("SELECT {COLUMNS} FROM suppression WHERE id = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// The latest added before `before`, those whose time is over too; `part`: a part of the address. A part that nothing
/// holds is looked for in every row.
pub async fn list(
    db: &Db,
    part: Option<&str>,
    before: Option<SuppressionId>,
    limit: u32,
) -> Result<Vec<SuppressionRow>> {
    let mut conditions = Conditions::default();
    if let Some(before) = before {
        conditions.and("id < ?", before.0);
    }
    if let Some(part) = part {
        conditions.and(&db.dialect().contains("address", "?"), part);
    }
    let text =
        format!("SELECT {COLUMNS} FROM suppression {} ORDER BY id DESC LIMIT {limit}", conditions.clause());
    Ok(in_db!(db, |c| bind_all!(sqlx::query_as(sql(text)), conditions.binds).fetch_all(c).await)?)
}

/// How many addresses a list would show in the end.
pub async fn count(db: &Db, part: Option<&str>) -> Result<i64> {
    let mut conditions = Conditions::default();
    if let Some(part) = part {
        conditions.and(&db.dialect().contains("address", "?"), part);
    }
    let text = format!("SELECT count(*) FROM suppression {}", conditions.clause());
    Ok(in_db!(db, |c| bind_all!(sqlx::query_scalar(sql(text)), conditions.binds).fetch_one(c).await)?)
}

/// What stands on the list about a person's addresses.
pub async fn of_person(db: &Db, recipient: RecipientId) -> Result<Vec<SuppressionRow>> {
    let kinds = AddressKind::ALL.map(|kind| {
        format!(
            "SELECT {COLUMNS} FROM suppression
             WHERE kind = {code} AND address = (SELECT lower({column}) FROM recipient WHERE id = $1)",
            code = kind.code(),
            column = kind.name()
        )
    });
    let text = kinds.join(" UNION ALL ");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(recipient.0).fetch_all(c).await)?)
}

/// Takes an address off the list; what stood there.
pub async fn delete(tx: &mut Tx, id: SuppressionId) -> Result<Option<SuppressionRow>> {
    let text = format!("DELETE FROM suppression WHERE id = $1 RETURNING {COLUMNS}");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// Takes addresses off the list, in the one order of all who change several; what stood there, in that order.
pub async fn delete_many(tx: &mut Tx, ids: &[SuppressionId]) -> Result<Vec<SuppressionRow>> {
    let dialect = tx.dialect();
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let text = format!(
        "SELECT {COLUMNS} FROM suppression WHERE id IN {} ORDER BY {}{}",
        dialect.int_list("$1"),
        in_order(dialect, "kind", "address"),
        dialect.lock(),
    );
    let rows: Vec<SuppressionRow> =
        in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(to_json(&ids)?).fetch_all(c).await)?;
    // Others may have taken some off while their rows were waited for: those are not found any more.
    let found: Vec<i64> = rows.iter().map(|row| row.id.0).collect();
    let text = format!("DELETE FROM suppression WHERE id IN {}", dialect.int_list("$1"));
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(to_json(&found)?).execute(c).await.map(drop))?;
    Ok(rows)
}

/// The order in which whoever changes several addresses goes through them, so that two at once wait for each other and not
/// in a circle: by bytes, as Rust sorts, whatever the database's language.
fn in_order(dialect: Dialect, kind: &str, address: &str) -> String {
    format!("{kind}, {}", dialect.by_bytes(address))
}

/// Why an address stands on the list at a moment, as SQL: a delivery's reason, or NULL.
pub(super) fn reason(kind: &str, address: &str, now: &str) -> String {
    use crate::domain::delivery::suppressed::{BOUNCED_BEFORE, LEFT_ALONE};
    format!(
        "(SELECT CASE s.cause WHEN {bounced} THEN '{BOUNCED_BEFORE}' ELSE '{LEFT_ALONE}' END FROM suppression s
          WHERE s.kind = {kind} AND s.address = lower({address}) AND s.until > {now})",
        bounced = Cause::Bounced.code(),
    )
}
