//! Alerts of the Common Alerting Protocol: what broadcasts published, and what other systems sent in.

use super::{Db, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::emergency::{Part, Run};
use crate::domain::id::{BroadcastId, SourceId};

/// A document about to be published.
#[derive(Clone, Copy, Debug)]
pub struct NewDocument<'a> {
    pub broadcast: BroadcastId,
    pub part: Part,
    pub identifier: &'a str,
    pub sender: &'a str,
    /// As the document says it.
    pub sent: &'a str,
    pub sent_at: Timestamp,
    pub expires_at: Timestamp,
    /// It stands in the feed.
    pub listed: bool,
    pub title: &'a str,
    pub summary: &'a str,
    pub document: &'a str,
}

pub async fn publish(tx: &mut Tx, new: &NewDocument<'_>) -> Result<()> {
    let text = "INSERT INTO cap_document
            (broadcast_id, part, identifier, sender, sent, sent_at, expires_at, listed, title, summary, document)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(new.broadcast.0)
            .bind(new.part.code())
            .bind(new.identifier)
            .bind(new.sender)
            .bind(new.sent)
            .bind(new.sent_at.0)
            .bind(new.expires_at.0)
            .bind(new.listed)
            .bind(new.title)
            .bind(new.summary)
            .bind(new.document)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

row! {
    /// What later documents refer to.
    pub struct EarlierRow {
        pub broadcast_id: BroadcastId,
        pub identifier: String,
        pub sender: String,
        pub sent: String,
        pub expires_at: Timestamp,
        pub listed: bool,
    }
}

/// What was published of a broadcast and of what follows it, in its order.
pub async fn chain(tx: &mut Tx, broadcast: BroadcastId) -> Result<Vec<EarlierRow>> {
    let text = "SELECT d.broadcast_id, d.identifier, d.sender, d.sent, d.expires_at, d.listed
        FROM cap_document d JOIN broadcast b ON b.id = d.broadcast_id
        WHERE b.id = $1 OR b.follows = $1 ORDER BY d.id";
    Ok(in_tx!(tx, |c| sqlx::query_as(text).bind(broadcast.0).fetch_all(c).await)?)
}

row! {
    /// What the feed says of a document.
    pub struct EntryRow {
        pub identifier: String,
        pub sent_at: Timestamp,
        pub title: String,
        pub summary: String,
    }
}

/// Documents in the feed, the newest first, at most `limit`: those of broadcasts that have not ended before `since`, and
/// whatever was published since then. Where there are more, drills are left out first.
pub async fn feed(db: &Db, since: Timestamp, limit: i64) -> Result<Vec<EntryRow>> {
    let text = format!(
        "SELECT identifier, sent_at, title, summary FROM (
            SELECT d.id, d.identifier, d.sent_at, d.title, d.summary
            FROM cap_document d JOIN broadcast b ON b.id = d.broadcast_id
            WHERE d.listed AND (b.ended_at IS NULL OR b.ended_at > $1 OR d.sent_at > $1)
            ORDER BY CASE WHEN b.run = {drill} THEN 1 ELSE 0 END, d.id DESC LIMIT $2 + 0) AS listed
         ORDER BY id DESC",
        drill = Run::Drill.code()
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(since.0).bind(limit).fetch_all(c).await)?)
}

/// A document by its identifier, as XML.
pub async fn document(db: &Db, identifier: &str) -> Result<Option<String>> {
    let text = "SELECT document FROM cap_document WHERE identifier = $1";
    Ok(in_db!(db, |c| sqlx::query_scalar(text).bind(identifier).fetch_optional(c).await)?)
}

/// Identifiers of what was published of a broadcast, in its order.
pub async fn identifiers(db: &Db, broadcast: BroadcastId) -> Result<Vec<String>> {
    let text = "SELECT identifier FROM cap_document WHERE broadcast_id = $1 ORDER BY id";
    Ok(in_db!(db, |c| sqlx::query_scalar(text).bind(broadcast.0).fetch_all(c).await)?)
}

/// Which alert of which sender, and by whose key it came in.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    pub source: SourceId,
    /// By a test key, whose alerts are apart.
    pub test: bool,
    pub sender: &'a str,
    pub identifier: &'a str,
    pub sent_at: Timestamp,
}

row! {
    /// An alert that came in.
    pub struct ReceivedRow {
        pub broadcast_id: BroadcastId,
        pub received_at: Timestamp,
        pub document: String,
        /// As its sender was answered.
        pub answer: Option<String>,
    }
}

/// Keeps an alert that came in; false where it is there already.
pub async fn receive(
    tx: &mut Tx,
    named: Named<'_>,
    broadcast: BroadcastId,
    document: &str,
    at: Timestamp,
) -> Result<bool> {
    let text = "INSERT INTO cap_received (source_id, test, sender, identifier, sent_at, broadcast_id, received_at, document)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (source_id, test, sender, identifier, sent_at) DO NOTHING";
    let kept = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(named.source.0)
            .bind(named.test)
            .bind(named.sender)
            .bind(named.identifier)
            .bind(named.sent_at.0)
            .bind(broadcast.0)
            .bind(at.0)
            .bind(document)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(kept > 0)
}

/// Keeps what the sender of an alert was answered.
pub async fn answered(tx: &mut Tx, named: Named<'_>, answer: &str) -> Result<()> {
    let text = "UPDATE cap_received SET answer = $6
        WHERE source_id = $1 AND test = $2 AND sender = $3 AND identifier = $4 AND sent_at = $5";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(named.source.0)
            .bind(named.test)
            .bind(named.sender)
            .bind(named.identifier)
            .bind(named.sent_at.0)
            .bind(answer)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// An alert that came in before.
pub async fn received(db: &Db, named: Named<'_>) -> Result<Option<ReceivedRow>> {
    let text = "SELECT broadcast_id, received_at, document, answer FROM cap_received
        WHERE source_id = $1 AND test = $2 AND sender = $3 AND identifier = $4 AND sent_at = $5";
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text))
            .bind(named.source.0)
            .bind(named.test)
            .bind(named.sender)
            .bind(named.identifier)
            .bind(named.sent_at.0)
            .fetch_optional(c)
            .await
    })?)
}

/// The documents from which a broadcast came or by which it was ended, in the order in which they came in.
pub async fn received_for(db: &Db, broadcast: BroadcastId) -> Result<Vec<ReceivedRow>> {
    let text = "SELECT broadcast_id, received_at, document, answer FROM cap_received WHERE broadcast_id = $1 ORDER BY id";
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(broadcast.0).fetch_all(c).await)?)
}
