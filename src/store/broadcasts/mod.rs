//! Broadcasts: one run of a scenario each, with all that was done to it and the messages it sent.

mod acts;
mod progress;
mod sent;

pub use self::acts::{ActRow, NewAct, acts, attached, had_a_hand, note};
pub(super) use self::progress::may_have_it;
pub use self::progress::{
    ChannelTimesRow, PaceRow, PeopleRow, ReasonRow, TimesRow, channel_times, is_planning, pace, people,
    reasons, recalled, times,
};
pub use self::sent::{
    OfRow, SentRow, add_message, escalated_in, messages, messages_in, of_message, of_message_in, told_by,
    told_by_in,
};
use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::clock::Timestamp;
use crate::domain::emergency::{HandKind, Level, Overridden, Part, Plan, Run, State};
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

/// Those that wait for somebody, are being sent, or were sent alone and not looked at; what is real before drills, and the
/// gravest first. At most 200, so that no number of drills hides what is real.
pub async fn waiting(db: &Db) -> Result<Vec<BroadcastRow>> {
    let text = format!(
        "SELECT {COLUMNS} FROM broadcast b WHERE b.state IN (1, 2, 3, 4) OR b.overridden = 1
         ORDER BY CASE WHEN b.run = {drill} THEN 1 ELSE 0 END, b.level, b.id DESC LIMIT 200",
        drill = Run::Drill.code()
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?)
}

/// A red alert to real people that began at `since` or later has deliveries that are not handed over yet.
pub async fn red_goes_out(db: &Db, since: Timestamp) -> Result<bool> {
    let (text, first) = (format!("SELECT {}", red_goes_out_from("$1")), MessageId::first_at(since));
    Ok(in_db!(db, |c| sqlx::query_scalar(sql(text)).bind(first.0).fetch_one(c).await)?)
}

/// Whether that goes out by a message whose id is no lower than this parameter.
pub(in crate::store) fn red_goes_out_from(first: &str) -> String {
    let (live, drill, red) = (State::Live.code(), Run::Drill.code(), Level::Red.code());
    let [correction, all_clear] = [Part::Correction, Part::AllClear].map(Part::code);
    let [accepted, routing, sending] = [Status::Accepted, Status::Routing, Status::Sending].map(Status::code);
    format!(
        "EXISTS (SELECT 1 FROM broadcast_message bm
            JOIN broadcast b ON b.id = bm.broadcast_id
            JOIN message m ON m.id = bm.message_id
         WHERE bm.message_id >= {first} AND b.level = {red} AND b.run <> {drill}
            AND (b.state = {live} OR bm.part IN ({correction}, {all_clear}))
            AND m.status IN ({accepted}, {routing}, {sending}))"
    )
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

/// Those to which time has to do something by now, what is real before drills, and the longest overdue first.
pub async fn due(db: &Db, now: Timestamp, limit: i64) -> Result<Vec<BroadcastId>> {
    let text = format!(
        "SELECT id FROM broadcast WHERE next_at IS NOT NULL AND next_at <= $1
         ORDER BY CASE WHEN run = {drill} THEN 1 ELSE 0 END, next_at, id LIMIT $2 + 0",
        drill = Run::Drill.code()
    );
    let rows: Vec<DueRow> =
        in_db!(db, |c| sqlx::query_as(sql(text)).bind(now.0).bind(limit).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
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

/// What follows a broadcast, the oldest first.
pub async fn following(db: &Db, id: BroadcastId) -> Result<Vec<BroadcastRow>> {
    let text = format!("SELECT {COLUMNS} FROM broadcast b WHERE b.follows = $1 ORDER BY b.id");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_all(c).await)?)
}
