//! Broadcasts: one run of a scenario each, with all that was done to it and the messages it sent.

use serde_json::Value;

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery;
use crate::domain::emergency::{Act, HandKind, Level, Overridden, Part, Plan, Run, State};
use crate::domain::id::{BroadcastId, MessageId, OperatorId, SourceId};
use crate::domain::message::Status;
use crate::{Error, Result};

row! {
    pub struct BroadcastRow {
        pub id: BroadcastId,
        /// Its slug; `None`: words of its own.
        pub scenario: Option<String>,
        /// Whose people it tells more.
        pub follows: Option<BroadcastId>,
        pub run: Run,
        pub level: Level,
        pub state: State,
        pub plan: JsonText<Plan>,
        pub hand: HandKind,
        pub operator_id: Option<OperatorId>,
        pub source_id: Option<SourceId>,
        pub pressed_by: String,
        /// Perhaps empty.
        pub note: String,
        /// Why it was turned down or given back.
        pub reason: Option<String>,
        /// Rises with everything that is done to it.
        pub version: i64,
        pub may_override: bool,
        /// From when whoever began it may go on alone.
        pub override_at: Option<Timestamp>,
        pub overridden: Overridden,
        pub created_at: Timestamp,
        pub live_at: Option<Timestamp>,
        pub ended_at: Option<Timestamp>,
        pub expires_at: Timestamp,
        pub next_at: Option<Timestamp>,
    }
}

/// One about to be kept.
#[derive(Clone, Debug)]
pub struct NewBroadcast<'a> {
    pub scenario: Option<&'a str>,
    pub follows: Option<BroadcastId>,
    pub run: Run,
    pub level: Level,
    pub state: State,
    pub plan: &'a Plan,
    pub open_key: &'a str,
    pub hand: HandKind,
    pub operator: Option<OperatorId>,
    pub source: Option<SourceId>,
    pub pressed_by: &'a str,
    pub note: &'a str,
    pub may_override: bool,
    pub override_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub live_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    pub next_at: Option<Timestamp>,
    /// Others are to be told of it.
    pub untold_since: Option<Timestamp>,
}

const COLUMNS: &str = "b.id, b.scenario, b.follows, b.run, b.level, b.state, b.plan, b.hand, b.operator_id, b.source_id, b.pressed_by,
    b.note, b.reason, b.version, b.may_override, b.override_at, b.overridden, b.created_at, b.live_at, b.ended_at,
    b.expires_at, b.next_at";

/// `None` where one with the same key is open.
pub async fn insert(tx: &mut Tx, new: &NewBroadcast<'_>) -> Result<Option<BroadcastId>> {
    let text = "INSERT INTO broadcast (scenario, run, level, state, plan, open_key, hand, operator_id, source_id, pressed_by,
            note, version, may_override, override_at, created_at, live_at, expires_at, next_at, follows, untold_since)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $13, $14, $15, $16, $17, $18, $19)
        ON CONFLICT (open_key) WHERE open_key IS NOT NULL DO NOTHING RETURNING id";
    let plan = to_json(new.plan)?;
    let id: Option<i64> = in_tx!(tx, |c| {
        sqlx::query_scalar(text)
            .bind(new.scenario)
            .bind(new.run.code())
            .bind(new.level.code())
            .bind(new.state.code())
            .bind(plan)
            .bind(new.open_key)
            .bind(new.hand.code())
            .bind(new.operator.map(|id| id.0))
            .bind(new.source.map(|id| id.0))
            .bind(new.pressed_by)
            .bind(new.note)
            .bind(new.may_override)
            .bind(new.override_at.map(|at| at.0))
            .bind(new.created_at.0)
            .bind(new.live_at.map(|at| at.0))
            .bind(new.expires_at.0)
            .bind(new.next_at.map(|at| at.0))
            .bind(new.follows.map(|id| id.0))
            .bind(new.untold_since.map(|at| at.0))
            .fetch_optional(c)
            .await
    })?;
    Ok(id.map(BroadcastId))
}

/// The open one with this key, locked until the transaction ends.
pub async fn open_with_key(tx: &mut Tx, open_key: &str) -> Result<Option<BroadcastRow>> {
    let lock = tx.dialect().lock_of("b");
    let text = format!("SELECT {COLUMNS} FROM broadcast b WHERE b.open_key = $1{lock}");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(open_key).fetch_optional(c).await)?)
}

/// The broadcast, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: BroadcastId) -> Result<Option<BroadcastRow>> {
    let lock = tx.dialect().lock_of("b");
    let text = format!("SELECT {COLUMNS} FROM broadcast b WHERE b.id = $1{lock}");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

pub async fn find(db: &Db, id: BroadcastId) -> Result<Option<BroadcastRow>> {
    let text = format!("SELECT {COLUMNS} FROM broadcast b WHERE b.id = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// Those that wait for somebody, are being sent, or were sent alone and not looked at; the gravest first.
pub async fn waiting(db: &Db) -> Result<Vec<BroadcastRow>> {
    let text = format!(
        "SELECT {COLUMNS} FROM broadcast b WHERE b.state IN (1, 2, 3, 4) OR b.overridden = 1
         ORDER BY b.level, b.id DESC LIMIT 200"
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?)
}

/// A red alert to real people that began at `since` or later has deliveries that are not handed over yet.
pub async fn red_goes_out(db: &Db, since: Timestamp) -> Result<bool> {
    let (live, drill, red) = (State::Live.code(), Run::Drill.code(), Level::Red.code());
    let (routing, sending) = (Status::Routing.code(), Status::Sending.code());
    let text = format!(
        "SELECT EXISTS (SELECT 1 FROM broadcast b
            JOIN broadcast_message bm ON bm.broadcast_id = b.id
            JOIN message m ON m.id = bm.message_id
         WHERE b.state = {live} AND b.level = {red} AND b.run <> {drill} AND b.live_at >= $1
            AND m.status IN ({routing}, {sending}))"
    );
    Ok(in_db!(db, |c| sqlx::query_scalar(sql(text)).bind(since.0).fetch_one(c).await)?)
}

/// The newest before `before`; at most `limit`. `run`: only such.
pub async fn list(
    db: &Db,
    run: Option<Run>,
    before: Option<BroadcastId>,
    limit: u32,
) -> Result<Vec<BroadcastRow>> {
    let text = format!(
        "SELECT {COLUMNS} FROM broadcast b WHERE (CAST($1 AS bigint) = 0 OR b.run = $1) AND b.id < $2
         ORDER BY b.id DESC LIMIT $3 + 0"
    );
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text))
            .bind(run.map_or(0, Run::code))
            .bind(before.map_or(i64::MAX, |id| id.0))
            .bind(i64::from(limit))
            .fetch_all(c)
            .await
    })?)
}

/// The newest of a source before `before`; at most `limit`.
pub async fn list_of(
    db: &Db,
    source: SourceId,
    before: Option<BroadcastId>,
    limit: u32,
) -> Result<Vec<BroadcastRow>> {
    let text = format!(
        "SELECT {COLUMNS} FROM broadcast b WHERE b.source_id = $1 AND b.id < $2 ORDER BY b.id DESC LIMIT $3 + 0"
    );
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text))
            .bind(source.0)
            .bind(before.map_or(i64::MAX, |id| id.0))
            .bind(i64::from(limit))
            .fetch_all(c)
            .await
    })?)
}

/// Writes where a broadcast stands, as it is in `row` now, and that its version rose.
/// A conflict where another with the key is open.
pub async fn update(tx: &mut Tx, row: &BroadcastRow, open_key: Option<&str>) -> Result<()> {
    let text = "UPDATE broadcast SET state = $2, plan = $3, open_key = $4, reason = $5, version = version + 1,
            override_at = $6, overridden = $7, live_at = $8, ended_at = $9, expires_at = $10, next_at = $11, note = $12
        WHERE id = $1";
    let plan = to_json(&row.plan.0)?;
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(row.id.0)
            .bind(row.state.code())
            .bind(plan)
            .bind(open_key)
            .bind(row.reason.as_deref())
            .bind(row.override_at.map(|at| at.0))
            .bind(row.overridden.code())
            .bind(row.live_at.map(|at| at.0))
            .bind(row.ended_at.map(|at| at.0))
            .bind(row.expires_at.0)
            .bind(row.next_at.map(|at| at.0))
            .bind(&row.note)
            .execute(c)
            .await
            .map(drop)
    })
    .map_err(|error: sqlx::Error| match &error {
        sqlx::Error::Database(why) if why.is_unique_violation() => {
            Error::conflict("broadcast_open", "the same broadcast is open already")
        }
        _ => error.into(),
    })
}

row! {
    struct DueRow {
        id: BroadcastId,
    }
}

/// Those to which time has to do something by now, the longest overdue first.
pub async fn due(db: &Db, now: Timestamp, limit: i64) -> Result<Vec<BroadcastId>> {
    let text = "SELECT id FROM broadcast WHERE next_at IS NOT NULL AND next_at <= $1 ORDER BY next_at, id LIMIT $2 + 0";
    let rows: Vec<DueRow> = in_db!(db, |c| sqlx::query_as(text).bind(now.0).bind(limit).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

row! {
    /// One thing that was done.
    pub struct ActRow {
        pub id: i64,
        pub at: Timestamp,
        pub act: Act,
        pub operator_id: Option<OperatorId>,
        pub done_by: String,
        pub done_from: Option<String>,
        pub detail: JsonText<Value>,
    }
}

/// One about to be kept.
#[derive(Clone, Debug)]
pub struct NewAct<'a> {
    pub act: Act,
    pub operator: Option<OperatorId>,
    pub by: &'a str,
    pub from: Option<&'a str>,
    pub detail: &'a Value,
}

pub async fn note(tx: &mut Tx, id: BroadcastId, at: Timestamp, new: &NewAct<'_>) -> Result<()> {
    let text = "INSERT INTO broadcast_act (broadcast_id, at, act, operator_id, done_by, done_from, detail)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let detail = new.detail.to_string();
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(id.0)
            .bind(at.0)
            .bind(new.act.code())
            .bind(new.operator.map(|id| id.0))
            .bind(new.by)
            .bind(new.from)
            .bind(detail)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// All that was done, in its order.
pub async fn acts(db: &Db, id: BroadcastId) -> Result<Vec<ActRow>> {
    let text = "SELECT id, at, act, operator_id, done_by, done_from, detail FROM broadcast_act
        WHERE broadcast_id = $1 ORDER BY id";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(id.0).fetch_all(c).await)?)
}

/// Others are to be told of a broadcast: it waits for them, or went out.
pub async fn be_untold(tx: &mut Tx, id: BroadcastId, now: Timestamp) -> Result<()> {
    let text = "UPDATE broadcast SET untold_since = $2 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Others are told of a broadcast that stands so, in this transaction; false where somebody else told them, or it stands
/// otherwise by now.
pub async fn be_told(tx: &mut Tx, id: BroadcastId, state: State) -> Result<bool> {
    let text =
        "UPDATE broadcast SET untold_since = NULL WHERE id = $1 AND state = $2 AND untold_since IS NOT NULL";
    let n = in_tx!(tx, |c| {
        sqlx::query(text).bind(id.0).bind(state.code()).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(n > 0)
}

/// Those of which others were to be told by `before`, the longest ago first; at most `limit`.
pub async fn untold(db: &Db, before: Timestamp, limit: i64) -> Result<Vec<BroadcastId>> {
    let text = "SELECT id FROM broadcast WHERE untold_since IS NOT NULL AND untold_since <= $1
        ORDER BY untold_since, id LIMIT $2 + 0";
    let rows: Vec<DueRow> =
        in_db!(db, |c| sqlx::query_as(text).bind(before.0).bind(limit).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Whether an operator had a hand in what a broadcast sends.
pub async fn had_a_hand(tx: &mut Tx, id: BroadcastId, operator: OperatorId) -> Result<bool> {
    did(tx, id, operator, Act::has_a_hand_in_it).await
}

/// Whether an operator pressed the same while it was open.
pub async fn attached(tx: &mut Tx, id: BroadcastId, operator: OperatorId) -> Result<bool> {
    did(tx, id, operator, |act| act == Act::Attach).await
}

async fn did(
    tx: &mut Tx,
    id: BroadcastId,
    operator: OperatorId,
    one_of: impl Fn(Act) -> bool,
) -> Result<bool> {
    let acts: Vec<_> =
        Act::ALL.iter().filter(|act| one_of(**act)).map(|act| act.code().to_string()).collect();
    let text = format!(
        "SELECT CAST(count(*) AS bigint) FROM broadcast_act WHERE broadcast_id = $1 AND operator_id = $2
         AND act IN ({})",
        acts.join(", ")
    );
    let n: i64 =
        in_tx!(tx, |c| sqlx::query_scalar(sql(text)).bind(id.0).bind(operator.0).fetch_one(c).await)?;
    Ok(n > 0)
}

pub async fn add_message(tx: &mut Tx, id: BroadcastId, part: Part, message: MessageId) -> Result<()> {
    let text = "INSERT INTO broadcast_message (message_id, broadcast_id, part) VALUES ($1, $2, $3)";
    in_tx!(tx, |c| {
        sqlx::query(text).bind(message.0).bind(id.0).bind(part.code()).execute(c).await.map(drop)
    })?;
    Ok(())
}

row! {
    /// A message a broadcast sent.
    pub struct SentRow {
        pub message_id: MessageId,
        pub part: Part,
    }
}

/// What a broadcast sent, in its order.
pub async fn messages(db: &Db, id: BroadcastId) -> Result<Vec<SentRow>> {
    let text = "SELECT message_id, part FROM broadcast_message WHERE broadcast_id = $1 ORDER BY message_id";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(id.0).fetch_all(c).await)?)
}

row! {
    /// A message that told people of a broadcast what happens.
    struct ToldRow {
        message_id: MessageId,
    }
}

fn told_text() -> String {
    let parts = [Part::Alert, Part::Update, Part::Escalation].map(|part| part.code().to_string()).join(", ");
    format!(
        "SELECT m.message_id FROM broadcast_message m JOIN broadcast b ON b.id = m.broadcast_id
         WHERE (b.id = $1 OR b.follows = $1) AND m.part IN ({parts}) ORDER BY m.message_id"
    )
}

/// Everything that told people of a broadcast, by itself or by what follows it, in its order: not that it was false or is
/// over.
pub async fn told_by(db: &Db, id: BroadcastId) -> Result<Vec<MessageId>> {
    let rows: Vec<ToldRow> = in_db!(db, |c| sqlx::query_as(sql(told_text())).bind(id.0).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| row.message_id).collect())
}

/// As [`told_by`], with what this transaction wrote.
pub async fn told_by_in(tx: &mut Tx, id: BroadcastId) -> Result<Vec<MessageId>> {
    let rows: Vec<ToldRow> = in_tx!(tx, |c| sqlx::query_as(sql(told_text())).bind(id.0).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| row.message_id).collect())
}

/// Whether anybody was told of a broadcast, or of what follows it, by an escalation, with what this transaction wrote.
pub async fn escalated_in(tx: &mut Tx, id: BroadcastId) -> Result<bool> {
    let text = format!(
        "SELECT CAST(count(*) AS bigint) FROM broadcast_message m JOIN broadcast b ON b.id = m.broadcast_id
         WHERE (b.id = $1 OR b.follows = $1) AND m.part = {}",
        Part::Escalation.code()
    );
    let n: i64 = in_tx!(tx, |c| sqlx::query_scalar(sql(text)).bind(id.0).fetch_one(c).await)?;
    Ok(n > 0)
}

/// What follows a broadcast, the oldest first.
pub async fn following(db: &Db, id: BroadcastId) -> Result<Vec<BroadcastRow>> {
    let text = format!("SELECT {COLUMNS} FROM broadcast b WHERE b.follows = $1 ORDER BY b.id");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_all(c).await)?)
}

/// As [`messages`], with what this transaction wrote.
pub async fn messages_in(tx: &mut Tx, id: BroadcastId) -> Result<Vec<SentRow>> {
    let text = "SELECT message_id, part FROM broadcast_message WHERE broadcast_id = $1 ORDER BY message_id";
    Ok(in_tx!(tx, |c| sqlx::query_as(text).bind(id.0).fetch_all(c).await)?)
}

row! {
    /// Which broadcast a message belongs to.
    pub struct OfRow {
        pub broadcast_id: BroadcastId,
        pub part: Part,
    }
}

/// The broadcast that sent a message, if one did.
pub async fn of_message(db: &Db, message: MessageId) -> Result<Option<OfRow>> {
    let text = "SELECT broadcast_id, part FROM broadcast_message WHERE message_id = $1";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(message.0).fetch_optional(c).await)?)
}

/// As [`of_message`], in this transaction.
pub async fn of_message_in(tx: &mut Tx, message: MessageId) -> Result<Option<OfRow>> {
    let text = "SELECT broadcast_id, part FROM broadcast_message WHERE message_id = $1";
    Ok(in_tx!(tx, |c| sqlx::query_as(text).bind(message.0).fetch_optional(c).await)?)
}

/// States of a delivery that arrived with its provider.
fn reached() -> String {
    [delivery::State::Sent, delivery::State::Delivered].map(|state| state.code().to_string()).join(", ")
}

/// Of a delivery `d`: whoever it is for has, or may have, what it says.
pub(super) fn may_have_it() -> String {
    let states = [
        delivery::State::Sending,
        delivery::State::Sent,
        delivery::State::Delivered,
        delivery::State::Unknown,
    ];
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
            FROM delivery d WHERE d.message_id IN {ids} GROUP BY d.target) AS t",
        reached = reached(),
        ids = db.dialect().int_list("$1"),
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(to_json(&ids)?).fetch_one(c).await)?)
}

row! {
    /// Deliveries that went wrong, or to nobody, for one reason.
    pub struct ReasonRow {
        pub channel: ChannelKind,
        pub state: delivery::State,
        pub reason: Option<String>,
        pub n: i64,
    }
}

/// Why deliveries of these messages did not arrive, the most frequent first.
pub async fn reasons(db: &Db, messages: &[MessageId]) -> Result<Vec<ReasonRow>> {
    let ids: Vec<i64> = messages.iter().map(|id| id.0).collect();
    let text = format!(
        "SELECT d.channel, d.state, d.reason, CAST(count(*) AS bigint) AS n FROM delivery d
         WHERE d.message_id IN {ids} AND d.state >= 4 GROUP BY d.channel, d.state, d.reason
         ORDER BY n DESC, d.channel, d.state, d.reason LIMIT 50",
        ids = db.dialect().int_list("$1"),
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(to_json(&ids)?).fetch_all(c).await)?)
}

row! {
    /// When a channel's deliveries were handed over.
    pub struct PaceRow {
        pub channel: ChannelKind,
        pub first_at: Option<Timestamp>,
        pub last_at: Option<Timestamp>,
        pub handed: i64,
    }
}

/// Since when and until when each channel handed over.
pub async fn pace(db: &Db, messages: &[MessageId]) -> Result<Vec<PaceRow>> {
    let ids: Vec<i64> = messages.iter().map(|id| id.0).collect();
    let text = format!(
        "SELECT d.channel, min(d.sent_at) AS first_at, max(d.sent_at) AS last_at, CAST(count(d.sent_at) AS bigint) AS handed
         FROM delivery d WHERE d.message_id IN {ids} GROUP BY d.channel ORDER BY d.channel",
        ids = db.dialect().int_list("$1"),
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(to_json(&ids)?).fetch_all(c).await)?)
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
    let list = db.dialect().int_list("$1");
    let text = format!(
        "SELECT
            (SELECT min(a.started_at) FROM attempt a JOIN delivery d ON d.id = a.delivery_id
                WHERE d.message_id IN {list}) AS first_call,
            (SELECT t.at FROM (SELECT min(d.sent_at) AS at FROM delivery d WHERE d.message_id IN {list} GROUP BY d.target) AS t
                WHERE t.at IS NOT NULL ORDER BY t.at LIMIT 1 OFFSET $2 + 0) AS half,
            (SELECT max(d.sent_at) FROM delivery d WHERE d.message_id IN {list}) AS last"
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
            FROM delivery d WHERE d.message_id IN {} AND d.sent_at IS NOT NULL) AS handed
         GROUP BY channel ORDER BY channel",
        db.dialect().int_list("$1")
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(ids).bind(since.0).fetch_all(c).await)?)
}
