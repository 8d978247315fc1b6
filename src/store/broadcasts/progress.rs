//! How the messages of a broadcast come to people: whom they reached, why not, and how fast.

use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::suppressed::NO_ADDRESS;
use crate::domain::delivery::{RECALLED, State};
use crate::domain::id::MessageId;
use crate::store::{Db, in_db, row, sql, to_json};

/// States of a delivery that arrived with its provider.
fn reached() -> String {
    [State::Sent, State::Delivered].map(|state| state.code().to_string()).join(", ")
}

/// Of a delivery `d`: whoever it is for has, or may have, what it says.
pub(in crate::store) fn may_have_it() -> String {
    let states = [State::Sending, State::Sent, State::Delivered, State::Unknown];
    let states = states.map(|state| state.code().to_string()).join(", ");
    // One that was called back was perhaps read, one that is sent again because no answer came perhaps arrived, and so did one
    // that was in the hands of a process that died. The mark of the last is taken off with the next answer; what stays is the
    // attempt that bears it. It is looked for last, and only where there was one.
    format!(
        "(d.state IN ({states}) OR d.sent_at IS NOT NULL OR d.repeats > 0 OR d.repeated OR d.reason = 'recalled'
            OR (d.attempts > 0 AND EXISTS (SELECT 1 FROM attempt t WHERE t.delivery_id = d.id AND t.repeated)))"
    )
}

row! {
    /// People that a broadcast's messages were planned for.
    pub struct PeopleRow {
        pub planned: i64,
        /// On at least one channel.
        pub reached: i64,
    }
}

/// How many people were planned for and how many reached on at least one channel, by these messages together.
pub async fn people(db: &Db, messages: &[MessageId]) -> Result<PeopleRow> {
    let ids: Vec<i64> = messages.iter().map(|id| id.0).collect();
    let text = format!(
        "SELECT CAST(count(*) AS bigint) AS planned, CAST(COALESCE(sum(t.reached), 0) AS bigint) AS reached FROM (
            SELECT d.target, max(CASE WHEN d.state IN ({reached}) THEN 1 ELSE 0 END) AS reached
            FROM delivery d WHERE {mine} GROUP BY d.target) AS t",
        reached = reached(),
        mine = db.dialect().is_among("d.message_id", "$1"),
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(to_json(&ids)?).fetch_one(c).await)?)
}

row! {
    /// Deliveries that went wrong, or to nobody, for one reason.
    pub struct ReasonRow {
        pub channel: ChannelKind,
        pub state: State,
        pub reason: Option<String>,
        pub n: i64,
    }
}

/// Why deliveries of these messages did not arrive, the most frequent first.
pub async fn reasons(db: &Db, messages: &[MessageId]) -> Result<Vec<ReasonRow>> {
    let ids: Vec<i64> = messages.iter().map(|id| id.0).collect();
    let text = format!(
        "SELECT d.channel, d.state, d.reason, CAST(count(*) AS bigint) AS n FROM delivery d
         WHERE {mine} AND d.state >= 4 GROUP BY d.channel, d.state, d.reason
         ORDER BY n DESC, d.channel, d.state, d.reason LIMIT 50",
        mine = db.dialect().is_among("d.message_id", "$1"),
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(to_json(&ids)?).fetch_all(c).await)?)
}

/// How many deliveries of a message were called back.
pub async fn recalled(db: &Db, message: MessageId) -> Result<i64> {
    let text = format!(
        "SELECT CAST(count(*) AS bigint) FROM delivery WHERE message_id = $1 AND state >= 4 AND reason = '{RECALLED}'"
    );
    let n: i64 = in_db!(db, |c| sqlx::query_scalar(sql(text)).bind(message.0).fetch_one(c).await)?;
    Ok(n)
}

row! {
    /// When a channel's deliveries were handed over, and what of them is not.
    pub struct PaceRow {
        pub channel: ChannelKind,
        pub first_at: Option<Timestamp>,
        pub last_at: Option<Timestamp>,
        pub handed: i64,
        /// When that was due which has been due for longest and is not handed over, or is being handed over. `None`: nothing
        /// is; what waits for another try is due when its time has come.
        pub due_since: Option<Timestamp>,
        /// For which nobody has an address.
        pub no_address: i64,
        /// That were called back.
        pub recalled: i64,
    }
}

/// Since when and until when each channel handed over, and what of it is due by `now`: all by one walk through the deliveries, as
/// whoever watches asks every second.
pub async fn pace(db: &Db, messages: &[MessageId], now: Timestamp) -> Result<Vec<PaceRow>> {
    let ids: Vec<i64> = messages.iter().map(|id| id.0).collect();
    let text = format!(
        "SELECT d.channel, min(d.sent_at) AS first_at, max(d.sent_at) AS last_at, CAST(count(d.sent_at) AS bigint) AS handed,
            min(CASE WHEN d.state = 1 OR (d.state = 0 AND d.due_at <= $2) THEN d.due_at END) AS due_since,
            CAST(count(CASE WHEN d.reason = '{NO_ADDRESS}' THEN 1 END) AS bigint) AS no_address,
            CAST(count(CASE WHEN d.reason = '{RECALLED}' THEN 1 END) AS bigint) AS recalled
         FROM delivery d WHERE {mine} GROUP BY d.channel ORDER BY d.channel",
        mine = db.dialect().is_among("d.message_id", "$1"),
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(to_json(&ids)?).bind(now.0).fetch_all(c).await)?)
}

/// Whether people of one of these messages are still to be planned.
pub async fn is_planning(db: &Db, messages: &[MessageId]) -> Result<bool> {
    let ids: Vec<i64> = messages.iter().map(|id| id.0).collect();
    let text = format!(
        "SELECT CAST(count(*) AS bigint) FROM message WHERE id IN {} AND status <= 2",
        db.dialect().int_list("$1")
    );
    let n: i64 = in_db!(db, |c| sqlx::query_scalar(sql(text)).bind(to_json(&ids)?).fetch_one(c).await)?;
    Ok(n > 0)
}

row! {
    /// When deliveries of some messages were handed over.
    pub struct TimesRow {
        /// The first attempt began.
        pub first_call: Option<Timestamp>,
        /// Half of so many people had been handed it on at least one channel.
        pub half: Option<Timestamp>,
        /// The last was handed over.
        pub last: Option<Timestamp>,
    }
}

/// When deliveries of these messages, which are for so many people, were handed over.
pub async fn times(db: &Db, messages: &[MessageId], people: i64) -> Result<TimesRow> {
    let ids = to_json(&messages.iter().map(|id| id.0).collect::<Vec<_>>())?;
    let mine = db.dialect().is_among("d.message_id", "$1");
    let text = format!(
        "SELECT
            (SELECT min(a.started_at) FROM attempt a JOIN delivery d ON d.id = a.delivery_id
                WHERE {mine}) AS first_call,
            (SELECT t.at FROM (SELECT min(d.sent_at) AS at FROM delivery d WHERE {mine} GROUP BY d.target) AS t
                WHERE t.at IS NOT NULL ORDER BY t.at LIMIT 1 OFFSET $2 + 0) AS half,
            (SELECT max(d.sent_at) FROM delivery d WHERE {mine}) AS last"
    );
    let half = (people + 1) / 2 - 1;
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(ids).bind(half.max(0)).fetch_one(c).await)?)
}

row! {
    /// How a channel handed deliveries over.
    pub struct ChannelTimesRow {
        pub channel: ChannelKind,
        /// The last was handed over.
        pub last: Timestamp,
        /// The longest that it handed over nothing before that, in milliseconds.
        pub standstill_ms: i64,
    }
}

/// How each channel handed over deliveries of these messages, which went out at `since`. Channels that handed over nothing
/// are not among them.
pub async fn channel_times(
    db: &Db,
    messages: &[MessageId],
    since: Timestamp,
) -> Result<Vec<ChannelTimesRow>> {
    let ids = to_json(&messages.iter().map(|id| id.0).collect::<Vec<_>>())?;
    let text = format!(
        "SELECT channel, max(sent_at) AS last, max(gap) AS standstill_ms FROM (
            SELECT d.channel, d.sent_at,
                d.sent_at - COALESCE(LAG(d.sent_at) OVER (PARTITION BY d.channel ORDER BY d.sent_at), $2) AS gap
            FROM delivery d WHERE {mine} AND d.sent_at IS NOT NULL) AS handed
         GROUP BY channel ORDER BY channel",
        mine = db.dialect().is_among("d.message_id", "$1"),
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(ids).bind(since.0).fetch_all(c).await)?)
}
