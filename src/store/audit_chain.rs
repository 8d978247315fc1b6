//! The audit log as a chain: each act has its place and a hash of itself and all before it. An act is added loose, in the
//! transaction that does it, and takes its place soon after.

use super::{Db, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;

row! {
    /// An act as it stands, nothing read into it.
    pub struct LinkRow {
        pub id: i64,
        pub at: Timestamp,
        pub actor: String,
        pub action: String,
        pub object: String,
        /// The text of a JSON object.
        pub detail: String,
        /// From 1 without gaps; `None` where it has none yet.
        pub place: Option<i64>,
        pub print: Option<Vec<u8>>,
    }
}

row! {
    /// The end of the chain.
    pub struct SealRow {
        /// Of the last act; 0 before the first.
        pub place: i64,
        /// Its hash; 32 zeros before the first.
        pub print: Vec<u8>,
    }
}

const SEAL: &str = "SELECT place, print FROM audit_seal WHERE only_one = 1";

pub async fn seal(db: &Db) -> Result<SealRow> {
    Ok(in_db!(db, |c| sqlx::query_as::<_, SealRow>(SEAL).fetch_one(c).await)?)
}

/// The end, which nobody else moves before the transaction is over.
pub async fn lock_seal(tx: &mut Tx) -> Result<SealRow> {
    let text = format!("{SEAL}{}", tx.dialect().lock());
    Ok(in_tx!(tx, |c| sqlx::query_as::<_, SealRow>(sql(text)).fetch_one(c).await)?)
}

pub async fn move_seal(tx: &mut Tx, seal: &SealRow) -> Result<()> {
    let text = "UPDATE audit_seal SET place = $1, print = $2 WHERE only_one = 1";
    in_tx!(tx, |c| sqlx::query(text).bind(seal.place).bind(&seal.print).execute(c).await.map(drop))?;
    Ok(())
}

/// Acts without a place, the oldest first.
pub async fn loose(tx: &mut Tx, limit: u32) -> Result<Vec<LinkRow>> {
    let text = "SELECT id, at, actor, action, object, detail, place, print FROM audit
        WHERE place IS NULL ORDER BY id LIMIT $1 + 0";
    Ok(in_tx!(tx, |c| sqlx::query_as::<_, LinkRow>(text).bind(i64::from(limit)).fetch_all(c).await)?)
}

pub async fn place(tx: &mut Tx, id: i64, place: i64, print: &[u8]) -> Result<()> {
    let text = "UPDATE audit SET place = $2, print = $3 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id).bind(place).bind(print).execute(c).await.map(drop))?;
    Ok(())
}

/// Acts in their places, from the one after `after` on.
pub async fn links(db: &Db, after: i64, limit: u32) -> Result<Vec<LinkRow>> {
    let text = "SELECT id, at, actor, action, object, detail, place, print FROM audit
        WHERE place > $1 ORDER BY place LIMIT $2 + 0";
    Ok(in_db!(db, |c| {
        sqlx::query_as::<_, LinkRow>(text).bind(after).bind(i64::from(limit)).fetch_all(c).await
    })?)
}

/// The hash of the act in a place.
pub async fn print_at(db: &Db, place: i64) -> Result<Option<Vec<u8>>> {
    let text = "SELECT print FROM audit WHERE place = $1";
    Ok(in_db!(db, |c| sqlx::query_scalar::<_, Vec<u8>>(text).bind(place).fetch_optional(c).await)?)
}
