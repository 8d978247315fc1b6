//! What a store is made to forget, and to leave to people, when it comes back from a backup: whatever was done between the
//! backup and now is not in it. Each function is a step of one transaction; `service::restoring` knows their order.

use std::collections::BTreeMap;

use super::counters::{Moves, count, count_day};
use super::deliveries::Moved;
use super::{Db, Tx, attention, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::delivery::{RESTORED, State};
use crate::domain::id::MessageId;
use crate::domain::message::Status;

row! {
    struct OneId {
        id: MessageId,
    }
}

/// Tables whose ids leave the house: in links, mails, cards and alerts, to vendors, devices and whoever calls the API. Those of
/// messages are made of the time.
const GIVEN_OUT: [&str; 24] = [
    "source",
    "api_key",
    "recipient",
    "recipient_group",
    "provider",
    "delivery",
    "receipt",
    "operator",
    "suppression",
    "draft",
    "role",
    "import",
    "alarm",
    "rights_request",
    "registration",
    "scenario",
    "scenario_change",
    "broadcast",
    "button",
    "button_key",
    "button_press",
    "subscription",
    "subscription_event",
    "subscription_handing",
];

/// Has ids that leave the house go on `gap` beyond what this store knows of, and at `floor` at least: whatever the store that
/// was lost gave out since means nobody else.
pub async fn move_ids_ahead(tx: &mut Tx, gap: i64, floor: i64) -> Result<()> {
    for table in GIVEN_OUT {
        match tx {
            Tx::Sqlite(tx) => {
                // A table that never had a row is not remembered yet.
                let there = "INSERT INTO sqlite_sequence (name, seq)
                    SELECT $1, 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = $1)";
                sqlx::query(there).bind(table).execute(&mut **tx).await?;
                let ahead = "UPDATE sqlite_sequence SET seq = max(seq + $2, $3) WHERE name = $1";
                sqlx::query(ahead).bind(table).bind(gap).bind(floor).execute(&mut **tx).await?;
            }
            Tx::Postgres(tx) => {
                let ahead = "SELECT setval(s, GREATEST(COALESCE(pg_sequence_last_value(s), 0) + $2, $3))
                    FROM (SELECT CAST(pg_get_serial_sequence($1, 'id') AS regclass) AS s) AS q";
                sqlx::query(ahead).bind(table).bind(gap).bind(floor).execute(&mut **tx).await?;
            }
        }
    }
    Ok(())
}

/// By which act of the audit log a store says that it was restored last is kept as this setting, and as the next what it is known
/// by.
const LATEST: &str = "restored";
const SEAL: &str = "restored_seal";

row! {
    /// The latest restore of a store.
    pub struct RestoreRow {
        /// Its act in the audit log.
        pub act: i64,
        pub at: Timestamp,
        /// The act's place in the chain; `None` where it has none yet.
        pub place: Option<i64>,
        pub seal: String,
    }
}

/// The number of the latest act of a kind.
pub async fn latest_act(tx: &mut Tx, action: &str) -> Result<Option<i64>> {
    let text = "SELECT max(id) FROM audit WHERE action = $1";
    Ok(in_tx!(tx, |conn| sqlx::query_scalar(text).bind(action).fetch_one(conn).await)?)
}

/// Remembers by which act this store says that it was restored last, and what that is to be known by.
pub async fn remember(tx: &mut Tx, act: i64, seal: &str) -> Result<()> {
    let text = "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    for (name, value) in [(LATEST, act.to_string().as_str()), (SEAL, seal)] {
        in_tx!(tx, |conn| sqlx::query(text).bind(name).bind(value).execute(conn).await.map(drop))?;
    }
    Ok(())
}

const FOUND: &str = "SELECT a.id AS act, a.at, a.place, k.value AS seal
    FROM setting s JOIN setting k ON k.name = $2 JOIN audit a ON a.id = CAST(s.value AS bigint)
    WHERE s.name = $1";

/// How this store was restored last; nothing where it never was.
pub async fn latest(db: &Db) -> Result<Option<RestoreRow>> {
    Ok(in_db!(db, |conn| sqlx::query_as(FOUND).bind(LATEST).bind(SEAL).fetch_optional(conn).await)?)
}

/// As [`latest`], in a transaction.
pub async fn latest_in(tx: &mut Tx) -> Result<Option<RestoreRow>> {
    Ok(in_tx!(tx, |conn| sqlx::query_as(FOUND).bind(LATEST).bind(SEAL).fetch_optional(conn).await)?)
}

/// Messages of broadcasts: somebody may have stopped those since.
const OF_A_BROADCAST: &str = "SELECT message_id FROM broadcast_message";

/// Holds live messages that were to be planned by now, or were being planned, and of broadcasts whatever is not planned; returns
/// them.
pub async fn hold_unplanned(tx: &mut Tx, now: Timestamp) -> Result<Vec<MessageId>> {
    let text = format!(
        "UPDATE message SET status = {held}, reason = '{RESTORED}', lease_owner = NULL, lease_until = NULL,
            updated_at = $1
         WHERE (status = 2 OR status <= 1 AND (send_at <= $1 OR id IN ({OF_A_BROADCAST}))) AND NOT test RETURNING id",
        held = Status::Held.code(),
    );
    let rows: Vec<OneId> = in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(now.0).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// What [`set_aside`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetAside {
    pub n: i64,
    /// Messages that may have nothing open any more, for [`complete`](super::planning::complete).
    pub closed: Vec<MessageId>,
}

/// Leaves up to `limit` live deliveries that were being handed over, and as many that are due by now or wait for a broadcast's
/// later step, to people: nobody knows of them, since they may have been handed over, or called off, after the backup.
pub async fn set_aside(tx: &mut Tx, now: Timestamp, day: &str, limit: i64) -> Result<SetAside> {
    let (mut moves, mut today, mut n) = (Moves::new(), BTreeMap::new(), 0);
    let due_by_now = format!(" AND (due_at <= $1 OR message_id IN ({OF_A_BROADCAST}))");
    for (from, due) in [(State::Sending, ""), (State::Pending, due_by_now.as_str())] {
        let text = format!(
            "WITH picked AS MATERIALIZED (
                SELECT id FROM delivery WHERE state = {from} AND outlet <> 0{due} LIMIT $2 + 0)
             UPDATE delivery SET state = {unknown}, reason = '{RESTORED}', lease_owner = NULL, lease_until = NULL,
                updated_at = $1, counted_at = $1, {trouble}
             WHERE id IN (SELECT id FROM picked) RETURNING message_id, channel, outlet, state",
            from = from.code(),
            unknown = State::Unknown.code(),
            trouble =
                attention::trouble(&State::Unknown.code().to_string(), "NULL", &format!("'{RESTORED}'"), "''"),
        );
        let moved: Vec<Moved> =
            in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(now.0).bind(limit).fetch_all(conn).await)?;
        for row in &moved {
            moves.entry((row.message_id, row.channel)).or_default().shift(from, State::Unknown, 1);
            *today.entry((row.channel.code(), State::Unknown.code())).or_default() += 1;
        }
        n += moved.len() as i64;
    }
    let closed = count(tx, &moves).await?;
    count_day(tx, day, &today).await?;
    Ok(SetAside { n, closed })
}

row! {
    /// What goes out by itself when its time comes.
    #[derive(Default, PartialEq, Eq)]
    pub struct LaterRow {
        /// Live messages that wait for the moment they are scheduled for.
        pub messages: i64,
        /// Live deliveries that wait for another channel's turn, for another try, for the morning.
        pub deliveries: i64,
        /// The first of all these moments.
        pub first_at: Option<Timestamp>,
    }
}

/// What is still to go out by itself after `now`.
pub async fn later(db: &Db, now: Timestamp) -> Result<LaterRow> {
    let text = "SELECT CAST(COALESCE(sum(m), 0) AS bigint) AS messages, CAST(COALESCE(sum(d), 0) AS bigint) AS deliveries,
            min(first_at) AS first_at
        FROM (SELECT count(*) AS m, 0 AS d, min(send_at) AS first_at FROM message
                WHERE status <= 1 AND NOT test AND send_at > $1
            UNION ALL
            SELECT 0, count(*), min(due_at) FROM delivery WHERE state = 0 AND outlet <> 0 AND due_at > $1) AS w";
    Ok(in_db!(db, |conn| sqlx::query_as(text).bind(now.0).fetch_one(conn).await)?)
}

/// Has nothing happen by itself that may have happened, or been called off, since the backup: what nobody answered is not sent
/// once more, broadcasts are not sent on by other channels, what buttons asked for and nobody called off is called off, and
/// what operators began to send again stays as far as it has come. Returns how many of each, in this order.
pub async fn calm(tx: &mut Tx, now: Timestamp) -> Result<[u64; 4]> {
    let steps = [
        "UPDATE delivery SET repeat_at = NULL WHERE repeat_at IS NOT NULL AND $1 >= 0",
        "UPDATE broadcast SET next_at = expires_at WHERE next_at IS NOT NULL AND next_at < expires_at AND $1 >= 0",
        "UPDATE button_press SET due_at = NULL, cancelled_at = $1 WHERE due_at IS NOT NULL",
        "UPDATE attention_act SET finished_at = $1 WHERE finished_at IS NULL",
    ];
    // Nobody is told now of what was begun then.
    let told = "UPDATE broadcast SET untold_since = NULL WHERE untold_since IS NOT NULL";
    in_tx!(tx, |conn| sqlx::query(told).execute(conn).await.map(drop))?;
    let mut done = [0; 4];
    for (text, done) in steps.into_iter().zip(&mut done) {
        *done = in_tx!(tx, |conn| {
            sqlx::query(text).bind(now.0).execute(conn).await.map(|result| result.rows_affected())
        })?;
    }
    Ok(done)
}

/// Ends what gave somebody the right to something at the time of the backup: sessions, one-time links, bindings that wait
/// for a code, codes to be scanned, consents, which may have been withdrawn since; and forgets processes that were there.
/// Returns how many sessions it ended.
pub async fn forget_visitors(tx: &mut Tx) -> Result<u64> {
    let mut sessions = 0;
    for table in ["operator_link", "pending_binding", "scene", "reading_consent", "node", "session"] {
        let text = format!("DELETE FROM {table}");
        sessions = in_tx!(tx, |conn| sqlx::query(sql(text)).execute(conn).await.map(|d| d.rows_affected()))?;
    }
    Ok(sessions)
}
