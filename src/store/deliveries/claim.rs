//! What is due and taken.

use std::collections::{BTreeMap, HashSet};

use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind, Outlet};
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId, RecipientId};
use crate::domain::message::{Lane, Rank, Status};
use crate::store::broadcasts::red_goes_out_from;
use crate::store::counters::Moves;
use crate::store::{Dialect, Tx, in_tx, row, sql, to_json};

row! {
    /// A delivery in the hands of this process.
    pub struct Claimed {
        pub id: DeliveryId,
        pub message_id: MessageId,
        pub channel: ChannelKind,
        pub lane: Lane,
        /// None: an address that is nobody's in the directory.
        pub recipient_id: Option<RecipientId>,
        pub address_kind: Option<AddressKind>,
        pub address: Option<String>,
        pub name: Option<String>,
        pub language: Option<String>,
        pub params: Option<String>,
        /// The recipient's key, or a negative number for an address.
        pub target: i64,
        /// Why it waited, where somebody said so.
        pub reason: Option<String>,
        /// When it was due.
        pub due_at: Timestamp,
        /// Its place in a fallback plan, and that of the plan's last; 0 and 0: no fallback.
        pub step: i64,
        pub last_step: i64,
        /// The number of the attempt this claim starts.
        pub attempts: i64,
        pub failures: i64,
        /// When a provider took it before.
        pub sent_at: Option<Timestamp>,
        /// A crash cut off the attempt before this one.
        pub repeated: bool,
        /// How often it was handed over once more because no answer came.
        pub repeats: i64,
    }
}

/// Deliveries a worker wants.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    pub outlet: Outlet,
    pub lease_ms: i64,
    pub limit: i64,
    /// Of these, those that need not be emergencies.
    pub routine: i64,
    /// And none of those where a red alert has been going out since then, or something later.
    pub still_since: Option<Timestamp>,
}

/// Takes what is due, and counts it as moved.
pub(super) async fn claim(
    tx: &mut Tx,
    now: Timestamp,
    owner: i64,
    wanted: Claim,
    moves: &mut Moves,
    ended: &mut BTreeMap<(i64, i64), i64>,
) -> Result<Vec<Claimed>> {
    let dialect = tx.dialect();
    // Where a quota leaves less for what is no emergency, emergencies of the same claim use it up first. One branch after the other
    // all the way, as nothing else keeps ranks in their order.
    let shares = (1..wanted.limit).contains(&wanted.routine);
    let still = wanted.still_since.filter(|_| wanted.routine > 0).map(MessageId::first_at);
    // Asked here and not before, so that nothing is taken once an alert is kept. PostgreSQL asks it before it looks at anything, and
    // plans by a limit that it knows; SQLite would look at everything that waits, for nothing, but for a limit of none.
    let bounds = |rank: Rank| {
        let most = "$3 + 0".to_owned();
        if still.is_none() || rank.lane() == Lane::Emergency {
            return (String::new(), most);
        }
        let red = red_goes_out_from(if shares { "$7" } else { "$6" });
        match dialect {
            Dialect::Postgres => (format!(" AND NOT {red}"), most),
            Dialect::Sqlite => (String::new(), format!("(SELECT CASE WHEN {red} THEN 0 ELSE $3 END)")),
        }
    };
    // Each rank by itself, so that each look is a walk along an index that ends with the limit.
    let due_of = |rank: Rank| {
        let (unless, most) = bounds(rank);
        format!(
            "SELECT id FROM (SELECT id FROM delivery
                WHERE state = 0 AND outlet = $1 AND lane = {code} AND due_at <= $2{unless}
                ORDER BY due_at, id LIMIT {most}{skip}) AS {name}",
            code = rank.code(),
            name = rank.name(),
            skip = dialect.skip_locked(),
        )
    };
    let due_of_any =
        |ranks: &mut dyn Iterator<Item = Rank>| ranks.map(due_of).collect::<Vec<_>>().join(" UNION ALL ");
    let emergencies = due_of_any(&mut Rank::of_lane(Lane::Emergency));
    let others = due_of_any(&mut Rank::ALL.iter().copied().filter(|rank| rank.lane() != Lane::Emergency));
    let (before, due) = if wanted.routine < 1 {
        (String::new(), emergencies)
    } else if shares {
        let left = "SELECT CASE WHEN count(*) < $6 THEN $6 - count(*) ELSE 0 END FROM urgent";
        (
            format!("urgent AS MATERIALIZED (SELECT id FROM ({emergencies}) AS all_urgent LIMIT $3 + 0), "),
            format!(
                "SELECT id FROM urgent UNION ALL
                 SELECT id FROM (SELECT id FROM ({others}) AS rest LIMIT ({left})) AS routine"
            ),
        )
    } else {
        (String::new(), format!("{emergencies} UNION ALL {others}"))
    };
    let text = format!(
        "WITH {before}picked AS MATERIALIZED (SELECT id FROM ({due}) AS due LIMIT $3 + 0)
         UPDATE delivery SET state = 1, attempts = attempts + 1, lease_owner = $4, lease_until = {now} + $5,
            updated_at = $2
         WHERE id IN (SELECT id FROM picked)
         RETURNING id, message_id, channel, lane, recipient_id, address_kind, address, name, language, params, target, reason,
            due_at, step, last_step, attempts, failures, sent_at, repeated, repeats",
        now = dialect.lease_now("$2"),
    );
    let mut rows: Vec<Claimed> = in_tx!(tx, |conn| {
        let query = sqlx::query_as(sql(text))
            .bind(wanted.outlet.code())
            .bind(now.0)
            .bind(wanted.limit)
            .bind(owner)
            .bind(wanted.lease_ms);
        let query = if shares { query.bind(wanted.routine) } else { query };
        let query = if let Some(first) = still { query.bind(first.0) } else { query };
        query.fetch_all(conn).await
    })?;
    rows.sort_unstable_by_key(|row| (row.lane, row.id));
    let stopped = stopped(tx, now, &rows).await?;
    let is_stopped = |row: &Claimed| stopped.contains(&row.message_id);
    for row in rows.iter().filter(|row| is_stopped(row)) {
        moves.entry((row.message_id, row.channel)).or_default().shift(State::Pending, State::Cancelled, 1);
        let is_live = wanted.outlet != Outlet::Sandbox;
        *ended.entry((row.channel.code(), State::Cancelled.code())).or_default() += i64::from(is_live);
    }
    rows.retain(|row| !is_stopped(row));
    for row in &rows {
        moves.entry((row.message_id, row.channel)).or_default().shift(State::Pending, State::Sending, 1);
    }
    Ok(rows)
}

row! {
    struct Stopped {
        id: MessageId,
    }
}

/// The messages among those claimed that were stopped a moment ago, while their deliveries are still being ended: these are
/// ended here, so that nothing is handed over after a stop.
async fn stopped(tx: &mut Tx, now: Timestamp, rows: &[Claimed]) -> Result<HashSet<MessageId>> {
    let messages: HashSet<_> = rows.iter().map(|row| row.message_id).collect();
    if messages.is_empty() {
        return Ok(messages);
    }
    let ids = to_json(&messages.iter().map(|id| id.0).collect::<Vec<_>>())?;
    let text = format!(
        "SELECT id FROM message WHERE id IN {} AND status = {}",
        tx.dialect().int_list("$1"),
        Status::Cancelled.code()
    );
    let stopped: Vec<Stopped> = in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(ids).fetch_all(conn).await)?;
    let stopped: HashSet<_> = stopped.into_iter().map(|row| row.id).collect();
    if stopped.is_empty() {
        return Ok(stopped);
    }
    let ended = rows.iter().filter(|row| stopped.contains(&row.message_id));
    let ids = to_json(&ended.map(|row| row.id.0).collect::<Vec<_>>())?;
    // It was not tried.
    let text = format!(
        "UPDATE delivery SET state = {}, reason = 'cancelled', attempts = attempts - 1, lease_owner = NULL, lease_until = NULL,
            updated_at = $2, counted_at = $2 WHERE id IN {}",
        State::Cancelled.code(),
        tx.dialect().int_list("$1")
    );
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(ids).bind(now.0).execute(conn).await.map(drop))?;
    Ok(stopped)
}
