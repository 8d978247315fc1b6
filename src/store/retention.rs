//! Taking from messages what their time is over for: what they said, then what became of them person by person. Each
//! function is a step of one short transaction; `service::retention` knows their order.

use super::deliveries::lock_in_order;
use super::messages::int_array;
use super::{Db, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::delivery::State;
use crate::domain::emergency::Part;
use crate::domain::id::{DeliveryId, MessageId};
use crate::domain::message::Category;
use crate::domain::retention::Stage;

/// When a message ended: word for word as in the indexes `message_kept` and `message_emptied`.
const ENDED: &str = "COALESCE(completed_at, updated_at)";

/// What is said of events whose words are nobody's: figures, moments and channels.
const WORDLESS: &str = "'planned', 'completed', 'cancelled', 'expired', 'resent', 'recalled', 'unanswered_repeated', \
    'over_quota', 'no_provider', 'quiet_hours', 'quiet_expired', 'content_removed', 'deliveries_removed'";

/// What has all that the stage takes, in the words of the index over it, and has ended.
const fn whole(stage: Stage) -> &'static str {
    match stage {
        Stage::Content => "content_removed_at IS NULL AND status IN (4, 6, 7, 8)",
        Stage::Deliveries => "content_removed_at IS NOT NULL AND deliveries_removed_at IS NULL",
    }
}

/// What has nothing of an earlier stage left to be done.
const fn settled(stage: Stage) -> &'static str {
    match stage {
        Stage::Content => "",
        Stage::Deliveries => "AND NOT EXISTS (SELECT 1 FROM removal r WHERE r.message_id = message.id)",
    }
}

row! {
    struct OneMessage {
        id: MessageId,
    }
}

/// Messages of the category that ended before `before` and still have what the stage takes, the oldest first; nobody else
/// changes them until the transaction ends. Those that somebody else has in hand are passed over, as are those with
/// anything open, and those whose deliveries an earlier stage has yet to reach.
pub async fn take(
    tx: &mut Tx,
    category: Category,
    stage: Stage,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<MessageId>> {
    let text = format!(
        "SELECT id FROM message WHERE category = $1 AND {whole} AND {ENDED} < $2 {settled}
            AND NOT EXISTS (SELECT 1 FROM message_count c
                WHERE c.message_id = message.id AND c.pending + c.sending > 0)
         ORDER BY {ENDED} LIMIT $3 + 0{skip}",
        whole = whole(stage),
        settled = settled(stage),
        skip = tx.dialect().skip_locked(),
    );
    let rows: Vec<OneMessage> = in_tx!(tx, |c| {
        let query = sqlx::query_as(sql(text)).bind(category.code()).bind(before.0).bind(i64::from(limit));
        query.fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// How many are due, with those that [`take`] passes over; no more than `most` are counted.
pub async fn count(db: &Db, category: Category, stage: Stage, before: Timestamp, most: u32) -> Result<i64> {
    let text = format!(
        "SELECT CAST(count(*) AS bigint) FROM (SELECT 1 AS one FROM message
            WHERE category = $1 AND {whole} AND {ENDED} < $2 LIMIT $3 + 0) AS found",
        whole = whole(stage),
    );
    Ok(in_db!(db, |c| {
        let query = sqlx::query_scalar(sql(text)).bind(category.code()).bind(before.0).bind(i64::from(most));
        query.fetch_one(c).await
    })?)
}

/// Leaves of messages, which [`take`] gave, that they were. `content` and `title` stand where theirs stood.
pub async fn empty(
    tx: &mut Tx,
    messages: &[MessageId],
    title: &str,
    content: &str,
    now: Timestamp,
) -> Result<()> {
    let list = tx.dialect().int_list("$1");
    let ids = int_array(messages.iter().map(|id| id.0));
    let text = format!(
        "UPDATE message SET title = $2, content = $3, audience = NULL, personalise = NULL, attributes = '{{}}',
            routing = NULL, reason = NULL, content_removed_at = $4
         WHERE id IN {list}"
    );
    in_tx!(tx, |c| {
        let query = sqlx::query(sql(text)).bind(&ids).bind(title).bind(content).bind(now.0);
        query.execute(c).await.map(drop)
    })?;
    for text in [
        format!(
            "UPDATE message_event SET detail = '{{}}' WHERE message_id IN {list} AND kind NOT IN ({WORDLESS})"
        ),
        format!("DELETE FROM message_print WHERE message_id IN {list}"),
    ] {
        in_tx!(tx, |c| sqlx::query(sql(text)).bind(&ids).execute(c).await.map(drop))?;
    }
    note_event(tx, &ids, "content_removed", now).await?;
    enlist(tx, &ids, Stage::Content).await
}

/// Says of messages, which [`take`] gave, that their deliveries are removed.
pub async fn close(tx: &mut Tx, messages: &[MessageId], now: Timestamp) -> Result<()> {
    let ids = int_array(messages.iter().map(|id| id.0));
    let text =
        format!("UPDATE message SET deliveries_removed_at = $2 WHERE id IN {}", tx.dialect().int_list("$1"));
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(&ids).bind(now.0).execute(c).await.map(drop))?;
    note_event(tx, &ids, "deliveries_removed", now).await?;
    enlist(tx, &ids, Stage::Deliveries).await
}

async fn note_event(tx: &mut Tx, ids: &str, kind: &str, now: Timestamp) -> Result<()> {
    let text = format!(
        "INSERT INTO message_event (message_id, at, kind, detail)
         SELECT id, $2, $3, '{{}}' FROM message WHERE id IN {} ORDER BY id",
        tx.dialect().int_list("$1")
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(ids).bind(now.0).bind(kind).execute(c).await.map(drop))?;
    Ok(())
}

/// Their deliveries are to go the same way.
async fn enlist(tx: &mut Tx, ids: &str, stage: Stage) -> Result<()> {
    let text = format!(
        "INSERT INTO removal (message_id, stage, channel, target)
         SELECT m.id, $2, 0, $3 FROM message m WHERE m.id IN {}
            AND EXISTS (SELECT 1 FROM message_count c WHERE c.message_id = m.id) ORDER BY m.id",
        tx.dialect().int_list("$1")
    );
    in_tx!(tx, |c| {
        sqlx::query(sql(text)).bind(ids).bind(stage.code()).bind(i64::MIN).execute(c).await.map(drop)
    })?;
    Ok(())
}

row! {
    /// A message whose deliveries are being emptied or removed.
    pub struct Removal {
        pub message_id: MessageId,
        pub category: Category,
        /// [`Stage::code`].
        pub stage: i64,
        /// The last that was emptied.
        pub channel: i64,
        pub target: i64,
        /// How many there were.
        pub planned: i64,
    }
}

/// The next that are under way, this transaction's alone.
pub async fn under_way(tx: &mut Tx, limit: u32) -> Result<Vec<Removal>> {
    let states: Vec<_> = State::ALL.iter().map(|state| format!("c.{}", state.name())).collect();
    let text = format!(
        "SELECT r.message_id, (SELECT m.category FROM message m WHERE m.id = r.message_id) AS category,
            r.stage, r.channel, r.target,
            COALESCE((SELECT CAST(sum({}) AS bigint) FROM message_count c
                WHERE c.message_id = r.message_id), 0) AS planned
         FROM removal r ORDER BY r.message_id LIMIT $1 + 0{}",
        states.join(" + "),
        tx.dialect().skip_locked(),
    );
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(i64::from(limit)).fetch_all(c).await)?)
}

/// How many are under way; no more than `most` are counted.
pub async fn left(db: &Db, most: u32) -> Result<i64> {
    let text = "SELECT CAST(count(*) AS bigint) FROM (SELECT 1 AS one FROM removal LIMIT $1 + 0) AS found";
    Ok(in_db!(db, |c| sqlx::query_scalar(text).bind(i64::from(most)).fetch_one(c).await)?)
}

row! {
    /// A delivery, and its place among its message's.
    pub struct Placed {
        pub id: DeliveryId,
        pub message_id: MessageId,
        pub channel: i64,
        pub target: i64,
    }
}

/// All deliveries of these messages.
pub async fn all_of(tx: &mut Tx, messages: &[MessageId]) -> Result<Vec<Placed>> {
    let text = format!(
        "SELECT id, message_id, channel, target FROM delivery WHERE message_id IN {}",
        tx.dialect().int_list("$1")
    );
    let ids = int_array(messages.iter().map(|id| id.0));
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(ids).fetch_all(c).await)?)
}

/// The deliveries of a message behind a place, in the order of their unique index.
pub async fn next(tx: &mut Tx, removal: &Removal, limit: u32) -> Result<Vec<Placed>> {
    let text = "SELECT id, message_id, channel, target FROM delivery
        WHERE message_id = $1 AND (channel, target) > ($2, $3) ORDER BY channel, target LIMIT $4 + 0";
    Ok(in_tx!(tx, |c| {
        sqlx::query_as(text)
            .bind(removal.message_id.0)
            .bind(removal.channel)
            .bind(removal.target)
            .bind(i64::from(limit))
            .fetch_all(c)
            .await
    })?)
}

/// Keeps how far a message's deliveries have come.
pub async fn advance(tx: &mut Tx, message: MessageId, last: &Placed) -> Result<()> {
    let text = "UPDATE removal SET channel = $2, target = $3 WHERE message_id = $1";
    in_tx!(tx, |c| {
        sqlx::query(text).bind(message.0).bind(last.channel).bind(last.target).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Nothing is left to be done for them.
pub async fn finish(tx: &mut Tx, messages: &[MessageId]) -> Result<()> {
    let text = format!("DELETE FROM removal WHERE message_id IN {}", tx.dialect().int_list("$1"));
    let ids = int_array(messages.iter().map(|id| id.0));
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(ids).execute(c).await.map(drop))?;
    Ok(())
}

/// Deliveries, as a list for a statement, that nobody else changes until the transaction ends.
async fn in_hand(tx: &mut Tx, ids: &[DeliveryId]) -> Result<String> {
    let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
    lock_in_order(tx, &ids).await?;
    Ok(int_array(ids.into_iter()))
}

/// Leaves of deliveries whose they were, what became of them and when; nobody asks for anything more about them.
pub async fn blank(tx: &mut Tx, ids: &[DeliveryId]) -> Result<()> {
    let list = tx.dialect().int_list("$1");
    let ids = in_hand(tx, ids).await?;
    for text in [
        format!(
            "UPDATE delivery SET address = NULL, name = NULL, params = NULL, read_at = NULL, repeat_at = NULL,
                poll_at = NULL, trouble = NULL WHERE id IN {list}"
        ),
        format!("DELETE FROM answer WHERE delivery_id IN {list}"),
        format!("DELETE FROM roll_answer WHERE {}", of_roll("roll_answer", &list)),
        format!("UPDATE roll_call SET place = '', words = '' WHERE {}", of_roll("roll_call", &list)),
        format!("DELETE FROM card_update WHERE delivery_id IN {list}"),
        // Providers repeat addresses and texts in what they answer.
        format!("UPDATE attempt SET detail = NULL WHERE delivery_id IN {list} AND detail IS NOT NULL"),
        format!(
            "UPDATE receipt SET detail = NULL, address = NULL WHERE delivery_id IN {list}
                AND (detail IS NOT NULL OR address IS NOT NULL)"
        ),
    ] {
        in_tx!(tx, |c| sqlx::query(sql(text)).bind(&ids).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Removes deliveries with their attempts and receipts. The counters of their messages and days stay, and how many answered
/// what.
pub async fn remove(tx: &mut Tx, ids: &[DeliveryId]) -> Result<()> {
    let list = tx.dialect().int_list("$1");
    let ids = in_hand(tx, ids).await?;
    for text in [
        format!("DELETE FROM roll_answer WHERE {}", of_roll("roll_answer", &list)),
        format!(
            "UPDATE roll_call SET recipient_id = NULL, place = '', words = '' WHERE {}",
            of_roll("roll_call", &list)
        ),
        format!("DELETE FROM delivery WHERE id IN {list}"),
    ] {
        in_tx!(tx, |c| sqlx::query(sql(text)).bind(&ids).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// What was answered to these deliveries, if to the alert that leads: those of one message are taken by and by, and what
/// follows it may have ended earlier.
fn of_roll(table: &str, list: &str) -> String {
    format!(
        "id IN (SELECT a.id FROM delivery d JOIN broadcast_message m ON m.message_id = d.message_id
            JOIN broadcast b ON b.id = m.broadcast_id AND b.follows IS NULL
            JOIN {table} a ON a.broadcast_id = b.id AND a.recipient_id = d.target
         WHERE d.id IN {list} AND m.part = {alert})",
        alert = Part::Alert.code(),
    )
}

row! {
    /// What one rule removed on a campus day.
    pub struct RemovedRow {
        pub day: String,
        /// [`rule`](crate::domain::retention::rule).
        pub rule: String,
        pub messages: i64,
        pub deliveries: i64,
        /// The last of it.
        pub at: Timestamp,
    }
}

/// Adds to what was removed on a day.
pub async fn note(tx: &mut Tx, row: &RemovedRow) -> Result<()> {
    let text = "INSERT INTO removed_day (day, rule, messages, deliveries, at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (day, rule) DO UPDATE SET messages = removed_day.messages + excluded.messages,
            deliveries = removed_day.deliveries + excluded.deliveries, at = excluded.at";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(&row.day)
            .bind(&row.rule)
            .bind(row.messages)
            .bind(row.deliveries)
            .bind(row.at.0)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// What was removed from the day `first` on, the latest day first.
pub async fn removed(db: &Db, first: &str) -> Result<Vec<RemovedRow>> {
    let text = "SELECT day, rule, messages, deliveries, at FROM removed_day WHERE day >= $1
        ORDER BY day DESC, rule";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(first).fetch_all(c).await)?)
}

/// Forgets what was removed before that day.
pub async fn forget(tx: &mut Tx, day: &str) -> Result<u64> {
    let text = "DELETE FROM removed_day WHERE day < $1";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(day).execute(c).await.map(|done| done.rows_affected()))?)
}
