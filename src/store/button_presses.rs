//! What came from alarm buttons: each number of a device once, with what it was answered. A press that is to become a
//! broadcast is due at some moment until it did.

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::button::{Led, Prepared, Signal};
use crate::domain::emergency::State;
use crate::domain::id::{BroadcastId, ButtonId, ButtonKeyId, ButtonPressId};

row! {
    pub struct PressRow {
        pub id: ButtonPressId,
        pub button_id: ButtonId,
        pub key_id: ButtonKeyId,
        pub seq: i64,
        pub signal: Signal,
        /// When it came.
        pub at: Timestamp,
        /// When it was, says the device.
        pub said_at: Option<Timestamp>,
        pub done_from: String,
        /// What was answered.
        pub led: Led,
        /// The press a moment before that it belongs to.
        pub joins: Option<ButtonPressId>,
        /// What it sends.
        pub prepared: Option<JsonText<Prepared>>,
        /// When it goes out; none: it has, or never will.
        pub due_at: Option<Timestamp>,
        pub broadcast_id: Option<BroadcastId>,
        pub cancelled_at: Option<Timestamp>,
    }
}

impl PressRow {
    /// It is to become a broadcast, and has not yet.
    pub const fn is_to_go_out(&self) -> bool {
        self.prepared.is_some()
            && self.due_at.is_some()
            && self.broadcast_id.is_none()
            && self.cancelled_at.is_none()
    }

    /// It is kept with a broadcast that was begun with other choices: nobody is told of its own.
    pub fn differs(&self) -> bool {
        self.broadcast_id.is_some()
            && match &self.prepared {
                Some(prepared) => prepared.0.differs,
                None => self.joins.is_some() && self.led == Led::Accepted,
            }
    }
}

const COLUMNS: &str = "id, button_id, key_id, seq, signal, at, said_at, done_from, led, joins, prepared, due_at, broadcast_id, cancelled_at";

/// One about to be kept.
#[derive(Clone, Debug)]
pub struct NewPress<'a> {
    pub button: ButtonId,
    pub key: ButtonKeyId,
    pub seq: i64,
    pub signal: Signal,
    pub at: Timestamp,
    pub said_at: Option<Timestamp>,
    pub from: &'a str,
    pub led: Led,
    pub joins: Option<ButtonPressId>,
    pub prepared: Option<&'a Prepared>,
    pub due_at: Option<Timestamp>,
    pub broadcast: Option<BroadcastId>,
}

pub async fn insert(tx: &mut Tx, new: &NewPress<'_>) -> Result<ButtonPressId> {
    let text = "INSERT INTO button_press (button_id, key_id, seq, signal, at, said_at, done_from, led, joins, prepared, due_at,
            broadcast_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id";
    let prepared = new.prepared.map(to_json).transpose()?;
    let id: i64 = in_tx!(tx, |c| {
        sqlx::query_scalar(text)
            .bind(new.button.0)
            .bind(new.key.0)
            .bind(new.seq)
            .bind(new.signal.code())
            .bind(new.at.0)
            .bind(new.said_at.map(|at| at.0))
            .bind(new.from)
            .bind(new.led.code())
            .bind(new.joins.map(|id| id.0))
            .bind(prepared)
            .bind(new.due_at.map(|at| at.0))
            .bind(new.broadcast.map(|id| id.0))
            .fetch_one(c)
            .await
    })?;
    Ok(ButtonPressId(id))
}

/// What came with that number of a key.
pub async fn find_seq(tx: &mut Tx, key: ButtonKeyId, seq: i64) -> Result<Option<PressRow>> {
    let text = format!("SELECT {COLUMNS} FROM button_press WHERE key_id = $1 AND seq = $2");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(key.0).bind(seq).fetch_optional(c).await)?)
}

pub async fn find(db: &Db, id: ButtonPressId) -> Result<Option<PressRow>> {
    let text = format!("SELECT {COLUMNS} FROM button_press WHERE id = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// The button's latest press after `since` that went out or is going to, and was not called off.
pub async fn latest(tx: &mut Tx, button: ButtonId, since: Timestamp) -> Result<Option<PressRow>> {
    let text = format!(
        "SELECT {COLUMNS} FROM button_press WHERE button_id = $1 AND at > $2 AND prepared IS NOT NULL
         AND cancelled_at IS NULL AND (due_at IS NOT NULL OR broadcast_id IS NOT NULL) ORDER BY id DESC LIMIT 1"
    );
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(button.0).bind(since.0).fetch_optional(c).await)?)
}

/// Presses that are with a broadcast which is being sent still.
const LIVE: &str = "prepared IS NOT NULL
    AND broadcast_id IN (SELECT broadcast.id FROM broadcast WHERE broadcast.state = $1)";

/// The broadcast of the button's latest press after `since` that became one which is being sent still.
pub async fn latest_live(tx: &mut Tx, button: ButtonId, since: Timestamp) -> Result<Option<BroadcastId>> {
    let text = format!(
        "SELECT {COLUMNS} FROM button_press WHERE button_id = $2 AND at > $3 AND {LIVE} ORDER BY id DESC LIMIT 100"
    );
    let rows: Vec<PressRow> = in_tx!(tx, |c| {
        let query = sqlx::query_as(sql(text)).bind(State::Live.code()).bind(button.0).bind(since.0);
        query.fetch_all(c).await
    })?;
    Ok(rows.into_iter().find(|row| !row.differs()).and_then(|row| row.broadcast_id))
}

/// Presses after `since` that are kept with a broadcast which was begun with other choices and is being sent still; the
/// latest first.
pub async fn differing(db: &Db, since: Timestamp) -> Result<Vec<PressRow>> {
    let text = format!(
        "SELECT {COLUMNS} FROM button_press WHERE at > $2 AND {LIVE} AND led = $3 ORDER BY id DESC LIMIT 100"
    );
    let rows: Vec<PressRow> = in_db!(db, |c| {
        let query = sqlx::query_as(sql(text)).bind(State::Live.code()).bind(since.0);
        query.bind(Led::Accepted.code()).fetch_all(c).await
    })?;
    Ok(rows.into_iter().filter(PressRow::differs).collect())
}

row! {
    /// What a device said of the time when it said something last.
    pub struct SaidRow {
        pub button_id: ButtonId,
        /// When it came.
        pub at: Timestamp,
        /// When it was, says the device.
        pub said_at: Option<Timestamp>,
    }
}

/// The latest that was taken by each key of every button, the oldest first.
pub async fn said_last(db: &Db) -> Result<Vec<SaidRow>> {
    let text = "SELECT button_press.button_id, button_press.at, button_press.said_at FROM button_key
        JOIN button_press ON button_press.key_id = button_key.id AND button_press.seq = button_key.last_seq
        ORDER BY button_press.at, button_press.id";
    Ok(in_db!(db, |c| sqlx::query_as(text).fetch_all(c).await)?)
}

/// It became this broadcast, and its device is shown that. False where it became one before, or was called off.
pub async fn fire(tx: &mut Tx, id: ButtonPressId, broadcast: BroadcastId, led: Led) -> Result<bool> {
    let text = "UPDATE button_press SET broadcast_id = $2, led = $3, due_at = NULL
        WHERE id = $1 AND broadcast_id IS NULL AND cancelled_at IS NULL";
    let fired = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(id.0)
            .bind(broadcast.0)
            .bind(led.code())
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(fired > 0)
}

/// It is kept with a broadcast that was begun with other choices than those of `kept`, and its device is shown no more than
/// that it was taken. False where it became one before, or was called off.
pub async fn attach(tx: &mut Tx, id: ButtonPressId, broadcast: BroadcastId, kept: &Prepared) -> Result<bool> {
    let text = "UPDATE button_press SET broadcast_id = $2, led = $3, prepared = $4, due_at = NULL
        WHERE id = $1 AND broadcast_id IS NULL AND cancelled_at IS NULL";
    let kept = to_json(kept)?;
    let attached = in_tx!(tx, |c| {
        let query = sqlx::query(text).bind(id.0).bind(broadcast.0).bind(Led::Accepted.code());
        query.bind(kept).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(attached > 0)
}

/// Calls off every press of the button that is still to go out. How many there were.
pub async fn cancel(tx: &mut Tx, button: ButtonId, now: Timestamp) -> Result<u64> {
    let text = "UPDATE button_press SET cancelled_at = $2, due_at = NULL
        WHERE button_id = $1 AND due_at IS NOT NULL AND broadcast_id IS NULL AND cancelled_at IS NULL";
    Ok(in_tx!(tx, |c| {
        sqlx::query(text).bind(button.0).bind(now.0).execute(c).await.map(|done| done.rows_affected())
    })?)
}

/// Those that are to go out by now, the longest overdue first.
pub async fn due(db: &Db, now: Timestamp, limit: i64) -> Result<Vec<PressRow>> {
    let text = format!(
        "SELECT {COLUMNS} FROM button_press WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2 + 0"
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(now.0).bind(limit).fetch_all(c).await)?)
}

/// It is tried again at that moment. Nothing where it went out, or was called off.
pub async fn put_off(tx: &mut Tx, id: ButtonPressId, until: Timestamp) -> Result<()> {
    let text = "UPDATE button_press SET due_at = $2
        WHERE id = $1 AND broadcast_id IS NULL AND cancelled_at IS NULL";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(until.0).execute(c).await.map(drop))?;
    Ok(())
}

/// It is not tried any more, and its device is shown from then on that nothing follows. Nothing where it went out, or was
/// called off.
pub async fn give_up(tx: &mut Tx, id: ButtonPressId) -> Result<()> {
    let text = "UPDATE button_press SET due_at = NULL, led = $2
        WHERE id = $1 AND broadcast_id IS NULL AND cancelled_at IS NULL";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(Led::Refused.code()).execute(c).await.map(drop))?;
    Ok(())
}

/// Everything that is to go out, now or later; at most `limit`.
pub async fn waiting(db: &Db, limit: i64) -> Result<Vec<PressRow>> {
    let text = format!(
        "SELECT {COLUMNS} FROM button_press WHERE due_at IS NOT NULL ORDER BY due_at, id LIMIT $1 + 0"
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(limit).fetch_all(c).await)?)
}

row! {
    /// A press that should have become a broadcast.
    pub struct UnsentRow {
        pub button_id: ButtonId,
        pub at: Timestamp,
    }
}

/// Presses between these moments that did not become a broadcast, though nobody called them off; the latest first.
pub async fn unsent(db: &Db, since: Timestamp, until: Timestamp) -> Result<Vec<UnsentRow>> {
    let text = "SELECT button_id, at FROM button_press WHERE prepared IS NOT NULL AND broadcast_id IS NULL
        AND cancelled_at IS NULL AND at > $1 AND at <= $2 ORDER BY id DESC LIMIT 100";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(since.0).bind(until.0).fetch_all(c).await)?)
}

/// What came from a button before `before`, the newest first; at most `limit`.
pub async fn list(
    db: &Db,
    button: ButtonId,
    before: Option<ButtonPressId>,
    limit: u32,
) -> Result<Vec<PressRow>> {
    let text = format!(
        "SELECT {COLUMNS} FROM button_press WHERE button_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3 + 0"
    );
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text))
            .bind(button.0)
            .bind(before.map_or(i64::MAX, |id| id.0))
            .bind(i64::from(limit))
            .fetch_all(c)
            .await
    })?)
}

/// Signs of life before this one are of no use to anybody.
pub async fn forget_beats(tx: &mut Tx, key: ButtonKeyId, latest: ButtonPressId) -> Result<()> {
    let text = "DELETE FROM button_press WHERE key_id = $1 AND signal = $2 AND id < $3";
    in_tx!(tx, |c| {
        sqlx::query(text).bind(key.0).bind(Signal::Heartbeat.code()).bind(latest.0).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Forgets what came before that moment.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM button_press WHERE id IN (SELECT id FROM button_press WHERE at < $1 ORDER BY at LIMIT 5000)";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(before.0).execute(c).await.map(|done| done.rows_affected()))?)
}
