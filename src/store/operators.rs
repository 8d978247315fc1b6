//! The people who may sign in to the console.

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::grant::Grant;
use crate::domain::id::OperatorId;

row! {
    pub struct OperatorRow {
        pub id: OperatorId,
        /// In lower case: whoever signs in need not remember how it was written.
        pub email: String,
        pub name: String,
        pub grants: JsonText<Vec<Grant>>,
        /// A PHC string; nothing until a password is chosen.
        pub password_hash: Option<String>,
        /// As a BCP 47 tag.
        pub language: Option<String>,
        pub created_at: Timestamp,
        pub disabled_at: Option<Timestamp>,
        pub last_seen_at: Option<Timestamp>,
        /// By which they may come in, too.
        pub campus_id: Option<String>,
        /// How often every way in ended: see [`oust`].
        pub ousted: i64,
        /// Who was handed their last link, where that needed a second administrator.
        pub handed_to: Option<OperatorId>,
    }
}

const SELECT: &str =
    "SELECT id, email, name, grants, password_hash, language, created_at, disabled_at, last_seen_at, campus_id,
        ousted, handed_to
    FROM operator";

/// Adds an operator; nothing where the address is taken.
pub async fn insert(
    tx: &mut Tx,
    email: &str,
    name: &str,
    grants: &[Grant],
    password_hash: Option<&str>,
    now: Timestamp,
) -> Result<Option<OperatorId>> {
    let text =
        "INSERT INTO operator (email, name, grants, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (email) DO NOTHING RETURNING id";
    let grants = to_json(grants)?;
    let id: Option<i64> = in_tx!(tx, |c| {
        sqlx::query_scalar(text)
            .bind(email)
            .bind(name)
            .bind(grants)
            .bind(password_hash)
            .bind(now.0)
            .fetch_optional(c)
            .await
    })?;
    Ok(id.map(OperatorId))
}

pub async fn find(db: &Db, id: OperatorId) -> Result<Option<OperatorRow>> {
    let text = format!("{SELECT} WHERE id = $1");
    Ok(in_db!(db, |c| sqlx::query_as::<_, OperatorRow>(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

pub async fn find_by_email(db: &Db, email: &str) -> Result<Option<OperatorRow>> {
    let text = format!("{SELECT} WHERE email = $1");
    Ok(in_db!(db, |c| sqlx::query_as::<_, OperatorRow>(sql(text)).bind(email).fetch_optional(c).await)?)
}

/// Those of the operators that are there, in no particular order, within a transaction.
pub async fn find_all(tx: &mut Tx, ids: &[OperatorId]) -> Result<Vec<OperatorRow>> {
    let text = format!("{SELECT} WHERE id IN {}", tx.dialect().int_list("$1"));
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let ids = to_json(&ids)?;
    Ok(in_tx!(tx, |c| sqlx::query_as::<_, OperatorRow>(sql(text)).bind(ids).fetch_all(c).await)?)
}

/// Every operator by name.
pub async fn list(db: &Db) -> Result<Vec<OperatorRow>> {
    let text = format!("{SELECT} ORDER BY name, id");
    Ok(in_db!(db, |c| sqlx::query_as::<_, OperatorRow>(sql(text)).fetch_all(c).await)?)
}

/// Whether there is, or was, any operator.
pub async fn any(tx: &mut Tx) -> Result<bool> {
    let found: Option<i64> =
        in_tx!(tx, |c| sqlx::query_scalar("SELECT id FROM operator LIMIT 1").fetch_optional(c).await)?;
    Ok(found.is_some())
}

/// Every operator in the order of their ids. They stay so until the transaction ends, unless it changes them. Operators are
/// locked before anything that is theirs: second factors, codes, sessions, links, failures to sign in.
pub async fn lock_all(tx: &mut Tx) -> Result<Vec<OperatorRow>> {
    let text = format!("{SELECT} ORDER BY id{}", tx.dialect().lock_content());
    let once = in_tx!(tx, |c| sqlx::query_as::<_, OperatorRow>(sql(text.clone())).fetch_all(c).await)?;
    if tx.is_only_writer() {
        return Ok(once);
    }
    // Whoever was let in while this waited is not among those.
    Ok(in_tx!(tx, |c| sqlx::query_as::<_, OperatorRow>(sql(text)).fetch_all(c).await)?)
}

/// As [`lock_all`], of one alone; nothing where there is none.
pub async fn lock(tx: &mut Tx, id: OperatorId) -> Result<Option<OperatorRow>> {
    let text = format!("{SELECT} WHERE id = $1{}", tx.dialect().lock_content());
    Ok(in_tx!(tx, |c| sqlx::query_as::<_, OperatorRow>(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// Replaces what an operator holds.
pub async fn set_grants(tx: &mut Tx, id: OperatorId, grants: &[Grant]) -> Result<()> {
    let text = "UPDATE operator SET grants = $2 WHERE id = $1";
    let grants = to_json(grants)?;
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(grants).execute(c).await.map(drop))?;
    Ok(())
}

/// Sets the password, or takes it away.
pub async fn set_password(tx: &mut Tx, id: OperatorId, hash: Option<&str>) -> Result<()> {
    let text = "UPDATE operator SET password_hash = $2 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(hash).execute(c).await.map(drop))?;
    Ok(())
}

pub async fn set_name(tx: &mut Tx, id: OperatorId, name: &str) -> Result<()> {
    let text = "UPDATE operator SET name = $2 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(name).execute(c).await.map(drop))?;
    Ok(())
}

/// Sets the language of the console's pages; nothing: the campus's.
pub async fn set_language(tx: &mut Tx, id: OperatorId, tag: Option<&str>) -> Result<()> {
    let text = "UPDATE operator SET language = $2 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(tag).execute(c).await.map(drop))?;
    Ok(())
}

pub async fn set_disabled(tx: &mut Tx, id: OperatorId, disabled_at: Option<Timestamp>) -> Result<()> {
    let text = "UPDATE operator SET disabled_at = $2 WHERE id = $1";
    in_tx!(tx, |c| {
        sqlx::query(text).bind(id.0).bind(disabled_at.map(|at| at.0)).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Whoever is just signing in as them does not come in any more; says how often that was so by now.
pub async fn oust(tx: &mut Tx, id: OperatorId) -> Result<i64> {
    let text = "UPDATE operator SET ousted = ousted + 1 WHERE id = $1 RETURNING ousted";
    let ousted: Option<i64> = in_tx!(tx, |c| sqlx::query_scalar(text).bind(id.0).fetch_optional(c).await)?;
    Ok(ousted.unwrap_or_default())
}

/// Notes who was handed the link that an operator is to come in by, where that is to be known.
pub async fn set_handed_to(tx: &mut Tx, id: OperatorId, to: Option<OperatorId>) -> Result<()> {
    let text = "UPDATE operator SET handed_to = $2 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(to.map(|to| to.0)).execute(c).await.map(drop))?;
    Ok(())
}

/// Notes that the operator is there.
pub async fn touch(tx: &mut Tx, id: OperatorId, now: Timestamp) -> Result<()> {
    let text =
        "UPDATE operator SET last_seen_at = $2 WHERE id = $1 AND (last_seen_at IS NULL OR last_seen_at < $2)";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}
